//! What a named condition becomes where it is used: its definition, with the argument in place of the outermost `.`.

use super::constant;
use crate::expr::{Expr, ExprKind, Literal, Members, Operand, OperandKind, Over, Path, Root, Test};

/// What it takes to use a definition.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Cost {
    /// Its conditions, paths and values; a long text is as much as several.
    weight: u64,
    /// How often it looks at what it is asked of.
    elements: u64,
    /// Whether it looks into what it is asked of.
    pub(super) looks_into: bool,
    /// How deep it is nested, see [`MAX_NESTING`](super::MAX_NESTING).
    pub(super) nesting: usize,
    /// How deep the quantifiers in it are, see [`MAX_QUANTIFIERS`](super::MAX_QUANTIFIERS).
    pub(super) quantifiers: usize,
}

impl Cost {
    /// Measures a definition.
    pub(super) fn of(expr: &mut Expr, nesting: usize, quantifiers: usize) -> Self {
        let (mut elements, mut looks_into) = (0, false);
        each_element(expr, &mut |path| {
            elements += 1;
            looks_into |= !path.steps.is_empty();
        });
        Self {
            weight: weight(expr),
            elements,
            looks_into,
            nesting,
            quantifiers,
        }
    }

    /// What it takes to put an argument into it.
    pub(super) fn with(&self, argument: Option<&Path>) -> u64 {
        let argument = argument.map_or(0, |path| path.steps.len() as u64);
        self.weight
            .saturating_add(self.elements.saturating_mul(argument))
    }
}

/// A definition with an argument in place of the outermost `.`.
pub(super) fn expand(definition: &Expr, argument: Option<&Path>) -> Expr {
    let mut expr = definition.clone();
    if let Some(argument) = argument {
        each_element(&mut expr, &mut |path| {
            path.root = argument.root;
            path.steps.splice(0..0, argument.steps.iter().cloned());
        });
    }
    expr
}

/// The paths that begin with the outermost `.`: what stands in a quantifier binds its own.
fn each_element(expr: &mut Expr, apply: &mut impl FnMut(&mut Path)) {
    match &mut expr.kind {
        ExprKind::And(parts) | ExprKind::Or(parts) => {
            for part in parts {
                each_element(part, apply);
            }
        }
        ExprKind::Not(part) => each_element(part, apply),
        ExprKind::Compare {
            left: one,
            right: other,
            ..
        }
        | ExprKind::Text {
            subject: one,
            sought: other,
            ..
        } => {
            each_in_operand(one, apply);
            each_in_operand(other, apply);
        }
        ExprKind::In { value, list, .. } => {
            each_in_operand(value, apply);
            match list {
                Members::Path(list) => if_element(list, apply),
                Members::Listed(_) => {}
            }
        }
        ExprKind::Test(tested, _) => if_element(tested, apply),
        ExprKind::Quantifier { over, .. } => match over {
            Over::Path(over) => if_element(over, apply),
            Over::Listed(_) => {}
        },
        ExprKind::Named { argument, body, .. } => {
            if let Some(argument) = argument {
                if_element(argument, apply);
            }
            each_element(body, apply);
        }
    }
}

fn each_in_operand(operand: &mut Operand, apply: &mut impl FnMut(&mut Path)) {
    match &mut operand.kind {
        OperandKind::Path(path)
        | OperandKind::Count(path)
        | OperandKind::CountIf { path, .. }
        | OperandKind::Sum { path, .. }
        | OperandKind::TypeOf(path) => if_element(path, apply),
        OperandKind::Lower(of) => each_in_operand(of, apply),
        OperandKind::Arithmetic { left, right, .. } => {
            each_in_operand(left, apply);
            each_in_operand(right, apply);
        }
        OperandKind::Literal(_) => {}
    }
}

fn if_element(path: &mut Path, apply: &mut impl FnMut(&mut Path)) {
    if path.root == Root::Element {
        apply(path);
    }
}

fn weight(expr: &Expr) -> u64 {
    let listed = |list: &[Literal]| list.iter().map(constant::weight).sum::<u64>();
    let own = |expr: &Expr| {
        let values = match &expr.kind {
            ExprKind::In {
                list: Members::Listed(list),
                ..
            }
            | ExprKind::Quantifier {
                over: Over::Listed(list),
                ..
            } => listed(list),
            ExprKind::Test(_, Test::Matches { pattern, .. }) => pattern.len() as u64 / 64,
            ExprKind::Test(_, Test::Only(names)) => names.len() as u64,
            ExprKind::Test(_, Test::Present)
            | ExprKind::And(_)
            | ExprKind::Or(_)
            | ExprKind::Not(_)
            | ExprKind::Compare { .. }
            | ExprKind::In { .. }
            | ExprKind::Text { .. }
            | ExprKind::Quantifier { .. }
            | ExprKind::Named { .. } => 0,
        };
        let operands = expr.operands().map(|operand| match &operand.kind {
            OperandKind::Literal(literal) => constant::weight(literal),
            OperandKind::Sum { of, .. } => 1 + of.len() as u64,
            OperandKind::Path(_)
            | OperandKind::Count(_)
            | OperandKind::CountIf { .. }
            | OperandKind::Lower(_)
            | OperandKind::TypeOf(_)
            | OperandKind::Arithmetic { .. } => 1,
        });
        let steps = expr.own_paths().map(|path| path.steps.len() as u64);
        1 + values + operands.sum::<u64>() + steps.sum::<u64>()
    };
    expr.walk().map(own).sum()
}
