//! The gateway as one client meets it.
#![expect(
    deprecated,
    reason = "logs leave the protocol; clients of all versions that have them are served"
)]

mod asked;
mod changes;
mod info;

use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex};

use hexgate_base::guarded::locked;
use hexgate_enforce::Call;
use rmcp::model::{
    CacheScope, CallToolRequestParams, CallToolResponse, CancelTaskParams, CompleteRequestParams,
    CompleteResult, ErrorData, GetPromptRequestParams, GetPromptResponse, GetTaskParams,
    GetTaskResult, InitializeRequestParams, InitializeResult, ListPromptsResult,
    ListResourceTemplatesResult, ListResourcesResult, ListToolsResult, PaginatedRequestParams,
    ProtocolVersion, ReadResourceRequestParams, ReadResourceResponse, ServerConfig,
    SetLevelRequestMethod, SetLevelRequestParams, SubscribeRequestMethod, SubscribeRequestParams,
    SubscriptionFilter, Tool, UnsubscribeRequestMethod, UnsubscribeRequestParams, UpdateTaskParams,
};
use rmcp::service::{NotificationContext, RequestContext, SubscriptionContext};
use rmcp::{RoleServer, ServerHandler};

use super::{Gateway, shown, side};
use crate::caller::CALLER;
use crate::config::VERSIONS;
use crate::level::Level;

use asked::{given, is_modern};
use changes::Ends;

/// The gateway as one client meets it.
#[derive(Debug, Clone)]
pub struct Session {
    gateway: Gateway,
    over: Over,
    /// Which client it is.
    number: u64,
    /// Whether the client is told of changes already.
    told: Arc<AtomicBool>,
    /// The least severe log message that an older client asked for.
    level: Arc<Mutex<Option<Level>>>,
    /// The resources about which an older client hears.
    heard: Arc<Mutex<HashMap<String, Ends>>>,
}

/// Where the client is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Over {
    Stdio,
    /// The caller was found before the request was read, and is among its parts.
    Http,
}

impl Gateway {
    /// For the client at the standard streams, or at any other one pair of streams.
    #[must_use]
    pub fn session(&self) -> Session {
        self.session_over(Over::Stdio)
    }

    pub(crate) fn http_session(&self) -> Session {
        self.session_over(Over::Http)
    }

    fn session_over(&self, over: Over) -> Session {
        Session {
            gateway: self.clone(),
            over,
            number: side::number(),
            told: Arc::default(),
            level: Arc::default(),
            heard: Arc::default(),
        }
    }
}

/// Lists are whole: there is no second page, so every cursor is of another list.
fn no_cursor(params: Option<&PaginatedRequestParams>) -> Result<(), ErrorData> {
    match params.and_then(|params| params.cursor.as_ref()) {
        None => Ok(()),
        Some(_) => Err(ErrorData::invalid_params(
            "unknown_cursor: this list has one page, and the cursor is of another one",
            None,
        )),
    }
}

macro_rules! list {
    ($result:ident, $items:expr, $ttl:expr, $context:expr) => {{
        let mut result = $result::with_all_items($items);
        if is_modern($context) {
            // It is of this caller, and may change with the policy.
            result.cache_scope = Some(CacheScope::Private);
            result.ttl_ms = Some($ttl);
        }
        result
    }};
}

macro_rules! cancelled {
    ($context:expr) => {{
        let token = $context.ct.clone();
        move || -> super::call::CancelledFuture {
            let token = token.clone();
            Box::pin(async move { token.cancelled().await })
        }
    }};
}

impl ServerHandler for Session {
    /// By what the arguments are compared that stand in headers too. Of a tool that the caller cannot see nothing is told by that.
    fn get_tool(&self, name: &str) -> Option<Tool> {
        let gateway = &self.gateway;
        let described = CALLER.try_with(|caller| gateway.described(caller, name));
        described.ok().flatten()
    }

    fn get_info(&self) -> ServerConfig {
        self.gateway.info()
    }

