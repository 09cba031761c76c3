//! A verdict, for people and for programs.

use hexgate_host::Effect;
use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::value::RawValue;

use crate::output::{Style, Tone, harmless, shortened};
use crate::policy::{
    decide::{Answer, Call, EngineName},
    explain::Explanation,
    inspect::permits::{Paths, Scope, Terms},
    subject::Subject,
};

/// The longest arguments that are shown, in characters.
const SHOWN: usize = 1000;

/// The verdict for people.
pub(super) fn human(call: &Call<'_>, answer: &Answer) -> String {
    let (tone, mark, word) = match answer.outcome {
        Effect::Allow => (Tone::Good, "✓", "ALLOW"),
        Effect::NeedsApproval => (Tone::Warn, "⚠", "APPROVAL_REQUIRED"),
        Effect::Deny => (Tone::Bad, "✗", "DENY"),
    };
    let head = Style::stdout().paint(tone, &format!("{mark} {word}"));
    let mut text = format!(
        "{head} · {} → {}({})\n",
        roles(call.roles),
        harmless(call.tool),
        shortened(&arguments(call.arguments), SHOWN)
    );
    if answer.outcome == Effect::Allow {
        return text;
    }
    text.push_str(&format!("  reason: {}\n", harmless(&answer.reason)));
    if !answer.violations.is_empty() {
        text.push_str("  violations:\n");
    }
    for violation in &answer.violations {
        text.push_str(&format!("    • {}\n", harmless(violation)));
    }
    if let Some(hint) = &answer.hint
        && let Ok(hint) = serde_json::to_string(&Paths::from(hint.clone()))
    {
        text.push_str(&format!("  hint: {}\n", harmless(&hint)));
    }
    if let Some(message) = &answer.message {
        text.push_str(&format!("  message: {}\n", harmless(message)));
    }
    if let Some(terms) = &answer.terms {
        let terms = Terms::from(terms.clone());
        text.push_str(&format!("  approval: {}\n", harmless(&terms.words())));
    }
    text
}

/// A verdict as JSON.
#[derive(Serialize)]
pub(super) struct Verdict<'a> {
    outcome: &'static str,
    /// The role on whose authority the call may happen.
    role: Option<&'a str>,
    reason: &'a str,
    violations: &'a [String],
    hint: Option<Paths>,
    /// All that a path must satisfy.
    scope: Option<Scope>,
    /// What the policy's author wants the model to be told.
    #[serde(skip_serializing_if = "Option::is_none")]
    message: Option<&'a str>,
    /// Who has to agree.
    #[serde(skip_serializing_if = "Option::is_none")]
    approval: Option<Terms>,
    engine: &'static str,
    roles: &'a [String],
    tool: &'a str,
    /// The text that was decided.
    arguments: &'a str,
    facts: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    explanation: Option<&'a Explanation>,
}

/// The verdict for programs.
pub(super) fn json<'a>(
    call: &Call<'a>,
    answer: &'a Answer,
    scope: Option<Scope>,
    engine: EngineName,
    explanation: Option<&'a Explanation>,
) -> Verdict<'a> {
    Verdict {
        outcome: answer.outcome.as_str(),
        role: answer.role.as_deref(),
        reason: &answer.reason,
        violations: &answer.violations,
        hint: answer.hint.clone().map(Paths::from),
        scope,
        message: answer.message.as_deref(),
        approval: answer.terms.clone().map(Terms::from),
        engine: engine.name(),
        roles: call.roles,
        tool: call.tool,
        arguments: call.arguments,
        facts: call.facts,
        explanation,
    }
}

/// The scope that a grant names; none if only the component itself could tell.
pub(super) fn scope(subject: &Subject, id: u32) -> Option<Scope> {
    let plan = subject.known("a scope").ok()?;
    plan.scope(id).ok()?.map(Scope::from)
}

/// `billing`, `[support, billing]`, or `default` without any.
fn roles(roles: &[String]) -> String {
    match roles {
        [] => "default".to_owned(),
        [role] => harmless(role).into_owned(),
        roles => harmless(&format!("[{}]", roles.join(", "))).into_owned(),
    }
}

/// Arguments on one line with their members sorted, as earlier tools show them; every scalar as written.
fn arguments(text: &str) -> String {
    let mut out = String::new();
    if write(text, &mut out).is_ok() {
        out
    } else {
        text.to_owned()
    }
}

fn write(text: &str, out: &mut String) -> serde_json::Result<()> {
    let text = text.trim();
    if text.starts_with('{') {
        let members: BTreeMap<String, &RawValue> = serde_json::from_str(text)?;
        out.push('{');
        for (index, (name, value)) in members.into_iter().enumerate() {
            out.push_str(if index > 0 { ", " } else { "" });
            out.push_str(&serde_json::to_string(&name)?);
            out.push_str(": ");
            write(value.get(), out)?;
        }
        out.push('}');
    } else if text.starts_with('[') {
        let elements: Vec<&RawValue> = serde_json::from_str(text)?;
        out.push('[');
        for (index, element) in elements.into_iter().enumerate() {
            out.push_str(if index > 0 { ", " } else { "" });
            write(element.get(), out)?;
        }
        out.push(']');
    } else {
        out.push_str(text);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arguments_are_shown_sorted_and_exact() {
        assert_eq!(
            arguments(" {\"b\":[1.0,1e2, {}],\n\"a\":\"x\\u00e4\"} "),
            r#"{"a": "x\u00e4", "b": [1.0, 1e2, {}]}"#
        );
        assert_eq!(arguments("{}"), "{}");
    }

    #[test]
    fn callers_are_named_as_they_came() {
        assert_eq!(roles(&[]), "default");
        assert_eq!(roles(&["a".into()]), "a");
        assert_eq!(roles(&["b".into(), "a".into()]), "[b, a]");
    }
}
