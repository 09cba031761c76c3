//! A server that talks while it runs a call, over HTTP in this process, and a client that keeps what it hears.
#![expect(
    deprecated,
    reason = "logs, sampling and roots leave the protocol; the gateway passes them on until they are gone"
)]

use std::borrow::Cow;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use hexgate_mcp::Gateway;
use hexgate_mcp::config::{Reach, ServerConfig};
use rmcp::model::*;
use rmcp::service::{
    ClientLifecycleMode, ClientServiceExt as _, NotificationContext, Peer, PeerRequestOptions,
    RequestContext, RunningService, SubscriptionContext, SubscriptionSink,
};
use rmcp::task_manager::{TaskManager, TaskOptions};
use rmcp::transport::streamable_http_server::session::local::LocalSessionManager;
use rmcp::transport::{StreamableHttpServerConfig, StreamableHttpService};
use rmcp::{ClientHandler, ErrorData, RoleClient, RoleServer, ServerHandler};
use serde_json::{Value, json};
use tokio::sync::Notify;

use crate::client::transport;

const TOOLS: &[&str] = &[
    "steps", "stray", "logs", "flood", "hold", "sample", "elicit", "roots", "ask", "task", "touch",
    "secret", "drop", "nag",
];

#[derive(Clone)]
pub(crate) struct Talker {
    version: ProtocolVersion,
    /// What `hold` waits for.
    pub(crate) go: Arc<Notify>,
    /// How many calls of `hold` wait.
    pub(crate) held: Arc<Mutex<usize>>,
    /// What was asked for, as the server got it.
    pub(crate) got: Arc<Mutex<Vec<String>>>,
    tasks: TaskManager,
    peers: Arc<Mutex<Vec<Peer<RoleServer>>>>,
    sinks: Arc<Mutex<Vec<SubscriptionSink>>>,
}

impl Talker {
    /// The server and where it is.
    pub(crate) async fn start(version: &ProtocolVersion) -> (Self, ServerConfig) {
        let talker = Self {
            version: version.clone(),
            go: Arc::default(),
            held: Arc::default(),
            got: Arc::default(),
            tasks: TaskManager::new(),
            peers: Arc::default(),
            sinks: Arc::default(),
        };
        let served = talker.clone();
        let service = StreamableHttpService::new(
            move || Ok(served.clone()),
            Arc::new(LocalSessionManager::default()),
            StreamableHttpServerConfig::default(),
        );
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/mcp", listener.local_addr().unwrap());
        let router = axum::Router::new().route_service("/mcp", service);
        tokio::spawn(async move { axum::serve(listener, router).await });
        let headers = Default::default();
        (talker, ServerConfig::new(Reach::Http { url, headers }))
    }

    fn got(&self, what: String) {
        self.got.lock().unwrap().push(what);
    }
}

fn text(text: impl Into<String>) -> CallToolResult {
    CallToolResult::success(vec![ContentBlock::text(text)])
}

fn form() -> ElicitRequestParams {
    serde_json::from_value(json!({
        "mode": "form", "message": "Who\u{202e}?",
        "requestedSchema": {"type": "object", "properties": {"name": {"type": "string"}}}
    }))
    .unwrap()
}

fn sampling() -> CreateMessageRequestParams {
    let mut params =
        CreateMessageRequestParams::new(vec![SamplingMessage::user_text("Say\u{200b} it")], 10);
    params.include_context = Some(ContextInclusion::AllServers);
    params
}

impl ServerHandler for Talker {
    fn get_info(&self) -> rmcp::model::ServerConfig {
        let capabilities = ServerCapabilities::builder()
            .enable_tools()
            .enable_logging()
            .enable_prompts()
            .enable_completions()
            .enable_resources()
            .enable_resources_subscribe()
            .enable_tasks()
            .build();
        let mut info = InitializeResult::new(capabilities);
        info.protocol_version = self.version.clone();
        info
    }

