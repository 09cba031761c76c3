//! The protocols, and an answer in each of them that says the same.

use hexgate_agent::message::ProposedCall;
use hexgate_agent::model::{Delta, Stop, Usage};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Protocol {
    OpenAi,
    Responses,
    Anthropic,
    Gemini,
    Ollama,
}

pub(crate) const ALL: [Protocol; 5] = [
    Protocol::OpenAi,
    Protocol::Responses,
    Protocol::Anthropic,
    Protocol::Gemini,
    Protocol::Ollama,
];

impl Protocol {
    pub(crate) fn model(self) -> &'static str {
        match self {
            Self::OpenAi => "openai:gpt-5",
            Self::Responses => "openai-responses:gpt-5",
            Self::Anthropic => "anthropic:claude-sonnet-4-5",
            Self::Gemini => "gemini:gemini-3-pro",
            Self::Ollama => "ollama:qwen3:8b",
        }
    }

    pub(crate) fn base(self) -> &'static str {
        match self {
            Self::OpenAi | Self::Responses | Self::Anthropic => "/v1",
            Self::Gemini => "/v1beta",
            Self::Ollama => "",
        }
    }

    pub(crate) fn content_type(self) -> &'static str {
        match self {
            Self::Ollama => "application/x-ndjson",
            _ => "text/event-stream",
        }
    }

    /// The name of the file with an answer: thoughts, a text with characters of several bytes, two calls, their tokens.
    pub(crate) fn body(self) -> &'static str {
        match self {
            Self::OpenAi => include_str!("answers/openai.txt"),
            Self::Responses => include_str!("answers/responses.txt"),
            Self::Anthropic => include_str!("answers/anthropic.txt"),
            Self::Gemini => include_str!("answers/gemini.txt"),
            Self::Ollama => include_str!("answers/ollama.txt"),
        }
    }

    /// Frames in this protocol's framing.
    pub(crate) fn framed(self, frames: &[&str]) -> String {
        frames
            .iter()
            .map(|frame| match self {
                Self::Ollama => format!("{frame}\n"),
                Self::Anthropic => {
                    let kind: serde_json::Value = serde_json::from_str(frame).unwrap_or_default();
                    format!(
                        "event: {}\ndata: {frame}\n\n",
                        kind["type"].as_str().unwrap_or("x")
                    )
                }
                _ => format!("data: {frame}\n\n"),
            })
            .collect()
    }

    /// What the answer in [`body`](Self::body) says.
    pub(crate) fn says(self) -> Vec<Delta> {
        let mut deltas = vec![Delta::Reasoning("Let me see.".to_owned())];
        for text in ["I look – ", "„gern“ 🦀."] {
            deltas.push(Delta::Text(text.to_owned()));
        }
        let signed = |what: &str| -> Vec<String> { vec![what.to_owned()] };
        let signatures = match self {
            Self::OpenAi => signed("openai:reasoning"),
            Self::Responses => signed("openai-responses:ENC=="),
            Self::Anthropic => signed(
                r#"anthropic:{"type":"thinking","thinking":"Let me see.","signature":"SIGNED=="}"#,
            ),
            Self::Gemini => signed("gemini:SIG=="),
            Self::Ollama => Vec::new(),
        };
        // Big numbers, doubled members and their order stay as the model wrote them.
        let arguments = r#"{"file_path": "ä.txt", "n": 12345678901234567890, "n": 1.50}"#;
        for (id, tool, arguments, signatures) in [
            ("call_a", "read_file", arguments, signatures),
            ("call_b", "list", "{}", Vec::new()),
        ] {
            deltas.push(Delta::Call(ProposedCall {
                id: id.to_owned(),
                tool: tool.to_owned(),
                arguments: arguments.to_owned(),
                signatures,
            }));
        }
        deltas.push(Delta::End {
            stop: Stop::Calls,
            usage: Usage {
                input_tokens: 120,
                output_tokens: 34,
            },
        });
        deltas
    }
}
