//! The client that made a request: what it is told, and what it answers, while the request runs.
#![expect(
    deprecated,
    reason = "logs, sampling and roots leave the protocol; clients of all versions that have them are served"
)]

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use rmcp::RoleServer;
use rmcp::model::{
    ClientCapabilities, ElicitRequestParams, ElicitResult, ErrorData, InputRequest,
    LoggingMessageNotificationParam, ProgressNotificationParam, ProgressToken,
};
use rmcp::service::{Peer, ServiceError};
use serde::Serialize;
use serde_json::Value;

use crate::ask::{Elicit, has_forms};
use crate::level::Level;

/// How long a client has to take what it is told. It misses what it does not take.
const TAKE: Duration = Duration::from_secs(2);

/// The client that made a request.
#[derive(Clone)]
pub(super) struct Side {
    pub(super) peer: Peer<RoleServer>,
    /// Which client it is: no other one has this number.
    pub(super) client: u64,
    /// Whether it is asked for input by results alone.
    pub(super) is_modern: bool,
    pub(super) token: Option<ProgressToken>,
    /// The least severe log message that it asked for.
    pub(super) level: Option<Level>,
    pub(super) capabilities: ClientCapabilities,
}

/// A number for a client.
pub(super) fn number() -> u64 {
    static CLIENTS: AtomicU64 = AtomicU64::new(0);
    CLIENTS.fetch_add(1, Ordering::Relaxed)
}

/// Whether a client can answer such a request.
pub(super) fn can_answer(capabilities: &ClientCapabilities, request: &InputRequest) -> bool {
    match request {
        InputRequest::Elicitation(_) => has_forms(capabilities),
        InputRequest::CreateMessage(request) => {
            let has_tools = request.params.tools.is_some() || request.params.tool_choice.is_some();
            let sampling = capabilities.sampling.as_ref();
            sampling.is_some_and(|sampling| sampling.tools.is_some() || !has_tools)
        }
        InputRequest::ListRoots(_) => capabilities.roots.is_some(),
        _ => false,
    }
}

impl Side {
    /// The least severe log message that it gets. An older client that never said gets what the server sends; a newer one gets none.
    pub(super) fn logs(&self) -> Option<Level> {
        match self.level {
            Some(level) => Some(level),
            None if self.is_modern => None,
            None => Some(Level::Debug),
        }
    }

    pub(super) async fn progress(&self, mut said: ProgressNotificationParam) {
        if let Some(token) = &self.token {
            said.progress_token = token.clone();
            let _ = tokio::time::timeout(TAKE, self.peer.notify_progress(said)).await;
        }
    }

    pub(super) async fn log(&self, said: LoggingMessageNotificationParam) {
        let _ = tokio::time::timeout(TAKE, self.peer.notify_logging_message(said)).await;
    }

    /// What an older client answers while its request waits. This must run in the task of the request: the question is sent on its stream.
    pub(super) async fn answer(&self, request: InputRequest) -> Result<Value, ErrorData> {
        match request {
            InputRequest::Elicitation(request) => {
                value(self.peer.create_elicitation(request.params).await)
            }
            InputRequest::CreateMessage(request) => {
                value(self.peer.create_message(request.params).await)
            }
            InputRequest::ListRoots(_) => value(self.peer.list_roots().await),
            _ => Err(ErrorData::invalid_request(
                "[refused] an unknown kind of request",
                None,
            )),
        }
    }
}

fn value(answer: Result<impl Serialize, ServiceError>) -> Result<Value, ErrorData> {
    let answer = answer.map_err(|error| match error {
        ServiceError::McpError(error) => error,
        other => ErrorData::internal_error(other.to_string(), None),
    })?;
    serde_json::to_value(answer).map_err(|error| ErrorData::internal_error(error.to_string(), None))
}

#[async_trait]
impl Elicit for Side {
    async fn elicit(&self, form: ElicitRequestParams) -> Result<ElicitResult, ErrorData> {
        self.peer
            .create_elicitation(form)
            .await
            .map_err(|error| ErrorData::internal_error(error.to_string(), None))
    }
}