    fn supported_protocol_versions(&self) -> Cow<'static, [ProtocolVersion]> {
        Cow::Borrowed(VERSIONS)
    }

    async fn initialize(
        &self,
        request: InitializeRequestParams,
        context: RequestContext<RoleServer>,
    ) -> Result<InitializeResult, ErrorData> {
        let _ = self.listing(&context).await?;
        context.peer.set_peer_info(request.clone());
        self.negotiate_initialize(&request)
    }

    async fn on_initialized(&self, context: NotificationContext<RoleServer>) {
        self.tell(context).await;
    }

    /// As far as the capabilities have it. Whether the policy permits each resource is decided once the caller is known.
    fn accepted_subscription_filter(
        &self,
        requested: &SubscriptionFilter,
    ) -> Option<SubscriptionFilter> {
        Some(requested.clone())
    }

    async fn listen(&self, context: SubscriptionContext) -> Result<(), ErrorData> {
        let caller = self.listing(context.request_context()).await?;
        self.listening(&caller, &context).await
    }

    async fn subscribe(
        &self,
        params: SubscribeRequestParams,
        context: RequestContext<RoleServer>,
    ) -> Result<(), ErrorData> {
        if !self.gateway.config().passes(|offer| offer.subscriptions) {
            return Err(ErrorData::method_not_found::<SubscribeRequestMethod>());
        }
        let caller = self.listing(&context).await?;
        self.hear(&caller, params.uri, context.peer)
    }

    async fn unsubscribe(
        &self,
        params: UnsubscribeRequestParams,
        context: RequestContext<RoleServer>,
    ) -> Result<(), ErrorData> {
        if !self.gateway.config().passes(|offer| offer.subscriptions) {
            return Err(ErrorData::method_not_found::<UnsubscribeRequestMethod>());
        }
        let _ = self.listing(&context).await?;
        let mut all = locked(&self.heard);
        all.remove(&params.uri);
        Ok(())
    }

    async fn list_tools(
        &self,
        params: Option<PaginatedRequestParams>,
        context: RequestContext<RoleServer>,
    ) -> Result<ListToolsResult, ErrorData> {
        no_cursor(params.as_ref())?;
        let caller = self.listing(&context).await?;
        let gateway = &self.gateway;
        let (mut tools, mut ttl) = (Vec::new(), u64::MAX);
        for (server, snapshot) in gateway.fresh().await {
            ttl = ttl.min(snapshot.ttl_ms);
            for tool in &snapshot.tools {
                if !gateway.is_stopped(&caller) && gateway.may_see(&caller, &tool.decided_as) {
                    let mut shown = tool.shown.clone();
                    shown.name = gateway.shown_as(&server, &tool.name).into();
                    tools.push(shown);
                }
            }
        }
        let ttl = if ttl == u64::MAX { 0 } else { ttl };
        Ok(list!(ListToolsResult, tools, ttl, &context))
    }

    async fn call_tool(
        &self,
        params: CallToolRequestParams,
        context: RequestContext<RoleServer>,
    ) -> Result<CallToolResponse, ErrorData> {
        let caller = match self.caller(&context.extensions).await {
            Ok(caller) => caller,
            Err(error) => {
                let gate = self.gateway.refused_as(&params.name);
                let arguments = serde_json::to_string(&params.arguments.unwrap_or_default())
                    .map_err(|error| ErrorData::invalid_params(error.to_string(), None))?;
                let call = Call::with_refused_token(&error, gate, arguments);
                let decision = self.gateway.enforcer().decide_call(call);
                return Ok(shown::denied(&decision).into());
            }
        };
        let given = given(
            params.request_state.as_ref(),
            params.input_responses.as_ref(),
        );
        let cancelled = cancelled!(context);
        let request = self.request(&caller, &context, given, &cancelled);
        self.gateway.call(request, params).await
    }

    async fn set_level(
        &self,
        params: SetLevelRequestParams,
        context: RequestContext<RoleServer>,
    ) -> Result<(), ErrorData> {
        let _ = self.listing(&context).await?;
        if !self.gateway.config().passes(|offer| offer.logs) {
            return Err(ErrorData::method_not_found::<SetLevelRequestMethod>());
        }
        let mut level = locked(&self.level);
        *level = Some(Level::from(params.level));
        Ok(())
    }

    async fn get_task(
        &self,
        params: GetTaskParams,
        context: RequestContext<RoleServer>,
    ) -> Result<GetTaskResult, ErrorData> {
        let caller = self.listing(&context).await?;
        let cancelled = cancelled!(context);
        let request = self.request(&caller, &context, None, &cancelled);
        self.gateway.task(request, &params.task_id).await
    }

    async fn update_task(
        &self,
        params: UpdateTaskParams,
        context: RequestContext<RoleServer>,
    ) -> Result<(), ErrorData> {
        let caller = self.listing(&context).await?;
        let cancelled = cancelled!(context);
        let request = self.request(&caller, &context, None, &cancelled);
        let (id, responses) = (params.task_id, params.input_responses);
        self.gateway.update(request, &id, responses).await
    }

    async fn cancel_task(
        &self,
        params: CancelTaskParams,
        context: RequestContext<RoleServer>,
    ) -> Result<(), ErrorData> {
        let caller = self.listing(&context).await?;
        let cancelled = cancelled!(context);
        let request = self.request(&caller, &context, None, &cancelled);
        self.gateway.cancel(request, &params.task_id).await
    }

    async fn list_prompts(
        &self,
        params: Option<PaginatedRequestParams>,
        context: RequestContext<RoleServer>,
    ) -> Result<ListPromptsResult, ErrorData> {
        no_cursor(params.as_ref())?;
        let caller = self.listing(&context).await?;
        let (items, ttl) = self.gateway.prompts(&caller).await?;
        Ok(list!(ListPromptsResult, items, ttl, &context))
    }

    async fn get_prompt(
        &self,
        params: GetPromptRequestParams,
        context: RequestContext<RoleServer>,
    ) -> Result<GetPromptResponse, ErrorData> {
        let caller = self.listing(&context).await?;
        let cancelled = cancelled!(context);
        let given = given(
            params.request_state.as_ref(),
            params.input_responses.as_ref(),
        );
        let request = self.request(&caller, &context, given, &cancelled);
        self.gateway.prompt(request, params).await
    }

    async fn list_resources(
        &self,
        params: Option<PaginatedRequestParams>,
        context: RequestContext<RoleServer>,
    ) -> Result<ListResourcesResult, ErrorData> {
        no_cursor(params.as_ref())?;
        let caller = self.listing(&context).await?;
        let (items, ttl) = self.gateway.resources(&caller).await?;
        Ok(list!(ListResourcesResult, items, ttl, &context))
    }

    async fn list_resource_templates(
        &self,
        params: Option<PaginatedRequestParams>,
        context: RequestContext<RoleServer>,
    ) -> Result<ListResourceTemplatesResult, ErrorData> {
        no_cursor(params.as_ref())?;
        let caller = self.listing(&context).await?;
        let (items, ttl) = self.gateway.templates(&caller).await?;
        Ok(list!(ListResourceTemplatesResult, items, ttl, &context))
    }

    async fn read_resource(
        &self,
        params: ReadResourceRequestParams,
        context: RequestContext<RoleServer>,
    ) -> Result<ReadResourceResponse, ErrorData> {
        let caller = self.listing(&context).await?;
        let cancelled = cancelled!(context);
        let given = given(
            params.request_state.as_ref(),
            params.input_responses.as_ref(),
        );
        let request = self.request(&caller, &context, given, &cancelled);
        let mut response = self.gateway.resource(request, params).await?;
        if let ReadResourceResponse::Complete(result) = &mut response {
            // The policy decided for this caller alone, whatever the server says of others. Versions that know no caches are told of none.
            let modern = is_modern(&context);
            result.cache_scope = modern.then_some(CacheScope::Private);
            result.ttl_ms = modern.then(|| result.ttl_ms.unwrap_or(0));
        }
        Ok(response)
    }

    async fn complete(
        &self,
        params: CompleteRequestParams,
        context: RequestContext<RoleServer>,
    ) -> Result<CompleteResult, ErrorData> {
        let caller = self.listing(&context).await?;
        let cancelled = cancelled!(context);
        let request = self.request(&caller, &context, None, &cancelled);
        self.gateway.complete(request, params).await
    }
}
