//! A server of tools on loopback that wants tokens, and the authorization server that grants them. Both can be made hostile.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{RawQuery, State};
use axum::http::header::{AUTHORIZATION, CONTENT_TYPE, LOCATION, WWW_AUTHENTICATE};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use hexgate_mcp::Limits;
use hexgate_mcp::authorization::AuthorizationConfig;
use hexgate_mcp::config::{Config, Reach, ServerConfig};
use hexgate_mcp::login::{LoggedIn, Login, LoginError};
use serde_json::{Value, json};

/// What a refresh of a token comes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Refresh {
    Works,
    Refused,
    Fails,
}

/// How the two behave.
#[derive(Debug, Clone)]
pub(crate) struct Knobs {
    /// Members of the authorization server's metadata that differ. Null: it is missing.
    pub(crate) metadata: Value,
    /// Likewise, of the server's own metadata.
    pub(crate) resource: Value,
    /// The metadata of the authorization server has no end.
    pub(crate) is_endless: bool,
    /// Its metadata is elsewhere.
    pub(crate) moved: Option<String>,
    /// What the redirection says beside the code and the state.
    pub(crate) redirect: String,
    /// Whether the person at the browser refuses.
    pub(crate) refuses: bool,
    /// Members of the answer of the token endpoint that differ.
    pub(crate) token: Value,
    pub(crate) refresh: Refresh,
    /// The scope that calls want.
    pub(crate) wanted: Option<String>,
    /// Whether a token is taken for nothing.
    pub(crate) distrusts: bool,
}

impl Default for Knobs {
    fn default() -> Self {
        Self {
            metadata: json!({}),
            resource: json!({}),
            is_endless: false,
            moved: None,
            redirect: String::new(),
            refuses: false,
            token: json!({}),
            refresh: Refresh::Works,
            wanted: None,
            distrusts: false,
        }
    }
}

#[derive(Default)]
struct Kept {
    knobs: Knobs,
    /// Tokens that count, with their scopes.
    valid: BTreeMap<String, Vec<String>>,
    granted: usize,
    /// What the token endpoint, the registration and the authorization endpoint were asked.
    asked: Vec<String>,
    /// What the server of tools was asked: the method, and the token.
    seen: Vec<String>,
}

/// The two.
#[derive(Clone)]
pub(crate) struct Authority {
    /// The address of the server of tools.
    pub(crate) server: String,
    /// The address of the authorization server.
    pub(crate) issuer: String,
    kept: Arc<Mutex<Kept>>,
}

impl Authority {
    pub(crate) async fn start() -> Self {
        let bind = async || {
            let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
            let address = format!("http://{}", listener.local_addr().unwrap());
            (listener, address)
        };
        let ((server, address), (issuer, its_address)) = (bind().await, bind().await);
        let this = Self {
            server: format!("{address}/mcp"),
            issuer: its_address,
            kept: Arc::default(),
        };
        let routes = Router::new()
            .route("/mcp", post(tools))
            .route(
                "/.well-known/oauth-protected-resource/mcp",
                get(resource_metadata),
            )
            .with_state(this.clone());
        tokio::spawn(async move { axum::serve(server, routes).await });
        let routes = Router::new()
            .route("/.well-known/oauth-authorization-server", get(metadata))
            .route("/authorize", get(authorize))
            .route("/register", post(register))
            .route("/token", post(token))
            .with_state(this.clone());
        tokio::spawn(async move { axum::serve(issuer, routes).await });
        this
    }

    pub(crate) fn turn(&self, turn: impl FnOnce(&mut Knobs)) {
        turn(&mut self.kept.lock().unwrap().knobs);
    }

    /// No token counts any more.
    pub(crate) fn forget(&self) {
        self.kept.lock().unwrap().valid.clear();
    }

    pub(crate) fn asked(&self) -> Vec<String> {
        self.kept.lock().unwrap().asked.clone()
    }

    pub(crate) fn seen(&self) -> Vec<String> {
        self.kept.lock().unwrap().seen.clone()
    }

    /// Calls that ran.
    pub(crate) fn calls(&self) -> usize {
        let seen = self.seen();
        seen.iter()
            .filter(|it| it.starts_with("ran tools/call"))
            .count()
    }

