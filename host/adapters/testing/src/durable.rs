//! Approvals that are kept in a database: what holds for them in every framework.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::SystemTime;

use hexgate_enforce::approvals::{
    ApprovalService, Approver, Approvers, Decision, RequestStore, Terms,
};
use hexgate_enforce::host::bundle::{PrivateKey, Timestamp};
use hexgate_enforce::{Approvals, Caller, DurableApprovals, Enforcer};
use tempfile::TempDir;

use crate::{Record, caller, replaceable};

/// An approver. She has the database and her key, and nothing of the process that asks.
#[derive(Debug)]
pub struct Carol {
    folder: TempDir,
    key: PrivateKey,
}

impl Carol {
    /// With a database of her own, which is empty.
    #[must_use]
    pub fn new() -> Self {
        Self {
            folder: tempfile::tempdir().unwrap(),
            key: PrivateKey::from_bytes(&[7; 32]),
        }
    }

    /// Asks her.
    #[must_use]
    pub fn approvals(&self) -> DurableApprovals {
        let store = RequestStore::open_or_create(self.file()).unwrap();
        let service = ApprovalService::new(store, self.approvers());
        DurableApprovals::new(Arc::new(service), Terms::new(["desk"]).unwrap())
    }

    /// The names of all requests, the oldest first.
    #[must_use]
    pub fn requests(&self) -> Vec<String> {
        let store = RequestStore::open(self.file()).unwrap();
        let entries = store.entries().unwrap().into_iter();
        entries.map(|entry| entry.id.to_string()).collect()
    }

    /// Approves a request.
    pub fn approve(&self, request: &str) {
        self.answer(request, Decision::Approve);
    }

    /// Refuses a request.
    pub fn refuse(&self, request: &str) {
        self.answer(request, Decision::Deny);
    }

    fn answer(&self, request: &str, decision: Decision) {
        let store = RequestStore::open(self.file()).unwrap();
        let (request, approvers) = (request.parse().unwrap(), self.approvers());
        let now = Timestamp::from_system_time(SystemTime::now()).unwrap();
        store
            .answer(&request, &approvers, &self.key, decision, "seen", now)
            .unwrap();
    }

    fn file(&self) -> PathBuf {
        self.folder.path().join("approvals.db")
    }

    fn approvers(&self) -> Approvers {
        let carol = Approver {
            id: "carol".to_owned(),
            keys: vec![self.key.public_key()],
            roles: vec!["desk".to_owned()],
            users: Vec::new(),
        };
        Approvers::new(vec![carol]).unwrap()
    }
}

impl Default for Carol {
    fn default() -> Self {
        Self::new()
    }
}

/// What came of a call that the model of an agent proposed.
#[derive(Debug)]
pub struct Proposed {
    /// How often the tool ran.
    pub ran: usize,
    /// What was told of the call: to the model, or to the program where the agent stops.
    pub told: String,
}

/// What the model reads where it calls a tool that the policy denies now, whatever the arguments.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Denied {
    /// The denial.
    IsTold,
    /// What the framework says of a tool that it does not offer, if it says anything.
    IsNotOffered,
}

/// Holds a framework to what durable approvals are, for this tool.
///
/// `propose` builds an agent behind this enforcer and runs it on behalf of this caller; its model proposes the tool with these arguments, once. `asks`
/// makes the enforcer's way to ask of Carol's.
pub async fn holds_durable_approvals(
    tool: &str,
    denied: Denied,
    asks: impl Fn(DurableApprovals) -> Approvals,
    propose: impl AsyncFn(&Enforcer, Caller, &str) -> Proposed,
) {
    let policy = format!(
        "roles:\n  user:\n    tools:\n      {tool}: {{ mode: approval_required }}\n      other: {{ mode: allow }}\n"
    );
    let (builder, record, file) = replaceable(&policy);
    let carol = Carol::new();
    let enforcer = builder.approvals(asks(carol.approvals())).build().unwrap();
    let (one, two) = (r#"{"n":1}"#, r#"{"n":2}"#);
    let alice = async |arguments| propose(&enforcer, caller("alice"), arguments).await;

    // It is stored, the name of the request is told, and made again it is the same request.
    let request = waits(&carol, 0, &alice(one).await);
    again(&carol, &request, &alice(one).await);

    // The answer is for this call, of this caller. It counts once.
    carol.approve(&request);
    let of_two = waits(&carol, 1, &alice(two).await);
    let of_bob = propose(&enforcer, caller("bob"), one).await;
    waits(&carol, 2, &of_bob);
    assert_eq!(alice(one).await.ran, 1, "{:?}", record.lines());
    let next = waits(&carol, 3, &alice(one).await);
    let allowed = format!("allow {tool} {one} for alice");
    assert_eq!(count(&record, &allowed), 1, "{:?}", record.lines());

    // A refusal holds.
    carol.refuse(&of_two);
    let refused = alice(two).await;
    assert_eq!(refused.ran, 0);
    assert!(refused.told.contains("[policy_denied]"), "{refused:?}");

    // An approval is for the policy under which it was asked.
    carol.approve(&next);
    file.replace(&policy.replace("other:", "another:"));
    let under_another = waits(&carol, 4, &alice(one).await);
    carol.approve(&under_another);
    file.replace(&policy.replace("approval_required", "deny"));
    let in_vain = alice(one).await;
    assert_eq!(in_vain.ran, 0);
    let is_told = in_vain.told.contains("[policy_denied]");
    assert_eq!(is_told, denied == Denied::IsTold, "{in_vain:?}");
    assert_eq!(carol.requests().len(), 5);
    assert_eq!(count(&record, &allowed), 1, "{:?}", record.lines());
}

/// The call did not run, and waits for an answer to a request of its own. Gives the name of that.
fn waits(carol: &Carol, requests_before: usize, proposed: &Proposed) -> String {
    assert_eq!(proposed.ran, 0, "{proposed:?}");
    let requests = carol.requests();
    assert_eq!(requests.len(), requests_before + 1, "{proposed:?}");
    let told = requests.iter().find(|it| proposed.told.contains(*it));
    assert!(told.is_some(), "{proposed:?} of {requests:?}");
    told.cloned().unwrap_or_default()
}

/// The call did not run, and waits for an answer to this request.
fn again(carol: &Carol, request: &str, proposed: &Proposed) {
    assert_eq!(proposed.ran, 0, "{proposed:?}");
    assert!(proposed.told.contains(request), "{proposed:?}");
    assert_eq!(carol.requests(), [request]);
}

fn count(record: &Record, line: &str) -> usize {
    record.lines().iter().filter(|it| *it == line).count()
}
