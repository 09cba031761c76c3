//! A verdict, for people and for programs.

use hexgate_host::Effect;
use std::collections::BTreeMap;

use hexgate_host::{ApprovalTerms, PathScope, PathStyle};
use serde::Serialize;
use serde_json::value::RawValue;

use crate::output::{Style, Tone, harmless, shortened};
use crate::policy::{
    decide::{Answer, Call, EngineName},
    explain::Explanation,
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
        && let Ok(hint) = serde_json::to_string(&Paths::from(hint))
    {
        text.push_str(&format!("  hint: {}\n", harmless(&hint)));
    }
    if let Some(message) = &answer.message {
        text.push_str(&format!("  message: {}\n", harmless(message)));
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
    hint: Option<Paths<'a>>,
    /// The file scope within which the call may happen.
    scope: Option<Scope>,
    /// What the policy's author wants the model to be told.
    #[serde(skip_serializing_if = "Option::is_none")]
    message: Option<&'a str>,
    /// Who has to agree.
    #[serde(skip_serializing_if = "Option::is_none")]
    approval: Option<Approval<'a>>,
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
        hint: answer.hint.as_ref().map(Paths::from),
        scope,
        message: answer.message.as_deref(),
        approval: answer.terms.as_ref().map(Approval::from),
        engine: engine.name(),
        roles: call.roles,
        tool: call.tool,
        arguments: call.arguments,
        facts: call.facts,
        explanation,
    }
}

/// Who has to agree, on what terms: what is absent is the host's.
#[derive(Serialize)]
struct Approval<'a> {
    roles: &'a [String],
    #[serde(skip_serializing_if = "Option::is_none")]
    expires_seconds: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    approvers: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason_required: Option<bool>,
}

impl<'a> From<&'a ApprovalTerms> for Approval<'a> {
    fn from(terms: &'a ApprovalTerms) -> Self {
        Self {
            roles: &terms.roles,
            expires_seconds: terms.expires,
            approvers: terms.approvers,
            reason_required: terms.reason_required,
        }
    }
}

/// Pattern lists, named as in a policy.
#[derive(Serialize)]
struct Paths<'a> {
    allowed_paths: &'a [String],
    denied_paths: &'a [String],
    #[serde(skip_serializing_if = "<[String]>::is_empty")]
    except_paths: &'a [String],
}

impl<'a> From<&'a PathScope> for Paths<'a> {
    fn from(scope: &'a PathScope) -> Self {
        Self {
            allowed_paths: &scope.allowed,
            denied_paths: &scope.denied,
            except_paths: &scope.except,
        }
    }
}

/// A file scope: what is not usual has members of its own.
#[derive(Serialize)]
pub(super) struct Scope {
    /// None: several arguments hold paths, or none is known to.
    #[serde(skip_serializing_if = "Option::is_none")]
    argument: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    arguments: Vec<String>,
    allowed_paths: Vec<String>,
    denied_paths: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    except_paths: Vec<String>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    search: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    style: Option<&'static str>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    exclusions: Vec<Excluded>,
}

/// What is excluded besides.
#[derive(Serialize)]
struct Excluded {
    denied_paths: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    except_paths: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    style: Option<&'static str>,
}

/// The scope that a grant names; none if only the component itself could tell.
pub(super) fn scope(subject: &Subject, id: u32) -> Option<Scope> {
    let plan = subject.known("a scope").ok()?;
    let scope = plan.scope(id).ok()??;
    let style = |style: PathStyle| match style {
        PathStyle::Posix => None,
        PathStyle::Windows => Some(style.as_str()),
    };
    let mut arguments = scope.arguments;
    let argument = if arguments.len() == 1 {
        arguments.pop()
    } else {
        None
    };
    let exclusions = scope.exclusions.into_iter().map(|exclusion| Excluded {
        denied_paths: exclusion.paths.denied,
        except_paths: exclusion.paths.except,
        style: style(exclusion.style),
    });
    Some(Scope {
        argument,
        arguments,
        allowed_paths: scope.paths.allowed,
        denied_paths: scope.paths.denied,
        except_paths: scope.paths.except,
        search: scope.search,
        style: style(scope.style),
        exclusions: exclusions.collect(),
    })
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
