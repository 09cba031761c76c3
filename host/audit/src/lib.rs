//! What was decided: an append-only log with a hash chain, its verification, replay and delivery.
//!
//! # Features
//!
//! | feature | what it brings |
//! |---|---|
//! | `deliver` (default) | [`Delivery`], [`deliver`](deliver()): telling the platform what was decided; brings HTTP and TLS |
//! | `replay` (default) | [`replay`](replay()), [`Outcome::ask`], [`Shadow`]: deciding again what is in the log; brings the host |
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
    Checkpoint, Closed, Decision, Entry, EntryError, Lost, NoteEntry, Opened, Segment, Torn,
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
pub use record::{Note, Record};
pub use redact::{REDACTED, Redaction, RedactionError};
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
