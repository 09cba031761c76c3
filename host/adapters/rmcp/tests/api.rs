//! Servers that are written with rmcp behind the gate, beyond the scenarios of the kit.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a panic is how a test fails"
)]

#[path = "api/durable.rs"]
mod durable;

use std::convert::Infallible;
use std::future::{Ready, ready};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};
use std::time::Duration;

use async_trait::async_trait;
use axum::body::Body;
use axum::http::{Request, StatusCode};
use axum::response::Response;
use hexgate_adapter_testing::{Record, caller, enforcer};
use hexgate_enforce::Caller;
use hexgate_rmcp::{Asks, CallerOf, Gated, Incoming, Unidentified, gate};
use rmcp::model::{
    CallToolRequestParams, CallToolResponse, CallToolResult, CancelTaskParams, ClientCapabilities,
    ClientConfig, ContentBlock, CreateTaskResult, DetailedTask, ElicitRequestParams, ElicitResult,
    ElicitationAction, ErrorData, GetPromptRequestParams, GetPromptResponse, GetPromptResult,
    GetTaskParams, GetTaskResult, InitializeResult, ListResourcesResult, ListToolsResult,
    PaginatedRequestParams, ProtocolVersion, ReadResourceRequestParams, ReadResourceResponse,
    ReadResourceResult, Resource, ServerCapabilities, ServerConfig, Task, TaskPayload, TaskStatus,
    Tool, UpdateTaskParams,
};
use rmcp::service::{ClientLifecycleMode, ClientServiceExt as _, RequestContext, RunningService};
use rmcp::{ClientHandler, RoleClient, RoleServer, ServerHandler, ServiceExt as _};
use serde_json::{Value, json};
use tower_layer::Layer as _;
use tower_service::Service;

const POLICY: &str = "
roles:
  user:
    tools:
      mcp-files-read: { mode: allow }
      mcp-files-pay: { mode: approval_required }
      mcp-files-later: { mode: allow }
      mcp-files.prompt: { mode: allow }
      mcp-files.resource: { mode: allow, constraints: ['startswith(args.uri, \"memo:\")'] }
";

/// A server that notes what it was asked.
#[derive(Clone, Default)]
struct Files(Arc<Mutex<Vec<String>>>);

impl Files {
    fn ran(&self) -> Vec<String> {
        self.0.lock().unwrap().clone()
    }
}

impl ServerHandler for Files {
    fn get_info(&self) -> ServerConfig {
        let capabilities = ServerCapabilities::builder()
            .enable_tools()
            .enable_prompts()
            .enable_resources()
            .enable_tasks()
            .build();
        InitializeResult::new(capabilities)
    }

    async fn list_tools(
        &self,
        _: Option<PaginatedRequestParams>,
        _: RequestContext<RoleServer>,
    ) -> Result<ListToolsResult, ErrorData> {
        let any = Arc::new(json!({"type": "object"}).as_object().unwrap().clone());
        let tools = ["read", "pay", "wipe"].map(|name| Tool::new(name, "A tool.", any.clone()));
        Ok(ListToolsResult::with_all_items(tools.into()))
    }

    async fn call_tool(
        &self,
        params: CallToolRequestParams,
        _: RequestContext<RoleServer>,
    ) -> Result<CallToolResponse, ErrorData> {
        let arguments = Value::Object(params.arguments.unwrap_or_default());
        let mut line = format!("{} {arguments}", params.name);
        if params.input_responses.is_some() || params.request_state.is_some() {
            line.push_str(" and more input");
        }
        self.0.lock().unwrap().push(line);
        if params.name == "later" {
            return Ok(CallToolResponse::Task(CreateTaskResult::new(task())));
        }
        Ok(CallToolResult::success(vec![ContentBlock::text("done")]).into())
    }

    async fn get_prompt(
        &self,
        params: GetPromptRequestParams,
        _: RequestContext<RoleServer>,
    ) -> Result<GetPromptResponse, ErrorData> {
        let mut line = format!("prompt {}", params.name);
        if params.input_responses.is_some() || params.request_state.is_some() {
            line.push_str(" and more input");
        }
        self.0.lock().unwrap().push(line);
        Ok(GetPromptResult::new(Vec::new()).into())
    }

