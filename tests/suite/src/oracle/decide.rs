//! Roles, rules, outcome, and the text of a denial.
#![allow(
    clippy::result_large_err,
    reason = "an oracle is read more often than it is run"
)]

use super::{
    condition::Scene,
    policy::{Constraint, Forbid, Mode, Policy, Role, Rule},
    scope::Scope,
};
use crate::{
    case::{Answer, Bounds, Call, Denial, Exclusion, Grant, Needed, Paths, Terms},
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
    Allow(Option<Bounds>),
    NeedsApproval {
        scope: Option<Bounds>,
        terms: Option<Terms>,
        message: Option<String>,
    },
    Deny(Denial),
}

/// Answers a call.
pub fn decide(policy: &Policy, call: &Call) -> Answer {
    let (args, facts) = match read(policy, call) {
        Ok(read) => read,
        Err(answer) => return *answer,
    };
    let mut scene = Scene {
        args: &args,
        facts: &facts,
        // Nothing that no role can grant looks at the role.
        role: "",
        tool: &call.tool,
        elements: Vec::new(),
    };
    if let Some(denial) = forbidden(&policy.forbids, &mut scene) {
        return Answer::Deny(denial);
    }
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
        .map(|(_, role)| {
            scene.role = role;
            ask(policy, &mut scene)
        })
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
        if let Verdict::NeedsApproval {
            scope,
            terms,
            message,
        } = verdict
        {
            return Answer::NeedsApproval(Needed {
                grant: Grant {
                    role: *role,
                    scope: scope.clone(),
                },
                terms: terms.clone(),
                message: message.clone(),
            });
        }
    }
    let denials: Vec<Denial> = verdicts
        .into_iter()
        .filter_map(|verdict| match verdict {
            Verdict::Deny(denial) => Some(denial),
            Verdict::Allow(_) | Verdict::NeedsApproval { .. } => None,
        })
        .collect();
    let names: Vec<&str> = known.iter().map(|(_, name)| *name).collect();
    Answer::Deny(merge(&names, &denials))
}

/// Reads the request's parts, in the order in which they stand in it.
fn read(policy: &Policy, call: &Call) -> Result<(Json, Json), Box<Answer>> {
    let bad_name = |name: &String| name.len() > NAME_BYTES || name.chars().any(char::is_control);
    if call.roles.len() > ROLES || call.roles.iter().any(bad_name) {
        return Err(Box::new(Answer::Malformed("roles")));
    }
    if bad_name(&call.tool) {
        return Err(Box::new(Answer::Malformed("tool")));
    }
    let args = object(policy, &call.args, "arguments")?;
    let facts = match &call.facts {
        Some(text) => object(policy, text, "facts")?,
        None => Json::Object(Vec::new()),
    };
    let foreign = |members: &[(String, Json)]| {
        members.iter().any(|(name, _)| {
            !["ctx", "run", "said", "usage", "user", "user_usage"].contains(&name.as_str())
        })
    };
    if facts.as_object().is_none_or(foreign) {
        return Err(Box::new(Answer::Malformed("facts")));
    }
    Ok((args, facts))
}

fn object(policy: &Policy, text: &str, field: &'static str) -> Result<Json, Box<Answer>> {
    if text.len() > TEXT_BYTES {
        return Err(Box::new(Answer::Exceeded(format!("{field}-bytes"))));
    }
    let parse = if policy.portable {
        json::parse_portable
    } else {
        json::parse
    };
    match parse(text) {
        Ok(value @ Json::Object(_)) => Ok(value),
        Ok(_) | Err(Fault::Malformed(_)) => Err(Box::new(Answer::Malformed(field))),
        Err(Fault::Exceeded(limit)) => Err(Box::new(Answer::Exceeded(limit.to_owned()))),
    }
}

/// What forbids a call, of one list: all that is not false. The first says why, and the first that has a message what the model is told.
fn forbidden(forbids: &[Forbid], scene: &mut Scene<'_>) -> Option<Denial> {
    let about: Vec<&Forbid> = forbids
        .iter()
        .filter(|forbid| is_about(forbid, scene.tool))
        .filter(|forbid| {
            condition(&forbid.constraints, forbid.scope.as_ref(), scene) != Some(false)
        })
        .collect();
    let violations = sources(&about.first()?.constraints);
    Some(Denial {
        reason: because(
            &format!("Policy forbids tool {}", text(scene.tool)),
            &violations,
        ),
        violations,
        hint: None,
        message: about.iter().find_map(|forbid| forbid.message.clone()),
    })
}

