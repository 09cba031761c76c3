//! Spans and metrics of decisions, as a program sees them that exports them.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, mpsc};
use std::time::Duration;

use hexgate_enforce::telemetry::Telemetry;
use hexgate_enforce::{
    Approvals, Call, Caller, Decision, Effect, Enforcer, OnRecordFailure, RecordError, Recorder,
    Shadow,
};
use opentelemetry::trace::{
    FutureExt as _, Status, TraceContextExt as _, Tracer as _, TracerProvider as _,
};
use opentelemetry::{Context, KeyValue};
use opentelemetry_sdk::error::OTelSdkResult;
use opentelemetry_sdk::metrics::data::{AggregatedMetrics, MetricData};
use opentelemetry_sdk::metrics::{InMemoryMetricExporter, PeriodicReader, SdkMeterProvider};
use opentelemetry_sdk::trace::{InMemorySpanExporter, SdkTracerProvider, SpanData, SpanExporter};

use crate::fixture::*;

const PATIENCE: Duration = Duration::from_secs(60);

/// Providers with exporters in memory.
struct Seen {
    spans: InMemorySpanExporter,
    metrics: InMemoryMetricExporter,
    tracers: SdkTracerProvider,
    meters: SdkMeterProvider,
}

impl Seen {
    fn new() -> Self {
        let spans = InMemorySpanExporter::default();
        let metrics = InMemoryMetricExporter::default();
        Self {
            tracers: SdkTracerProvider::builder()
                .with_simple_exporter(spans.clone())
                .build(),
            meters: SdkMeterProvider::builder()
                .with_reader(PeriodicReader::builder(metrics.clone()).build())
                .build(),
            spans,
            metrics,
        }
    }

    fn telemetry(&self) -> Telemetry {
        Telemetry::of(&self.tracers, &self.meters).unwrap()
    }

    /// The spans so far, each as its attributes.
    fn spans(&self, telemetry: &Telemetry) -> Vec<(SpanData, BTreeMap<String, String>)> {
        assert!(telemetry.flush(PATIENCE));
        let spans = self.spans.get_finished_spans().unwrap().into_iter();
        spans
            .map(|span| {
                let attributes = named(span.attributes.iter());
                (span, attributes)
            })
            .collect()
    }

    /// The numbers of a metric, by their attributes: of a histogram, how many it has.
    fn numbers(&self, name: &str) -> BTreeMap<String, f64> {
        self.metrics.reset();
        self.meters.force_flush().unwrap();
        let mut numbers = BTreeMap::new();
        for resource in self.metrics.get_finished_metrics().unwrap() {
            let metrics = resource.scope_metrics().flat_map(|scope| scope.metrics());
            for metric in metrics.filter(|metric| metric.name() == name) {
                match metric.data() {
                    AggregatedMetrics::U64(MetricData::Sum(sum)) => {
                        for point in sum.data_points() {
                            numbers.insert(joined(point.attributes()), point.value() as f64);
                        }
                    }
                    AggregatedMetrics::F64(MetricData::Gauge(gauge)) => {
                        for point in gauge.data_points() {
                            numbers.insert(joined(point.attributes()), point.value());
                        }
                    }
                    AggregatedMetrics::F64(MetricData::Histogram(histogram)) => {
                        for point in histogram.data_points() {
                            numbers.insert(joined(point.attributes()), point.count() as f64);
                        }
                    }
                    other => panic!("{name}: {other:?}"),
                }
            }
        }
        numbers
    }
}

fn named<'a>(attributes: impl Iterator<Item = &'a KeyValue>) -> BTreeMap<String, String> {
    attributes
        .map(|it| (it.key.to_string(), it.value.to_string()))
        .collect()
}

fn joined<'a>(attributes: impl Iterator<Item = &'a KeyValue>) -> String {
    let values: Vec<_> = named(attributes).into_values().collect();
    values.join(" ")
}

fn enforcer(telemetry: &Telemetry) -> Enforcer {
    let (_folder, _, live) = live(BILLING);
    Enforcer::builder(AGENT, &live)
        .telemetry(telemetry)
        .build()
        .unwrap()
}

