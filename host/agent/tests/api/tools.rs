//! Tools that are made of functions: what models know of them, and how they run.

use std::sync::{Arc, Condvar, Mutex};
use std::time::Duration;

use hexgate_agent::{
    schema::Schema,
    schemars, tool,
    tool::{Progress, Tool, ToolError, ToolOutput},
};
use hexgate_enforce::{
    Call, Caller, Enforcer, LivePolicy, Permit, host::Engine, scope, source::PolicyFile,
};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// Refunds an order.
///
/// Only orders of the last 30 days can be refunded.
#[tool(name = "refund", concurrent, preview = show)]
async fn refund_order(
    /// The number of the order.
    order: String,
    /// In the currency of the order.
    #[schemars(range(min = 0.01))]
    amount: f64,
    #[serde(default)] note: Option<String>,
    permit: &Permit,
    progress: &Progress,
) -> Result<Receipt, Refused> {
    progress.tell("looking for the order");
    tokio::task::yield_now().await;
    if order == "none" {
        return Err(Refused);
    }
    let by = permit
        .decision()
        .caller()
        .map(|caller| caller.user_id().to_owned());
    Ok(Receipt {
        order,
        amount,
        note,
        by,
    })
}

#[derive(Serialize)]
struct Receipt {
    order: String,
    amount: f64,
    note: Option<String>,
    by: Option<String>,
}

struct Refused;

impl From<Refused> for ToolError {
    fn from(_: Refused) -> Self {
        Self::new("not_found", "There is no such order.")
    }
}

fn show(arguments: &Value) -> Option<String> {
    Some(format!("{} of {}", arguments["amount"], arguments["order"]))
}

#[derive(Deserialize, schemars::JsonSchema)]
struct Words {
    /// What to count.
    words: Vec<String>,
}

/// Counts words.
#[tool]
fn count(#[arguments] Words { words }: Words) -> usize {
    words.len()
}

/// Tells the time.
#[tool]
fn now() -> ToolOutput {
    ToolOutput::new("noon").summary("It is noon.")
}

/// Whether a tool that blocks may go on.
static RELEASED: (Mutex<bool>, Condvar) = (Mutex::new(false), Condvar::new());

/// Waits on its thread, as code does that knows nothing of tasks. Answers whether it was let go and for whom it waited.
#[tool]
fn block() -> (bool, Option<String>) {
    let (released, changed) = &RELEASED;
    let released = released.lock().unwrap();
    let (released, _) = changed
        .wait_timeout_while(released, Duration::from_secs(10), |released| !*released)
        .unwrap();
    let caller = scope::current().ok();
    (*released, caller.map(|caller| caller.user_id().to_owned()))
}

/// Panics.
#[tool]
fn fall() {
    panic!("over");
}

/// Forgets everything.
#[tool]
fn forget() {}

/// Moves in one of two ways.
#[tool]
fn travel(#[arguments] way: Way) -> Result<Value, ToolError> {
    match way {
        Way::Train { line } => Ok(json!({ "train": line })),
        Way::Walk { far: true } => Err(ToolError::new("far", "It is too far.").retryable()),
        Way::Walk { far: false } => Ok(json!("walked")),
    }
}

#[derive(Deserialize, schemars::JsonSchema)]
#[serde(tag = "by", rename_all = "snake_case")]
enum Way {
    Train { line: u8 },
    Walk { far: bool },
}

const POLICY: &str = "default_policy: { mode: allow }\ntools: {}\n";

fn permit(tool: &str, arguments: &Value) -> Permit {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("policy.yaml");
    std::fs::write(&file, POLICY).unwrap();
    let live = LivePolicy::open(
        &Engine::new().unwrap(),
        PolicyFile::dangerous_unsigned(&file),
    )
    .unwrap();
    let enforcer = Enforcer::builder("agent", &live).build().unwrap();
    let alice = Caller::builder("alice").build().unwrap();
    enforcer
        .authorize(Call::of(&alice, tool, arguments.to_string()))
        .unwrap_or_else(|decision| panic!("{}", decision.reason()))
}

async fn run(tool: &dyn Tool, arguments: Value) -> Result<ToolOutput, ToolError> {
    let permit = permit(&tool.spec().name, &arguments);
    tool.call(permit, &Progress::default()).await
}

