//! Answers as the protocols say.

use hexgate_agent::model::{Delta, Stop, Usage};

use super::protocol::{ALL, Protocol};
use super::server::{Server, Step, chunked, head};
use super::{ask, model, quick};

#[tokio::test]
async fn each_protocol_says_the_same() {
    for protocol in ALL {
        let server = Server::answering(vec![
            head(protocol.content_type()),
            Step::Send(protocol.body().into()),
        ])
        .await;
        let (deltas, error) = ask(&*model(protocol, &server, quick())).await;
        assert_eq!(error, None, "{protocol:?}");
        assert_eq!(deltas, protocol.says(), "{protocol:?}");
        assert_eq!(server.seen().len(), 1);
    }
}

#[tokio::test]
async fn an_answer_may_be_split_at_any_byte() {
    for protocol in ALL {
        for (size, body) in [
            (1, protocol.body().to_owned()),
            (7, protocol.body().to_owned()),
            (
                1,
                protocol.body().replace("\r\n", "\n").replace('\n', "\r\n"),
            ),
        ] {
            let server =
                Server::answering(chunked(protocol.content_type(), body.as_bytes(), size)).await;
            let (deltas, error) = ask(&*model(protocol, &server, quick())).await;
            assert_eq!(error, None, "{protocol:?} {size}");
            assert_eq!(deltas, protocol.says(), "{protocol:?} {size}");
        }
    }
}

