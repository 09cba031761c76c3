//! One server: started, watched, started again when it dies. What it does stops no other one.

mod bearing;
mod connect;
mod exchange;
mod failure;
mod list;
mod stale;
mod upstream;
mod watch;
mod watched;

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::Duration;

use hexgate_base::guarded::locked;
use rmcp::RoleClient;
use rmcp::model::{
    CallToolRequest, CallToolRequestParams, CallToolResponse, CancelTaskParams, CancelTaskRequest,
    ClientRequest, CompleteRequest, CompleteRequestParams, CompleteResult, GetPromptRequest,
    GetPromptRequestParams, GetPromptResponse, GetTaskParams, GetTaskRequest, GetTaskResult,
    InputResponses, JsonObject, ReadResourceRequest, ReadResourceRequestParams,
    ReadResourceResponse, UpdateTaskParams, UpdateTaskRequest,
};
use rmcp::service::Peer;
use tokio::sync::{Mutex as AsyncMutex, Semaphore, watch as channel};
use tokio::task::AbortHandle;

use crate::authorization::Authorizer;
use crate::catalogue::Catalogue;
use crate::config::{Offer, Reach, ServerConfig};
use crate::level::Level;
use crate::limits::Limits;
use crate::relay::Relays;
use crate::wire::Ended;

pub(crate) use connect::challenge;
pub(crate) use exchange::Client;
pub(crate) use failure::Failure;
use list::Lists;
pub(crate) use list::{Snapshot, Tool};
pub(crate) use watched::Watch;

use watched::Watched;

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
    /// The requests in flight.
    relays: Arc<Relays>,
    /// The least severe message that a server of an older version was asked to log.
    level: Arc<AsyncMutex<Option<Level>>>,
    stale: Arc<stale::Stale>,
}

impl Connection {
    /// Whether the server asks for input by its results.
    fn is_modern(&self) -> bool {
        let info = self.peer.peer_info();
        info.is_some_and(|info| !info.protocol_version.has_initialize())
    }

    /// Whether the server says when its lists change, and is heard.
    fn tells_of_lists(&self, offer: &Offer) -> bool {
        // What a newer one agreed to say was looked at when it agreed.
        self.stale.is_heard()
            && (self.is_modern()
                || self.peer.peer_info().is_some_and(|info| {
                    let capabilities = &info.capabilities;
                    Lists::of(capabilities, offer).are_announced(capabilities)
                }))
    }

    fn is(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.stale, &other.stale)
    }
}

/// A task, as its server names it.
#[derive(Debug, Clone)]
pub(crate) struct TaskName {
    /// The run of the server that began it: another one has other tasks by the same names.
    pub(crate) run: u64,
    pub(crate) id: String,
}

/// What goes back to a server that asked for input: its state, and the answers.
pub(crate) type Input = (Option<String>, Option<InputResponses>);

