//! Where the events of a run and of the runs below it go.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::task::Waker;
use std::time::SystemTime;

use hexgate_base::guarded::{guarded, locked};
use hexgate_base::{Uuid, push_time};

use serde_json::Value;

use crate::event::{Event, EventKind, Step, Steps};
use crate::observe::{RunInfo, RunObserver};

/// The most lines about progress that wait to be read. A tool can say more than anyone reads.
const MAX_UPDATES: usize = 256;

/// One for an outermost run and all below it. Cloning is cheap and gives the same one.
#[derive(Clone)]
pub(crate) struct Sink(Arc<Inner>);

struct Inner {
    /// Random bits for the names of events and runs.
    random: (u64, u64),
    observers: Vec<Arc<dyn RunObserver>>,
    /// Whether events are read one by one.
    streamed: bool,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    sequence: u64,
    runs: u64,
    blocks: u64,
    calls: u64,
    /// What happened, for the result of the outermost run.
    steps: Steps,
    queue: VecDeque<Event>,
    /// Lines about progress among them.
    updates: usize,
    waker: Option<Waker>,
}

impl Sink {
    /// A sink. Without random numbers of the system the names are those of the clock: they are told apart, and nothing depends on them being
    /// secret.
    pub(crate) fn new(observers: &[Arc<dyn RunObserver>], streamed: bool) -> Self {
        let clock = || {
            let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
            u64::try_from(since.unwrap_or_default().as_nanos() & u128::from(u64::MAX))
                .unwrap_or_default()
        };
        let random = || getrandom::u64().unwrap_or_else(|_| clock());
        Self(Arc::new(Inner {
            random: (random(), random()),
            observers: observers.to_vec(),
            streamed,
            state: Mutex::default(),
        }))
    }

    /// Whether anyone hears of events.
    pub(crate) fn is_heard(&self) -> bool {
        self.0.streamed || !self.0.observers.is_empty()
    }

    /// The name of the next run.
    pub(crate) fn next_run(&self) -> String {
        let mut state = locked(&self.0.state);
        state.runs += 1;
        Uuid::numbered(self.0.random.0, state.runs).to_string()
    }

    /// The name of the next block.
    pub(super) fn next_block(&self) -> String {
        let mut state = locked(&self.0.state);
        state.blocks += 1;
        format!("block-{}", state.blocks)
    }

    /// The name of the next call. What a model names its calls need not be told apart.
    pub(super) fn next_call(&self) -> String {
        let mut state = locked(&self.0.state);
        state.calls += 1;
        format!("call-{}", state.calls)
    }

    /// Says that something happened.
    pub(super) fn emit(&self, run: &RunInfo, kind: EventKind) {
        self.put(run, kind, None, None);
    }

    /// Says that a call ended, and what it gave.
    pub(super) fn emit_end(&self, run: &RunInfo, kind: EventKind, raw_output: Option<Value>) {
        self.put(run, kind, raw_output, None);
    }

    /// What happened so far. Kept for those who hear of it.
    pub(super) fn steps(&self) -> Vec<Step> {
        std::mem::take(&mut locked(&self.0.state).steps).finish()
    }

    /// Says how far a tool is, as long as its call goes on.
    pub(super) fn update(&self, run: &RunInfo, kind: EventKind, goes_on: &AtomicBool) {
        self.put(run, kind, None, Some(goes_on));
    }

    fn put(
        &self,
        run: &RunInfo,
        kind: EventKind,
        raw_output: Option<Value>,
        goes_on: Option<&AtomicBool>,
    ) {
        if !self.is_heard() {
            return;
        }
        let inner = &*self.0;
        let mut state = locked(&inner.state);
        if let Some(goes_on) = goes_on {
            let is_too_much = inner.streamed && state.updates >= MAX_UPDATES;
            if is_too_much || !goes_on.load(Ordering::Acquire) {
                return;
            }
            state.updates += usize::from(inner.streamed);
        }
        state.sequence += 1;
        let sequence = state.sequence;
        let event = Event {
            run_id: run.run_id.clone(),
            root_run_id: run.root_run_id.clone(),
            parent_run_id: run.parent_run_id.clone(),
            depth: run.depth,
            sequence,
            event_id: Uuid::numbered(inner.random.1, sequence).to_string(),
            timestamp: now(),
            kind,
        };
        state.steps.observe(&event, raw_output);
        let waker = if inner.streamed {
            state.queue.push_back(event.clone());
            state.waker.take()
        } else {
            None
        };
        drop(state);
        if let Some(waker) = waker {
            waker.wake();
        }
        self.tell(|observer| observer.event(run, &event));
    }

    /// The context in which a piece of a run goes on.
    #[cfg(feature = "opentelemetry")]
    pub(super) fn context(
        &self,
        run: &RunInfo,
        work: crate::observe::Work<'_>,
    ) -> Option<opentelemetry::Context> {
        let mut observers = self.0.observers.iter();
        observers.find_map(|observer| guarded(|| observer.context(run, work)).ok().flatten())
    }

    /// Tells the observers. A panic in one breaks nothing.
    pub(super) fn tell(&self, tell: impl Fn(&dyn RunObserver)) {
        for observer in &self.0.observers {
            if let Err(panic) = guarded(|| tell(&**observer)) {
                tracing::error!(%panic, "an observer of runs panicked");
            }
        }
    }

    /// The next event that nobody read yet.
    pub(crate) fn next(&self) -> Option<Event> {
        let mut state = locked(&self.0.state);
        let event = state.queue.pop_front()?;
        if matches!(event.kind, EventKind::ToolUpdate { .. }) {
            state.updates = state.updates.saturating_sub(1);
        }
        Some(event)
    }

    /// Whom to wake when something happens outside of the run's own future. False: something happened already.
    pub(crate) fn waits(&self, waker: &Waker) -> bool {
        let mut state = locked(&self.0.state);
        state.waker = Some(waker.clone());
        state.queue.is_empty()
    }
}

fn now() -> String {
    let mut bytes = Vec::with_capacity(27);
    push_time(&mut bytes, SystemTime::now());
    String::from_utf8(bytes).unwrap_or_default()
}
