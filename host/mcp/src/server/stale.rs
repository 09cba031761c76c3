//! Whether what a server offers is still what it said.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use rmcp::RoleClient;
use rmcp::model::{JsonRpcMessage, ServerNotification};
use rmcp::service::{RxJsonRpcMessage, TxJsonRpcMessage};
use rmcp::transport::Transport;
use tokio::sync::Notify;

use crate::wire::Ended;

/// Whether the lists of a server may have changed since they were last read, and whether it can say so.
#[derive(Debug, Default)]
pub(super) struct Stale {
    /// How often they may have changed.
    changes: AtomicU64,
    /// How often by the beginning of the last reading that came to an end.
    read: AtomicU64,
    /// Whether anybody hears what the server says of its lists between requests.
    is_heard: AtomicBool,
    told: Notify,
}

impl Stale {
    /// The lists may have changed.
    pub(super) fn mark(&self) {
        self.changes.fetch_add(1, Ordering::AcqRel);
        self.told.notify_one();
    }

    /// Whether somebody who wants the lists now has to ask the server.
    pub(super) fn is(&self) -> bool {
        self.changes.load(Ordering::Acquire) != self.read.load(Ordering::Acquire)
    }

    /// The lists are asked for: what changes from here on is told again.
    pub(super) fn asked(&self) -> u64 {
        self.changes.load(Ordering::Acquire)
    }

    /// The server said its lists, for which it was asked then.
    pub(super) fn read(&self, asked: u64) {
        self.read.fetch_max(asked, Ordering::AcqRel);
    }

    /// Waits until the lists may have changed.
    pub(super) async fn told(&self) {
        self.told.notified().await;
    }

    /// From now on it is heard what the server says of its lists. What it said before was said to nobody.
    pub(super) fn heard(&self) {
        self.is_heard.store(true, Ordering::Release);
        self.mark();
    }

    /// It is no longer heard what the server says of its lists.
    pub(super) fn unheard(&self) {
        if self.is_heard.swap(false, Ordering::AcqRel) {
            self.mark();
        }
    }

    /// Whether it is heard what the server says of its lists.
    pub(super) fn is_heard(&self) -> bool {
        self.is_heard.load(Ordering::Acquire)
    }
}

/// A transport to a server that hears of changed lists in the order in which the server says things. Who has the answer to a call before which
/// the server said that a list changed does not see the list of before.
pub(super) struct Hearing<T> {
    pub(super) transport: T,
    pub(super) stale: Arc<Stale>,
    /// Ends the connection from outside of the transport. None: the transport ends by itself.
    pub(super) ended: Option<Ended>,
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
        let over = async {
            match &self.ended {
                Some(ended) => ended.wait().await,
                None => std::future::pending().await,
            }
        };
        let message = tokio::select! {
            // What came before the end is still an answer.
            biased;
            message = self.transport.receive() => message,
            () = over => None,
        };
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
