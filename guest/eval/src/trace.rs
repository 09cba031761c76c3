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
    condition::{Element, EvalContext, Found, literal_element},
    json::Text,
    number::Number,
    plan::{
        Ref, Step, View,
        layout::{arithmetic, op, operand, over, root},
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
    /// The part must hold for every element of a list; one child an element.
    Every,
    /// The part must hold for one element of a list; one child an element.
    Any,
    /// The part must hold for every member of an object; one child a member.
    EveryMember,
    /// The part must hold for one member of an object; one child a member.
    AnyMember,
    /// The part must hold for one of the texts at and below a value; one child a text.
    Anywhere,
    /// Nothing or `null` must be there, or the part must hold; no child if it is so.
    Optional,
    /// A condition with a name; its child is what it stands for.
    Named,
    /// It has no parts.
    Leaf,
}

/// A condition and its value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConditionTrace {
    /// Its text in the policy; of what is part of a condition with a name, the text in its definition.
    pub source: String,
    /// What `.` is in it, if it is the part of a quantifier.
    pub element: Option<ElementTrace>,
    /// Its kind.
    pub kind: ConditionKind,
    /// Its value.
    pub truth: Truth,
    /// What it looks at. Constants are left out.
    pub operands: Vec<OperandTrace>,
    /// Its parts. Of a quantifier those for at most 16 elements, those that decide among them.
    pub parts: Vec<ConditionTrace>,
}

/// What `.` is in the part of a quantifier.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ElementTrace {
    /// Its position, from 0.
    pub index: usize,
    /// The name of the member whose value it is, as JSON.
    pub name: Option<String>,
    /// Its value as JSON, shortened.
    pub value: String,
}

/// A part of the request that a condition looks at, or what is computed from such.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OperandTrace {
    /// The path or what is computed, as policies write it.
    pub path: String,
    /// What is there, as JSON, shortened; none if nothing is.
    pub value: Option<String>,
    /// For a count of the elements that make a condition true: the condition for at most 16 of them, and for the first for which it is
    /// undefined.
    pub parts: Vec<ConditionTrace>,
}

/// The value of a constraint and of all of its parts.
fn constraint(context: &mut EvalContext<'_, '_>, constraint: Ref) -> ConditionTrace {
    context.forget(constraint);
    let plan = context.plan;
    let (source, node) = (plan.str(constraint, 0), plan.reference(constraint, 2));
    condition(context, source, node, &Element::None, 0)
}

fn condition<'a>(
    context: &mut EvalContext<'a, '_>,
    source: &str,
    node: Ref,
    element: &Element<'a>,
    depth: u32,
) -> ConditionTrace {
    let plan = context.plan;
    let first = plan.word(node, 0);
    if first & 0xff == op::MEMO {
        let child = plan.reference(node, 3);
        return condition(context, source, child, &Element::None, depth + 1);
    }
    let truth = context.condition(node, element, depth);
    let mut operands = Vec::new();
    let mut parts = Vec::new();
    let argument = first >> 8 & 0xff;
    let kind = match first & 0xff {
        kind @ (op::AND | op::OR) => {
            for index in 0..plan.bounded(first >> 16) {
                let part = plan.reference(node, index + 2);
                parts.push(condition(context, source, part, element, depth + 1));
            }
            if kind == op::AND {
                ConditionKind::And
            } else {
                ConditionKind::Or
            }
        }
        op::NOT => {
            let part = plan.reference(node, 2);
            parts.push(condition(context, source, part, element, depth + 1));
            ConditionKind::Not
        }
        op::NAMED => {
            let (part, definition) = (plan.reference(node, 2), plan.str(node, 5));
            parts.push(condition(context, definition, part, element, depth + 1));
            ConditionKind::Named
        }
        op::OPTIONAL => {
            let path = plan.reference(node, 2);
            operands.push(operand_trace(
                context,
                source,
                operand::PATH,
                path,
                element,
                depth,
            ));
            if let Some(found) = context.find(path, element)
                && !matches!(found.value(plan), Value::Null)
            {
                let (body, element) = (plan.reference(node, 3), found.element());
                parts.push(part(context, source, (0, body), &element, depth));
            }
            ConditionKind::Optional
        }
        kind @ (op::EVERY | op::ANY) => {
            let of = plan.reference(node, 2);
            if argument != over::LITERALS {
                operands.push(operand_trace(
                    context,
                    source,
                    operand::PATH,
                    of,
                    element,
                    depth,
                ));
            }
            let decides = Truth::of(kind == op::ANY);
            let body = plan.reference(node, 3);
            parts = elements(
                context,
                source,
                (argument, of),
                body,
                decides,
                element,
                depth,
            );
            match (argument, kind == op::EVERY) {
                (over::MEMBERS, true) => ConditionKind::EveryMember,
                (over::MEMBERS, false) => ConditionKind::AnyMember,
                (over::TEXTS, _) => ConditionKind::Anywhere,
                (_, true) => ConditionKind::Every,
                (_, false) => ConditionKind::Any,
            }
        }
        kind => {
            let kinds = match kind {
                op::COMPARE | op::TEXT_IN => [Some(first >> 16 & 0xf), Some(first >> 20 & 0xf)],
                op::IN => [Some(first >> 16 & 0xf), None],
                op::IN_PATH => [Some(first >> 16 & 0xf), Some(operand::PATH)],
                _ => [Some(operand::PATH), None],
            };
            for (kind, index) in kinds.into_iter().zip(2..) {
                if let Some(kind) = kind {
                    let at = plan.reference(node, index);
                    operand_traces(context, source, kind, at, element, depth, &mut operands);
                }
            }
            ConditionKind::Leaf
        }
    };
    ConditionTrace {
        source: source_of(plan, source, node).to_string(),
        element: None,
        kind,
        truth,
        operands,
        parts,
    }
}

