//! The time, as far as a policy's validity depends on it.

use std::fmt::Debug;
use std::time::SystemTime;

/// Tells the time. Asked only for policies that have a validity window.
pub trait Clock: Debug + Send + Sync {
    /// The time now.
    fn now(&self) -> SystemTime;
}

/// The system's clock.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> SystemTime {
        SystemTime::now()
    }
}

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