#[test]
fn a_decision_is_a_span_that_tells_nothing_of_arguments_thresholds_and_people() {
    let seen = Seen::new();
    let telemetry = seen.telemetry();
    let enforcer = enforcer(&telemetry);
    let caller = Caller::builder("alice@example.com")
        .role("support")
        .session("s-1")
        .attribute("tenant", "acme")
        .build()
        .unwrap();
    let decision = enforcer.decide(
        &caller,
        "refund_order",
        r#"{"amount": 4711, "currency": "USD"}"#,
    );
    let _ = enforcer.decide(&caller, "view_order", "{}");
    let spans = seen.spans(&telemetry);
    let (span, attributes) = &spans[0];
    assert_eq!(
        (span.name.as_ref(), &span.status),
        ("hexgate.decide", &Status::Unset)
    );
    assert!(span.end_time >= span.start_time);
    let component = decision.policy().component.to_string();
    let id = decision.id().to_string();
    let expected = [
        ("gen_ai.agent.name", AGENT),
        ("gen_ai.tool.name", "refund_order"),
        ("hexgate.decision.cause", "policy"),
        ("hexgate.decision.id", id.as_str()),
        ("hexgate.decision.outcome", "deny"),
        ("hexgate.policy.component", component.as_str()),
    ];
    let expected = expected.map(|(name, value)| (name.to_owned(), value.to_owned()));
    assert_eq!(*attributes, BTreeMap::from(expected));
    assert_eq!(spans[1].1["hexgate.decision.role"], "support");
    let all = format!("{:?}", seen.spans.get_finished_spans().unwrap());
    for secret in ["4711", "USD", "<= 50", "alice", "s-1", "acme"] {
        assert!(!all.contains(secret), "{secret}: {all}");
    }
}

#[test]
fn who_calls_is_told_if_that_is_wanted() {
    let seen = Seen::new();
    let telemetry = seen.telemetry().with_identities();
    let enforcer = enforcer(&telemetry);
    let caller = Caller::builder("alice").role("support").session("s-1");
    let _ = enforcer.decide(&caller.build().unwrap(), "view_order", "{}");
    let attributes = seen.spans(&telemetry).remove(0).1;
    assert_eq!(attributes["user.id"], "alice");
    assert_eq!(attributes["gen_ai.conversation.id"], "s-1");
    assert_eq!(attributes["session.id"], "s-1");
    assert_eq!(attributes["langfuse.trace.metadata.user_role"], "support");
    assert!(
        !seen
            .numbers("hexgate.decisions")
            .keys()
            .any(|it| it.contains("alice"))
    );
}

#[test]
fn a_decision_belongs_to_the_span_within_which_it_was_made() {
    let seen = Seen::new();
    let telemetry = seen.telemetry();
    let enforcer = enforcer(&telemetry);
    let tracer = seen.tracers.tracer("agent");
    let run = Context::new().with_span(tracer.start("invoke_agent"));
    let parent = run.span().span_context().clone();
    {
        let _in_it = run.clone().attach();
        let _ = enforcer.decide(&alice(), "view_order", "{}");
    }
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap();
    runtime.block_on(
        async {
            drop(
                enforcer
                    .authorize_async(Call::of(&alice(), "view_order", "{}"))
                    .await,
            )
        }
        .with_context(run.clone()),
    );
    let _ = enforcer.decide(&alice(), "view_order", "{}");
    let spans = seen.spans(&telemetry);
    for (span, _) in &spans[..2] {
        assert_eq!(span.span_context.trace_id(), parent.trace_id());
        assert_eq!(span.parent_span_id, parent.span_id());
    }
    assert_ne!(spans[2].0.span_context.trace_id(), parent.trace_id());
}

struct Refusing;

impl Recorder for Refusing {
    fn record(&self, decision: &Decision) -> Result<(), RecordError> {
        match decision.tool() {
            "view_order" => Err("the disk is full".into()),
            _ => Ok(()),
        }
    }
}

