//! Roles, rules, outcome, and the text of a denial.

use super::{
    condition::Scene,
    policy::{Constraint, Entry, Mode, Policy, Role},
};
use crate::{
    case::{Answer, Call, Denial, Grant, Paths},
    json::{self, Fault, Json},
};

/// The longest accepted arguments and facts, in bytes.
const TEXT_BYTES: usize = 1 << 20;
/// The longest name, in bytes.
const NAME_BYTES: usize = 256;
/// The most roles in one call.
const ROLES: usize = 32;
/// The longest reason, in bytes.
const REASON_BYTES: usize = 4096;

/// What one role says.
enum Verdict {
    Allow(Option<Paths>),
    NeedsApproval(Option<Paths>),
    Deny(Denial),
}

/// Answers a call.
pub fn decide(policy: &Policy, call: &Call) -> Answer {
    let (args, facts) = match read(policy, call) {
        Ok(read) => read,
        Err(answer) => return answer,
    };
    let mut known: Vec<(Option<u32>, &str)> = Vec::new();
    for (index, name) in (0..).zip(&call.roles) {
        let repeated = known.iter().any(|(_, other)| other == name);
        if !repeated && policy.roles.iter().any(|(role, _)| role == name) {
            known.push((Some(index), name));
        }
    }
    if known.is_empty() {
        known.push((None, "default"));
    }
    let verdicts: Vec<Verdict> = known
        .iter()
        .map(|(_, role)| ask(policy, role, &call.tool, &args, &facts))
        .collect();

    for ((role, _), verdict) in known.iter().zip(&verdicts) {
        if let Verdict::Allow(scope) = verdict {
            return Answer::Allow(Grant {
                role: *role,
                scope: scope.clone(),
            });
        }
    }
    for ((role, _), verdict) in known.iter().zip(&verdicts) {
        if let Verdict::NeedsApproval(scope) = verdict {
            return Answer::NeedsApproval(Grant {
                role: *role,
                scope: scope.clone(),
            });
        }
    }
    let denials: Vec<Denial> = verdicts
        .into_iter()
        .filter_map(|verdict| match verdict {
            Verdict::Deny(denial) => Some(denial),
            Verdict::Allow(_) | Verdict::NeedsApproval(_) => None,
        })
        .collect();
    let names: Vec<&str> = known.iter().map(|(_, name)| *name).collect();
    Answer::Deny(merge(&names, &denials))
}

/// Reads the request's parts, in the order in which they stand in it.
fn read(policy: &Policy, call: &Call) -> Result<(Json, Json), Answer> {
    let bad_name = |name: &String| name.len() > NAME_BYTES || name.chars().any(char::is_control);
    if call.roles.len() > ROLES || call.roles.iter().any(bad_name) {
        return Err(Answer::Malformed("roles"));
    }
    if bad_name(&call.tool) {
        return Err(Answer::Malformed("tool"));
    }
    let args = object(policy, &call.args, "arguments")?;
    let facts = match &call.facts {
        Some(text) => object(policy, text, "facts")?,
        None => Json::Object(Vec::new()),
    };
    let foreign = |members: &[(String, Json)]| {
        members
            .iter()
            .any(|(name, _)| !["ctx", "run", "user"].contains(&name.as_str()))
    };
    if facts.as_object().is_none_or(foreign) {
        return Err(Answer::Malformed("facts"));
    }
    Ok((args, facts))
}

fn object(policy: &Policy, text: &str, field: &'static str) -> Result<Json, Answer> {
    if text.len() > TEXT_BYTES {
        return Err(Answer::Exceeded(format!("{field}-bytes")));
    }
    let parse = if policy.portable {
        json::parse_portable
    } else {
        json::parse
    };
    match parse(text) {
        Ok(value @ Json::Object(_)) => Ok(value),
        Ok(_) | Err(Fault::Malformed(_)) => Err(Answer::Malformed(field)),
        Err(Fault::Exceeded(limit)) => Err(Answer::Exceeded(limit.to_owned())),
    }
}

