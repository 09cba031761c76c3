//! Servers that are written with rmcp, held to the scenarios of the kit.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a panic is how a test fails"
)]

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use hexgate_adapter_kit::{
    Aspect, CallSpec, Driver, Entry, Kind, Play, Scenario, Seen, ToolSpec, Uncovered, Ungated,
    check,
};
use hexgate_rmcp::gate;
use rmcp::model::{
    CallToolRequestParams, CallToolResponse, CallToolResult, ContentBlock, ErrorData,
    InitializeResult, ListToolsResult, PaginatedRequestParams, ProtocolVersion, ServerCapabilities,
    ServerConfig, Tool,
};
use rmcp::service::RequestContext;
use rmcp::{RoleServer, ServerHandler, ServiceExt as _};
use serde_json::{Value, json};
use tokio::io::{
    AsyncBufReadExt as _, AsyncWriteExt as _, BufReader, DuplexStream, Lines, ReadHalf, WriteHalf,
};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn servers_of_rmcp_hold_every_scenario() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../tests/adapters/coverage");
    check(Arc::new(Rmcp), &folder).await.unwrap();
}

struct Rmcp;

#[async_trait]
impl Driver for Rmcp {
    fn host(&self) -> &'static str {
        "rmcp"
    }

    fn title(&self) -> &'static str {
        "rmcp 3.11 (servers)"
    }

    /// The framework keeps arguments as values.
    fn keeps_bytes(&self) -> bool {
        false
    }

    fn policy_name(&self, tool: &ToolSpec) -> String {
        format!("mcp-files-{}", tool.name)
    }

    fn uncovered(&self, scenario: &Scenario) -> Option<Uncovered> {
        let has = |kind| scenario.tools.iter().any(|tool| tool.kind == kind);
        let around = &scenario.around;
        if has(Kind::Agent) || has(Kind::Handoff) {
            return Uncovered::absent("agents are clients of a server, and none of its tools");
        }
        if has(Kind::Provider) {
            return Uncovered::absent("a server has no model");
        }
        if around.rewrite_before.is_some() || around.rewrite_after.is_some() {
            return Uncovered::absent("a server's handler has no hooks");
        }
        if around.entry == Entry::Streamed {
            return Uncovered::absent("a server sees calls, and not the answer of the model");
        }
        if scenario.name == "unknown-tool-that-is-allowed" {
            return Uncovered::open(
                "which tools there are is the program's own handler to say: it is asked, says that there is none, and the record has it as a call that failed",
            );
        }
        if scenario.name == "counted" {
            return Uncovered::absent("a server has no runs, so nothing is counted of one");
        }
        if scenario.name == "arguments-beyond-64-bits" {
            return Uncovered::open_in(
                &[Aspect::Ran, Aspect::Records],
                "the framework reads such a number as the nearest one that it can keep, before the handler sees the call; that one is decided and runs. Over HTTP `Guard` refuses it",
            );
        }
        None
    }

    fn ungated(&self) -> Vec<Ungated> {
        vec![Ungated::new(
            "tasks",
            "`tasks/get`, `tasks/update` and `tasks/cancel` go on with a call that was decided",
        )]
    }

    async fn play(&self, play: Play) -> Result<Seen, String> {
        let enforcer = match play.enforcer() {
            Ok(builder) => builder.build().map_err(|error| error.to_string())?,
            Err(reason) => return Ok(play.without_gate(reason)),
        };
        let server = Server::new(&play);
        let offered = Arc::clone(&server.offered);
        let mut gated = gate(server, "files", &enforcer).unwrap();
        if let Some(caller) = play.caller() {
            gated = gated.caller(caller);
        }
        let (ours, theirs) = tokio::io::duplex(1 << 20);
        match play.around().wrapped_twice {
            false => drop(tokio::spawn(serve(gated, theirs))),
            true => {
                let twice = gate(gated, "files", &enforcer).unwrap();
                let twice = twice.caller(play.caller().unwrap());
                drop(tokio::spawn(serve(twice, theirs)));
            }
        }
        let mut client = Client::open(ours, &play).await;
        let mut read = Vec::new();
        loop {
            for name in play.script().adds() {
                let tool = play.tools().iter().find(|tool| tool.name == name);
                offered.lock().unwrap().push(tool.unwrap().clone());
            }
            let Some(turn) = play.script().next() else {
                break;
            };
            let is_parallel = |name: &str| {
                let tool = play.tools().iter().find(|tool| tool.name == name);
                tool.is_some_and(|tool| tool.parallel)
            };
            if turn.calls.iter().all(|call| is_parallel(&call.tool)) {
                read.extend(client.call(&turn.calls).await);
            } else {
                for call in &turn.calls {
                    read.extend(client.call(std::slice::from_ref(call)).await);
                }
            }
        }
        Ok(play.seen(read).await)
    }
}

