//! The value of every part of a decision, for people who ask why.
//!
//! A trace evaluates with the same code as [`crate::decide`], part by part, and is for explanations only: the verdict is what
//! `decide` says.

use alloc::{
    format,
    string::{String, ToString},
    vec::Vec,
};

mod rules;

use crate::{
    condition::{Element, EvalContext, Found},
    json::{Text, kind, kind_of},
    number::Number,
    plan::{
        Ref, View,
        layout::{op, operand, root},
    },
    value::{Truth, Value},
    written,
};

pub use rules::{
    ArgumentTrace, EntryTrace, ForbidTrace, RoleTrace, RuleTrace, ScopeTrace, Trace, trace,
};

/// How many elements of a list are traced.
const MAX_ELEMENTS: usize = 16;
/// The longest rendering of a value, in characters.
const MAX_VALUE: usize = 120;

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

/// The value of a constraint and of all of its parts.
fn constraint(context: &mut EvalContext<'_, '_>, constraint: Ref) -> ConditionTrace {
    context.forget(constraint);
    let plan = context.plan;
    let (source, node) = (plan.str(constraint, 0), plan.reference(constraint, 2));
    condition(context, source, node, None, 0)
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
