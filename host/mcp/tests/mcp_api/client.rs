//! Clients: those of rmcp, and one that writes its own lines.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use hexgate_mcp::Gateway;
use hexgate_mcp::front::{self, Http};
use rmcp::model::*;
use rmcp::service::{
    ClientLifecycleMode, ClientServiceExt as _, NotificationContext, RequestContext, RunningService,
};
use rmcp::transport::StreamableHttpClientTransport;
use rmcp::transport::streamable_http_client::StreamableHttpClientTransportConfig;
use rmcp::{ClientHandler, ErrorData, RoleClient};
use serde_json::{Value, json};
use tokio::io::{
    AsyncBufReadExt as _, AsyncWriteExt as _, BufReader, DuplexStream, Lines, ReadHalf, WriteHalf,
};

/// How the user of a client answers questions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum User {
    /// The client cannot ask.
    Absent,
    Agrees,
    /// Agrees to one question whenever the test says so.
    Waits,
    Declines,
}

#[derive(Debug, Clone)]
pub(crate) struct Client {
    user: User,
    version: ProtocolVersion,
    pub(crate) asked: Arc<std::sync::Mutex<Vec<String>>>,
    pub(crate) changes: Arc<AtomicUsize>,
    /// What a user waits for.
    pub(crate) go: Arc<tokio::sync::Notify>,
}

impl ClientHandler for Client {
    fn get_info(&self) -> ClientConfig {
        let mut capabilities = ClientCapabilities::default();
        if self.user != User::Absent {
            capabilities.elicitation = Some(ElicitationCapability::new());
        }
        let mut config = ClientConfig::new(capabilities, Implementation::new("test", "1"));
        config.protocol_version = self.version.clone();
        config
    }

    async fn create_elicitation(
        &self,
        request: ElicitRequestParams,
        _: RequestContext<RoleClient>,
    ) -> Result<ElicitResult, ErrorData> {
        let ElicitRequestParams::FormElicitationParams { message, .. } = request else {
            panic!("{request:?}");
        };
        self.asked.lock().unwrap().push(message);
        if self.user == User::Waits {
            self.go.notified().await;
        }
        Ok(match self.user {
            User::Agrees | User::Waits => {
                ElicitResult::new(ElicitationAction::Accept).with_content(json!({"approve": true}))
            }
            _ => ElicitResult::new(ElicitationAction::Decline),
        })
    }

    async fn on_tool_list_changed(&self, _: NotificationContext<RoleClient>) {
        self.changes.fetch_add(1, Ordering::SeqCst);
    }
}

pub(crate) type Running = RunningService<RoleClient, Client>;

/// Where a client is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Over {
    Streams,
    Http,
}

pub(crate) async fn connect(
    gateway: &Gateway,
    over: Over,
    version: &ProtocolVersion,
    user: User,
) -> Running {
    let client = Client {
        user,
        version: version.clone(),
        asked: Arc::default(),
        changes: Arc::default(),
        go: Arc::default(),
    };
    let mode = if version.has_initialize() {
        ClientLifecycleMode::Initialize
    } else {
        ClientLifecycleMode::Discover {
            preferred_versions: vec![version.clone()],
        }
    };
    let running = match over {
        Over::Streams => {
            let stream = streams(gateway);
            client.serve_with_lifecycle(stream, mode).await.unwrap()
        }
        Over::Http => {
            let url = listen(gateway).await;
            client
                .serve_with_lifecycle(transport(&url, "alice"), mode)
                .await
                .unwrap()
        }
    };
    let spoken = running.peer().peer_info().unwrap().protocol_version.clone();
    assert_eq!(spoken, *version);
    running
}

pub(crate) fn transport(url: &str, user: &str) -> StreamableHttpClientTransport<reqwest::Client> {
    StreamableHttpClientTransport::with_client(
        reqwest::Client::new(),
        StreamableHttpClientTransportConfig::with_uri(url.to_owned()).auth_header(user),
    )
}

/// One end of a gateway's streams.
pub(crate) fn streams(gateway: &Gateway) -> DuplexStream {
    let (ours, theirs) = tokio::io::duplex(1 << 20);
    let gateway = gateway.clone();
    tokio::spawn(async move {
        let (read, write) = tokio::io::split(theirs);
        let _ = front::streams(&gateway, read, write).await;
    });
    ours
}

/// The address of a gateway over HTTP.
pub(crate) async fn listen(gateway: &Gateway) -> String {
    let http = Http::new(gateway);
    let listener = http.bind("127.0.0.1:0".parse().unwrap()).await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move { http.serve(listener).await });
    format!("http://{address}/mcp")
}

/// A call, as text and whether it is an error.
pub(crate) async fn call(client: &Running, tool: &str, arguments: Value) -> (bool, String) {
    match client.peer().call_tool_once(params(tool, arguments)).await {
        Ok(CallToolResponse::Complete(result)) => (result.is_error == Some(true), text(&result)),
        Ok(other) => (true, format!("{other:?}")),
        Err(error) => (true, error.to_string()),
    }
}

pub(crate) fn params(tool: &str, arguments: Value) -> CallToolRequestParams {
    let Value::Object(arguments) = arguments else {
        panic!("{arguments}")
    };
    CallToolRequestParams::new(tool.to_owned()).with_arguments(arguments)
}

pub(crate) fn text(result: &CallToolResult) -> String {
    let texts = result.content.iter().filter_map(|it| it.as_text());
    texts.map(|it| it.text.as_str()).collect()
}

pub(crate) async fn tools(client: &Running) -> Vec<String> {
    let listed = client.peer().list_tools(None).await.unwrap();
    let names = listed.tools.iter().map(|tool| tool.name.to_string());
    names.collect()
}

/// A client that writes its own lines.
pub(crate) struct Raw {
    read: Lines<BufReader<ReadHalf<DuplexStream>>>,
    write: WriteHalf<DuplexStream>,
}

impl Raw {
    /// One that began as 2025-11-25 wants it.
    pub(crate) async fn open(gateway: &Gateway) -> Self {
        let mut raw = Self::new(gateway);
        let answer = raw
            .ask(r#"{"jsonrpc":"2.0","id":0,"method":"initialize","params":{"protocolVersion":"2025-11-25","capabilities":{},"clientInfo":{"name":"raw","version":"1"}}}"#)
            .await;
        assert_eq!(
            answer["result"]["protocolVersion"], "2025-11-25",
            "{answer}"
        );
        raw.say(r#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#)
            .await;
        raw
    }

    pub(crate) fn new(gateway: &Gateway) -> Self {
        let (read, write) = tokio::io::split(streams(gateway));
        Self {
            read: BufReader::new(read).lines(),
            write,
        }
    }

    pub(crate) async fn say(&mut self, line: &str) {
        self.write.write_all(line.as_bytes()).await.unwrap();
        self.write.write_all(b"\n").await.unwrap();
    }

    /// The next message.
    pub(crate) async fn hear(&mut self) -> Value {
        let next = tokio::time::timeout(std::time::Duration::from_secs(20), self.read.next_line());
        let line = next.await.expect("no answer").unwrap().expect("closed");
        serde_json::from_str(&line).unwrap()
    }

    pub(crate) async fn ask(&mut self, line: &str) -> Value {
        self.say(line).await;
        self.hear().await
    }
}