#[test]
fn metrics_count_decisions_and_what_went_wrong() {
    let seen = Seen::new();
    let telemetry = seen.telemetry();
    let (_folder, path, live) = live(BILLING);
    let (_next, _, next) = crate::fixture::live("roles: {default: {}, support: {}}");
    let enforcer = Enforcer::builder(AGENT, &live)
        .telemetry(&telemetry)
        .recorder(Refusing, OnRecordFailure::Deny)
        .approvals(Approvals::Always)
        .observer(|_: &Decision| panic!("the observer has a bug"))
        .shadow(Shadow::new(&next).budget(Duration::MAX))
        .build()
        .unwrap();
    for _ in 0..3 {
        let _ = enforcer.decide(&alice(), "help", "{}");
    }
    let _ = enforcer.decide(&alice(), "view_order", "{}");
    let _ = enforcer.authorize(Call::of(&alice(), "close_account", "{}"));
    let _ = enforcer.decide_in_scope("help", "{}");
    std::fs::write(&path, "roles: [").unwrap();
    let _ = enforcer.begin_turn();
    let spans = seen.spans(&telemetry);
    let failed: Vec<_> = spans
        .iter()
        .filter(|(span, _)| span.status != Status::Unset)
        .map(|(span, attributes)| (span.status.clone(), attributes["error.type"].as_str()))
        .collect();
    assert_eq!(failed, [(Status::error("not_recorded"), "not_recorded")]);
    assert_eq!(spans[0].1["hexgate.shadow.outcome"], "deny");
    assert_eq!(
        spans[5].1["hexgate.decision.follows"],
        spans[4].1["hexgate.decision.id"]
    );

    let numbers = |name: &str| {
        let numbers = seen.numbers(name).into_iter();
        numbers.collect::<Vec<(String, f64)>>()
    };
    let expected = |expected: &[(&str, f64)]| -> Vec<(String, f64)> {
        let expected = expected.iter();
        expected
            .map(|(name, it)| ((*name).to_owned(), *it))
            .collect()
    };
    // Agent, tool, cause, outcome.
    assert_eq!(
        numbers("hexgate.decisions"),
        expected(&[
            ("support-bot close_account approval allow", 1.0),
            ("support-bot close_account policy needs_approval", 1.0),
            ("support-bot help no_scope deny", 1.0),
            ("support-bot help policy deny", 3.0),
            ("support-bot view_order not_recorded deny", 1.0),
        ])
    );
    assert_eq!(
        numbers("hexgate.decision.duration"),
        expected(&[
            ("support-bot allow", 1.0),
            ("support-bot deny", 5.0),
            ("support-bot needs_approval", 1.0),
        ])
    );
    assert_eq!(
        numbers("hexgate.shadow.decisions"),
        expected(&[
            ("support-bot deny deny", 4.0),
            ("support-bot needs_approval deny", 1.0),
        ])
    );
    for (name, number) in [
        ("hexgate.decisions.not_recorded", 1.0),
        ("hexgate.observer.panics", 7.0),
        ("hexgate.policy.failures", 1.0),
        ("hexgate.shadow.passed_over", 0.0),
    ] {
        assert_eq!(
            numbers(name),
            expected(&[("support-bot", number)]),
            "{name}"
        );
    }
    assert_eq!(numbers("hexgate.telemetry.dropped"), expected(&[("", 0.0)]));
    // An enforcer that is gone is told of no more.
    drop(enforcer);
    assert_eq!(numbers("hexgate.policy.failures"), []);
}

#[test]
fn the_age_of_the_policy_grows_until_its_source_confirms_it() {
    let seen = Seen::new();
    let telemetry = seen.telemetry();
    let clock = HandClock::at(1000);
    let engine = hexgate_host::Engine::builder()
        .clock(clock.clone())
        .build()
        .unwrap();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("policy.yaml");
    std::fs::write(&path, BILLING).unwrap();
    let source = hexgate_enforce::source::PolicyFile::dangerous_unsigned(&path);
    let live = hexgate_enforce::LivePolicy::open(&engine, source).unwrap();
    let enforcer = Enforcer::builder(AGENT, &live)
        .telemetry(&telemetry)
        .build()
        .unwrap();
    let age = || seen.numbers("hexgate.policy.age")[AGENT];
    assert_eq!(age(), 0.0);
    clock.set(1060);
    assert_eq!(age(), 60.0);
    std::fs::remove_file(&path).unwrap();
    let _ = enforcer.begin_turn();
    assert_eq!(age(), 60.0);
    std::fs::write(&path, BILLING).unwrap();
    let _ = enforcer.begin_turn();
    assert_eq!(age(), 0.0);
    clock.set(1000);
    assert_eq!(age(), 0.0);
}

