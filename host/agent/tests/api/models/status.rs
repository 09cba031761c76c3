//! Statuses, and what is asked again.

use std::time::{Duration, Instant, SystemTime};

use hexgate_agent::model::{Delta, ModelErrorKind};

use super::protocol::{ALL, Protocol};
use super::server::{Server, Step, answer, head};
use super::{KEY, ask, model, quick, retries};

fn good(protocol: Protocol) -> Vec<Step> {
    vec![
        head(protocol.content_type()),
        Step::Send(protocol.body().into()),
    ]
}

#[tokio::test]
async fn a_status_has_a_kind_and_a_remedy() {
    use ModelErrorKind::{Configuration, RateLimited, Refused, Unauthorized, Unavailable};
    for (status, body, kind, says) in [
        (
            "401 Unauthorized",
            r#"{"error":{"message":"Incorrect API key provided: sk-ca***4b60"}}"#,
            Unauthorized,
            "check `OPENAI_API_KEY`",
        ),
        ("403 Forbidden", "", Unauthorized, "(403)"),
        (
            "404 Not Found",
            r#"{"error":{"message":"no such thing"}}"#,
            Configuration,
            "`gpt-5`",
        ),
        (
            "400 Bad Request",
            r#"{"error":{"message":"context too long"}}"#,
            Refused,
            "context too long",
        ),
        (
            "422 Unprocessable",
            r#"[{"error":{"message":"odd"}}]"#,
            Refused,
            "odd",
        ),
        ("413 Too Large", "<html>nginx</html>", Refused, "(413)"),
        (
            "429 Too Many Requests",
            r#"{"error":{"message":"slow down"}}"#,
            RateLimited,
            "slow down",
        ),
        (
            "429 Too Many Requests",
            r#"{"error":{"code":"insufficient_quota","message":"pay"}}"#,
            Refused,
            "no credit left",
        ),
        ("500 Oops", r#"{"message":"boom"}"#, Unavailable, "boom"),
        ("503 Busy", "not json", Unavailable, "(503)"),
        ("529 Overloaded", "", Unavailable, "(529)"),
        ("301 Moved", "", Configuration, "does not follow"),
        ("418 Teapot", "", Refused, "(418)"),
    ] {
        let server =
            Server::answering(answer(status, "content-type: application/json\r\n", body)).await;
        let mut settings = quick();
        settings.retries = retries(1);
        let (deltas, error) = ask(&*model(Protocol::OpenAi, &server, settings)).await;
        let error = error.unwrap();
        assert_eq!((error.kind, deltas.len()), (kind, 0), "{status}: {error}");
        assert!(error.message.contains(says), "{status}: {error}");
        assert!(
            !error.message.contains("4b60") && !error.message.contains("nginx"),
            "{error}"
        );
        assert!(error.message.contains("`openai` at 127.0.0.1"), "{error}");
    }
}

#[tokio::test]
async fn a_failed_request_is_made_again_and_no_other_is() {
    for protocol in ALL {
        for (status, requests) in [
            ("429 Wait", 2),
            ("500 Oops", 2),
            ("502 Bad", 2),
            ("503 Busy", 2),
            ("529 Overloaded", 2),
            ("408 Late", 2),
            ("400 Bad", 1),
            ("401 Who", 1),
            ("404 What", 1),
            ("302 There", 1),
        ] {
            let server = Server::start(vec![answer(status, "", "{}"), good(protocol)]).await;
            let (deltas, error) = ask(&*model(protocol, &server, quick())).await;
            assert_eq!(server.seen().len(), requests, "{protocol:?} {status}");
            match requests {
                2 => {
                    assert_eq!(error, None, "{protocol:?} {status}");
                    assert_eq!(deltas, protocol.says());
                }
                _ => assert!(error.is_some()),
            }
        }
    }
}

#[tokio::test]
async fn requests_end_after_the_attempts() {
    let server = Server::answering(answer("500 Oops", "", "")).await;
    let (_, error) = ask(&*model(Protocol::OpenAi, &server, quick())).await;
    assert_eq!(error.unwrap().kind, ModelErrorKind::Unavailable);
    assert_eq!(server.seen().len(), 3);
}

#[tokio::test]
async fn the_wait_that_a_provider_asks_for_is_kept() {
    for (header, at_least) in [
        (Some("0.3"), Duration::from_millis(300)),
        (Some("1"), Duration::from_secs(1)),
        // A date in three seconds, without the parts of seconds.
        (None, Duration::from_millis(1500)),
    ] {
        let date = httpdate::fmt_http_date(SystemTime::now() + Duration::from_secs(3));
        let header = header.unwrap_or(&date);
        let server = Server::start(vec![
            answer("429 Wait", &format!("retry-after: {header}\r\n"), ""),
            good(Protocol::OpenAi),
        ])
        .await;
        let mut settings = quick();
        settings.retries.longest_wait = Duration::from_secs(4);
        let asked = Instant::now();
        let (_, error) = ask(&*model(Protocol::OpenAi, &server, settings)).await;
        assert_eq!(error, None, "{header}");
        assert!(
            asked.elapsed() >= at_least,
            "{header}: {:?}",
            asked.elapsed()
        );
        assert_eq!(server.seen().len(), 2);
    }
}

#[tokio::test]
async fn a_wait_that_is_too_long_is_told_instead() {
    let server = Server::answering(answer("429 Wait", "retry-after: 3600\r\n", "")).await;
    let (_, error) = ask(&*model(Protocol::OpenAi, &server, quick())).await;
    let error = error.unwrap();
    assert_eq!(error.kind, ModelErrorKind::RateLimited);
    assert_eq!(error.retry_after, Some(Duration::from_secs(3600)));
    assert_eq!(server.seen().len(), 1);
}

#[tokio::test]
async fn an_error_in_the_answer_before_its_first_piece_is_asked_again() {
    let overloaded =
        r#"{"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}}"#;
    let failing = vec![
        head("text/event-stream"),
        Step::Send(Protocol::Anthropic.framed(&[overloaded]).into()),
    ];
    let server = Server::start(vec![failing, good(Protocol::Anthropic)]).await;
    let (deltas, error) = ask(&*model(Protocol::Anthropic, &server, quick())).await;
    assert_eq!(error, None);
    assert_eq!(deltas, Protocol::Anthropic.says());
    assert_eq!(server.seen().len(), 2);

    let text =
        r#"{"type":"content_block_start","index":0,"content_block":{"type":"text","text":"x"}}"#;
    let late = vec![
        head("text/event-stream"),
        Step::Send(Protocol::Anthropic.framed(&[text, overloaded]).into()),
    ];
    let server = Server::start(vec![late, good(Protocol::Anthropic)]).await;
    let (deltas, error) = ask(&*model(Protocol::Anthropic, &server, quick())).await;
    assert_eq!(deltas, [Delta::Text("x".to_owned())]);
    assert_eq!(error.unwrap().kind, ModelErrorKind::Unavailable);
    assert_eq!(server.seen().len(), 1);
}

#[tokio::test]
async fn a_redirection_takes_nothing_elsewhere() {
    for protocol in ALL {
        for status in ["301 Moved", "302 Found", "307 Temporary", "308 Permanent"] {
            let elsewhere = Server::answering(good(protocol)).await;
            let location = format!("location: http://{}/v1/x\r\n", elsewhere.address);
            let server = Server::answering(answer(status, &location, "")).await;
            let (deltas, error) = ask(&*model(protocol, &server, quick())).await;
            let error = error.unwrap();
            assert_eq!(
                (error.kind, deltas.len()),
                (ModelErrorKind::Configuration, 0)
            );
            assert_eq!(elsewhere.seen().len(), 0, "{protocol:?} {status}");
            let sent = &server.seen()[0].headers;
            let has_key = sent.iter().any(|(_, value)| value.contains(KEY));
            assert_eq!(has_key, protocol != Protocol::Ollama, "{sent:?}");
        }
    }
}