    fn supported_protocol_versions(&self) -> Cow<'static, [ProtocolVersion]> {
        Cow::Owned(vec![self.version.clone()])
    }

    async fn list_tools(
        &self,
        _: Option<PaginatedRequestParams>,
        _: RequestContext<RoleServer>,
    ) -> Result<ListToolsResult, ErrorData> {
        let schema = json!({"type": "object", "properties": {
            "place": {"type": "string", "x-mcp-header": "Place"}}});
        let schema: JsonObject = serde_json::from_value(schema).unwrap();
        let tools = TOOLS
            .iter()
            .map(|name| Tool::new(*name, "talks", Arc::new(schema.clone())));
        Ok(ListToolsResult::with_all_items(tools.collect()))
    }

    async fn call_tool(
        &self,
        params: CallToolRequestParams,
        context: RequestContext<RoleServer>,
    ) -> Result<CallToolResponse, ErrorData> {
        let token = context.meta.get_progress_token().unwrap();
        self.got(format!("{} {}", params.name, json!(token)));
        let progress = async |token: ProgressToken, progress: f64| {
            let said = ProgressNotificationParam::new(token, progress).with_message("at\u{200b}");
            context.peer.notify_progress(said).await.unwrap();
        };
        let log = async |level, said: &str| {
            let said = LoggingMessageNotificationParam::new(level, json!({"said": said}))
                .with_logger("l\u{200b}");
            context.peer.notify_logging_message(said).await.unwrap();
        };
        Ok(match &*params.name {
            "steps" => {
                for step in [1.0, 2.0, 3.0] {
                    progress(token.clone(), step).await;
                    tokio::time::sleep(Duration::from_millis(20)).await;
                }
                text("done").into()
            }
            // Names every token but its own.
            "stray" => {
                for number in 0..200 {
                    let other = ProgressToken(NumberOrString::Number(number));
                    if other != token {
                        progress(other, 9.0).await;
                    }
                }
                let named = ProgressToken(NumberOrString::String("mine".into()));
                progress(named, 9.0).await;
                text("done").into()
            }
            "logs" => {
                for level in [LoggingLevel::Debug, LoggingLevel::Info, LoggingLevel::Error] {
                    log(level, "x\u{202e}y").await;
                    tokio::time::sleep(Duration::from_millis(20)).await;
                }
                text("done").into()
            }
            "flood" => {
                for number in 0..3000 {
                    progress(token.clone(), f64::from(number)).await;
                    log(LoggingLevel::Error, "again").await;
                }
                text("done").into()
            }
            "hold" => {
                *self.held.lock().unwrap() += 1;
                self.go.notified().await;
                text("held").into()
            }
            "sample" => match context.peer.create_message(sampling()).await {
                Ok(answer) => text(
                    answer
                        .message
                        .content
                        .first()
                        .unwrap()
                        .as_text()
                        .unwrap()
                        .text
                        .clone(),
                ),
                Err(error) => text(error.to_string()),
            }
            .into(),
            "elicit" => match context.peer.create_elicitation(form()).await {
                Ok(answer) => text(json!(answer).to_string()),
                Err(error) => text(error.to_string()),
            }
            .into(),
            // Asks again whatever it hears.
            "nag" => loop {
                if let Err(error) = context.peer.create_elicitation(form()).await {
                    break text(error.to_string()).into();
                }
            },
            "roots" => match context.peer.list_roots().await {
                Ok(answer) => text(json!(answer).to_string()),
                Err(error) => text(error.to_string()),
            }
            .into(),
            // Everything at once, by the result, as far as the client can.
            "ask" => match (params.input_responses, params.request_state) {
                (Some(responses), state) => text(format!(
                    "{} {}",
                    json!(responses),
                    state.unwrap_or_default()
                ))
                .into(),
                (None, _) => {
                    let can = context.client_capabilities().unwrap_or_default();
                    let mut asked = InputRequests::new();
                    if can.elicitation.is_some() {
                        let request = InputRequest::Elicitation(ElicitRequest::new(form()));
                        asked.insert("form".to_owned(), request);
                    }
                    if can.sampling.is_some() {
                        let request = CreateMessageRequest::new(sampling());
                        asked.insert("model".to_owned(), InputRequest::CreateMessage(request));
                    }
                    if can.roots.is_some() {
                        let request = InputRequest::ListRoots(Default::default());
                        asked.insert("roots".to_owned(), request);
                    }
                    if asked.is_empty() {
                        return Ok(text("the client can do nothing").into());
                    }
                    InputRequiredResult::new(Some(asked), Some("mine".to_owned())).into()
                }
            },
            "task" => {
                if !context
                    .client_capabilities()
                    .is_some_and(|it| it.supports_tasks())
                {
                    let tasks = ClientCapabilities::builder().enable_tasks().build();
                    return Err(ErrorData::missing_required_client_capability(tasks));
                }
                let task = self.tasks.spawn(TaskOptions::default(), |task| {
                    Box::pin(async move {
                        let form = InputRequest::Elicitation(ElicitRequest::new(form()));
                        let answer = task.request_input("form", form).await?;
                        Ok(text(format!("{answer} AKIAQYLPMN5HFIQR7BCA")))
                    })
                });
                self.got(format!("task {}", task.task_id));
                CreateTaskResult::new(task).into()
            }
            "touch" => {
                let peers = self.peers.lock().unwrap().clone();
                for peer in peers {
                    for uri in ["memo://one", "memo://two"] {
                        let updated = ResourceUpdatedNotificationParam::new(uri);
                        let _ = peer.notify_resource_updated(updated).await;
                    }
                }
                let sinks = self.sinks.lock().unwrap().clone();
                for sink in sinks {
                    for uri in ["memo://one", "memo://two"] {
                        let _ = sink.notify_resource_updated(uri).await;
                    }
                }
                text("touched").into()
            }
            _ => text("secret").into(),
        })
    }

    async fn get_task(
        &self,
        params: GetTaskParams,
        _: RequestContext<RoleServer>,
    ) -> Result<GetTaskResult, ErrorData> {
        Ok(GetTaskResult::new(self.tasks.get_task(&params.task_id)?))
    }

    async fn update_task(
        &self,
        params: UpdateTaskParams,
        _: RequestContext<RoleServer>,
    ) -> Result<(), ErrorData> {
        self.got(format!("update {}", json!(params.input_responses)));
        self.tasks
            .update_task(&params.task_id, params.input_responses)
    }

    async fn cancel_task(
        &self,
        params: CancelTaskParams,
        _: RequestContext<RoleServer>,
    ) -> Result<(), ErrorData> {
        self.tasks.cancel_task(&params.task_id)
    }

    async fn list_prompts(
        &self,
        _: Option<PaginatedRequestParams>,
        _: RequestContext<RoleServer>,
    ) -> Result<ListPromptsResult, ErrorData> {
        let prompt = Prompt::new("greet", Some("asks"), None);
        Ok(ListPromptsResult::with_all_items(vec![prompt]))
    }

    async fn get_prompt(
        &self,
        params: GetPromptRequestParams,
        _: RequestContext<RoleServer>,
    ) -> Result<GetPromptResponse, ErrorData> {
        Ok(match params.input_responses {
            Some(responses) => {
                let said = PromptMessage::new_text(Role::User, json!(responses).to_string());
                GetPromptResult::new(vec![said]).into()
            }
            None => {
                let form = InputRequest::Elicitation(ElicitRequest::new(form()));
                let asked = [("form".to_owned(), form)].into();
                InputRequiredResult::new(Some(asked), None).into()
            }
        })
    }

    async fn complete(
        &self,
        params: CompleteRequestParams,
        _: RequestContext<RoleServer>,
    ) -> Result<CompleteResult, ErrorData> {
        self.got(json!(params).to_string());
        let values = vec![format!("{}xyz", params.argument.value)];
        Ok(CompleteResult::new(CompletionInfo::new(values).unwrap()))
    }

    async fn list_resources(
        &self,
        _: Option<PaginatedRequestParams>,
        _: RequestContext<RoleServer>,
    ) -> Result<ListResourcesResult, ErrorData> {
        let all = ["memo://one", "memo://two", "secret://one"];
        let all = all.map(|uri| Resource::new(uri, "it"));
        Ok(ListResourcesResult::with_all_items(all.to_vec()))
    }

    async fn subscribe(
        &self,
        params: SubscribeRequestParams,
        context: RequestContext<RoleServer>,
    ) -> Result<(), ErrorData> {
        self.got(format!("subscribe {}", params.uri));
        self.peers.lock().unwrap().push(context.peer);
        Ok(())
    }

    async fn unsubscribe(
        &self,
        params: UnsubscribeRequestParams,
        _: RequestContext<RoleServer>,
    ) -> Result<(), ErrorData> {
        self.got(format!("unsubscribe {}", params.uri));
        Ok(())
    }

    fn accepted_subscription_filter(
        &self,
        requested: &SubscriptionFilter,
    ) -> Option<SubscriptionFilter> {
        Some(requested.clone())
    }

    async fn listen(&self, context: SubscriptionContext) -> Result<(), ErrorData> {
        for uri in context.accepted().resource_subscriptions.iter().flatten() {
            self.got(format!("subscribe {uri}"));
        }
        self.sinks.lock().unwrap().push(context.sink().clone());
        context.cancelled().await;
        Ok(())
    }

    async fn set_level(
        &self,
        params: SetLevelRequestParams,
        _: RequestContext<RoleServer>,
    ) -> Result<(), ErrorData> {
        self.got(format!("level {}", json!(params.level)));
        Ok(())
    }
}

