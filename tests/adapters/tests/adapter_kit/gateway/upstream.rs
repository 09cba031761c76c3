//! A server whose tools are those of the scenario. It takes the bytes of the arguments as they come over the wire.

use std::borrow::Cow;
use std::sync::{Arc, Mutex};

use axum::body::Body;
use axum::http::Request;
use axum::http::request::Parts;
use hexgate_adapter_kit::{Kind, Play, ToolSpec};
use rmcp::model::*;
use rmcp::service::{Peer, RequestContext};
use rmcp::transport::streamable_http_server::session::local::LocalSessionManager;
use rmcp::transport::{StreamableHttpServerConfig, StreamableHttpService};
use rmcp::{ErrorData, RoleServer, ServerHandler};
use serde::Deserialize;
use serde_json::value::RawValue;

pub(super) struct Upstream {
    pub(super) url: String,
    server: Server,
}

#[derive(Clone)]
struct Server {
    play: Play,
    offered: Arc<Mutex<Vec<ToolSpec>>>,
    clients: Arc<Mutex<Vec<Peer<RoleServer>>>>,
}

/// The arguments of a call as they came.
#[derive(Clone)]
struct Came(String);

impl Upstream {
    pub(super) async fn start(play: &Play) -> Self {
        let tools = play.tools().iter();
        let tools = tools.filter(|tool| !matches!(tool.kind, Kind::Later | Kind::Unknown));
        let server = Server {
            play: play.clone(),
            offered: Arc::new(Mutex::new(tools.cloned().collect())),
            clients: Arc::default(),
        };
        let serves = server.clone();
        let service = StreamableHttpService::new(
            move || Ok(serves.clone()),
            Arc::new(LocalSessionManager::default()),
            StreamableHttpServerConfig::default(),
        );
        let router = axum::Router::new()
            .route_service("/mcp", service)
            .layer(axum::middleware::map_request(came));
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/mcp", listener.local_addr().unwrap());
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self { url, server }
    }

    /// Offers more tools, and says so.
    pub(super) fn add(&self, names: &[String]) {
        let tools = self.server.play.tools().iter();
        let tools = tools.filter(|tool| names.contains(&tool.name));
        self.server.offered.lock().unwrap().extend(tools.cloned());
        for client in self.server.clients.lock().unwrap().clone() {
            tokio::spawn(async move { client.notify_tool_list_changed().await });
        }
    }
}

/// Keeps the arguments of a call as they came beside the request.
async fn came(request: Request<Body>) -> Request<Body> {
    #[derive(Deserialize)]
    struct Message {
        params: Option<Params>,
    }
    #[derive(Deserialize)]
    struct Params {
        arguments: Option<Box<RawValue>>,
    }
    let (mut parts, body) = request.into_parts();
    let body = axum::body::to_bytes(body, 1 << 24).await.unwrap();
    let message: Option<Message> = serde_json::from_slice(&body).ok();
    if let Some(arguments) = message.and_then(|it| it.params).and_then(|it| it.arguments) {
        parts.extensions.insert(Came(arguments.get().to_owned()));
    }
    Request::from_parts(parts, body.into())
}

impl ServerHandler for Server {
    fn get_info(&self) -> ServerConfig {
        let capabilities = ServerCapabilities::builder()
            .enable_tools()
            .enable_tool_list_changed()
            .build();
        let mut info = InitializeResult::new(capabilities);
        info.protocol_version = ProtocolVersion::V_2025_11_25;
        info
    }

    fn supported_protocol_versions(&self) -> Cow<'static, [ProtocolVersion]> {
        Cow::Owned(vec![ProtocolVersion::V_2025_11_25])
    }

    async fn list_tools(
        &self,
        _: Option<PaginatedRequestParams>,
        context: RequestContext<RoleServer>,
    ) -> Result<ListToolsResult, ErrorData> {
        self.clients.lock().unwrap().push(context.peer.clone());
        let offered = self.offered.lock().unwrap().clone();
        let tools = offered.iter().map(|tool| {
            let schema = tool.schema.as_object().unwrap().clone();
            Tool::new(tool.name.clone(), tool.description(), Arc::new(schema))
        });
        Ok(ListToolsResult::with_all_items(tools.collect()))
    }

    async fn call_tool(
        &self,
        params: CallToolRequestParams,
        context: RequestContext<RoleServer>,
    ) -> Result<CallToolResponse, ErrorData> {
        let came = context
            .extensions
            .get::<Parts>()
            .and_then(|parts| parts.extensions.get::<Came>())
            .map_or("{}", |came| &came.0)
            .to_owned();
        let (play, tool) = (self.play.clone(), params.name.to_string());
        // What panics is an error of the server's.
        let running = tokio::spawn(async move { play.toolbox().run(&tool, &came).await });
        let _ends = Ends(running.abort_handle());
        let running = tokio::select! {
            ran = running => ran,
            () = context.ct.cancelled() => return Err(ErrorData::internal_error("cancelled", None)),
        };
        let text = |text: String| vec![ContentBlock::text(text)];
        match running {
            Ok(Ok(said)) => Ok(CallToolResult::success(text(said)).into()),
            Ok(Err(why)) => Ok(CallToolResult::error(text(why)).into()),
            Err(_) => Err(ErrorData::internal_error("the tool panicked", None)),
        }
    }
}

/// A task that ends with whoever waits for it.
struct Ends(tokio::task::AbortHandle);

impl Drop for Ends {
    fn drop(&mut self) {
        self.0.abort();
    }
}
