//! Spans of runs, as a program sees them that exports them.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::http::HeaderMap;
use axum::routing::post;
use hexgate_agent::model::script::ScriptModel;
use hexgate_agent::telemetry::{Names, Telemetry, TelemetryContent};
use hexgate_agent::{Agent, AgentBuilder};
use hexgate_enforce::host::Engine;
use hexgate_enforce::source::PolicyFile;
use hexgate_enforce::telemetry::Telemetry as Decisions;
use hexgate_enforce::{Caller, Enforcer, LivePolicy};
use opentelemetry::trace::{SpanId, SpanKind, Status};
use opentelemetry_otlp::{Protocol, SpanExporter, WithExportConfig as _, WithHttpConfig as _};
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_sdk::metrics::SdkMeterProvider;
use opentelemetry_sdk::trace::{InMemorySpanExporter, SdkTracerProvider, SpanData};
use prost_otlp::Message as _;

use crate::events::tools;

const PATIENCE: Duration = Duration::from_secs(60);

const POLICY: &str = r#"
version: 1
roles:
  default: {}
  user:
    tools:
      echo: { mode: allow }
      fails: { mode: allow }
      hangs: { mode: allow }
      agent.tool:helper: { mode: allow }
"#;

const KEY: &str = "AKIAIOSFODNN7EXAMPLE";

/// Spans in memory, and who makes them.
struct Seen {
    spans: InMemorySpanExporter,
    provider: SdkTracerProvider,
    decisions: Decisions,
}

impl Seen {
    fn new() -> Self {
        let spans = InMemorySpanExporter::default();
        let provider = SdkTracerProvider::builder()
            .with_simple_exporter(spans.clone())
            .build();
        let meters = SdkMeterProvider::builder().build();
        Self {
            decisions: Decisions::of(&provider, &meters).unwrap().with_identities(),
            provider,
            spans,
        }
    }

    fn telemetry(&self) -> Telemetry {
        Telemetry::of(&self.provider).unwrap()
    }

    /// An agent whose decisions are spans too.
    fn agent(&self, name: &str, script: &str) -> AgentBuilder {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("policy.yaml");
        std::fs::write(&path, POLICY).unwrap();
        let source = PolicyFile::dangerous_unsigned(&path);
        let live = LivePolicy::open(&Engine::new().unwrap(), source).unwrap();
        let enforcer = Enforcer::builder(name, &live).telemetry(&self.decisions);
        Agent::builder(name)
            .model(ScriptModel::parse("case", script).unwrap())
            .system_prompt("You are an example.")
            .tools(tools::all())
            .enforcer(enforcer.build().unwrap())
    }

    /// The spans that ended, by their names.
    fn spans(&self) -> Vec<Span> {
        assert!(self.decisions.flush(PATIENCE));
        let spans = self.spans.get_finished_spans().unwrap().into_iter();
        spans.map(Span::of).collect()
    }
}

struct Span {
    name: String,
    id: SpanId,
    parent: SpanId,
    attributes: BTreeMap<String, String>,
    data: SpanData,
}

impl Span {
    fn of(data: SpanData) -> Self {
        let attributes = data.attributes.iter();
        Self {
            name: data.name.to_string(),
            id: data.span_context.span_id(),
            parent: data.parent_span_id,
            attributes: attributes
                .map(|it| (it.key.to_string(), it.value.to_string()))
                .collect(),
            data,
        }
    }
}

fn named<'a>(spans: &'a [Span], name: &str) -> &'a Span {
    let mut found = spans.iter().filter(|span| span.name == name);
    let span = found.next().unwrap_or_else(|| panic!("no span `{name}`"));
    assert!(found.next().is_none(), "several spans `{name}`");
    span
}

fn caller() -> Caller {
    let caller = Caller::builder("ada").role("user").role("editor");
    caller.session("s-1").build().unwrap()
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()
        .unwrap()
}

