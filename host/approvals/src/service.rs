//! The host's side: asking for approval, and using an approval at most once.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock, RwLockReadGuard},
};

use hexgate_bundle::{Clock, SystemClock, Timestamp};
use rusqlite::Transaction;

use crate::{
    answer::Answer,
    approvers::Approvers,
    call::{Call, Conditions, Terms},
    refusal::Refusal,
    request::{Request, RequestId},
    store::{Entry, RequestStore, host},
    tally::RequestState,
    used::{UsedApprovals, UsedApprovalsError},
};

mod status;

pub use status::{Approval, ApprovalStatus, Permit, ServiceError};

/// Asks for approvals and checks answers. Make one for each process and share it between threads.
#[derive(Debug)]
pub struct ApprovalService {
    store: RequestStore,
    approvers: RwLock<Approvers>,
    used_approvals: Option<UsedApprovals>,
    clock: Arc<dyn Clock>,
    /// The requests that this process used, until they expire: restoring an old file does not make them usable again here.
    used: Mutex<HashMap<RequestId, Timestamp>>,
}

impl ApprovalService {
    /// A service with this store, these approvers and the system's clock.
    pub fn new(store: RequestStore, approvers: Approvers) -> Self {
        Self {
            store,
            approvers: RwLock::new(approvers),
            used_approvals: None,
            clock: Arc::new(SystemClock),
            used: Mutex::default(),
        }
    }

    /// Records used approvals in a separate file as well. Default: in the database and in memory only.
    #[must_use]
    pub fn with_used_approvals(mut self, used_approvals: UsedApprovals) -> Self {
        self.used_approvals = Some(used_approvals);
        self
    }

    /// Another clock. Default: the system's.
    #[must_use]
    pub fn with_clock(mut self, clock: impl Clock + 'static) -> Self {
        self.clock = Arc::new(clock);
        self
    }

    /// Replaces the approvers, for a host that reads its list again. Answers of a person who is no longer listed do not count.
    pub fn set_approvers(&self, approvers: Approvers) {
        *self
            .approvers
            .write()
            .unwrap_or_else(PoisonError::into_inner) = approvers;
    }

    /// The database.
    #[must_use]
    pub fn store(&self) -> &RequestStore {
        &self.store
    }

    /// Whether a call may run now. If as many approvers as these terms ask for allowed this call, the approval is used up before this
    /// returns, and the call may run once. A denial holds until the request expires. If there is no request yet, one is made.
    ///
    /// # Errors
    ///
    /// If too few approvals are given and a stored answer does not count, if too few approvers have a role to ever answer, or if the database
    /// or the file of used approvals cannot be used. Then the call must not run.
    pub fn settle(&self, call: &Call, terms: &Terms) -> Result<ApprovalStatus, ServiceError> {
        check_size(call)?;
        let now = self.now()?;
        let conditions = terms.conditions();
        self.store.write(|transaction| {
            let mut asked = None;
            let mut approved = None;
            let mut doubt = None;
            // An attacker can add entries, so one bad entry must not hide a good one: look at all.
            for entry in host::about(transaction, call, &conditions, now)? {
                let id = entry.id;
                match self.judge(&entry, call, terms, now) {
                    Ok(judged) => approved = approved.or(Some(judged)),
                    Err(Refusal::Denied {
                        id,
                        approver,
                        reason,
                    }) => {
                        return Ok(ApprovalStatus::Denied {
                            request: id,
                            approver,
                            reason,
                        });
                    }
                    Err(Refusal::Unanswered(_)) => asked = asked.or(Some((id, 0))),
                    Err(Refusal::TooFew { given, .. }) => asked = asked.or(Some((id, given))),
                    Err(refusal) if refusal.is_past() => {}
                    Err(refusal) => doubt = doubt.or(Some(refusal)),
                }
            }
            // An approval counts beside a doubtful entry. Without one, doubt is an error: a new request would hide the attack.
            let (request, given) = match (approved, doubt, asked) {
                (Some(judged), ..) => {
                    return self
                        .use_up(transaction, judged, now)
                        .map(ApprovalStatus::Approved);
                }
                (None, Some(refusal), _) => return Err(refusal.into()),
                (None, None, asked) => {
                    self.can_be_approved(&conditions)?;
                    match asked {
                        Some(asked) => asked,
                        None => {
                            let request = self.request(call, terms, now)?;
                            host::add(transaction, &request)?.ok_or(ServiceError::TooMany)?;
                            (request.id(), 0)
                        }
                    }
                }
            };
            Ok(ApprovalStatus::Pending {
                request,
                given,
                needed: conditions.approvers,
            })
        })
    }

