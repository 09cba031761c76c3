//! Verifies that a log is unchanged.

use std::path::Path;

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use hexgate_bundle::TrustedKeys;

use crate::{
    chain::Head,
    checkpoint,
    entry::{Checkpoint, Entry},
    losses::{self, Losses},
    reader::ReadError,
    walk::{Finding, Seen, Visitor, walk, walk_bytes},
};

/// What is known from outside the log.
#[derive(Debug, Clone, Default)]
pub struct Anchors {
    /// Keys whose checkpoints count. None: checkpoints are not looked at.
    pub keys: TrustedKeys,
    /// Records that were noted elsewhere and must be in the log.
    pub heads: Vec<Head>,
    /// The record before the first one in the log, if earlier files were archived.
    pub from: Option<Head>,
}

/// The result of verifying a log.
#[derive(Debug, Clone, Default)]
#[non_exhaustive]
pub struct Verification {
    /// The findings, in the order of the log, at most [`MAX_FINDINGS`].
    pub findings: Vec<Finding>,
    /// How many more there are.
    pub more_findings: u64,
    /// Records.
    pub records: u64,
    /// Decisions among them.
    pub decisions: u64,
    /// Records among them of how a permitted call ended.
    pub outcomes: u64,
    /// The last record.
    pub head: Option<Head>,
    /// Checkpoints, those by other keys included.
    pub checkpoints: u64,
    /// The last record that a trusted key signed.
    pub signed: Option<Head>,
    /// The last record that an anchor names.
    pub anchored: Option<Head>,
    /// Unfinished records that a later one describes.
    pub torn: u64,
    /// Decisions that passed without a record, by the operator's choice.
    pub lost: u64,
    /// Decisions that passed without a record and are not recorded as lost yet: the writer counts them beside the log.
    pub lost_unsaid: u64,
    /// Decisions that a candidate made, too.
    pub shadowed: u64,
    /// Those that the candidate would have decided differently: allow, needs approval, deny.
    pub shadow_differs: u64,
    /// Whether the last writer closed the log.
    pub is_closed: bool,
}

/// The most findings that are listed.
pub const MAX_FINDINGS: usize = 100;

impl Verification {
    /// Whether nothing is wrong.
    #[must_use]
    pub fn is_intact(&self) -> bool {
        self.findings.is_empty()
    }

    /// How many records follow the last one that an anchor names; all without an anchor. More may have been cut off: a signature proves who
    /// wrote the records, and not that none were removed after it.
    #[must_use]
    pub fn unanchored(&self) -> u64 {
        match (self.head, self.anchored) {
            (Some(head), Some(anchored)) => head.n.saturating_sub(anchored.n),
            _ => self.records,
        }
    }

    /// How many records follow the last one that a trusted key signed, without the checkpoint itself. Any user who can write to the log can
    /// have written them.
    #[must_use]
    pub fn unsigned(&self) -> u64 {
        match (self.head, self.signed) {
            (Some(head), Some(signed)) => head.n.saturating_sub(signed.n + 1),
            _ => self.records,
        }
    }
}

/// Verifies the log in a folder, or one file of it, in one pass and with the memory of one record.
///
/// # Errors
///
/// A file cannot be read. Errors in its content are findings.
pub fn verify(path: impl AsRef<Path>, anchors: &Anchors) -> Result<Verification, ReadError> {
    let mut verifier = Verifier::new(anchors);
    walk(path.as_ref(), anchors.from, &mut verifier)?;
    verifier.losses(path.as_ref())?;
    Ok(verifier.finish())
}

/// Verifies bytes that claim to be the only file of a log.
#[must_use]
pub fn verify_bytes(bytes: &[u8], anchors: &Anchors) -> Verification {
    let mut verifier = Verifier::new(anchors);
    // Reading from memory cannot fail.
    let _ = walk_bytes(bytes, &mut verifier);
    verifier.finish()
}

/// Verifies during a walk that has another purpose as well.
pub(crate) struct Verifier<'a> {
    anchors: &'a Anchors,
    found: Verification,
    /// The first record.
    first: Option<u64>,
    /// The last record that says that decisions were lost.
    said_lost: Option<u64>,
}

