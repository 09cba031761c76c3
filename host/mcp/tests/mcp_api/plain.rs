//! A server over HTTP that is written by hand, so that it can do what no library does.

use std::sync::{Arc, Mutex, MutexGuard};

use axum::body::{Body, Bytes};
use axum::http::{HeaderMap, Method, StatusCode};
use axum::response::{IntoResponse as _, Response};
use hexgate_mcp::config::{Reach, ServerConfig};
use serde_json::{Value, json};
use tokio::sync::watch;

/// What is behind an address.
#[derive(Clone)]
pub(crate) struct Plain {
    shared: Arc<Mutex<Shared>>,
    /// Streams on which it speaks between requests end when this changes.
    streams: watch::Sender<u64>,
    pub(crate) address: String,
}

/// How it is, and what it was asked.
pub(crate) struct Shared {
    pub(crate) description: String,
    /// Whether it says that it tells of changes.
    pub(crate) announces: bool,
    /// Whether it has sessions, and a stream between requests.
    pub(crate) has_sessions: bool,
    /// The version of the protocol that it names.
    pub(crate) version: &'static str,
    /// The session that it knows. Another one gets a 404.
    session: u64,
    /// Whether it says what it has.
    pub(crate) lists: bool,
    /// The methods of what arrived, and the headers of the last request.
    pub(crate) arrived: Vec<String>,
    pub(crate) headers: HeaderMap,
}

impl Plain {
    pub(crate) async fn start() -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let plain = Self {
            shared: Arc::new(Mutex::new(Shared {
                description: "says it".to_owned(),
                announces: false,
                has_sessions: false,
                version: "2025-11-25",
                session: 1,
                lists: true,
                arrived: Vec::new(),
                headers: HeaderMap::new(),
            })),
            streams: watch::Sender::default(),
            address: format!("http://{}/mcp", listener.local_addr().unwrap()),
        };
        let served = plain.clone();
        let answer = move |method: Method, headers: HeaderMap, body: Bytes| {
            let served = served.clone();
            async move { served.answer(&method, headers, &body).await }
        };
        let routes = axum::Router::new().route("/mcp", axum::routing::any(answer));
        tokio::spawn(async move { axum::serve(listener, routes).await });
        plain
    }

    pub(crate) fn config(&self) -> ServerConfig {
        ServerConfig::new(Reach::Http {
            url: self.address.clone(),
            headers: Default::default(),
        })
    }

    pub(crate) fn shared(&self) -> MutexGuard<'_, Shared> {
        self.shared.lock().unwrap()
    }

    /// How often something arrived.
    pub(crate) fn arrived(&self, method: &str) -> usize {
        let shared = self.shared();
        shared.arrived.iter().filter(|it| *it == method).count()
    }

    /// Another server is there now, which knows nothing of the sessions of the one before.
    pub(crate) fn deploy(&self, description: &str) {
        let mut shared = self.shared();
        shared.session += 1;
        description.clone_into(&mut shared.description);
        drop(shared);
        self.hang_up();
    }

    /// Ends the streams on which it speaks between requests.
    pub(crate) fn hang_up(&self) {
        self.streams.send_modify(|count| *count += 1);
    }

    async fn answer(&self, method: &Method, headers: HeaderMap, body: &[u8]) -> Response {
        let message: Value = serde_json::from_slice(body).unwrap_or_default();
        let asked = message["method"].as_str().unwrap_or(method.as_str());
        let (has_sessions, session) = {
            let mut shared = self.shared();
            shared.arrived.push(asked.to_owned());
            shared.headers = headers.clone();
            (shared.has_sessions, shared.session.to_string())
        };
        let named = headers.get("mcp-session-id").map(|it| it.to_str().unwrap());
        if has_sessions && named.is_some_and(|named| named != session) {
            return StatusCode::NOT_FOUND.into_response();
        }
        if method == Method::GET && has_sessions {
            let mut streams = self.streams.subscribe();
            streams.mark_unchanged();
            let silence = async move {
                let _ = streams.changed().await;
                Ok::<_, std::io::Error>(Bytes::new())
            };
            let body = Body::from_stream(futures_util::stream::once(silence));
            return ([("content-type", "text/event-stream")], body).into_response();
        }
        if method != Method::POST {
            return StatusCode::METHOD_NOT_ALLOWED.into_response();
        }
        if message["id"].is_null() {
            return StatusCode::ACCEPTED.into_response();
        }
        let mut answer = self.respond(&message);
        if has_sessions {
            let header = session.parse().unwrap();
            answer.headers_mut().insert("mcp-session-id", header);
        }
        answer
    }

    fn respond(&self, message: &Value) -> Response {
        let shared = self.shared();
        let id = &message["id"];
        let result = match message["method"].as_str().unwrap() {
            "initialize" => json!({
                "protocolVersion": shared.version,
                "capabilities": {"tools": {"listChanged": shared.announces}},
                "serverInfo": {"name": "plain", "version": "1"},
            }),
            "tools/list" if shared.lists => {
                let tool = json!({"name": "echo", "description": shared.description, "inputSchema": {"type": "object"}});
                json!({"tools": [tool]})
            }
            "tools/call" => {
                let arguments = &message["params"]["arguments"];
                match arguments["how"].as_str().unwrap_or_default() {
                    // It did what it was asked, and forgot who asked.
                    "forget" => return StatusCode::NOT_FOUND.into_response(),
                    how => {
                        if let Some(twisted) = twisted(how, id) {
                            return twisted;
                        }
                        json!({"content": [{"type": "text", "text": shared.description}]})
                    }
                }
            }
            _ => {
                let error = json!({"code": -32601, "message": "no"});
                let error = json!({"jsonrpc": "2.0", "id": id, "error": error});
                return axum::Json(error).into_response();
            }
        };
        axum::Json(json!({"jsonrpc": "2.0", "id": id, "result": result})).into_response()
    }
}