    /// The request for a call, on these terms: the one that is open, whatever was answered to it, or a new one. Unlike
    /// [`settle`](Self::settle) it uses no approval up.
    ///
    /// # Errors
    ///
    /// As [`settle`](Self::settle).
    pub fn ask(&self, call: &Call, terms: &Terms) -> Result<RequestId, ServiceError> {
        check_size(call)?;
        let now = self.now()?;
        let conditions = terms.conditions();
        self.store.write(|transaction| {
            let (mut found, mut approved, mut doubt) = (None, None, None);
            for entry in host::about(transaction, call, &conditions, now)? {
                match self.judge(&entry, call, terms, now) {
                    Ok(_) => approved = approved.or(Some(entry.id)),
                    Err(
                        Refusal::Denied { .. } | Refusal::Unanswered(_) | Refusal::TooFew { .. },
                    ) => found = found.or(Some(entry.id)),
                    Err(refusal) if refusal.is_past() => {}
                    Err(refusal) => doubt = doubt.or(Some(refusal)),
                }
            }
            match (approved, doubt, found) {
                (Some(id), ..) => Ok(id),
                (None, Some(refusal), _) => Err(refusal.into()),
                (None, None, Some(id)) => Ok(id),
                (None, None, None) => {
                    self.can_be_approved(&conditions)?;
                    let request = self.request(call, terms, now)?;
                    host::add(transaction, &request)?.ok_or(ServiceError::TooMany)?;
                    Ok(request.id())
                }
            }
        })
    }

    /// What became of a request. None: there is none of this name. What it says is for people and clients to see; a call runs by
    /// [`redeem`](Self::redeem) or [`settle`](Self::settle) alone.
    ///
    /// # Errors
    ///
    /// The request was changed in the database, or that cannot be used.
    pub fn state(&self, id: &RequestId) -> Result<Option<(Request, RequestState)>, ServiceError> {
        let now = self.now()?;
        let Some(entry) = self.store.entry(id)? else {
            return Ok(None);
        };
        let request = entry.request.ok_or(Refusal::Altered(*id))?;
        let tally = self.approvers().tally(&request, &entry.answers).state();
        let state = if entry.used_at.is_some() || self.was_used(id, now) {
            RequestState::Used
        } else if tally == RequestState::Pending && !request.is_open(now) {
            RequestState::Expired
        } else {
            tally
        };
        Ok(Some((request, state)))
    }

    /// Uses the approval of the request with this name, for this call. Unlike [`settle`](Self::settle) it makes no request, and its error
    /// says why the call must not run.
    ///
    /// # Errors
    ///
    /// If the request is missing, changed, expired, unanswered, denied, used, or for another call, policy or terms; if its answer does not
    /// count; if the database or the file of used approvals cannot be used. Then the call must not run.
    pub fn redeem(
        &self,
        id: &RequestId,
        call: &Call,
        terms: &Terms,
    ) -> Result<Permit, ServiceError> {
        check_size(call)?;
        let now = self.now()?;
        self.store.write(|transaction| {
            let entry = host::find(transaction, id)?.ok_or(Refusal::Unknown(*id))?;
            let judged = self.judge(&entry, call, terms, now)?;
            self.use_up(transaction, judged, now)
        })
    }

    /// Checks that there are approvers enough.
    fn can_be_approved(&self, conditions: &Conditions) -> Result<(), Refusal> {
        let able = self.approvers().with_role(conditions);
        if able < conditions.approvers.into() {
            return Err(Refusal::TooFewApprovers {
                roles: conditions.approver_roles.clone(),
                needed: conditions.approvers,
                able,
            });
        }
        Ok(())
    }

    /// The request and the approvals of an entry, if all checks hold for this call and there are enough.
    fn judge(
        &self,
        entry: &Entry,
        call: &Call,
        terms: &Terms,
        now: Timestamp,
    ) -> Result<Judged, Refusal> {
        let id = entry.id;
        let request = entry.request.clone().ok_or(Refusal::Altered(id))?;
        // The digest shows that the request is unchanged; these show that it is for this call on this host's terms.
        same_call(id, &request.call, call)?;
        if request.conditions != terms.conditions() {
            return Err(Refusal::OtherTerms(id));
        }
        if entry.used_at.is_some() || self.was_used(&id, now) {
            return Err(Refusal::Used(id));
        }
        // The digest binds the times, but an attacker who can write the database can make requests. One that is open for longer than the
        // host's terms, or made in the future, is not the host's.
        let open = request
            .expires_at
            .unix_seconds()
            .checked_sub(request.created_at.unix_seconds());
        if open.is_none_or(|open| open > terms.seconds()) || request.created_at > now {
            return Err(Refusal::OtherTime(id));
        }
        if !request.is_open(now) {
            return Err(Refusal::Expired {
                id,
                at: request.expires_at,
            });
        }
        let approvers = self.approvers();
        let tally = approvers.tally(&request, &entry.answers);
        if let Some(denial) = tally.denial {
            return Err(Refusal::Denied {
                id,
                approver: denial.approver.clone(),
                reason: denial.reason.clone(),
            });
        }
        let (given, needed) = (tally.given(), tally.needed);
        match tally.approvals.split_first() {
            Some((first, others)) if tally.is_approved() => Ok(Judged {
                first: Approval::from(*first),
                others: others.iter().copied().map(Approval::from).collect(),
                request,
            }),
            first => Err(match (tally.refusals.into_iter().next(), first) {
                (Some(refusal), _) => refusal,
                (None, None) => Refusal::Unanswered(id),
                (None, Some(_)) => Refusal::TooFew { id, given, needed },
            }),
        }
    }

