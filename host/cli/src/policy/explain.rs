//! Explains a decision, and what would have made the call pass.
//!
//! The values come from the evaluator's own trace. What a call lacks is derived from it and the typed constraints, leaf by leaf; conditions
//! that already have the needed value are left out.

mod human;
mod need;
mod scope;
mod values;
mod words;

use std::{collections::BTreeMap, sync::Arc};

use hexgate_compiler::{
    constraint,
    expr::Expr,
    model::{self, Constraint},
};
use hexgate_eval::{
    Plan, Truth, Workspace,
    trace::{
        ConditionKind, ConditionTrace, EntryTrace, ForbidTrace, RoleTrace, RuleTrace, ScopeTrace,
        trace,
    },
};
use hexgate_host::{Mode, PathStyle, Request, Tools};
use serde::Serialize;

use super::{
    decide::{Call, roles_of},
    subject::Subject,
};
use need::Need;
use values::Values;

/// The explanation of one decision.
#[derive(Debug, Serialize)]
pub(super) struct Explanation {
    /// The forbids for the tool that no role can lift.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    forbids: Vec<Forbid>,
    roles: Vec<Role>,
    /// The message if no role decides.
    #[serde(skip_serializing_if = "Option::is_none")]
    note: Option<String>,
}

/// How a forbid judges the call.
#[derive(Debug, Serialize)]
struct Forbid {
    /// Whether it denies: its condition is not false.
    forbids: bool,
    /// The value of its condition.
    value: &'static str,
    constraints: Vec<Condition>,
    file_scope: Option<FileScope>,
    #[serde(skip_serializing_if = "Option::is_none")]
    message: Option<String>,
    /// What would have made the call pass; empty if it does.
    needs: Vec<Need>,
}

/// How one role judges the call.
#[derive(Debug, Serialize)]
struct Role {
    role: String,
    /// Which entry applies: `listed`, `pattern`, `unlisted`, `closed`.
    rule: &'static str,
    /// The pattern that matches.
    #[serde(skip_serializing_if = "Option::is_none")]
    pattern: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    forbids: Vec<Forbid>,
    #[serde(flatten)]
    entry: Entry,
}

/// The rules that apply.
#[derive(Debug, Serialize)]
#[serde(untagged)]
enum Entry {
    One(Box<Rule>),
    Several { rules: Vec<Rule>, needs: Vec<Need> },
}

/// How one rule judges the call.
#[derive(Debug, Serialize)]
struct Rule {
    mode: String,
    /// Whether it denies unless its condition is false.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    exception: bool,
    /// Whether all holds, so that the mode is the outcome.
    holds: bool,
    constraints: Vec<Condition>,
    file_scope: Option<FileScope>,
    #[serde(skip_serializing_if = "Option::is_none")]
    message: Option<String>,
    /// What would have made the call pass; empty if it does. Of several rules what this one lacks.
    needs: Vec<Need>,
}

/// A condition and its parts.
#[derive(Debug, Serialize)]
struct Condition {
    source: String,
    value: &'static str,
    /// What `.` is in it.
    #[serde(skip_serializing_if = "Option::is_none")]
    element: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    operands: Vec<Operand>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    parts: Vec<Condition>,
}

#[derive(Debug, Serialize)]
struct Operand {
    path: String,
    /// JSON, shortened; none if nothing is there.
    value: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    parts: Vec<Condition>,
}

#[derive(Debug, Serialize)]
struct FileScope {
    /// The first argument, as where there is one.
    argument: String,
    value: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    further: Vec<Operand>,
    /// Whether it covers the paths; of a forbid or an exception, whether it is about one of them.
    holds: bool,
    /// The same, where that cannot be told too: of what forbids, it forbids then.
    truth: &'static str,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    search: bool,
    /// If they are not those of POSIX.
    #[serde(skip_serializing_if = "Option::is_none")]
    style: Option<&'static str>,
    allowed_paths: Vec<String>,
    denied_paths: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    except_paths: Vec<String>,
}

