//! When a policy may be used.

use std::time::SystemTime;

/// When a policy may be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Window {
    pub(crate) not_before: Option<SystemTime>,
    pub(crate) expires_at: Option<SystemTime>,
}

impl Window {
    /// Whether there is no need to ask a clock.
    pub(crate) fn is_open(&self) -> bool {
        self.not_before.is_none() && self.expires_at.is_none()
    }
}