/// An answer to a call that is none.
fn twisted(how: &str, id: &Value) -> Option<Response> {
    let json = |body: String| ([("content-type", "application/json")], body).into_response();
    let events = |body: Body| ([("content-type", "text/event-stream")], body).into_response();
    let answer = |id: &Value, result: Value| {
        json!({"jsonrpc": "2.0", "id": id, "result": result}).to_string()
    };
    let large = || json!({"content": [{"type": "text", "text": "x".repeat(2_000_000)}]});
    let endless = |piece: String| {
        let piece = Bytes::from(piece);
        let pieces =
            futures_util::stream::repeat_with(move || Ok::<_, std::io::Error>(piece.clone()));
        Body::from_stream(pieces)
    };
    Some(match how {
        "kind" => json(answer(id, json!({"tools": []}))),
        "type" => json(answer(id, json!({"content": "text"}))),
        "other" => json(answer(&json!(12345), json!({"content": []}))),
        "batch" => json(format!("[{}]", answer(id, json!({"content": []})))),
        "large" => json(answer(id, large())),
        "large event" => events(format!("data: {}\n\n", answer(id, large())).into()),
        "half" => json(answer(id, json!({"content": []})).split_at(20).0.to_owned()),
        "half an event" => events(Body::from("data: {\"jsonrpc\":\"2.0\"")),
        "page" => ([("content-type", "text/html")], "<p>no</p>").into_response(),
        "nothing" => StatusCode::OK.into_response(),
        "broken" => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
        "elsewhere" => (StatusCode::FOUND, [("location", "/elsewhere")]).into_response(),
        "flood" => {
            let headers = [("content-type", "application/json")];
            (headers, endless(" ".repeat(1 << 16))).into_response()
        }
        "flood of events" => {
            let said = json!({"jsonrpc": "2.0", "method": "notifications/message", "params": {"level": "error", "data": "again"}});
            events(endless(format!("data: {said}\n\n")))
        }
        "silence" => events(Body::from_stream(futures_util::stream::pending::<
            Result<Bytes, std::io::Error>,
        >())),
        _ => return None,
    })
}