/// Explains the decision of a policy of the known engine.
pub(super) fn explain(subject: &Subject, call: &Call<'_>) -> anyhow::Result<Explanation> {
    let plan = subject.known("`--explain`")?;
    let names: Vec<&str> = call.roles.iter().map(String::as_str).collect();
    let request = Request::new(call.tool, call.arguments)
        .roles(&names)
        .optional_facts(call.facts);
    let mut workspace = Workspace::new();
    let mut scratch = workspace.scratch(&plan, &request)?;
    let traced = trace(&plan, &request, &mut scratch)?;
    let model = subject.compiled.as_ref().map(|compiled| &compiled.model);

    let values = Values::new(call.arguments, call.facts, "", call.tool);
    let ceiling = model.map_or(&[][..], |model| &model.forbids);
    let forbids = forbids(&traced.forbids, ceiling, call.tool, &values);
    let mut roles = Vec::new();
    for trace in &traced.roles {
        roles.push(role(&plan, model, call, trace)?);
    }
    let note = if roles.is_empty() {
        Some(nobody(&plan, call)?)
    } else {
        None
    };
    Ok(Explanation {
        forbids,
        roles,
        note,
    })
}

fn role(
    plan: &Plan<'_>,
    model: Option<&model::Policy>,
    call: &Call<'_>,
    trace: &RoleTrace,
) -> anyhow::Result<Role> {
    let (kind, pattern) = match &trace.entry {
        EntryTrace::Listed => ("listed", None),
        EntryTrace::Pattern(pattern) => ("pattern", Some(pattern.clone())),
        EntryTrace::Unlisted => ("unlisted", None),
        EntryTrace::Closed => ("closed", None),
    };
    let role = model.and_then(|model| model.roles.get(&trace.role));
    let values = Values::new(call.arguments, call.facts, &trace.role, call.tool);
    let own = role.map_or(&[][..], |role| &role.forbids);
    let forbids = forbids(&trace.forbids, own, call.tool, &values);
    let modelled: &[Arc<model::Rule>] = role.map_or(&[], |role| match &trace.entry {
        EntryTrace::Listed => role.tools.get(call.tool).map_or(&[], model::Entry::rules),
        EntryTrace::Pattern(text) => {
            let mut patterns = role.patterns.iter();
            let found = patterns.find(|(pattern, _)| pattern.as_str() == text);
            found.map_or(&[], |(_, entry)| entry.rules())
        }
        EntryTrace::Unlisted => std::slice::from_ref(&role.default_rule),
        EntryTrace::Closed => &[],
    });
    let mut rules = Vec::new();
    for (index, traced) in trace.rules.iter().enumerate() {
        let constraints = modelled
            .get(index)
            .map_or(&[][..], |rule| &rule.constraints);
        rules.push(rule(traced, constraints, &values));
    }
    let denies = |rule: &Rule| rule.mode == "deny" && !rule.exception;
    let entry = match rules.pop() {
        None => Entry::One(Box::new(Rule::denied(denied(
            plan,
            call.tool,
            &trace.entry,
        )?))),
        Some(mut one) if rules.is_empty() && !one.exception => {
            if denies(&one) {
                one.needs = vec![Need::act(denied(plan, call.tool, &trace.entry)?)];
            }
            Entry::One(Box::new(one))
        }
        Some(last) => {
            rules.push(last);
            Entry::Several {
                needs: several_needs(&rules),
                rules,
            }
        }
    };
    Ok(Role {
        role: trace.role.clone(),
        rule: kind,
        pattern,
        forbids,
        entry,
    })
}

impl Rule {
    /// As of a rule whose mode is to deny.
    fn denied(need: String) -> Self {
        Self {
            mode: Mode::Deny.in_policy().to_owned(),
            exception: false,
            holds: false,
            constraints: Vec::new(),
            file_scope: None,
            message: None,
            needs: vec![Need::act(need)],
        }
    }
}

fn rule(trace: &RuleTrace, modelled: &[Arc<Constraint>], values: &Values<'_>) -> Rule {
    let needs = if trace.exception {
        needs_to_be_false(
            trace.truth,
            &trace.constraints,
            trace.scope.as_ref(),
            modelled,
            values,
        )
    } else {
        let constraints = trace.constraints.iter().enumerate();
        let needs = constraints.filter_map(|(index, traced)| {
            need::of_constraint(
                traced,
                typed(modelled, index, traced).as_ref(),
                true,
                values,
            )
        });
        let scope = trace.scope.as_ref();
        needs
            .chain(scope.and_then(|traced| scope::need(traced, values)))
            .collect()
    };
    Rule {
        mode: trace.mode.in_policy().to_owned(),
        exception: trace.exception,
        holds: !trace.exception && trace.mode != Mode::Deny && trace.truth == Truth::True,
        constraints: trace.constraints.iter().map(condition).collect(),
        file_scope: trace.scope.as_ref().map(file_scope),
        message: trace.message.clone(),
        needs,
    }
}

