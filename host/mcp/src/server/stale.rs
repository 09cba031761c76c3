//! Whether what a server offers is still what it said.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use rmcp::RoleClient;
use rmcp::model::{JsonRpcMessage, ServerNotification};
use rmcp::service::{RxJsonRpcMessage, TxJsonRpcMessage};
use rmcp::transport::Transport;
use tokio::sync::Notify;

/// Whether a server said that its lists changed since they were last asked for.
#[derive(Debug, Default)]
pub(super) struct Stale {
    is: AtomicBool,
    told: Notify,
}

impl Stale {
    /// The server says that its lists changed.
    pub(super) fn mark(&self) {
        self.is.store(true, Ordering::Release);
        self.told.notify_one();
    }

    /// Whether somebody who wants the lists now has to ask the server.
    pub(super) fn is(&self) -> bool {
        self.is.load(Ordering::Acquire)
    }

    /// The lists are asked for: what changes from here on is told again.
    pub(super) fn asked(&self) {
        self.is.store(false, Ordering::Release);
    }

    /// The server did not say them.
    pub(super) fn unread(&self) {
        self.is.store(true, Ordering::Release);
    }

    /// Waits until the server says that its lists changed.
    pub(super) async fn told(&self) {
        self.told.notified().await;
    }
}

/// A transport to a server that hears of changed lists in the order in which the server says things. Who has the answer to a call before which
/// the server said that a list changed does not see the list of before.
pub(super) struct Hearing<T> {
    pub(super) transport: T,
    pub(super) stale: Arc<Stale>,
}

impl<T: Transport<RoleClient>> Transport<RoleClient> for Hearing<T> {
    type Error = T::Error;

    fn send(
        &mut self,
        item: TxJsonRpcMessage<RoleClient>,
    ) -> impl Future<Output = Result<(), Self::Error>> + Send + 'static {
        self.transport.send(item)
    }

    async fn receive(&mut self) -> Option<RxJsonRpcMessage<RoleClient>> {
        let message = self.transport.receive().await;
        if let Some(JsonRpcMessage::Notification(said)) = &message
            && matches!(
                said.notification,
                ServerNotification::ToolListChangedNotification(_)
                    | ServerNotification::PromptListChangedNotification(_)
                    | ServerNotification::ResourceListChangedNotification(_)
            )
        {
            self.stale.mark();
        }
        message
    }

    fn close(&mut self) -> impl Future<Output = Result<(), Self::Error>> + Send {
        self.transport.close()
    }
}
