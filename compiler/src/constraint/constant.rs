//! What is known of literals: their types, equality and order.

use std::cmp::Ordering;

use super::decimal::Decimal;
use crate::expr::{CompareOp, Literal};

/// The same for literals that are equal as JSON, different for all others.
pub(crate) fn key(literal: &Literal) -> String {
    match literal {
        Literal::Number(text) => match Decimal::read(text) {
            Some(decimal) => format!("{decimal:?}"),
            None => text.clone(),
        },
        Literal::List(elements) => {
            let keys: Vec<String> = elements.iter().map(key).collect();
            format!("[{}]", keys.join(","))
        }
        other => other.to_string(),
    }
}

/// How much it takes to copy a literal, in values; a long text is as much as several.
pub(crate) fn weight(literal: &Literal) -> u64 {
    match literal {
        Literal::List(elements) => 1 + elements.iter().map(weight).sum::<u64>(),
        Literal::String(text) | Literal::Number(text) => 1 + text.len() as u64 / 64,
        Literal::Null | Literal::Bool(_) => 1,
    }
}

/// Whether lists stand in each other more than `levels` deep.
pub(super) fn deeper_than(literal: &Literal, levels: usize) -> bool {
    match (literal, levels.checked_sub(1)) {
        (Literal::List(_), None) => true,
        (Literal::List(elements), Some(rest)) => {
            elements.iter().any(|element| deeper_than(element, rest))
        }
        _ => false,
    }
}

/// The type of a literal, with its article.
pub(super) fn type_name(literal: &Literal) -> &'static str {
    match literal {
        Literal::Null => "null",
        Literal::Bool(_) => "a boolean",
        Literal::Number(_) => "a number",
        Literal::String(_) => "a text",
        Literal::List(_) => "a list",
    }
}

/// The type of a literal, without its article.
pub(super) fn noun(literal: &Literal) -> &'static str {
    let name = type_name(literal);
    name.strip_prefix("a ").unwrap_or(name)
}

/// Whether a comparison of constants holds. None: it is undefined.
pub(crate) fn holds(op: CompareOp, left: &Literal, right: &Literal) -> Option<bool> {
    if is_order(op) {
        return order(left, right).map(|order| match op {
            CompareOp::Less => order == Ordering::Less,
            CompareOp::LessOrEqual => order != Ordering::Greater,
            CompareOp::Greater => order == Ordering::Greater,
            _ => order != Ordering::Less,
        });
    }
    if same_type(left, right) {
        return Some((key(left) == key(right)) == (op == CompareOp::Equal));
    }
    let null = *left == Literal::Null || *right == Literal::Null;
    null.then_some(op == CompareOp::NotEqual)
}

fn order(left: &Literal, right: &Literal) -> Option<Ordering> {
    match (left, right) {
        (Literal::Number(left), Literal::Number(right)) => {
            Some(Decimal::read(left)?.cmp(&Decimal::read(right)?))
        }
        // The order of UTF-8 is the order of code points.
        (Literal::String(left), Literal::String(right)) => Some(left.cmp(right)),
        _ => None,
    }
}

/// Whether two literals have the same JSON type.
pub(super) fn same_type(left: &Literal, right: &Literal) -> bool {
    std::mem::discriminant(left) == std::mem::discriminant(right)
}

/// Whether an operator orders its sides, and does not only tell whether they are equal.
pub(super) fn is_order(op: CompareOp) -> bool {
    !matches!(op, CompareOp::Equal | CompareOp::NotEqual)
}
