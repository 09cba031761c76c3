//! Comparisons and membership. Rego compares values of all types with each other, so each form says which types it is about.

use super::{
    helper::{Helper, Helpers},
    text::{inline, literal, quoted},
};
use crate::{
    constraint::constant,
    expr::{CompareOp, Literal, Type},
};

/// One side of a comparison.
#[derive(Debug)]
pub(super) struct Term<'e> {
    pub(super) text: String,
    /// Its type, where that is known before the call.
    pub(super) kind: Option<Type>,
    /// Its value, where that is.
    pub(super) literal: Option<&'e Literal>,
    /// It is a variable. OPA concludes from the first line that compares one what type it has, and refuses a later line that takes it
    /// for another; a line that asks for its type keeps it from that.
    pub(super) variable: bool,
}

/// The lines that hold if a comparison is true, or false; none if it never is.
pub(super) fn comparison(
    op: CompareOp,
    left: &Term<'_>,
    right: &Term<'_>,
    wanted: bool,
    helpers: &mut Helpers,
) -> Option<Vec<String>> {
    // A line must not begin with a literal: a minus or a bracket would continue the line before.
    let (op, left, right) = if left.literal.is_some() {
        (op.mirrored(), right, left)
    } else {
        (op, left, right)
    };
    match op {
        CompareOp::Equal => equality(left, right, wanted, helpers),
        CompareOp::NotEqual => equality(left, right, !wanted, helpers),
        CompareOp::Less
        | CompareOp::LessOrEqual
        | CompareOp::Greater
        | CompareOp::GreaterOrEqual => order(op, left, right, wanted, helpers),
    }
}

fn equality(
    left: &Term<'_>,
    right: &Term<'_>,
    wanted: bool,
    helpers: &mut Helpers,
) -> Option<Vec<String>> {
    if let (Some(one), Some(other)) = (left.literal, right.literal) {
        return fixed(constant::holds(CompareOp::Equal, one, other)?, wanted);
    }
    let equal = format!("{} == {}", left.text, right.text);
    let unequal = format!("{} != {}", left.text, right.text);
    match (left.kind, right.kind) {
        // A written `null` compares with values of every type.
        (None, Some(Type::Null)) if wanted && left.variable => {
            Some(vec![is(Type::Null, &left.text)])
        }
        (None, Some(Type::Null)) => Some(vec![if wanted { equal } else { unequal }]),
        (Some(_), Some(Type::Null)) => {
            helpers.need(Helper::Present);
            (!wanted).then(|| vec![format!("present({})", left.text)])
        }
        (Some(one), Some(other)) if one != other => None,
        (None, Some(kind)) if wanted && left.variable => Some(vec![is(kind, &left.text), equal]),
        (Some(kind), None) if wanted && right.variable => Some(vec![is(kind, &right.text), equal]),
        _ if wanted => Some(vec![equal]),
        (None, None) => Some(vec![
            format!("type_name({}) == type_name({})", left.text, right.text),
            unequal,
        ]),
        (Some(_), Some(_)) => Some(vec![unequal]),
        (Some(kind), None) => Some(vec![is(kind, &right.text), unequal]),
        (None, Some(kind)) => Some(vec![is(kind, &left.text), unequal]),
    }
}

fn order(
    op: CompareOp,
    left: &Term<'_>,
    right: &Term<'_>,
    wanted: bool,
    helpers: &mut Helpers,
) -> Option<Vec<String>> {
    if let (Some(one), Some(other)) = (left.literal, right.literal) {
        return fixed(constant::holds(op, one, other)?, wanted);
    }
    let mut lines = match (left.kind, right.kind) {
        (None, None) => {
            helpers.need(Helper::Ordered);
            vec![format!("ordered({}, {})", left.text, right.text)]
        }
        (Some(kind), None) if kind.has_order() => vec![is(kind, &right.text)],
        (None, Some(kind)) if kind.has_order() => vec![is(kind, &left.text)],
        (Some(one), Some(other)) if one == other && one.has_order() => Vec::new(),
        _ => return None,
    };
    // Within one of these types every two values have an order, so the opposite of an operator is another.
    let op = if wanted { op } else { op.negated() };
    lines.push(format!("{} {op} {}", left.text, right.text));
    Some(lines)
}

/// The lines that hold if a value is among literals, or is not; none if that never is.
pub(super) fn membership(
    value: &Term<'_>,
    list: &[Literal],
    wanted: bool,
    helpers: &mut Helpers,
) -> Option<Vec<String>> {
    let mut kinds: Vec<Type> = list.iter().map(Type::of).collect();
    kinds.sort();
    kinds.dedup();
    let has_null = kinds.contains(&Type::Null);
    if let Some(value) = value.literal {
        if !has_null && !kinds.contains(&Type::of(value)) {
            return None;
        }
        let found = list
            .iter()
            .any(|element| constant::key(element) == constant::key(value));
        return fixed(found, wanted);
    }
    let items = inline(list.iter().map(literal));
    let mut lines = Vec::new();
    // With `null` in the list a value of any other type is outside.
    let guarded = if wanted { value.variable } else { !has_null };
    if value.kind.is_none() && guarded {
        lines.push(match kinds.as_slice() {
            [kind] => is(*kind, &value.text),
            _ => {
                let names = inline(kinds.iter().map(|kind| quoted(name(*kind))));
                format!("type_name({}) in {names}", value.text)
            }
        });
    }
    if wanted {
        lines.push(format!("{} in {items}", value.text));
        return Some(lines);
    }
    if value
        .kind
        .is_some_and(|kind| !has_null && !kinds.contains(&kind))
    {
        return None;
    }
    helpers.need(Helper::Outside);
    lines.push(format!("outside({}, {items})", value.text));
    Some(lines)
}

/// What is known before the call: no line, or never.
fn fixed(truth: bool, wanted: bool) -> Option<Vec<String>> {
    (truth == wanted).then(Vec::new)
}

fn is(kind: Type, text: &str) -> String {
    format!("is_{}({text})", name(kind))
}

/// As `type_name` says it.
fn name(kind: Type) -> &'static str {
    match kind {
        Type::Null => "null",
        Type::Bool => "boolean",
        Type::Number => "number",
        Type::Text => "string",
        Type::List => "array",
        Type::Object => "object",
    }
}
