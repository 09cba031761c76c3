//! A client's request: who makes it, and what the client can do.

use axum::http::request::Parts;
use hexgate_base::guarded::locked;
use hexgate_enforce::Caller;
use rmcp::RoleServer;
use rmcp::model::{ErrorData, Extensions, InputResponses};
use rmcp::service::RequestContext;

use super::{Over, Session};
use crate::ask::{Asking, Given, Road, has_forms};
use crate::caller::{Incoming, Unidentified};
use crate::gateway::call::{CancelledFuture, Request};
use crate::gateway::side::Side;
use crate::level::Level;

impl Session {
    pub(super) async fn caller(&self, extensions: &Extensions) -> Result<Caller, Unidentified> {
        match self.over {
            Over::Stdio => self.gateway.caller_of().caller_of(Incoming::stdio()).await,
            Over::Http => extensions
                .get::<Parts>()
                .and_then(|parts| parts.extensions.get::<Caller>())
                .cloned()
                .ok_or_else(|| Unidentified::new("the request came without a caller")),
        }
    }

    /// The caller of anything but a call.
    pub(super) async fn listing(
        &self,
        context: &RequestContext<RoleServer>,
    ) -> Result<Caller, ErrorData> {
        self.caller(&context.extensions).await.map_err(|error| {
            tracing::warn!(%error, "a request has no caller");
            ErrorData::invalid_request("nobody is known to make this request", None)
        })
    }

    pub(super) fn request<'a>(
        &self,
        caller: &'a Caller,
        context: &RequestContext<RoleServer>,
        given: Option<Given>,
        cancelled: &'a (dyn Fn() -> CancelledFuture + Send + Sync),
    ) -> Request<'a> {
        let is_modern = is_modern(context);
        let level = match is_modern {
            true => context.meta.log_level().map(Level::from),
            false => *locked(&self.level),
        };
        let side = Side {
            peer: context.peer.clone(),
            client: self.number,
            is_modern,
            token: context.meta.get_progress_token(),
            level,
            capabilities: context.client_capabilities().unwrap_or_default(),
        };
        let road = match (has_forms(&side.capabilities), is_modern) {
            (false, _) => Road::None,
            (true, true) => Road::Again,
            (true, false) => Road::Waiting(Box::new(side.clone())),
        };
        Request {
            caller,
            asking: Asking::new(road, given),
            side,
            cancelled,
        }
    }
}

/// Whether the request is one of a version that asks for input by its results.
pub(super) fn is_modern(context: &RequestContext<RoleServer>) -> bool {
    context
        .protocol_version()
        .is_some_and(|version| !version.has_initialize())
}

/// What a client sent with a request that it makes again.
pub(super) fn given(state: Option<&String>, responses: Option<&InputResponses>) -> Option<Given> {
    Some(Given {
        state: state?.clone(),
        responses: responses.cloned().unwrap_or_default(),
    })
}