impl<'a> Verifier<'a> {
    pub(crate) fn new(anchors: &'a Anchors) -> Self {
        Self {
            anchors,
            found: Verification::default(),
            first: None,
            said_lost: None,
        }
    }

    /// Looks beside the log, if it is in a folder, for losses that are not recorded yet.
    pub(crate) fn losses(&mut self, path: &Path) -> Result<(), ReadError> {
        if path.is_dir() {
            let unsaid = Losses::unsaid(path, self.said_lost);
            let unsaid = unsaid.map_err(|source| ReadError {
                path: losses::path(path),
                source,
            })?;
            self.found.lost_unsaid = unsaid.map_or(0, |unsaid| unsaid.decisions);
        }
        Ok(())
    }

    pub(crate) fn finish(mut self) -> Verification {
        for anchor in &self.anchors.heads {
            if self.found.head.is_none_or(|head| head.n < anchor.n) {
                self.find(Finding::CutTail { anchor: *anchor });
            } else if self.first.is_some_and(|first| anchor.n < first)
                && self.anchors.from != Some(*anchor)
            {
                self.find(Finding::AnchorBefore { anchor: *anchor });
            }
        }
        if !self.anchors.keys.is_empty() && self.found.signed.is_none() {
            self.find(Finding::Unsigned);
        }
        self.found
    }

    fn find(&mut self, finding: Finding) {
        if self.found.findings.len() < MAX_FINDINGS {
            self.found.findings.push(finding);
        } else {
            self.found.more_findings += 1;
        }
    }

    fn checkpoint(&mut self, seen: &Seen<'_>, checkpoint: &Checkpoint) {
        self.found.checkpoints += 1;
        if self.anchors.keys.is_empty() {
            return;
        }
        let place = seen.place;
        if !self.anchors.keys.ids().any(|id| id == checkpoint.key) {
            return self.find(Finding::UnknownKey {
                place,
                key: checkpoint.key,
            });
        }
        let signature: Option<[u8; 64]> = URL_SAFE_NO_PAD
            .decode(&checkpoint.signature)
            .ok()
            .and_then(|bytes| bytes.try_into().ok());
        let message = checkpoint::message(seen.log, &seen.before);
        let signer = signature.and_then(|signature| {
            self.anchors
                .keys
                .signer_for(checkpoint::PURPOSE, &message, &signature)
        });
        if signer == Some(checkpoint.key) {
            self.found.signed = Some(seen.before);
        } else {
            self.find(Finding::Signature { place });
        }
    }
}

impl Visitor for Verifier<'_> {
    fn record(&mut self, seen: &Seen<'_>) {
        self.found.records += 1;
        self.first = self.first.or(Some(seen.head.n));
        self.found.head = Some(seen.head);
        self.found.is_closed = match seen.entry {
            Entry::Closed(_) => true,
            // The last checkpoint signs the record before it.
            Entry::Checkpoint(_) => self.found.is_closed,
            _ => false,
        };
        match seen.entry {
            Entry::Decision(decision) => {
                self.found.decisions += 1;
                if let Some(shadow) = &decision.shadow {
                    self.found.shadowed += 1;
                    let differs = shadow.verdict.effect() != decision.verdict.effect();
                    self.found.shadow_differs += u64::from(differs);
                }
            }
            Entry::Ended(_) => self.found.outcomes += 1,
            Entry::Checkpoint(checkpoint) => self.checkpoint(seen, checkpoint),
            Entry::Torn(_) => self.found.torn += 1,
            Entry::Lost(lost) => {
                self.found.lost = self.found.lost.saturating_add(lost.decisions);
                self.said_lost = Some(seen.head.n);
            }
            Entry::Segment(_) | Entry::Opened(_) | Entry::Closed(_) | Entry::Note(_) => {}
        }
        let anchors = self.anchors;
        for anchor in anchors.heads.iter().filter(|it| it.n == seen.head.n) {
            if anchor.hash == seen.head.hash {
                self.found.anchored = Some(*anchor);
            } else {
                self.find(Finding::Anchor { anchor: *anchor });
            }
        }
    }

    fn finding(&mut self, finding: Finding) {
        self.find(finding);
    }
}
