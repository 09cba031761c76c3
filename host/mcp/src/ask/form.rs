//! What a person at a client is shown, and what their answer means.

use hexgate_base::harmless;
use hexgate_enforce::{Answer, Decision};
use rmcp::model::{BooleanSchema, ElicitRequestParams, ElicitationSchema};
use serde_json::Value;

/// The largest arguments that are shown, in bytes. A person cannot agree to what they do not see whole.
const MAX_ARGUMENTS: usize = 32 << 10;
/// The longest reason that is recorded, in characters.
const MAX_REASON: usize = 500;

/// The question about a call, with the whole of it. None: it is too large to be shown.
pub(super) fn of(decision: &Decision) -> Option<ElicitRequestParams> {
    let arguments = decision.arguments();
    if arguments.len() > MAX_ARGUMENTS {
        return None;
    }
    let caller = decision.caller()?;
    let pretty: Value = serde_json::from_str(arguments).ok()?;
    let pretty = serde_json::to_string_pretty(&pretty).ok()?;
    let lines: Vec<_> = pretty.lines().map(harmless).collect();
    let mut message = format!(
        "Approve this call?\n\ntool: {}\ncaller: {} [{}]\nagent: {}\narguments:\n{}",
        harmless(decision.tool()),
        harmless(caller.user_id()),
        harmless(&caller.roles().join(", ")),
        harmless(decision.agent()),
        lines.join("\n"),
    );
    if let Some(said) = decision.message() {
        message.push_str(&format!("\npolicy: {}", harmless(said)));
    }
    let approve = BooleanSchema::new()
        .title("Approve")
        .description("Whether the call may happen, once");
    let schema = ElicitationSchema::builder().required_bool_property("approve", |_| approve);
    let schema = if needs_reason(decision) {
        schema.required_string("reason")
    } else {
        schema.optional_string("reason")
    };
    Some(ElicitRequestParams::FormElicitationParams {
        meta: None,
        message,
        requested_schema: schema.build().ok()?,
    })
}

fn needs_reason(decision: &Decision) -> bool {
    decision
        .approval_terms()
        .and_then(|terms| terms.reason_required)
        .unwrap_or(false)
}

/// What the person answered. Everything but a plain yes is a no.
pub(super) fn answer(decision: &Decision, response: &Value, request: Option<String>) -> Answer {
    let accepted = response.get("action").and_then(Value::as_str) == Some("accept");
    let approved = response.pointer("/content/approve") == Some(&Value::Bool(true));
    if !(accepted && approved) {
        return Answer::Denied {
            reason: "the person at the client did not agree".to_owned(),
        };
    }
    let reason = response
        .pointer("/content/reason")
        .and_then(Value::as_str)
        .map(str::trim)
        .filter(|reason| !reason.is_empty());
    if needs_reason(decision) && reason.is_none() {
        return Answer::Denied {
            reason: "the person at the client gave no reason, which the policy asks for".to_owned(),
        };
    }
    let who = decision
        .caller()
        .map_or("nobody", |caller| caller.user_id());
    Answer::Approved {
        by: format!("{who} (at the client)"),
        reason: reason.map(|reason| reason.chars().take(MAX_REASON).collect()),
        request,
    }
}
