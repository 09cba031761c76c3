//! The gateway as its servers see it.
#![expect(
    deprecated,
    reason = "roots, sampling and logs leave the protocol; servers of all versions that have them are served"
)]

use std::sync::Arc;

use rmcp::model::{
    ClientCapabilities, ClientConfig, CreateMessageRequest, CreateMessageRequestMethod,
    CreateMessageRequestParams, CreateMessageResult, ElicitRequest, ElicitRequestParams,
    ElicitResult, ElicitationAction, ElicitationCapability, ErrorData, Implementation,
    InputRequest, ListRootsRequest, ListRootsRequestMethod, ListRootsResult,
    LoggingMessageNotificationParam, ProgressNotificationParam, ProtocolVersion,
    ResourceUpdatedNotificationParam,
};
use rmcp::service::{InboundStreamOrigin, NotificationContext, RequestContext};
use rmcp::{ClientHandler, RoleClient};
use serde::de::DeserializeOwned;

use super::exchange::passed;
use super::stale::Stale;
use super::watched::Watched;
use crate::config::{Offer, ServerConfig};
use crate::relay::Relays;

/// This gateway, as its servers see it.
#[derive(Debug)]
pub(super) struct Upstream {
    version: Option<ProtocolVersion>,
    towards: Towards,
}

/// What of the gateway a server reaches.
#[derive(Debug, Clone, Default)]
pub(super) struct Towards {
    pub(super) offer: Offer,
    /// The requests in flight.
    pub(super) relays: Arc<Relays>,
    pub(super) watched: Arc<Watched>,
    /// Whether the server says that its lists changed.
    pub(super) stale: Arc<Stale>,
}

impl Upstream {
    pub(super) fn new(config: &ServerConfig, towards: &Towards) -> Self {
        let version = config.protocol.clone();
        Self {
            version: version.or(Some(ProtocolVersion::LATEST_WITH_INITIALIZE)),
            towards: towards.clone(),
        }
    }
}

impl ClientHandler for Upstream {
    fn get_info(&self) -> ClientConfig {
        // What a client could do. With each request a newer server hears what its client can.
        let mut all = ClientCapabilities::default();
        all.elicitation = Some(ElicitationCapability::new());
        all.sampling = Some(Default::default());
        all.roots = Some(Default::default());
        let capabilities = passed(&all, &self.towards.offer);
        let mut config = ClientConfig::new(
            capabilities,
            Implementation::new("hexgate-mcp", env!("CARGO_PKG_VERSION")),
        );
        if let Some(version) = &self.version {
            config.protocol_version = version.clone();
        }
        config
    }

    async fn create_message(
        &self,
        params: CreateMessageRequestParams,
        context: RequestContext<RoleClient>,
    ) -> Result<CreateMessageResult, ErrorData> {
        if !self.towards.offer.sampling.is_pass() {
            return Err(ErrorData::method_not_found::<CreateMessageRequestMethod>());
        }
        let request = InputRequest::CreateMessage(CreateMessageRequest::new(params));
        self.ask(&context, request).await
    }

    async fn create_elicitation(
        &self,
        params: ElicitRequestParams,
        context: RequestContext<RoleClient>,
    ) -> Result<ElicitResult, ErrorData> {
        if !self.towards.offer.elicitation.is_pass() {
            return Ok(ElicitResult::new(ElicitationAction::Decline));
        }
        let request = InputRequest::Elicitation(ElicitRequest::new(params));
        self.ask(&context, request).await
    }

    async fn list_roots(
        &self,
        context: RequestContext<RoleClient>,
    ) -> Result<ListRootsResult, ErrorData> {
        if !self.towards.offer.roots.is_pass() {
            return Err(ErrorData::method_not_found::<ListRootsRequestMethod>());
        }
        let request = InputRequest::ListRoots(ListRootsRequest::default());
        self.ask(&context, request).await
    }

    async fn on_progress(
        &self,
        said: ProgressNotificationParam,
        _: NotificationContext<RoleClient>,
    ) {
        self.towards.relays.progress(said).await;
    }

    async fn on_logging_message(
        &self,
        said: LoggingMessageNotificationParam,
        _: NotificationContext<RoleClient>,
    ) {
        if self.towards.offer.logs.is_pass() {
            self.towards.relays.log(said).await;
        }
    }

    async fn on_resource_updated(
        &self,
        said: ResourceUpdatedNotificationParam,
        _: NotificationContext<RoleClient>,
    ) {
        self.towards.watched.updated(said.uri);
    }
}

impl Upstream {
    /// Asks the client whose request caused this, and waits for what it answers.
    async fn ask<T: DeserializeOwned>(
        &self,
        context: &RequestContext<RoleClient>,
        request: InputRequest,
    ) -> Result<T, ErrorData> {
        let stream = match context.extensions.get::<InboundStreamOrigin>() {
            Some(InboundStreamOrigin::OutboundRequest(id)) => Some(id),
            Some(InboundStreamOrigin::Unassociated) | None => None,
        };
        let answer = tokio::select! {
            // It no longer wants to know.
            () = context.ct.cancelled() => return Err(ErrorData::invalid_request("cancelled", None)),
            answer = self.towards.relays.ask(stream, request) => answer?,
        };
        serde_json::from_value(answer).map_err(|_| {
            ErrorData::internal_error("[protocol] the client answered something else", None)
        })
    }
}
