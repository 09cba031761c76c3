//! Records decisions in the audit log.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::time::SystemTime;

use hexgate_audit::{
    AuditLog, DigestKey, ErrorClass, Hint, Note, Options, Outcome as Recorded, Receipt, Record,
    WhenUnwritable,
};
use hexgate_host::bundle::Digest;

use super::{Ended, RecordError, Recorder};
use crate::decision::{Cause, Decision, DecisionId, Effect};
use crate::live::Refresh;
use hexgate_base::guarded::locked;

/// The most pending decisions whose record numbers are remembered.
const MAX_WAITING: usize = 10_000;

/// Records decisions in an [`AuditLog`], with notes about approvals and replacements of the policy beside them. It keeps each policy's
/// component for replays, before the first decision by it is recorded.
///
/// Whether a decision passes that cannot be recorded is [the log's option](hexgate_audit::WhenUnwritable); give the enforcer
/// [`OnRecordFailure::Deny`](crate::OnRecordFailure) with it. A call that runs by an approval is denied if the note of that fails, whatever
/// the option.
#[derive(Debug)]
pub struct AuditRecorder {
    log: AuditLog,
    /// The components that are kept already.
    kept: Mutex<BTreeSet<Digest>>,
    /// The record numbers of decisions that wait for approval. The oldest are forgotten.
    waiting: Mutex<BTreeMap<DecisionId, u64>>,
    /// The reason why the policy was not replaced that the log has already.
    kept_because: Mutex<Option<String>>,
}

impl AuditRecorder {
    /// Records in this log.
    #[must_use]
    pub fn new(log: AuditLog) -> Self {
        Self {
            log,
            kept: Mutex::default(),
            waiting: Mutex::default(),
            kept_because: Mutex::default(),
        }
    }

    /// Records in a folder, with the key of its digests beside it as `FOLDER.key`. Both are made if they are missing. What cannot be
    /// recorded is denied, if the enforcer denies it.
    ///
    /// # Errors
    ///
    /// The key or the log cannot be opened.
    pub fn in_folder(folder: &Path) -> Result<Self, RecordError> {
        let mut key = folder.to_owned().into_os_string();
        key.push(".key");
        let key = DigestKey::open_or_create(PathBuf::from(key))?;
        let log = AuditLog::open(folder, Options::new(key), SystemTime::now())?;
        Ok(Self::new(log))
    }

    /// The log.
    #[must_use]
    pub fn log(&self) -> &AuditLog {
        &self.log
    }

    fn keep_component(&self, decision: &Decision) -> Result<(), RecordError> {
        let digest = decision.policy().component;
        if locked(&self.kept).contains(&digest) {
            return Ok(());
        }
        match self.log.keep_component(decision.component()) {
            Ok(_) => {
                locked(&self.kept).insert(digest);
                Ok(())
            }
            // An operator who lets decisions pass without a record lets them pass without the component, too.
            Err(error) if self.log.when_unwritable() == WhenUnwritable::Count => {
                tracing::error!(component = %digest, %error, "a component that decides is not kept beside the audit log");
                Ok(())
            }
            Err(error) => Err(error.into()),
        }
    }

    fn record_decision(&self, decision: &Decision) -> Result<(), RecordError> {
        let caller = decision.caller();
        let roles: Vec<&str> = caller
            .map(|caller| caller.roles().iter().map(String::as_str).collect())
            .unwrap_or_default();
        let policy = decision.policy();
        let outcome = recorded(decision);
        let was_asked = decision.facts().is_some();
        let id = decision.id().to_string();
        let receipt = self.log.record(&Record {
            at: decision.decided_at(),
            id: Some(&id),
            agent: decision.agent(),
            project: policy
                .project
                .as_deref()
                .or(caller.and_then(|caller| Some(caller.credential()?.project()))),
            user: caller.map(|caller| caller.user_id()),
            session: caller.and_then(|caller| caller.session()),
            roles: &roles,
            tool: decision.tool(),
            arguments: decision.arguments(),
            facts: decision.facts(),
            policy: decision.version.digest,
            component: was_asked.then_some(policy.component),
            outcome: &outcome,
            took: decision.took(),
            shadow: decision.shadow(),
        })?;
        if let Receipt::Written(head) = receipt
            && decision.outcome() == Effect::NeedsApproval
        {
            let mut waiting = locked(&self.waiting);
            // The number only helps readers; the notes name the decisions, too.
            waiting.insert(decision.id(), head.n);
            if waiting.len() > MAX_WAITING {
                waiting.pop_first();
            }
        }
        Ok(())
    }