async fn serve<H: ServerHandler>(server: hexgate_rmcp::Gated<H>, streams: DuplexStream) {
    if let Ok(running) = server.serve(streams).await {
        let _ = running.waiting().await;
    }
}

/// A server whose tools are those of the scenario.
struct Server {
    play: Play,
    offered: Arc<Mutex<Vec<ToolSpec>>>,
}

impl Server {
    fn new(play: &Play) -> Self {
        let tools = play.tools().iter();
        let tools = tools.filter(|tool| matches!(tool.kind, Kind::Function | Kind::Mcp));
        Self {
            play: play.clone(),
            offered: Arc::new(Mutex::new(tools.cloned().collect())),
        }
    }
}

impl ServerHandler for Server {
    fn get_info(&self) -> ServerConfig {
        let capabilities = ServerCapabilities::builder().enable_tools().build();
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
        _: RequestContext<RoleServer>,
    ) -> Result<ListToolsResult, ErrorData> {
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
        _: RequestContext<RoleServer>,
    ) -> Result<CallToolResponse, ErrorData> {
        let is_there = {
            let offered = self.offered.lock().unwrap();
            offered.iter().any(|tool| tool.name == params.name)
        };
        let text = |text: String| vec![ContentBlock::text(text)];
        if !is_there {
            let message = format!("[unknown_tool] There is no tool '{}'.", params.name);
            return Ok(CallToolResult::error(text(message)).into());
        }
        let arguments = serde_json::to_string(&params.arguments.unwrap_or_default()).unwrap();
        let ran = self.play.toolbox().run(&params.name, &arguments).await;
        Ok(match ran {
            Ok(said) => CallToolResult::success(text(said)).into(),
            Err(why) => CallToolResult::error(text(why)).into(),
        })
    }
}

/// A client that writes the model's bytes into its lines.
struct Client {
    play: Play,
    read: Lines<BufReader<ReadHalf<DuplexStream>>>,
    write: WriteHalf<DuplexStream>,
    next: u64,
}

impl Client {
    async fn open(streams: DuplexStream, play: &Play) -> Self {
        let (read, write) = tokio::io::split(streams);
        let mut client = Self {
            play: play.clone(),
            read: BufReader::new(read).lines(),
            write,
            next: 0,
        };
        let params = json!({"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "kit", "version": "1"}});
        client.request("initialize", &params.to_string()).await;
        client.read.next_line().await.unwrap().unwrap();
        client
            .say(r#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#)
            .await;
        client
    }

    /// Makes calls at the same time. What the model reads of each.
    async fn call(&mut self, calls: &[CallSpec]) -> Vec<String> {
        let mut ids = Vec::new();
        for call in calls {
            // What is no JSON never becomes a message.
            let Ok(_) = serde_json::from_str::<Value>(&call.arguments) else {
                return vec![String::new()];
            };
            let name = json!(call.tool);
            let params = format!(r#"{{"name":{name},"arguments":{}}}"#, call.arguments);
            ids.push(self.request("tools/call", &params).await);
        }
        let mut answers = BTreeMap::new();
        while answers.len() < ids.len() {
            let play = self.play.clone();
            tokio::select! {
                line = self.read.next_line() => {
                    let line = line.unwrap().expect("the server went away");
                    let message: Value = serde_json::from_str(&line).unwrap();
                    match message["id"].as_u64() {
                        Some(id) => drop(answers.insert(id, said(&message))),
                        // What is no message has no id, and is the answer to the only call.
                        None if message.get("error").is_some() => {
                            drop(answers.insert(ids[0], said(&message)));
                        }
                        None => {}
                    }
                }
                () = play.cancelled() => {
                    for id in ids.iter().filter(|id| !answers.contains_key(id)) {
                        self.say(&format!(r#"{{"jsonrpc":"2.0","method":"notifications/cancelled","params":{{"requestId":{id}}}}}"#)).await;
                    }
                    break;
                }
            }
        }
        ids.iter().filter_map(|id| answers.remove(id)).collect()
    }

    async fn request(&mut self, method: &str, params: &str) -> u64 {
        self.next += 1;
        let id = self.next;
        self.say(&format!(
            r#"{{"jsonrpc":"2.0","id":{id},"method":"{method}","params":{params}}}"#
        ))
        .await;
        id
    }

    async fn say(&mut self, line: &str) {
        self.write.write_all(line.as_bytes()).await.unwrap();
        self.write.write_all(b"\n").await.unwrap();
    }
}

/// What the model reads.
fn said(message: &Value) -> String {
    if let Some(error) = message.get("error") {
        return error["message"].as_str().unwrap_or_default().to_owned();
    }
    let content = message["result"]["content"].as_array();
    let texts = content.into_iter().flatten();
    let texts: Vec<_> = texts.filter_map(|it| it["text"].as_str()).collect();
    texts.join("\n")
}