/// What several rules lack together: no exception may deny, and one of the others must hold.
fn several_needs(rules: &[Rule]) -> Vec<Need> {
    let (exceptions, others): (Vec<&Rule>, Vec<&Rule>) =
        rules.iter().partition(|rule| rule.exception);
    let mut needs: Vec<Need> = exceptions
        .iter()
        .flat_map(|rule| rule.needs.iter().cloned())
        .collect();
    if others.is_empty() {
        needs.push(Need::act(
            "all rules of the tool are exceptions, so none can allow the call",
        ));
    } else if !others.iter().any(|rule| rule.holds) {
        let lacking = others
            .iter()
            .filter_map(|rule| Need::all(rule.needs.clone()));
        needs.extend(Need::one_of(lacking.collect()));
    }
    needs
}

fn forbids(
    traces: &[ForbidTrace],
    modelled: &[Arc<model::Forbid>],
    tool: &str,
    values: &Values<'_>,
) -> Vec<Forbid> {
    let mut modelled = modelled.iter().filter(|forbid| forbid.tools.contain(tool));
    traces
        .iter()
        .map(|trace| {
            let constraints = modelled
                .next()
                .map_or(&[][..], |forbid| &forbid.constraints);
            Forbid {
                forbids: trace.truth != Truth::False,
                value: name(trace.truth),
                constraints: trace.constraints.iter().map(condition).collect(),
                file_scope: trace.scope.as_ref().map(file_scope),
                message: trace.message.clone(),
                needs: needs_to_be_false(
                    trace.truth,
                    &trace.constraints,
                    trace.scope.as_ref(),
                    constraints,
                    values,
                ),
            }
        })
        .collect()
}

/// What the condition of an exception or forbid lacks to be false: one of its parts must be.
fn needs_to_be_false(
    truth: Truth,
    constraints: &[ConditionTrace],
    scope: Option<&ScopeTrace>,
    modelled: &[Arc<Constraint>],
    values: &Values<'_>,
) -> Vec<Need> {
    if truth == Truth::False {
        return Vec::new();
    }
    let parts = constraints
        .iter()
        .enumerate()
        .filter_map(|(index, traced)| {
            need::of_constraint(
                traced,
                typed(modelled, index, traced).as_ref(),
                false,
                values,
            )
        });
    let parts = parts.chain(scope.and_then(|traced| scope::need_outside(traced, values)));
    let one = Need::one_of(parts.collect());
    vec![one.unwrap_or_else(|| Need::act("this is forbidden for all arguments"))]
}

/// The typed form of a constraint: the model's, or else what the text says by itself. None where it names constants or conditions.
fn typed(modelled: &[Arc<Constraint>], index: usize, traced: &ConditionTrace) -> Option<Expr> {
    match modelled.get(index) {
        Some(constraint) => Some(constraint.expr.clone()),
        None => constraint::parse(&traced.source, &BTreeMap::new())
            .ok()
            .map(|parsed| parsed.expr),
    }
}

fn file_scope(scope: &ScopeTrace) -> FileScope {
    let mut arguments = scope.arguments.iter();
    let first = arguments.next();
    FileScope {
        argument: first.map(|one| one.name.clone()).unwrap_or_default(),
        value: first.and_then(|one| one.value.clone()),
        further: arguments
            .map(|one| Operand {
                path: one.name.clone(),
                value: one.value.clone(),
                parts: Vec::new(),
            })
            .collect(),
        holds: scope.truth == Truth::True,
        truth: name(scope.truth),
        search: scope.search,
        style: (scope.style != PathStyle::Posix).then(|| scope.style.as_str()),
        allowed_paths: scope.paths.allowed.clone(),
        denied_paths: scope.paths.denied.clone(),
        except_paths: scope.paths.except.clone(),
    }
}

fn name(truth: Truth) -> &'static str {
    match truth {
        Truth::True => "true",
        Truth::False => "false",
        Truth::Undefined => "undefined",
    }
}