    async fn list_resources(
        &self,
        _: Option<PaginatedRequestParams>,
        _: RequestContext<RoleServer>,
    ) -> Result<ListResourcesResult, ErrorData> {
        let resource = Resource::new("memo:a", "a");
        Ok(ListResourcesResult::with_all_items(vec![resource]))
    }

    async fn read_resource(
        &self,
        params: ReadResourceRequestParams,
        _: RequestContext<RoleServer>,
    ) -> Result<ReadResourceResponse, ErrorData> {
        let mut line = params.uri;
        if params.input_responses.is_some() || params.request_state.is_some() {
            line.push_str(" and more input");
        }
        self.0.lock().unwrap().push(line);
        Ok(ReadResourceResponse::Complete(ReadResourceResult::new(
            Vec::new(),
        )))
    }

    async fn get_task(
        &self,
        _: GetTaskParams,
        _: RequestContext<RoleServer>,
    ) -> Result<GetTaskResult, ErrorData> {
        self.0.lock().unwrap().push("tasks/get".to_owned());
        let working = DetailedTask::new(task(), TaskPayload::Working);
        Ok(GetTaskResult::new(working))
    }

    async fn update_task(
        &self,
        _: UpdateTaskParams,
        _: RequestContext<RoleServer>,
    ) -> Result<(), ErrorData> {
        self.0.lock().unwrap().push("tasks/update".to_owned());
        Ok(())
    }

    async fn cancel_task(
        &self,
        _: CancelTaskParams,
        _: RequestContext<RoleServer>,
    ) -> Result<(), ErrorData> {
        self.0.lock().unwrap().push("tasks/cancel".to_owned());
        Ok(())
    }
}

fn task() -> Task {
    let now = "2026-07-28T00:00:00Z";
    Task::new("one", TaskStatus::Working, now, now)
}

/// A client whose user answers so.
struct User(ElicitationAction);

impl ClientHandler for User {
    fn get_info(&self) -> ClientConfig {
        let mut info = ClientConfig::default();
        info.capabilities = ClientCapabilities::builder()
            .enable_elicitation()
            .enable_tasks()
            .build();
        info
    }

    async fn create_elicitation(
        &self,
        _: ElicitRequestParams,
        _: RequestContext<RoleClient>,
    ) -> Result<ElicitResult, ErrorData> {
        let answer = ElicitResult::new(self.0.clone());
        Ok(answer.with_content(json!({"approve": true})))
    }
}

type Client<U = User> = RunningService<RoleClient, U>;

async fn connected<H: ServerHandler, U: ClientHandler>(
    server: Gated<H>,
    user: U,
    mode: ClientLifecycleMode,
) -> Client<U> {
    let (ours, theirs) = tokio::io::duplex(1 << 16);
    tokio::spawn(async move {
        if let Ok(running) = server.serve(theirs).await {
            let _ = running.waiting().await;
        }
    });
    user.serve_with_lifecycle(ours, mode).await.unwrap()
}

fn older() -> ClientLifecycleMode {
    ClientLifecycleMode::Initialize
}

fn newer() -> ClientLifecycleMode {
    ClientLifecycleMode::Discover {
        preferred_versions: vec![ProtocolVersion::V_2026_07_28],
    }
}

fn params(tool: &'static str, arguments: &Value) -> CallToolRequestParams {
    CallToolRequestParams::new(tool).with_arguments(arguments.as_object().unwrap().clone())
}