    /// Uses an approval up: in the file of used approvals, in memory, in the database, in this order. If a step fails, the tool does not
    /// run, and the earlier steps keep the approval used.
    fn use_up(
        &self,
        transaction: &Transaction<'_>,
        judged: Judged,
        now: Timestamp,
    ) -> Result<Permit, ServiceError> {
        let id = judged.request.id();
        if let Some(used_approvals) = &self.used_approvals {
            used_approvals.add(&id, now).map_err(|error| match error {
                UsedApprovalsError::Used(id) => ServiceError::Refused(Refusal::Used(id)),
                error => error.into(),
            })?;
        }
        self.used().insert(id, judged.request.expires_at);
        host::use_up(transaction, &id, now)?;
        Ok(Permit {
            request: id,
            approvals: (judged.first, judged.others),
            used_at: now,
        })
    }

    fn request(&self, call: &Call, terms: &Terms, now: Timestamp) -> Result<Request, ServiceError> {
        let expires_at = now
            .unix_seconds()
            .checked_add(terms.seconds())
            .and_then(Timestamp::from_unix_seconds)
            .ok_or(ServiceError::Clock)?;
        let mut nonce = [0; 16];
        // Makes the name new each time, so an old answer never fits a new request.
        getrandom::fill(&mut nonce).map_err(ServiceError::Random)?;
        Ok(Request {
            call: call.clone(),
            conditions: terms.conditions(),
            created_at: now,
            expires_at,
            nonce,
        })
    }

    fn now(&self) -> Result<Timestamp, ServiceError> {
        Timestamp::from_system_time(self.clock.now()).ok_or(ServiceError::Clock)
    }

    fn was_used(&self, id: &RequestId, now: Timestamp) -> bool {
        let mut used = self.used();
        // An expired request is refused anyway, so its use can be forgotten.
        used.retain(|_, expires_at| now < *expires_at);
        used.contains_key(id)
    }

    fn approvers(&self) -> RwLockReadGuard<'_, Approvers> {
        self.approvers
            .read()
            .unwrap_or_else(PoisonError::into_inner)
    }

    fn used(&self) -> MutexGuard<'_, HashMap<RequestId, Timestamp>> {
        self.used.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The largest call, in bytes of all its texts. An approver cannot review more.
const MAX_CALL: usize = 1 << 20;

/// An entry that passed all checks.
struct Judged {
    request: Request,
    first: Approval,
    others: Vec<Approval>,
}

impl From<&Answer> for Approval {
    fn from(answer: &Answer) -> Self {
        Self {
            approver: answer.approver.clone(),
            answered_at: answer.answered_at,
            reason: answer.reason.clone(),
        }
    }
}

fn check_size(call: &Call) -> Result<(), ServiceError> {
    let caller = &call.caller;
    let texts = [&call.agent, &call.tool, &call.arguments, &caller.user];
    let optional = [&caller.session, &caller.attributes];
    let size = texts
        .into_iter()
        .chain(&caller.roles)
        .chain(optional.into_iter().flatten())
        .map(String::len)
        .sum();
    if size > MAX_CALL {
        return Err(ServiceError::TooLarge {
            size,
            limit: MAX_CALL,
        });
    }
    Ok(())
}

/// Checks that a request is for a call. The policy comes last, so that it is reported only if nothing else differs.
fn same_call(id: RequestId, asked: &Call, call: &Call) -> Result<(), Refusal> {
    let (was, is) = (&asked.caller, &call.caller);
    let fields = [
        ("agent", asked.agent == call.agent),
        ("user", was.user == is.user),
        ("roles", was.roles == is.roles),
        ("session", was.session == is.session),
        ("attributes", was.attributes == is.attributes),
        ("tool", asked.tool == call.tool),
        ("arguments", asked.arguments == call.arguments),
    ];
    if let Some((field, _)) = fields.into_iter().find(|(_, same)| !same) {
        return Err(Refusal::OtherCall { id, field });
    }
    if asked.policy != call.policy {
        return Err(Refusal::OtherPolicy(id));
    }
    Ok(())
}
