//! The handler that rmcp serves.

#![allow(
    deprecated,
    reason = "older clients set levels of logging and subscribe to resources"
)]

use std::borrow::Cow;

use hexgate_mcp::names::{self, Kind};
use rmcp::model::{
    CallToolRequestParams, CallToolResponse, CancelTaskParams, CancelledNotificationParam,
    CompleteRequestParams, CompleteResult, CustomNotification, CustomRequest, CustomResult,
    DiscoverResult, ErrorCode, ErrorData, GetPromptRequestParams, GetPromptResponse,
    GetSkillRequestParams, GetSkillResult, GetTaskParams, GetTaskResult, InitializeRequestParams,
    InitializeResult, ListPromptsResult, ListResourceTemplatesResult, ListResourcesResult,
    ListSkillsResult, ListToolsResult, PaginatedRequestParams, ProgressNotificationParam,
    ProtocolVersion, ReadResourceDirectoryRequestParams, ReadResourceDirectoryResult,
    ReadResourceRequestParams, ReadResourceResponse, ServerConfig, SetLevelRequestParams,
    SubscribeRequestParams, SubscriptionFilter, Tool, UnsubscribeRequestParams, UpdateTaskParams,
};
use rmcp::service::{NotificationContext, RequestContext, SubscriptionContext};
use rmcp::{RoleServer, ServerHandler};

use crate::server::Gated;

type Answer<T> = Result<T, ErrorData>;
type Context = RequestContext<RoleServer>;

impl<H: ServerHandler> Gated<H> {
    /// Something that no policy decides.
    fn passes(&self, method: &'static str) -> Answer<()> {
        if self.pass {
            return Ok(());
        }
        tracing::warn!(
            method,
            "a request is refused, because no policy decides such requests"
        );
        Err(ErrorData::new(ErrorCode::METHOD_NOT_FOUND, method, None))
    }
}

impl<H> Gated<H> {
    /// Whether a task is one that a call of this caller made.
    fn own_task(&self, task: &str, context: &Context) -> Answer<()> {
        self.tasks.is_of(task, self.caller_of(context).as_ref())
    }
}

/// A prompt or a resource asks the user: no policy decides such questions.
fn more_input() -> ErrorData {
    ErrorData::internal_error("asks for more input, which is not passed on", None)
}

impl<H: ServerHandler> ServerHandler for Gated<H> {
    fn get_info(&self) -> ServerConfig {
        self.inner.get_info()
    }