async fn read<U: ClientHandler>(client: &Client<U>, params: CallToolRequestParams) -> String {
    match client.peer().call_tool_once(params).await.unwrap() {
        CallToolResponse::Complete(result) => {
            let texts = result.content.iter().filter_map(|it| it.as_text());
            texts.map(|it| it.text.clone()).collect()
        }
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn what_the_caller_can_never_have_is_not_listed_and_resources_are_decided() {
    let (enforcing, record) = enforcer(POLICY);
    let files = Files::default();
    let server = gate(files.clone(), "files", &enforcing.build().unwrap()).unwrap();
    let server = server.caller(caller("alice"));
    let client = connected(server, User(ElicitationAction::Accept), older()).await;
    let tools = client.list_all_tools().await.unwrap();
    let names: Vec<_> = tools.iter().map(|tool| tool.name.to_string()).collect();
    assert_eq!(names, ["read", "pay"]);
    assert_eq!(client.list_all_resources().await.unwrap().len(), 1);
    let uri = |uri: &str| ReadResourceRequestParams::new(uri);
    client.read_resource(uri("memo:a")).await.unwrap();
    let refused = client.read_resource(uri("file:///etc/passwd")).await;
    assert!(refused.unwrap_err().to_string().contains("[policy_denied]"));
    let denied = read(&client, params("wipe", &json!({}))).await;
    assert!(denied.starts_with("[policy_denied]"), "{denied}");
    assert_eq!(files.ran(), ["memo:a"]);
    assert_eq!(
        record.lines(),
        [
            r#"allow mcp-files.resource {"uri":"memo:a"} for alice"#,
            "mcp-files.resource completed",
            r#"deny mcp-files.resource {"uri":"file:///etc/passwd"} for alice"#,
            "deny mcp-files-wipe {} for alice"
        ]
    );
}

#[tokio::test]
async fn without_a_caller_nothing_is_listed_and_nothing_runs() {
    let (enforcing, record) = enforcer(POLICY);
    let files = Files::default();
    let server = gate(files.clone(), "files", &enforcing.build().unwrap()).unwrap();
    let client = connected(server, User(ElicitationAction::Accept), older()).await;
    assert!(client.list_all_tools().await.unwrap().is_empty());
    let denied = read(&client, params("read", &json!({}))).await;
    assert!(denied.starts_with("[policy_denied]"), "{denied}");
    assert!(files.ran().is_empty());
    assert_eq!(record.lines(), ["deny mcp-files-read {} for nobody"]);
}

async fn asking(user: ElicitationAction, mode: ClientLifecycleMode) -> (Client, Files, Record) {
    let (enforcing, record) = enforcer(POLICY);
    let asks = Asks::client().unwrap();
    let enforcer = enforcing.approvals(asks.approvals()).build().unwrap();
    let files = Files::default();
    let server = gate(files.clone(), "files", &enforcer).unwrap();
    let server = server.caller(caller("alice")).asks(&asks);
    (connected(server, User(user), mode).await, files, record)
}

#[tokio::test]
async fn the_user_of_an_older_client_is_asked_while_the_call_waits() {
    for (user, runs) in [
        (ElicitationAction::Accept, 1),
        (ElicitationAction::Decline, 0),
        (ElicitationAction::Cancel, 0),
    ] {
        let (client, files, record) = asking(user, older()).await;
        let said = read(&client, params("pay", &json!({"n": 1}))).await;
        assert_eq!(said == "done", runs == 1, "{said}");
        assert_eq!(files.ran().len(), runs);
        let asked = r#"needs_approval mcp-files-pay {"n":1} for alice"#;
        assert_eq!(record.lines()[0], asked);
    }
}

#[tokio::test]
async fn a_newer_client_is_asked_for_input_under_a_state_that_counts_once_for_its_call() {
    let (client, files, _) = asking(ElicitationAction::Accept, newer()).await;
    let sent = json!({"n": 1});
    let asked = client.peer().call_tool_once(params("pay", &sent)).await;
    let CallToolResponse::InputRequired(asked) = asked.unwrap() else {
        panic!("nobody is asked");
    };
    let yes = json!({"action": "accept", "content": {"approve": true}});
    let again = |arguments: &Value, state: Option<String>| {
        let answers = [("approval".to_owned(), yes.clone())].into();
        let mut params = params("pay", arguments).with_input_responses(answers);
        params.request_state = state;
        params
    };
    let state = asked.request_state;
    // For other arguments, and under a state that nobody gave, it does not count.
    for params in [
        again(&json!({"n": 2}), state.clone()),
        again(&sent, Some("rs1.e30.x".to_owned())),
    ] {
        let said = read(&client, params).await;
        assert!(said.starts_with("[policy_denied]"), "{said}");
    }
    assert!(files.ran().is_empty());
    assert_eq!(read(&client, again(&sent, state.clone())).await, "done");
    let said = read(&client, again(&sent, state)).await;
    assert!(said.starts_with("[policy_denied]"), "{said}");
    assert_eq!(files.ran(), [r#"pay {"n":1}"#]);
}

#[tokio::test]
async fn answers_that_no_state_goes_with_do_not_reach_the_server() {
    let (client, files, _) = asking(ElicitationAction::Accept, newer()).await;
    let answers = [("confirm".to_owned(), json!({"action": "accept"}))].into();
    let params = params("read", &json!({})).with_input_responses(answers);
    assert_eq!(read(&client, params).await, "done");
    // Prompts and resources ask nobody, so there is no state under which an answer could count.
    let answers = [("confirm".to_owned(), json!({"action": "accept"}))];
    let mut prompt = GetPromptRequestParams::new("greet");
    prompt.input_responses = Some(answers.clone().into());
    prompt.request_state = Some("forged".to_owned());
    client.peer().get_prompt_once(prompt).await.unwrap();
    let mut resource = ReadResourceRequestParams::new("memo:a");
    resource.input_responses = Some(answers.into());
    resource.request_state = Some("forged".to_owned());
    client.peer().read_resource_once(resource).await.unwrap();
    assert_eq!(files.ran(), ["read {}", "prompt greet", "memo:a"]);
}

#[tokio::test]
async fn a_task_belongs_to_the_caller_whose_call_it_is() {
    let (enforcing, _) = enforcer(POLICY);
    let files = Files::default();
    let server = gate(files.clone(), "files", &enforcing.build().unwrap()).unwrap();
    let as_user = async |server: Gated<Files>| {
        connected(server, User(ElicitationAction::Accept), newer()).await
    };
    let alice = as_user(server.clone().caller(caller("alice"))).await;
    let bob = as_user(server.clone().caller(caller("bob"))).await;
    let nobody = as_user(server).await;
    // Nobody's call made it yet.
    assert!(alice.get_task(GetTaskParams::new("one")).await.is_err());
    let made = alice
        .peer()
        .call_tool_once(params("later", &json!({})))
        .await;
    assert!(matches!(made.unwrap(), CallToolResponse::Task(_)));
    let update = || UpdateTaskParams::new("one", Default::default());
    for other in [&bob, &nobody] {
        assert!(other.get_task(GetTaskParams::new("one")).await.is_err());
        assert!(other.update_task(update()).await.is_err());
        let cancelled = other.cancel_task(CancelTaskParams::new("one")).await;
        assert!(cancelled.is_err());
    }
    assert_eq!(files.ran(), ["later {}"]);
    alice.get_task(GetTaskParams::new("one")).await.unwrap();
    alice.update_task(update()).await.unwrap();
    let cancelled = alice.cancel_task(CancelTaskParams::new("one")).await;
    cancelled.unwrap();
    assert_eq!(
        files.ran()[1..],
        ["tasks/get", "tasks/update", "tasks/cancel"]
    );
}

/// `Bearer NAME` is a user, and the issuer of `Bearer later` does not answer.
struct Bearer;

#[async_trait]
impl CallerOf for Bearer {
    async fn caller_of(&self, incoming: Incoming<'_>) -> Result<Caller, Unidentified> {
        let token = incoming.headers.and_then(|it| it.get("authorization"));
        let name = token.and_then(|it| it.to_str().ok()?.strip_prefix("Bearer "));
        if name == Some("later") {
            return Err(Unidentified::new("no answer").retry_after(Duration::from_secs(7)));
        }
        name.map(caller)
            .ok_or_else(|| Unidentified::new("no token"))
    }
}

/// What stands behind the guard: it answers with the caller that it was given, and opens a session where none is named.
#[derive(Clone)]
struct Behind;

impl Service<Request<Body>> for Behind {
    type Response = Response;
    type Error = Infallible;
    type Future = Ready<Result<Response, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        let caller = request.extensions().get::<Caller>();
        let who = caller
            .map_or("nobody", |caller| caller.user_id())
            .to_owned();
        let token = request.headers().contains_key("authorization");
        let mut response = Response::new(Body::from(format!("{who} {token}")));
        if !request.headers().contains_key("mcp-session-id") {
            let session = format!("of-{who}").parse().unwrap();
            response.headers_mut().insert("mcp-session-id", session);
        }
        ready(Ok(response))
    }
}

#[tokio::test]
async fn the_guard_lets_through_only_what_comes_through_unchanged() {
    let (enforcing, record) = enforcer(POLICY);
    let server = gate(Files::default(), "files", &enforcing.build().unwrap()).unwrap();
    let guard = server.guard(Bearer).request_bytes(500);
    let good =
        r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"read","arguments":{}}}"#;
    let poll =
        r#"{"jsonrpc":"2.0","id":1,"method":"tasks/get","params":{"taskId":"t1","name":"read"}}"#;
    let long = format!(r#"{{"a":"{}"}}"#, "x".repeat(600));
    let name = |name: &'static str| vec![("mcp-name", name)];
    for (headers, body, expected) in [
        (vec![], good, 200),
        (
            vec![("mcp-method", "tools/call"), ("mcp-name", "read")],
            good,
            200,
        ),
        (name("wipe"), good, 400),
        (name("=?base64?cmVhZA==?="), good, 200),
        (name("=?base64?d2lwZQ==?="), good, 400),
        (name("=?base64?!?="), good, 400),
        (name("t1"), poll, 200),
        (name("read"), poll, 400),
        (vec![("mcp-method", "tools/list")], good, 400),
        (vec![("mcp-name", "read"), ("mcp-name", "wipe")], good, 400),
        (vec![], "[]", 400),
        (vec![], "{", 400),
        (
            vec![],
            r#"{"id":1,"method":"tools/call","method":"ping"}"#,
            400,
        ),
        (
            vec![],
            r#"{"params":{"arguments":{"n":18446744073709551616}}}"#,
            400,
        ),
        (vec![], &long, 413),
    ] {
        let mut request = Request::post("/mcp").header("authorization", "Bearer alice");
        for (name, value) in &headers {
            request = request.header(*name, *value);
        }
        let request = request.body(Body::from(body.to_owned())).unwrap();
        let answer = guard.layer(Behind).call(request).await.unwrap();
        assert_eq!(answer.status().as_u16(), expected, "{headers:?} {body}");
        if answer.status() == StatusCode::OK {
            let said = axum::body::to_bytes(answer.into_body(), 100).await.unwrap();
            // The server is not given the token.
            assert_eq!(&said[..], b"alice false");
        }
    }
    let request = Request::post("/mcp").body(Body::from(good)).unwrap();
    let answer = guard.layer(Behind).call(request).await.unwrap();
    assert_eq!(answer.status(), StatusCode::UNAUTHORIZED);
    let denied = "deny mcp-files-read {} for nobody";
    assert_eq!(record.lines(), [denied]);
    // Who calls may be known later.
    let request = Request::post("/mcp").header("authorization", "Bearer later");
    let request = request.body(Body::from(good)).unwrap();
    let answer = guard.layer(Behind).call(request).await.unwrap();
    assert_eq!(answer.status(), StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(answer.headers()["retry-after"], "7");
    assert_eq!(record.lines(), [denied, denied]);
}

#[tokio::test]
async fn nobody_uses_the_session_of_another() {
    let (enforcing, _) = enforcer(POLICY);
    let server = gate(Files::default(), "files", &enforcing.build().unwrap()).unwrap();
    let guard = server.guard(Bearer);
    let ask = async |method: &str, who: &str, sessions: &[&str]| {
        let mut request = Request::builder().method(method).uri("/mcp");
        request = request.header("authorization", format!("Bearer {who}"));
        for session in sessions {
            request = request.header("mcp-session-id", *session);
        }
        let body = r#"{"jsonrpc":"2.0","id":1,"result":{"action":"accept"}}"#;
        let request = request.body(Body::from(body)).unwrap();
        // Each connection has a service of its own.
        let answer = guard.layer(Behind).call(request).await.unwrap();
        answer.status().as_u16()
    };
    // Before it is opened it is nobody's.
    assert_eq!(ask("POST", "alice", &["of-alice"]).await, 404);
    assert_eq!(ask("POST", "alice", &[]).await, 200);
    for method in ["POST", "GET", "DELETE"] {
        assert_eq!(ask(method, "bob", &["of-alice"]).await, 404, "{method}");
        let twice = ["of-alice", "of-alice"];
        assert_eq!(ask(method, "alice", &twice).await, 404, "{method}");
    }
    for method in ["POST", "GET", "DELETE"] {
        assert_eq!(ask(method, "alice", &["of-alice"]).await, 200, "{method}");
    }
    // It is over.
    assert_eq!(ask("POST", "alice", &["of-alice"]).await, 404);
}

#[test]
fn names_of_servers_are_those_of_the_gateway() {
    let (enforcing, _) = enforcer(POLICY);
    let enforcer = enforcing.build().unwrap();
    for name in ["", "Files", "a b", "-a"] {
        assert!(gate(Files::default(), name, &enforcer).is_err(), "{name}");
    }
}
