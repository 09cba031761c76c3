//! The server.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use rmcp::model::{
    CacheScope, CallToolRequestParams, CallToolResponse, CallToolResult, CancelTaskParams,
    ClientCapabilities, CompleteRequestParams, CompleteResult, ContentBlock,
    CreateMessageRequestParams, ElicitRequestParams, GetPromptRequestParams, GetPromptResponse,
    GetTaskParams, GetTaskResult, Implementation, ListPromptsResult, ListResourceTemplatesResult,
    ListResourcesResult, ListToolsResult, LoggingLevel, LoggingMessageNotificationParam,
    PaginatedRequestParams, ProgressNotificationParam, ReadResourceRequestParams,
    ReadResourceResponse, ResourceUpdatedNotificationParam, SamplingMessage, ServerCapabilities,
    ServerInfo, SetLevelRequestParams, SubscribeRequestParams, SubscriptionFilter, Tool,
    UnsubscribeRequestParams, UpdateTaskParams,
};
use rmcp::service::{RequestContext, SubscriptionContext, SubscriptionSink};
use rmcp::task_manager::TaskManager;
use rmcp::{ErrorData, RoleServer, ServerHandler};
use serde_json::{Value, json};

use crate::content::{fixed, text};
use crate::{asks, items, tasks, tools};

/// How long what it says may be kept, in milliseconds.
const TTL: u64 = 60_000;

/// A server with all that the scenarios ask for. Clones are the same server.
#[derive(Clone, Default)]
pub struct Fixture(Arc<Inner>);

#[derive(Default)]
struct Inner {
    tasks: TaskManager,
    watched: Mutex<BTreeSet<String>>,
    listeners: Mutex<BTreeMap<u64, SubscriptionSink>>,
    listened: AtomicU64,
    /// How often the lists were changed.
    tools: AtomicU64,
    prompts: AtomicU64,
}

impl std::fmt::Debug for Fixture {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Fixture").finish_non_exhaustive()
    }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

macro_rules! list {
    ($result:ident { $field:ident: $items:expr }) => {{
        let mut result = $result::default();
        result.$field = $items;
        result.with_ttl_ms(TTL).with_cache_scope(CacheScope::Public)
    }};
}

