//! An upper bound without a lower one lets negative numbers pass.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use super::facts::comparisons;
use crate::{
    diagnostic::{Diagnostic, Sink, codes::lint as codes, quoted},
    expr::{CompareOp, Expr, ExprKind, Literal, Operand, OperandKind, Path, Root},
    resolve::{Resolved, Use},
    source::Sources,
};

pub(super) fn check(resolved: &Resolved<'_>, sources: &Sources, sink: &mut Sink) {
    // What the constraints that apply to every tool bound from below, by role.
    let mut shared: BTreeMap<&str, Lower<'_>> = BTreeMap::new();
    let mut checked = BTreeSet::new();
    for role in &resolved.roles {
        if !sink.has_room() {
            return;
        }
        // Roles share the list; what would be said is the same.
        if checked.insert(Arc::as_ptr(&role.policy_level)) {
            let lower = Lower::of(conjuncts_of(resolved, &role.policy_level), None);
            report(resolved, &role.policy_level, &lower, sources, sink);
        }
    }
    for entry in resolved.permitting() {
        if !sink.has_room() {
            return;
        }
        let name = entry.role.name.text.as_str();
        let shared = shared.entry(name).or_insert_with(|| {
            let uses = resolved.role(name).map(|role| role.policy_level.as_slice());
            Lower::of(conjuncts_of(resolved, uses.unwrap_or_default()), None)
        });
        let lower = Lower::of(conjuncts_of(resolved, &entry.constraints), Some(shared));
        report(resolved, &entry.constraints, &lower, sources, sink);
    }
}

fn conjuncts_of<'r>(
    resolved: &'r Resolved<'_>,
    uses: &'r [Use<'_>],
) -> impl Iterator<Item = &'r Expr> {
    uses.iter()
        .filter_map(|constraint| resolved.expr(constraint))
        .flat_map(Expr::conjuncts)
}

/// Reports the bounds of `uses` that nothing bounds from below.
fn report(
    resolved: &Resolved<'_>,
    uses: &[Use<'_>],
    lower: &Lower<'_>,
    sources: &Sources,
    sink: &mut Sink,
) {
    for constraint in uses {
        let Some(expr) = resolved.expr(constraint).filter(|_| sink.has_room()) else {
            continue;
        };
        for path in unbounded(expr, lower) {
            let name = path.to_string();
            let shown = if path.root == Root::Element && path.steps.is_empty() {
                "the element".to_owned()
            } else {
                quoted(&name)
            };
            sink.push(
                Diagnostic::new(
                    codes::ONE_SIDED_BOUND,
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

/// The paths that are bounded from below, or fixed.
struct Lower<'l> {
    own: BTreeSet<String>,
    /// What is around it; nothing is copied, so that many conditions in the sight of many others take no longer.
    around: Option<&'l Lower<'l>>,
    /// Whether the element is another one than around it.
    in_quantifier: bool,
}

impl<'l> Lower<'l> {
    fn of<'e>(
        conjuncts: impl IntoIterator<Item = &'e Expr>,
        around: Option<&'l Lower<'l>>,
    ) -> Self {
        let mut own = BTreeSet::new();
        for conjunct in conjuncts {
            for (left, op, _) in comparisons(conjunct) {
                if let OperandKind::Path(path) = &left.kind
                    && matches!(
                        op,
                        CompareOp::Greater | CompareOp::GreaterOrEqual | CompareOp::Equal
                    )
                {
                    own.insert(path.to_string());
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
                own.insert(path.to_string());
            }
        }
        Self {
            own,
            around,
            in_quantifier: false,
        }
    }

    fn contains(&self, path: &str) -> bool {
        let mut at = Some(self);
        while let Some(lower) = at {
            if lower.own.contains(path) {
                return true;
            }
            if lower.in_quantifier && path.starts_with('.') {
                return false;
            }
            at = lower.around;
        }
        false
    }
}

/// The paths that `expr` bounds from above only.
fn unbounded<'e>(expr: &'e Expr, lower: &Lower<'_>) -> Vec<&'e Path> {
    match &expr.kind {
        ExprKind::And(parts) => {
            let lower = Lower::of(parts.iter().flat_map(Expr::conjuncts), Some(lower));
            parts
                .iter()
                .flat_map(|part| unbounded(part, &lower))
                .collect()
        }
        ExprKind::Or(parts) => parts
            .iter()
            .flat_map(|part| unbounded(part, &Lower::of(part.conjuncts(), Some(lower))))
            .collect(),
        ExprKind::Quantifier { body, .. } => {
            let mut inner = Lower::of(body.conjuncts(), Some(lower));
            inner.in_quantifier = true;
            unbounded(body, &inner)
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
            bounds
                .filter(|path| !lower.contains(&path.to_string()))
                .collect()
        }
        ExprKind::Named { body, .. } => unbounded(body, lower),
        ExprKind::In { .. } | ExprKind::Text { .. } | ExprKind::Test(..) => Vec::new(),
    }
}

/// Whether the model chooses the value.
fn is_given(path: &Path) -> bool {
    matches!(path.root, Root::Args | Root::Element)
}

/// Whether the author may have overlooked negative numbers. A bound that is negative itself shows that they were not.
fn is_bound(bound: &OperandKind) -> bool {
    match bound {
        OperandKind::Literal(Literal::Number(number)) => {
            !number.starts_with('-') && number.bytes().any(|byte| matches!(byte, b'1'..=b'9'))
        }
        OperandKind::Path(path) => matches!(path.root, Root::Ctx | Root::Run | Root::User),
        OperandKind::Literal(_)
        | OperandKind::Count(_)
        | OperandKind::CountIf { .. }
        | OperandKind::Sum { .. }
        | OperandKind::Lower(_)
        | OperandKind::TypeOf(_)
        | OperandKind::Arithmetic { .. } => false,
    }
}