/// A run with a tool, a denial and a sub-agent.
fn family(seen: &Seen, telemetry: Telemetry) -> Agent {
    let helper = seen.agent("helper", "turns: [{text: The secret word is swordfish.}]");
    let script = r#"
turns:
  - text: I ask.
    calls:
      - {tool: echo, arguments: {text: "the key is AKIAIOSFODNN7EXAMPLE, and mangrove"}}
      - {tool: steps, arguments: {}}
      - {tool: delegate_to_helper, arguments: {task: say the word}}
    usage: {input_tokens: 100, output_tokens: 20}
  - {text: It is swordfish., usage: {input_tokens: 150, output_tokens: 5}}
"#;
    let agent = seen
        .agent("support-bot", script)
        .subagent(helper.build().unwrap());
    agent.observer(telemetry).build().unwrap()
}

#[test]
fn a_run_is_a_tree_of_spans() {
    let seen = Seen::new();
    let agent = family(&seen, seen.telemetry());
    runtime()
        .block_on(agent.invoke(&caller(), "What is the word?"))
        .unwrap();
    let spans = seen.spans();

    let run = named(&spans, "invoke_agent support-bot");
    assert_eq!(run.parent, SpanId::INVALID);
    assert_eq!(run.attributes["gen_ai.operation.name"], "invoke_agent");
    assert_eq!(run.attributes["gen_ai.usage.input_tokens"], "250");
    assert_eq!(run.attributes["gen_ai.usage.output_tokens"], "25");
    let helper = named(&spans, "invoke_agent helper");
    let asked = named(&spans, "execute_tool delegate_to_helper");
    assert_eq!((asked.parent, helper.parent), (run.id, asked.id));
    let echo = named(&spans, "execute_tool echo");
    assert_eq!(echo.parent, run.id);
    assert_eq!(echo.attributes["gen_ai.tool.name"], "echo");
    assert_eq!(echo.attributes["gen_ai.tool.type"], "function");
    assert!(!echo.attributes["gen_ai.tool.call.id"].is_empty());

    // What is denied is decided and not executed.
    assert!(spans.iter().all(|span| span.name != "execute_tool steps"));
    let decisions: Vec<&Span> = spans
        .iter()
        .filter(|span| span.name == "hexgate.decide")
        .collect();
    let outcomes: Vec<&str> = decisions
        .iter()
        .map(|span| &*span.attributes["hexgate.decision.outcome"])
        .collect();
    assert_eq!(outcomes, ["allow", "deny", "allow"]);
    assert!(decisions.iter().all(|span| span.parent == run.id));

    let chats: Vec<&Span> = spans
        .iter()
        .filter(|span| span.name == "chat case")
        .collect();
    let parents: Vec<SpanId> = chats.iter().map(|span| span.parent).collect();
    assert_eq!(parents, [run.id, helper.id, run.id]);
    for chat in &chats {
        assert_eq!(chat.data.span_kind, SpanKind::Client);
        assert_eq!(chat.attributes["gen_ai.provider.name"], "script");
        assert_eq!(chat.attributes["gen_ai.request.model"], "case");
    }
    assert_eq!(chats[0].attributes["gen_ai.usage.input_tokens"], "100");
    assert_eq!(
        chats[0].attributes["gen_ai.response.finish_reasons"],
        r#"["tool_call"]"#
    );
    assert_eq!(
        chats[2].attributes["gen_ai.response.finish_reasons"],
        r#"["stop"]"#
    );
    for span in &spans {
        assert!(
            span.data.status == Status::Unset,
            "{}: {:?}",
            span.name,
            span.data.status
        );
    }
}