fn condition(trace: &ConditionTrace) -> Condition {
    // The elements of a list are seen where the list is; members, texts and constants are seen here alone.
    let shows = match trace.kind {
        ConditionKind::EveryMember | ConditionKind::AnyMember | ConditionKind::Anywhere => true,
        ConditionKind::Every | ConditionKind::Any => trace.operands.is_empty(),
        ConditionKind::And
        | ConditionKind::Or
        | ConditionKind::Not
        | ConditionKind::Optional
        | ConditionKind::Named
        | ConditionKind::Leaf => false,
    };
    let operand = |operand: &hexgate_eval::trace::OperandTrace| Operand {
        path: operand.path.clone(),
        value: operand.value.clone(),
        parts: operand.parts.iter().map(condition).collect(),
    };
    let part = |part: &ConditionTrace| {
        let element = part.element.as_ref().filter(|_| shows);
        Condition {
            element: element.map(|element| match &element.name {
                Some(name) => format!("{name}: {}", element.value),
                None => element.value.clone(),
            }),
            ..condition(part)
        }
    };
    Condition {
        source: trace.source.clone(),
        value: name(trace.truth),
        element: None,
        operands: trace.operands.iter().map(operand).collect(),
        parts: trace.parts.iter().map(part).collect(),
    }
}

/// What to do where the mode is to deny.
fn denied(plan: &Plan<'_>, tool: &str, entry: &EntryTrace) -> anyhow::Result<String> {
    let cause = match entry {
        EntryTrace::Listed => "the mode of the rule is `deny`, for all arguments".to_owned(),
        EntryTrace::Pattern(pattern) => {
            format!("the mode of the rule for `{pattern}` is `deny`, for all arguments")
        }
        EntryTrace::Unlisted => {
            "the role does not list this tool, and denies unlisted tools".to_owned()
        }
        EntryTrace::Closed => "the role does not list this tool, and a name with this prefix is denied unless it is listed".to_owned(),
    };
    let permitting = permitting(plan, tool)?;
    Ok(if permitting.is_empty() {
        format!("{cause}; no role of this policy permits the tool")
    } else {
        format!(
            "{cause}; call with one of the roles that permit it: {}",
            permitting.join(", ")
        )
    })
}

/// The roles that permit a tool under some condition, with their best modes.
fn permitting(plan: &Plan<'_>, tool: &str) -> anyhow::Result<Vec<String>> {
    let mut found = Vec::new();
    for index in 0..plan.about()?.roles {
        let Some(role) = plan.role(index)? else {
            continue;
        };
        // The rule for unlisted tools stands first, then names, then patterns in the order in which they are tried.
        let mut unlisted = Vec::new();
        let mut best: Option<(&str, Vec<Mode>)> = None;
        for rule in role.rules(0, u32::MAX)? {
            let mode = rule.mode()?;
            let name = match rule.tools()? {
                Tools::Unlisted => {
                    unlisted.push(mode);
                    continue;
                }
                Tools::Exact(name) if name == tool => name,
                Tools::Pattern(pattern) if hexgate_eval::names::matches(pattern, tool) => pattern,
                Tools::Exact(_) | Tools::Pattern(_) => continue,
            };
            match &mut best {
                None => best = Some((name, vec![mode])),
                Some((first, modes)) if *first == name => modes.push(mode),
                Some(_) => {}
            }
        }
        if hexgate_eval::names::is_closed(tool) {
            unlisted.clear();
        }
        let modes = best.map_or(unlisted, |(_, modes)| modes);
        if let Some(mode) = modes.into_iter().max().filter(|mode| *mode != Mode::Deny) {
            found.push(format!("`{}` ({mode})", role.name()?));
        }
    }
    Ok(found)
}

/// The message for a caller for whom no role decides.
fn nobody(plan: &Plan<'_>, call: &Call<'_>) -> anyhow::Result<String> {
    let caller = if call.roles.is_empty() {
        "the caller has no role"
    } else {
        "the policy knows none of the caller's roles"
    };
    let known = roles_of(plan)?;
    let remedy = if known.is_empty() {
        "it has no roles at all".to_owned()
    } else {
        format!("call with one of `{}`", known.join("`, `"))
    };
    Ok(format!(
        "{caller}, and there is no role `default`, so no rule applies; {remedy}"
    ))
}
