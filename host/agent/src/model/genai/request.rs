//! What a provider is asked, in the client's words.

use std::sync::Arc;

use ::genai::chat::{
    ChatMessage, ChatOptions, ChatRequest, ContentPart, CustomPart, MessageContent,
    ReasoningEffort, Tool, ToolCall, ToolResponse,
};
use serde_json::{Value, json};

use super::frames::Frames;
use super::read::signature;
use crate::message::{Message, ProposedCall};
use crate::model::name::Provider;
use crate::model::{ModelRequest, ModelSettings, Reasoning};

pub(super) fn options(
    provider: Provider,
    model: &str,
    settings: &ModelSettings,
    frames: &Arc<Frames>,
) -> ChatOptions {
    let mut options = ChatOptions::default()
        .with_capture_usage(true)
        .with_raw_frame_sink_arc(Arc::<Frames>::clone(frames));
    if let Some(tokens) = settings.max_output_tokens {
        options = options.with_max_tokens(tokens);
    }
    if let Some(reasoning) = settings.reasoning {
        options = options
            .with_reasoning_effort(match reasoning {
                Reasoning::None => ReasoningEffort::Zero,
                Reasoning::Low => ReasoningEffort::Low,
                Reasoning::Medium => ReasoningEffort::Medium,
                Reasoning::High => ReasoningEffort::High,
            })
            .with_capture_reasoning_content(reasoning != Reasoning::None);
    } else if matches!(provider, Provider::OpenAi | Provider::OpenAiResponses) {
        // Else the client takes the end of a name such as `qwen-max` for how much to think. A budget is nothing that OpenAI is sent.
        options = options.with_reasoning_effort(ReasoningEffort::Budget(0));
    }
    if provider == Provider::OpenAi {
        options = options.with_extra_body(json!({"model": model}));
    }
    options
}

pub(super) fn chat(provider: Provider, request: ModelRequest) -> ChatRequest {
    let mut messages = Vec::with_capacity(request.messages.len());
    let mut results = Vec::new();
    for message in request.messages {
        match message {
            Message::Tool {
                call,
                tool,
                content,
                ..
            } => {
                results.push(ToolResponse::new(call, content).with_fn_name(tool));
                // Ollama's protocol has one result in a message, the others want all results of a turn together.
                if provider == Provider::Ollama {
                    flush(&mut results, &mut messages);
                }
            }
            Message::User { text } => {
                flush(&mut results, &mut messages);
                messages.push(ChatMessage::user(text));
            }
            Message::Assistant {
                text,
                reasoning,
                calls,
            } => {
                flush(&mut results, &mut messages);
                let parts = answered(provider, text, reasoning, calls);
                // No provider accepts a message without content.
                if !parts.is_empty() {
                    messages.push(ChatMessage::assistant(MessageContent::from_parts(parts)));
                }
            }
        }
    }
    flush(&mut results, &mut messages);
    let mut chat = ChatRequest::new(messages);
    chat.system = request.system.map(|system| system.to_string());
    if !request.tools.is_empty() {
        chat.tools = Some(
            request
                .tools
                .iter()
                .map(|tool| {
                    Tool::new(tool.name.clone())
                        .with_description(tool.description.clone())
                        .with_schema(tool.input_schema.clone())
                })
                .collect(),
        );
    }
    chat
}

fn flush(results: &mut Vec<ToolResponse>, messages: &mut Vec<ChatMessage>) {
    if !results.is_empty() {
        messages.push(ChatMessage::from(std::mem::take(results)));
    }
}

/// An earlier answer, with what the provider wants to see again of its thoughts.
fn answered(
    provider: Provider,
    text: String,
    reasoning: String,
    calls: Vec<ProposedCall>,
) -> Vec<ContentPart> {
    let mut parts = Vec::new();
    let opaque = || {
        calls
            .iter()
            .flat_map(|call| &call.signatures)
            .filter_map(|text| signature::open(provider, text))
    };
    match provider {
        Provider::Anthropic => parts.extend(opaque().filter_map(|block| {
            let data = serde_json::from_str(block).ok()?;
            Some(ContentPart::Custom(CustomPart {
                model_iden: None,
                data,
            }))
        })),
        Provider::OpenAi if !reasoning.is_empty() && opaque().next().is_some() => {
            parts.push(ContentPart::ReasoningContent(reasoning));
        }
        _ => {}
    }
    if !text.is_empty() {
        parts.push(ContentPart::Text(text));
    }
    for call in calls {
        let signatures: Vec<String> = match provider {
            Provider::Gemini | Provider::OpenAiResponses => call
                .signatures
                .iter()
                .filter_map(|text| signature::open(provider, text))
                .map(str::to_owned)
                .collect(),
            _ => Vec::new(),
        };
        parts.push(ContentPart::ToolCall(ToolCall {
            fn_arguments: arguments(&call.arguments),
            call_id: call.id,
            fn_name: call.tool,
            thought_signatures: (!signatures.is_empty()).then_some(signatures),
        }));
    }
    parts
}

/// Every protocol wants an object. What is none is shown to the model as what it wrote.
fn arguments(text: &str) -> Value {
    match serde_json::from_str(text) {
        Ok(Value::Object(object)) => Value::Object(object),
        _ => json!({"malformed_arguments": text}),
    }
}