#[test]
fn names_that_a_model_invents_do_not_become_metrics() {
    let seen = Seen::new();
    let telemetry = seen.telemetry();
    let (_folder, _, live) = live(
        "roles: {default: {tools: {\"a\": {mode: allow}}, default_policy: {mode: allow}}, strict: {tools: {}}}",
    );
    let enforcer = Enforcer::builder(AGENT, &live)
        .telemetry(&telemetry)
        .build()
        .unwrap();
    let strict = Caller::builder("u").role("strict").build().unwrap();
    let anybody = Caller::builder("u").build().unwrap();
    for number in 0..300 {
        let _ = enforcer.decide(&strict, &format!("denied-{number}"), "{}");
    }
    let _ = enforcer.decide(&strict, "a", "{}");
    for number in 0..300 {
        let _ = enforcer.decide(&anybody, &format!("allowed-{number}"), "{}");
    }
    let _ = enforcer.decide(&anybody, &"x".repeat(5000), "{}");
    let spans = seen.spans(&telemetry);
    let tool = |at: usize| spans[at].1["gen_ai.tool.name"].as_str();
    assert_eq!(spans.len(), 602);
    assert_eq!(
        (tool(0), tool(300), tool(301)),
        ("_OTHER", "a", "allowed-0")
    );
    assert_eq!((tool(600), tool(601)), ("allowed-299", "_OTHER"));
    let numbers = seen.numbers("hexgate.decisions");
    assert_eq!(numbers["support-bot _OTHER policy deny"], 300.0);
    assert_eq!(numbers["support-bot a policy deny"], 1.0);
    assert_eq!(numbers["support-bot _OTHER policy allow"], 101.0);
    assert_eq!(numbers["support-bot _OTHER malformed deny"], 1.0);
    // `a`, 199 names that were allowed, and three for the rest.
    assert_eq!(numbers.len(), 203);
}

/// Waits with its first span until told to go on, and panics at every one after it.
#[derive(Debug)]
struct Stuck {
    go_on: std::sync::Mutex<mpsc::Receiver<()>>,
    is_first: AtomicBool,
}

impl SpanExporter for Stuck {
    async fn export(&self, _batch: Vec<SpanData>) -> OTelSdkResult {
        if self.is_first.swap(false, Ordering::SeqCst) {
            let _ = self.go_on.lock().unwrap().recv();
            return Ok(());
        }
        panic!("the exporter has a bug")
    }
}

#[test]
fn an_exporter_that_hangs_or_panics_delays_and_breaks_no_decision() {
    let (go_on, wait) = mpsc::channel();
    let stuck = Stuck {
        go_on: std::sync::Mutex::new(wait),
        is_first: AtomicBool::new(true),
    };
    let seen = Seen::new();
    let tracers = SdkTracerProvider::builder()
        .with_simple_exporter(stuck)
        .build();
    let telemetry = Telemetry::of(&tracers, &seen.meters).unwrap();
    let enforcer = enforcer(&telemetry);
    let enforcer = Arc::new(enforcer);
    // If a decision waited for the exporter this would never end.
    for _ in 0..10_000 {
        let decision = enforcer.decide(&alice(), "view_order", "{}");
        assert_eq!(decision.outcome(), Effect::Allow);
    }
    assert!(!telemetry.flush(Duration::from_millis(1)));
    let dropped = telemetry.dropped();
    assert!((10_000 - 2 * 4096..10_000).contains(&dropped), "{dropped}");
    go_on.send(()).unwrap();
    assert!(telemetry.flush(PATIENCE));
    assert_eq!(enforcer.counts().observer_panics, 0);
    let told = 10_000.0 - dropped as f64;
    assert_eq!(
        seen.numbers("hexgate.decisions").values().sum::<f64>(),
        told
    );
    assert_eq!(
        seen.numbers("hexgate.telemetry.dropped")[""],
        dropped as f64
    );
    // The first panic; the processor of the SDK gives up its exporter then.
    assert_eq!(seen.numbers("hexgate.telemetry.panics")[""], 1.0);
}

#[test]
fn without_a_provider_nothing_happens() {
    let telemetry = Telemetry::global().unwrap();
    let enforcer = enforcer(&telemetry);
    assert!(enforcer.decide(&alice(), "view_order", "{}").is_allowed());
    assert!(telemetry.flush(PATIENCE));
}
