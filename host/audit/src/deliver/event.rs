//! The platform's event for a decision, redacted and bounded.

use serde::{Serialize, Serializer, ser::SerializeSeq};
use serde_json::{Value, json};

use crate::{
    chain::Head,
    entry::Decision,
    outcome::{Hint, Outcome},
    protect::cut,
    redact::Redactor,
};

/// The largest arguments that are sent, in bytes of JSON.
const ARGUMENTS_BYTES: usize = 8192;
/// How much of larger arguments is sent, if that fits.
const PREVIEW_BYTES: usize = 7680;
/// The longest name of a tool or role and the longest reason that the platform takes, in bytes. The platform would refuse the event for
/// longer ones.
const NAME_BYTES: usize = 256;
const REASON_BYTES: usize = 4096;
/// The most violations, and the longest one in bytes.
const VIOLATIONS: (usize, usize) = (64, 1024);
/// The largest hint, in bytes of JSON.
const HINT_BYTES: usize = 4096;

/// An event as text. The same record always gives the same event and id, so that the platform recognizes repeats.
pub(super) fn event(head: &Head, decision: &Decision, redactor: &Redactor) -> String {
    #[derive(Serialize)]
    struct Event<'a> {
        event_id: String,
        occurred_at: String,
        agent_name: &'a str,
        tool_name: &'a str,
        outcome: &'static str,
        role: &'a str,
        error_type: &'static str,
        reason: &'a str,
        violations: Violations<'a>,
        hint: Value,
        user_id: &'a str,
        session_id: &'a str,
    }
    let verdict = &decision.verdict;
    let (violations, hint) = match verdict {
        Outcome::Deny {
            violations, hint, ..
        } => (violations.as_slice(), hint.as_ref()),
        _ => (&[][..], None),
    };
    let effect = verdict.effect();
    let reason = redactor.text(verdict.reason());
    let tool = redactor.text(&decision.tool);
    let event = Event {
        event_id: event_id(head),
        occurred_at: decision.at.replace('Z', "+00:00"),
        agent_name: &decision.agent,
        tool_name: tool_name(&tool),
        outcome: effect.as_str(),
        role: cut(role(decision), NAME_BYTES).0,
        error_type: effect.error_type().unwrap_or_default(),
        reason: cut(&reason, REASON_BYTES).0,
        violations: Violations(violations),
        hint: hint.map_or(Value::Null, capped),
        user_id: decision.user.as_deref().unwrap_or_default(),
        session_id: decision.session.as_deref().unwrap_or_default(),
    };
    // Texts and lists of texts always serialise.
    let mut text = serde_json::to_string(&event).unwrap_or_default();
    text.pop();
    text.push_str(",\"arguments\":");
    text.push_str(&arguments(decision.arguments.as_deref(), redactor));
    text.push('}');
    text
}

/// The tool as the platform takes it: a call without a name is sent, too.
fn tool_name(tool: &str) -> &str {
    match cut(tool, NAME_BYTES).0 {
        "" => "(none)",
        name => name,
    }
}

/// The event without its arguments, for a platform that finds it too large.
pub(super) fn without_arguments(event: &str) -> Option<String> {
    let (before, arguments) = event.split_once(",\"arguments\":")?;
    Some(format!(
        "{before},\"arguments\":{}}}",
        json!({"_truncated": true, "original_bytes": arguments.len().saturating_sub(1)})
    ))
}

/// A UUID that the record's hash determines, of version 4 by its bits, as the platform's clients send it.
fn event_id(head: &Head) -> String {
    let bytes = head.hash.as_bytes().first_chunk::<16>();
    let id = u128::from_be_bytes(*bytes.unwrap_or(&[0; 16]));
    let id = id & !(0xf << 76) & !(0b11 << 62) | 0x4 << 76 | 0b10 << 62;
    let hex = format!("{id:032x}");
    let mut out = String::with_capacity(36);
    for (at, digit) in hex.chars().enumerate() {
        if matches!(at, 8 | 12 | 16 | 20) {
            out.push('-');
        }
        out.push(digit);
    }
    out
}

/// The role that decided; of a denial, the caller's first.
fn role(decision: &Decision) -> &str {
    let index = match &decision.verdict {
        Outcome::Allow { role, .. } | Outcome::NeedsApproval { role, .. } => match role {
            Some(index) => usize::try_from(*index).unwrap_or(usize::MAX),
            None => return "default",
        },
        _ => 0,
    };
    decision.roles.get(index).map_or("", String::as_str)
}

