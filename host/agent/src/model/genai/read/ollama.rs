//! Ollama's protocol: a line of JSON for each piece.

use serde::Deserialize;
use serde_json::value::RawValue;

use super::{Broken, MAX_CALLS, Reader, garbage, json, new_id};
use crate::message::ProposedCall;
use crate::model::{Delta, Stop, Usage};

#[derive(Deserialize)]
struct Piece<'a> {
    #[serde(borrow)]
    message: Option<Said<'a>>,
    #[serde(default)]
    done: bool,
    done_reason: Option<String>,
    prompt_eval_count: Option<u64>,
    eval_count: Option<u64>,
    error: Option<String>,
}

#[derive(Deserialize)]
struct Said<'a> {
    content: Option<String>,
    thinking: Option<String>,
    #[serde(borrow)]
    tool_calls: Option<Vec<Call<'a>>>,
}

#[derive(Deserialize)]
struct Call<'a> {
    id: Option<String>,
    #[serde(borrow)]
    function: Function<'a>,
}

#[derive(Deserialize)]
struct Function<'a> {
    name: String,
    #[serde(borrow)]
    arguments: Option<&'a RawValue>,
}

#[derive(Default)]
pub(super) struct Ollama {
    calls: usize,
}

impl Reader for Ollama {
    fn frame(
        &mut self,
        _: Option<&str>,
        data: &str,
        deltas: &mut Vec<Delta>,
    ) -> Result<(), Broken> {
        let piece: Piece<'_> = json(data)?;
        if let Some(message) = piece.error {
            return Err(Broken::Reported {
                code: String::new(),
                message,
            });
        }
        if let Some(said) = piece.message {
            super::reasoning(deltas, said.thinking);
            super::text(deltas, said.content);
            for call in said.tool_calls.into_iter().flatten() {
                if call.function.name.is_empty() {
                    return Err(garbage("a call names no tool"));
                }
                if self.calls >= MAX_CALLS {
                    return Err(garbage("it has more calls than an answer may have"));
                }
                self.calls += 1;
                deltas.push(Delta::Call(ProposedCall {
                    id: call
                        .id
                        .filter(|id| !id.is_empty())
                        .unwrap_or_else(|| new_id("call_")),
                    tool: call.function.name,
                    arguments: call
                        .function
                        .arguments
                        .map_or("{}", RawValue::get)
                        .to_owned(),
                    signatures: Vec::new(),
                }));
            }
        }
        if piece.done {
            let stop = match piece.done_reason.as_deref() {
                Some("stop") | None => Stop::Finished,
                Some("length") => Stop::Length,
                Some(_) => Stop::Other,
            };
            deltas.push(Delta::End {
                stop: super::stop(stop, self.calls),
                usage: Usage {
                    input_tokens: piece.prompt_eval_count.unwrap_or(0),
                    output_tokens: piece.eval_count.unwrap_or(0),
                },
            });
        }
        Ok(())
    }

    fn close(&mut self) -> Option<Vec<Delta>> {
        None
    }
}