#[test]
fn a_spec_is_what_the_function_says() {
    let tool = refund_order();
    let spec = tool.spec();
    assert_eq!(spec.name, "refund");
    assert_eq!(
        spec.description,
        "Refunds an order.\n\nOnly orders of the last 30 days can be refunded."
    );
    assert!(spec.concurrent);
    let preview = spec.preview.unwrap();
    let shown = preview(&json!({"order": "A", "amount": 5}));
    assert_eq!(shown.as_deref(), Some("5 of \"A\""));
    assert_eq!(
        spec.input_schema,
        json!({
            "type": "object",
            "properties": {
                "order": {"type": "string", "description": "The number of the order."},
                "amount": {
                    "type": "number", "format": "double", "minimum": 0.01,
                    "description": "In the currency of the order.",
                },
                "note": {"type": ["string", "null"], "default": null},
            },
            "required": ["order", "amount"],
            "additionalProperties": false,
        })
    );

    let counting = count();
    let spec = counting.spec();
    assert!(!spec.concurrent && spec.preview.is_none());
    assert_eq!(
        spec.input_schema,
        json!({
            "type": "object",
            "properties": {
                "words": {"type": "array", "items": {"type": "string"}, "description": "What to count."},
            },
            "required": ["words"],
            "additionalProperties": false,
        })
    );
    assert_eq!(
        forget().spec().input_schema,
        json!({"type": "object", "properties": {}, "additionalProperties": false})
    );
}

#[test]
fn a_schema_refuses_what_it_does_not_name() {
    let schema = |tool: &dyn Tool| Schema::new(&tool.spec().input_schema).unwrap();
    let refund = schema(&refund_order());
    refund
        .check(&json!({"order": "A", "amount": 5, "note": "late"}))
        .unwrap();
    refund
        .check(&json!({"order": "A", "amount": 5, "to": "me"}))
        .unwrap_err();
    refund
        .check(&json!({"order": "A", "amount": 0}))
        .unwrap_err();
    schema(&count())
        .check(&json!({"words": [], "more": 1}))
        .unwrap_err();
    schema(&forget()).check(&json!({"all": true})).unwrap_err();
    // Alternatives have members that the others do not name.
    let travel = schema(&travel());
    travel.check(&json!({"by": "train", "line": 4})).unwrap();
    travel.check(&json!({"by": "walk", "far": true})).unwrap();
    travel
        .check(&json!({"by": "walk", "far": true, "line": 4}))
        .unwrap_err();
}

#[tokio::test]
async fn a_tool_runs_from_a_permit() {
    let told = Arc::new(Mutex::new(Vec::new()));
    let progress = Progress::new({
        let told = told.clone();
        move |line| told.lock().unwrap().push(line)
    });
    let arguments = json!({"order": "A", "amount": 5});
    let output = refund_order()
        .call(permit("refund", &arguments), &progress)
        .await
        .unwrap();
    assert_eq!(
        output.value,
        json!({"order": "A", "amount": 5.0, "note": null, "by": "alice"})
    );
    assert_eq!(*told.lock().unwrap(), ["looking for the order"]);

    assert_eq!(
        run(&count(), json!({"words": ["a", "b"]}))
            .await
            .unwrap()
            .value,
        2
    );
    assert_eq!(
        run(&now(), json!({})).await.unwrap(),
        ToolOutput::new("noon").summary("It is noon.")
    );
    assert_eq!(run(&forget(), json!({})).await.unwrap().value, Value::Null);
}

#[tokio::test]
async fn a_tool_that_blocks_its_thread_keeps_neither_the_time_limit_nor_others_waiting() {
    // One thread runs everything here: a tool on it would let nothing else go on.
    let blocking = block();
    let beside = async {
        let waited = tokio::time::timeout(Duration::from_millis(50), run(&blocking, json!({})));
        assert!(waited.await.is_err(), "the limit of time did not count");
        *RELEASED.0.lock().unwrap() = true;
        RELEASED.1.notify_all();
    };
    let alice = Caller::builder("alice").build().unwrap();
    let asked = scope::scope(alice, run(&blocking, json!({})));
    let (output, ()) = tokio::join!(asked, beside);
    assert_eq!(output.unwrap().value, json!([true, "alice"]));
}

#[tokio::test]
#[should_panic = "over"]
async fn a_panic_of_a_function_that_blocks_is_one_of_the_tool() {
    let _ = run(&fall(), json!({})).await;
}

#[tokio::test]
async fn failures_reach_the_model() {
    let error = run(&refund_order(), json!({"order": "none", "amount": 1}))
        .await
        .unwrap_err();
    assert_eq!(error, Refused.into());
    let error = run(&travel(), json!({"by": "walk", "far": true}))
        .await
        .unwrap_err();
    assert!(error.retryable);
    assert_eq!(
        run(&travel(), json!({"by": "train", "line": 4}))
            .await
            .unwrap()
            .value["train"],
        4
    );
    // Whoever does not ask the schema is told by the type.
    for arguments in [
        json!({"order": "A"}),
        json!({"order": "A", "amount": 1, "to": "me"}),
        json!({"order": 5, "amount": 1}),
    ] {
        let error = run(&refund_order(), arguments).await.unwrap_err();
        assert_eq!(error.kind, "invalid_arguments");
        assert!(
            error
                .message
                .starts_with("the arguments are not what the tool takes: "),
            "{error}"
        );
    }
}
