//! The operator's choices.

use std::time::Duration;

use hexgate_bundle::PrivateKey;

use crate::{key::DigestKey, protect::KeptAs, redact::Redaction};

/// How a log is written. [`Options::new`] has the defaults.
#[derive(Debug)]
#[non_exhaustive]
pub struct Options {
    /// The key of the digests.
    pub digest_key: DigestKey,
    /// How arguments and facts are kept. Default: without their secrets.
    pub arguments: KeptAs,
    /// What is redacted as a secret.
    pub redaction: Redaction,
    /// The largest arguments and facts that are kept, in bytes each; of larger ones only the digest is kept. Default: 64 KiB, at most
    /// [`MAX_MEMBER_BYTES`](crate::MAX_MEMBER_BYTES).
    pub member_bytes: usize,
    /// When records are synced to the disk. Default: every second.
    pub durability: Durability,
    /// What happens to a decision that cannot be recorded. Default: it is denied.
    pub when_unwritable: WhenUnwritable,
    /// The key that signs checkpoints. Default: none; then an attacker who can write the log can replace it as a whole.
    pub checkpoint_key: Option<PrivateKey>,
    /// How often a checkpoint is signed while there are new records. Default: every second. Closing a log signs its last record.
    pub checkpoint_every: Duration,
    /// The size in bytes after which the next file of the log begins. Default: 256 MiB.
    pub segment_bytes: u64,
}

impl Options {
    /// The defaults, with a key for digests.
    #[must_use]
    pub fn new(digest_key: DigestKey) -> Self {
        Self {
            digest_key,
            arguments: KeptAs::default(),
            redaction: Redaction::default(),
            member_bytes: 64 << 10,
            durability: Durability::Every(Duration::from_secs(1)),
            when_unwritable: WhenUnwritable::default(),
            checkpoint_key: None,
            checkpoint_every: Duration::from_secs(1),
            segment_bytes: 256 << 20,
        }
    }
}

/// When records are synced to the disk. With every choice the operating system has a record before the host acts, so a killed process loses
/// nothing; this is about machines that stop.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Durability {
    /// Before the host acts. Decisions that come at the same time wait for one write together.
    Each,
    /// At the latest after this time, in the background.
    Every(Duration),
    /// When the operating system chooses to.
    Never,
}

/// What happens to a decision that cannot be recorded: the disk is full or broken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum WhenUnwritable {
    /// It is an error, which denies the call.
    #[default]
    Deny,
    /// It passes and is counted. The count is in [`Status`](crate::Status), in a file beside the log whose space is reserved when the log
    /// is opened, in the log as soon as that can be written again, also by the next process, and in an error event of `tracing`.
    Count,
}
