//! One request at a server, and what the server says and asks before it answers.
#![expect(
    deprecated,
    reason = "logs and sampling leave the protocol; servers of all versions that have them are served"
)]

use std::sync::Arc;
use std::time::{Duration, Instant};

use async_trait::async_trait;
use rmcp::model::{
    CallToolResponse, CallToolResult, CancelledNotificationParam, ClientCapabilities,
    ClientRequest, ElicitationCapability, ExtensionCapabilities, GetPromptResponse, GetTaskResult,
    MetaObject, ReadResourceResponse, RequestId, RequestMetaObject, ServerResult,
    SetLevelRequestParams, TASKS_EXTENSION_ID,
};
use rmcp::service::PeerRequestOptions;
use serde::Deserialize;
use tokio::time::{sleep_until, timeout};

use super::{Connection, Failure, Server};
use crate::config::Offer;
use crate::level::Level;
use crate::relay::{Said, Wants};

/// How long after an answer what was said before it can still come: it is handled in a task of its own.
const BEHIND: Duration = Duration::from_millis(5);

/// How long a server may take to say that it logs as much as is wanted.
const LEVEL_TIME: Duration = Duration::from_secs(2);

/// The client whose request is made.
#[async_trait]
pub(crate) trait Client: Send + Sync {
    /// What it wants to hear.
    fn wants(&self) -> Wants;
    /// The least severe log message that it asked for. None: it never said.
    fn level(&self) -> Option<Level>;
    /// What it can answer.
    fn capabilities(&self) -> ClientCapabilities;
    /// Hears what the server says, and answers what it asks. An error ends the request.
    async fn said(&self, said: Said) -> Result<(), Failure>;
}

/// What a server is told of what a client can do: what is passed on, and nothing else.
pub(super) fn passed(client: &ClientCapabilities, offer: &Offer) -> ClientCapabilities {
    let mut passed = ClientCapabilities::default();
    if offer.elicitation.is_pass() && crate::ask::has_forms(client) {
        passed.elicitation = Some(ElicitationCapability::new());
    }
    if offer.sampling.is_pass() {
        passed.sampling = client.sampling.clone();
    }
    if offer.roots.is_pass() && client.roots.is_some() {
        passed.roots = Some(Default::default());
    }
    if offer.tasks.is_pass() && client.supports_tasks() {
        let tasks = [(TASKS_EXTENSION_ID.to_owned(), Default::default())];
        passed.extensions = Some(ExtensionCapabilities::from(tasks));
    }
    passed
}

/// A request that was sent. If its answer is not waited for, the server is told so.
struct Sent<'a> {
    connection: &'a Connection,
    id: RequestId,
    is_answered: bool,
}

impl Drop for Sent<'_> {
    fn drop(&mut self) {
        self.connection.relays.closed(&self.id);
        if self.is_answered {
            return;
        }
        let (peer, id) = (self.connection.peer.clone(), self.id.clone());
        if let Ok(runtime) = tokio::runtime::Handle::try_current() {
            runtime.spawn(async move {
                let cancelled = CancelledNotificationParam::new(Some(id), None);
                let _ = peer.notify_cancelled(cancelled).await;
            });
        }
    }
}

impl Server {
    /// Asks the server something, if it still offers that once there is a connection. Nothing is asked twice: what was sent and not answered is
    /// a failure.
    pub(super) async fn exchange(
        self: &Arc<Self>,
        client: &dyn Client,
        still: impl FnOnce() -> Result<(), Failure>,
        request: ClientRequest,
    ) -> Result<ServerResult, Failure> {
        let Ok(_turn) = self.calls.try_acquire() else {
            return Err(Failure::Busy);
        };
        let connection = self.connection().await?;
        self.set_level(&connection, client).await;
        // What a restarted server offers was reviewed before the connection was given. What ends a task is sent whatever is offered.
        if !matches!(request, ClientRequest::CancelTaskRequest(_)) {
            self.look_again(&connection).await?;
        }
        still()?;
        let failed = |error| Failure::of(error, &connection.ended);
        let options = PeerRequestOptions::no_options().with_meta(self.meta(&connection, client));
        let wants = client.wants();
        let limit = self.parts.limits.call_time;
        let mut until = tokio::time::Instant::now() + limit;
        let sending = async {
            let _alone = connection.relays.sending.lock().await;
            let peer = &connection.peer;
            let handle = peer.send_request_with_option(request, options).await?;
            let (id, token) = (handle.id.clone(), handle.progress_token.clone());
            let said = connection.relays.opened(id.clone(), token, wants);
            let sent = Sent {
                connection: &connection,
                id,
                is_answered: false,
            };
            Ok((handle, said, sent))
        };
        let sending = tokio::time::timeout_at(until, sending).await;
        let sending = sending.map_err(|_| Failure::Late(limit))?;
        let (handle, mut heard, mut sent) = sending.map_err(failed)?;
        let mut answer = std::pin::pin!(handle.await_response());
        let answer = loop {
            tokio::select! {
                // A server that floods is late all the same.
                biased;
                () = sleep_until(until) => return Err(Failure::Late(limit)),
                Some(said) = heard.recv() => {
                    let (asks, began) = (matches!(said, Said::Asks(_)), Instant::now());
                    client.said(said).await?;
                    if asks {
                        // The server waited, and not the client.
                        until += began.elapsed();
                    }
                }
                answer = &mut answer => break answer,
            }
        };
        sent.is_answered = true;
        if wants.progress || wants.logs.is_some() {
            tokio::time::sleep(BEHIND).await;
            while let Ok(said) = heard.try_recv() {
                if !matches!(said, Said::Asks(_)) {
                    client.said(said).await?;
                }
            }
        }
        answer.map_err(failed)
    }

