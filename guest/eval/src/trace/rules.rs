//! How forbids, rules and scopes judge a call.

use alloc::{string::String, vec::Vec};

use hexgate_contract::{Mode, PathScope, PathStyle, Request};

use super::{ConditionTrace, constraint, render};
use crate::{
    condition::EvalContext,
    decide::{Reading, Scratch},
    error::Error,
    plan::{Marked, Plan, Ref, Shape, layout::mode, patterns},
    rules::{self, Applicable, Roles, Tool, in_scope, is_about, is_exception},
    scope::excludes_call,
    value::{Truth, Value},
};

/// How a policy judges a call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trace {
    /// The forbids for the tool that no role can lift, in order. If one of them denies no role is asked.
    pub forbids: Vec<ForbidTrace>,
    /// The roles that decide, in the order in which they do. They are traced even if no role is asked.
    pub roles: Vec<RoleTrace>,
}

/// How one role judges a call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RoleTrace {
    /// The role.
    pub role: String,
    /// Its forbids for the tool, in order.
    pub forbids: Vec<ForbidTrace>,
    /// Which entry applies.
    pub entry: EntryTrace,
    /// The rules of that entry, in order; none if no entry applies.
    pub rules: Vec<RuleTrace>,
}

/// Which entry of a role applies.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum EntryTrace {
    /// The one for the tool's name.
    Listed,
    /// The one for this pattern.
    Pattern(String),
    /// The one for unlisted tools.
    Unlisted,
    /// None: the tool's name is closed and not listed.
    Closed,
}

/// A rule and how it judges a call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RuleTrace {
    /// The effect if it holds.
    pub mode: Mode,
    /// Whether it is an exception among several rules: it denies unless its condition is false.
    pub exception: bool,
    /// Of an exception the value of its condition. Of any other rule true if it holds.
    pub truth: Truth,
    /// The constraints, in the order of evaluation; empty for a rule of [`Mode::Deny`] that is no exception.
    pub constraints: Vec<ConditionTrace>,
    /// The file scope.
    pub scope: Option<ScopeTrace>,
    /// What the model is told if it denies or asks.
    pub message: Option<String>,
    /// The id of the terms of the approval that it asks for.
    pub terms: Option<u32>,
}

/// A forbid for the tool and how it judges a call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ForbidTrace {
    /// Its position among all forbids of its place, from 0.
    pub position: usize,
    /// The value of its condition: it denies unless this is false.
    pub truth: Truth,
    /// The constraints, in order.
    pub constraints: Vec<ConditionTrace>,
    /// The file scope.
    pub scope: Option<ScopeTrace>,
    /// What the model is told if it denies.
    pub message: Option<String>,
}

/// A file scope and the paths that it judges.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ScopeTrace {
    /// The arguments that hold paths.
    pub arguments: Vec<ArgumentTrace>,
    /// Whether the tool searches below the path.
    pub search: bool,
    /// How paths are written.
    pub style: PathStyle,
    /// Of a rule: true if it covers all paths. Of an exception or forbid: whether a path is among those that it is about.
    pub truth: Truth,
    /// The patterns.
    pub paths: PathScope,
}

/// An argument that holds a path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ArgumentTrace {
    /// Its name.
    pub name: String,
    /// What is there, as JSON, shortened; none if nothing is.
    pub value: Option<String>,
}

/// Traces a call.
///
/// # Errors
/// As [`crate::decide`].
pub fn trace(
    plan: &Plan<'_>,
    request: &Request<'_>,
    scratch: &mut Scratch<'_>,
) -> Result<Trace, Error> {
    let reading = Reading::of(plan, request, scratch)?;
    let whole = Marked::of(*plan);
    let plan = whole.view();
    let tool = Tool::of(plan, request, reading.grown);
    let mut context = EvalContext {
        plan,
        arguments: &reading.arguments,
        facts: reading.facts.as_ref(),
        role: b"",
        tool: request.tool.as_bytes(),
        memo: reading.memo,
        used: 0,
    };
    let path = reading.path;
    let ceiling: Vec<Ref> = if tool.grown {
        plan.ceiling().collect()
    } else {
        Vec::new()
    };
    let forbids = forbids(&mut context, ceiling, tool, path);
    let mut traces = Vec::new();
    let mut roles = Roles::of(plan, request);
    while let Some((role, _)) = roles.next() {
        context.role = plan.text(role, 0);
        traces.push(role_trace(&mut context, role, tool, path));
    }
    match whole.damage() {
        None => Ok(Trace {
            forbids,
            roles: traces,
        }),
        Some(damaged) => Err(damaged.into()),
    }
}

