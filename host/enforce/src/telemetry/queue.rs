//! The queue between decisions and the reporting thread.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant, SystemTime};

use opentelemetry::trace::SpanContext;

use crate::caller::Caller;
use crate::decision::{Cause, DecisionId, Effect};
use crate::live::Version;
use hexgate_base::guarded::guarded;

/// The reported data of a decision.
pub(super) struct Told {
    pub(super) id: DecisionId,
    pub(super) follows: Option<DecisionId>,
    pub(super) outcome: Effect,
    pub(super) cause: Cause,
    pub(super) agent: Arc<str>,
    pub(super) tool: String,
    pub(super) role: Option<String>,
    /// The policy that decided.
    pub(super) version: Arc<Version>,
    /// Whether the call was granted, or denied by a rule about the tool.
    pub(super) is_known: bool,
    pub(super) shadow: Option<Effect>,
    pub(super) at: SystemTime,
    pub(super) took: Duration,
    /// Only if identities are reported.
    pub(super) caller: Option<Caller>,
    /// The span within which it was decided.
    pub(super) parent: Option<SpanContext>,
}

/// How many decisions may wait to be reported.
const MOST: usize = 4096;
/// How long further decisions are gathered, so that a decision seldom has to wake the thread.
const GATHER: Duration = Duration::from_millis(50);

#[derive(Default)]
pub(super) struct Queue {
    state: Mutex<State>,
    /// Signals that there is work.
    more: Condvar,
    /// Signals that work was done.
    done: Condvar,
    dropped: AtomicU64,
    panics: AtomicU64,
}

#[derive(Default)]
struct State {
    waiting: Vec<Told>,
    put: u64,
    told: u64,
    /// Whether the reporting thread sleeps until woken.
    sleeps: bool,
    /// Whether a flush waits.
    hurry: bool,
    closed: bool,
}

impl Queue {
    /// Queues a report, unless the queue is full.
    pub(super) fn put(&self, told: impl FnOnce() -> Told) {
        // The lock is never held while a report is made, sent or waited for.
        if self.state().waiting.len() >= MOST {
            self.dropped.fetch_add(1, Ordering::Relaxed);
            return;
        }
        let told = told();
        let mut state = self.state();
        state.waiting.push(told);
        state.put += 1;
        if std::mem::take(&mut state.sleeps) {
            self.more.notify_one();
        }
    }

    /// Ends the queue: no more reports will come.
    pub(super) fn close(&self) {
        self.state().closed = true;
        self.more.notify_one();
    }

    /// Waits until all queued reports are sent. True if they are.
    pub(super) fn flush(&self, patience: Duration) -> bool {
        let begin = Instant::now();
        let mut state = self.state();
        let put = state.put;
        while state.told < put {
            let left = patience.saturating_sub(begin.elapsed());
            if left.is_zero() {
                return false;
            }
            state.hurry = true;
            state.sleeps = false;
            self.more.notify_one();
            (state, _) = self
                .done
                .wait_timeout(state, left)
                .unwrap_or_else(PoisonError::into_inner);
        }
        true
    }

    pub(super) fn dropped(&self) -> u64 {
        self.dropped.load(Ordering::Relaxed)
    }

    pub(super) fn panics(&self) -> u64 {
        self.panics.load(Ordering::Relaxed)
    }

    /// Sends reports until the queue is closed.
    pub(super) fn work(&self, mut tell: impl FnMut(Told)) {
        let mut taken = Vec::new();
        let mut state = self.state();
        loop {
            while state.waiting.is_empty() {
                if state.closed {
                    return;
                }
                state.sleeps = true;
                state = self
                    .more
                    .wait(state)
                    .unwrap_or_else(PoisonError::into_inner);
            }
            state.sleeps = false;
            std::mem::swap(&mut state.waiting, &mut taken);
            drop(state);
            let number = taken.len() as u64;
            for told in taken.drain(..) {
                let id = told.id;
                if let Err(panic) = guarded(|| tell(told)) {
                    self.panics.fetch_add(1, Ordering::Relaxed);
                    tracing::error!(decision = %id, %panic, "telling of a decision panicked");
                }
            }
            state = self.state();
            state.told += number;
            self.done.notify_all();
            if !state.closed && !std::mem::take(&mut state.hurry) {
                (state, _) = self
                    .more
                    .wait_timeout(state, GATHER)
                    .unwrap_or_else(PoisonError::into_inner);
            }
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // No panic can leave the state half changed.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