/// A client that can do everything, and keeps what it hears, a line each.
#[derive(Clone)]
pub(crate) struct Ear {
    version: ProtocolVersion,
    pub(crate) heard: Arc<Mutex<Vec<String>>>,
}

impl Ear {
    fn hear(&self, line: String) {
        self.heard.lock().unwrap().push(line);
    }
}

impl ClientHandler for Ear {
    fn get_info(&self) -> ClientConfig {
        let capabilities = ClientCapabilities::builder()
            .enable_elicitation()
            .enable_sampling()
            .enable_roots()
            .enable_tasks()
            .build();
        let mut config = ClientConfig::new(capabilities, Implementation::new("ear", "1"));
        config.protocol_version = self.version.clone();
        config
    }

    async fn create_message(
        &self,
        mut params: CreateMessageRequestParams,
        context: RequestContext<RoleClient>,
    ) -> Result<CreateMessageResult, ErrorData> {
        params.meta = Some(context.meta);
        self.hear(format!("sample {}", json!(params)));
        let said = SamplingMessage::assistant_text("the model says so");
        Ok(CreateMessageResult::new(said, "model".to_owned()))
    }

    async fn create_elicitation(
        &self,
        params: ElicitRequestParams,
        _: RequestContext<RoleClient>,
    ) -> Result<ElicitResult, ErrorData> {
        self.hear(format!("elicit {}", json!(params)));
        Ok(ElicitResult::new(ElicitationAction::Accept).with_content(json!({"name": "ann"})))
    }

