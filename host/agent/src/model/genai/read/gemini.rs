//! Gemini's protocol.

use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;

use super::{Broken, MAX_CALLS, Reader, garbage, json, new_id, signature};
use crate::message::ProposedCall;
use crate::model::name::Provider;
use crate::model::{Delta, Stop, Usage};

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Piece<'a> {
    #[serde(borrow)]
    candidates: Option<Vec<Candidate<'a>>>,
    prompt_feedback: Option<Feedback>,
    usage_metadata: Option<Tokens>,
    error: Option<Value>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Candidate<'a> {
    #[serde(borrow)]
    content: Option<Content<'a>>,
    finish_reason: Option<String>,
}

#[derive(Deserialize)]
struct Content<'a> {
    #[serde(borrow)]
    parts: Option<Vec<Part<'a>>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Part<'a> {
    text: Option<String>,
    #[serde(default)]
    thought: bool,
    thought_signature: Option<String>,
    #[serde(borrow)]
    function_call: Option<Call<'a>>,
}

#[derive(Deserialize)]
struct Call<'a> {
    id: Option<String>,
    name: Option<String>,
    #[serde(borrow)]
    args: Option<&'a RawValue>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Feedback {
    block_reason: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Tokens {
    prompt_token_count: Option<u64>,
    candidates_token_count: Option<u64>,
    thoughts_token_count: Option<u64>,
}

#[derive(Default)]
pub(super) struct Gemini {
    calls: usize,
    usage: Usage,
}

impl Gemini {
    fn call(
        &mut self,
        call: &Call<'_>,
        signed: Option<String>,
        deltas: &mut Vec<Delta>,
    ) -> Result<(), Broken> {
        let Some(name) = call.name.clone().filter(|name| !name.is_empty()) else {
            return Err(garbage("a call names no tool"));
        };
        if self.calls >= MAX_CALLS {
            return Err(garbage("it has more calls than an answer may have"));
        }
        self.calls += 1;
        deltas.push(Delta::Call(ProposedCall {
            // Gemini need not name its calls. What begins like this is not sent back to it.
            id: call
                .id
                .clone()
                .filter(|id| !id.is_empty())
                .unwrap_or_else(|| new_id(&format!("call#{name}#"))),
            tool: name,
            arguments: call.args.map_or("{}", RawValue::get).to_owned(),
            signatures: signed
                .map(|signed| signature::seal(Provider::Gemini, &signed))
                .into_iter()
                .collect(),
        }));
        Ok(())
    }

    fn end(&self, stop: Stop, deltas: &mut Vec<Delta>) {
        deltas.push(Delta::End {
            stop: super::stop(stop, self.calls),
            usage: self.usage,
        });
    }
}

impl Reader for Gemini {
    fn frame(
        &mut self,
        _: Option<&str>,
        data: &str,
        deltas: &mut Vec<Delta>,
    ) -> Result<(), Broken> {
        let piece: Piece<'_> = json(data)?;
        if let Some(error) = &piece.error {
            let text = |name: &str| error.get(name).and_then(Value::as_str);
            return Err(Broken::Reported {
                code: text("status").unwrap_or_default().to_owned(),
                message: text("message").unwrap_or_default().to_owned(),
            });
        }
        if let Some(tokens) = piece.usage_metadata {
            self.usage = Usage {
                input_tokens: tokens.prompt_token_count.unwrap_or(0),
                output_tokens: tokens
                    .candidates_token_count
                    .unwrap_or(0)
                    .saturating_add(tokens.thoughts_token_count.unwrap_or(0)),
            };
        }
        if piece
            .prompt_feedback
            .is_some_and(|feedback| feedback.block_reason.is_some())
        {
            self.end(Stop::Filtered, deltas);
            return Ok(());
        }
        let Some(candidate) = piece.candidates.and_then(|all| all.into_iter().next()) else {
            return Ok(());
        };
        let parts = candidate.content.and_then(|content| content.parts);
        for part in parts.into_iter().flatten() {
            if let Some(call) = &part.function_call {
                self.call(call, part.thought_signature, deltas)?;
            } else if part.thought {
                super::reasoning(deltas, part.text);
            } else {
                super::text(deltas, part.text);
            }
        }
        if let Some(reason) = candidate.finish_reason {
            let stop = match reason.as_str() {
                "STOP" => Stop::Finished,
                "MAX_TOKENS" => Stop::Length,
                "SAFETY" | "RECITATION" | "BLOCKLIST" | "PROHIBITED_CONTENT" | "SPII"
                | "IMAGE_SAFETY" => Stop::Filtered,
                _ => Stop::Other,
            };
            self.end(stop, deltas);
        }
        Ok(())
    }

    fn close(&mut self) -> Option<Vec<Delta>> {
        None
    }
}
