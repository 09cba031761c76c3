//! Spans and metrics of decisions, in the terms of OpenTelemetry (feature `opentelemetry`).
//!
//! A decision puts its data into a bounded queue and goes on; a background thread makes spans and metrics of it. So an exporter that is
//! slow, hangs or panics does not affect decisions.
//!
//! | span `hexgate.decide` | |
//! |---|---|
//! | `gen_ai.agent.name`, `gen_ai.tool.name` | who wants to call what |
//! | `hexgate.decision.id`, `hexgate.decision.outcome`, `hexgate.decision.cause` | as [`Decision`](crate::Decision) has them |
//! | `hexgate.decision.follows` | the decision that needed approval, if this one follows it |
//! | `hexgate.decision.role` | the role on whose authority a call may happen |
//! | `hexgate.policy.component`, `hexgate.policy.sequence` | which policy decided |
//! | `hexgate.shadow.outcome` | the candidate's answer |
//! | `error.type` | the cause, where the machine, the policy or the recorder failed; the span's status is an error then |
//! | `user.id`, `session.id`, `gen_ai.conversation.id`, `langfuse.trace.metadata.user_role` | the caller, the session (twice) and the roles, joined by commas, if asked for ([`Telemetry::with_identities`]) |
//!
//! | metric | kind | attributes |
//! |---|---|---|
//! | `hexgate.decisions` | counter | agent, tool, outcome, cause |
//! | `hexgate.decision.duration` | histogram, s | agent, outcome |
//! | `hexgate.shadow.decisions` | counter | agent, outcome, shadow outcome |
//! | `hexgate.shadow.passed_over` | observable counter | agent |
//! | `hexgate.decisions.not_recorded` | observable counter | agent |
//! | `hexgate.observer.panics` | observable counter | agent |
//! | `hexgate.policy.failures` | observable counter | agent |
//! | `hexgate.policy.age` | observable gauge, s: since the source last confirmed the policy | agent |
//! | `hexgate.telemetry.dropped` | observable counter: decisions that are not reported, because the queue was full | |
//! | `hexgate.telemetry.panics` | observable counter: decisions whose report panicked | |
//!
//! Arguments, facts, reasons, constraints and thresholds are never reported. A model can invent names of tools: only those are reported
//! that have a rule in the policy, were granted, or were denied by a rule; the others are `_OTHER`. Metrics distinguish at most 200.

mod instruments;
mod queue;
mod tools;

use std::fmt;
use std::io;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use opentelemetry::global::{self, BoxedTracer};
use opentelemetry::metrics::{Meter, MeterProvider};
use opentelemetry::trace::{Span, TraceContextExt, Tracer, TracerProvider};
use opentelemetry::{Context, InstrumentationScope};

use crate::decision::Decision;
use crate::enforcer::{Enforcer, EnforcerBuilder};
use crate::observer::Observer;

use instruments::Instruments;
use queue::{Queue, Told};

/// Makes spans and metrics of decisions. Cloning is cheap and gives the same one: keep one, give it to the
/// [builder](crate::EnforcerBuilder::telemetry) of every enforcer of the process.
///
/// Once the last clone and the last enforcer that has one are dropped, the rest of the queue is reported and the thread ends.
#[derive(Clone)]
pub struct Telemetry {
    handle: Arc<Handle>,
    meter: Meter,
    identities: bool,
}

/// Closes the queue when its last sender is dropped.
struct Handle(Arc<Queue>);

impl Drop for Handle {
    fn drop(&mut self) {
        self.0.close();
    }
}

impl Telemetry {
    /// Reports to the global providers; set them first.
    ///
    /// # Errors
    ///
    /// The thread cannot be started.
    pub fn global() -> io::Result<Self> {
        Self::begin(
            global::tracer_with_scope(scope()),
            global::meter_with_scope(scope()),
        )
    }

    /// Reports to these providers.
    ///
    /// # Errors
    ///
    /// The thread cannot be started.
    pub fn of<P>(tracers: &P, meters: &dyn MeterProvider) -> io::Result<Self>
    where
        P: TracerProvider,
        P::Tracer: Send + Sync + 'static,
        <P::Tracer as Tracer>::Span: Span + Send + Sync + 'static,
    {
        let tracer = BoxedTracer::new(Box::new(tracers.tracer_with_scope(scope())));
        Self::begin(tracer, meters.meter_with_scope(scope()))
    }

    /// Also reports the user's id, the session and the roles, in spans. Metrics never have them.
    #[must_use]
    pub fn with_identities(mut self) -> Self {
        self.identities = true;
        self
    }