    fn supported_protocol_versions(&self) -> Cow<'static, [ProtocolVersion]> {
        self.inner.supported_protocol_versions()
    }

    fn negotiate_initialize(&self, request: &InitializeRequestParams) -> Answer<InitializeResult> {
        self.inner.negotiate_initialize(request)
    }

    async fn ping(&self, context: Context) -> Answer<()> {
        self.inner.ping(context).await
    }

    async fn initialize(
        &self,
        request: InitializeRequestParams,
        context: Context,
    ) -> Answer<InitializeResult> {
        self.inner.initialize(request, context).await
    }

    async fn discover(&self, context: Context) -> Answer<DiscoverResult> {
        self.inner.discover(context).await
    }

    async fn set_level(&self, request: SetLevelRequestParams, context: Context) -> Answer<()> {
        self.inner.set_level(request, context).await
    }

    async fn call_tool(
        &self,
        request: CallToolRequestParams,
        context: Context,
    ) -> Answer<CallToolResponse> {
        // On the heap: what a handler awaits is large.
        Box::pin(self.call(request, context)).await
    }

    async fn list_tools(
        &self,
        request: Option<PaginatedRequestParams>,
        context: Context,
    ) -> Answer<ListToolsResult> {
        let caller = self.caller_of(&context);
        self.gate.begin_turn();
        let mut page = self.inner.list_tools(request, context).await?;
        page.tools
            .retain(|tool| self.shows(caller.as_ref(), &names::tool(&self.name, &tool.name)));
        Ok(page)
    }

    fn get_tool(&self, name: &str) -> Option<Tool> {
        self.inner.get_tool(name)
    }

    async fn list_prompts(
        &self,
        request: Option<PaginatedRequestParams>,
        context: Context,
    ) -> Answer<ListPromptsResult> {
        let shows = self.has(Kind::Prompt, &context);
        let mut page = self.inner.list_prompts(request, context).await?;
        if !shows {
            page.prompts.clear();
        }
        Ok(page)
    }

    async fn get_prompt(
        &self,
        mut request: GetPromptRequestParams,
        context: Context,
    ) -> Answer<GetPromptResponse> {
        // No prompt asks the user here, so nobody was asked what these would answer.
        (request.input_responses, request.request_state) = (None, None);
        Box::pin(
            self.item(
                Kind::Prompt,
                &request,
                context,
                async |request, context| match self.inner.get_prompt(request, context).await? {
                    GetPromptResponse::Complete(result) => Ok(result),
                    _ => Err(more_input()),
                },
            ),
        )
        .await
        .map(GetPromptResponse::Complete)
    }

    async fn list_resources(
        &self,
        request: Option<PaginatedRequestParams>,
        context: Context,
    ) -> Answer<ListResourcesResult> {
        let shows = self.has(Kind::Resource, &context);
        let mut page = self.inner.list_resources(request, context).await?;
        if !shows {
            page.resources.clear();
        }
        Ok(page)
    }

    async fn list_resource_templates(
        &self,
        request: Option<PaginatedRequestParams>,
        context: Context,
    ) -> Answer<ListResourceTemplatesResult> {
        let shows = self.has(Kind::Resource, &context);
        let mut page = self.inner.list_resource_templates(request, context).await?;
        if !shows {
            page.resource_templates.clear();
        }
        Ok(page)
    }

    async fn read_resource(
        &self,
        mut request: ReadResourceRequestParams,
        context: Context,
    ) -> Answer<ReadResourceResponse> {
        // No resource asks the user here, so nobody was asked what these would answer.
        (request.input_responses, request.request_state) = (None, None);
        Box::pin(self.item(
            Kind::Resource,
            &request,
            context,
            async |request, context| match self.inner.read_resource(request, context).await? {
                ReadResourceResponse::Complete(result) => Ok(result),
                _ => Err(more_input()),
            },
        ))
        .await
        .map(ReadResourceResponse::Complete)
    }

    async fn complete(
        &self,
        request: CompleteRequestParams,
        context: Context,
    ) -> Answer<CompleteResult> {
        Box::pin(self.item(
            Kind::Completion,
            &request,
            context,
            async |request, context| self.inner.complete(request, context).await,
        ))
        .await
    }

    async fn subscribe(&self, request: SubscribeRequestParams, context: Context) -> Answer<()> {
        Box::pin(self.item(
            Kind::Subscription,
            &request,
            context,
            async |request, context| self.inner.subscribe(request, context).await,
        ))
        .await
    }

    async fn unsubscribe(&self, request: UnsubscribeRequestParams, context: Context) -> Answer<()> {
        self.inner.unsubscribe(request, context).await
    }

    /// Changes of lists alone. Which resources a client hears of is decided where it asks for them.
    fn accepted_subscription_filter(
        &self,
        requested: &SubscriptionFilter,
    ) -> Option<SubscriptionFilter> {
        let accepted = self.inner.accepted_subscription_filter(requested)?;
        let mut lists = SubscriptionFilter::new();
        lists.tools_list_changed = accepted.tools_list_changed;
        lists.prompts_list_changed = accepted.prompts_list_changed;
        lists.resources_list_changed = accepted.resources_list_changed;
        Some(lists)
    }

    async fn listen(&self, context: SubscriptionContext) -> Answer<()> {
        self.inner.listen(context).await
    }

    async fn on_custom_request(
        &self,
        request: CustomRequest,
        context: Context,
    ) -> Answer<CustomResult> {
        self.passes("a method of the server's own")?;
        self.inner.on_custom_request(request, context).await
    }

    async fn get_task(&self, request: GetTaskParams, context: Context) -> Answer<GetTaskResult> {
        self.own_task(&request.task_id, &context)?;
        self.inner.get_task(request, context).await
    }

    async fn update_task(&self, request: UpdateTaskParams, context: Context) -> Answer<()> {
        self.own_task(&request.task_id, &context)?;
        self.inner.update_task(request, context).await
    }

    async fn cancel_task(&self, request: CancelTaskParams, context: Context) -> Answer<()> {
        self.own_task(&request.task_id, &context)?;
        self.inner.cancel_task(request, context).await
    }

    async fn list_skills(
        &self,
        request: Option<PaginatedRequestParams>,
        context: Context,
    ) -> Answer<ListSkillsResult> {
        self.passes("skills/list")?;
        self.inner.list_skills(request, context).await
    }

    async fn get_skill(
        &self,
        request: GetSkillRequestParams,
        context: Context,
    ) -> Answer<GetSkillResult> {
        self.passes("skills/get")?;
        self.inner.get_skill(request, context).await
    }

    async fn read_resource_directory(
        &self,
        request: ReadResourceDirectoryRequestParams,
        context: Context,
    ) -> Answer<ReadResourceDirectoryResult> {
        self.passes("resources/directory/read")?;
        self.inner.read_resource_directory(request, context).await
    }

    async fn on_cancelled(
        &self,
        notification: CancelledNotificationParam,
        context: NotificationContext<RoleServer>,
    ) {
        self.inner.on_cancelled(notification, context).await;
    }

    async fn on_progress(
        &self,
        notification: ProgressNotificationParam,
        context: NotificationContext<RoleServer>,
    ) {
        self.inner.on_progress(notification, context).await;
    }

    async fn on_initialized(&self, context: NotificationContext<RoleServer>) {
        self.inner.on_initialized(context).await;
    }

    async fn on_roots_list_changed(&self, context: NotificationContext<RoleServer>) {
        self.inner.on_roots_list_changed(context).await;
    }

    async fn on_custom_notification(
        &self,
        notification: CustomNotification,
        context: NotificationContext<RoleServer>,
    ) {
        self.inner
            .on_custom_notification(notification, context)
            .await;
    }
}
