//! The decisions of the session, for the panels and for `/why`.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use hexgate_enforce::Decision;

/// How many are kept.
const KEPT: usize = 64;

/// The last decisions, the newest at the end. Cloning gives the same ones.
#[derive(Debug, Clone, Default)]
pub(crate) struct Decisions(Arc<Mutex<VecDeque<Decision>>>);

impl Decisions {
    /// Keeps one.
    pub(super) fn keep(&self, decision: &Decision) {
        let mut kept = self.kept();
        if kept.len() == KEPT {
            kept.pop_front();
        }
        kept.push_back(decision.clone());
    }

    /// The decision of this id.
    pub(crate) fn find(&self, id: &str) -> Option<Decision> {
        let kept = self.kept();
        kept.iter()
            .rev()
            .find(|one| one.id().to_string() == id)
            .cloned()
    }

    /// The decision that followed the request for approval that this one made.
    pub(super) fn after(&self, id: &str) -> Option<Decision> {
        let follows = |one: &&Decision| one.follows().is_some_and(|asked| asked.to_string() == id);
        self.kept().iter().rev().find(follows).cloned()
    }

    /// The last one, or one before it.
    pub(super) fn last(&self, before: usize) -> Option<Decision> {
        self.kept().iter().rev().nth(before).cloned()
    }

    fn kept(&self) -> MutexGuard<'_, VecDeque<Decision>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