    /// The server `s` of a gateway, whose tokens are in this folder.
    pub(crate) fn config(&self, folder: &Path, more: Value) -> Config {
        let mut authorization = json!({"tokens": folder.join("s.json")});
        merge(&mut authorization, &more);
        let authorization: AuthorizationConfig = serde_json::from_value(authorization).unwrap();
        let server = ServerConfig::new(Reach::Http {
            url: self.server.clone(),
            headers: BTreeMap::new(),
        });
        let server = server.authorization(authorization);
        Config::of(BTreeMap::from([("s".to_owned(), server)]))
    }

    /// Logs in with a browser that goes where it is sent.
    pub(crate) async fn log_in(&self, config: &Config) -> Result<LoggedIn, LoginError> {
        let login = Login::begin("s", &config.servers["s"], Limits::default()).await?;
        let address = login.address().to_owned();
        let browser = tokio::spawn(async move { visit(&address).await });
        let done = login.finish(Duration::from_secs(10)).await;
        let _ = browser.await;
        done
    }
}

/// What a browser is shown in the end.
pub(crate) async fn visit(address: &str) -> String {
    let http = reqwest::Client::builder().no_proxy().build().unwrap();
    match http.get(address).send().await {
        Ok(answer) => answer.text().await.unwrap_or_default(),
        Err(error) => error.to_string(),
    }
}

fn merge(into: &mut Value, more: &Value) {
    for (name, value) in more.as_object().unwrap() {
        if value.is_null() {
            into.as_object_mut().unwrap().remove(name);
        } else {
            into[name] = value.clone();
        }
    }
}

fn form(text: &str) -> BTreeMap<String, String> {
    url::form_urlencoded::parse(text.as_bytes())
        .into_owned()
        .collect()
}

async fn resource_metadata(State(this): State<Authority>) -> axum::Json<Value> {
    let mut metadata = json!({
        "resource": this.server,
        "authorization_servers": [this.issuer],
        "scopes_supported": ["read"],
    });
    merge(&mut metadata, &this.kept.lock().unwrap().knobs.resource);
    axum::Json(metadata)
}

async fn metadata(State(this): State<Authority>) -> Response {
    let knobs = this.kept.lock().unwrap().knobs.clone();
    if let Some(moved) = &knobs.moved {
        return (StatusCode::FOUND, [(LOCATION, moved.clone())]).into_response();
    }
    if knobs.is_endless {
        let endless = futures_util::stream::repeat_with(|| {
            Ok::<_, std::io::Error>(Bytes::from(vec![b' '; 16 << 10]))
        });
        return Body::from_stream(endless).into_response();
    }
    let mut metadata = json!({
        "issuer": this.issuer,
        "authorization_endpoint": format!("{}/authorize", this.issuer),
        "token_endpoint": format!("{}/token", this.issuer),
        "registration_endpoint": format!("{}/register", this.issuer),
        "code_challenge_methods_supported": ["S256"],
        "token_endpoint_auth_methods_supported": ["client_secret_basic", "none"],
    });
    merge(&mut metadata, &knobs.metadata);
    axum::Json(metadata).into_response()
}

async fn register(State(this): State<Authority>, body: Bytes) -> axum::Json<Value> {
    let text = String::from_utf8(body.to_vec()).unwrap();
    let mut kept = this.kept.lock().unwrap();
    kept.asked.push(format!("register {text}"));
    let asked: Value = serde_json::from_str(&text).unwrap();
    axum::Json(json!({
        "client_id": "registered",
        "client_secret": "secret-of-registered",
        "redirect_uris": asked["redirect_uris"],
    }))
}

async fn authorize(State(this): State<Authority>, RawQuery(query): RawQuery) -> Response {
    let query = query.unwrap();
    let asked = form(&query);
    let mut kept = this.kept.lock().unwrap();
    kept.asked.push(format!("authorize {query}"));
    let answer = if kept.knobs.refuses {
        "error=access_denied&error_description=no".to_owned()
    } else {
        format!("code={}", asked["scope"].replace(' ', "+"))
    };
    let to = format!(
        "{}?{answer}&state={}{}",
        asked["redirect_uri"], asked["state"], kept.knobs.redirect
    );
    (StatusCode::FOUND, [(LOCATION, to)]).into_response()
}

