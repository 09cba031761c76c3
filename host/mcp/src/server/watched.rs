//! Resources of a server that clients want to hear about: each is asked for once, for all of them.
#![expect(
    deprecated,
    reason = "requests for single subscriptions leave the protocol; servers of all versions are served"
)]

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use hexgate_base::guarded::locked;
use rmcp::RoleClient;
use rmcp::model::{
    ErrorCode, ServerNotification, SubscribeRequestParams, SubscriptionFilter,
    UnsubscribeRequestParams,
};
use rmcp::service::{Peer, ServiceError};
use tokio::sync::{broadcast, watch};
use tokio::time::{sleep, timeout};

use super::list::Lists;
use super::stale::Stale;
use crate::config::Offer;

/// Resources that are wanted at a time, of one server.
const MAX_WANTED: usize = 1000;
/// Wishes of one user at a time, at one server: nobody takes the places of others.
const MAX_OF_USER: usize = 200;
/// Changes that a client is behind. One that is further behind takes every resource as changed.
const BEHIND: usize = 64;

/// How long a server is left alone that does not say what changes: at first, and at most.
const BACKOFF: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(60));
/// How long a server may take to accept one subscription.
const PATIENCE: Duration = Duration::from_secs(10);

/// The resources that clients want to hear about.
#[derive(Debug)]
pub(crate) struct Watched {
    counts: Mutex<Counts>,
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

#[derive(Debug, Default)]
struct Counts {
    by_uri: BTreeMap<String, usize>,
    by_user: BTreeMap<String, usize>,
}

/// One wish to hear about a resource. It ends when this is dropped.
#[derive(Debug)]
pub(crate) struct Watch {
    watched: Arc<Watched>,
    user: String,
    uri: String,
    updated: broadcast::Receiver<String>,
}

impl Watched {
    fn counts(&self) -> MutexGuard<'_, Counts> {
        locked(&self.counts)
    }

