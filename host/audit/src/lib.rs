//! The audit log: an append-only log of decisions with a hash chain, its verification, replay and delivery.
//!
//! # Example
//!
//! ```
//! use std::time::{Duration, SystemTime};
//! use hexgate_audit::{Anchors, AuditLog, DigestKey, Options, Outcome, Receipt, Record, verify};
//! use hexgate_bundle::Digest;
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let folder = tempfile::tempdir()?;
//! # let (key, path) = (folder.path().join("digest.key"), folder.path().join("audit"));
//! // The host. It records before it acts: if this fails, the call must not run.
//! let log = AuditLog::open(&path, Options::new(DigestKey::open_or_create(&key)?), SystemTime::now())?;
//! let receipt = log.record(&Record {
//!     at: SystemTime::now(),
//!     agent: "support-bot",
//!     user: Some("alice"),
//!     roles: &["support"],
//!     tool: "refund_order",
//!     arguments: r#"{"amount": 12}"#,
//!     policy: Some(Digest::of(b"the manifest of the policy's bundle")),
//!     outcome: &Outcome::Allow { role: Some(0), scope: None },
//!     took: Duration::from_micros(1),
//! #   id: None, project: None, session: None, facts: None, component: None, shadow: None,
//! })?;
//! let Receipt::Written(head) = receipt else { return Err("not recorded".into()) };
//! drop(log);
//!
//! // The operator keeps `head` elsewhere, and later proves that the log still has it.
//! let verification = verify(&path, &Anchors { heads: vec![head], ..Anchors::default() })?;
//! assert!(verification.is_intact());
//! # Ok(())
//! # }
//! ```
//!
//! # Concepts
//!
//! - **Record before act**: when [`AuditLog::record`] returns, the operating system has the record. One that cannot be written denies
//!   the call, unless the operator chose to count it ([`WhenUnwritable`]).
//! - **Chain**: each record has the hash of the one before, so a changed, moved or missing record is found. An **anchor** ([`Head`]) that
//!   is kept elsewhere also finds a tail that was cut off; signed **checkpoints** prove who wrote the log.
//! - **Secrets** are removed before anything is written ([`KeptAs`]); a keyed digest ([`DigestKey`]) stands for what was removed.
//! - **Replay** decides recorded calls again, with the component that decided or with another policy.
//! - **Delivery** sends decisions to a platform, with the log as the spool.
//!
//! # Features
//!
//! - `deliver` (default): delivery to a platform, over HTTP.
//! - `replay` (default): replay, and candidate policies. It brings the host that runs policies.
//! - `cranelift` (default): with `replay`, components that are not of the known engine too. It brings the compiler of machine code.
//!
//! | module | what happens there |
//! |---|---|
//! | `log`, `losses` | writing: the one writer of a folder, and the count of what it could not write |
//! | `record`, `outcome`, `shadow` | what a host records: a decision, its outcome, a candidate's outcome, how a call ended |
//! | `encode`, `entry`, `reader` | lines, and reading them back |
//! | `protect`, `redact`, `key` | what is kept of arguments: redaction and keyed digests |
//! | `chain`, `checkpoint`, `walk`, `verify` | the hash chain, signatures, and their verification |
//! | `folder`, `components` | the files of a log, and the components that decided |
//! | `replay` | deciding recorded calls again |
//! | `deliver`, `backlog` | delivery to a platform, and what waits for it |
#![forbid(unsafe_code)]
#![deny(missing_docs)]

#[cfg(feature = "deliver")]
mod backlog;
mod chain;
mod checkpoint;
mod components;
#[cfg(feature = "deliver")]
mod deliver;
mod encode;
mod entry;
mod folder;
mod key;
mod log;
mod losses;
mod outcome;
mod protect;
mod reader;
mod record;
mod redact;
#[cfg(feature = "replay")]
mod replay;
mod shadow;
mod verify;
mod walk;

pub use chain::{Head, HeadError};
pub use components::{Components, ComponentsError};
#[cfg(feature = "deliver")]
pub use deliver::{
    Delivered, Delivery, DeliveryError, DeliveryOptions, Problem, SetAside, Until, WhenFull,
    deliver, set_aside,
};
pub use entry::{
    Checkpoint, Closed, Decision, EndedEntry, Entry, EntryError, Lost, NoteEntry, Opened, Segment,
    Torn,
};
pub use folder::FolderError;
pub use hexgate_contract::Effect;
pub use key::{DigestKey, DigestKeyError};
pub use log::{
    AuditLog, Durability, OpenError, Options, Receipt, RecordError, Status, WhenUnwritable,
};
pub use outcome::{ErrorClass, Hint, Outcome};
pub use protect::{KeptAs, Member, Withheld};
pub use reader::ReadError;
pub use record::{EndState, Ended, Note, Record};
pub use redact::{REDACTED, Redaction, RedactionError, Scrubber};
#[cfg(feature = "replay")]
pub use replay::{
    By, Change, Changes, Difference, Example, FindPolicy, MAX_DIFFERENCES, ReplayError, Replayed,
    Skipped, Tally, replay,
};
#[cfg(feature = "replay")]
pub use shadow::Shadow;
pub use shadow::ShadowOutcome;
pub use verify::{Anchors, MAX_FINDINGS, Verification, verify, verify_bytes};
pub use walk::{Finding, Place};

/// The version of the log's format.
pub const FORMAT_VERSION: u64 = 1;
/// The most that [`Options::member_bytes`] can be: 256 KiB, so that a line stays within 8 MiB.
pub const MAX_MEMBER_BYTES: usize = 256 << 10;
