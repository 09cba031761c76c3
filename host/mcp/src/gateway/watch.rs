//! Starting, and noticing what changes what a caller can see.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join_all;
use hexgate_base::Digest;
use hexgate_enforce::Caller;

use super::{Gateway, StartError};
use crate::server::{Server, Snapshot};

/// How often it is looked whether the policy or a ban changed.
const LOOK: Duration = Duration::from_secs(1);

/// What a caller's lists depend on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Epoch {
    offered: u64,
    policy: Digest,
    stopped: bool,
}

impl Gateway {
    /// Starts the servers, and waits until each answered or failed once. From now on they are kept running, and the policy is looked for once
    /// a second.
    ///
    /// # Errors
    ///
    /// Tools of a server cannot be told apart.
    pub async fn start(&self) -> Result<(), StartError> {
        for server in &self.0.servers {
            server.start();
        }
        join_all(self.0.servers.iter().map(|server| server.started())).await;
        for server in &self.0.servers {
            if let Some(snapshot) = server.snapshot()
                && !snapshot.alike.is_empty()
            {
                self.stop();
                return Err(StartError::Alike {
                    server: server.name.clone(),
                    tools: snapshot.alike.clone(),
                });
            }
        }
        let weak = Arc::downgrade(&self.0);
        tokio::spawn(async move {
            loop {
                tokio::time::sleep(LOOK).await;
                let Some(inner) = weak.upgrade() else { return };
                // Another policy may have to be compiled.
                let enforcer = inner.enforcer.clone();
                let _ = tokio::task::spawn_blocking(move || {
                    let _ = enforcer.begin_turn();
                })
                .await;
            }
        });
        // Apart from the policy: a server that does not answer holds up nothing else.
        let weak = Arc::downgrade(&self.0);
        tokio::spawn(async move {
            loop {
                tokio::time::sleep(LOOK).await;
                let Some(inner) = weak.upgrade() else { return };
                join_all(inner.servers.iter().map(|server| server.review_again())).await;
            }
        });
        Ok(())
    }

    pub(super) fn epoch(&self, caller: &Caller) -> Epoch {
        Epoch {
            offered: *self.0.changed.borrow(),
            policy: self.0.enforcer.live().id().component,
            stopped: self.is_stopped(caller),
        }
    }

    /// Waits until what the caller can see may have changed.
    pub(super) async fn changed(&self, caller: &Caller, since: &mut Epoch) {
        let mut offered = self.0.changed.subscribe();
        loop {
            let now = self.epoch(caller);
            if now != *since {
                *since = now;
                return;
            }
            let _ = tokio::time::timeout(LOOK, offered.changed()).await;
        }
    }

    /// What each server offers now, those that never answered left out.
    pub(super) async fn fresh(&self) -> Vec<(Arc<Server>, Arc<Snapshot>)> {
        let servers = &self.0.servers;
        join_all(servers.iter().map(async |server| {
            server.started().await;
            server.refresh().await;
        }))
        .await;
        // In the order of their names, so that lists are the same each time.
        let by_name: BTreeMap<_, _> = servers
            .iter()
            .filter_map(|server| {
                let snapshot = server.snapshot()?;
                Some((server.name.clone(), (Arc::clone(server), snapshot)))
            })
            .collect();
        by_name.into_values().collect()
    }
}
