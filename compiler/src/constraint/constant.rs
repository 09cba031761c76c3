//! What is known of literals: their types, equality and order.

use std::cmp::Ordering;

use super::decimal::Decimal;
use crate::expr::{CompareOp, Literal, Type};

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

/// How deep lists stand in each other.
pub(super) fn depth(literal: &Literal) -> usize {
    match literal {
        Literal::List(elements) => 1 + elements.iter().map(depth).max().unwrap_or(0),
        Literal::Null | Literal::Bool(_) | Literal::Number(_) | Literal::String(_) => 0,
    }
}

/// Whether lists stand in each other more than `levels` deep.
pub(super) fn deeper_than(literal: &Literal, levels: usize) -> bool {
    match (literal, levels.checked_sub(1)) {
        (Literal::List(_), None) => true,
        (Literal::List(elements), Some(rest)) => {
            elements.iter().any(|element| deeper_than(element, rest))
        }
        (Literal::Null | Literal::Bool(_) | Literal::Number(_) | Literal::String(_), _) => false,
    }
}

/// Whether a comparison of constants holds. None: it is undefined.
pub(crate) fn holds(op: CompareOp, left: &Literal, right: &Literal) -> Option<bool> {
    match op {
        CompareOp::Less => order(left, right).map(Ordering::is_lt),
        CompareOp::LessOrEqual => order(left, right).map(Ordering::is_le),
        CompareOp::Greater => order(left, right).map(Ordering::is_gt),
        CompareOp::GreaterOrEqual => order(left, right).map(Ordering::is_ge),
        CompareOp::Equal => equal(left, right),
        CompareOp::NotEqual => equal(left, right).map(|equal| !equal),
    }
}

fn equal(left: &Literal, right: &Literal) -> Option<bool> {
    if Type::of(left) == Type::of(right) {
        return Some(key(left) == key(right));
    }
    (*left == Literal::Null || *right == Literal::Null).then_some(false)
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
