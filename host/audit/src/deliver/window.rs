//! The records being delivered, in the order of the log.

use std::time::{Duration, Instant};

use super::{cursor::Place, send::Failure};

/// A record being delivered.
pub(super) struct Waiting {
    pub(super) n: u64,
    pub(super) behind: Place,
    pub(super) state: State,
}

pub(super) enum State {
    /// Its event is being sent.
    Flying(Event),
    /// It failed, and is sent again at this time.
    Resting(Event, Instant),
    Settled(Sent),
}

/// The outcome of a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Sent {
    /// The platform has its event.
    Taken,
    /// The platform refused its event for good.
    Refused,
    /// It fails while others pass: it is tried again later.
    Aside,
    /// It cannot be read.
    Unreadable,
    /// It has no event.
    Nothing,
}

/// An event and its tries.
pub(super) struct Event {
    pub(super) text: String,
    /// Whether it has its arguments.
    pub(super) is_whole: bool,
    pub(super) failures: u32,
    wait: Duration,
    /// How many events the platform had taken when this one last failed, or was first sent.
    pub(super) taken_before: u64,
}

/// The meaning of a failure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    /// The event may be good: the platform may be down, or the token wrong. It is sent again.
    Again(Duration),
    /// It fails while others pass.
    Aside,
    /// The platform refuses it for good while others pass.
    Never,
}

impl Event {
    pub(super) fn new(text: String, wait: Duration, taken: u64) -> Self {
        Self {
            text,
            is_whole: true,
            failures: 0,
            wait,
            taken_before: taken,
        }
    }

    /// Notes a failure, with the number of events that passed so far.
    pub(super) fn fails(&mut self, failure: &Failure, taken: u64, longest: Duration) -> Verdict {
        self.failures = self.failures.saturating_add(1);
        let others_pass = taken > self.taken_before;
        self.taken_before = taken;
        if others_pass && failure.is_final {
            return Verdict::Never;
        }
        if others_pass && self.failures >= TRIES {
            return Verdict::Aside;
        }
        let pause = hexgate_platform::jittered(self.wait).max(failure.at_least);
        self.wait = (self.wait * 2).min(longest);
        Verdict::Again(pause)
    }
}

impl Waiting {
    /// Ends its wait, and returns the text to send.
    pub(super) fn start(&mut self) -> Option<String> {
        match std::mem::replace(&mut self.state, State::Settled(Sent::Nothing)) {
            State::Resting(event, _) => {
                let text = event.text.clone();
                self.state = State::Flying(event);
                Some(text)
            }
            state => {
                self.state = state;
                None
            }
        }
    }

    /// Its event, if it is not settled.
    pub(super) fn event(&self) -> Option<&Event> {
        match &self.state {
            State::Flying(event) | State::Resting(event, _) => Some(event),
            State::Settled(_) => None,
        }
    }
}

/// The failures after which an event is set aside, if the platform took another one between the last two.
const TRIES: u32 = 3;
