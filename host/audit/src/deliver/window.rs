//! Records on their way, in the order of the log.

use std::time::{Duration, Instant};

use super::{cursor::Place, send::Failure};

/// A record on its way.
pub(super) struct Waiting {
    pub(super) n: u64,
    pub(super) behind: Place,
    pub(super) state: State,
}

pub(super) enum State {
    /// Its event is being sent.
    Flying(Event),
    /// It did not pass, and is sent again then.
    Resting(Event, Instant),
    Settled(Sent),
}

/// What became of a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Sent {
    /// The platform has its event.
    Taken,
    /// The platform will never take its event.
    Refused,
    /// Others pass and this one does not: it is tried again later.
    Aside,
    /// It cannot be read.
    Unreadable,
    /// It has no event.
    Nothing,
}

/// An event, and how it fared.
pub(super) struct Event {
    pub(super) text: String,
    /// Whether its arguments are in it.
    pub(super) is_whole: bool,
    pub(super) failures: u32,
    wait: Duration,
    /// How many events the platform had taken when this one failed the last time, or was sent first.
    pub(super) taken_before: u64,
}

/// What a failure says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    /// Nothing about the event: the platform may be away, or the token be wrong. It is sent again.
    Again(Duration),
    /// Others pass, and this one does not.
    Aside,
    /// Others pass, and the platform says that it never takes this one.
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

    /// It did not pass, and so many others did until now.
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
    /// It rests no longer: the text that is to be sent.
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

    /// Its event, if that is not settled.
    pub(super) fn event(&self) -> Option<&Event> {
        match &self.state {
            State::Flying(event) | State::Resting(event, _) => Some(event),
            State::Settled(_) => None,
        }
    }
}

/// After so many failures an event is set aside, if the platform took another one between the last two of them.
const TRIES: u32 = 3;
