//! The two ends of each path, both of rmcp: a server that answers at once, and a client that calls it.

use std::net::SocketAddr;
use std::sync::Arc;

use rmcp::model::*;
use rmcp::service::{RequestContext, RunningService};
use rmcp::transport::streamable_http_server::session::local::LocalSessionManager;
use rmcp::transport::{
    StreamableHttpClientTransport, StreamableHttpServerConfig, StreamableHttpService,
    TokioChildProcess,
};
use rmcp::{ErrorData, RoleClient, RoleServer, ServerHandler, ServiceExt as _};
use serde_json::json;

/// The argument after which it stands that this process is a server, and where. Not a variable, which programs in between may drop: then each
/// server would start a benchmark of its own.
const SERVE: &str = "serve";
const STREAMS: &str = "streams";
const TOOL: &str = "refund";

/// One tool, which answers with its order.
#[derive(Debug, Clone)]
pub(crate) struct Server;

impl Server {
    pub(crate) fn is_asked_for() -> bool {
        std::env::args().nth(1).as_deref() == Some(SERVE)
    }

    /// The arguments that make this program a server: at the standard streams, or at an address.
    pub(crate) fn arguments(address: Option<SocketAddr>) -> [String; 2] {
        let place = address.map_or_else(|| STREAMS.to_owned(), |it| it.to_string());
        [SERVE.to_owned(), place]
    }

    pub(crate) fn run() {
        let place = std::env::args().nth(2).unwrap();
        let runtime = tokio::runtime::Runtime::new().unwrap();
        runtime.block_on(async {
            if place == STREAMS {
                let serving = Self.serve(rmcp::transport::stdio()).await.unwrap();
                serving.waiting().await.unwrap();
                return;
            }
            let service = StreamableHttpService::new(
                || Ok(Self),
                Arc::new(LocalSessionManager::default()),
                StreamableHttpServerConfig::default(),
            );
            let router = axum::Router::new().route_service("/mcp", service);
            let listener = tokio::net::TcpListener::bind(&place).await.unwrap();
            axum::serve(listener, router).await.unwrap();
        });
    }
}

impl ServerHandler for Server {
    fn get_info(&self) -> ServerConfig {
        ServerConfig::new(ServerCapabilities::builder().enable_tools().build())
    }

    async fn list_tools(
        &self,
        _: Option<PaginatedRequestParams>,
        _: RequestContext<RoleServer>,
    ) -> Result<ListToolsResult, ErrorData> {
        let schema = json!({"type": "object", "properties": {
            "order": {"type": "string"}, "amount": {"type": "integer"}}});
        let schema = Arc::new(schema.as_object().unwrap().clone());
        let tool = Tool::new(TOOL, "Refunds an order.", schema);
        Ok(ListToolsResult::with_all_items(vec![tool]))
    }

    async fn call_tool(
        &self,
        params: CallToolRequestParams,
        _: RequestContext<RoleServer>,
    ) -> Result<CallToolResponse, ErrorData> {
        let order = params.arguments.unwrap_or_default()["order"].to_string();
        Ok(CallToolResult::success(vec![ContentBlock::text(order)]).into())
    }
}

/// A client of 2025-11-25, which has a session.
pub(crate) struct Client(RunningService<RoleClient, ClientConfig>);

impl Client {
    fn config() -> ClientConfig {
        let implementation = Implementation::new("bench", "1");
        let mut config = ClientConfig::new(ClientCapabilities::default(), implementation);
        config.protocol_version = ProtocolVersion::V_2025_11_25;
        config
    }

    pub(crate) async fn over_streams(words: &Words) -> Self {
        let mut command = tokio::process::Command::new(&words.program);
        command.args(&words.args);
        let (transport, _) = TokioChildProcess::builder(command)
            .stderr(std::process::Stdio::null())
            .spawn()
            .unwrap();
        Self(Self::config().serve(transport).await.unwrap())
    }

    pub(crate) async fn over_http(url: &str) -> Self {
        let transport = StreamableHttpClientTransport::from_uri(url);
        Self(Self::config().serve(transport).await.unwrap())
    }

    /// One call that is allowed.
    ///
    /// # Errors
    ///
    /// It was not answered, or with something else.
    pub(crate) async fn call(&self) -> Result<(), String> {
        let arguments = json!({"order": "4711", "amount": 40});
        let params =
            CallToolRequestParams::new(TOOL).with_arguments(arguments.as_object().unwrap().clone());
        let result = self.0.call_tool(params).await;
        let result = result.map_err(|error| error.to_string())?;
        let text = result.content.first().and_then(|content| content.as_text());
        match text {
            Some(text) if text.text == "\"4711\"" && result.is_error != Some(true) => Ok(()),
            _ => Err(format!("{result:?}")),
        }
    }

    pub(crate) async fn close(self) {
        let _ = self.0.cancel().await;
    }
}

/// How a program is started.
#[derive(Debug, Clone)]
pub(crate) struct Words {
    pub(crate) program: std::path::PathBuf,
    pub(crate) args: Vec<String>,
}