async fn token(State(this): State<Authority>, headers: HeaderMap, body: Bytes) -> Response {
    let text = String::from_utf8(body.to_vec()).unwrap();
    let asked = form(&text);
    let by = headers.get(AUTHORIZATION).map(|it| it.to_str().unwrap());
    let mut kept = this.kept.lock().unwrap();
    kept.asked
        .push(format!("token {text} by {}", by.unwrap_or("nobody")));
    let refused = |status: StatusCode, error: &str| {
        (status, axum::Json(json!({"error": error}))).into_response()
    };
    if asked["grant_type"] == "refresh_token" {
        match kept.knobs.refresh {
            Refresh::Works => {}
            Refresh::Refused => return refused(StatusCode::BAD_REQUEST, "invalid_grant"),
            Refresh::Fails => return refused(StatusCode::INTERNAL_SERVER_ERROR, "server_error"),
        }
    }
    kept.granted += 1;
    let name = format!("token-{}", kept.granted);
    let mut scopes = asked.get("code").or(asked.get("scope")).cloned();
    if asked["grant_type"] == "refresh_token" {
        scopes = Some("read".to_owned());
    }
    let scopes = scopes.unwrap_or_default();
    kept.valid
        .insert(name.clone(), scopes.split(' ').map(str::to_owned).collect());
    let mut answer = json!({
        "access_token": name,
        "refresh_token": format!("refresh-{}", kept.granted),
        "token_type": "Bearer",
        "expires_in": 3600,
        "scope": scopes,
    });
    merge(&mut answer, &kept.knobs.token.clone());
    ([(CONTENT_TYPE, "application/json")], answer.to_string()).into_response()
}

async fn tools(State(this): State<Authority>, headers: HeaderMap, body: Bytes) -> Response {
    let message: Value = serde_json::from_slice(&body).unwrap();
    let method = message["method"].as_str().unwrap_or_default().to_owned();
    let token = headers
        .get(AUTHORIZATION)
        .and_then(|it| it.to_str().ok()?.strip_prefix("Bearer "))
        .unwrap_or_default();
    let mut kept = this.kept.lock().unwrap();
    kept.seen.push(format!("{method} {token}"));
    let metadata = format!(
        "resource_metadata=\"{}\"",
        this.server
            .replace("/mcp", "/.well-known/oauth-protected-resource/mcp")
    );
    let valid: Option<BTreeSet<String>> = kept
        .valid
        .get(token)
        .map(|scopes| scopes.iter().cloned().collect());
    let Some(scopes) = valid.filter(|_| !kept.knobs.distrusts) else {
        let challenge = format!("Bearer {metadata}, scope=\"read\"");
        return (StatusCode::UNAUTHORIZED, [(WWW_AUTHENTICATE, challenge)]).into_response();
    };
    if method == "tools/call"
        && let Some(wanted) = &kept.knobs.wanted
        && !scopes.contains(wanted)
    {
        let challenge =
            format!("Bearer {metadata}, error=\"insufficient_scope\", scope=\"{wanted}\"");
        return (StatusCode::FORBIDDEN, [(WWW_AUTHENTICATE, challenge)]).into_response();
    }
    kept.seen.push(format!("ran {method}"));
    let Some(id) = message.get("id") else {
        return StatusCode::ACCEPTED.into_response();
    };
    let result = match &*method {
        "initialize" => json!({
            "protocolVersion": "2025-11-25",
            "capabilities": {"tools": {}},
            "serverInfo": {"name": "guarded", "version": "1"},
        }),
        "tools/list" => json!({"tools": [{"name": "read", "inputSchema": {"type": "object"}}]}),
        "tools/call" => json!({"content": [{"type": "text", "text": "done"}]}),
        _ => {
            let error = json!({"code": -32601, "message": "method not found"});
            return axum::Json(json!({"jsonrpc": "2.0", "id": id, "error": error})).into_response();
        }
    };
    axum::Json(json!({"jsonrpc": "2.0", "id": id, "result": result})).into_response()
}
