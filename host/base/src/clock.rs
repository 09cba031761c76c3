//! The time that a decision depends on.

use std::{fmt::Debug, time::SystemTime};

/// A source of the time. Hosts take one, so that a test or a replay can set the time.
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