#[test]
fn the_user_the_session_and_the_roles_are_on_every_span() {
    for names in [Names::GEN_AI, Names::LANGFUSE] {
        let seen = Seen::new();
        let agent = family(&seen, seen.telemetry().with_names(names));
        runtime()
            .block_on(agent.invoke(&caller(), "What is the word?"))
            .unwrap();
        let spans = seen.spans();
        assert_eq!(
            spans.len(),
            3 + 3 + 2 + 2,
            "{:?}",
            spans.iter().map(|it| &it.name).collect::<Vec<_>>()
        );
        for span in &spans {
            let attributes = &span.attributes;
            assert_eq!(attributes["user.id"], "ada", "{}", span.name);
            assert_eq!(attributes["session.id"], "s-1", "{}", span.name);
            assert_eq!(
                attributes["langfuse.trace.metadata.user_role"], "user,editor",
                "{}",
                span.name
            );
        }
    }
    let seen = Seen::new();
    let agent = seen.agent("support-bot", "turns: [{text: Hello.}]");
    let agent = agent
        .observer(seen.telemetry().without_identities())
        .build()
        .unwrap();
    runtime()
        .block_on(agent.invoke(&caller(), "Hello"))
        .unwrap();
    for span in seen.spans() {
        let values: Vec<&String> = span.attributes.values().collect();
        assert!(
            values
                .iter()
                .all(|it| !it.contains("ada") && !it.contains("s-1")),
            "{values:?}"
        );
    }
}

#[test]
fn contents_are_told_only_if_they_are_asked_for_and_never_with_secrets() {
    let words = [
        "mangrove",
        "What is the word?",
        "You are an example.",
        "swordfish",
        "say the word",
    ];
    let told = |content: Option<TelemetryContent>, names: Names| {
        let seen = Seen::new();
        let telemetry = seen.telemetry().with_names(names);
        let telemetry = match content {
            Some(content) => telemetry.with_content(content),
            None => telemetry,
        };
        let agent = family(&seen, telemetry);
        runtime()
            .block_on(agent.invoke(&caller(), "What is the word?"))
            .unwrap();
        let spans = seen.spans();
        let all = format!("{:?}", spans.iter().map(|it| &it.data).collect::<Vec<_>>());
        assert!(!all.contains(KEY), "{all}");
        (all, spans)
    };
    for names in [Names::GEN_AI, Names::LANGFUSE] {
        let (nothing, _) = told(None, names.clone());
        for word in words {
            assert!(!nothing.contains(word), "{word}: {nothing}");
        }
        let (tools, _) = told(Some(TelemetryContent::TOOLS), names.clone());
        assert!(
            tools.contains("mangrove") && tools.contains("swordfish"),
            "{tools}"
        );
        assert!(!tools.contains("What is the word?"), "{tools}");
        let (messages, _) = told(Some(TelemetryContent::MESSAGES), names.clone());
        assert!(messages.contains("What is the word?"), "{messages}");
        assert!(!messages.contains("mangrove"), "{messages}");
    }
    let (all, spans) = told(Some(TelemetryContent::ALL), Names::GEN_AI);
    for word in words {
        assert!(all.contains(word), "{word}: {all}");
    }
    let echo = named(&spans, "execute_tool echo");
    let arguments: serde_json::Value =
        serde_json::from_str(&echo.attributes["gen_ai.tool.call.arguments"]).unwrap();
    assert_eq!(
        arguments["text"],
        "the key is [REDACTED:aws_access_key], and mangrove"
    );
    let chat = spans.iter().find(|span| span.name == "chat case").unwrap();
    let input: serde_json::Value =
        serde_json::from_str(&chat.attributes["gen_ai.input.messages"]).unwrap();
    assert_eq!(input[0]["role"], "user");
    assert_eq!(input[0]["parts"][0]["content"], "What is the word?");
}

