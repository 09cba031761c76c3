//! The value of every part of a decision, for people who ask why.
//!
//! A trace evaluates with the same code as [`crate::decide`], part by part, and is for explanations only: the verdict is what
//! `decide` says.

use alloc::{
    format,
    string::{String, ToString},
    vec::Vec,
};

use core::cell::Cell;

use hexgate_contract::{Mode, PathScope, Request};

use crate::{
    condition::{Element, EvalContext, Found},
    decide::{Reading, Scratch},
    error::Error,
    json::{Text, kind, kind_of},
    number::Number,
    plan::{
        Plan, Ref, View,
        layout::{mode, op, operand, root},
        patterns,
    },
    rules::{Applicable, Roles, Tool, in_scope},
    value::{Truth, Value},
    written,
};

/// How many elements of a list are traced.
const MAX_ELEMENTS: usize = 16;
/// The longest rendering of a value, in characters.
const MAX_VALUE: usize = 120;

/// How one role judges a call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RoleTrace {
    /// The role.
    pub role: String,
    /// Whether the role lists the tool. If not, its rule for unlisted tools applies.
    pub listed: bool,
    /// Whether the tool's name is closed and unlisted, so that no rule applies.
    pub closed: bool,
    /// The effect if all constraints hold.
    pub mode: Mode,
    /// The constraints, in the order of evaluation; empty if the mode is to deny.
    pub constraints: Vec<ConditionTrace>,
    /// The file scope.
    pub scope: Option<ScopeTrace>,
}

/// The kind of a condition.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ConditionKind {
    /// All parts must hold.
    And,
    /// One part must hold.
    Or,
    /// The part must be false.
    Not,
    /// The part must hold for every element; one child an element.
    Every,
    /// The part must hold for one element; one child an element.
    Any,
    /// It has no parts.
    Leaf,
}

/// A condition and its value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConditionTrace {
    /// Its text in the policy.
    pub source: String,
    /// Its kind.
    pub kind: ConditionKind,
    /// Its value.
    pub truth: Truth,
    /// What it looks at. Constants are left out.
    pub operands: Vec<OperandTrace>,
    /// Its parts. At most 16 elements of a list, those that decide among them.
    pub parts: Vec<ConditionTrace>,
}

/// A part of the request that a condition looks at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OperandTrace {
    /// The path, as policies write it.
    pub path: String,
    /// What is there, as JSON, shortened; none if nothing is.
    pub value: Option<String>,
}

/// A file scope and the path that it judges.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ScopeTrace {
    /// The argument that holds the path.
    pub argument: String,
    /// What is there, as JSON; none if nothing is.
    pub value: Option<String>,
    /// Whether the scope covers it.
    pub holds: bool,
    /// The patterns.
    pub paths: PathScope,
}

/// Traces a call for each role that decides it, in the order in which they do.
///
/// # Errors
/// As [`crate::decide`].
pub fn trace(
    plan: &Plan<'_>,
    request: &Request<'_>,
    scratch: &mut Scratch<'_>,
) -> Result<Vec<RoleTrace>, Error> {
    let reading = Reading::of(plan, request, scratch)?;
    let damage = Cell::new(None);
    let plan = View::of(*plan, &damage);
    let tool = Tool::of(plan, request, reading.grown);
    let mut context = EvalContext {
        plan,
        arguments: &reading.arguments,
        facts: reading.facts.as_ref(),
        role: b"",
        tool: request.tool.as_bytes(),
        memo: reading.memo,
    };
    let mut traces = Vec::new();
    let mut roles = Roles::of(plan, request);
    while let Some((role, _)) = roles.next() {
        context.role = plan.text(role, 0);
        let found = Applicable::of(plan, role, tool);
        traces.push(role_trace(
            &mut context,
            plan.str(role, 0),
            found,
            reading.path,
        ));
    }
    match damage.get() {
        None => Ok(traces),
        Some(damaged) => Err(damaged.into()),
    }
}

