//! OpenAI's chat protocol, and what other servers make of it.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;

use super::{Broken, MAX_CALLS, Reader, arguments, garbage, json, new_id, signature};
use crate::message::ProposedCall;
use crate::model::name::Provider;
use crate::model::{Delta, Stop, Usage};

#[derive(Deserialize)]
struct Piece {
    #[serde(default)]
    choices: Option<Vec<Choice>>,
    usage: Option<Tokens>,
    error: Option<Value>,
}

#[derive(Deserialize)]
struct Choice {
    delta: Option<Content>,
    finish_reason: Option<String>,
}

#[derive(Deserialize)]
struct Content {
    content: Option<String>,
    refusal: Option<String>,
    reasoning_content: Option<String>,
    reasoning: Option<String>,
    tool_calls: Option<Vec<Fragment>>,
}

#[derive(Deserialize)]
struct Fragment {
    index: Option<u64>,
    id: Option<String>,
    function: Option<Function>,
}

#[derive(Deserialize)]
struct Function {
    name: Option<String>,
    arguments: Option<String>,
}

#[derive(Deserialize, Default)]
struct Tokens {
    prompt_tokens: Option<u64>,
    completion_tokens: Option<u64>,
}

#[derive(Default)]
struct Building {
    id: String,
    name: String,
    arguments: String,
}

#[derive(Default)]
pub(super) struct Chat {
    /// In the order in which they began.
    calls: Vec<Building>,
    /// Which of the calls an index means now.
    at: BTreeMap<u64, usize>,
    stop: Option<Stop>,
    usage: Usage,
    thought: bool,
}

impl Chat {
    fn fragment(&mut self, fragment: Fragment) -> Result<(), Broken> {
        let function = fragment.function.unwrap_or(Function {
            name: None,
            arguments: None,
        });
        let id = fragment.id.unwrap_or_default();
        let name = function.name.unwrap_or_default();
        let index = fragment.index.unwrap_or(0);
        let known = self.at.get(&index).and_then(|at| self.calls.get(*at));
        // Some servers give each call the same index, and another id.
        let goes_on = match known {
            Some(call) => name.is_empty() || id.is_empty() || id == call.id,
            None => false,
        };
        if !goes_on {
            if name.is_empty() {
                return Err(garbage("a part of a call belongs to none that began"));
            }
            if self.calls.len() >= MAX_CALLS {
                return Err(garbage("it has more calls than an answer may have"));
            }
            self.at.insert(index, self.calls.len());
            self.calls.push(Building::default());
        }
        let call = self.at.get(&index).and_then(|at| self.calls.get_mut(*at));
        if let Some(call) = call {
            if call.id.is_empty() {
                call.id = id;
            }
            if call.name.is_empty() {
                call.name = name;
            }
            call.arguments
                .push_str(&function.arguments.unwrap_or_default());
        }
        Ok(())
    }

    fn end(&mut self, reason: Stop) -> Vec<Delta> {
        let cut = reason == Stop::Length;
        let count = self.calls.len();
        let mut deltas: Vec<Delta> = std::mem::take(&mut self.calls)
            .into_iter()
            .enumerate()
            .map(|(nth, call)| {
                Delta::Call(ProposedCall {
                    id: match call.id.is_empty() {
                        true => new_id("call_"),
                        false => call.id,
                    },
                    tool: call.name,
                    arguments: arguments(call.arguments, cut && nth + 1 == count),
                    // Servers that show thoughts want to see them again with the calls that they led to.
                    signatures: match self.thought && nth == 0 {
                        true => vec![signature::seal(Provider::OpenAi, "reasoning")],
                        false => Vec::new(),
                    },
                })
            })
            .collect();
        deltas.push(Delta::End {
            stop: super::stop(reason, count),
            usage: self.usage,
        });
        deltas
    }
}

impl Reader for Chat {
    fn frame(
        &mut self,
        _: Option<&str>,
        data: &str,
        deltas: &mut Vec<Delta>,
    ) -> Result<(), Broken> {
        if data.trim() == "[DONE]" {
            let Some(reason) = self.stop else {
                return Err(garbage("it ends without a reason"));
            };
            deltas.extend(self.end(reason));
            return Ok(());
        }
        let piece: Piece = json(data)?;
        if let Some(error) = piece.error {
            return Err(reported(&error));
        }
        if let Some(usage) = piece.usage {
            self.usage = Usage {
                input_tokens: usage.prompt_tokens.unwrap_or(0),
                output_tokens: usage.completion_tokens.unwrap_or(0),
            };
        }
        let Some(choice) = piece.choices.and_then(|choices| choices.into_iter().next()) else {
            return Ok(());
        };
        if let Some(content) = choice.delta {
            if self.stop.is_some()
                && content
                    .tool_calls
                    .as_ref()
                    .is_some_and(|calls| !calls.is_empty())
            {
                return Err(garbage("a call comes after the end"));
            }
            let thoughts = content.reasoning_content.or(content.reasoning);
            self.thought |= thoughts.as_ref().is_some_and(|text| !text.is_empty());
            super::reasoning(deltas, thoughts);
            super::text(deltas, content.content);
            super::text(deltas, content.refusal);
            for fragment in content.tool_calls.into_iter().flatten() {
                self.fragment(fragment)?;
            }
        }
        if let Some(reason) = choice.finish_reason {
            self.stop = Some(match reason.as_str() {
                "stop" => Stop::Finished,
                "tool_calls" | "function_call" => Stop::Calls,
                "length" => Stop::Length,
                "content_filter" => Stop::Filtered,
                _ => Stop::Other,
            });
        }
        Ok(())
    }

    /// Some servers leave `[DONE]` out.
    fn close(&mut self) -> Option<Vec<Delta>> {
        let reason = self.stop?;
        Some(self.end(reason))
    }
}

/// An error in the middle of an answer, as OpenAI and those who speak its protocol report it.
pub(super) fn reported(error: &Value) -> Broken {
    let text = |name: &str| match error.get(name) {
        Some(Value::String(text)) => Some(text.clone()),
        Some(Value::Number(number)) => Some(number.to_string()),
        _ => None,
    };
    Broken::Reported {
        code: text("code").or_else(|| text("type")).unwrap_or_default(),
        message: text("message")
            .or_else(|| error.as_str().map(str::to_owned))
            .unwrap_or_default(),
    }
}
