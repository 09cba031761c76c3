//! The bound on records that wait for delivery in this process.

use std::sync::{Arc, PoisonError};

use super::{AuditLog, Shared};
use crate::backlog::Backlog;

impl AuditLog {
    /// Attaches the delivery of this log.
    pub(crate) fn bound(&self, delivery: Arc<Backlog>) {
        if let Some(head) = self.status().head {
            delivery.wrote(head.n);
        }
        // No panic leaves the value half changed.
        let mut bound = self
            .shared
            .delivery
            .write()
            .unwrap_or_else(PoisonError::into_inner);
        *bound = Some(delivery);
    }
}

impl Shared {
    /// Whether another record may wait to be delivered.
    pub(super) fn has_room(&self) -> bool {
        self.bound(|delivery| delivery.has_room()).unwrap_or(true)
    }

    /// A record was written.
    pub(super) fn wrote(&self, n: u64) {
        self.bound(|delivery| delivery.wrote(n));
    }

    fn bound<T>(&self, then: impl FnOnce(&Backlog) -> T) -> Option<T> {
        let bound = self.delivery.read().unwrap_or_else(PoisonError::into_inner);
        bound.as_deref().map(then)
    }
}
