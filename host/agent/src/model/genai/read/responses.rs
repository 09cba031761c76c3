//! OpenAI's responses protocol.

use std::collections::BTreeSet;

use serde::Deserialize;
use serde_json::Value;

use super::openai::reported;
use super::{Broken, MAX_CALLS, Reader, arguments, garbage, json, new_id, signature};
use crate::message::ProposedCall;
use crate::model::name::Provider;
use crate::model::{Delta, Stop, Usage};

#[derive(Deserialize)]
struct Piece {
    #[serde(rename = "type")]
    kind: String,
    delta: Option<Value>,
    output_index: Option<u64>,
    item: Option<Item>,
    response: Option<Response>,
}

#[derive(Deserialize)]
struct Item {
    #[serde(rename = "type")]
    kind: String,
    call_id: Option<String>,
    name: Option<String>,
    arguments: Option<String>,
    encrypted_content: Option<String>,
}

#[derive(Deserialize)]
struct Response {
    usage: Option<Tokens>,
    #[serde(default)]
    output: Option<Vec<Item>>,
    incomplete_details: Option<Incomplete>,
    error: Option<Value>,
}

#[derive(Deserialize)]
struct Incomplete {
    reason: Option<String>,
}

#[derive(Deserialize)]
struct Tokens {
    input_tokens: Option<u64>,
    output_tokens: Option<u64>,
}

#[derive(Default)]
pub(super) struct Responses {
    /// The places of calls that began.
    began: BTreeSet<u64>,
    calls: usize,
    /// Thoughts that nobody can read, for the next call.
    sealed: Vec<String>,
}

impl Responses {
    fn call(&mut self, item: Item, cut: bool, deltas: &mut Vec<Delta>) -> Result<(), Broken> {
        let Some(name) = item.name.filter(|name| !name.is_empty()) else {
            return Err(garbage("a call names no tool"));
        };
        if self.calls >= MAX_CALLS {
            return Err(garbage("it has more calls than an answer may have"));
        }
        self.calls += 1;
        deltas.push(Delta::Call(ProposedCall {
            id: item
                .call_id
                .filter(|id| !id.is_empty())
                .unwrap_or_else(|| new_id("call_")),
            tool: name,
            arguments: arguments(item.arguments.unwrap_or_default(), cut),
            signatures: std::mem::take(&mut self.sealed),
        }));
        Ok(())
    }

    fn item(
        &mut self,
        at: Option<u64>,
        item: Item,
        cut: bool,
        deltas: &mut Vec<Delta>,
    ) -> Result<(), Broken> {
        match item.kind.as_str() {
            "function_call" => {
                if let Some(at) = at {
                    self.began.remove(&at);
                }
                self.call(item, cut, deltas)
            }
            "reasoning" => {
                self.sealed.extend(
                    item.encrypted_content
                        .filter(|content| !content.is_empty())
                        .map(|content| signature::seal(Provider::OpenAiResponses, &content)),
                );
                Ok(())
            }
            _ => Ok(()),
        }
    }

    fn end(
        &mut self,
        response: Option<Response>,
        stop: Stop,
        deltas: &mut Vec<Delta>,
    ) -> Result<(), Broken> {
        let mut usage = Usage::default();
        if let Some(response) = response {
            if let Some(tokens) = response.usage {
                usage.input_tokens = tokens.input_tokens.unwrap_or(0);
                usage.output_tokens = tokens.output_tokens.unwrap_or(0);
            }
            // Some servers tell of calls only here.
            if self.calls == 0 {
                self.sealed.clear();
                for item in response.output.into_iter().flatten() {
                    self.item(None, item, stop != Stop::Finished, deltas)?;
                }
            }
        }
        if stop == Stop::Finished && !self.began.is_empty() {
            return Err(garbage("a call began and is not complete at the end"));
        }
        deltas.push(Delta::End {
            stop: super::stop(stop, self.calls),
            usage,
        });
        Ok(())
    }
}

impl Reader for Responses {
    fn frame(
        &mut self,
        _: Option<&str>,
        data: &str,
        deltas: &mut Vec<Delta>,
    ) -> Result<(), Broken> {
        if data.trim() == "[DONE]" {
            return Ok(());
        }
        let piece: Piece = json(data)?;
        let text = |delta: Option<Value>| match delta {
            Some(Value::String(text)) => Ok(Some(text)),
            _ => Err(garbage("a piece of text is no text")),
        };
        match piece.kind.as_str() {
            "response.output_text.delta" | "response.refusal.delta" => {
                super::text(deltas, text(piece.delta)?);
            }
            "response.reasoning_text.delta" | "response.reasoning_summary_text.delta" => {
                super::reasoning(deltas, text(piece.delta)?);
            }
            "response.output_item.added"
                if piece
                    .item
                    .as_ref()
                    .is_some_and(|item| item.kind == "function_call") =>
            {
                if self.began.len() >= MAX_CALLS {
                    return Err(garbage("it has more calls than an answer may have"));
                }
                self.began.extend(piece.output_index);
            }
            // The parts of a call's arguments are not put together: they come whole with its end.
            "response.output_item.done" => {
                if let Some(item) = piece.item {
                    self.item(piece.output_index, item, false, deltas)?;
                }
            }
            "response.completed" => self.end(piece.response, Stop::Finished, deltas)?,
            "response.incomplete" => {
                let reason = piece
                    .response
                    .as_ref()
                    .and_then(|response| response.incomplete_details.as_ref())
                    .and_then(|details| details.reason.as_deref());
                let stop = match reason {
                    Some("max_output_tokens") => Stop::Length,
                    Some("content_filter") => Stop::Filtered,
                    _ => Stop::Other,
                };
                self.end(piece.response, stop, deltas)?;
            }
            "response.failed" => {
                let error = piece.response.and_then(|response| response.error);
                return Err(reported(&error.unwrap_or(Value::Null)));
            }
            "error" => {
                let error: Value = json(data)?;
                return Err(reported(error.get("error").unwrap_or(&error)));
            }
            _ => {}
        }
        Ok(())
    }

    fn close(&mut self) -> Option<Vec<Delta>> {
        None
    }
}