    /// Notes the answer for a recorded decision. The note identifies the call even without that record.
    fn record_approval(&self, decision: &Decision, asked: DecisionId) -> Result<(), RecordError> {
        let event = match decision.outcome() {
            _ if !by_approval(decision) => "approval_void",
            Effect::Allow => "approval_used",
            Effect::NeedsApproval => "approval_pending",
            Effect::Deny => "approval_refused",
        };
        let (id, asked_id) = (decision.id().to_string(), asked.to_string());
        let arguments = self.log.digest_key().of_arguments(decision.arguments());
        let arguments = arguments.to_string();
        let mut details = vec![
            ("decision", id.as_str()),
            ("asked_by", asked_id.as_str()),
            ("agent", decision.agent()),
            ("tool", decision.tool()),
            ("arguments_digest", &arguments),
        ];
        details.extend(decision.caller().map(|caller| ("user", caller.user_id())));
        details.extend(decision.approved_by().map(|by| ("approved_by", by)));
        let reason = decision.approval_reason();
        details.extend(reason.map(|reason| ("approval_reason", reason)));
        let request = decision.pending_request().or(decision.approved_request());
        details.extend(request.map(|request| ("request", request)));
        if decision.outcome() == Effect::Deny {
            details.push(("reason", decision.reason()));
        }
        let about = locked(&self.waiting).remove(&asked);
        self.log.note(&Note {
            at: decision.decided_at(),
            event,
            about,
            details: &details,
        })?;
        Ok(())
    }
}

impl Recorder for AuditRecorder {
    fn record(&self, decision: &Decision) -> Result<(), RecordError> {
        // If the policy or the kill switch decides after the answer, that is a decision of its own.
        if decision.follows().is_none() || !by_approval(decision) {
            self.keep_component(decision)?;
            self.record_decision(decision)?;
        }
        match decision.follows() {
            Some(asked) => self.record_approval(decision, asked),
            None => Ok(()),
        }
    }

    fn ended(&self, ended: &Ended<'_>) -> Result<(), RecordError> {
        let decision = ended.decision.to_string();
        self.log.ended(&hexgate_audit::Ended {
            at: ended.at,
            decision: &decision,
            tool: ended.tool,
            ran: ended.ran,
            state: ended.state,
            result: ended.result,
            error: ended.error,
            took: ended.took,
        })?;
        Ok(())
    }

    fn lost(&self) -> u64 {
        self.log.lost()
    }

    fn refreshed(&self, refresh: &Refresh) {
        let (event, details) = match refresh {
            Refresh::Unchanged => {
                locked(&self.kept_because).take();
                return;
            }
            Refresh::Replaced(id) => {
                locked(&self.kept_because).take();
                let mut details = vec![
                    ("origin", id.origin.clone()),
                    ("component", id.component.to_string()),
                ];
                details.extend(id.manifest.map(|it| ("manifest", it.to_string())));
                details.extend(id.sequence.map(|it| ("sequence", it.to_string())));
                details.extend(id.signer.map(|it| ("signer", it.to_string())));
                ("policy_replaced", details)
            }
            Refresh::Kept(error) => {
                let reason = error.to_string();
                let mut said = locked(&self.kept_because);
                if said.as_ref() == Some(&reason) {
                    return;
                }
                *said = Some(reason.clone());
                ("policy_not_replaced", vec![("reason", reason)])
            }
        };
        let details: Vec<_> = details
            .iter()
            .map(|(name, it)| (*name, it.as_str()))
            .collect();
        let noted = self.log.note(&Note {
            at: SystemTime::now(),
            event,
            about: None,
            details: &details,
        });
        if let Err(error) = noted {
            tracing::error!(%error, event, "a note is missing in the audit log");
        }
    }
}

/// Whether the answer to a request for approval, or its absence, decided.
fn by_approval(decision: &Decision) -> bool {
    decision.cause() == Cause::Approval || decision.pending_request().is_some()
}

/// A decision in the form of the log.
fn recorded(decision: &Decision) -> Recorded {
    let reason = || decision.reason().to_owned();
    let error = |error| Recorded::Error {
        error,
        reason: reason(),
    };
    match (decision.outcome(), decision.cause(), decision.grant()) {
        (Effect::Allow, _, Some(grant)) => Recorded::Allow {
            role: grant.role,
            scope: grant.scope,
        },
        (Effect::NeedsApproval, _, Some(grant)) => Recorded::NeedsApproval {
            role: grant.role,
            scope: grant.scope,
            terms: decision.terms.as_ref().map(|(id, _)| *id),
            message: decision.message().map(str::to_owned),
        },
        (Effect::Deny, Cause::Policy, _) => Recorded::Deny {
            reason: reason(),
            violations: decision.violations().to_vec(),
            hint: decision.hint().map(Hint::from),
            message: decision.message().map(str::to_owned),
        },
        (_, Cause::Malformed, _) => error(ErrorClass::Malformed),
        (_, Cause::Exceeded, _) => error(ErrorClass::Exceeded),
        (_, Cause::Guest, _) => error(ErrorClass::Guest),
        (_, Cause::Validity, _) => error(ErrorClass::Validity),
        (_, Cause::Host, _) => error(ErrorClass::Host),
        (_, cause, _) => Recorded::Refused {
            code: cause.as_str().to_owned(),
            reason: reason(),
        },
    }
}