/// The text of a condition.
fn source_of<'s>(plan: View<'_>, source: &'s str, node: Ref) -> &'s str {
    let span = plan.word(node, 1);
    let (start, end) = ((span & 0xffff) as usize, (span >> 16) as usize);
    source.get(start..end).unwrap_or(source)
}

/// The body of a quantifier for one element.
fn part<'a>(
    context: &mut EvalContext<'a, '_>,
    source: &str,
    (index, body): (usize, Ref),
    element: &Element<'a>,
    depth: u32,
) -> ConditionTrace {
    let mut part = condition(context, source, body, element, depth + 1);
    let plan = context.plan;
    let (name, value) = match element {
        Element::None => (None, Value::Null),
        Element::Node(document, node) => (None, Value::of_node(document, node)),
        Element::Member(document, node) => {
            let mut name = String::new();
            write_string(document.name(node), &mut name);
            (Some(name), Value::of_node(document, node))
        }
        Element::Text(text) => (None, Value::String(*text)),
        Element::Literal(at) => (None, Value::of_literal(plan, *at)),
    };
    part.element = Some(ElementTrace {
        index,
        name,
        value: render(plan, &value),
    });
    part
}

/// The body of a quantifier for the first elements, and for the first one that decides.
fn elements<'a>(
    context: &mut EvalContext<'a, '_>,
    source: &str,
    (what, of): (u32, Ref),
    body: Ref,
    decides: Truth,
    element: &Element<'a>,
    depth: u32,
) -> Vec<ConditionTrace> {
    let mut all: Vec<Element<'a>> = Vec::new();
    if let Some(elements) = context.elements(what, of, element) {
        all.extend(elements);
    } else if what == over::TEXTS
        && let Some(Found::Literal(at)) = context.find(of, element)
    {
        texts_of_literal(context.plan, at, &mut all, 0);
    }
    let mut parts = Vec::new();
    for (index, element) in all.iter().enumerate() {
        let decisive = context.condition(body, element, depth + 1) == decides;
        if index < MAX_ELEMENTS || decisive {
            parts.push(part(context, source, (index, body), element, depth));
        }
        if decisive {
            break;
        }
    }
    parts
}

fn texts_of_literal<'a>(plan: View<'a>, at: Ref, texts: &mut Vec<Element<'a>>, level: usize) {
    if let Value::String(text) = Value::of_literal(plan, at) {
        texts.push(Element::Text(text));
    }
    let mut index = 0;
    while level <= crate::json::MAX_DEPTH
        && let Some(element) = literal_element(plan, at, index)
    {
        texts_of_literal(plan, element, texts, level + 1);
        index += 1;
    }
}

/// What an operand leads to, and before it what it is computed from; nothing for constants.
fn operand_traces<'a>(
    context: &mut EvalContext<'a, '_>,
    source: &str,
    kind: u32,
    at: Ref,
    element: &Element<'a>,
    depth: u32,
    traces: &mut Vec<OperandTrace>,
) {
    let plan = context.plan;
    if kind == operand::LITERAL {
        return;
    }
    if kind == operand::ARITHMETIC {
        for index in 0..plan.count(at, 0) {
            let kind = plan.word(at, 1 + 2 * index) >> 8;
            if kind != operand::LITERAL && kind != operand::ARITHMETIC {
                let at = plan.reference(at, 2 + 2 * index);
                traces.push(operand_trace(context, source, kind, at, element, depth));
            }
        }
    }
    traces.push(operand_trace(context, source, kind, at, element, depth));
}

