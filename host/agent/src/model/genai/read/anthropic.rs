//! Anthropic's messages protocol.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
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
    index: Option<u64>,
    message: Option<Started>,
    content_block: Option<Value>,
    delta: Option<Change>,
    usage: Option<Tokens>,
    error: Option<Value>,
}

#[derive(Deserialize)]
struct Started {
    usage: Option<Tokens>,
}

#[derive(Deserialize)]
struct Change {
    #[serde(rename = "type")]
    kind: Option<String>,
    text: Option<String>,
    thinking: Option<String>,
    signature: Option<String>,
    partial_json: Option<String>,
    stop_reason: Option<String>,
}

#[derive(Deserialize)]
struct Tokens {
    input_tokens: Option<u64>,
    output_tokens: Option<u64>,
    cache_creation_input_tokens: Option<u64>,
    cache_read_input_tokens: Option<u64>,
}

/// Thoughts as they go back.
#[derive(Serialize)]
struct Thinking<'a> {
    r#type: &'a str,
    thinking: &'a str,
    signature: &'a str,
}

enum Block {
    Text,
    Thinking {
        text: String,
        signature: String,
    },
    Call {
        id: String,
        name: String,
        arguments: String,
    },
    /// What goes back as it came, or what is of no use here.
    Other,
}

#[derive(Default)]
pub(super) struct Messages {
    blocks: BTreeMap<u64, Block>,
    calls: usize,
    /// Thoughts that the provider wants to see again, for the next call.
    sealed: Vec<String>,
    stop: Option<Stop>,
    usage: Usage,
}

impl Messages {
    fn start(&mut self, at: u64, block: &Value, deltas: &mut Vec<Delta>) -> Result<(), Broken> {
        let text = |name: &str| block.get(name).and_then(Value::as_str).unwrap_or_default();
        let started = match text("type") {
            "text" => {
                super::text(deltas, Some(text("text")));
                Block::Text
            }
            "thinking" => {
                super::reasoning(deltas, Some(text("thinking")));
                Block::Thinking {
                    text: text("thinking").to_owned(),
                    signature: text("signature").to_owned(),
                }
            }
            "redacted_thinking" => {
                self.sealed
                    .push(signature::seal(Provider::Anthropic, &block.to_string()));
                Block::Other
            }
            "tool_use" => {
                if text("name").is_empty() {
                    return Err(garbage("a call names no tool"));
                }
                Block::Call {
                    id: text("id").to_owned(),
                    name: text("name").to_owned(),
                    arguments: match block.get("input") {
                        Some(Value::Object(input)) if !input.is_empty() => {
                            Value::Object(input.clone()).to_string()
                        }
                        _ => String::new(),
                    },
                }
            }
            _ => Block::Other,
        };
        if self.blocks.insert(at, started).is_some() {
            return Err(garbage("two blocks have the same place"));
        }
        if self.blocks.len() > MAX_CALLS {
            return Err(garbage("it has more blocks than an answer may have"));
        }
        Ok(())
    }

    fn change(&mut self, at: u64, change: Change, deltas: &mut Vec<Delta>) -> Result<(), Broken> {
        let Some(block) = self.blocks.get_mut(&at) else {
            return Err(garbage("a part belongs to no block that began"));
        };
        match (block, change.kind.as_deref()) {
            (Block::Text, Some("text_delta")) => super::text(deltas, change.text),
            (Block::Thinking { text, .. }, Some("thinking_delta")) => {
                text.push_str(change.thinking.as_deref().unwrap_or_default());
                super::reasoning(deltas, change.thinking);
            }
            (Block::Thinking { signature, .. }, Some("signature_delta")) => {
                signature.push_str(change.signature.as_deref().unwrap_or_default());
            }
            (Block::Call { arguments, .. }, Some("input_json_delta")) => {
                arguments.push_str(change.partial_json.as_deref().unwrap_or_default());
            }
            (Block::Text, Some("citations_delta")) | (Block::Other, _) => {}
            _ => return Err(garbage("a part does not fit its block")),
        }
        Ok(())
    }

