//! Spans of runs, in the terms of OpenTelemetry (feature `opentelemetry`).
//!
//! [`Telemetry`] is an observer of runs: `Agent::builder(…).observer(Telemetry::global()?)`. One of the outermost agent reports its
//! sub-agents, too.
//!
//! | span | from | to |
//! |---|---|---|
//! | `invoke_agent AGENT` | the beginning of a run | its end, however it ends; a run of a sub-agent lies in the call that started it |
//! | `chat MODEL` | a model is asked | it answered, or did not |
//! | `hexgate.decide` | a call is proposed | it is decided. Made by [`hexgate_enforce::telemetry`], if the enforcer has that |
//! | `execute_tool TOOL` | a permitted call begins | it ended. A call that is denied has none |
//!
//! A tool's own spans lie in its `execute_tool`. The agent, the user, the session and the roles are on every span, the names of attributes in
//! [`Names`]. What users, models and tools say is reported only if it is asked for ([`TelemetryContent`]), and without secrets.
//!
//! Spans end in the run, so give the provider a batch processor: it keeps a queue, and a slow exporter does not hold up runs.

mod content;
mod names;
mod spans;

pub use content::{MAX_MESSAGES, MAX_TEXT_BYTES, TelemetryContent};
pub use names::{Names, Operation, UsageNames};

use std::fmt;
use std::sync::Arc;

use hexgate_enforce::audit::RedactionError;
use opentelemetry::global::{self, BoxedTracer};
use opentelemetry::trace::{Span, Tracer, TracerProvider};
use opentelemetry::{Context, InstrumentationScope};

use crate::event::{Event, EventKind};
use crate::model::{ModelError, ModelRequest};
use crate::observe::{ModelAnswer, RunInfo, RunObserver, Work};

use content::Contents;
use spans::Spans;

/// Makes spans of runs. Cloning is cheap and gives the same one: one for all agents of a process.
#[derive(Clone)]
pub struct Telemetry {
    spans: Arc<Spans>,
}

impl Telemetry {
    /// Reports to the global provider; set it first.
    ///
    /// # Errors
    ///
    /// The redaction of secrets cannot be made.
    pub fn global() -> Result<Self, RedactionError> {
        Self::begin(global::tracer_with_scope(scope()))
    }

    /// Reports to this provider.
    ///
    /// # Errors
    ///
    /// The redaction of secrets cannot be made.
    pub fn of<P>(provider: &P) -> Result<Self, RedactionError>
    where
        P: TracerProvider,
        P::Tracer: Send + Sync + 'static,
        <P::Tracer as Tracer>::Span: Span + Send + Sync + 'static,
    {
        Self::begin(BoxedTracer::new(Box::new(
            provider.tracer_with_scope(scope()),
        )))
    }

    /// Uses these names. Default: [`Names::GEN_AI`]. Set it before the first run.
    #[must_use]
    pub fn with_names(self, names: Names) -> Self {
        self.changed(|spans| spans.names = names)
    }

    /// Also reports contents. Default: none. Set it before the first run.
    #[must_use]
    pub fn with_content(self, content: TelemetryContent) -> Self {
        self.changed(|spans| spans.contents.wanted = content)
    }

    /// Leaves the user's id, the session and the roles out. Set it before the first run.
    #[must_use]
    pub fn without_identities(self) -> Self {
        self.changed(|spans| spans.identities = false)
    }

    fn begin(tracer: BoxedTracer) -> Result<Self, RedactionError> {
        let contents = Contents::new(TelemetryContent::NONE)?;
        let spans = Spans::new(Arc::new(tracer), Names::GEN_AI, contents);
        Ok(Self {
            spans: Arc::new(spans),
        })
    }

    fn changed(self, change: impl FnOnce(&mut Spans)) -> Self {
        let mut spans = self.spans.alike();
        change(&mut spans);
        Self {
            spans: Arc::new(spans),
        }
    }
}

impl RunObserver for Telemetry {
    fn event(&self, run: &RunInfo, event: &Event) {
        match &event.kind {
            EventKind::RunStart { query, .. } => self.spans.run_began(run, query, None),
            EventKind::AgentStart {
                query,
                parent_tool_id,
                ..
            } => self.spans.run_began(run, query, parent_tool_id.as_deref()),
            EventKind::ToolStart {
                tool_id,
                tool_name,
                arguments,
                ..
            } => self.spans.call_proposed(run, tool_id, tool_name, arguments),
            EventKind::ToolEnd {
                tool_id, outcome, ..
            } => self.spans.call_ended(run, tool_id, *outcome),
            EventKind::RunEnd { result } | EventKind::AgentEnd { result, .. } => {
                self.spans.run_ended(run, result);
            }
            _ => {}
        }
    }

    fn model_asked(&self, run: &RunInfo, turn: u32, request: &ModelRequest) {
        self.spans.model_asked(run, turn, request);
    }

    fn model_answered(&self, run: &RunInfo, turn: u32, answer: Result<&ModelAnswer, &ModelError>) {
        self.spans.model_answered(run, turn, answer);
    }

    fn tool_answered(&self, run: &RunInfo, tool_id: &str, content: &str) {
        self.spans.call_answered(run, tool_id, content);
    }

    fn context(&self, run: &RunInfo, work: Work<'_>) -> Option<Context> {
        self.spans.context(run, work)
    }
}

impl fmt::Debug for Telemetry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Telemetry")
            .field("content", &self.spans.contents.wanted)
            .field("identities", &self.spans.identities)
            .finish_non_exhaustive()
    }
}

fn scope() -> InstrumentationScope {
    InstrumentationScope::builder("hexgate")
        .with_version(env!("CARGO_PKG_VERSION"))
        .build()
}
