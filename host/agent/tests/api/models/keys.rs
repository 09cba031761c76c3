//! No text shows the key, whatever a provider does with it.

use std::fmt::{Debug, Write as _};
use std::sync::{Arc, Mutex};
use std::time::SystemTime;

use hexgate_agent::Agent;
use hexgate_agent::model::{ModelErrorKind, Opener};
use hexgate_enforce::audit::{AuditLog, DigestKey, Options};
use hexgate_enforce::{AuditRecorder, OnRecordFailure};
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Metadata, Subscriber};

use super::protocol::{ALL, Protocol};
use super::server::{Server, Step, answer, head};
use crate::runtime::fixture::{POLICY, alice, enforcer_builder};

use super::{KEY, ask, model, opener, quick, retries};

fn is_clean(text: &str) {
    // Neither the key nor a part of it that would help.
    for at in 0..KEY.len() - 8 {
        assert!(!text.contains(&KEY[at..at + 8]), "{text}");
    }
}

#[tokio::test]
async fn no_error_shows_the_key() {
    let mut texts = 0;
    let mut settings = quick();
    settings.retries = retries(1);
    for protocol in ALL {
        let mut answers = Vec::new();
        for status in [
            "301 a", "400 a", "401 a", "403 a", "404 a", "418 a", "429 a", "500 a", "503 a",
        ] {
            for body in [
                format!(
                    r#"{{"error":{{"message":"you sent {KEY}","code":"{KEY}","type":"{KEY}"}}}}"#
                ),
                format!(r#"{{"error":"wrong: {}"}}"#, &KEY[3..]),
                format!(r#"{{"message":"{}\u000a{}"}}"#, &KEY[..12], &KEY[12..]),
                format!("<html>{KEY}</html>"),
            ] {
                let headers = format!(
                    "location: https://elsewhere.example/{KEY}\r\nx-key: {KEY}\r\nretry-after: {KEY}\r\n"
                );
                answers.push(answer(status, &headers, &body));
            }
        }
        for frame in [
            format!(
                r#"{{"type":"error","error":{{"message":"you sent {KEY}","type":"{KEY}","status":"{KEY}"}}}}"#
            ),
            format!(r#"{{"type":"response.failed","response":{{"error":{{"message":"{KEY}"}}}}}}"#),
            format!(r#"{{"error":"{KEY}"}}"#),
            format!("not json {KEY}"),
            format!(
                r#"{{"type":"{KEY}","candidates":"{KEY}","choices":"{KEY}","message":"{KEY}"}}"#
            ),
        ] {
            answers.push(vec![
                head(protocol.content_type()),
                Step::Send(protocol.framed(&[&frame]).into()),
            ]);
        }
        answers.push(vec![head(&format!("text/{KEY}")), Step::Send(KEY.into())]);
        answers.push(vec![Step::Send(format!("HTTP/1.1 {KEY}\r\n\r\n").into())]);
        answers.push(vec![Step::Reset]);
        let count = answers.len();
        let server = Server::start(answers).await;
        let model = model(protocol, &server, settings.clone());
        for nth in 0..count {
            let (deltas, error) = ask(&*model).await;
            assert_eq!(deltas, [], "{protocol:?} {nth}");
            let error = error.unwrap();
            // Ollama is sent none, so that it cannot repeat it.
            if protocol != Protocol::Ollama {
                is_clean(&format!("{error} {error:?}"));
            }
            texts += 1;
        }
        assert_eq!(server.seen().len(), count);
        let key = match protocol {
            Protocol::Anthropic => "x-api-key",
            Protocol::Gemini => "x-goog-api-key",
            _ => "authorization",
        };
        for seen in server.seen() {
            let sent = seen.header(key).map(|value| value.contains(KEY));
            assert_eq!(
                sent,
                (protocol != Protocol::Ollama).then_some(true),
                "{protocol:?}"
            );
            assert!(!seen.line.contains(KEY), "{}", seen.line);
        }
        is_clean(&format!("{:?}", opener(protocol, &server, quick())));
    }
    assert_eq!(texts, 5 * 44);
}

/// Takes all that is logged.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<String>>);

impl Subscriber for Log {
    fn enabled(&self, _: &Metadata<'_>) -> bool {
        true
    }

    fn new_span(&self, span: &Attributes<'_>) -> Id {
        span.record(&mut self.clone());
        Id::from_u64(1)
    }

    fn record(&self, _: &Id, values: &Record<'_>) {
        values.record(&mut self.clone());
    }

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn event(&self, event: &Event<'_>) {
        event.record(&mut self.clone());
    }

    fn enter(&self, _: &Id) {}

    fn exit(&self, _: &Id) {}
}

impl Visit for Log {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        let mut log = self.0.lock().unwrap();
        writeln!(log, "{field}: {value:?}").unwrap();
    }
}

/// The client logs what providers send, at levels that programs show.
#[tokio::test]
async fn no_log_shows_the_key() {
    let log = Log::default();
    let listening = tracing::subscriber::set_default(log.clone());
    let mut settings = quick();
    settings.retries = retries(1);
    for protocol in ALL {
        let body = format!(r#"{{"error":{{"message":"you sent {KEY}"}}}}"#);
        let frame = format!("not json {KEY}");
        let server = Server::start(vec![
            answer("401 Who", "", &body),
            answer("500 Oops", "", &body),
            vec![
                head(protocol.content_type()),
                Step::Send(protocol.framed(&[&frame]).into()),
            ],
        ])
        .await;
        let model = model(protocol, &server, settings.clone());
        for _ in 0..3 {
            ask(&*model).await;
        }
        assert_eq!(server.seen().len(), 3);
    }
    tracing::error!("the log is there");
    drop(listening);
    let log = log.0.lock().unwrap();
    assert!(log.contains("the log is there"));
    is_clean(&log);
}

/// An agent whose model answers with calls, and then fails with the key in what its provider says.
#[tokio::test]
async fn no_event_no_outcome_and_no_record_of_an_agent_shows_the_key() {
    let mut settings = quick();
    settings.retries = retries(1);
    for protocol in ALL.into_iter().filter(|it| *it != Protocol::Ollama) {
        let server = Server::start(vec![
            vec![
                head(protocol.content_type()),
                Step::Send(protocol.body().into()),
            ],
            answer(
                "401 Who",
                "",
                &format!(r#"{{"error":{{"message":"you sent {KEY}"}}}}"#),
            ),
        ])
        .await;
        let folder = tempfile::tempdir().unwrap();
        let audit = folder.path().join("audit");
        let options = Options::new(DigestKey::from_bytes(&[9; 32]));
        let log = AuditLog::open(&audit, options, SystemTime::now()).unwrap();
        let enforcer = enforcer_builder("keys", POLICY)
            .recorder(AuditRecorder::new(log), OnRecordFailure::Deny)
            .build()
            .unwrap();
        let agent = Agent::builder("keys")
            .model(model(protocol, &server, settings.clone()))
            .enforcer(enforcer)
            .build()
            .unwrap();
        let mut events = agent.stream(&alice(), "hi");
        let mut told = String::new();
        while let Some(event) = events.next().await {
            writeln!(told, "{} {event:?}", serde_json::to_string(&event).unwrap()).unwrap();
        }
        let outcome = events.outcome().unwrap();
        assert!(outcome.ended.is_failure(), "{protocol:?}");
        assert_eq!(server.seen().len(), 2);
        let sent = server.seen();
        assert!(
            sent.iter()
                .all(|it| it.headers.iter().any(|(_, value)| value.contains(KEY)))
        );
        is_clean(&told);
        is_clean(&format!("{outcome:?}"));
        drop((agent, events));
        let mut lines = 0;
        let files = std::fs::read_dir(&audit).unwrap();
        let files = files.map(|entry| entry.unwrap().path());
        for file in files.filter(|path| path.is_file()) {
            let bytes = std::fs::read(file).unwrap();
            let text = String::from_utf8_lossy(&bytes);
            lines += text.lines().count();
            is_clean(&text);
        }
        assert!(lines > 2, "{protocol:?}: the calls are on record");
    }
}

#[tokio::test]
async fn a_model_text_cannot_send_the_key_elsewhere() {
    let server = Server::answering(vec![
        head("text/event-stream"),
        Step::Send(Protocol::OpenAi.body().into()),
    ])
    .await;
    let text = format!("openai:gpt-5@http://{}/v1", server.address);
    let model = Opener::new()
        .variables(|name| match name {
            "OPENAI_API_KEY" => Some(KEY.to_owned()),
            "HEXGATE_MODEL_KEY_127_0_0_1" => Some("its-own-key".to_owned()),
            _ => None,
        })
        .open(&text)
        .unwrap();
    let (deltas, error) = ask(&*model).await;
    assert_eq!((deltas, error), (Protocol::OpenAi.says(), None));
    let seen = &server.seen()[0];
    assert_eq!(seen.header("authorization"), Some("Bearer its-own-key"));
    assert!(!format!("{:?}", seen.headers).contains(KEY));
}

#[test]
fn a_missing_key_names_its_variable() {
    for (text, variable) in [
        ("openai:gpt-5", "OPENAI_API_KEY"),
        ("openai-responses:gpt-5", "OPENAI_API_KEY"),
        ("gpt-4o-mini", "OPENAI_API_KEY"),
        ("anthropic:claude-opus-4-5", "ANTHROPIC_API_KEY"),
        ("gemini:gemini-3-pro", "GEMINI_API_KEY"),
    ] {
        let opener = Opener::new().variables(|_| Some(" ".to_owned()));
        let error = opener.open(text).err().unwrap();
        assert_eq!(error.kind, ModelErrorKind::Configuration);
        assert!(error.message.contains(variable), "{error}");
    }
    let error = hexgate_agent::model::open("opnai:gpt-5").err().unwrap();
    assert!(error.message.contains("did you mean `openai`?"), "{error}");
}