#[tokio::test]
async fn the_reason_of_an_end_is_told_and_missing_tokens_are_none() {
    let said = Usage::default();
    for (protocol, frames, stop) in [
        (
            Protocol::OpenAi,
            &[r#"{"choices":[{"delta":{"content":"x"},"finish_reason":"stop"}]}"#][..],
            Stop::Finished,
        ),
        (
            Protocol::OpenAi,
            &[
                r#"{"choices":[{"delta":{"content":"x"},"finish_reason":"length"}]}"#,
                "[DONE]",
            ],
            Stop::Length,
        ),
        (
            Protocol::OpenAi,
            &[
                r#"{"choices":[{"delta":{"content":"x"},"finish_reason":"content_filter"}]}"#,
                "[DONE]",
            ],
            Stop::Filtered,
        ),
        (
            Protocol::OpenAi,
            &[
                r#"{"choices":[{"delta":{"refusal":"x"},"finish_reason":"odd"}]}"#,
                "[DONE]",
            ],
            Stop::Other,
        ),
        (
            Protocol::Responses,
            &[
                r#"{"type":"response.output_text.delta","delta":"x"}"#,
                r#"{"type":"response.completed","response":{}}"#,
            ],
            Stop::Finished,
        ),
        (
            Protocol::Responses,
            &[
                r#"{"type":"response.refusal.delta","delta":"x"}"#,
                r#"{"type":"response.incomplete","response":{"incomplete_details":{"reason":"max_output_tokens"}}}"#,
            ],
            Stop::Length,
        ),
        (
            Protocol::Responses,
            &[
                r#"{"type":"response.output_text.delta","delta":"x"}"#,
                r#"{"type":"response.incomplete","response":{"incomplete_details":{"reason":"content_filter"}}}"#,
            ],
            Stop::Filtered,
        ),
        (
            Protocol::Anthropic,
            &[
                r#"{"type":"content_block_start","index":0,"content_block":{"type":"text","text":"x"}}"#,
                r#"{"type":"message_delta","delta":{"stop_reason":"end_turn"}}"#,
                r#"{"type":"message_stop"}"#,
            ],
            Stop::Finished,
        ),
        (
            Protocol::Anthropic,
            &[
                r#"{"type":"content_block_start","index":0,"content_block":{"type":"text","text":"x"}}"#,
                r#"{"type":"message_delta","delta":{"stop_reason":"max_tokens"}}"#,
                r#"{"type":"message_stop"}"#,
            ],
            Stop::Length,
        ),
        (
            Protocol::Anthropic,
            &[
                r#"{"type":"content_block_start","index":0,"content_block":{"type":"text","text":"x"}}"#,
                r#"{"type":"message_delta","delta":{"stop_reason":"refusal"}}"#,
                r#"{"type":"message_stop"}"#,
            ],
            Stop::Filtered,
        ),
        (
            Protocol::Gemini,
            &[r#"{"candidates":[{"content":{"parts":[{"text":"x"}]},"finishReason":"STOP"}]}"#],
            Stop::Finished,
        ),
        (
            Protocol::Gemini,
            &[
                r#"{"candidates":[{"content":{"parts":[{"text":"x"}]},"finishReason":"MAX_TOKENS"}]}"#,
            ],
            Stop::Length,
        ),
        (
            Protocol::Gemini,
            &[r#"{"candidates":[{"content":{"parts":[{"text":"x"}]},"finishReason":"SAFETY"}]}"#],
            Stop::Filtered,
        ),
        (
            Protocol::Gemini,
            &[
                r#"{"candidates":[{"content":{"parts":[{"text":"x"}]},"finishReason":"MALFORMED_FUNCTION_CALL"}]}"#,
            ],
            Stop::Other,
        ),
        (
            Protocol::Ollama,
            &[r#"{"message":{"content":"x"},"done":true,"done_reason":"stop"}"#],
            Stop::Finished,
        ),
        (
            Protocol::Ollama,
            &[r#"{"message":{"content":"x"},"done":true,"done_reason":"length"}"#],
            Stop::Length,
        ),
    ] {
        let server = Server::answering(vec![
            head(protocol.content_type()),
            Step::Send(protocol.framed(frames).into()),
        ])
        .await;
        let (deltas, error) = ask(&*model(protocol, &server, quick())).await;
        assert_eq!(error, None, "{protocol:?} {frames:?}");
        assert_eq!(
            deltas,
            [
                Delta::Text("x".to_owned()),
                Delta::End { stop, usage: said }
            ],
            "{protocol:?} {frames:?}"
        );
    }
}

#[tokio::test]
async fn a_refused_prompt_is_filtered() {
    let server = Server::answering(vec![
        head("text/event-stream"),
        Step::Send(b"data: {\"promptFeedback\":{\"blockReason\":\"SAFETY\"}}\n\n".to_vec()),
    ])
    .await;
    let (deltas, error) = ask(&*model(Protocol::Gemini, &server, quick())).await;
    assert_eq!(error, None);
    assert!(matches!(
        deltas[..],
        [Delta::End {
            stop: Stop::Filtered,
            ..
        }]
    ));
}

/// Servers that speak OpenAI's protocol in their own ways.
#[tokio::test]
async fn calls_are_told_apart_by_place_and_by_id() {
    let calls = |frames: Vec<String>| async move {
        let frames: Vec<&str> = frames.iter().map(String::as_str).collect();
        let server = Server::answering(vec![
            head("text/event-stream"),
            Step::Send(Protocol::OpenAi.framed(&frames).into()),
        ])
        .await;
        let (deltas, error) = ask(&*model(Protocol::OpenAi, &server, quick())).await;
        assert_eq!(error, None);
        deltas
            .into_iter()
            .filter_map(|delta| match delta {
                Delta::Call(call) => Some((call.id, call.tool, call.arguments)),
                _ => None,
            })
            .collect::<Vec<_>>()
    };
    let part = |index: &str, id: &str, name: &str, arguments: &str| {
        serde_json::json!({"choices": [{"delta": {"tool_calls": [{
            "index": index.parse::<u64>().ok(),
            "id": (!id.is_empty()).then_some(id),
            "function": {"name": (!name.is_empty()).then_some(name), "arguments": arguments},
        }]}}]})
        .to_string()
    };
    let end = |reason: &str| {
        serde_json::json!({"choices": [{"delta": {}, "finish_reason": reason}]}).to_string()
    };
    let is = |id: &str, tool: &str, arguments: &str| {
        (id.to_owned(), tool.to_owned(), arguments.to_owned())
    };
    // Two calls with one id stay two.
    assert_eq!(
        calls(vec![
            part("0", "x", "a", "{}"),
            part("1", "x", "b", "{}"),
            end("stop")
        ])
        .await,
        [is("x", "a", "{}"), is("x", "b", "{}")]
    );
    // All calls at one place.
    assert_eq!(
        calls(vec![
            part("0", "x", "a", "{}"),
            part("0", "y", "a", "{}"),
            end("stop")
        ])
        .await,
        [is("x", "a", "{}"), is("y", "a", "{}")]
    );
    // No place at all, and the id again with each part.
    assert_eq!(
        calls(vec![
            part("", "x", "a", "{\"k\":"),
            part("", "x", "a", "1}"),
            end("tool_calls")
        ])
        .await,
        [is("x", "a", "{\"k\":1}")]
    );
    // A place far away is one call, and takes no memory.
    assert_eq!(
        calls(vec![part("4294967295", "x", "a", "{}"), end("stop")]).await,
        [is("x", "a", "{}")]
    );
    // An answer that was cut has no arguments made up for its last call.
    assert_eq!(
        calls(vec![
            part("0", "x", "a", ""),
            part("1", "y", "b", ""),
            end("length")
        ])
        .await,
        [is("x", "a", "{}"), is("y", "b", "")]
    );
    // No id.
    let nameless = calls(vec![
        part("0", "", "a", ""),
        part("1", "", "a", ""),
        end("stop"),
    ])
    .await;
    assert_ne!(nameless[0].0, nameless[1].0);
}
