//! One server: started, watched, started again when it dies. What it does stops no other one.

mod bearing;
mod connect;
mod failure;
mod list;
mod watch;

use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::Duration;

use rmcp::RoleClient;
use rmcp::model::{
    CallToolRequestParams, CallToolResponse, CompleteRequestParams, CompleteResult,
    GetPromptRequestParams, GetPromptResponse, InputResponses, JsonObject,
    ReadResourceRequestParams, ReadResourceResponse,
};
use rmcp::service::{Peer, ServiceError};
use tokio::sync::{Semaphore, watch as channel};
use tokio::task::AbortHandle;

use crate::authorization::Authorizer;
use crate::catalogue::Catalogue;
use crate::config::{Offer, Reach, ServerConfig};
use crate::limits::Limits;
use crate::wire::Ended;

pub(crate) use connect::challenge;
pub(crate) use failure::Failure;
pub(crate) use list::{Snapshot, Tool};

/// How long a call waits for a server that is being started again.
const PATIENCE: Duration = Duration::from_secs(5);

/// What a server is doing.
#[derive(Debug, Clone)]
pub(crate) enum State {
    /// It is started for the first time.
    Starting,
    /// It answers.
    Ready(Connection),
    /// It does not. It is started again after a while.
    Down(String),
}

/// A connection to a server.
#[derive(Debug, Clone)]
pub(crate) struct Connection {
    peer: Peer<RoleClient>,
    ended: Ended,
}

/// A server.
#[derive(Debug)]
pub(crate) struct Server {
    pub(crate) name: String,
    parts: Parts,
    state: channel::Sender<State>,
    snapshot: RwLock<Option<Arc<Snapshot>>>,
    calls: Semaphore,
    /// False: the lists are being read again for clients.
    read: channel::Sender<bool>,
    supervisor: Mutex<Option<AbortHandle>>,
}

struct Parts {
    config: ServerConfig,
    limits: Limits,
    offer: Offer,
    /// What gives requests their tokens. The error is why nothing can.
    authorizer: Result<Option<Arc<Authorizer>>, String>,
    catalogue: Arc<dyn Catalogue>,
    /// Is told when what is offered may have changed.
    changed: channel::Sender<u64>,
}

impl std::fmt::Debug for Parts {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Parts")
            .field("config", &self.config)
            .finish_non_exhaustive()
    }
}

impl Server {
    /// A server that is not started yet.
    pub(crate) fn new(
        name: String,
        config: ServerConfig,
        limits: Limits,
        offer: Offer,
        catalogue: Arc<dyn Catalogue>,
        changed: channel::Sender<u64>,
    ) -> Arc<Self> {
        let authorizer = match (&config.reach, &config.authorization) {
            (_, None) => Ok(None),
            (Reach::Http { url, .. }, Some(authorization)) => {
                Authorizer::new(&name, url, authorization).map(|it| Some(Arc::new(it)))
            }
            (Reach::Process { .. }, Some(_)) => {
                Err("it is a process, which takes no `authorization`".to_owned())
            }
        };
        Arc::new(Self {
            name,
            parts: Parts {
                config,
                limits,
                offer,
                authorizer,
                catalogue,
                changed,
            },
            state: channel::Sender::new(State::Starting),
            snapshot: RwLock::default(),
            calls: Semaphore::new(limits.calls.min(Semaphore::MAX_PERMITS)),
            read: channel::Sender::new(true),
            supervisor: Mutex::default(),
        })
    }

    /// Starts it, and from then on keeps it running.
    pub(crate) fn start(self: &Arc<Self>) {
        let task = tokio::spawn(watch::supervise(Arc::clone(self)));
        let before = self
            .supervisor
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .replace(task.abort_handle());
        if let Some(before) = before {
            before.abort();
        }
    }

    /// Ends it.
    pub(crate) fn stop(&self) {
        let task = self
            .supervisor
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        if let Some(task) = task {
            task.abort();
        }
    }

    /// Waits until it was started once, or failed to.
    pub(crate) async fn started(&self) {
        let mut state = self.state.subscribe();
        let waited = state.wait_for(|state| !matches!(state, State::Starting));
        // Two openings may have to be tried.
        let limit = self.parts.limits.start_time.saturating_mul(2);
        let _ = tokio::time::timeout(limit, waited).await;
    }

