//! What is sent: the whole body for each protocol, as files that are reviewed.

use std::sync::Arc;

use hexgate_agent::message::{CallState, Message, ProposedCall};
use hexgate_agent::model::{Delta, ModelRequest, Reasoning};
use hexgate_agent::tool::ToolSpec;
use serde_json::{Value, json};

use super::protocol::{ALL, Protocol};
use super::server::{Server, Step, head};
use super::{ask_for, model, opener, quick};

/// A conversation with everything: thoughts, several calls and results, malformed arguments, an answer that says nothing.
fn conversation(protocol: Protocol) -> ModelRequest {
    let calls = protocol
        .says()
        .into_iter()
        .filter_map(|delta| match delta {
            Delta::Call(call) => Some(call),
            _ => None,
        })
        .collect();
    let result = |call: &str, tool: &str, state, content: &str| Message::Tool {
        call: call.to_owned(),
        tool: tool.to_owned(),
        state,
        content: content.to_owned(),
    };
    let said = |text: &str, reasoning: &str, calls| Message::Assistant {
        text: text.to_owned(),
        reasoning: reasoning.to_owned(),
        calls,
    };
    ModelRequest {
        system: Some(Arc::from("You help.")),
        messages: vec![
            Message::User {
                text: "Read ä.txt, please.".to_owned(),
            },
            said("I look.", "Let me see.", calls),
            result(
                "call_a",
                "read_file",
                CallState::Completed,
                r#"{"ok":true,"content":"1"}"#,
            ),
            result("call_b", "list", CallState::Denied, "[denied] not yours"),
            said("", "", Vec::new()),
            said(
                "",
                "",
                vec![ProposedCall {
                    id: "call_c".to_owned(),
                    tool: "list".to_owned(),
                    arguments: "{oops".to_owned(),
                    // Of another provider: it means nothing here.
                    signatures: vec!["elsewhere:SECRET==".to_owned()],
                }],
            ),
            result(
                "call_c",
                "list",
                CallState::Failed,
                "the arguments are no JSON",
            ),
            said("That is all.", "Hm.", Vec::new()),
            Message::User {
                text: "Thanks.".to_owned(),
            },
        ],
        tools: vec![
            Arc::new(ToolSpec::new(
                "read_file",
                "Reads a file.",
                json!({
                    "type": "object",
                    "properties": {"file_path": {"type": "string"}},
                    "required": ["file_path"],
                    "additionalProperties": false,
                }),
            )),
            Arc::new(ToolSpec::new(
                "list",
                "Lists files.",
                json!({"type": "object", "properties": {}}),
            )),
        ],
    }
}

/// Members in the order of their names, whatever order the build keeps.
fn sorted(value: &Value) -> Value {
    match value {
        Value::Object(members) => {
            let mut names: Vec<&String> = members.keys().collect();
            names.sort();
            names
                .into_iter()
                .map(|name| (name.clone(), sorted(&members[name])))
                .collect::<serde_json::Map<_, _>>()
                .into()
        }
        Value::Array(items) => items.iter().map(sorted).collect(),
        other => other.clone(),
    }
}

#[tokio::test]
async fn each_protocol_gets_the_whole_conversation() {
    for protocol in ALL {
        let server = Server::answering(vec![
            head(protocol.content_type()),
            Step::Send(protocol.body().into()),
        ])
        .await;
        let (_, error) = ask_for(&*model(protocol, &server, quick()), conversation(protocol)).await;
        assert_eq!(error, None);
        let seen = &server.seen()[0];
        let body = serde_json::to_string_pretty(&sorted(&seen.body)).unwrap();
        assert!(!body.contains("SECRET"), "{body}");
        insta::assert_snapshot!(
            format!("{protocol:?}").to_lowercase(),
            format!("{}\n{body}", seen.line)
        );
    }
}

#[tokio::test]
async fn thinking_and_lengths_are_asked_for_only_on_demand() {
    for protocol in ALL {
        let server = Server::answering(vec![
            head(protocol.content_type()),
            Step::Send(protocol.body().into()),
        ])
        .await;
        let text = format!("{}?reasoning=high&max_output_tokens=9000", protocol.model());
        let asked = opener(protocol, &server, quick()).open(&text).unwrap();
        ask_for(&*asked, super::request("hi")).await;
        let mut settings = quick();
        settings.reasoning = Some(Reasoning::None);
        ask_for(&*model(protocol, &server, settings), super::request("hi")).await;
        ask_for(&*model(protocol, &server, quick()), super::request("hi")).await;
        let seen = server.seen();
        let lines: Vec<String> = ["high", "none", "default"]
            .into_iter()
            .zip(&seen)
            .map(|(name, seen)| format!("{name}: {}", sorted(&seen.body)))
            .collect();
        insta::assert_snapshot!(
            format!("options_{}", format!("{protocol:?}").to_lowercase()),
            lines.join("\n")
        );
    }
}

/// Names whose end the client would take for something else.
#[tokio::test]
async fn a_name_is_sent_as_it_is() {
    for (protocol, name) in [
        (Protocol::OpenAi, "openai:qwen-max"),
        (Protocol::OpenAi, "openai:org/model-high"),
        (Protocol::OpenAi, "openai:o3-mini"),
        (Protocol::Responses, "openai-responses:gpt-5-high"),
        (Protocol::Ollama, "ollama:hf.co/a/b-low:8b"),
    ] {
        let server = Server::answering(vec![
            head(protocol.content_type()),
            Step::Send(protocol.body().into()),
        ])
        .await;
        let asked = opener(protocol, &server, quick()).open(name).unwrap();
        let (_, error) = ask_for(&*asked, super::request("hi")).await;
        assert_eq!(error, None);
        let body = &server.seen()[0].body;
        let (_, name) = name.split_once(':').unwrap();
        assert_eq!(body["model"], name);
        assert_eq!(body.get("reasoning_effort"), None, "{body}");
        assert_eq!(body.get("reasoning"), None, "{body}");
        assert_eq!(asked.id().name, name);
    }
}