fn is_about(forbid: &Forbid, tool: &str) -> bool {
    match &forbid.tools {
        None => !closed(tool),
        Some(names) => names.iter().any(|name| stands_for(name, tool)),
    }
}

/// What an exception or a forbid asks: its constraints and its scope together.
fn condition(
    constraints: &[Constraint],
    scope: Option<&Scope>,
    scene: &mut Scene<'_>,
) -> Option<bool> {
    let mut values: Vec<Option<bool>> = constraints
        .iter()
        .map(|constraint| scene.value(&constraint.expr))
        .collect();
    values.extend(scope.map(|scope| scope.is_meant(scene.args)));
    if values.contains(&Some(false)) {
        Some(false)
    } else if values.contains(&None) {
        None
    } else {
        Some(true)
    }
}

fn sources(constraints: &[Constraint]) -> Vec<String> {
    let mut out = Vec::new();
    for constraint in constraints {
        add(&mut out, &constraint.source);
    }
    out
}

fn add(list: &mut Vec<String>, one: &String) {
    if !list.contains(one) {
        list.push(one.clone());
    }
}

fn because(what: &str, violations: &[String]) -> String {
    if violations.is_empty() {
        what.to_owned()
    } else {
        cut(format!("{what}: {}", violations.join("; ")))
    }
}

/// What one role says about the call. A role that the policy does not have can only be a missing default.
fn ask(policy: &Policy, scene: &mut Scene<'_>) -> Verdict {
    let (name, tool) = (scene.role, scene.tool);
    let unlisted = |message: Option<String>| {
        Verdict::Deny(Denial {
            reason: format!(
                "Policy denied tool {} (no allow rule matched for role {})",
                text(tool),
                text(name)
            ),
            message,
            ..Denial::default()
        })
    };
    let Some((_, role)) = policy.roles.iter().find(|(other, _)| other == name) else {
        return unlisted(None);
    };
    if let Some(denial) = forbidden(&role.forbids, scene) {
        return Verdict::Deny(denial);
    }
    let rules = match (listed(role, tool), &role.default_policy) {
        (Some(rules), _) => rules,
        (None, Some(rule)) if !closed(tool) => match rule.mode {
            Mode::Deny => return unlisted(rule.message.clone()),
            Mode::Allow | Mode::NeedsApproval => std::slice::from_ref(rule),
        },
        (None, _) => return unlisted(None),
    };
    let exclusions = exclusions(policy, role, rules, tool);
    judge(role, rules, exclusions, scene)
}

/// The rules of a tool: those of its name, else those of the pattern with the most bytes that are not stars.
fn listed<'p>(role: &'p Role, tool: &str) -> Option<&'p [Rule]> {
    let exact = role.tools.iter().find(|(other, _)| other == tool);
    let weight = |pattern: &str| pattern.len() - pattern.matches('*').count();
    let best = || {
        let patterns = role.tools.iter().filter(|(other, _)| other.contains('*'));
        patterns
            .filter(|(pattern, _)| stands_for(pattern, tool))
            .max_by_key(|(pattern, _)| weight(pattern))
    };
    let (_, rules) = exact
        .filter(|(name, _)| !name.contains('*'))
        .or_else(best)?;
    Some(rules)
}

/// Whether a name, or a pattern of names, is one for a tool.
fn stands_for(name: &str, tool: &str) -> bool {
    let Some((head, _)) = name.split_once('*') else {
        return name == tool;
    };
    (!closed(tool) || closed(head)) && run(name.as_bytes(), tool.as_bytes())
}