    /// Waits until all earlier decisions are reported, at most this long. True if they are. Call it before the providers are shut down.
    #[must_use]
    pub fn flush(&self, patience: Duration) -> bool {
        self.handle.0.flush(patience)
    }

    /// How many decisions were not reported, because the queue was full.
    #[must_use]
    pub fn dropped(&self) -> u64 {
        self.handle.0.dropped()
    }

    fn begin(tracer: BoxedTracer, meter: Meter) -> io::Result<Self> {
        let queue = Arc::new(Queue::default());
        let mut instruments = Instruments::new(tracer, &meter);
        let taken = Arc::clone(&queue);
        thread::Builder::new()
            .name("hexgate-telemetry".to_owned())
            .spawn(move || taken.work(|told| instruments.tell(told)))?;
        let observed = Arc::downgrade(&queue);
        observe(&meter, "hexgate.telemetry.dropped", move || {
            observed.upgrade().map(|queue| (queue.dropped(), None))
        });
        let observed = Arc::downgrade(&queue);
        observe(&meter, "hexgate.telemetry.panics", move || {
            observed.upgrade().map(|queue| (queue.panics(), None))
        });
        Ok(Self {
            handle: Arc::new(Handle(queue)),
            meter,
            identities: false,
        })
    }

    /// Reports an enforcer's counts for as long as it lives.
    fn watch(&self, enforcer: &Enforcer) {
        let count = |name: &'static str, read: fn(&Enforcer) -> u64| {
            let enforcer = enforcer.downgrade();
            observe(&self.meter, name, move || {
                let enforcer = enforcer.upgrade()?;
                Some((read(&enforcer), Some(enforcer.agent().to_owned())))
            });
        };
        count("hexgate.decisions.not_recorded", |it| {
            it.counts().not_recorded
        });
        count("hexgate.observer.panics", |it| it.counts().observer_panics);
        count("hexgate.shadow.passed_over", |it| {
            it.counts().shadow.passed_over
        });
        count("hexgate.policy.failures", |it| it.live().failures());
        let enforcer = enforcer.downgrade();
        self.meter
            .f64_observable_gauge("hexgate.policy.age")
            .with_unit("s")
            .with_description("since the source of the policy last confirmed it")
            .with_callback(move |observer| {
                let Some(enforcer) = enforcer.upgrade() else {
                    return;
                };
                let live = enforcer.live();
                let age = live.now().duration_since(live.confirmed_at());
                observer.observe(
                    age.unwrap_or_default().as_secs_f64(),
                    &[instruments::agent(enforcer.agent().to_owned())],
                );
            })
            .build();
    }
}

impl EnforcerBuilder {
    /// Makes spans and metrics of decisions. Default: none.
    pub fn telemetry(self, telemetry: &Telemetry) -> Self {
        let watching = telemetry.clone();
        self.observer(telemetry.clone())
            .on_build(move |enforcer| watching.watch(enforcer))
    }
}

/// A count that is read whenever the metrics are, with the agent that it is about.
fn observe(
    meter: &Meter,
    name: &'static str,
    read: impl Fn() -> Option<(u64, Option<String>)> + Send + Sync + 'static,
) {
    meter
        .u64_observable_counter(name)
        .with_callback(move |observer| {
            if let Some((count, agent)) = read() {
                let attributes: Vec<_> = agent.map(instruments::agent).into_iter().collect();
                observer.observe(count, &attributes);
            }
        })
        .build();
}

fn scope() -> InstrumentationScope {
    InstrumentationScope::builder("hexgate")
        .with_version(env!("CARGO_PKG_VERSION"))
        .build()
}

impl Observer for Telemetry {
    fn observe(&self, decision: &Decision) {
        let parent = Context::map_current(|context| {
            context
                .has_active_span()
                .then(|| context.span().span_context().clone())
        });
        self.handle.0.put(|| Told {
            id: decision.id,
            follows: decision.follows,
            outcome: decision.outcome,
            cause: decision.cause,
            agent: Arc::clone(&decision.agent),
            tool: decision.tool.clone(),
            role: decision.role.clone(),
            version: Arc::clone(&decision.version),
            is_known: decision.outcome != crate::Effect::Deny
                || !decision.violations.is_empty()
                || decision.hint.is_some(),
            shadow: decision.shadow().map(|shadow| shadow.verdict().effect()),
            at: decision.at,
            took: decision.took,
            caller: decision.caller.clone().filter(|_| self.identities),
            parent,
        });
    }
}

impl fmt::Debug for Telemetry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Telemetry")
            .field("identities", &self.identities)
            .field("dropped", &self.dropped())
            .finish_non_exhaustive()
    }
}