/// The arguments as JSON: an object or null. They are redacted here even where the log keeps them unredacted.
fn arguments(text: Option<&str>, redactor: &Redactor) -> String {
    let null = || "null".to_owned();
    let Some(text) = text else {
        return null();
    };
    let Ok(clean) = redactor.json(text) else {
        return null();
    };
    let text = clean.as_deref().unwrap_or(text).trim();
    // Databases refuse half of a surrogate pair; only reading the whole text finds it.
    let is_json = if text.contains("\\u") {
        serde_json::from_str::<Value>(text).is_ok()
    } else {
        serde_json::from_str::<serde::de::IgnoredAny>(text).is_ok()
    };
    if !is_json || !text.starts_with('{') {
        return null();
    }
    if text.len() <= ARGUMENTS_BYTES {
        return text.to_owned();
    }
    let mut most = PREVIEW_BYTES;
    loop {
        let (preview, _) = cut(text, most);
        let value = json!({"_truncated": true, "original_bytes": text.len(), "preview": preview})
            .to_string();
        if value.len() <= ARGUMENTS_BYTES || most == 0 {
            return value;
        }
        most /= 2;
    }
}

fn capped(hint: &Hint) -> Value {
    let mut value = json!({"allowed_paths": hint.allowed, "denied_paths": hint.denied});
    if let Value::Object(members) = &mut value
        && !hint.except.is_empty()
    {
        members.insert("except_paths".to_owned(), json!(hint.except));
    }
    match value.to_string().len() {
        bytes if bytes > HINT_BYTES => json!({"_truncated": true, "original_bytes": bytes}),
        _ => value,
    }
}

struct Violations<'a>(&'a [String]);

impl Serialize for Violations<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let shown = self.0.iter().take(VIOLATIONS.0);
        let mut list = serializer.serialize_seq(Some(shown.len()))?;
        for violation in shown {
            list.serialize_element(cut(violation, VIOLATIONS.1).0)?;
        }
        list.end()
    }
}

#[cfg(test)]
mod tests {
    use hexgate_bundle::Digest;

    use super::*;
    use crate::{entry::Entry, redact::Redaction};

    fn made(verdict: &str, arguments: &str) -> Value {
        let line = json!({
            "kind": "decision", "at": "2026-03-01T12:00:00.123456Z", "agent": "bot", "user": "ada",
            "roles": ["support"], "tool": "t", "arguments": arguments,
            "arguments_digest": Digest::of(b""), "verdict": serde_json::from_str::<Value>(verdict).unwrap(), "took_ns": 1,
        });
        let line = line.to_string().replace("\"kind\":\"decision\",", "");
        let line = line.replacen('{', "{\"kind\":\"decision\",", 1);
        let Entry::Decision(decision) = Entry::parse(line.as_bytes()).unwrap() else {
            panic!("{line}");
        };
        let head = Head {
            n: 1,
            hash: Digest::of(b"x"),
        };
        let redactor = Redactor::new(&Redaction::default()).unwrap();
        let text = event(&head, &decision, &redactor);
        let small = without_arguments(&text).unwrap();
        assert_eq!(
            serde_json::from_str::<Value>(&small).unwrap()["arguments"]["_truncated"],
            true
        );
        serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}: {text}"))
    }

    #[test]
    fn an_event_has_the_members_that_the_platform_knows() {
        let made = made(
            r#"{"outcome":"deny","reason":"no","violations":["a <= 1"],"hint":{"allowed":["src/**"]}}"#,
            r#"{"amount": 9007199254740993, "db_password": "x"}"#,
        );
        assert_eq!(
            made,
            json!({
                "event_id": "2d711642-b726-4044-8162-7ca9fbac32f5",
                "occurred_at": "2026-03-01T12:00:00.123456+00:00",
                "agent_name": "bot",
                "tool_name": "t",
                "outcome": "deny",
                "role": "support",
                "error_type": "policy_denied",
                "reason": "no",
                "violations": ["a <= 1"],
                "hint": {"allowed_paths": ["src/**"], "denied_paths": []},
                "user_id": "ada",
                "session_id": "",
                "arguments": {"amount": 9_007_199_254_740_993_u64, "db_password": "[REDACTED]"},
            })
        );
    }

    #[test]
    fn large_arguments_are_shown_in_part_and_others_not_at_all() {
        let allow = r#"{"outcome":"allow","role":0}"#;
        let long = format!(r#"{{"q":"{}"}}"#, "ö\\n".repeat(5000));
        let arguments = &made(allow, &long)["arguments"];
        assert_eq!(arguments["_truncated"], true);
        assert_eq!(arguments["original_bytes"], long.len());
        assert!(arguments.to_string().len() <= ARGUMENTS_BYTES);
        assert!(long.starts_with(arguments["preview"].as_str().unwrap()));
        for other in ["[1]", "", "{\"password\": ", "nothing", "{} {}"] {
            assert_eq!(made(allow, other)["arguments"], Value::Null, "{other}");
        }
        let exact = format!(r#"{{"q":"{}"}}"#, "x".repeat(ARGUMENTS_BYTES - 8));
        assert_eq!(exact.len(), ARGUMENTS_BYTES);
        assert_eq!(made(allow, &exact)["arguments"].to_string(), exact);
    }
}
