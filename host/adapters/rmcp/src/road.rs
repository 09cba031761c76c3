//! How the client of a request can ask its user.

use async_trait::async_trait;
use hexgate_mcp::ask::{Elicit, Road, has_forms};
use rmcp::RoleServer;
use rmcp::model::{ElicitRequestParams, ElicitResult, ErrorData};
use rmcp::service::{Peer, RequestContext};

/// The road of a request.
pub(crate) fn road(context: &RequestContext<RoleServer>) -> Road {
    let forms = context
        .client_capabilities()
        .is_some_and(|capabilities| has_forms(&capabilities));
    let is_modern = context
        .protocol_version()
        .is_some_and(|version| !version.has_initialize());
    match (forms, is_modern) {
        (false, _) => Road::None,
        (true, true) => Road::Again,
        (true, false) => Road::Waiting(Box::new(AtClient(context.peer.clone()))),
    }
}

struct AtClient(Peer<RoleServer>);

#[async_trait]
impl Elicit for AtClient {
    async fn elicit(&self, form: ElicitRequestParams) -> Result<ElicitResult, ErrorData> {
        self.0
            .create_elicitation(form)
            .await
            .map_err(|error| ErrorData::internal_error(error.to_string(), None))
    }
}
