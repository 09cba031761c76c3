//! Asking a person: durable requests, signed answers, approvals that count once.
//!
//! A policy can require that a person allows a call. Then the host puts a [`Request`] into a database, and the call waits, or fails and is
//! made again later. An approver, who is not the caller, reads it (`hexgate approvals`) and signs an answer. When the call is made again,
//! the approval is used up and the call runs, once. The [`Terms`] can ask for several approvers.
//!
//! The database is not trusted. An answer counts only if an [`Approver`] of the host's own configuration signed the request's name, and
//! that name is the digest of everything in the request: agent, caller, tool, exact arguments, policy, terms, times. An attacker who can
//! write the database can delete or delay requests and answers, and no more.
//!
//! # Example
//!
//! ```
//! use std::time::SystemTime;
//! use hexgate_approvals::{Approver, Approvers, Call, Caller, Decision, ApprovalService, RequestStore, ApprovalStatus, Terms};
//! use hexgate_bundle::{Digest, PrivateKey, Timestamp};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let folder = tempfile::tempdir()?;
//! # let file = folder.path().join("approvals.db");
//! # let carols = PrivateKey::from_bytes(&[7; 32]);
//! // The host. In production the approvers come from a file that the agent cannot write.
//! let approvers = Approvers::new(vec![Approver {
//!     id: "carol".into(),
//!     keys: vec![carols.public_key()],
//!     roles: vec!["finance".into()],
//!     users: vec![],
//! }])?;
//! let service = ApprovalService::new(RequestStore::open_or_create(&file)?, approvers.clone());
//! let call = Call {
//!     agent: "support-bot".into(),
//!     caller: Caller { user: "alice".into(), roles: vec!["support".into()], ..Caller::default() },
//!     tool: "close_account".into(),
//!     arguments: r#"{"account": 17}"#.into(),
//!     policy: Digest::of(b"the manifest of the policy's bundle"),
//! };
//! let terms = Terms::new(["finance"])?;
//! let ApprovalStatus::Pending { request, .. } = service.settle(&call, &terms)? else { panic!("no approver has answered") };
//!
//! // The approver, in another process.
//! let now = Timestamp::from_system_time(SystemTime::now()).ok_or("what a clock")?;
//! RequestStore::open(&file)?.answer(&request, &approvers, &carols, Decision::Approve, "as agreed", now)?;
//!
//! // The host again: the call may run now, once.
//! let ApprovalStatus::Approved(permit) = service.settle(&call, &terms)? else { panic!("carol has approved") };
//! assert_eq!(permit.approver(), "carol");
//! assert!(matches!(service.settle(&call, &terms)?, ApprovalStatus::Pending { .. }));
//! # Ok(())
//! # }
//! ```
//!
//! | module | what happens there |
//! |---|---|
//! | `call`, `request`, `encoding` | what is asked, on which terms, and the digest that names it |
//! | `answer`, `approvers`, `refusal` | answers, who may give them, and why one does not count |
//! | `tally` | what several answers come to |
//! | `store` | the database |
//! | `service`, `used` | asking, and using an approval at most once |
#![deny(missing_docs)]
#![forbid(unsafe_code)]

mod answer;
mod approvers;
mod call;
mod encoding;
mod refusal;
mod request;
mod service;
mod store;
mod tally;
mod used;

pub use answer::{Answer, Decision, StoredAnswer};
pub use approvers::{Approver, Approvers, ApproversError};
pub use call::{Call, Caller, Conditions, Terms, TermsError};
pub use refusal::Refusal;
pub use request::{Request, RequestId, RequestIdError};
pub use service::{Approval, ApprovalService, ApprovalStatus, Permit, ServiceError};
pub use store::{AnswerError, Answered, Entry, OpenError, RequestStore, StoreError};
pub use tally::{RequestState, Tally};
pub use used::{UsedApprovals, UsedApprovalsError};
