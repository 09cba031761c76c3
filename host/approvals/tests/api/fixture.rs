//! A folder with a database, three approvers, and a clock that shows what it was set to.

use std::{
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, SystemTime},
};

use hexgate_approvals::{
    AnswerError, Answered, ApprovalService, ApprovalStatus, Approver, Approvers, Call, Caller,
    Decision, Permit, Refusal, RequestId, RequestStore, ServiceError, Terms, UsedApprovals,
};
use hexgate_bundle::{Clock, Digest, PrivateKey, Timestamp};
use rusqlite::Connection;
use tempfile::TempDir;

pub(crate) const START: u64 = 1_800_000_000;

/// Carol may answer for finance, Dan for finance and support, Erin for support only.
pub(crate) fn key(of: &str) -> PrivateKey {
    let seed = match of {
        "carol" => 1,
        "dan" => 2,
        "erin" => 3,
        "fay" => 4,
        "fay's other" => 5,
        "gus" => 6,
        "gus's other" => 7,
        _ => 9,
    };
    PrivateKey::from_bytes(&[seed; 32])
}

pub(crate) fn approvers() -> Approvers {
    let approver = |id: &str, roles: &[&str], users: &[&str]| Approver {
        id: id.to_owned(),
        keys: vec![key(id).public_key()],
        roles: roles.iter().map(|role| (*role).to_owned()).collect(),
        users: users.iter().map(|user| (*user).to_owned()).collect(),
    };
    Approvers::new(vec![
        approver("carol", &["finance"], &["carol@example.com"]),
        approver("dan", &["finance", "support"], &[]),
        approver("erin", &["support"], &[]),
    ])
    .unwrap()
}

pub(crate) fn call() -> Call {
    Call {
        agent: "support-bot".to_owned(),
        caller: Caller {
            user: "alice".to_owned(),
            roles: vec!["support".to_owned()],
            session: None,
            attributes: None,
        },
        tool: "close_account".to_owned(),
        arguments: r#"{"account": 17}"#.to_owned(),
        policy: Digest::of(b"policy 1"),
    }
}

pub(crate) fn terms() -> Terms {
    Terms::new(["finance"]).unwrap()
}

#[derive(Debug, Clone)]
pub(crate) struct Manual(Arc<AtomicU64>);

impl Clock for Manual {
    fn now(&self) -> SystemTime {
        SystemTime::UNIX_EPOCH + Duration::from_secs(self.0.load(Ordering::Relaxed))
    }
}

pub(crate) struct Fixture {
    folder: TempDir,
    clock: Manual,
}

impl Fixture {
    pub(crate) fn new() -> Self {
        Self {
            folder: tempfile::tempdir().unwrap(),
            clock: Manual(Arc::new(AtomicU64::new(START))),
        }
    }

    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    pub(crate) fn file(&self) -> PathBuf {
        self.folder.path().join("approvals.db")
    }

    /// What a host does when it starts.
    pub(crate) fn service(&self) -> ApprovalService {
        ApprovalService::new(
            RequestStore::open_or_create(self.file()).unwrap(),
            approvers(),
        )
        .with_clock(self.clock.clone())
    }

    pub(crate) fn service_with_used_approvals(&self) -> ApprovalService {
        self.service()
            .with_used_approvals(UsedApprovals::open(self.make_used_approvals()).unwrap())
    }

    /// A file of used approvals, empty if it is new.
    pub(crate) fn make_used_approvals(&self) -> PathBuf {
        use std::os::unix::fs::OpenOptionsExt;
        let path = self.folder.path().join("used");
        let mut options = std::fs::File::options();
        options.append(true).create(true).mode(0o600);
        options.open(&path).unwrap();
        path
    }

    pub(crate) fn clock(&self) -> Manual {
        self.clock.clone()
    }

    pub(crate) fn now(&self) -> Timestamp {
        Timestamp::from_system_time(self.clock.now()).unwrap()
    }

    pub(crate) fn pass(&self, seconds: u64) {
        self.clock.0.fetch_add(seconds, Ordering::Relaxed);
    }

    pub(crate) fn set(&self, seconds: u64) {
        self.clock.0.store(seconds, Ordering::Relaxed);
    }

    /// Answers as somebody, in the way that the command line does.
    pub(crate) fn answer(
        &self,
        request: &RequestId,
        by: &str,
        decision: Decision,
    ) -> Result<Answered, AnswerError> {
        self.answer_as(request, &approvers(), by, decision, "because")
    }

    /// Answers with a list of approvers and a reason.
    pub(crate) fn answer_as(
        &self,
        request: &RequestId,
        approvers: &Approvers,
        by: &str,
        decision: Decision,
        reason: &str,
    ) -> Result<Answered, AnswerError> {
        RequestStore::open(self.file()).unwrap().answer(
            request,
            approvers,
            &key(by),
            decision,
            reason,
            self.now(),
        )
    }

    pub(crate) fn approve(&self, request: &RequestId) {
        self.answer(request, "carol", Decision::Approve).unwrap();
    }

    /// What whoever can write the database does.
    pub(crate) fn edit(&self, sql: &str) -> usize {
        let connection = Connection::open(self.file()).unwrap();
        connection.execute(sql, ()).unwrap()
    }
}

/// The name of the request that waits.
pub(crate) fn pending(status: Result<ApprovalStatus, ServiceError>) -> RequestId {
    match status {
        Ok(ApprovalStatus::Pending { request, .. }) => request,
        other => panic!("{other:?}"),
    }
}

pub(crate) fn approved(status: Result<ApprovalStatus, ServiceError>) -> Permit {
    match status {
        Ok(ApprovalStatus::Approved(permit)) => permit,
        other => panic!("{other:?}"),
    }
}

pub(crate) fn refused<T: std::fmt::Debug>(result: Result<T, ServiceError>) -> Refusal {
    match result {
        Err(ServiceError::Refused(refusal)) => refusal,
        other => panic!("{other:?}"),
    }
}
