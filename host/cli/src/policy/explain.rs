//! Explains a decision, and what would have made the call pass.
//!
//! The values come from the evaluator's own trace. What a call lacks is derived from it and the typed constraints, leaf by leaf; conditions
//! that already have the needed value are left out.

mod human;
mod need;
mod scope;
mod values;
mod words;

use std::collections::BTreeMap;

use hexgate_compiler::{
    constraint,
    expr::Expr,
    model::{self, Constraint},
};
use hexgate_eval::{
    Plan, Truth, Workspace,
    trace::{ConditionTrace, RoleTrace, trace},
};
use hexgate_host::{Mode, Request};
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
    roles: Vec<Role>,
    /// The message if no role decides.
    #[serde(skip_serializing_if = "Option::is_none")]
    note: Option<String>,
}

/// How one role judges the call.
#[derive(Debug, Serialize)]
struct Role {
    role: String,
    rule: RuleKind,
    mode: String,
    /// Whether all holds, so that the mode is the outcome.
    holds: bool,
    constraints: Vec<Condition>,
    file_scope: Option<FileScope>,
    /// What would have made the call pass; empty if it does.
    needs: Vec<Need>,
}

/// Which rule applies.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
enum RuleKind {
    /// The role lists the tool.
    Listed,
    /// The role's rule for unlisted tools.
    Unlisted,
    /// None: the tool's name never falls to the rule for unlisted tools.
    Closed,
}

/// A condition and its parts.
#[derive(Debug, Serialize)]
struct Condition {
    source: String,
    value: &'static str,
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
}

#[derive(Debug, Serialize)]
struct FileScope {
    argument: String,
    value: Option<String>,
    holds: bool,
    allowed_paths: Vec<String>,
    denied_paths: Vec<String>,
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
    let traces = trace(&plan, &request, &mut scratch)?;

    let mut roles = Vec::new();
    for trace in &traces {
        roles.push(role(
            &plan,
            subject.compiled.as_ref().map(|compiled| &compiled.model),
            call,
            trace,
        )?);
    }
    let note = if roles.is_empty() {
        Some(nobody(&plan, call)?)
    } else {
        None
    };
    Ok(Explanation { roles, note })
}

fn role(
    plan: &Plan<'_>,
    model: Option<&model::Policy>,
    call: &Call<'_>,
    trace: &RoleTrace,
) -> anyhow::Result<Role> {
    let rule = match (trace.closed, trace.listed) {
        (true, _) => RuleKind::Closed,
        (false, true) => RuleKind::Listed,
        (false, false) => RuleKind::Unlisted,
    };
    let mut needs = Vec::new();
    if trace.mode == Mode::Deny {
        needs.push(Need::act(denied(plan, call.tool, rule)?));
    } else {
        let values = Values::new(call.arguments, call.facts, &trace.role, call.tool);
        let constraints = constraints(model, trace, call.tool);
        for (traced, expr) in trace.constraints.iter().zip(constraints) {
            needs.extend(need::of_constraint(traced, expr.as_ref(), &values));
        }
        needs.extend(
            trace
                .scope
                .as_ref()
                .and_then(|traced| scope::need(traced, &values)),
        );
    }
    let holds = trace.mode != Mode::Deny
        && trace
            .constraints
            .iter()
            .all(|traced| traced.truth == Truth::True)
        && trace.scope.as_ref().is_none_or(|scope| scope.holds);
    Ok(Role {
        role: trace.role.clone(),
        rule,
        mode: trace.mode.in_policy().to_owned(),
        holds,
        constraints: trace.constraints.iter().map(condition).collect(),
        file_scope: trace.scope.as_ref().map(|scope| FileScope {
            argument: scope.argument.clone(),
            value: scope.value.clone(),
            holds: scope.holds,
            allowed_paths: scope.paths.allowed.clone(),
            denied_paths: scope.paths.denied.clone(),
        }),
        needs,
    })
}

/// The typed form of each constraint: the model's, or else what the text says by itself. None where it names constants.
fn constraints(model: Option<&model::Policy>, trace: &RoleTrace, tool: &str) -> Vec<Option<Expr>> {
    let role = model.and_then(|model| model.roles.get(&trace.role));
    let rule = role.map(|role| {
        if trace.listed {
            role.tools.get(tool).unwrap_or(&role.default_rule)
        } else {
            &role.default_rule
        }
    });
    let modelled: &[std::sync::Arc<Constraint>] = rule.map_or(&[], |rule| &rule.constraints);
    let none = BTreeMap::new();
    let one = |(index, traced): (usize, &ConditionTrace)| match modelled.get(index) {
        Some(constraint) => Some(constraint.expr.clone()),
        None => constraint::parse(&traced.source, &none)
            .ok()
            .map(|parsed| parsed.expr),
    };
    trace.constraints.iter().enumerate().map(one).collect()
}

fn condition(trace: &ConditionTrace) -> Condition {
    let value = match trace.truth {
        Truth::True => "true",
        Truth::False => "false",
        Truth::Undefined => "undefined",
    };
    let operand = |operand: &hexgate_eval::trace::OperandTrace| Operand {
        path: operand.path.clone(),
        value: operand.value.clone(),
    };
    Condition {
        source: trace.source.clone(),
        value,
        operands: trace.operands.iter().map(operand).collect(),
        parts: trace.parts.iter().map(condition).collect(),
    }
}

/// What to do where the mode is to deny.
fn denied(plan: &Plan<'_>, tool: &str, rule: RuleKind) -> anyhow::Result<String> {
    let cause = match rule {
        RuleKind::Listed => "the mode of the rule is `deny`, for all arguments",
        RuleKind::Unlisted => "the role does not list this tool, and denies unlisted tools",
        RuleKind::Closed => {
            "the role does not list this tool, and a name with this prefix is denied unless it is listed"
        }
    };
    let permitting = permitting(plan, tool, rule == RuleKind::Closed)?;
    Ok(if permitting.is_empty() {
        format!("{cause}; no role of this policy permits the tool")
    } else {
        format!(
            "{cause}; call with one of the roles that permit it: {}",
            permitting.join(", ")
        )
    })
}

/// The roles that permit a tool under some condition, with their modes.
fn permitting(plan: &Plan<'_>, tool: &str, closed: bool) -> anyhow::Result<Vec<String>> {
    let mut found = Vec::new();
    for index in 0..plan.about()?.roles {
        let Some(role) = plan.role(index)? else {
            continue;
        };
        let mut mode = None;
        for index in 0..role.rule_count()? {
            let Some(rule) = role.rule(index)? else {
                continue;
            };
            match rule.tool()? {
                Some(name) if name == tool => mode = Some(rule.mode()?),
                None if !closed => mode = Some(rule.mode()?),
                _ => {}
            }
        }
        if let Some(mode) = mode.filter(|mode| *mode != Mode::Deny) {
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