    /// Wants to hear about a resource. None: too many are wanted.
    pub(crate) fn watch(self: &Arc<Self>, user: &str, uri: &str) -> Option<Watch> {
        let mut counts = self.counts();
        let own = counts.by_user.get(user).copied().unwrap_or_default();
        let is_new = !counts.by_uri.contains_key(uri);
        if own >= MAX_OF_USER || is_new && counts.by_uri.len() >= MAX_WANTED {
            return None;
        }
        let updated = self.updated.subscribe();
        counts.by_user.insert(user.to_owned(), own + 1);
        let count = counts.by_uri.entry(uri.to_owned()).or_insert(0);
        *count += 1;
        if *count == 1 {
            self.wanted.send_modify(|wanted| {
                wanted.insert(uri.to_owned());
            });
        }
        Some(Watch {
            watched: Arc::clone(self),
            user: user.to_owned(),
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
        one_less(&mut counts.by_user, &self.user);
        if one_less(&mut counts.by_uri, &self.uri) {
            self.watched.wanted.send_modify(|wanted| {
                wanted.remove(&self.uri);
            });
        }
    }
}

/// Counts one less. Whether that was the last.
fn one_less(counts: &mut BTreeMap<String, usize>, of: &str) -> bool {
    let Some(count) = counts.get_mut(of) else {
        return false;
    };
    *count -= 1;
    let is_last = *count == 0;
    if is_last {
        counts.remove(of);
    }
    is_last
}

/// Has the server say that lists and resources changed, as the version of the server has it, until the connection ends. What it says of lists
/// is heard by the transport.
pub(super) async fn listen(
    peer: &Peer<RoleClient>,
    stale: &Stale,
    watched: &Watched,
    offer: &Offer,
) {
    let Some(info) = peer.peer_info() else { return };
    if info.protocol_version.has_initialize() {
        subscribe(peer, watched).await;
        return;
    }
    let lists = Lists::of(&info.capabilities, offer);
    // Two of them: what is wrong with the name of a resource, or says too much, ends no news of the lists.
    tokio::join!(
        listen_to_lists(peer, stale, lists),
        listen_to_resources(peer, watched)
    );
}

/// Whether a server has no such request at all, so that it is not asked again.
fn has_none(error: &ServiceError) -> bool {
    matches!(error, ServiceError::McpError(error) if error.code == ErrorCode::METHOD_NOT_FOUND)
        || matches!(error, ServiceError::TransportClosed)
}

async fn listen_to_lists(peer: &Peer<RoleClient>, stale: &Stale, lists: Lists) {
    let mut wait = BACKOFF.0;
    loop {
        let mut filter = SubscriptionFilter::new();
        filter.tools_list_changed = Some(true);
        filter.prompts_list_changed = Some(true);
        filter.resources_list_changed = Some(true);
        match peer.listen(filter).await {
            Ok(mut subscription) => {
                if lists.are_in(subscription.acknowledged()) {
                    stale.heard();
                }
                while let Ok(Some(_)) = subscription.next().await {
                    wait = BACKOFF.0;
                }
                stale.unheard();
            }
            Err(error) if has_none(&error) => return,
            Err(error) => tracing::warn!(%error, "a server does not say when its lists change"),
        }
        sleep(wait).await;
        wait = wait.saturating_mul(2).min(BACKOFF.1);
    }
}

async fn listen_to_resources(peer: &Peer<RoleClient>, watched: &Watched) {
    let mut wanted = watched.wanted.subscribe();
    let (mut before, mut wait) = (None, BACKOFF.0);
    loop {
        let uris: Vec<_> = wanted.borrow_and_update().iter().cloned().collect();
        if uris.is_empty() {
            before = None;
            if wanted.changed().await.is_err() {
                return;
            }
            continue;
        }
        let mut filter = SubscriptionFilter::new();
        filter.resource_subscriptions = Some(uris.clone());
        let mut subscription = match peer.listen(filter).await {
            Ok(subscription) => subscription,
            Err(error) if has_none(&error) => return,
            Err(error) => {
                tracing::warn!(%error, "a server does not say when resources change");
                tokio::select! {
                    () = sleep(wait) => {}
                    changed = wanted.changed() => if changed.is_err() { return },
                }
                wait = wait.saturating_mul(2).min(BACKOFF.1);
                continue;
            }
        };
        // The last one ends when there is another, so that nothing is missed in between.
        drop(before.take());
        let is_over = loop {
            tokio::select! {
                said = subscription.next() => match said {
                    Ok(Some(ServerNotification::ResourceUpdatedNotification(said))) => {
                        wait = BACKOFF.0;
                        watched.updated(said.params.uri);
                    }
                    Ok(Some(_)) => {}
                    Ok(None) | Err(_) => break true,
                },
                changed = wanted.changed() => match changed {
                    Ok(()) => break false,
                    Err(_) => return,
                }
            }
        };
        if is_over {
            // What changed meanwhile was said to nobody.
            for uri in uris {
                watched.updated(uri);
            }
            sleep(wait).await;
            wait = wait.saturating_mul(2).min(BACKOFF.1);
        } else {
            before = Some(subscription);
        }
    }
}

/// Asks a server of an older version for each resource. What it refuses it is asked again when another one is wanted.
async fn subscribe(peer: &Peer<RoleClient>, watched: &Watched) {
    let mut wanted = watched.wanted.subscribe();
    let mut has = BTreeSet::new();
    loop {
        let now = wanted.borrow_and_update().clone();
        for uri in has.difference(&now) {
            let unsubscribing = peer.unsubscribe(UnsubscribeRequestParams::new(uri.clone()));
            let _ = timeout(PATIENCE, unsubscribing).await;
        }
        has.retain(|uri| now.contains(uri));
        for uri in now {
            if has.contains(&uri) {
                continue;
            }
            let subscribing = peer.subscribe(SubscribeRequestParams::new(uri.clone()));
            match timeout(PATIENCE, subscribing).await {
                Ok(Ok(())) => {
                    has.insert(uri);
                }
                Ok(Err(error)) => {
                    tracing::warn!(%error, "a server does not say when a resource changes");
                }
                Err(_) => tracing::warn!("a server does not answer when it is asked for changes"),
            }
        }
        if wanted.changed().await.is_err() {
            return;
        }
    }
}