impl Fixture {
    /// A server to which nobody has spoken.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    fn listeners(&self) -> Vec<SubscriptionSink> {
        locked(&self.0.listeners).values().cloned().collect()
    }

    async fn log(context: &RequestContext<RoleServer>, level: LoggingLevel, said: &str) {
        let message =
            LoggingMessageNotificationParam::new(level, json!(said)).with_logger("conformance");
        let _ = context.peer.notify_logging_message(message).await;
    }

    async fn elicit(
        context: &RequestContext<RoleServer>,
        message: &str,
        properties: Value,
        required: &[&str],
    ) -> Result<CallToolResult, ErrorData> {
        let schema = json!({"type": "object", "properties": properties, "required": required});
        let form = ElicitRequestParams::FormElicitationParams {
            meta: None,
            message: message.to_owned(),
            requested_schema: asks::schema_of(schema)?,
        };
        Ok(match context.peer.create_elicitation(form).await {
            Ok(answer) => {
                let action = serde_json::to_value(&answer.action).unwrap_or_default();
                let content = answer.content.unwrap_or_default();
                text(format!(
                    "User response: action={}, content={content}",
                    action.as_str().unwrap_or_default()
                ))
            }
            Err(error) => failed(&format!("Elicitation error: {error}")),
        })
    }

    async fn talk(
        &self,
        request: &CallToolRequestParams,
        context: &RequestContext<RoleServer>,
    ) -> Result<CallToolResult, ErrorData> {
        let said = |name: &str| {
            let value = request.arguments.as_ref().and_then(|all| all.get(name));
            value.and_then(Value::as_str).unwrap_or_default()
        };
        let pause = || tokio::time::sleep(Duration::from_millis(50));
        Ok(match request.name.as_ref() {
            "test_tool_with_logging" => {
                for said in ["started", "processing data", "completed"] {
                    Self::log(context, LoggingLevel::Info, &format!("Tool {said}")).await;
                    pause().await;
                }
                text("Logging test completed")
            }
            "test_logging_tool" => {
                if let Some(level) = context.meta.log_level() {
                    Self::log(context, level, "a level was asked for").await;
                }
                text("Logging tool completed")
            }
            "test_tool_with_progress" => {
                let token = context.meta.get_progress_token();
                for done in [0.0, 50.0, 100.0] {
                    if let Some(token) = &token {
                        let progress = ProgressNotificationParam::new(token.clone(), done)
                            .with_total(100.0)
                            .with_message(format!("Completed step {done} of 100"));
                        let _ = context.peer.notify_progress(progress).await;
                    }
                    pause().await;
                }
                text("Progress test completed")
            }
            "test_sampling" => {
                let messages = vec![SamplingMessage::user_text(said("prompt"))];
                let asked = CreateMessageRequestParams::new(messages, 100);
                match context.peer.create_message(asked).await {
                    Ok(answer) => {
                        let first = answer.message.content.first();
                        let said = first.and_then(|content| content.as_text());
                        let said = said.map_or("(no text)", |said| said.text.as_str());
                        text(format!("LLM response: {said}"))
                    }
                    Err(error) => failed(&format!("Sampling error: {error}")),
                }
            }
            "test_elicitation" => {
                let field = |what: &str| json!({"type": "string", "description": what});
                let properties = json!({
                    "username": field("User's response"),
                    "email": field("User's email address"),
                });
                Self::elicit(context, said("message"), properties, &["username", "email"]).await?
            }
            "test_elicitation_sep1034_defaults" => {
                let properties = json!({
                    "name": {"type": "string", "default": "John Doe"},
                    "age": {"type": "integer", "default": 30},
                    "score": {"type": "number", "default": 95.5},
                    "status": {
                        "type": "string",
                        "enum": ["active", "inactive", "pending"],
                        "default": "active"
                    },
                    "verified": {"type": "boolean", "default": true},
                });
                Self::elicit(context, "Please provide values", properties, &[]).await?
            }
            "test_elicitation_sep1330_enums" => {
                let titled = |words: [&str; 3]| {
                    let option = |(at, title): (usize, &&str)| json!({"const": format!("value{}", at + 1), "title": title});
                    Value::Array(words.iter().enumerate().map(option).collect())
                };
                let properties = json!({
                    "untitledSingle": {"type": "string", "enum": ["option1", "option2", "option3"]},
                    "titledSingle": {
                        "type": "string",
                        "oneOf": titled(["First Option", "Second Option", "Third Option"])
                    },
                    "legacyEnum": {
                        "type": "string",
                        "enum": ["opt1", "opt2", "opt3"],
                        "enumNames": ["Option One", "Option Two", "Option Three"]
                    },
                    "untitledMulti": {
                        "type": "array",
                        "items": {"type": "string", "enum": ["option1", "option2", "option3"]}
                    },
                    "titledMulti": {
                        "type": "array",
                        "items": {"anyOf": titled(["First Choice", "Second Choice", "Third Choice"])}
                    },
                });
                Self::elicit(context, "Please choose", properties, &[]).await?
            }
            "test_custom_header" => text(said("value")),
            "json_schema_2020_12_tool" => text(format!("Hello, {}!", said("name"))),
            "test_reconnection" => {
                tokio::time::sleep(Duration::from_millis(100)).await;
                text("Reconnection test completed")
            }
            "test_trigger_tool_change" => {
                self.0.tools.fetch_add(1, Ordering::Relaxed);
                for listener in self.listeners() {
                    let _ = listener.notify_tool_list_changed().await;
                }
                text("Tool list change triggered")
            }
            "test_trigger_prompt_change" => {
                self.0.prompts.fetch_add(1, Ordering::Relaxed);
                for listener in self.listeners() {
                    let _ = listener.notify_prompt_list_changed().await;
                }
                text("Prompt list change triggered")
            }
            "test_missing_capability" => {
                let capabilities = context.client_capabilities().unwrap_or_default();
                if capabilities.sampling.is_none() {
                    return Err(ErrorData::missing_required_client_capability(
                        ClientCapabilities::builder().enable_sampling().build(),
                    ));
                }
                text("The client samples")
            }
            other => {
                return Err(ErrorData::invalid_params(
                    format!("Unknown tool: {other}"),
                    None,
                ));
            }
        })
    }
}

fn failed(said: &str) -> CallToolResult {
    CallToolResult::error(vec![ContentBlock::text(said)])
}

impl ServerHandler for Fixture {
    fn get_tool(&self, name: &str) -> Option<Tool> {
        let tool = tools::with_header();
        (tool.name == name).then_some(tool)
    }

    fn get_info(&self) -> ServerInfo {
        let capabilities = ServerCapabilities::builder()
            .enable_completions()
            .enable_logging()
            .enable_prompts()
            .enable_prompts_list_changed()
            .enable_resources()
            .enable_resources_list_changed()
            .enable_resources_subscribe()
            .enable_tasks()
            .enable_tools()
            .enable_tool_list_changed()
            .build();
        let name = Implementation::new("hexgate-mcp-conformance", env!("CARGO_PKG_VERSION"));
        ServerInfo::new(capabilities).with_server_info(name)
    }

    fn accepted_subscription_filter(
        &self,
        requested: &SubscriptionFilter,
    ) -> Option<SubscriptionFilter> {
        Some(requested.supported_by(&self.get_info().capabilities))
    }

    async fn listen(&self, context: SubscriptionContext) -> Result<(), ErrorData> {
        let key = self.0.listened.fetch_add(1, Ordering::Relaxed);
        locked(&self.0.listeners).insert(key, context.sink().clone());
        context.cancelled().await;
        locked(&self.0.listeners).remove(&key);
        Ok(())
    }

