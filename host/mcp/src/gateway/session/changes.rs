//! Telling a client what changed.

use std::sync::atomic::Ordering;

use hexgate_base::guarded::locked;
use hexgate_enforce::Caller;
use rmcp::RoleServer;
use rmcp::model::{ErrorData, ResourceUpdatedNotificationParam};
use rmcp::service::{NotificationContext, Peer, SubscriptionContext};
use tokio::sync::mpsc;
use tokio::task::{AbortHandle, JoinSet};

use super::Session;

/// Resources about which one client can hear.
const MAX_HEARD: usize = 100;

fn too_many() -> ErrorData {
    let many = format!("[too_many] a client can subscribe to {MAX_HEARD} resources");
    ErrorData::invalid_params(many, None)
}

/// A task that ends when this is dropped.
#[derive(Debug)]
pub(super) struct Ends(AbortHandle);

impl Drop for Ends {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl Session {
    /// Tells an older client of changed lists, from now on.
    pub(super) async fn tell(&self, context: NotificationContext<RoleServer>) {
        let Ok(caller) = self.caller(&context.extensions).await else {
            return;
        };
        if self.told.swap(true, Ordering::Relaxed) {
            // However often a client says that it began, one task tells it.
            return;
        }
        let (gateway, peer) = (self.gateway.clone(), context.peer);
        tokio::spawn(async move {
            let mut epoch = gateway.epoch(&caller);
            while !peer.is_transport_closed() {
                tokio::select! {
                    () = gateway.changed(&caller, &mut epoch) => {
                        if peer.notify_tool_list_changed().await.is_err() {
                            return;
                        }
                        let config = gateway.config();
                        if config.passes(|offer| offer.prompts) {
                            let _ = peer.notify_prompt_list_changed().await;
                        }
                        if config.passes(|offer| offer.resources) {
                            let _ = peer.notify_resource_list_changed().await;
                        }
                    }
                    // A client that went away is forgotten.
                    () = tokio::time::sleep(std::time::Duration::from_secs(30)) => {}
                }
            }
        });
    }

    /// Tells a client of 2026-07-28 of what it subscribed to, until it no longer wants that.
    pub(super) async fn listening(
        &self,
        caller: &Caller,
        context: &SubscriptionContext,
    ) -> Result<(), ErrorData> {
        let mut epoch = self.gateway.epoch(caller);
        let accepted = context.accepted().clone();
        let uris = accepted.resource_subscriptions.unwrap_or_default();
        if uris.len() > MAX_HEARD {
            return Err(too_many());
        }
        let mut tasks = JoinSet::new();
        let (sender, mut updated) = mpsc::channel(1);
        for uri in uris {
            let mut heard = self.gateway.hear(caller, &uri)?;
            let sender = sender.clone();
            tasks.spawn(async move {
                while let Some(uri) = heard.next().await {
                    if sender.send(uri).await.is_err() {
                        return;
                    }
                }
            });
        }
        loop {
            let sink = context.sink();
            let sent = tokio::select! {
                () = context.cancelled() => return Ok(()),
                Some(uri) = updated.recv() => {
                    sink.notify_resource_updated(uri).await
                }
                () = self.gateway.changed(caller, &mut epoch) => {
                    let mut sent = Ok(());
                    if accepted.tools_list_changed == Some(true) {
                        sent = sink.notify_tool_list_changed().await;
                    }
                    if accepted.prompts_list_changed == Some(true) {
                        sent = sent.and(sink.notify_prompt_list_changed().await);
                    }
                    if accepted.resources_list_changed == Some(true) {
                        sent = sent.and(sink.notify_resource_list_changed().await);
                    }
                    sent
                }
            };
            if sent.is_err() {
                return Ok(());
            }
        }
    }

    /// Tells an older client of a resource, until it no longer wants that.
    pub(super) fn hear(
        &self,
        caller: &Caller,
        uri: String,
        peer: Peer<RoleServer>,
    ) -> Result<(), ErrorData> {
        let mut all = locked(&self.heard);
        if all.len() >= MAX_HEARD && !all.contains_key(&uri) {
            return Err(too_many());
        }
        let mut heard = self.gateway.hear(caller, &uri)?;
        let task = tokio::spawn(async move {
            while let Some(uri) = heard.next().await {
                let updated = ResourceUpdatedNotificationParam::new(uri);
                if peer.notify_resource_updated(updated).await.is_err() {
                    return;
                }
            }
        });
        all.insert(uri, Ends(task.abort_handle()));
        Ok(())
    }
}
