//! How many records wait to be delivered: the log counts what it writes, and delivery what is settled.

use std::sync::atomic::{AtomicU64, Ordering};

#[derive(Debug, Default)]
pub(crate) struct Backlog {
    /// The number of the next record of the log, as far as its writer is in this process.
    written: AtomicU64,
    /// The number of the first record that is not settled yet.
    next: AtomicU64,
    /// More records than this may not wait, if the operator wants decisions denied then.
    limit: Option<u64>,
}

impl Backlog {
    pub(crate) fn limited(limit: Option<u64>) -> Self {
        Self {
            limit,
            ..Self::default()
        }
    }

    /// Whether another record may be written.
    pub(crate) fn has_room(&self) -> bool {
        let waiting = || self.written().saturating_sub(self.next());
        self.limit.is_none_or(|limit| waiting() < limit)
    }

    /// A record was written.
    pub(crate) fn wrote(&self, n: u64) {
        self.written
            .fetch_max(n.saturating_add(1), Ordering::Relaxed);
    }

    /// The records before this one are settled.
    pub(crate) fn settled(&self, next: u64) {
        self.next.store(next, Ordering::Relaxed);
    }

    pub(crate) fn written(&self) -> u64 {
        self.written.load(Ordering::Relaxed)
    }

    pub(crate) fn next(&self) -> u64 {
        self.next.load(Ordering::Relaxed)
    }
}
