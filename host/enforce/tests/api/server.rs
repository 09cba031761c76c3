//! A platform that is a real server, and not always an honest one.

use std::future::Future as _;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::{Json, Router, routing};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hexgate_compiler::bundle::PrivateKey;
use hexgate_compiler::{Compiler, Release};
use hexgate_enforce::LivePolicy;
use hexgate_enforce::platform::{Address, Platform, Timeouts};
use hexgate_enforce::token::{Envelope, RootKey, mint};
use serde_json::{Value, json};

use crate::fixture::*;

/// What the server does with the next request for the agent.
#[derive(Clone)]
pub(crate) enum Mode {
    /// Answers as it should: the body with its tag, or 304.
    Honest,
    /// Says each time that nothing changed.
    NothingChanged,
    /// Answers with the body, whatever is asked, and always with the same tag.
    OneTag,
    Status(StatusCode),
    Redirect(String),
    Hang,
    Text(String),
    /// Answers as it should, and sends the body so slowly that it takes this long.
    Slow(Duration),
    /// Sends half of what it says that it will send.
    Half,
}

#[derive(Clone)]
pub(crate) struct Answers {
    pub(crate) mode: Mode,
    pub(crate) body: Value,
    pub(crate) tag: u64,
    /// None: it has no list of keys.
    pub(crate) keys: Option<Value>,
    /// None: it has no list of bans.
    pub(crate) bans: Option<Value>,
    pub(crate) bans_mode: Mode,
}

#[derive(Clone)]
pub(crate) struct Server {
    pub(crate) answers: Arc<Mutex<Answers>>,
    pub(crate) requests: Arc<AtomicU64>,
    pub(crate) bans_requests: Arc<AtomicU64>,
    pub(crate) not_modified: Arc<AtomicU64>,
    pub(crate) seen: Arc<Mutex<Vec<String>>>,
    pub(crate) url: String,
}

/// Answers on this machine until the process ends: each test has a server of its own.
pub(crate) fn serve(listener: std::net::TcpListener, router: Router) {
    listener.set_nonblocking(true).unwrap();
    thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap();
        runtime.block_on(async {
            let listener = tokio::net::TcpListener::from_std(listener).unwrap();
            axum::serve(listener, router).await.unwrap();
        });
    });
}

impl Server {
    pub(crate) fn start() -> Self {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let server = Self {
            answers: Arc::new(Mutex::new(Answers {
                mode: Mode::Honest,
                body: payload(BILLING, &terms(5), Some(1)),
                tag: 0,
                keys: Some(list(&[1])),
                bans: Some(json!([])),
                bans_mode: Mode::Honest,
            })),
            requests: Arc::default(),
            bans_requests: Arc::default(),
            not_modified: Arc::default(),
            seen: Arc::default(),
            url: format!("http://{}", listener.local_addr().unwrap()),
        };
        let router = Router::new()
            .route("/v1/agents/{name}", routing::get(agent))
            .route("/v1/bans", routing::get(bans))
            .route("/v1/.well-known/keys", routing::get(keys))
            .route("/elsewhere", routing::get(elsewhere))
            .with_state(server.clone());
        serve(listener, router);
        server
    }

    pub(crate) fn change(&self, change: impl FnOnce(&mut Answers)) {
        let mut answers = self.answers.lock().unwrap();
        change(&mut answers);
        answers.tag += 1;
    }

    pub(crate) fn says(&self, body: Value) {
        self.change(|answers| {
            answers.mode = Mode::Honest;
            answers.body = body;
        });
    }

    pub(crate) fn behaves(&self, mode: Mode) {
        self.change(|answers| answers.mode = mode);
    }

    pub(crate) fn platform(&self) -> Platform {
        self.platform_of(&token(1))
    }

    pub(crate) fn platform_of(&self, token: &Envelope) -> Platform {
        Platform::new(AGENT, token.clone(), Address::parse(&self.url).unwrap())
            .pin(key(1).public_key())
            .interval(Duration::from_millis(5))
            .timeouts(Timeouts {
                full: Duration::from_secs(2),
                conditional: Duration::from_millis(200),
            })
    }

    pub(crate) fn open(&self) -> LivePolicy {
        self.platform()
            .open(LivePolicy::builder(&engine()))
            .unwrap()
    }

    pub(crate) fn refused(&self) -> String {
        let opened = self.platform().open(LivePolicy::builder(&engine()));
        opened.unwrap_err().to_string()
    }

    /// Waits until two more requests were answered: what was changed before was looked at, and judged.
    pub(crate) fn looked_at(&self) {
        let before = self.requests.load(Ordering::SeqCst);
        wait(|| self.requests.load(Ordering::SeqCst) >= before + 3);
    }
}

async fn agent(
    State(server): State<Server>,
    Path(name): Path<String>,
    headers: HeaderMap,
) -> Response {
    let answers = server.answers.lock().unwrap().clone();
    server.seen.lock().unwrap().push(format!(
        "{name} {} {}",
        text(&headers, header::AUTHORIZATION).starts_with("Bearer fty_live_acme_"),
        text(&headers, header::ACCEPT)
    ));
    server.requests.fetch_add(1, Ordering::SeqCst);
    answer(&server, &headers, answers.mode, answers.body, answers.tag).await
}

