//! What decides: the policy, the log, the approvals.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant, SystemTime};

use hexgate_base::sentence;
use hexgate_enforce::approvals::{ApprovalService, Approvers, RequestStore, Terms, UsedApprovals};
use hexgate_enforce::audit::{
    AuditLog, DigestKey, DigestKeyError, FolderError, OpenError, Options as LogOptions,
};
use hexgate_enforce::host::Engine;
use hexgate_enforce::resolve::{Resolved, Resolver};
use hexgate_enforce::{
    Approvals, AuditRecorder, Call, Caller, DurableApprovals, Enforcer, OnRecordFailure,
};

use super::Hook;
use crate::failure::Failure;

/// The tool under which an event that is no call is recorded.
const NO_CALL: &str = "hook-event";

/// Where decisions are recorded.
#[derive(Debug, Clone)]
pub struct Auditing {
    /// The folder of the log, for this hook alone.
    pub folder: PathBuf,
    /// The file of the key of the digests. It is made if it is missing.
    pub key: PathBuf,
}

/// How approvals are asked for and kept.
#[derive(Debug, Clone)]
pub struct Approving {
    /// The database of requests. It is made if it is missing.
    pub db: PathBuf,
    /// The file that lists the approvers.
    pub approvers: PathBuf,
    /// The roles of approvers that suffice where the policy names none.
    pub roles: Vec<String>,
    /// The file of used approvals, which the operator made. None: the database alone says what was used.
    pub used: Option<PathBuf>,
}

impl Hook {
    /// The policy.
    pub(super) fn policy(&self) -> Result<Resolved, Failure> {
        let failed = |error: &(dyn std::error::Error + 'static)| Failure::Policy(sentence(error));
        let options = &self.0;
        let engine = Engine::new().map_err(|error| failed(&error))?;
        let name = options.name.as_deref().unwrap_or(options.agent.name());
        Resolver::new(name, &engine)
            .resolve(&options.environment)
            .map_err(|error| failed(&error))
    }

    /// The enforcer, with the log and the approvals if there are any.
    pub(super) fn enforcer(&self) -> Result<Enforcer, Failure> {
        let mut builder = self.policy()?.enforcer();
        if let Some(audit) = &self.0.audit {
            let log = self.log(audit)?;
            builder = builder.recorder(AuditRecorder::new(log), OnRecordFailure::Deny);
        }
        if let Some(approvals) = &self.0.approvals {
            builder = builder.approvals(Approvals::handler(asking(approvals)?));
        }
        builder
            .build()
            .map_err(|error| Failure::Broken(sentence(&error)))
    }

    /// Records an event that could not be read, if there is a log. The answer is a denial either way.
    pub(super) fn note(&self, failure: &Failure) {
        if self.0.audit.is_none() {
            return;
        }
        let caller = Caller::builder(&*self.0.caller)
            .roles(&self.0.roles)
            .build();
        if let (Ok(enforcer), Ok(caller)) = (self.enforcer(), caller) {
            let _ = enforcer.refuse(Call::of(&caller, NO_CALL, "{}"), sentence(failure));
        }
    }

    /// Opens the log. One process at a time has it, so others wait.
    pub(super) fn log(&self, audit: &Auditing) -> Result<AuditLog, Failure> {
        let failed = |error: &(dyn std::error::Error + 'static)| Failure::Audit(sentence(error));
        let key = key(&audit.key).map_err(|error| failed(&error))?;
        let begin = Instant::now();
        loop {
            let options = LogOptions::new(key.clone());
            match AuditLog::open(&audit.folder, options, SystemTime::now()) {
                Err(OpenError::Folder(FolderError::Busy { .. }))
                    if begin.elapsed() < self.0.limit / 4 =>
                {
                    thread::sleep(Duration::from_millis(3));
                }
                opened => return opened.map_err(|error| failed(&error)),
            }
        }
    }
}

fn key(path: &Path) -> Result<DigestKey, DigestKeyError> {
    if path.symlink_metadata().is_ok() {
        return DigestKey::from_file(path);
    }
    // Another process may have made it meanwhile.
    DigestKey::create(path).or_else(|_| DigestKey::from_file(path))
}

fn asking(approving: &Approving) -> Result<DurableApprovals, Failure> {
    let failed = |error: &(dyn std::error::Error + 'static)| Failure::Approvals(sentence(error));
    let approvers = Approvers::from_file(&approving.approvers).map_err(|error| failed(&error))?;
    let store = RequestStore::open_or_create(&approving.db).map_err(|error| failed(&error))?;
    let terms =
        Terms::new(approving.roles.iter().map(String::as_str)).map_err(|error| failed(&error))?;
    let mut service = ApprovalService::new(store, approvers);
    if let Some(used) = &approving.used {
        let used = UsedApprovals::open(used).map_err(|error| failed(&error))?;
        service = service.with_used_approvals(used);
    }
    Ok(DurableApprovals::new(Arc::new(service), terms))
}