fn role_trace(
    context: &mut EvalContext<'_, '_>,
    role: Ref,
    tool: Tool<'_>,
    path: &mut [u8],
) -> RoleTrace {
    let plan = context.plan;
    let own: Vec<Ref> = if tool.grown {
        plan.forbids(role).collect()
    } else {
        Vec::new()
    };
    let forbids = forbids(context, own, tool, path);
    let found = Applicable::of(plan, role, tool);
    let entry = match (found.rule, found.listed) {
        (None, _) => EntryTrace::Closed,
        (Some(_), false) => EntryTrace::Unlisted,
        (Some(_), true) => match found.pattern {
            Some(pattern) => EntryTrace::Pattern(plan.str(pattern, 0).into()),
            None => EntryTrace::Listed,
        },
    };
    let mut traces = Vec::new();
    if let Some(entry) = found.rule {
        let several = tool.grown && plan.word(entry, 0) == mode::SEVERAL;
        for rule in plan.rules(entry) {
            traces.push(rule_trace(context, rule, several, tool, path));
        }
    }
    RoleTrace {
        role: plan.str(role, 0).into(),
        forbids,
        entry,
        rules: traces,
    }
}

fn rule_trace(
    context: &mut EvalContext<'_, '_>,
    rule: Ref,
    several: bool,
    tool: Tool<'_>,
    path: &mut [u8],
) -> RuleTrace {
    let plan = context.plan;
    let denies = is_exception(plan, rule);
    let exception = several && denies;
    let mut trace = RuleTrace {
        mode: match plan.word(rule, 0) & mode::MASK {
            mode::ALLOW => Mode::Allow,
            mode::NEEDS_APPROVAL => Mode::NeedsApproval,
            _ => Mode::Deny,
        },
        exception,
        truth: Truth::True,
        constraints: Vec::new(),
        scope: None,
        message: tool
            .grown
            .then(|| plan.message(rule))
            .flatten()
            .map(String::from),
        terms: tool.grown.then(|| plan.terms(rule)).flatten(),
    };
    if exception {
        trace.truth = rules::condition(context, rule, path);
    } else if denies {
        trace.truth = Truth::False;
        return trace;
    }
    trace.constraints = constraints(context, rule);
    trace.scope = scope_trace(context, rule, exception, path);
    if !exception {
        let parts = trace.constraints.iter().map(|constraint| constraint.truth);
        let parts = parts.chain(trace.scope.as_ref().map(|scope| scope.truth));
        trace.truth = parts.fold(Truth::True, |all, part| all & part);
    }
    trace
}

fn forbids(
    context: &mut EvalContext<'_, '_>,
    all: Vec<Ref>,
    tool: Tool<'_>,
    path: &mut [u8],
) -> Vec<ForbidTrace> {
    let plan = context.plan;
    let all = all.into_iter().enumerate();
    all.filter(|(_, forbid)| is_about(plan, *forbid, tool))
        .map(|(position, forbid)| ForbidTrace {
            position,
            truth: rules::condition(context, forbid, path),
            constraints: constraints(context, forbid),
            scope: scope_trace(context, forbid, true, path),
            message: plan.message(forbid).map(String::from),
        })
        .collect()
}

fn constraints(context: &mut EvalContext<'_, '_>, rule: Ref) -> Vec<ConditionTrace> {
    let constraints: Vec<Ref> = context.plan.constraints(rule).collect();
    constraints
        .into_iter()
        .map(|at| constraint(context, at))
        .collect()
}

/// The scope of a rule, or of what forbids.
fn scope_trace(
    context: &EvalContext<'_, '_>,
    rule: Ref,
    forbids: bool,
    path: &mut [u8],
) -> Option<ScopeTrace> {
    let (plan, arguments) = (context.plan, context.arguments);
    let scope = plan.reference(rule, 1);
    if scope == 0 {
        return None;
    }
    let shape = Shape::of(plan, scope);
    let argument = |index| {
        let name = plan.str(shape.argument(index), 0);
        let value = arguments.member(arguments.node(0), name.as_bytes());
        ArgumentTrace {
            name: name.into(),
            value: value.map(|node| render(plan, &Value::of_node(arguments, node))),
        }
    };
    Some(ScopeTrace {
        arguments: (0..shape.argument_count()).map(argument).collect(),
        search: shape.search,
        style: shape.style(),
        truth: if forbids {
            excludes_call(plan, scope, arguments, path)
        } else {
            Truth::of(in_scope(context, scope, path))
        },
        paths: patterns(plan, scope),
    })
}
