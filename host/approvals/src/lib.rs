//! Asking a person: durable requests, signed answers, approvals that count once.
//!
//! A policy can say of a call that a person has to allow it. Then a host asks: it puts a [`Request`] into a database and the call waits, or
//! fails and is made again later. An approver, somebody else than the caller, looks at it (`hexgate approvals`) and answers with a
//! signature. When the call is made again, the approval is used up and the call runs, once.
//!
//! The database is a mailbox and no authority. What counts is a signature over the request's name by the key of an [`Approver`] whom the
//! host's own configuration lists, and the name is the digest of all that the request says: agent, caller, tool, exact arguments, policy,
//! terms, times. Who can write the database can lose or delay requests and answers, and no more.
//!
//! # Example
//!
//! ```
//! use std::time::SystemTime;
//! use hexgate_approvals::{Approver, Approvers, Call, Caller, Decision, Desk, Mailbox, Standing, Terms};
//! use hexgate_bundle::{Digest, PrivateKey, Timestamp};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let folder = tempfile::tempdir()?;
//! # let file = folder.path().join("approvals.db");
//! # let carols = PrivateKey::from_bytes(&[7; 32]);
//! // The host. In earnest the approvers come from a file that the agent cannot write.
//! let approvers = Approvers::new(vec![Approver {
//!     id: "carol".into(),
//!     keys: vec![carols.public_key()],
//!     roles: vec!["finance".into()],
//!     users: vec![],
//! }])?;
//! let desk = Desk::new(Mailbox::open_or_create(&file)?, approvers.clone());
//! let call = Call {
//!     agent: "support-bot".into(),
//!     caller: Caller { user: "alice".into(), roles: vec!["support".into()], ..Caller::default() },
//!     tool: "close_account".into(),
//!     arguments: r#"{"account": 17}"#.into(),
//!     policy: Digest::of(b"the manifest of the policy's bundle"),
//! };
//! let terms = Terms::new(["finance"])?;
//! let Standing::Pending { request } = desk.settle(&call, &terms)? else { panic!("nobody has answered") };
//!
//! // The approver, in another process.
//! let now = Timestamp::from_system_time(SystemTime::now()).ok_or("what a clock")?;
//! Mailbox::open(&file)?.answer(&request, &approvers, &carols, Decision::Approve, "as agreed", now)?;
//!
//! // The host again: now it may run, and then no more.
//! let Standing::Approved(permit) = desk.settle(&call, &terms)? else { panic!("carol has approved") };
//! assert_eq!(permit.approver(), "carol");
//! assert!(matches!(desk.settle(&call, &terms)?, Standing::Pending { .. }));
//! # Ok(())
//! # }
//! ```
//!
//! | module | what happens there |
//! |---|---|
//! | `call`, `request`, `encoding` | what is asked, on which terms, and the digest that names it |
//! | `answer`, `approvers`, `refusal` | what is answered, who may, and why an answer does not count |
//! | `mailbox` | the database |
//! | `desk`, `ledger` | asking, and using an approval at most once |
#![deny(missing_docs)]
#![forbid(unsafe_code)]

mod answer;
mod approvers;
mod call;
mod desk;
mod encoding;
mod ledger;
mod mailbox;
mod refusal;
mod request;

pub use answer::{Answer, Decision};
pub use approvers::{Approver, Approvers, ApproversError};
pub use call::{Call, Caller, Conditions, Terms, TermsError};
pub use desk::{Desk, DeskError, Permit, Standing};
pub use ledger::{Ledger, LedgerError};
pub use mailbox::{AnswerError, Answered, Entry, Mailbox, MailboxError, OpenError, StoredAnswer};
pub use refusal::Refusal;
pub use request::{Request, RequestId, RequestIdError};
