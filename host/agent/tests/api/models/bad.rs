//! Answers that are none.

use hexgate_agent::model::{Delta, ModelErrorKind};

use super::protocol::{ALL, Protocol};
use super::server::{Server, Step, answer, head};
use super::{ask, model, quick};

const MANY: &str = r#"{"index":N,"id":"i","function":{"name":"t","arguments":"{}"}}"#;

#[tokio::test]
async fn what_is_no_answer_is_named() {
    use ModelErrorKind::{Garbage, Interrupted, RateLimited, Refused, Unauthorized, Unavailable};
    let many: Vec<String> = (0..300)
        .map(|n| MANY.replace('N', &n.to_string()))
        .collect();
    let many = format!(
        r#"{{"choices":[{{"delta":{{"tool_calls":[{}]}}}}]}}"#,
        many.join(",")
    );
    let deep = format!(r#"{{"choices":{}"#, "[".repeat(100_000));
    let cases: Vec<(Protocol, Vec<&str>, ModelErrorKind, &str)> = vec![
        // Not JSON, or of another form.
        (Protocol::OpenAi, vec!["{oops"], Garbage, "not JSON"),
        (Protocol::OpenAi, vec![&deep], Garbage, "another form"),
        (Protocol::OpenAi, vec!["[1,2]"], Garbage, "another form"),
        (
            Protocol::OpenAi,
            vec![r#"{"choices":[{"delta":{"content":5}}]}"#],
            Garbage,
            "another form",
        ),
        (
            Protocol::OpenAi,
            vec![r#"{"choices":[{"delta":{"tool_calls":[{"index":-1}]}}]}"#],
            Garbage,
            "another form",
        ),
        (Protocol::Responses, vec!["<html>"], Garbage, "not JSON"),
        (
            Protocol::Responses,
            vec![r#"{"no":"type"}"#],
            Garbage,
            "another form",
        ),
        (
            Protocol::Responses,
            vec![r#"{"type":"response.output_text.delta","delta":5}"#],
            Garbage,
            "no text",
        ),
        (Protocol::Anthropic, vec!["nothing"], Garbage, "not JSON"),
        (
            Protocol::Gemini,
            vec![r#"{"candidates":5}"#],
            Garbage,
            "another form",
        ),
        (
            Protocol::Gemini,
            vec![r#"{"candidates":[{"content":{"parts":[{"functionCall":{"args":{}}}]}}]}"#],
            Garbage,
            "names no tool",
        ),
        (Protocol::Ollama, vec!["{"], Garbage, "not JSON"),
        (
            Protocol::Ollama,
            vec![r#"{"message":{"tool_calls":[{"function":{"arguments":{}}}]}}"#],
            Garbage,
            "another form",
        ),
        // Calls that do not fit together.
        (
            Protocol::OpenAi,
            vec![
                r#"{"choices":[{"delta":{"tool_calls":[{"index":7,"function":{"arguments":"{}"}}]}}]}"#,
            ],
            Garbage,
            "belongs to none that began",
        ),
        (Protocol::OpenAi, vec![&many], Garbage, "more calls"),
        (
            Protocol::OpenAi,
            vec![
                r#"{"choices":[{"delta":{},"finish_reason":"stop"}]}"#,
                r#"{"choices":[{"delta":{"tool_calls":[{"index":0,"id":"i","function":{"name":"t"}}]}}]}"#,
            ],
            Garbage,
            "after the end",
        ),
        (
            Protocol::Responses,
            vec![
                r#"{"type":"response.output_item.added","output_index":0,"item":{"type":"function_call","name":"t"}}"#,
                r#"{"type":"response.completed","response":{}}"#,
            ],
            Garbage,
            "not complete",
        ),
        (
            Protocol::Responses,
            vec![
                r#"{"type":"response.output_item.done","output_index":0,"item":{"type":"function_call"}}"#,
            ],
            Garbage,
            "names no tool",
        ),
        (
            Protocol::Anthropic,
            vec![
                r#"{"type":"content_block_delta","index":3,"delta":{"type":"input_json_delta","partial_json":"{}"}}"#,
            ],
            Garbage,
            "no block that began",
        ),
        (
            Protocol::Anthropic,
            vec![
                r#"{"type":"content_block_start","index":0,"content_block":{"type":"text"}}"#,
                r#"{"type":"content_block_delta","index":0,"delta":{"type":"input_json_delta","partial_json":"{}"}}"#,
            ],
            Garbage,
            "does not fit",
        ),
        (
            Protocol::Anthropic,
            vec![
                r#"{"type":"content_block_start","index":0,"content_block":{"type":"tool_use","id":"i","name":"t"}}"#,
                r#"{"type":"message_delta","delta":{"stop_reason":"tool_use"}}"#,
                r#"{"type":"message_stop"}"#,
            ],
            Garbage,
            "not complete",
        ),
        (
            Protocol::Anthropic,
            vec![
                r#"{"type":"content_block_start","index":0,"content_block":{"type":"text"}}"#,
                r#"{"type":"content_block_start","index":0,"content_block":{"type":"text"}}"#,
            ],
            Garbage,
            "same place",
        ),
        // An end without a reason, or none at all.
        (
            Protocol::OpenAi,
            vec!["[DONE]"],
            Garbage,
            "without a reason",
        ),
        (
            Protocol::Anthropic,
            vec![r#"{"type":"message_stop"}"#],
            Garbage,
            "without a reason",
        ),
        (
            Protocol::OpenAi,
            vec![r#"{"choices":[{"delta":{"role":"assistant"}}]}"#],
            Interrupted,
            "broke off",
        ),
        (
            Protocol::Responses,
            vec![r#"{"type":"response.created"}"#],
            Interrupted,
            "broke off",
        ),
        (
            Protocol::Anthropic,
            vec![r#"{"type":"ping"}"#],
            Interrupted,
            "broke off",
        ),
        (
            Protocol::Gemini,
            vec![r#"{"usageMetadata":{"promptTokenCount":1}}"#],
            Interrupted,
            "broke off",
        ),
        (
            Protocol::Ollama,
            vec![r#"{"message":{"content":""},"done":false}"#],
            Interrupted,
            "broke off",
        ),
        // Errors that providers report in their answer.
        (
            Protocol::OpenAi,
            vec![r#"{"error":{"message":"slow down","type":"rate_limit_exceeded"}}"#],
            RateLimited,
            "slow down",
        ),
        (
            Protocol::OpenAi,
            vec![r#"{"error":{"message":"boom","code":500}}"#],
            Unavailable,
            "boom",
        ),
        (
            Protocol::OpenAi,
            vec![r#"{"error":"boom"}"#],
            Unavailable,
            "boom",
        ),
        (
            Protocol::Responses,
            vec![
                r#"{"type":"response.failed","response":{"error":{"code":"server_error","message":"boom"}}}"#,
            ],
            Unavailable,
            "boom",
        ),
        (
            Protocol::Responses,
            vec![r#"{"type":"error","code":"invalid_request_error","message":"too long"}"#],
            Refused,
            "too long",
        ),
        (
            Protocol::Anthropic,
            vec![r#"{"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}}"#],
            Unavailable,
            "Overloaded",
        ),
        (
            Protocol::Anthropic,
            vec![r#"{"type":"error","error":{"type":"authentication_error","message":"bad"}}"#],
            Unauthorized,
            "fails",
        ),
        (
            Protocol::Gemini,
            vec![r#"{"error":{"status":"RESOURCE_EXHAUSTED","message":"quota"}}"#],
            RateLimited,
            "quota",
        ),
        (
            Protocol::Ollama,
            vec![r#"{"error":"out of memory"}"#],
            Unavailable,
            "out of memory",
        ),
    ];
    let mut settings = quick();
    settings.retries = super::retries(1);
    for (protocol, frames, kind, says) in cases {
        let server = Server::answering(vec![
            head(protocol.content_type()),
            Step::Send(protocol.framed(&frames).into()),
        ])
        .await;
        let (deltas, error) = ask(&*model(protocol, &server, settings.clone())).await;
        let error = error.unwrap_or_else(|| panic!("{protocol:?} {frames:?}: {deltas:?}"));
        let shown: String = format!("{protocol:?} {frames:?}")
            .chars()
            .take(300)
            .collect();
        assert_eq!(error.kind, kind, "{shown}: {error}");
        assert!(error.message.contains(says), "{shown}: {error}");
        assert_eq!(deltas, [], "{shown}");
    }
}

/// What came before stays, and the error is the last.
#[tokio::test]
async fn garbage_after_a_good_beginning_ends_the_answer() {
    for protocol in ALL {
        let body = protocol.body();
        // The whole answer without its end, then nonsense, then the end after all.
        let cut = body.trim_end().rfind('\n').unwrap();
        let nonsense = match protocol {
            Protocol::Ollama => "\n{nonsense\n",
            _ => "\n\ndata: {nonsense\n\n",
        };
        let (start, end) = match protocol {
            Protocol::Ollama => body.split_at(cut),
            _ => body.split_at(
                body.trim_end()
                    .rfind("\n\n")
                    .or(body.trim_end().rfind("\r\n\r\n"))
                    .unwrap(),
            ),
        };
        let server = Server::answering(vec![
            head(protocol.content_type()),
            Step::Send(format!("{start}{nonsense}{end}").into()),
        ])
        .await;
        let (deltas, error) = ask(&*model(protocol, &server, quick())).await;
        assert_eq!(
            error.map(|error| error.kind),
            Some(ModelErrorKind::Garbage),
            "{protocol:?}"
        );
        assert!(deltas.len() >= 3, "{protocol:?}");
        assert!(
            !deltas
                .iter()
                .any(|delta| matches!(delta, Delta::End { .. }))
        );
        assert_eq!(
            server.seen().len(),
            1,
            "an answer that began is not asked for again"
        );
    }
}

#[tokio::test]
async fn something_else_than_an_answer_is_told() {
    for protocol in ALL {
        for (content_type, body) in [
            (
                "text/html",
                "<html><body>Log in to the hotel's network</body></html>",
            ),
            ("application/json", r#"{"choices": [], "model": "x"}"#),
            ("text/event-stream", ""),
            ("text/event-stream", ": only\n\n: comments\n\n"),
        ] {
            let server = Server::answering(answer(
                "200 OK",
                &format!("content-type: {content_type}\r\n"),
                body,
            ))
            .await;
            let (deltas, error) = ask(&*model(protocol, &server, quick())).await;
            let error = error.unwrap();
            let is_line = protocol == Protocol::Ollama && content_type == "application/json";
            let kind = match is_line {
                true => ModelErrorKind::Interrupted,
                false => ModelErrorKind::Garbage,
            };
            assert_eq!(error.kind, kind, "{protocol:?} {body}: {error}");
            assert_eq!(deltas, []);
            assert!(!error.message.contains("hotel"), "{error}");
        }
    }
}

#[tokio::test]
async fn an_answer_that_is_not_utf_8_is_garbage() {
    for protocol in ALL {
        let server = Server::answering(vec![
            head(protocol.content_type()),
            Step::Send(b"data: {\"a\": \"\xff\xfe\"}\n\n".to_vec()),
        ])
        .await;
        let (_, error) = ask(&*model(protocol, &server, quick())).await;
        let error = error.unwrap();
        assert_eq!(error.kind, ModelErrorKind::Garbage, "{protocol:?}: {error}");
    }
}
