//! Sessions over HTTP, in which an id stands for one request until that has its answer.
//!
//! rmcp hands an answer to whoever used its id last. So an id of a request that is open is not taken again.

use std::cell::Cell;
use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex};

use futures_util::Stream;
use hexgate_base::guarded::locked;
use rmcp::RoleServer;
use rmcp::model::{
    ClientJsonRpcMessage, ClientNotification, JsonRpcMessage, RequestId, ServerJsonRpcMessage,
};
use rmcp::service::{RxJsonRpcMessage, TxJsonRpcMessage};
use rmcp::transport::streamable_http_server::session::ServerSseMessage;
use rmcp::transport::streamable_http_server::session::local::{
    LocalSessionManager, LocalSessionManagerError, LocalSessionWorker,
};
use rmcp::transport::streamable_http_server::{SessionId, SessionManager};
use rmcp::transport::{Transport, WorkerTransport};

tokio::task_local! {
    /// Whether the request that is looked at has the id of another one that is open.
    static IS_TAKEN: Cell<bool>;
}

/// The sessions of all clients.
#[derive(Debug, Default)]
pub(super) struct Sessions {
    inner: LocalSessionManager,
    open: Arc<Open>,
}

/// Why a session does not take a message.
#[derive(Debug, thiserror::Error)]
pub(super) enum SessionError {
    #[error(transparent)]
    Local(#[from] LocalSessionManagerError),
    #[error("the id is that of a request that has no answer yet")]
    DuplicateId,
}

/// The requests that have no answer yet, by their sessions.
#[derive(Debug, Default)]
struct Open(Mutex<HashMap<SessionId, HashSet<RequestId>>>);

impl Open {
    /// Takes an id for a request. None: another one has it.
    fn take(self: &Arc<Self>, session: &SessionId, id: &RequestId) -> Option<Taken> {
        let is_free = locked(&self.0)
            .entry(session.clone())
            .or_default()
            .insert(id.clone());
        is_free.then(|| Taken {
            open: Arc::clone(self),
            of: Some((session.clone(), id.clone())),
        })
    }

    fn answered(&self, session: &SessionId, id: &RequestId) {
        let mut open = locked(&self.0);
        if let Some(ids) = open.get_mut(session) {
            ids.remove(id);
            if ids.is_empty() {
                open.remove(session);
            }
        }
    }

    fn ended(&self, session: &SessionId) {
        locked(&self.0).remove(session);
    }
}

/// An id that was taken. It is given back if its request does not get into the session.
struct Taken {
    open: Arc<Open>,
    of: Option<(SessionId, RequestId)>,
}

impl Taken {
    /// From here on the answer gives it back.
    fn went_on(mut self) {
        self.of = None;
    }
}

impl Drop for Taken {
    fn drop(&mut self) {
        if let Some((session, id)) = self.of.take() {
            self.open.answered(&session, &id);
        }
    }
}

/// What a request comes to, and whether it was refused because its id is taken.
pub(super) async fn with_own_id<T>(request: impl Future<Output = T>) -> (T, bool) {
    let looked_at = async { (request.await, IS_TAKEN.with(Cell::get)) };
    IS_TAKEN.scope(Cell::new(false), looked_at).await
}

impl SessionManager for Sessions {
    type Error = SessionError;
    type Transport = Answering;

    async fn create_session(&self) -> Result<(SessionId, Answering), SessionError> {
        let (session, transport) = self.inner.create_session().await?;
        let answering = Answering {
            transport,
            open: Arc::clone(&self.open),
            session: session.clone(),
        };
        Ok((session, answering))
    }

    async fn initialize_session(
        &self,
        id: &SessionId,
        message: ClientJsonRpcMessage,
    ) -> Result<ServerJsonRpcMessage, SessionError> {
        Ok(self.inner.initialize_session(id, message).await?)
    }

    async fn has_session(&self, id: &SessionId) -> Result<bool, SessionError> {
        Ok(self.inner.has_session(id).await?)
    }

    async fn close_session(&self, id: &SessionId) -> Result<(), SessionError> {
        Ok(self.inner.close_session(id).await?)
    }

    async fn create_stream(
        &self,
        id: &SessionId,
        message: ClientJsonRpcMessage,
    ) -> Result<impl Stream<Item = ServerSseMessage> + Send + Sync + 'static, SessionError> {
        let taken = match &message {
            JsonRpcMessage::Request(request) => {
                let Some(taken) = self.open.take(id, &request.id) else {
                    let _ = IS_TAKEN.try_with(|it| it.set(true));
                    return Err(SessionError::DuplicateId);
                };
                Some(taken)
            }
            _ => None,
        };
        let stream = self.inner.create_stream(id, message).await?;
        if let Some(taken) = taken {
            taken.went_on();
        }
        Ok(stream)
    }

    async fn accept_message(
        &self,
        id: &SessionId,
        message: ClientJsonRpcMessage,
    ) -> Result<(), SessionError> {
        Ok(self.inner.accept_message(id, message).await?)
    }

    async fn create_standalone_stream(
        &self,
        id: &SessionId,
    ) -> Result<impl Stream<Item = ServerSseMessage> + Send + Sync + 'static, SessionError> {
        Ok(self.inner.create_standalone_stream(id).await?)
    }

    async fn resume(
        &self,
        id: &SessionId,
        last_event_id: String,
    ) -> Result<impl Stream<Item = ServerSseMessage> + Send + Sync + 'static, SessionError> {
        Ok(self.inner.resume(id, last_event_id).await?)
    }
}

/// The transport of a session, which gives ids back with the answers.
pub(super) struct Answering {
    transport: WorkerTransport<LocalSessionWorker>,
    open: Arc<Open>,
    session: SessionId,
}

impl Transport<RoleServer> for Answering {
    type Error = <WorkerTransport<LocalSessionWorker> as Transport<RoleServer>>::Error;

    fn send(
        &mut self,
        item: TxJsonRpcMessage<RoleServer>,
    ) -> impl Future<Output = Result<(), Self::Error>> + Send + 'static {
        let answered = match &item {
            JsonRpcMessage::Response(response) => Some(response.id.clone()),
            JsonRpcMessage::Error(error) => error.id.clone(),
            _ => None,
        };
        let (open, session) = (Arc::clone(&self.open), self.session.clone());
        let sending = self.transport.send(item);
        async move {
            let sent = sending.await;
            // Not before: until then the answer can still be given to another request.
            if let Some(id) = answered {
                open.answered(&session, &id);
            }
            sent
        }
    }

    async fn receive(&mut self) -> Option<RxJsonRpcMessage<RoleServer>> {
        let message = self.transport.receive().await;
        if let Some(JsonRpcMessage::Notification(said)) = &message
            && let ClientNotification::CancelledNotification(cancelled) = &said.notification
            && let Some(id) = &cancelled.params.request_id
        {
            // It will have no answer.
            self.open.answered(&self.session, id);
        }
        message
    }

    fn close(&mut self) -> impl Future<Output = Result<(), Self::Error>> + Send {
        self.transport.close()
    }
}

impl Drop for Answering {
    fn drop(&mut self) {
        self.open.ended(&self.session);
    }
}