async fn bans(State(server): State<Server>, headers: HeaderMap) -> Response {
    let answers = server.answers.lock().unwrap().clone();
    server.bans_requests.fetch_add(1, Ordering::SeqCst);
    match answers.bans {
        None => StatusCode::NOT_FOUND.into_response(),
        Some(bans) => answer(&server, &headers, answers.bans_mode, bans, answers.tag).await,
    }
}

fn text(headers: &HeaderMap, name: header::HeaderName) -> String {
    let value = headers.get(name).and_then(|value| value.to_str().ok());
    value.unwrap_or_default().to_owned()
}

async fn answer(
    server: &Server,
    headers: &HeaderMap,
    mode: Mode,
    body: Value,
    tag: u64,
) -> Response {
    let tag = match mode {
        Mode::OneTag => "\"always\"".to_owned(),
        _ => format!("\"{}\"", tag),
    };
    let full = || ([(header::ETAG, tag.clone())], Json(body.clone())).into_response();
    match mode {
        Mode::Honest | Mode::Slow(_) if text(headers, header::IF_NONE_MATCH) == tag => {
            server.not_modified.fetch_add(1, Ordering::SeqCst);
            StatusCode::NOT_MODIFIED.into_response()
        }
        Mode::Honest | Mode::OneTag => full(),
        Mode::Slow(time) => {
            let body = axum::body::Body::from_stream(Late(
                Box::pin(tokio::time::sleep(time)),
                Some(body.to_string()),
            ));
            ([(header::ETAG, tag.clone())], body).into_response()
        }
        Mode::NothingChanged => StatusCode::NOT_MODIFIED.into_response(),
        // With all that was asked, as a page for developers shows it.
        Mode::Status(status) => {
            let said = text(headers, header::AUTHORIZATION);
            (status, format!("out of order\u{1b}[2J {said}")).into_response()
        }
        Mode::Redirect(to) => (StatusCode::FOUND, [(header::LOCATION, to)]).into_response(),
        Mode::Hang => {
            tokio::time::sleep(Duration::from_secs(600)).await;
            full()
        }
        Mode::Text(text) => text.into_response(),
        Mode::Half => {
            let text = body.to_string();
            let length = text.len();
            let half = text[..length / 2].to_owned();
            let body = axum::body::Body::from_stream(Once(Some(half)));
            ([(header::CONTENT_LENGTH, length.to_string())], body).into_response()
        }
    }
}

/// One piece, and then an error: the connection breaks off.
struct Once(Option<String>);

impl futures_core::Stream for Once {
    type Item = Result<String, std::io::Error>;

    fn poll_next(
        mut self: std::pin::Pin<&mut Self>,
        _: &mut std::task::Context<'_>,
    ) -> std::task::Poll<Option<Self::Item>> {
        let piece = self.0.take();
        std::task::Poll::Ready(Some(piece.ok_or_else(|| std::io::Error::other("gone"))))
    }
}

/// Its only piece comes late.
struct Late(std::pin::Pin<Box<tokio::time::Sleep>>, Option<String>);

impl futures_core::Stream for Late {
    type Item = Result<String, std::io::Error>;

    fn poll_next(
        mut self: std::pin::Pin<&mut Self>,
        context: &mut std::task::Context<'_>,
    ) -> std::task::Poll<Option<Self::Item>> {
        std::task::ready!(self.0.as_mut().poll(context));
        std::task::Poll::Ready(self.1.take().map(Ok))
    }
}

async fn keys(State(server): State<Server>) -> Response {
    match server.answers.lock().unwrap().keys.clone() {
        Some(keys) => Json(keys).into_response(),
        None => StatusCode::NOT_FOUND.into_response(),
    }
}

async fn elsewhere(State(server): State<Server>) -> Response {
    server.seen.lock().unwrap().push("elsewhere".to_owned());
    Json(payload(BILLING, &terms(9), Some(1))).into_response()
}

pub(crate) fn list(keys: &[u8]) -> Value {
    let keys: Vec<Value> = keys
        .iter()
        .map(|number| {
            json!({"kid": format!("k{number}"), "kty": "OKP", "crv": "Ed25519", "x": key(*number).public_key().to_text()})
        })
        .collect();
    json!({ "keys": keys })
}

pub(crate) fn token(root: u8) -> Envelope {
    mint(&RootKey::from_bytes(&[root; 32]).unwrap(), "live", "acme").unwrap()
}

pub(crate) fn terms(sequence: u64) -> Release {
    Release {
        project: Some("acme".into()),
        ..release(sequence)
    }
}

pub(crate) fn payload(policy: &str, release: &Release, signer: Option<u8>) -> Value {
    let outcome = Compiler::default().compile_str("policy.yaml", policy);
    let compiled = outcome.policy.unwrap();
    let signer: Option<PrivateKey> = signer.map(key);
    let sealed = compiled
        .draft(release)
        .unwrap()
        .seal(signer.as_ref())
        .unwrap();
    json!({
        "agent_yaml": "name: support-bot", "policy_yaml": policy, "system_md": "",
        "bundle_wasm_b64": STANDARD.encode(&compiled.component),
        "bundle_manifest": std::str::from_utf8(sealed.manifest_bytes()).unwrap(),
        "bundle_signature_b64": sealed.signature().map(|signature| STANDARD.encode(signature)),
    })
}
