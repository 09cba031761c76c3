//! What lints need to know about expressions.

use crate::{
    expr::{CompareOp, Expr, ExprKind, Operand},
    model::Mode,
    resolve::{Entry, Replacement, Resolved, Use},
};

/// A comparison that must be true for `expr` to be true, once from each side: `not (a < b)` is `a >= b` and `b <= a`.
pub(super) fn comparisons(expr: &Expr) -> Vec<(&Operand, CompareOp, &Operand)> {
    match &expr.kind {
        ExprKind::Compare { op, left, right } => {
            vec![(left, *op, right), (right, op.mirrored(), left)]
        }
        ExprKind::Not(inner) => comparisons(inner)
            .into_iter()
            .map(|(left, op, right)| (left, op.negated(), right))
            .collect(),
        ExprKind::And(_)
        | ExprKind::Or(_)
        | ExprKind::In { .. }
        | ExprKind::Text { .. }
        | ExprKind::Named { .. }
        | ExprKind::Test(..)
        | ExprKind::Quantifier { .. } => Vec::new(),
    }
}

impl<'d> Resolved<'d> {
    /// The rules that permit something.
    pub(super) fn permitting(&self) -> impl Iterator<Item = &Entry<'d>> {
        self.entries.iter().filter(|entry| entry.mode != Mode::Deny)
    }

    /// The rules that took the place of others: how, the one before, the one that counts.
    pub(super) fn replaced(
        &self,
    ) -> impl Iterator<Item = (&Replacement<'d>, &Entry<'d>, &Entry<'d>)> {
        self.replacements.iter().filter_map(|replacement| {
            let old = self.entries.get(replacement.old)?;
            Some((replacement, old, self.entries.get(replacement.new)?))
        })
    }

    /// What it takes to look at constraints.
    pub(super) fn steps(&self, uses: &[Use<'_>]) -> u64 {
        uses.iter()
            .filter_map(|constraint| self.constraints.get(constraint.id))
            .map(|written| written.steps)
            .sum()
    }

    /// The meaning of a constraint.
    pub(super) fn expr(&self, constraint: &Use<'_>) -> Option<&Expr> {
        self.constraints
            .get(constraint.id)
            .map(|written| &written.constraint.expr)
    }
}
