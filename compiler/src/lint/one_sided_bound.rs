//! An upper bound without a lower one lets negative numbers pass.

use std::collections::BTreeSet;

use super::facts::{comparisons, conjuncts, show};
use crate::{
    diagnostic::{CodeDoc, Diagnostic, Severity, Sink, quoted},
    expr::{CompareOp, Expr, ExprKind, Literal, Operand, OperandKind, Path, Root},
    model::Mode,
    resolve::{Resolved, Use},
    source::Sources,
};

pub(super) const CODE: CodeDoc = CodeDoc {
    code: "one-sided-bound",
    severity: Severity::Warning,
    title: "an upper bound without a lower one",
    explanation: "`args.amount <= 50` is true of -1000000 as well, and many systems take a negative refund for a charge.

Say from where on the argument is allowed:

    - args.amount > 0
    - args.amount <= 50",
};

pub(super) fn check(resolved: &Resolved<'_>, sources: &Sources, sink: &mut Sink) {
    for role in &resolved.roles {
        report(resolved, &role.policy_level, &[], sources, sink);
    }
    for entry in resolved
        .entries
        .iter()
        .filter(|entry| entry.mode != Mode::Deny)
    {
        let role = resolved
            .roles
            .iter()
            .find(|role| std::ptr::eq(role.doc, entry.role));
        let shared = role
            .map(|role| role.policy_level.as_slice())
            .unwrap_or_default();
        report(resolved, &entry.constraints, shared, sources, sink);
    }
}

/// Reports the bounds of `uses` that neither these nor `others` bound from below.
fn report(
    resolved: &Resolved<'_>,
    uses: &[Use<'_>],
    others: &[Use<'_>],
    sources: &Sources,
    sink: &mut Sink,
) {
    let exprs = uses
        .iter()
        .chain(others)
        .filter_map(|constraint| resolved.expr(constraint));
    let lower = lower_bounded(exprs.flat_map(conjuncts), BTreeSet::new());
    for constraint in uses {
        let Some(expr) = resolved.expr(constraint) else {
            continue;
        };
        for path in unbounded(expr, &lower) {
            let name = show(path);
            let shown = if path.root == Root::Element && path.steps.is_empty() {
                "the element".to_owned()
            } else {
                quoted(&name)
            };
            sink.push(
                Diagnostic::new(
                    CODE.code,
                    format!("{shown} is bounded from above only: negative numbers pass"),
                    constraint.text.node.locate(sources, path.span.clone()),
                    "no lower bound",
                )
                .with_help(format!(
                    "add {}, or the least value that is meant",
                    quoted(&format!("{name} > 0"))
                )),
            );
        }
    }
}

/// The paths that `conjuncts` bound from below, or fix, added to `known`.
fn lower_bounded<'e>(
    conjuncts: impl Iterator<Item = &'e Expr>,
    mut known: BTreeSet<String>,
) -> BTreeSet<String> {
    for conjunct in conjuncts {
        for (left, op, _) in comparisons(conjunct) {
            if let OperandKind::Path(path) = &left.kind
                && matches!(
                    op,
                    CompareOp::Greater | CompareOp::GreaterOrEqual | CompareOp::Equal
                )
            {
                known.insert(show(path));
            }
        }
        if let ExprKind::In {
            value:
                Operand {
                    kind: OperandKind::Path(path),
                    ..
                },
            negated: false,
            ..
        } = &conjunct.kind
        {
            known.insert(show(path));
        }
    }
    known
}

/// The paths that `expr` bounds from above only.
fn unbounded<'e>(expr: &'e Expr, lower: &BTreeSet<String>) -> Vec<&'e Path> {
    match &expr.kind {
        ExprKind::And(parts) => {
            let lower = lower_bounded(parts.iter().flat_map(conjuncts), lower.clone());
            parts
                .iter()
                .flat_map(|part| unbounded(part, &lower))
                .collect()
        }
        ExprKind::Or(parts) => parts
            .iter()
            .flat_map(|part| {
                unbounded(
                    part,
                    &lower_bounded(conjuncts(part).into_iter(), lower.clone()),
                )
            })
            .collect(),
        ExprKind::Quantifier { body, .. } => {
            // The element is another one than outside.
            let outside = lower
                .iter()
                .filter(|path| !path.starts_with(['.', '[']))
                .cloned()
                .collect();
            unbounded(body, &lower_bounded(conjuncts(body).into_iter(), outside))
        }
        ExprKind::Compare { .. } | ExprKind::Not(_) => {
            let bounds = comparisons(expr)
                .into_iter()
                .filter_map(|(left, op, right)| match (&left.kind, op, &right.kind) {
                    (OperandKind::Path(path), CompareOp::Less | CompareOp::LessOrEqual, bound) => {
                        (is_given(path) && is_bound(bound)).then_some(path)
                    }
                    _ => None,
                });
            bounds.filter(|path| !lower.contains(&show(path))).collect()
        }
        _ => Vec::new(),
    }
}

/// Whether the model chooses the value.
fn is_given(path: &Path) -> bool {
    matches!(path.root, Root::Args | Root::Element)
}

/// Whether it bounds a number that was perhaps not meant to be negative. Who compares with a negative number knows of them.
fn is_bound(bound: &OperandKind) -> bool {
    match bound {
        OperandKind::Literal(Literal::Number(number)) => {
            !number.starts_with('-') && number.bytes().any(|byte| matches!(byte, b'1'..=b'9'))
        }
        OperandKind::Path(path) => matches!(path.root, Root::Ctx | Root::Run | Root::User),
        _ => false,
    }
}
