//! What lints need to know about expressions.

use std::ops::Range;

use crate::{
    expr::{CompareOp, Expr, ExprKind, Operand},
    model::Mode,
    resolve::{Entry, Listed, Replacement, Resolved, Use},
};

/// What must all be true for `expr` to be true, in named conditions too, each with the place where it is written in the constraint.
pub(super) fn conjuncts(expr: &Expr) -> Vec<(&Expr, Range<usize>)> {
    let mut found = Vec::new();
    collect(expr, None, &mut found);
    found
}

fn collect<'e>(
    expr: &'e Expr,
    around: Option<&Range<usize>>,
    found: &mut Vec<(&'e Expr, Range<usize>)>,
) {
    let place = around.unwrap_or(&expr.span);
    match &expr.kind {
        ExprKind::And(parts) => {
            for part in parts {
                collect(part, around, found);
            }
        }
        ExprKind::Named { body, .. } => collect(body, Some(place), found),
        ExprKind::Or(_)
        | ExprKind::Not(_)
        | ExprKind::Compare { .. }
        | ExprKind::In { .. }
        | ExprKind::Text { .. }
        | ExprKind::Test(..)
        | ExprKind::Quantifier { .. } => found.push((expr, place.clone())),
    }
}

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
        ExprKind::Named { body, .. } => comparisons(body),
        ExprKind::And(_)
        | ExprKind::Or(_)
        | ExprKind::In { .. }
        | ExprKind::Text { .. }
        | ExprKind::Test(..)
        | ExprKind::Quantifier { .. } => Vec::new(),
    }
}

/// What a role says of a tool.
#[derive(Clone, Copy)]
pub(super) struct Said<'r, 'd> {
    pub(super) listed: &'r Listed<'d>,
    pub(super) rules: &'r [Entry<'d>],
}

impl<'r, 'd> Said<'r, 'd> {
    /// The best that it can come to.
    pub(super) fn mode(&self) -> Mode {
        let modes = self.rules.iter().map(|rule| rule.mode);
        modes.max().unwrap_or(Mode::Deny)
    }

    /// The rules that permit something.
    pub(super) fn permitting(&self) -> impl Iterator<Item = &'r Entry<'d>> + use<'r, 'd> {
        self.rules.iter().filter(|rule| rule.mode != Mode::Deny)
    }

    /// The exceptions from them.
    pub(super) fn exceptions(&self) -> impl Iterator<Item = &'r Entry<'d>> + use<'r, 'd> {
        self.rules.iter().filter(|rule| rule.is_exception())
    }
}

/// Whether two rules or exceptions ask the same.
pub(super) fn ask_the_same(one: &Entry<'_>, other: &Entry<'_>) -> bool {
    let ids = |entry: &Entry<'_>| -> Vec<usize> {
        entry
            .constraints
            .iter()
            .map(|constraint| constraint.id)
            .collect()
    };
    one.mode == other.mode && one.scope == other.scope && ids(one) == ids(other)
}

impl<'d> Resolved<'d> {
    /// The rules that permit something.
    pub(super) fn permitting(&self) -> impl Iterator<Item = &Entry<'d>> {
        self.entries.iter().filter(|entry| entry.mode != Mode::Deny)
    }

    /// What a role says of a tool.
    pub(super) fn said(&self, listed: usize) -> Option<Said<'_, 'd>> {
        Some(Said {
            listed: self.listed.get(listed)?,
            rules: self.rules(listed),
        })
    }

    /// What took the place of something inherited: how, what was before, what counts.
    pub(super) fn replaced(
        &self,
    ) -> impl Iterator<Item = (&Replacement<'d>, Said<'_, 'd>, Said<'_, 'd>)> {
        self.replacements.iter().filter_map(|replacement| {
            let old = self.said(replacement.old)?;
            Some((replacement, old, self.said(replacement.new)?))
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
