//! Events that fail while others pass: they wait apart, so that the others go on, and are tried again later.

use std::time::{Duration, Instant};

use hexgate_bundle::Digest;
use serde::{Deserialize, Serialize};

use super::{WhenFull, send::Failure};

/// An event that was set aside, as it stands in `delivery.json`. The event itself is in the log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct SetAside {
    /// The number of its record.
    pub record: u64,
    /// The file of the log that has the record.
    pub segment: u64,
    /// The byte offset of its line in that file.
    pub offset: u64,
    /// The record's hash.
    pub hash: Digest,
    /// How often it was tried since it was set aside.
    pub tries: u32,
    /// The result of the last try. A message puts it after the platform's address.
    pub reason: String,
}

/// All events that are set aside.
pub(super) struct Asides {
    list: Vec<Parked>,
    most: usize,
    when_full: WhenFull,
    first_wait: Duration,
    /// The earliest time of the next try.
    due: Option<Instant>,
}

struct Parked {
    entry: SetAside,
    due: Instant,
    is_flying: bool,
    /// How many events the platform had taken when this one was tried last.
    taken_before: u64,
    /// Whether a delivery has to try it before it ends.
    is_owed: bool,
}

/// What a try is made of.
pub(super) struct Place {
    pub(super) record: u64,
    pub(super) segment: u64,
    pub(super) offset: u64,
    pub(super) hash: Digest,
}

impl Asides {
    /// The events that an earlier process set aside. They are tried at once.
    pub(super) fn new(
        entries: &[SetAside],
        most: usize,
        when_full: WhenFull,
        first_wait: Duration,
    ) -> Self {
        let now = Instant::now();
        let list = entries.iter().map(|entry| Parked {
            entry: entry.clone(),
            due: now,
            is_flying: false,
            taken_before: 0,
            is_owed: true,
        });
        Self {
            list: list.collect(),
            most: most.max(1),
            when_full,
            first_wait,
            due: (!entries.is_empty()).then_some(now),
        }
    }

    pub(super) fn len(&self) -> usize {
        self.list.len()
    }

    pub(super) fn is_full(&self) -> bool {
        self.list.len() >= self.most
    }

    pub(super) fn has(&self, record: u64) -> bool {
        self.list.iter().any(|it| it.entry.record == record)
    }

    /// The entries as the operator and the next process read them.
    pub(super) fn entries(&self) -> Vec<SetAside> {
        self.list.iter().map(|it| it.entry.clone()).collect()
    }

    /// Whether an event from before this delivery is still untried.
    pub(super) fn is_owed(&self) -> bool {
        self.list.iter().any(|it| it.is_owed)
    }

    /// Makes room for one more. `Some` if there is room; within, the event that was skipped for it.
    ///
    /// An event is skipped only after enough tries, and only if the operator allows it: so a flood of failing events slows delivery down
    /// and does not end it.
    pub(super) fn room(&mut self) -> Option<Option<SetAside>> {
        if !self.is_full() {
            return Some(None);
        }
        if self.when_full == WhenFull::Deny {
            return None;
        }
        let candidates = self.list.iter().enumerate();
        let (index, _) = candidates
            .filter(|(_, it)| !it.is_flying && it.entry.tries >= GIVE_UP_TRIES)
            // The one with the most tries; among equals the oldest, which is first.
            .rev()
            .max_by_key(|(_, it)| it.entry.tries)?;
        Some(Some(self.list.remove(index).entry))
    }

    /// Sets one more aside.
    pub(super) fn push(&mut self, entry: SetAside, taken: u64) {
        let due = Instant::now() + hexgate_platform::jittered(self.first_wait);
        self.list.push(Parked {
            entry,
            due,
            is_flying: false,
            taken_before: taken,
            is_owed: false,
        });
        self.due = Some(self.due.map_or(due, |it| it.min(due)));
    }

    /// An event to try now, unless this many are being sent.
    pub(super) fn start(&mut self, at_once: usize) -> Option<Place> {
        let now = Instant::now();
        if self.due.is_none_or(|due| due > now)
            || self.list.iter().filter(|it| it.is_flying).count() >= at_once
        {
            return None;
        }
        let next = self
            .list
            .iter_mut()
            .find(|it| !it.is_flying && it.due <= now);
        let Some(next) = next else {
            self.plan();
            return None;
        };
        next.is_flying = true;
        Some(next.place())
    }

    /// The index of the event with this record number.
    pub(super) fn place(&self, record: u64) -> Option<Place> {
        let found = self.list.iter().find(|it| it.entry.record == record);
        found.map(Parked::place)
    }

    /// Removes a settled event. True if it was there.
    pub(super) fn remove(&mut self, record: u64) -> bool {
        let before = self.list.len();
        self.list.retain(|it| it.entry.record != record);
        self.list.len() < before
    }

    /// Notes another failed try. True if the platform took another event since the try before.
    pub(super) fn failed(&mut self, record: u64, failure: &Failure, taken: u64) -> bool {
        let first_wait = self.first_wait;
        let Some(it) = self.list.iter_mut().find(|it| it.entry.record == record) else {
            return false;
        };
        let others_pass = taken > it.taken_before;
        it.taken_before = taken;
        it.is_flying = false;
        it.is_owed = false;
        it.entry.tries = it.entry.tries.saturating_add(1);
        let wait = first_wait.saturating_mul(1 << it.entry.tries.min(DOUBLINGS));
        it.entry.reason = reason(failure);
        it.due = Instant::now() + hexgate_platform::jittered(wait).max(failure.at_least);
        self.plan();
        others_pass
    }

    /// Forgets the events from this record on, which will be read again.
    pub(super) fn forget_from(&mut self, record: u64) {
        self.list.retain(|it| it.entry.record < record);
    }

    /// Notes that no event is being sent any more.
    pub(super) fn land(&mut self) {
        for it in &mut self.list {
            it.is_flying = false;
        }
        self.plan();
    }

    fn plan(&mut self) {
        let waiting = self.list.iter().filter(|it| !it.is_flying);
        self.due = waiting.map(|it| it.due).min();
    }
}

impl Parked {
    fn place(&self) -> Place {
        Place {
            record: self.entry.record,
            segment: self.entry.segment,
            offset: self.entry.offset,
            hash: self.entry.hash,
        }
    }
}

/// The reason of a failure, shortened to be kept.
pub(super) fn reason(failure: &Failure) -> String {
    crate::protect::cut(&failure.problem.reason, REASON_BYTES)
        .0
        .to_owned()
}

/// The longest reason that is kept, in bytes.
const REASON_BYTES: usize = 160;
/// How often the wait doubles: from a minute to about an hour.
const DOUBLINGS: u32 = 6;
/// The tries, up to seven times the first wait, before an event can be skipped for another.
const GIVE_UP_TRIES: u32 = 3;