    /// What a request says of its client, to a server that wants to know it with each.
    fn meta(&self, connection: &Connection, client: &dyn Client) -> RequestMetaObject {
        let mut meta = RequestMetaObject::new();
        if connection.is_modern() {
            let offer = &self.parts.offer;
            meta.set_client_capabilities(passed(&client.capabilities(), offer));
            if offer.logs.is_pass()
                && let Some(level) = client.level()
            {
                meta.set_log_level(level.into());
            }
        }
        meta
    }

    /// Has a server of an older version log as much as any of its clients wants. What one does not want it does not get.
    async fn set_level(&self, connection: &Connection, client: &dyn Client) {
        let info = connection.peer.peer_info();
        let logs = info.is_some_and(|info| info.capabilities.logging.is_some());
        let Some(level) = client.level() else { return };
        if connection.is_modern() || !logs || !self.parts.offer.logs.is_pass() {
            return;
        }
        // A server that does not answer this holds up no calls.
        let Ok(mut least) = timeout(LEVEL_TIME, connection.level.lock()).await else {
            return;
        };
        if least.is_some_and(|least| least <= level) {
            return;
        }
        let params = SetLevelRequestParams::new(level.into());
        let setting = connection.peer.set_level(params);
        if !matches!(timeout(LEVEL_TIME, setting).await, Ok(Ok(()))) {
            tracing::warn!(server = %self.name, "a server does not take the level of its log");
        }
        // It is not asked again either way.
        *least = Some(level);
    }
}

/// Something else than what was asked for.
fn other() -> Failure {
    Failure::Lied("it is of another kind".to_owned())
}

pub(super) fn called(result: ServerResult) -> Result<CallToolResponse, Failure> {
    match result {
        ServerResult::CallToolResult(result) => Ok(result.into()),
        ServerResult::InputRequiredResult(asked) => Ok(asked.into()),
        ServerResult::CreateTaskResult(task) => Ok(task.into()),
        // A result without content reads as one of these.
        ServerResult::EmptyResult(_) => Ok(CallToolResult::default().into()),
        ServerResult::TaskAckResult(result) => {
            let mut called = CallToolResult::default();
            called.result_type = Some(result.result_type);
            called.meta = result.meta;
            Ok(called.into())
        }
        ServerResult::CustomResult(result) => {
            #[derive(Deserialize)]
            #[serde(deny_unknown_fields)]
            struct Only {
                #[serde(rename = "_meta")]
                meta: MetaObject,
            }
            let only: Only = serde_json::from_value(result.0).map_err(|_| other())?;
            let mut called = CallToolResult::default();
            called.meta = Some(only.meta);
            Ok(called.into())
        }
        _ => Err(other()),
    }
}

pub(super) fn prompted(result: ServerResult) -> Result<GetPromptResponse, Failure> {
    match result {
        ServerResult::GetPromptResult(result) => Ok(result.into()),
        ServerResult::InputRequiredResult(asked) => Ok(asked.into()),
        _ => Err(other()),
    }
}

pub(super) fn read(result: ServerResult) -> Result<ReadResourceResponse, Failure> {
    match result {
        ServerResult::ReadResourceResult(result) => Ok(result.into()),
        ServerResult::InputRequiredResult(asked) => Ok(asked.into()),
        _ => Err(other()),
    }
}

pub(super) fn completed(result: ServerResult) -> Result<rmcp::model::CompleteResult, Failure> {
    match result {
        ServerResult::CompleteResult(result) => Ok(result),
        _ => Err(other()),
    }
}

pub(super) fn of_task(result: ServerResult) -> Result<GetTaskResult, Failure> {
    match result {
        ServerResult::GetTaskResult(result) => Ok(result),
        _ => Err(other()),
    }
}

pub(super) fn acknowledged(result: ServerResult) -> Result<(), Failure> {
    match result {
        ServerResult::TaskAckResult(_) | ServerResult::EmptyResult(_) => Ok(()),
        _ => Err(other()),
    }
}