/// What one role says about the call. A role that the policy does not have can only be a missing default.
fn ask(policy: &Policy, name: &str, tool: &str, args: &Json, facts: &Json) -> Verdict {
    let unlisted = || {
        Verdict::Deny(Denial {
            reason: format!(
                "Policy denied tool {} (no allow rule matched for role {})",
                text(tool),
                text(name)
            ),
            violations: Vec::new(),
            hint: None,
        })
    };
    let Some((_, role)) = policy.roles.iter().find(|(other, _)| other == name) else {
        return unlisted();
    };
    let listed = role
        .tools
        .iter()
        .find(|(other, _)| other == tool)
        .map(|(_, entry)| entry);
    let entry = match (listed, &role.default_policy) {
        (Some(entry), _) => entry,
        (None, Some(entry)) if entry.mode != Mode::Deny && !closed(tool) => entry,
        (None, _) => return unlisted(),
    };
    judge(role, name, entry, tool, args, facts)
}

/// Names that no default reaches.
fn closed(tool: &str) -> bool {
    [
        "agent.",
        "hexgate.",
        "skill:",
        "skill.resource:",
        "skill.script:",
    ]
    .iter()
    .any(|prefix| tool.starts_with(prefix))
}

fn judge(role: &Role, name: &str, entry: &Entry, tool: &str, args: &Json, facts: &Json) -> Verdict {
    let deny = |reason: String, violations: Vec<String>, hint: Option<Paths>| {
        Verdict::Deny(Denial {
            reason,
            violations,
            hint,
        })
    };
    if entry.mode == Mode::Deny {
        return deny(
            format!("Policy denied tool {}", text(tool)),
            Vec::new(),
            None,
        );
    }
    let mut scene = Scene {
        args,
        facts,
        role: name,
        tool,
        elements: Vec::new(),
    };
    let mut violations = Vec::new();
    for Constraint { source, expr } in role.constraints.iter().chain(&entry.constraints) {
        if scene.value(expr) != Some(true) && !violations.contains(source) {
            violations.push(source.clone());
        }
    }
    if !violations.is_empty() {
        let reason = format!(
            "Policy denied tool {}: {}",
            text(tool),
            violations.join("; ")
        );
        return deny(cut(reason), violations, None);
    }
    let paths = entry.scope.as_ref().map(|scope| scope.paths.clone());
    if entry.scope.as_ref().is_some_and(|scope| !scope.holds(args)) {
        return deny(
            format!("Policy denied tool {} for the requested path", text(tool)),
            Vec::new(),
            paths,
        );
    }
    if entry.mode == Mode::NeedsApproval {
        Verdict::NeedsApproval(paths)
    } else {
        Verdict::Allow(paths)
    }
}

/// One denial out of each role's.
fn merge(names: &[&str], denials: &[Denial]) -> Denial {
    if let [denial] = denials {
        return denial.clone();
    }
    let list: Vec<String> = names.iter().map(|name| text(name)).collect();
    let each: Vec<String> = names
        .iter()
        .zip(denials)
        .map(|(name, denial)| format!("{name}: {}", denial.reason))
        .collect();
    let mut violations: Vec<String> = Vec::new();
    for violation in denials.iter().flat_map(|denial| &denial.violations) {
        if !violations.contains(violation) {
            violations.push(violation.clone());
        }
    }
    let first = denials.first().and_then(|denial| denial.hint.clone());
    let hint = if denials.iter().all(|denial| denial.hint == first) {
        first
    } else {
        None
    };
    Denial {
        reason: cut(format!(
            "denied for all roles [{}]: {}",
            list.join(", "),
            each.join("; ")
        )),
        violations,
        hint,
    }
}

/// A name as a JSON string. Names have no control characters, so two escapes are all there is.
fn text(name: &str) -> String {
    format!("\"{}\"", name.replace('\\', "\\\\").replace('"', "\\\""))
}

/// The longest beginning that fits and ends between two characters.
fn cut(mut reason: String) -> String {
    while reason.len() > REASON_BYTES {
        reason.pop();
    }
    reason
}