fn role_trace(
    context: &mut EvalContext<'_, '_>,
    role: &str,
    found: Applicable,
    path: &mut [u8],
) -> RoleTrace {
    let plan = context.plan;
    let mut trace = RoleTrace {
        role: role.into(),
        listed: found.listed,
        closed: found.rule.is_none(),
        mode: Mode::Deny,
        constraints: Vec::new(),
        scope: None,
    };
    let Some(rule) = found.rule else { return trace };
    trace.mode = match plan.word(rule, 0) {
        mode::ALLOW => Mode::Allow,
        mode::NEEDS_APPROVAL => Mode::NeedsApproval,
        _ => return trace,
    };
    for index in 0..plan.count(rule, 2) {
        let constraint = plan.reference(rule, 3 + index);
        context.forget(constraint);
        let source = plan.str(constraint, 0);
        trace.constraints.push(condition(
            context,
            source,
            plan.reference(constraint, 2),
            None,
            0,
        ));
    }
    let scope = plan.reference(rule, 1);
    if scope != 0 {
        let arguments = context.arguments;
        let argument = plan.str(scope, 1);
        let value = arguments.member(arguments.node(0), argument.as_bytes());
        let value = value.map(|node| render(&Value::of_node(arguments, node)));
        let holds = in_scope(context, scope, path);
        trace.scope = Some(ScopeTrace {
            argument: argument.into(),
            value,
            holds,
            paths: patterns(plan, scope),
        });
    }
    trace
}

fn condition<'a>(
    context: &mut EvalContext<'a, '_>,
    source: &str,
    node: Ref,
    element: Element<'a>,
    depth: u32,
) -> ConditionTrace {
    let plan = context.plan;
    let first = plan.word(node, 0);
    if first & 0xff == op::MEMO {
        return condition(context, source, plan.reference(node, 3), None, depth + 1);
    }
    let truth = context.condition(node, element, depth);
    let span = plan.word(node, 1);
    let (start, end) = ((span & 0xffff) as usize, (span >> 16) as usize);
    let mut operands = Vec::new();
    let mut parts = Vec::new();
    let kind = match first & 0xff {
        op::AND | op::OR => {
            for index in 0..(first >> 16) as usize {
                parts.push(condition(
                    context,
                    source,
                    plan.reference(node, index + 2),
                    element,
                    depth + 1,
                ));
            }
            if first & 0xff == op::AND {
                ConditionKind::And
            } else {
                ConditionKind::Or
            }
        }
        op::NOT => {
            parts.push(condition(
                context,
                source,
                plan.reference(node, 2),
                element,
                depth + 1,
            ));
            ConditionKind::Not
        }
        op::EVERY | op::ANY => {
            operands.extend(operand_trace(
                context,
                operand::PATH,
                plan.reference(node, 2),
                element,
            ));
            parts = elements(context, source, node, element, depth);
            if first & 0xff == op::EVERY {
                ConditionKind::Every
            } else {
                ConditionKind::Any
            }
        }
        op::COMPARE => {
            for (kind, index) in [(first >> 16 & 0xf, 2), (first >> 20 & 0xf, 3)] {
                operands.extend(operand_trace(
                    context,
                    kind,
                    plan.reference(node, index),
                    element,
                ));
            }
            ConditionKind::Leaf
        }
        op::IN => {
            operands.extend(operand_trace(
                context,
                first >> 16 & 0xf,
                plan.reference(node, 2),
                element,
            ));
            ConditionKind::Leaf
        }
        _ => {
            operands.extend(operand_trace(
                context,
                operand::PATH,
                plan.reference(node, 2),
                element,
            ));
            ConditionKind::Leaf
        }
    };
    let source = source.get(start..end).unwrap_or(source).to_string();
    ConditionTrace {
        source,
        kind,
        truth,
        operands,
        parts,
    }
}

