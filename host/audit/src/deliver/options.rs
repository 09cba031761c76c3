//! An operator's choices about a delivery.

use std::time::Duration;

use hexgate_platform::{Address, Envelope};

use crate::redact::Redaction;

/// How a log is delivered. [`DeliveryOptions::new`] has the defaults.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct DeliveryOptions {
    /// Where the platform is.
    pub address: Address,
    /// The project's token, which is sent as a bearer.
    pub token: Envelope,
    /// What counts as a secret in events, whatever the log keeps.
    pub redaction: Redaction,
    /// How many events are on their way at the same time. Default: 32.
    pub in_flight: usize,
    /// How long the platform may take for one. Default: 5 seconds.
    pub timeout: Duration,
    /// How long to wait before an event is sent again, the first time; then twice as long each time, up to [`most`](Self::longest_wait), and a
    /// random part less. Default: 500 milliseconds.
    pub shortest_wait: Duration,
    /// The longest wait. Default: 60 seconds.
    pub longest_wait: Duration,
    /// How many records may wait to be delivered. Default: one million.
    pub backlog: u64,
    /// How many events may be set aside, because the platform takes others and not them. They are tried again after the
    /// [longest wait](Self::longest_wait), doubled up to sixty-four times of it. Default: 4,096.
    pub set_aside: usize,
    /// What happens when more do. Default: the oldest are passed over.
    pub when_full: WhenFull,
}

/// What happens when too many records wait to be delivered, or too many events are set aside.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum WhenFull {
    /// The oldest are passed over, counted, and stay in the log. Of events that are set aside it is the one that was tried most often, and none
    /// that was tried less than three times since: delivery waits until there is one.
    #[default]
    Skip,
    /// Decisions are denied until the platform has taken some. No event that is set aside is given up: the next one that does not pass stops
    /// delivery until there is room.
    Deny,
}

impl DeliveryOptions {
    /// The defaults, for a platform and a project's token.
    #[must_use]
    pub fn new(address: Address, token: Envelope) -> Self {
        Self {
            address,
            token,
            redaction: Redaction::of_events(),
            in_flight: 32,
            timeout: Duration::from_secs(5),
            shortest_wait: Duration::from_millis(500),
            longest_wait: Duration::from_secs(60),
            backlog: 1_000_000,
            set_aside: 4096,
            when_full: WhenFull::default(),
        }
    }
}
