//! What the answers to a request come to.

use hexgate_bundle::Timestamp;

use crate::{
    answer::{Answer, Decision, MAX_ANSWERS, StoredAnswer},
    approvers::{Approver, Approvers},
    refusal::Refusal,
    request::Request,
};

/// What the answers to a request come to, as far as they count.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tally<'a> {
    /// The approvals that count, each by another person, the earliest first.
    pub approvals: Vec<&'a Answer>,
    /// The first denial that counts.
    pub denial: Option<&'a Answer>,
    /// Why each of the other answers does not count.
    pub refusals: Vec<Refusal>,
    /// How many approvals are needed.
    pub needed: u8,
}

/// What became of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum RequestState {
    /// Too few approvers have answered yet.
    Pending,
    /// Enough approvers approved it. The approval was not used yet; it may have expired.
    Approved {
        /// When the last approval that is needed was given.
        at: Timestamp,
    },
    /// An approver denied it.
    Denied,
    /// It expired unanswered.
    Expired,
    /// Its approval was used.
    Used,
}

impl Tally<'_> {
    /// What the answers come to, whatever time it is.
    pub(crate) fn state(&self) -> RequestState {
        if self.denial.is_some() {
            return RequestState::Denied;
        }
        let needed = usize::from(self.needed).checked_sub(1);
        match needed.and_then(|last| self.approvals.get(last)) {
            Some(last) if self.is_approved() => RequestState::Approved {
                at: last.answered_at,
            },
            _ => RequestState::Pending,
        }
    }

    /// How many approvals count.
    #[must_use]
    pub fn given(&self) -> u8 {
        u8::try_from(self.approvals.len()).unwrap_or(u8::MAX)
    }

    /// Whether the call may run: enough approvers approved it, and none denied it.
    #[must_use]
    pub fn is_approved(&self) -> bool {
        self.denial.is_none() && self.needed > 0 && self.given() >= self.needed
    }
}

impl Approvers {
    /// Counts the answers to a request: those that [`check`](Self::check) accepts, approvals once for each person. Of a person are all
    /// answers under one entry of this list, and under entries that have a user in common.
    #[must_use]
    pub fn tally<'a>(&self, request: &Request, answers: &'a [StoredAnswer]) -> Tally<'a> {
        let id = request.id();
        let mut tally = Tally {
            approvals: vec![],
            denial: None,
            refusals: vec![],
            needed: request.conditions.approvers,
        };
        let mut people: Vec<&Approver> = vec![];
        for answer in answers.iter().take(MAX_ANSWERS) {
            let StoredAnswer::Readable(answer) = answer else {
                tally.refusals.push(Refusal::Unreadable(id));
                continue;
            };
            let approver = match self.check(request, answer) {
                Ok(approver) => approver,
                Err(refusal) => {
                    tally.refusals.push(refusal);
                    continue;
                }
            };
            match answer.decision {
                Decision::Deny => tally.denial = tally.denial.or(Some(answer)),
                Decision::Approve => {
                    if let Some(before) = people.iter().find(|other| other.is_also(approver)) {
                        tally.refusals.push(Refusal::SamePerson {
                            id,
                            approver: approver.id.clone(),
                            before: before.id.clone(),
                        });
                        continue;
                    }
                    people.push(approver);
                    tally.approvals.push(answer);
                }
            }
        }
        if answers.len() > MAX_ANSWERS {
            tally.approvals.clear();
            tally.refusals.insert(0, Refusal::TooManyAnswers(id));
        }
        tally
    }
}