    async fn list_roots(
        &self,
        _: RequestContext<RoleClient>,
    ) -> Result<ListRootsResult, ErrorData> {
        self.hear("roots".to_owned());
        Ok(ListRootsResult::new(vec![Root::new("file:///work")]))
    }

    async fn on_progress(
        &self,
        said: ProgressNotificationParam,
        _: NotificationContext<RoleClient>,
    ) {
        self.hear(format!("progress {}", json!(said)));
    }

    async fn on_logging_message(
        &self,
        said: LoggingMessageNotificationParam,
        _: NotificationContext<RoleClient>,
    ) {
        self.hear(format!("log {}", json!(said)));
    }

    async fn on_resource_updated(
        &self,
        said: ResourceUpdatedNotificationParam,
        _: NotificationContext<RoleClient>,
    ) {
        self.hear(format!("updated {}", said.uri));
    }
}

pub(crate) type Hearing = RunningService<RoleClient, Ear>;

/// A client at the address of a gateway.
pub(crate) async fn ear(url: &str, user: &str, version: &ProtocolVersion) -> Hearing {
    let ear = Ear {
        version: version.clone(),
        heard: Arc::default(),
    };
    let mode = match version.has_initialize() {
        true => ClientLifecycleMode::Initialize,
        false => ClientLifecycleMode::Discover {
            preferred_versions: vec![version.clone()],
        },
    };
    let running = ear.serve_with_lifecycle(transport(url, user), mode).await;
    running.unwrap()
}

/// The lines that a client heard.
pub(crate) fn heard(client: &Hearing) -> Vec<String> {
    client.service().heard.lock().unwrap().clone()
}

pub(crate) fn call_of(tool: &str) -> ClientRequest {
    let params = CallToolRequestParams::new(tool.to_owned()).with_arguments(JsonObject::new());
    ClientRequest::CallToolRequest(CallToolRequest::new(params))
}

/// The text of a call's result, or the error.
pub(crate) async fn said(client: &Hearing, tool: &str) -> String {
    said_with(client, tool, None).await
}

/// The same with the least severe log message that is wanted, as 2026-07-28 has it.
pub(crate) async fn said_with(client: &Hearing, tool: &str, level: Option<LoggingLevel>) -> String {
    let mut meta = RequestMetaObject::new();
    if let Some(level) = level {
        meta.set_log_level(level);
    }
    let options = PeerRequestOptions::no_options().with_meta(meta);
    let handle = client
        .peer()
        .send_request_with_option(call_of(tool), options);
    match handle.await.unwrap().await_response().await {
        Ok(ServerResult::CallToolResult(result)) => crate::client::text(&result),
        Ok(other) => json!(other).to_string(),
        Err(error) => error.to_string(),
    }
}

pub(crate) fn passing(gateway: &mut hexgate_mcp::Config) {
    let offer: hexgate_mcp::config::Offer = serde_json::from_value(json!({
        "prompts": "pass", "resources": "pass", "completions": "pass", "subscriptions": "pass", "logs": "pass",
        "sampling": "pass", "elicitation": "pass", "roots": "pass", "tasks": "pass"
    }))
    .unwrap();
    gateway.offer = offer;
}

/// The address of a gateway in front of these servers that passes everything on.
pub(crate) async fn open(
    world: &crate::world::World,
    servers: &[(&str, ServerConfig)],
) -> (Gateway, String) {
    let mut config = world.config(servers);
    passing(&mut config);
    config.scrub_secrets = true;
    let gateway = world.gateway(config).await;
    let url = crate::client::listen(&gateway).await;
    (gateway, url)
}

/// A value as a line says it.
pub(crate) fn value(line: &str) -> Value {
    let (_, value) = line.split_once(' ').unwrap();
    serde_json::from_str(value).unwrap()
}
