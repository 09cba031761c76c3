//! The pieces of an answer, as the provider sends them.

use std::sync::{Mutex, PoisonError};

use ::genai::chat::{ChatFrameSink, FrameCtx, RawFrameRef};

/// Takes the pieces from the client, no more than an answer may have.
pub(super) struct Frames {
    state: Mutex<State>,
    most: usize,
}

#[derive(Default)]
struct State {
    waiting: Vec<Frame>,
    bytes: usize,
    too_many: bool,
}

/// A piece of an answer.
pub(super) struct Frame {
    /// The name of the event, where the protocol has one.
    pub(super) event: Option<String>,
    pub(super) data: String,
}

impl Frames {
    pub(super) fn new(most: usize) -> Self {
        Self {
            state: Mutex::default(),
            most,
        }
    }

    /// What has come since the last time, and whether there was more than an answer may have.
    pub(super) fn take(&self) -> (Vec<Frame>, bool) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        (std::mem::take(&mut state.waiting), state.too_many)
    }
}

impl ChatFrameSink for Frames {
    fn on_frame(&self, _: &FrameCtx, frame: RawFrameRef<'_>) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.bytes = state.bytes.saturating_add(frame.data.len());
        if state.bytes > self.most {
            state.too_many = true;
        } else if !frame.data.trim().is_empty() {
            state.waiting.push(Frame {
                event: frame.event.map(str::to_owned),
                data: frame.data.to_owned(),
            });
        }
    }
}