fn run(pattern: &[u8], name: &[u8]) -> bool {
    match pattern.split_first() {
        None => name.is_empty(),
        Some((b'*', rest)) => (0..=name.len())
            .filter_map(|skip| name.get(skip..))
            .any(|tail| run(rest, tail)),
        Some((first, rest)) => name
            .split_first()
            .is_some_and(|(c, tail)| first == c && run(rest, tail)),
    }
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

/// What the exceptions and forbids for a tool exclude, whatever else they ask of a call.
fn exclusions(policy: &Policy, role: &Role, rules: &[Rule], tool: &str) -> Vec<Exclusion> {
    let forbids = policy.forbids.iter().chain(&role.forbids);
    let forbidden = forbids
        .filter(|forbid| is_about(forbid, tool))
        .filter_map(|forbid| forbid.scope.as_ref());
    let excepted = rules
        .iter()
        .filter(|rule| rule.exception)
        .filter_map(|rule| rule.scope.as_ref());
    let mut out: Vec<Exclusion> = forbidden
        .chain(excepted)
        .map(|scope| Exclusion {
            paths: scope.paths.clone(),
            windows: scope.windows,
        })
        .collect();
    out.sort();
    out.dedup();
    out
}

fn judge(
    role: &Role,
    rules: &[Rule],
    exclusions: Vec<Exclusion>,
    scene: &mut Scene<'_>,
) -> Verdict {
    let denied = format!("Policy denied tool {}", text(scene.tool));
    let message = |rules: &[&Rule]| rules.iter().find_map(|rule| rule.message.clone());

    let exceptions: Vec<&Rule> = rules.iter().filter(|rule| rule.exception).collect();
    let forbidding: Vec<&Rule> = exceptions
        .iter()
        .copied()
        .filter(|rule| condition(&rule.constraints, rule.scope.as_ref(), scene) != Some(false))
        .collect();
    if let Some(first) = forbidding.first() {
        let violations = sources(&first.constraints);
        return Verdict::Deny(Denial {
            reason: if violations.is_empty() {
                denied
            } else {
                because(
                    &format!("Policy forbids tool {}", text(scene.tool)),
                    &violations,
                )
            },
            violations,
            hint: None,
            message: message(&forbidding),
        });
    }

    let others: Vec<&Rule> = rules
        .iter()
        .filter(|rule| rule.mode != Mode::Deny)
        .collect();
    if others.is_empty() {
        return Verdict::Deny(Denial {
            reason: denied,
            message: message(&rules.iter().collect::<Vec<_>>()),
            ..Denial::default()
        });
    }
    let (mut holding, mut violations, mut hints) = (Vec::new(), Vec::new(), Vec::<&Paths>::new());
    for rule in &others {
        let untrue: Vec<&String> = role
            .constraints
            .iter()
            .chain(&rule.constraints)
            .filter(|constraint| scene.value(&constraint.expr) != Some(true))
            .map(|constraint| &constraint.source)
            .collect();
        untrue
            .iter()
            .for_each(|source| add(&mut violations, source));
        if untrue.is_empty() {
            match &rule.scope {
                Some(scope) if !scope.holds(scene.args) => hints.push(&scope.paths),
                _ => holding.push(*rule),
            }
        }
    }
    let best = [Mode::Allow, Mode::NeedsApproval]
        .iter()
        .find_map(|mode| holding.iter().find(|rule| rule.mode == *mode));
    if let Some(rule) = best {
        let scope = bounds(rule.scope.as_ref(), exclusions);
        return match rule.mode {
            Mode::Allow => Verdict::Allow(scope),
            Mode::NeedsApproval | Mode::Deny => Verdict::NeedsApproval {
                scope,
                terms: rule.terms.clone(),
                message: rule.message.clone(),
            },
        };
    }
    let first = hints.first().copied();
    Verdict::Deny(Denial {
        reason: if violations.is_empty() {
            format!("{denied} for the requested path")
        } else {
            because(&denied, &violations)
        },
        violations,
        hint: first
            .filter(|first| hints.iter().all(|hint| hint == first))
            .cloned(),
        message: message(&others),
    })
}

fn bounds(scope: Option<&Scope>, exclusions: Vec<Exclusion>) -> Option<Bounds> {
    let Some(scope) = scope else {
        return (!exclusions.is_empty()).then(|| Bounds {
            exclusions,
            ..Bounds::default()
        });
    };
    Some(Bounds {
        arguments: scope.arguments.clone(),
        search: scope.search,
        paths: scope.paths.clone(),
        windows: scope.windows,
        exclusions,
    })
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
        message: denials.iter().find_map(|denial| denial.message.clone()),
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
