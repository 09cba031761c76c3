//! A platform on loopback that takes events, or does not.

use std::{
    collections::BTreeMap,
    net::TcpListener,
    sync::{Arc, Mutex},
    thread::JoinHandle,
    time::Duration,
};

use axum::{
    Router,
    body::Bytes,
    extract::State,
    http::{HeaderMap, HeaderValue, StatusCode},
    routing::post,
};
use serde_json::Value;

/// How the platform answers the attempt of this number, from 1, to send this event.
type Answer = dyn Fn(u64, &Value) -> Reply + Send + Sync;

#[derive(Debug, Clone, Copy)]
pub(crate) enum Reply {
    Status(u16),
    Hang,
    /// A page for people, with a good status.
    Page,
    /// The connection ends without an answer.
    Drop,
}

#[derive(Clone)]
struct Shared {
    answer: Arc<Answer>,
    seen: Arc<Mutex<Seen>>,
}

#[derive(Default)]
struct Seen {
    /// The attempts of each event, by its id.
    attempts: BTreeMap<String, u64>,
    /// The events that were taken, by their ids.
    taken: BTreeMap<String, Value>,
    /// How often an event was taken that had been taken before.
    twice: u64,
}

pub(crate) struct Platform {
    pub(crate) url: String,
    seen: Arc<Mutex<Seen>>,
    stop: Option<tokio::sync::oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Platform {
    pub(crate) fn taking_all() -> Self {
        Self::answering(|_, _| Reply::Status(202))
    }

    pub(crate) fn answering(answer: impl Fn(u64, &Value) -> Reply + Send + Sync + 'static) -> Self {
        Self::at("127.0.0.1:0", answer)
    }

    pub(crate) fn at(
        address: &str,
        answer: impl Fn(u64, &Value) -> Reply + Send + Sync + 'static,
    ) -> Self {
        let listener = TcpListener::bind(address).unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        listener.set_nonblocking(true).unwrap();
        let shared = Shared {
            answer: Arc::new(answer),
            seen: Arc::default(),
        };
        let seen = Arc::clone(&shared.seen);
        let (stop, stopped) = tokio::sync::oneshot::channel();
        let thread = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()
                .unwrap();
            runtime.block_on(async {
                let listener = tokio::net::TcpListener::from_std(listener).unwrap();
                let app = Router::new()
                    .route("/v1/audit/decisions", post(take))
                    .with_state(shared);
                tokio::select! {
                    _ = async { axum::serve(listener, app).await } => {}
                    _ = stopped => {}
                }
            });
        });
        Self {
            url,
            seen,
            stop: Some(stop),
            thread: Some(thread),
        }
    }

    /// The events that were taken, by their ids.
    pub(crate) fn taken(&self) -> BTreeMap<String, Value> {
        self.seen.lock().unwrap().taken.clone()
    }

    pub(crate) fn taken_twice(&self) -> u64 {
        self.seen.lock().unwrap().twice
    }
}

impl Drop for Platform {
    fn drop(&mut self) {
        let _ = self.stop.take().map(|stop| stop.send(()));
        let _ = self.thread.take().map(JoinHandle::join);
    }
}

async fn take(
    State(shared): State<Shared>,
    headers: HeaderMap,
    body: Bytes,
) -> (StatusCode, HeaderMap) {
    let mut answer = HeaderMap::new();
    if headers.get("authorization") != Some(&HeaderValue::from_static("Bearer fty_test_shop_x")) {
        return (StatusCode::UNAUTHORIZED, answer);
    }
    let event: Value = serde_json::from_slice(&body).unwrap();
    let id = event["event_id"].as_str().unwrap().to_owned();
    let attempt = {
        let mut seen = shared.seen.lock().unwrap();
        let attempts = seen.attempts.entry(id.clone()).or_default();
        *attempts += 1;
        *attempts
    };
    match (shared.answer)(attempt, &event) {
        Reply::Hang => {
            tokio::time::sleep(Duration::from_secs(3600)).await;
            (StatusCode::GATEWAY_TIMEOUT, answer)
        }
        Reply::Page => {
            answer.insert(
                "content-type",
                HeaderValue::from_static("text/html; charset=utf-8"),
            );
            (StatusCode::OK, answer)
        }
        // Without a message; the server drops the connection of whoever panics.
        Reply::Drop => std::panic::resume_unwind(Box::new(())),
        Reply::Status(status) => {
            let status = StatusCode::from_u16(status).unwrap();
            if status.is_success() {
                let mut seen = shared.seen.lock().unwrap();
                if seen.taken.insert(id, event).is_some() {
                    seen.twice += 1;
                }
            }
            if status.is_redirection() {
                answer.insert("location", HeaderValue::from_static("http://127.0.0.1:9/"));
            }
            (status, answer)
        }
    }
}
