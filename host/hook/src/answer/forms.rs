//! The forms of the agents' answers. A form that an agent does not know is ignored by it, which lets the call pass: so each is written out
//! for its agent and its event, and nothing is added that the agent does not document.

use serde_json::{Value, json};

use super::{Answer, Asked, Verdict, line};
use crate::agent::Agent;
use crate::event::Kind;

/// The exit code that blocks.
const BLOCKED: u8 = 2;
/// The exit code of a failure at an event that cannot be blocked.
const FAILED: u8 = 1;

/// Whether an agent asks a person when a hook says so at this event.
pub(super) fn asks(agent: Agent, asked: &Asked) -> bool {
    match (agent, asked.kind) {
        // The agent is about to ask by itself.
        (_, Kind::Permission) => true,
        // Where permissions are bypassed these run a call that a hook asks about.
        (Agent::ClaudeCode | Agent::Copilot | Agent::Gemini, Kind::Call) => asked.attended,
        // `preToolUse` takes `ask` and does not act on it.
        (Agent::Cursor, Kind::Call) => asked.name.ends_with("Execution"),
        // Codex runs the call after an answer with `ask`.
        _ => false,
    }
}

/// Writes a verdict in an agent's form.
pub(super) fn render(agent: Agent, asked: &Asked, verdict: &Verdict) -> Answer {
    match (asked.kind, verdict) {
        (Kind::Start, Verdict::Nothing(notice)) => started(agent, notice.as_deref()),
        (Kind::Start | Kind::End { .. } | Kind::Observed, Verdict::Deny(reason)) => Answer {
            stdout: String::new(),
            stderr: line(reason),
            code: FAILED,
        },
        (Kind::Start | Kind::End { .. } | Kind::Observed, _) => quiet(&json!({})),
        _ => match agent {
            Agent::ClaudeCode => claude_code(asked, verdict),
            Agent::Codex => codex(asked, verdict),
            Agent::Gemini => gemini(verdict),
            Agent::Cursor => cursor(asked, verdict),
            Agent::Copilot => copilot(asked, verdict),
        },
    }
}

fn quiet(value: &Value) -> Answer {
    Answer {
        stdout: format!("{value}\n"),
        stderr: String::new(),
        code: 0,
    }
}

/// A denial in two ways at once: by the object, and by the exit code with its reason.
fn blocked(value: &Value, reason: &str) -> Answer {
    Answer {
        stderr: line(reason),
        code: BLOCKED,
        ..quiet(value)
    }
}

/// A notice for the user at the beginning of a conversation, where the agent shows one.
fn started(agent: Agent, notice: Option<&str>) -> Answer {
    match (agent, notice) {
        (Agent::ClaudeCode | Agent::Codex | Agent::Gemini, Some(notice)) => {
            quiet(&json!({ "systemMessage": named(notice) }))
        }
        _ => quiet(&json!({})),
    }
}

fn named(text: &str) -> String {
    format!("hexgate: {text}")
}

fn pre_tool_use(decision: &str, reason: &str) -> Value {
    json!({ "hookSpecificOutput": {
        "hookEventName": "PreToolUse",
        "permissionDecision": decision,
        "permissionDecisionReason": named(reason),
    } })
}

fn permission_denied(reason: &str) -> Value {
    json!({ "hookSpecificOutput": {
        "hookEventName": "PermissionRequest",
        "decision": { "behavior": "deny", "message": named(reason) },
    } })
}

const ALLOWED: &str = "the policy allows it";

fn claude_code(asked: &Asked, verdict: &Verdict) -> Answer {
    match (asked.kind, verdict) {
        (Kind::Permission, Verdict::Deny(reason)) => quiet(&permission_denied(reason)),
        (Kind::Prompt, Verdict::Deny(reason)) => blocked(
            &json!({ "decision": "block", "reason": named(reason) }),
            reason,
        ),
        (Kind::Permission | Kind::Prompt, _) => quiet(&json!({})),
        (_, Verdict::Deny(reason)) => blocked(&pre_tool_use("deny", reason), reason),
        (_, Verdict::Ask { people, .. }) => quiet(&pre_tool_use("ask", people)),
        _ => quiet(&pre_tool_use("allow", ALLOWED)),
    }
}

/// Codex runs the call if an answer has a member that it does not know, `allow` and `ask` included: a denial is the exit code with a reason,
/// all else the empty object.
fn codex(asked: &Asked, verdict: &Verdict) -> Answer {
    match (asked.kind, verdict) {
        (Kind::Permission, Verdict::Deny(reason)) => quiet(&permission_denied(reason)),
        (_, Verdict::Deny(reason)) => Answer {
            stdout: String::new(),
            stderr: line(reason),
            code: BLOCKED,
        },
        _ => quiet(&json!({})),
    }
}

fn gemini(verdict: &Verdict) -> Answer {
    match verdict {
        Verdict::Deny(reason) => blocked(
            &json!({ "decision": "deny", "reason": named(reason) }),
            reason,
        ),
        Verdict::Ask { people, .. } => quiet(&json!({
            "decision": "ask", "reason": named(people), "systemMessage": named(people),
        })),
        _ => quiet(&json!({ "decision": "allow" })),
    }
}

/// With the exit code 2 Cursor takes the whole output for the message, so the object alone denies: one that is not understood blocks, too.
fn cursor(asked: &Asked, verdict: &Verdict) -> Answer {
    let told = |permission: &str, user: &str, model: &str| {
        quiet(&json!({
            "permission": permission,
            "user_message": named(user),
            "agent_message": named(model),
        }))
    };
    match (asked.kind, verdict) {
        (Kind::Prompt, Verdict::Deny(reason)) => {
            quiet(&json!({ "continue": false, "user_message": named(reason) }))
        }
        (Kind::Prompt, _) => quiet(&json!({ "continue": true })),
        // These events know no message for the model.
        (Kind::Gate, Verdict::Deny(reason)) => {
            quiet(&json!({ "permission": "deny", "user_message": named(reason) }))
        }
        (_, Verdict::Deny(reason)) => told("deny", reason, reason),
        (_, Verdict::Ask { people, model }) => told("ask", people, model),
        _ => quiet(&json!({ "permission": "allow" })),
    }
}

fn copilot(asked: &Asked, verdict: &Verdict) -> Answer {
    let decided = |decision: &str, reason: &str| {
        let own = json!({
            "permissionDecision": decision,
            "permissionDecisionReason": named(reason),
        });
        // Visual Studio Code looks for it deeper.
        match (asked.name.as_str(), own, pre_tool_use(decision, reason)) {
            ("PreToolUse", Value::Object(own), Value::Object(nested)) => {
                Value::Object(own.into_iter().chain(nested).collect())
            }
            (_, own, _) => own,
        }
    };
    match (asked.kind, verdict) {
        (Kind::Permission, Verdict::Deny(reason)) => blocked(
            &json!({ "behavior": "deny", "message": named(reason) }),
            reason,
        ),
        // What a hook says to a prompt is dropped; the code has the reason shown.
        (Kind::Prompt, Verdict::Deny(reason)) => blocked(&json!({}), reason),
        (Kind::Permission | Kind::Prompt, _) => quiet(&json!({})),
        (_, Verdict::Deny(reason)) => blocked(&decided("deny", reason), reason),
        (_, Verdict::Ask { people, .. }) => quiet(&decided("ask", people)),
        _ => quiet(&decided("allow", ALLOWED)),
    }
}
