//! A server of tools on loopback that keeps what it was sent, and can change what it offers.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Bytes;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use hexgate_mcp::config::{Config, Reach, ServerConfig};
use serde_json::{Value, json};

/// What was asked: the headers and the bodies, as text.
type Seen = Arc<Mutex<Vec<String>>>;

pub(crate) struct Upstream {
    pub(crate) address: String,
    tools: Arc<Mutex<Vec<Value>>>,
    /// For how long lists may be kept, in milliseconds.
    ttl: Arc<AtomicU64>,
    seen: Seen,
}

impl Upstream {
    pub(crate) async fn start(tools: Vec<Value>) -> Self {
        let tools = Arc::new(Mutex::new(tools));
        let seen = Seen::default();
        // Old after a millisecond: lists are read again whenever a client asks.
        let ttl = Arc::new(AtomicU64::new(1));
        let (offered, kept, time) = (tools.clone(), seen.clone(), ttl.clone());
        let answer = move |headers: HeaderMap, body: Bytes| {
            let (offered, kept, time) = (offered.clone(), kept.clone(), time.clone());
            async move {
                let text = String::from_utf8(body.to_vec()).unwrap();
                kept.lock().unwrap().push(format!("{headers:?} {text}"));
                respond(
                    &serde_json::from_str(&text).unwrap(),
                    &offered.lock().unwrap(),
                    time.load(Ordering::SeqCst),
                )
            }
        };
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = format!("http://{}/mcp", listener.local_addr().unwrap());
        let routes = Router::new().route("/mcp", post(answer));
        tokio::spawn(async move { axum::serve(listener, routes).await });
        Self {
            address,
            tools,
            ttl,
            seen,
        }
    }

    /// Lists may be kept for an hour from now on.
    pub(crate) fn keep(&self) {
        self.ttl.store(3_600_000, Ordering::SeqCst);
    }

    pub(crate) fn offer(&self, tools: Vec<Value>) {
        *self.tools.lock().unwrap() = tools;
    }

    pub(crate) fn seen(&self) -> Vec<String> {
        self.seen.lock().unwrap().clone()
    }

    pub(crate) fn server(&self) -> ServerConfig {
        ServerConfig::new(Reach::Http {
            url: self.address.clone(),
            headers: BTreeMap::new(),
        })
    }

    /// A gateway before this server, `s`.
    pub(crate) fn config(&self) -> Config {
        Config::of(BTreeMap::from([("s".to_owned(), self.server())]))
    }
}

fn respond(message: &Value, tools: &[Value], ttl: u64) -> Response {
    let Some(id) = message.get("id") else {
        return StatusCode::ACCEPTED.into_response();
    };
    let result = match message["method"].as_str().unwrap() {
        "initialize" => json!({
            "protocolVersion": "2025-11-25",
            "capabilities": {"tools": {}},
            "serverInfo": {"name": "upstream", "version": "1"},
        }),
        "tools/list" => json!({"tools": tools, "ttlMs": ttl, "cacheScope": "private"}),
        "tools/call" => {
            json!({"content": [{"type": "text", "text": message["params"]["arguments"].to_string()}]})
        }
        _ => {
            let error = json!({"code": -32601, "message": "method not found"});
            return axum::Json(json!({"jsonrpc": "2.0", "id": id, "error": error})).into_response();
        }
    };
    axum::Json(json!({"jsonrpc": "2.0", "id": id, "result": result})).into_response()
}
