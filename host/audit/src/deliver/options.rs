//! The options of a delivery.

use std::time::Duration;

use hexgate_platform::{Address, Envelope};

use crate::redact::Redaction;

/// How a log is delivered. [`DeliveryOptions::new`] has the defaults.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct DeliveryOptions {
    /// The platform's address.
    pub address: Address,
    /// The project's token, which is sent as a bearer.
    pub token: Envelope,
    /// The redaction of events, which applies also where the log keeps more.
    pub redaction: Redaction,
    /// How many events are on their way at the same time. Default: 32.
    pub in_flight: usize,
    /// How long the platform may take for one. Default: 5 seconds.
    pub timeout: Duration,
    /// The wait before an event is sent again; it doubles each time up to the [longest](Self::longest_wait), less a random part. Default:
    /// 500 milliseconds.
    pub shortest_wait: Duration,
    /// The longest wait. Default: 60 seconds.
    pub longest_wait: Duration,
    /// How many records may wait to be delivered. Default: one million.
    pub backlog: u64,
    /// How many events may be set aside because they fail while others pass. They are tried again after the [longest
    /// wait](Self::longest_wait), doubled up to sixty-four times of it. Default: 4,096.
    pub set_aside: usize,
    /// What happens when more records wait. Default: the oldest are skipped.
    pub when_full: WhenFull,
}

/// What happens when too many records wait to be delivered, or too many events are set aside.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum WhenFull {
    /// The oldest are skipped, counted, and stay in the log. Of events that are set aside the one with the most tries is skipped, after at
    /// least three tries: delivery waits until there is one.
    #[default]
    Skip,
    /// Decisions are denied until the platform has taken some records. No event that is set aside is skipped: the next one that fails stops
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