    fn finish(&mut self, block: Block, cut: bool, deltas: &mut Vec<Delta>) -> Result<(), Broken> {
        match block {
            Block::Thinking {
                text,
                signature: signed,
            } if !signed.is_empty() => {
                let block = serde_json::to_string(&Thinking {
                    r#type: "thinking",
                    thinking: &text,
                    signature: &signed,
                })
                .map_err(|_| garbage("a thought cannot be kept"))?;
                self.sealed
                    .push(signature::seal(Provider::Anthropic, &block));
            }
            Block::Call {
                id,
                name,
                arguments: written,
            } => {
                if self.calls >= MAX_CALLS {
                    return Err(garbage("it has more calls than an answer may have"));
                }
                self.calls += 1;
                deltas.push(Delta::Call(ProposedCall {
                    id: match id.is_empty() {
                        true => new_id("toolu_"),
                        false => id,
                    },
                    tool: name,
                    arguments: arguments(written, cut),
                    signatures: std::mem::take(&mut self.sealed),
                }));
            }
            _ => {}
        }
        Ok(())
    }

    fn count(&mut self, tokens: &Tokens) {
        if let Some(input) = tokens.input_tokens {
            // The part that comes from a cache is counted beside it.
            self.usage.input_tokens = input
                .saturating_add(tokens.cache_creation_input_tokens.unwrap_or(0))
                .saturating_add(tokens.cache_read_input_tokens.unwrap_or(0));
        }
        if let Some(output) = tokens.output_tokens {
            self.usage.output_tokens = output;
        }
    }

    fn end(&mut self, reason: Stop, deltas: &mut Vec<Delta>) -> Result<(), Broken> {
        // A call that is cut off has no end of its own.
        let open = std::mem::take(&mut self.blocks);
        let cut = reason != Stop::Finished && reason != Stop::Calls;
        for block in open.into_values() {
            if matches!(block, Block::Call { .. }) && !cut {
                return Err(garbage("a call is not complete at the end"));
            }
            self.finish(block, true, deltas)?;
        }
        deltas.push(Delta::End {
            stop: super::stop(reason, self.calls),
            usage: self.usage,
        });
        Ok(())
    }
}

impl Reader for Messages {
    fn frame(
        &mut self,
        _: Option<&str>,
        data: &str,
        deltas: &mut Vec<Delta>,
    ) -> Result<(), Broken> {
        let piece: Piece = json(data)?;
        let place = || piece.index.ok_or_else(|| garbage("a block has no place"));
        match piece.kind.as_str() {
            "message_start" => {
                if let Some(tokens) = piece.message.and_then(|message| message.usage) {
                    self.count(&tokens);
                }
            }
            "content_block_start" => {
                let at = place()?;
                self.start(at, &piece.content_block.unwrap_or_default(), deltas)?;
            }
            "content_block_delta" => {
                let at = place()?;
                let change = piece.delta.ok_or_else(|| garbage("a part is empty"))?;
                self.change(at, change, deltas)?;
            }
            "content_block_stop" => {
                let at = place()?;
                let Some(block) = self.blocks.remove(&at) else {
                    return Err(garbage("a block ends that did not begin"));
                };
                self.finish(block, false, deltas)?;
            }
            "message_delta" => {
                if let Some(tokens) = &piece.usage {
                    self.count(tokens);
                }
                if let Some(reason) = piece.delta.and_then(|change| change.stop_reason) {
                    self.stop = Some(match reason.as_str() {
                        "end_turn" | "stop_sequence" => Stop::Finished,
                        "tool_use" => Stop::Calls,
                        "max_tokens" | "model_context_window_exceeded" => Stop::Length,
                        "refusal" => Stop::Filtered,
                        _ => Stop::Other,
                    });
                }
            }
            "message_stop" => {
                let reason = self
                    .stop
                    .ok_or_else(|| garbage("it ends without a reason"))?;
                self.end(reason, deltas)?;
            }
            "error" => return Err(reported(&piece.error.unwrap_or_default())),
            _ => {}
        }
        Ok(())
    }

    fn close(&mut self) -> Option<Vec<Delta>> {
        None
    }
}