#[test]
fn what_fails_and_what_is_cancelled_is_told_by_its_kind() {
    let seen = Seen::new();
    let script = "turns: [{calls: [{tool: fails, arguments: {}}]}, {error: 429}]";
    let agent = seen.agent("support-bot", script).observer(seen.telemetry());
    let agent = agent.build().unwrap();
    runtime()
        .block_on(agent.invoke(&caller(), "Hello"))
        .unwrap_err();
    let spans = seen.spans();
    let kind = |span: &Span| span.attributes.get("error.type").cloned();
    assert_eq!(
        kind(named(&spans, "execute_tool fails")).as_deref(),
        Some("failed")
    );
    assert_eq!(
        kind(named(&spans, "invoke_agent support-bot")).as_deref(),
        Some("model")
    );
    let chats = spans.iter().filter(|span| span.name == "chat case");
    assert_eq!(
        chats.map(kind).collect::<Vec<_>>(),
        [None, Some("rate_limited".to_owned())]
    );

    let seen = Seen::new();
    let script = "turns: [{calls: [{tool: hangs, arguments: {}}]}]";
    let agent = seen.agent("support-bot", script).observer(seen.telemetry());
    let agent = agent.build().unwrap();
    runtime().block_on(async {
        let mut events = agent.stream(&caller(), "Hello");
        while let Some(event) = events.next().await {
            if matches!(
                event.kind,
                hexgate_agent::event::EventKind::ToolUpdate { .. }
            ) {
                break;
            }
        }
    });
    let spans = seen.spans();
    for name in ["execute_tool hangs", "invoke_agent support-bot"] {
        let span = named(&spans, name);
        assert_eq!(kind(span).as_deref(), Some("cancelled"), "{name}");
        assert_eq!(span.data.status, Status::error("cancelled"), "{name}");
    }
}

#[test]
fn a_backend_of_langfuse_gets_the_spans_over_otlp() {
    type Got = Arc<Mutex<Vec<(HeaderMap, Bytes)>>>;
    let got = Got::default();
    let runtime = runtime();
    let address = runtime.block_on(async {
        let keep = Arc::clone(&got);
        let keep = move |headers: HeaderMap, body: Bytes| async move {
            keep.lock().unwrap().push((headers, body));
        };
        let app = Router::new().route("/api/public/otel/v1/traces", post(keep));
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(async move { axum::serve(listener, app).await });
        address
    });
    let headers = HashMap::from([("Authorization".to_owned(), "Basic cGs6c2s=".to_owned())]);
    let exporter = SpanExporter::builder()
        .with_http()
        .with_protocol(Protocol::HttpBinary)
        .with_endpoint(format!("http://{address}/api/public/otel/v1/traces"))
        .with_headers(headers)
        .build()
        .unwrap();
    let provider = SdkTracerProvider::builder()
        .with_batch_exporter(exporter)
        .build();
    let telemetry = Telemetry::of(&provider)
        .unwrap()
        .with_names(Names::LANGFUSE);
    let seen = Seen::new();
    let script = "turns: [{calls: [{tool: echo, arguments: {text: hi}}], usage: {input_tokens: 7, output_tokens: 2}}, {text: Done.}]";
    let agent = seen
        .agent("support-bot", script)
        .observer(telemetry)
        .build()
        .unwrap();
    runtime.block_on(agent.invoke(&caller(), "Hello")).unwrap();
    provider.force_flush().unwrap();

    let mut spans = Vec::new();
    for (headers, body) in got.lock().unwrap().iter() {
        assert_eq!(headers["authorization"], "Basic cGs6c2s=");
        let request = ExportTraceServiceRequest::decode(body.clone()).unwrap();
        let scopes = request
            .resource_spans
            .into_iter()
            .flat_map(|it| it.scope_spans);
        spans.extend(scopes.flat_map(|it| it.spans));
    }
    let find = |name: &str| spans.iter().find(|span| span.name == name).unwrap();
    let attribute = |name: &str, key: &str| {
        let span = find(name);
        let found = span.attributes.iter().find(|it| it.key == key);
        format!(
            "{:?}",
            found
                .unwrap_or_else(|| panic!("{name} has no {key}: {span:?}"))
                .value
        )
    };
    let run = find("invoke_agent support-bot");
    assert_eq!(find("execute_tool echo").parent_span_id, run.span_id);
    for (name, kind) in [
        ("invoke_agent support-bot", "agent"),
        ("chat case", "generation"),
        ("execute_tool echo", "tool"),
    ] {
        assert!(attribute(name, "langfuse.observation.type").contains(kind));
        assert!(attribute(name, "user.id").contains("ada"));
    }
    assert!(
        attribute("chat case", "langfuse.observation.usage_details")
            .contains(r#"{\"input\":7,\"output\":2}"#)
    );
    assert!(attribute("invoke_agent support-bot", "langfuse.trace.name").contains("support-bot"));
}
