//! The time, as far as a decision depends on it.

use std::{fmt::Debug, time::SystemTime};

/// Tells the time. Hosts ask it and hand the answer on, so that a test or a replay can set it.
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
