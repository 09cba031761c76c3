//! What networks do, and servers that keep others waiting.

use std::time::{Duration, Instant};

use hexgate_agent::model::{ModelErrorKind, ModelSettings};

use super::protocol::{ALL, Protocol};
use super::server::{Server, Step, head};
use super::{ask, model, quick, retries};

fn impatient() -> ModelSettings {
    let mut settings = quick();
    settings.retries = retries(1);
    settings.first_timeout = Duration::from_millis(400);
    settings.idle_timeout = Duration::from_millis(400);
    settings
}

/// The first half of an answer, with whole pieces.
fn half(protocol: Protocol) -> Step {
    let body = protocol.body().replace("\r\n", "\n");
    let gap = match protocol {
        Protocol::Ollama => "\n",
        _ => "\n\n",
    };
    let at = body[..body.len() / 2].rfind(gap).unwrap() + gap.len();
    Step::Send(body.as_bytes()[..at].to_vec())
}

#[tokio::test]
async fn nobody_there_is_told_and_asked_again() {
    let server = Server::answering(vec![Step::Hang]).await;
    let asked = model(Protocol::OpenAi, &server, quick());
    drop(server);
    tokio::time::sleep(Duration::from_millis(50)).await;
    let (_, error) = ask(&*asked).await;
    let error = error.unwrap();
    assert_eq!(error.kind, ModelErrorKind::Unavailable);
    assert!(error.message.contains("cannot be reached"), "{error}");
}

#[tokio::test]
async fn a_connection_that_breaks_before_the_answer_is_asked_again() {
    for broken in [
        vec![],
        vec![Step::Reset],
        vec![Step::Send(b"HTTP/1.1 2".to_vec())],
    ] {
        let protocol = Protocol::OpenAi;
        let good = vec![
            head(protocol.content_type()),
            Step::Send(protocol.body().into()),
        ];
        let server = Server::start(vec![broken, good]).await;
        let (deltas, error) = ask(&*model(protocol, &server, quick())).await;
        assert_eq!(error, None);
        assert_eq!(deltas, protocol.says());
        assert_eq!(server.seen().len(), 2);
    }
}

#[tokio::test]
async fn a_connection_that_breaks_in_the_answer_is_not() {
    for protocol in ALL {
        for broken in [Some(Step::Reset), None] {
            let mut answer = vec![head(protocol.content_type()), half(protocol)];
            answer.extend(broken);
            let server = Server::answering(answer).await;
            let (deltas, error) = ask(&*model(protocol, &server, quick())).await;
            let error = error.unwrap();
            assert_eq!(
                error.kind,
                ModelErrorKind::Interrupted,
                "{protocol:?}: {error}"
            );
            assert_eq!(deltas, protocol.says()[..deltas.len()], "{protocol:?}");
            assert!(!deltas.is_empty());
            assert_eq!(server.seen().len(), 1);
        }
    }
}

#[tokio::test]
async fn a_server_that_keeps_others_waiting_is_left() {
    futures_util::future::join_all(ALL.map(|protocol| async move {
        let slow = |bytes: &[u8]| Step::Forever(bytes.to_vec(), Duration::from_millis(20));
        for (answer, kind) in [
            (vec![Step::Hang], ModelErrorKind::Unavailable),
            (
                vec![Step::Send(b"HTTP/1.1 200 OK\r\nx: ".to_vec()), slow(b"y")],
                ModelErrorKind::Unavailable,
            ),
            (
                vec![head(protocol.content_type()), Step::Hang],
                ModelErrorKind::Unavailable,
            ),
            (
                vec![head(protocol.content_type()), slow(b"x")],
                ModelErrorKind::Unavailable,
            ),
            (
                vec![head(protocol.content_type()), half(protocol), Step::Hang],
                ModelErrorKind::Interrupted,
            ),
            (
                vec![head(protocol.content_type()), half(protocol), slow(b"x")],
                ModelErrorKind::Interrupted,
            ),
            (
                vec![
                    Step::Send(b"HTTP/1.1 500 Oops\r\n\r\n".to_vec()),
                    slow(b"x"),
                ],
                ModelErrorKind::Unavailable,
            ),
        ] {
            let server = Server::answering(answer).await;
            let asked = Instant::now();
            let mut settings = impatient();
            if kind == ModelErrorKind::Interrupted {
                // The beginning comes, however busy this machine is.
                settings.first_timeout = Duration::from_secs(60);
            }
            let (_, error) = ask(&*model(protocol, &server, settings)).await;
            let error = error.unwrap();
            assert_eq!(error.kind, kind, "{protocol:?}: {error}");
            assert!(
                asked.elapsed() < Duration::from_secs(60),
                "{:?}",
                asked.elapsed()
            );
        }
    }))
    .await;
}

