//! Reading the pieces of an answer, protocol by protocol.

mod anthropic;
mod gemini;
mod ollama;
mod openai;
mod responses;
pub(super) mod signature;

use serde::Deserialize;

use crate::model::name::Provider;
use crate::model::{Delta, Stop};

/// The most calls in one answer.
const MAX_CALLS: usize = 256;

/// Reads the pieces of one answer.
pub(super) trait Reader: Send {
    /// Reads a piece. What it says is complete so far is added to the deltas; nothing is read after [`Delta::End`].
    fn frame(
        &mut self,
        event: Option<&str>,
        data: &str,
        deltas: &mut Vec<Delta>,
    ) -> Result<(), Broken>;

    /// The connection is at its end. What is still to be said, if the answer is complete; None: it broke off.
    fn close(&mut self) -> Option<Vec<Delta>>;
}

/// Why an answer cannot be read on.
pub(super) enum Broken {
    /// It is not what the protocol says.
    Garbage(String),
    /// The provider reports an error in the middle of the answer.
    Reported {
        /// What kind of error it is, in the provider's words.
        code: String,
        /// What happened, in the provider's words.
        message: String,
    },
}

pub(super) fn reader(provider: Provider) -> Box<dyn Reader> {
    match provider {
        Provider::OpenAi | Provider::Script => Box::<openai::Chat>::default(),
        Provider::OpenAiResponses => Box::<responses::Responses>::default(),
        Provider::Anthropic => Box::<anthropic::Messages>::default(),
        Provider::Gemini => Box::<gemini::Gemini>::default(),
        Provider::Ollama => Box::<ollama::Ollama>::default(),
    }
}

/// Reads a piece as JSON. The place is told, the content is not: it may be anything.
fn json<'a, T: Deserialize<'a>>(data: &'a str) -> Result<T, Broken> {
    serde_json::from_str(data).map_err(|error| {
        let what = match error.classify() {
            serde_json::error::Category::Data => "a piece has another form than the protocol says",
            _ => "a piece is not JSON",
        };
        Broken::Garbage(format!("{what} (column {})", error.column()))
    })
}

fn garbage(what: &str) -> Broken {
    Broken::Garbage(what.to_owned())
}

/// Adds a piece of text that is not empty.
fn text(deltas: &mut Vec<Delta>, text: Option<impl Into<String>>) {
    if let Some(text) = text
        .map(Into::into)
        .filter(|text: &String| !text.is_empty())
    {
        deltas.push(Delta::Text(text));
    }
}

fn reasoning(deltas: &mut Vec<Delta>, text: Option<impl Into<String>>) {
    if let Some(text) = text
        .map(Into::into)
        .filter(|text: &String| !text.is_empty())
    {
        deltas.push(Delta::Reasoning(text));
    }
}

/// The arguments as they were written. Nothing at all means no arguments, unless the answer was cut.
fn arguments(written: String, cut: bool) -> String {
    match written.trim().is_empty() && !cut {
        true => "{}".to_owned(),
        false => written,
    }
}

/// An answer with calls waits for them, whatever else its provider says.
fn stop(stop: Stop, calls: usize) -> Stop {
    match stop {
        Stop::Finished if calls > 0 => Stop::Calls,
        Stop::Calls if calls == 0 => Stop::Finished,
        stop => stop,
    }
}

/// An id for a call that has none.
fn new_id(start: &str) -> String {
    format!("{start}{}", getrandom::u32().unwrap_or_default())
}