    async fn list_tools(
        &self,
        _: Option<PaginatedRequestParams>,
        _: RequestContext<RoleServer>,
    ) -> Result<ListToolsResult, ErrorData> {
        Ok(list!(ListToolsResult {
            tools: tools::all(self.0.tools.load(Ordering::Relaxed))
        }))
    }

    async fn call_tool(
        &self,
        request: CallToolRequestParams,
        context: RequestContext<RoleServer>,
    ) -> Result<CallToolResponse, ErrorData> {
        let capabilities = context.client_capabilities().unwrap_or_default();
        let name = request.name.as_ref();
        if let Some(result) = fixed(name) {
            return Ok(result.into());
        }
        if name.starts_with("test_input_required_result_") {
            return asks::call(&request, &capabilities);
        }
        if name == "test_streaming_elicitation" {
            let question = asks::form("Provide a value", "value", "string")?;
            return Ok(asks::asked(vec![("streaming_elicitation", question)], None).into());
        }
        if let Some(response) = tasks::call(&self.0.tasks, &request, &capabilities).await {
            return response;
        }
        Ok(self.talk(&request, &context).await?.into())
    }

    async fn get_task(
        &self,
        request: GetTaskParams,
        _: RequestContext<RoleServer>,
    ) -> Result<GetTaskResult, ErrorData> {
        Ok(GetTaskResult::new(self.0.tasks.get_task(&request.task_id)?))
    }

    async fn update_task(
        &self,
        request: UpdateTaskParams,
        _: RequestContext<RoleServer>,
    ) -> Result<(), ErrorData> {
        let tasks = &self.0.tasks;
        tasks.update_task(&request.task_id, request.input_responses)
    }

    async fn cancel_task(
        &self,
        request: CancelTaskParams,
        _: RequestContext<RoleServer>,
    ) -> Result<(), ErrorData> {
        self.0.tasks.cancel_task(&request.task_id)
    }

    async fn list_prompts(
        &self,
        _: Option<PaginatedRequestParams>,
        _: RequestContext<RoleServer>,
    ) -> Result<ListPromptsResult, ErrorData> {
        Ok(list!(ListPromptsResult {
            prompts: items::prompts(self.0.prompts.load(Ordering::Relaxed))
        }))
    }

    async fn get_prompt(
        &self,
        request: GetPromptRequestParams,
        _: RequestContext<RoleServer>,
    ) -> Result<GetPromptResponse, ErrorData> {
        items::prompt(&request)
    }

    async fn list_resources(
        &self,
        _: Option<PaginatedRequestParams>,
        _: RequestContext<RoleServer>,
    ) -> Result<ListResourcesResult, ErrorData> {
        Ok(list!(ListResourcesResult {
            resources: items::resources()
        }))
    }

    async fn list_resource_templates(
        &self,
        _: Option<PaginatedRequestParams>,
        _: RequestContext<RoleServer>,
    ) -> Result<ListResourceTemplatesResult, ErrorData> {
        Ok(list!(ListResourceTemplatesResult {
            resource_templates: items::templates()
        }))
    }

    async fn read_resource(
        &self,
        request: ReadResourceRequestParams,
        _: RequestContext<RoleServer>,
    ) -> Result<ReadResourceResponse, ErrorData> {
        let result = items::resource(&request.uri)?;
        Ok(result
            .with_ttl_ms(TTL)
            .with_cache_scope(CacheScope::Public)
            .into())
    }

    async fn subscribe(
        &self,
        request: SubscribeRequestParams,
        context: RequestContext<RoleServer>,
    ) -> Result<(), ErrorData> {
        let uri = request.uri;
        locked(&self.0.watched).insert(uri.clone());
        let watched = Arc::clone(&self.0);
        tokio::spawn(async move {
            // It changes once, soon after.
            tokio::time::sleep(Duration::from_millis(200)).await;
            if locked(&watched.watched).contains(&uri) {
                let updated = ResourceUpdatedNotificationParam::new(uri);
                let _ = context.peer.notify_resource_updated(updated).await;
            }
        });
        Ok(())
    }

    async fn unsubscribe(
        &self,
        request: UnsubscribeRequestParams,
        _: RequestContext<RoleServer>,
    ) -> Result<(), ErrorData> {
        locked(&self.0.watched).remove(&request.uri);
        Ok(())
    }

    async fn complete(
        &self,
        request: CompleteRequestParams,
        _: RequestContext<RoleServer>,
    ) -> Result<CompleteResult, ErrorData> {
        items::complete(&request)
    }

    async fn set_level(
        &self,
        _: SetLevelRequestParams,
        _: RequestContext<RoleServer>,
    ) -> Result<(), ErrorData> {
        Ok(())
    }
}