/// A server.
#[derive(Debug)]
pub(crate) struct Server {
    pub(crate) name: String,
    parts: Parts,
    state: channel::Sender<State>,
    snapshot: RwLock<Option<Arc<Snapshot>>>,
    calls: Semaphore,
    watched: Arc<Watched>,
    /// False: the lists are being read again for clients.
    read: channel::Sender<bool>,
    supervisor: Mutex<Option<AbortHandle>>,
    /// How often its process was started.
    runs: AtomicU64,
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
            watched: Arc::default(),
            read: channel::Sender::new(true),
            supervisor: Mutex::default(),
            runs: AtomicU64::default(),
        })
    }

    /// Which run of its process this is. What is at an address can be one server from the first to the last.
    pub(crate) fn run(&self) -> u64 {
        self.runs.load(Ordering::Acquire)
    }

    /// Starts it, and from then on keeps it running.
    pub(crate) fn start(self: &Arc<Self>) {
        let task = tokio::spawn(watch::supervise(Arc::clone(self)));
        let before = locked(&self.supervisor).replace(task.abort_handle());
        if let Some(before) = before {
            before.abort();
        }
    }

    /// Ends it.
    pub(crate) fn stop(&self) {
        let task = locked(&self.supervisor).take();
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

    /// Keeps what a server offers, if that still counts.
    fn set_snapshot(&self, snapshot: Snapshot, counts: impl FnOnce() -> bool) {
        let mut current = self
            .snapshot
            .write()
            .unwrap_or_else(PoisonError::into_inner);
        if !counts() {
            return;
        }
        let is_same = current.as_ref().is_some_and(|it| it.is_same(&snapshot));
        *current = Some(Arc::new(snapshot));
        drop(current);
        if !is_same {
            self.parts.changed.send_modify(|count| *count += 1);
        }
    }

    /// Whether it says when resources change, and that is passed on.
    pub(crate) fn tells_of_changes(&self) -> bool {
        let State::Ready(connection) = &*self.state.borrow() else {
            return false;
        };
        let info = connection.peer.peer_info();
        let resources = info
            .as_ref()
            .and_then(|it| it.capabilities.resources.as_ref());
        let subscribes = resources.is_some_and(|it| it.subscribe == Some(true));
        subscribes && self.parts.offer.subscriptions.is_pass()
    }

    pub(crate) fn watched(&self) -> &Arc<Watched> {
        &self.watched
    }

    /// What is passed on beside tools.
    pub(crate) fn offer(&self) -> &Offer {
        &self.parts.offer
    }

    /// Calls a tool once, if it is still offered as it was when it was found. Where the server asked for input, its state and the answers go
    /// with it. Which run of the server answered comes with the answer.
    pub(crate) async fn call(
        self: &Arc<Self>,
        client: &dyn Client,
        tool: &Tool,
        arguments: JsonObject,
        input: Option<Input>,
    ) -> Result<(CallToolResponse, u64), Failure> {
        let mut params = CallToolRequestParams::new(tool.name.clone()).with_arguments(arguments);
        (params.request_state, params.input_responses) = input.unwrap_or_default();
        let request = ClientRequest::CallToolRequest(CallToolRequest::new(params));
        let mut run = 0;
        let still = || {
            run = self.run();
            self.still_offers(tool)
        };
        let answer = self.exchange(client, still, request).await?;
        Ok((exchange::called(answer)?, run))
    }

    pub(crate) async fn prompt(
        self: &Arc<Self>,
        client: &dyn Client,
        mut params: GetPromptRequestParams,
        input: Option<Input>,
    ) -> Result<GetPromptResponse, Failure> {
        (params.request_state, params.input_responses) = input.unwrap_or_default();
        let name = params.name.clone();
        let request = ClientRequest::GetPromptRequest(GetPromptRequest::new(params));
        let still = || self.still(|now| now.has_prompt(&name));
        exchange::prompted(self.exchange(client, still, request).await?)
    }

    pub(crate) async fn resource(
        self: &Arc<Self>,
        client: &dyn Client,
        mut params: ReadResourceRequestParams,
        input: Option<Input>,
    ) -> Result<ReadResourceResponse, Failure> {
        (params.request_state, params.input_responses) = input.unwrap_or_default();
        let uri = params.uri.clone();
        let request = ClientRequest::ReadResourceRequest(ReadResourceRequest::new(params));
        let still = || self.still(|now| now.has_resource(&uri) || now.has_template_of(&uri));
        exchange::read(self.exchange(client, still, request).await?)
    }

    pub(crate) async fn complete(
        self: &Arc<Self>,
        client: &dyn Client,
        params: CompleteRequestParams,
    ) -> Result<CompleteResult, Failure> {
        let of = params.r#ref.clone();
        let request = ClientRequest::CompleteRequest(CompleteRequest::new(params));
        let still = || self.still(|now| now.completes(&of, &self.parts.offer));
        exchange::completed(self.exchange(client, still, request).await?)
    }

    /// What a task of this tool is doing.
    pub(crate) async fn task(
        self: &Arc<Self>,
        client: &dyn Client,
        tool: &Tool,
        task: &TaskName,
    ) -> Result<GetTaskResult, Failure> {
        let params = GetTaskParams::new(task.id.as_str());
        let request = ClientRequest::GetTaskRequest(GetTaskRequest::new(params));
        let still = || self.still_runs(task).and_then(|()| self.still_offers(tool));
        let answer = self.exchange(client, still, request);
        exchange::of_task(answer.await?)
    }

    /// Answers what a task of this tool asked.
    pub(crate) async fn update(
        self: &Arc<Self>,
        client: &dyn Client,
        tool: &Tool,
        task: &TaskName,
        responses: InputResponses,
    ) -> Result<(), Failure> {
        let params = UpdateTaskParams::new(task.id.as_str(), responses);
        let request = ClientRequest::UpdateTaskRequest(UpdateTaskRequest::new(params));
        let still = || self.still_runs(task).and_then(|()| self.still_offers(tool));
        let answer = self.exchange(client, still, request);
        exchange::acknowledged(answer.await?)
    }

    /// Ends a task.
    pub(crate) async fn cancel(
        self: &Arc<Self>,
        client: &dyn Client,
        task: &TaskName,
    ) -> Result<(), Failure> {
        let params = CancelTaskParams::new(task.id.as_str());
        let request = ClientRequest::CancelTaskRequest(CancelTaskRequest::new(params));
        let still = || self.still_runs(task);
        exchange::acknowledged(self.exchange(client, still, request).await?)
    }

    /// Whether a tool is still offered as it was.
    fn still_offers(&self, tool: &Tool) -> Result<(), Failure> {
        let is_same = |now: &Snapshot| now.tool(&tool.name).is_some_and(|now| **now == *tool);
        let now = self.snapshot();
        now.filter(|now| is_same(now))
            .map(|_| ())
            .ok_or(Failure::Withheld)
    }

    /// Whether a task is one of this run of the server.
    fn still_runs(&self, task: &TaskName) -> Result<(), Failure> {
        (self.run() == task.run)
            .then_some(())
            .ok_or(Failure::Withheld)
    }

    /// Whether something else is still offered.
    fn still(&self, has: impl FnOnce(&Snapshot) -> bool) -> Result<(), Failure> {
        let now = self.snapshot();
        now.filter(|now| has(now)).map(|_| ()).ok_or(Failure::Gone)
    }

    /// The connection, waited for a little while the server is being started.
    async fn connection(&self) -> Result<Connection, Failure> {
        let mut state = self.state.subscribe();
        // One that ended is not yet known as down.
        let is_ready = |state: &State| matches!(state, State::Ready(it) if !it.ended.is());
        let ready = state.wait_for(is_ready);
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