    /// Why it does not answer now, if so.
    pub(crate) fn down(&self) -> Option<String> {
        match &*self.state.borrow() {
            State::Starting => Some("it is being started".to_owned()),
            State::Ready(_) => None,
            State::Down(why) => Some(why.clone()),
        }
    }

    /// What it offered when it was last asked. None: it never answered.
    pub(crate) fn snapshot(&self) -> Option<Arc<Snapshot>> {
        self.snapshot
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    fn set_snapshot(&self, snapshot: Snapshot) {
        let mut current = self
            .snapshot
            .write()
            .unwrap_or_else(PoisonError::into_inner);
        let is_same = current.as_ref().is_some_and(|it| it.is_same(&snapshot));
        *current = Some(Arc::new(snapshot));
        drop(current);
        if !is_same {
            self.parts.changed.send_modify(|count| *count += 1);
        }
    }

    /// Calls a tool once, if it is still offered as it was when it was found. Where the server asked the user, its state and the answers go
    /// with it.
    pub(crate) async fn call(
        &self,
        tool: &Tool,
        arguments: JsonObject,
        input: Option<(Option<String>, InputResponses)>,
    ) -> Result<CallToolResponse, Failure> {
        let mut params = CallToolRequestParams::new(tool.name.clone()).with_arguments(arguments);
        if let Some((state, responses)) = input {
            params.request_state = state;
            params.input_responses = Some(responses);
        }
        let is_offered = || {
            self.snapshot()
                .is_some_and(|now| now.tool(&tool.name).is_some_and(|now| **now == *tool))
        };
        self.ask_if(is_offered, async |peer| peer.call_tool_once(params).await)
            .await
    }

    pub(crate) async fn prompt(
        &self,
        params: GetPromptRequestParams,
    ) -> Result<GetPromptResponse, Failure> {
        self.ask(async |peer| peer.get_prompt_once(params).await)
            .await
    }

    pub(crate) async fn resource(
        &self,
        params: ReadResourceRequestParams,
    ) -> Result<ReadResourceResponse, Failure> {
        self.ask(async |peer| peer.read_resource_once(params).await)
            .await
    }

    pub(crate) async fn complete(
        &self,
        params: CompleteRequestParams,
    ) -> Result<CompleteResult, Failure> {
        self.ask(async |peer| peer.complete(params).await).await
    }

    async fn ask<T>(
        &self,
        ask: impl AsyncFnOnce(Peer<RoleClient>) -> Result<T, ServiceError>,
    ) -> Result<T, Failure> {
        self.ask_if(|| true, ask).await
    }

    /// Asks the server something, if it is still offered once there is a connection. Nothing is asked twice: what was sent and not answered is
    /// a failure.
    async fn ask_if<T>(
        &self,
        is_offered: impl FnOnce() -> bool,
        ask: impl AsyncFnOnce(Peer<RoleClient>) -> Result<T, ServiceError>,
    ) -> Result<T, Failure> {
        let Ok(_turn) = self.calls.try_acquire() else {
            return Err(Failure::Busy);
        };
        let connection = self.connection().await?;
        // What a restarted server offers was reviewed before the connection was given.
        if !is_offered() {
            return Err(Failure::Withheld);
        }
        let limit = self.parts.limits.call_time;
        match tokio::time::timeout(limit, ask(connection.peer.clone())).await {
            Err(_) => Err(Failure::Late(limit)),
            Ok(Ok(answer)) => Ok(answer),
            Ok(Err(error)) => Err(Failure::of(error, &connection.ended)),
        }
    }

    /// The connection, waited for a little while the server is being started.
    async fn connection(&self) -> Result<Connection, Failure> {
        let mut state = self.state.subscribe();
        let ready = state.wait_for(|state| matches!(state, State::Ready(_)));
        if let Ok(Ok(state)) = tokio::time::timeout(PATIENCE, ready).await
            && let State::Ready(connection) = &*state
        {
            return Ok(connection.clone());
        }
        Err(Failure::Down(self.down().unwrap_or_default()))
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.stop();
    }
}
