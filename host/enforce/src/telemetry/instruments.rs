//! Makes spans and metrics of reported decisions.

use opentelemetry::global::BoxedTracer;
use opentelemetry::metrics::{Counter, Histogram, Meter};
use opentelemetry::trace::{Span, SpanKind, Status, TraceContextExt, Tracer};
use opentelemetry::{Context, KeyValue};

use super::queue::Told;
use super::tools::Tools;
use crate::decision::Cause;

/// The tracer and the instruments.
pub(super) struct Instruments {
    tracer: BoxedTracer,
    decisions: Counter<u64>,
    duration: Histogram<f64>,
    shadows: Counter<u64>,
    tools: Tools,
}

pub(super) fn agent(name: String) -> KeyValue {
    KeyValue::new("gen_ai.agent.name", name)
}

impl Instruments {
    pub(super) fn new(tracer: BoxedTracer, meter: &Meter) -> Self {
        Self {
            tracer,
            decisions: meter
                .u64_counter("hexgate.decisions")
                .with_unit("{decision}")
                .with_description("decisions about proposed calls of tools")
                .build(),
            duration: meter
                .f64_histogram("hexgate.decision.duration")
                .with_unit("s")
                .with_description("from a proposed call to the decision, without its record")
                .with_boundaries(vec![
                    1e-6, 2.5e-6, 5e-6, 1e-5, 2.5e-5, 5e-5, 1e-4, 2.5e-4, 5e-4, 1e-3, 5e-3, 2.5e-2,
                    0.1, 0.5,
                ])
                .build(),
            shadows: meter
                .u64_counter("hexgate.shadow.decisions")
                .with_unit("{decision}")
                .with_description("decisions about which a candidate was asked too")
                .build(),
            tools: Tools::default(),
        }
    }

    pub(super) fn tell(&mut self, told: Told) {
        let agent = agent(told.agent.to_string());
        let outcome = KeyValue::new("hexgate.decision.outcome", told.outcome.as_str());
        let cause = KeyValue::new("hexgate.decision.cause", told.cause.as_str());
        let name = self.tools.name(&told);
        let tool = KeyValue::new("gen_ai.tool.name", self.tools.bounded(name).to_owned());
        self.decisions
            .add(1, &[agent.clone(), tool, outcome.clone(), cause.clone()]);
        self.duration
            .record(told.took.as_secs_f64(), &[agent.clone(), outcome.clone()]);
        let shadow = told
            .shadow
            .map(|effect| KeyValue::new("hexgate.shadow.outcome", effect.as_str()));
        if let Some(shadow) = &shadow {
            self.shadows
                .add(1, &[agent.clone(), outcome.clone(), shadow.clone()]);
        }
        let attributes = [agent, outcome, cause].into_iter().chain(shadow);
        self.span(&told, name, attributes.collect());
    }

    fn span(&self, told: &Told, tool: &str, mut attributes: Vec<KeyValue>) {
        let mut add = |name, value: String| attributes.push(KeyValue::new(name, value));
        add("gen_ai.tool.name", tool.to_owned());
        add("hexgate.decision.id", told.id.to_string());
        add(
            "hexgate.policy.component",
            told.version.id.component.to_string(),
        );
        for (name, value) in [
            ("hexgate.decision.role", told.role.clone()),
            (
                "hexgate.decision.follows",
                told.follows.map(|id| id.to_string()),
            ),
            (
                "hexgate.policy.sequence",
                told.version.id.sequence.map(|it| it.to_string()),
            ),
            (
                "user.id",
                told.caller.as_ref().map(|it| it.user_id().to_owned()),
            ),
            ("session.id", session(told)),
            ("gen_ai.conversation.id", session(told)),
            (
                "langfuse.trace.metadata.user_role",
                told.caller
                    .as_ref()
                    .map(|it| it.roles().join(","))
                    .filter(|roles| !roles.is_empty()),
            ),
        ] {
            if let Some(value) = value {
                add(name, value);
            }
        }
        let failed = matches!(
            told.cause,
            Cause::Host | Cause::Guest | Cause::Validity | Cause::NotRecorded
        );
        if failed {
            attributes.push(KeyValue::new("error.type", told.cause.as_str()));
        }
        let parent = match &told.parent {
            Some(parent) => Context::new().with_remote_span_context(parent.clone()),
            None => Context::new(),
        };
        let mut span = self
            .tracer
            .span_builder("hexgate.decide")
            .with_kind(SpanKind::Internal)
            .with_start_time(told.at)
            .with_attributes(attributes)
            .start_with_context(&self.tracer, &parent);
        if failed {
            span.set_status(Status::error(told.cause.as_str()));
        }
        span.end_with_timestamp(told.at.checked_add(told.took).unwrap_or(told.at));
    }
}

fn session(told: &Told) -> Option<String> {
    told.caller.as_ref()?.session().map(str::to_owned)
}
