//! An argument may be absent by one condition, and must be there for a bound in another.

use std::collections::{BTreeMap, BTreeSet};

use super::facts::{comparisons, conjuncts};
use crate::{
    budget::{Account, Budget},
    diagnostic::{Diagnostic, Sink, codes::lint as codes, quoted},
    expr::{Expr, ExprKind, OperandKind, Over, Path, Quantifier, Root, Test},
    resolve::{Resolved, Use},
    source::{Sources, Span},
};

pub(super) fn check(resolved: &Resolved<'_>, sources: &Sources, budget: &Budget, sink: &mut Sink) {
    let asking: Vec<bool> = resolved
        .constraints
        .iter()
        .map(|written| {
            let all = conjuncts(&written.constraint.expr);
            all.iter().any(|(expr, _)| !may_be_absent(expr).is_empty())
        })
        .collect();
    let asks = |uses: &[Use<'_>]| uses.iter().any(|one| asking.get(one.id) == Some(&true));
    // By role, whether what it says of all tools lets an argument be absent.
    let mut roles: BTreeMap<&str, bool> = BTreeMap::new();
    // Two rules can share what is said of all tools.
    let mut told: BTreeSet<Span> = BTreeSet::new();
    for entry in resolved.permitting() {
        if entry.constraints.is_empty() {
            continue;
        }
        let shared = resolved
            .role(&entry.role.name.text)
            .map(|role| role.policy_level.as_slice())
            .unwrap_or_default();
        let role_asks = roles
            .entry(entry.role.name.text.as_str())
            .or_insert_with(|| asks(shared));
        if !*role_asks && !asks(&entry.constraints) {
            continue;
        }
        let steps = resolved.steps(shared) + resolved.steps(&entry.constraints);
        if budget
            .pay(Account::Lints, steps, entry.doc.name.span, sink)
            .is_none()
            || !sink.has_room()
        {
            return;
        }
        let mut absent: BTreeMap<String, Span> = BTreeMap::new();
        let mut bounds: Vec<(String, Span)> = Vec::new();
        for constraint in shared.iter().chain(&entry.constraints) {
            let at = |place| constraint.text.node.locate(sources, place);
            let all = resolved.expr(constraint).map(conjuncts).unwrap_or_default();
            for (conjunct, place) in all {
                for path in may_be_absent(conjunct) {
                    absent
                        .entry(path.to_string())
                        .or_insert_with(|| at(place.clone()));
                }
                for (left, op, _) in comparisons(conjunct) {
                    if let OperandKind::Path(path) = &left.kind
                        && path.root == Root::Args
                        && !path.steps.is_empty()
                        && op.is_order()
                    {
                        bounds.push((path.to_string(), at(place.clone())));
                    }
                }
            }
        }
        for (path, bound) in bounds {
            if let Some(other) = absent.get(&path).filter(|_| told.insert(bound)) {
                let shown = quoted(&path);
                sink.push(
                    Diagnostic::new(
                        codes::ABSENT_BOUND,
                        format!("{shown} may be absent by one condition, and must be there for this bound"),
                        bound,
                        "never true where it is absent",
                    )
                    .with_label(*other, "true where it is absent")
                    .with_help(format!(
                        "put both bounds into one condition, {}, or demand the argument in both",
                        quoted(&format!("optional({path}, . >= … and . <= …)"))
                    )),
                );
            }
        }
    }
}

/// The arguments of which a condition says that they may be absent.
fn may_be_absent(expr: &Expr) -> Vec<&Path> {
    let found: Vec<&Path> = match &expr.kind {
        ExprKind::Or(parts) => parts.iter().filter_map(is_absent).collect(),
        ExprKind::Quantifier {
            quantifier: Quantifier::Optional,
            over: Over::Path(path),
            ..
        } => vec![path],
        ExprKind::And(_)
        | ExprKind::Not(_)
        | ExprKind::Compare { .. }
        | ExprKind::In { .. }
        | ExprKind::Text { .. }
        | ExprKind::Test(..)
        | ExprKind::Quantifier { .. }
        | ExprKind::Named { .. } => Vec::new(),
    };
    found
        .into_iter()
        .filter(|path| path.root == Root::Args)
        .collect()
}

/// `not present(path)`
fn is_absent(expr: &Expr) -> Option<&Path> {
    let ExprKind::Not(inner) = &expr.kind else {
        return None;
    };
    match &inner.kind {
        ExprKind::Test(path, Test::Present) => Some(path),
        ExprKind::Test(_, Test::Matches { .. } | Test::Only(_))
        | ExprKind::And(_)
        | ExprKind::Or(_)
        | ExprKind::Not(_)
        | ExprKind::Compare { .. }
        | ExprKind::In { .. }
        | ExprKind::Text { .. }
        | ExprKind::Quantifier { .. }
        | ExprKind::Named { .. } => None,
    }
}
