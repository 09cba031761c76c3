//! Resources of a server that clients want to hear about: each is asked for once, for all of them.
#![expect(
    deprecated,
    reason = "requests for single subscriptions leave the protocol; servers of all versions are served"
)]

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rmcp::RoleClient;
use rmcp::model::{
    ServerNotification, SubscribeRequestParams, SubscriptionFilter, UnsubscribeRequestParams,
};
use rmcp::service::Peer;
use tokio::sync::{broadcast, watch};

/// Resources that are wanted at a time, of one server.
const MAX_WANTED: usize = 1000;
/// Changes that a client is behind. One that is further behind takes every resource as changed.
const BEHIND: usize = 64;

/// The resources that clients want to hear about.
#[derive(Debug)]
pub(crate) struct Watched {
    counts: Mutex<BTreeMap<String, usize>>,
    wanted: watch::Sender<BTreeSet<String>>,
    updated: broadcast::Sender<String>,
}

impl Default for Watched {
    fn default() -> Self {
        Self {
            counts: Mutex::default(),
            wanted: watch::Sender::default(),
            updated: broadcast::Sender::new(BEHIND),
        }
    }
}

/// One wish to hear about a resource. It ends when this is dropped.
#[derive(Debug)]
pub(crate) struct Watch {
    watched: Arc<Watched>,
    uri: String,
    updated: broadcast::Receiver<String>,
}

impl Watched {
    fn counts(&self) -> MutexGuard<'_, BTreeMap<String, usize>> {
        self.counts.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Wants to hear about a resource. None: too many are wanted.
    pub(crate) fn watch(self: &Arc<Self>, uri: &str) -> Option<Watch> {
        let mut counts = self.counts();
        if counts.len() >= MAX_WANTED && !counts.contains_key(uri) {
            return None;
        }
        let updated = self.updated.subscribe();
        let count = counts.entry(uri.to_owned()).or_insert(0);
        *count += 1;
        if *count == 1 {
            self.wanted.send_modify(|wanted| {
                wanted.insert(uri.to_owned());
            });
        }
        Some(Watch {
            watched: Arc::clone(self),
            uri: uri.to_owned(),
            updated,
        })
    }

    /// The server says that a resource changed.
    pub(super) fn updated(&self, uri: String) {
        if self.wanted.borrow().contains(&uri) {
            // Nobody listens: nobody needs it.
            let _ = self.updated.send(uri);
        }
    }
}

impl Watch {
    pub(crate) fn uri(&self) -> &str {
        &self.uri
    }

    /// Waits until the resource may have changed.
    pub(crate) async fn changed(&mut self) {
        loop {
            match self.updated.recv().await {
                Ok(uri) if uri != self.uri => {}
                Ok(_) | Err(broadcast::error::RecvError::Lagged(_)) => return,
                // Not while this holds what is watched.
                Err(broadcast::error::RecvError::Closed) => std::future::pending().await,
            }
        }
    }

    /// Forgets what changed by now.
    pub(crate) fn forget(&mut self) {
        self.updated = self.updated.resubscribe();
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        let mut counts = self.watched.counts();
        if let Some(count) = counts.get_mut(&self.uri) {
            *count -= 1;
            if *count == 0 {
                counts.remove(&self.uri);
                self.watched.wanted.send_modify(|wanted| {
                    wanted.remove(&self.uri);
                });
            }
        }
    }
}

/// Has the server say that lists and resources changed, as the version of the server has it, until the connection ends.
pub(super) async fn listen(peer: &Peer<RoleClient>, watched: &Watched) {
    let info = peer.peer_info();
    if info.is_some_and(|info| info.protocol_version.has_initialize()) {
        subscribe(peer, watched).await;
        return;
    }
    let mut wanted = watched.wanted.subscribe();
    let mut before = None;
    loop {
        let mut filter = SubscriptionFilter::new();
        filter.tools_list_changed = Some(true);
        filter.prompts_list_changed = Some(true);
        filter.resources_list_changed = Some(true);
        let uris: Vec<_> = wanted.borrow_and_update().iter().cloned().collect();
        filter.resource_subscriptions = (!uris.is_empty()).then_some(uris);
        let Ok(mut subscription) = peer.listen(filter).await else {
            return;
        };
        // The last one ends when there is another, so that nothing is missed in between.
        drop(before.take());
        loop {
            tokio::select! {
                said = subscription.next() => match said {
                    Ok(Some(ServerNotification::ResourceUpdatedNotification(said))) => {
                        watched.updated(said.params.uri);
                    }
                    // The transport heard of changed lists before.
                    Ok(Some(_)) => {}
                    Ok(None) | Err(_) => return,
                },
                changed = wanted.changed() => match changed {
                    Ok(()) => break,
                    Err(_) => return,
                }
            }
        }
        before = Some(subscription);
    }
}

/// Asks a server of an older version for each resource.
async fn subscribe(peer: &Peer<RoleClient>, watched: &Watched) {
    let mut wanted = watched.wanted.subscribe();
    let mut has = BTreeSet::new();
    loop {
        let now = wanted.borrow_and_update().clone();
        for uri in now.difference(&has) {
            if let Err(error) = peer
                .subscribe(SubscribeRequestParams::new(uri.clone()))
                .await
            {
                tracing::warn!(%error, "a server does not say when a resource changes");
            }
        }
        for uri in has.difference(&now) {
            let _ = peer
                .unsubscribe(UnsubscribeRequestParams::new(uri.clone()))
                .await;
        }
        has = now;
        if wanted.changed().await.is_err() {
            return;
        }
    }
}
