//! Keeping lists of bans from elsewhere up to date.

use std::error::Error;
use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, Weak};
use std::time::{Duration, Instant, SystemTime};

use super::list::{List, ListId, Moment, Names};
use super::{Inner, KillSwitch};
use crate::repeat::Repeated;
use hexgate_base::guarded::locked;

/// Keeps one list of a switch up to date.
#[derive(Default)]
pub(super) struct Keepers {
    work: Mutex<Vec<Repeated>>,
    next: AtomicU64,
}

impl KillSwitch {
    /// Adds a list whose content is not known yet.
    pub(crate) fn list(&self, origin: &impl fmt::Display) -> ListId {
        let id = ListId(self.0.keepers.next.fetch_add(1, Ordering::Relaxed));
        let list = List {
            origin: origin.to_string().into(),
            names: Names::default(),
            more: Names::default(),
            good_until: None,
            failure: None,
        };
        self.change(|stopped| {
            stopped.lists.insert(id, list.clone());
        });
        id
    }

    /// Replaces a list.
    pub(crate) fn replace(&self, id: ListId, names: Names, good_until: Option<Moment>) {
        let bans = names.agents.len() + names.users.len();
        self.change_list(id, |list| {
            list.names = names.clone();
            list.more = Names::default();
            list.good_until = good_until;
            list.failure = None;
        });
        tracing::info!(bans, "list of bans replaced");
    }

    /// Adds the readable part of a list to the previous list, whose age stays as it is.
    pub(crate) fn add(&self, id: ListId, names: Names) {
        self.change_list(id, |list| list.more = names.clone());
    }

    /// Confirms a list that did not change.
    pub(crate) fn confirm(&self, id: ListId, good_until: Option<Moment>) {
        let stopped = self.0.stopped.load();
        let list = stopped.lists.get(&id);
        if good_until.is_none() && list.is_none_or(|list| list.failure.is_none()) {
            return;
        }
        self.change_list(id, |list| {
            list.more = Names::default();
            list.good_until = good_until;
            list.failure = None;
        });
    }

    /// Notes that a list could not be fetched.
    pub(crate) fn fail(&self, id: ListId, error: impl Into<Box<dyn Error + Send + Sync>>) {
        let error: Arc<dyn Error + Send + Sync> = error.into().into();
        let stopped = self.0.stopped.load();
        // Logged once for each failure, not for each attempt.
        if let Some(list) = stopped.lists.get(&id)
            && list.failure.as_ref().map(ToString::to_string) != Some(error.to_string())
        {
            let origin = &list.origin;
            tracing::warn!(%origin, %error, "list of bans not replaced; the last one still counts");
        }
        self.change_list(id, |list| list.failure = Some(error.clone()));
    }

    fn change_list(&self, id: ListId, change: impl Fn(&mut List)) {
        self.change(|stopped| {
            if let Some(list) = stopped.lists.get_mut(&id) {
                change(list);
            }
        });
    }

    /// Holds the background work of a list for as long as the switch lives.
    pub(crate) fn hold(&self, work: Repeated) {
        locked(&self.0.keepers.work).push(work);
    }

    pub(crate) fn downgrade(&self) -> WeakKillSwitch {
        WeakKillSwitch(Arc::downgrade(&self.0))
    }
}

/// A weak reference to a switch, for the work that keeps its lists.
pub(crate) struct WeakKillSwitch(Weak<Inner>);

impl WeakKillSwitch {
    pub(crate) fn upgrade(&self) -> Option<KillSwitch> {
        self.0.upgrade().map(KillSwitch)
    }
}

impl Moment {
    pub(crate) fn now() -> Self {
        Self(SystemTime::now(), Instant::now())
    }

    /// None: later than the clock can hold.
    pub(crate) fn after(self, time: Duration) -> Option<Self> {
        Some(Self(self.0.checked_add(time)?, self.1.checked_add(time)?))
    }
}