/// The body of a quantifier for the first elements, and for the first one that decides.
fn elements<'a>(
    context: &mut EvalContext<'a, '_>,
    source: &str,
    node: Ref,
    element: Element<'a>,
    depth: u32,
) -> Vec<ConditionTrace> {
    let plan = context.plan;
    let decides = if plan.word(node, 0) & 0xff == op::EVERY {
        Truth::False
    } else {
        Truth::True
    };
    let mut parts = Vec::new();
    let Some(Found::Node(document, list)) = context.find(plan.reference(node, 2), element) else {
        return parts;
    };
    if kind_of(list) != kind::LIST {
        return parts;
    }
    for (index, element) in document.children(list).iter().enumerate() {
        let element = Some((document, element));
        let body = plan.reference(node, 3);
        let shown = index < MAX_ELEMENTS;
        let decisive = context.condition(body, element, depth + 1) == decides;
        if shown || decisive {
            parts.push(condition(context, source, body, element, depth + 1));
        }
        if decisive {
            break;
        }
    }
    parts
}

/// What an operand leads to; nothing for constants.
fn operand_trace<'a>(
    context: &mut EvalContext<'a, '_>,
    kind: u32,
    at: Ref,
    element: Element<'a>,
) -> Option<OperandTrace> {
    let plan = context.plan;
    let path = match kind {
        operand::PATH => path_text(plan, at),
        operand::COUNT => format!("count({})", path_text(plan, plan.reference(at, 0))),
        _ => return None,
    };
    let value = context
        .operand(kind, at, element)
        .map(|value| render(&value));
    Some(OperandTrace { path, value })
}

/// A path as policies write it.
fn path_text(plan: View<'_>, at: Ref) -> String {
    let first = plan.word(at, 0) & 0xff;
    let root = match first {
        root::ARGS => "args",
        root::CTX => "ctx",
        root::RUN => "run",
        root::USER => "user",
        root::ROLE => "role",
        root::TOOL => "tool",
        _ => ".",
    };
    let steps =
        (0..plan.count(at, 2)).map(|step| written::Step::Member(plan.str(at, 3 + 2 * step)));
    let mut path = String::new();
    // Writing into a string does not fail.
    let _ = written::write_path(&mut path, root, steps);
    path
}

/// A value as JSON, shortened.
fn render(value: &Value<'_>) -> String {
    let mut out = String::new();
    write(value, &mut out);
    if out.chars().count() > MAX_VALUE {
        out = out.chars().take(MAX_VALUE).collect();
        out.push('…');
    }
    out
}

fn write(value: &Value<'_>, out: &mut String) {
    if out.len() > 4 * MAX_VALUE {
        return;
    }
    match value {
        Value::Null => out.push_str("null"),
        Value::Bool(value) => out.push_str(if *value { "true" } else { "false" }),
        Value::Number(Number::Integer(integer)) => out.push_str(&integer.to_string()),
        Value::Number(Number::Text(number)) => out.push_str(&String::from_utf8_lossy(number)),
        Value::String(string) => write_string(*string, out),
        Value::List(list) => {
            out.push('[');
            for index in 0..list.len().min(MAX_VALUE as u32) {
                out.push_str(if index > 0 { ", " } else { "" });
                write(&list.get(index), out);
            }
            out.push(']');
        }
        Value::Object(document, node) => {
            out.push('{');
            for (index, member) in document.children(node).iter().take(MAX_VALUE).enumerate() {
                out.push_str(if index > 0 { ", " } else { "" });
                write_string(document.name(member), out);
                out.push_str(": ");
                write(&Value::of_node(document, member), out);
            }
            out.push('}');
        }
    }
}

/// A string as the request writes it: still escaped.
fn write_string(string: Text<'_>, out: &mut String) {
    out.push('"');
    out.push_str(&String::from_utf8_lossy(string.raw));
    out.push('"');
}