#[tokio::test]
async fn an_answer_that_never_ends_is_cut_by_size_and_by_time() {
    futures_util::future::join_all(ALL.map(|protocol| async move {
        let frame = match protocol {
            Protocol::OpenAi => r#"{"choices":[{"delta":{"content":"and on and on"}}]}"#,
            Protocol::Responses => {
                r#"{"type":"response.output_text.delta","delta":"and on and on"}"#
            }
            Protocol::Anthropic => r#"{"type":"ping","and on":"and on and on and on and on"}"#,
            Protocol::Gemini => r#"{"candidates":[{"content":{"parts":[{"text":"and on"}]}}]}"#,
            Protocol::Ollama => r#"{"message":{"content":"and on and on"},"done":false}"#,
        };
        let framed = protocol.framed(&[frame]);
        let endless = |times: usize, pause: u64| {
            vec![
                head(protocol.content_type()),
                Step::Forever(framed.repeat(times).into(), Duration::from_millis(pause)),
            ]
        };
        let mut settings = quick();
        settings.max_answer_bytes = 100_000;
        let server = Server::answering(endless(100, 0)).await;
        let (deltas, error) = ask(&*model(protocol, &server, settings)).await;
        let error = error.unwrap();
        assert_eq!(error.kind, ModelErrorKind::Garbage, "{protocol:?}: {error}");
        assert!(error.message.contains("`max_answer_bytes`"), "{error}");
        assert!(deltas.len() <= 100_000 / frame.len(), "{}", deltas.len());

        let mut settings = quick();
        settings.answer_timeout = Duration::from_secs(2);
        let server = Server::answering(endless(1, 20)).await;
        let (_, error) = ask(&*model(protocol, &server, settings)).await;
        assert_eq!(
            error.unwrap().kind,
            ModelErrorKind::Interrupted,
            "{protocol:?}"
        );
    }))
    .await;
}

#[tokio::test]
async fn a_huge_piece_is_read_if_an_answer_may_be_as_long() {
    let protocol = Protocol::OpenAi;
    let text = "x".repeat(1 << 19);
    let frame =
        format!(r#"{{"choices":[{{"delta":{{"content":"{text}"}},"finish_reason":"stop"}}]}}"#);
    let server = Server::answering(vec![
        head(protocol.content_type()),
        Step::Send(protocol.framed(&[&frame]).into()),
    ])
    .await;
    let (deltas, error) = ask(&*model(protocol, &server, quick())).await;
    assert_eq!(error, None);
    assert_eq!(deltas.len(), 2);

    let mut settings = quick();
    settings.max_answer_bytes = 1 << 18;
    let (deltas, error) = ask(&*model(protocol, &server, settings)).await;
    assert_eq!(error.unwrap().kind, ModelErrorKind::Garbage);
    assert_eq!(deltas, []);
}

/// A piece without an end is no piece: it is left when its time is over.
#[tokio::test]
async fn a_piece_without_an_end_is_left() {
    let protocol = Protocol::OpenAi;
    let endless = Server::answering(vec![
        head(protocol.content_type()),
        Step::Send(b"data: {\"".to_vec()),
        Step::Forever(vec![b'x'; 1 << 16], Duration::ZERO),
    ])
    .await;
    let (_, error) = ask(&*model(protocol, &endless, impatient())).await;
    assert_eq!(error.unwrap().kind, ModelErrorKind::Unavailable);
}

#[tokio::test]
async fn who_stops_listening_closes_the_connection() {
    let protocol = Protocol::OpenAi;
    let frame = protocol.framed(&[r#"{"choices":[{"delta":{"content":"x"}}]}"#]);
    let (gone, closed) = tokio::sync::oneshot::channel::<()>();
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut bytes = [0; 4096];
        let _ = stream.read(&mut bytes).await.unwrap();
        stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n").await.unwrap();
        while stream.write_all(frame.as_bytes()).await.is_ok() {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        let _ = gone.send(());
    });
    let model = hexgate_agent::model::Opener::new()
        .variables(|_| None)
        .open(&format!("openai:m@http://{address}/v1"))
        .unwrap();
    let stream = model.respond(super::request("hi")).await.unwrap();
    drop(stream);
    tokio::time::timeout(Duration::from_secs(5), closed)
        .await
        .expect("the connection is closed")
        .unwrap();
}