fn operand_trace<'a>(
    context: &mut EvalContext<'a, '_>,
    source: &str,
    kind: u32,
    at: Ref,
    element: &Element<'a>,
    depth: u32,
) -> OperandTrace {
    let plan = context.plan;
    let mut parts = Vec::new();
    if kind == operand::COUNT_IF {
        let (of, body) = (
            (over::ELEMENTS, plan.reference(at, 0)),
            plan.reference(at, 2),
        );
        parts = elements(context, source, of, body, Truth::Undefined, element, depth);
    }
    let mut room = None;
    let value = context.operand(kind, at, element, depth, &mut room);
    OperandTrace {
        path: operand_text(plan, source, kind, at),
        value: value.map(|value| render(plan, &value)),
        parts,
    }
}

/// An operand as policies write it.
fn operand_text(plan: View<'_>, source: &str, kind: u32, at: Ref) -> String {
    let path = |index| path_text(plan, plan.reference(at, index));
    if kind & operand::LOWER != 0 {
        let of = operand_text(plan, source, kind & !operand::LOWER, at);
        return format!("lower({of})");
    }
    match kind {
        operand::PATH => path_text(plan, at),
        operand::COUNT => format!("count({})", path(0)),
        operand::TYPE => format!("type({})", path_text(plan, at)),
        operand::SUM => format!("sum({}, {})", path(0), path(2)),
        operand::COUNT_IF => {
            let body = source_of(plan, source, plan.reference(at, 2));
            format!("count({}, {body})", path(0))
        }
        operand::ARITHMETIC => {
            let mut text = String::new();
            for index in 0..plan.count(at, 0) {
                let first = plan.word(at, 1 + 2 * index);
                let (kind, of) = (first >> 8, plan.reference(at, 2 + 2 * index));
                text.push_str(match (index, first & 0xff) {
                    (0, _) => "",
                    (_, arithmetic::ADD) => " + ",
                    (_, arithmetic::SUBTRACT) => " - ",
                    _ => " * ",
                });
                if kind != operand::ARITHMETIC {
                    text.push_str(&operand_text(plan, source, kind, of));
                }
            }
            text
        }
        _ => render(plan, &Value::of_literal(plan, at)),
    }
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
        root::SAID => "said",
        root::USAGE => "usage",
        root::USER_USAGE => "user_usage",
        _ => ".",
    };
    let steps = (0..plan.count(at, 2)).map(|index| match plan.step(at, index) {
        Step::Member(name) => written::Step::Member(core::str::from_utf8(name).unwrap_or_default()),
        Step::Element(index) => written::Step::Element(index as u32),
    });
    let mut path = String::new();
    // Writing into a string does not fail.
    let _ = written::write_path(&mut path, root, steps);
    path
}

/// A value as JSON, shortened.
fn render<'a>(plan: View<'a>, value: &Value<'a>) -> String {
    let mut out = String::new();
    write(plan, value, &mut out);
    if out.chars().count() > MAX_VALUE {
        out = out.chars().take(MAX_VALUE).collect();
        out.push('…');
    }
    out
}

fn write<'a>(plan: View<'a>, value: &Value<'a>, out: &mut String) {
    if out.len() > 4 * MAX_VALUE {
        return;
    }
    match value {
        Value::Null => out.push_str("null"),
        Value::Bool(value) => out.push_str(if *value { "true" } else { "false" }),
        Value::Number(Number::Integer(integer)) => out.push_str(&integer.to_string()),
        Value::Number(Number::Text(number)) => out.push_str(&String::from_utf8_lossy(number)),
        Value::Number(Number::Exact(exact)) => out.push_str(&exact.to_string()),
        Value::String(string) => write_string(*string, out),
        Value::List(list) => {
            out.push('[');
            for index in 0..list.len(plan).min(MAX_VALUE as u32) {
                out.push_str(if index > 0 { ", " } else { "" });
                write(plan, &list.get(plan, index), out);
            }
            out.push(']');
        }
        Value::Object(document, node) => {
            out.push('{');
            for (index, member) in document.children(node).iter().take(MAX_VALUE).enumerate() {
                out.push_str(if index > 0 { ", " } else { "" });
                write_string(document.name(member), out);
                out.push_str(": ");
                write(plan, &Value::of_node(document, member), out);
            }
            out.push('}');
        }
    }
}

/// A string as the request writes it, still escaped; one in lower case as it is then.
fn write_string(string: Text<'_>, out: &mut String) {
    if string.is_lower() {
        let bytes: Vec<u8> = string.bytes().take(8 * MAX_VALUE).collect();
        // Writing into a string does not fail.
        let _ = written::write_text(out, &String::from_utf8_lossy(&bytes));
        return;
    }
    out.push('"');
    out.push_str(&String::from_utf8_lossy(string.raw));
    out.push('"');
}
