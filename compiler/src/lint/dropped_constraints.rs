//! A rule replaces an inherited one and loses what restricted it.

use std::collections::{BTreeMap, BTreeSet};

use super::facts::{ask_the_same, comparisons, conjuncts};
use crate::{
    budget::{Account, Budget},
    diagnostic::{Diagnostic, Sink, codes::lint as codes, quoted},
    document::ScopeDoc,
    expr::{CompareOp, Expr, ExprKind, Test},
    model::Mode,
    resolve::{Entry, Resolved, Use},
};

pub(super) fn check(resolved: &Resolved<'_>, budget: &Budget, sink: &mut Sink) {
    for (replacement, old, new) in resolved.replaced() {
        if old.mode() == Mode::Deny || new.mode() == Mode::Deny {
            continue;
        }
        let shared = resolved
            .role(&replacement.role.name.text)
            .map(|role| role.policy_level.as_slice())
            .unwrap_or_default();
        // A rule without constraints has none to drop.
        let restricted: Vec<&Entry<'_>> = old.permitting().collect();
        let looked_at = |rule: &Entry<'_>| resolved.steps(&rule.constraints);
        let before: u64 = restricted.iter().map(|rule| looked_at(rule)).sum();
        if before > 0 {
            let after: u64 = new.permitting().map(looked_at).sum();
            let steps = (before + resolved.steps(shared)) * new.permitting().count() as u64
                + after * restricted.len() as u64;
            let paid = budget.pay(Account::Lints, steps, replacement.place, sink);
            if paid.is_none() {
                return;
            }
        }
        if !sink.has_room() {
            return;
        }
        let loosened = new
            .permitting()
            .find_map(|rule| loosened(resolved, shared, &restricted, rule));
        let (dropped, scope) = loosened.unwrap_or_default();
        let lost: Vec<&Entry<'_>> = old
            .exceptions()
            .filter(|old| !new.exceptions().any(|new| ask_the_same(old, new)))
            .collect();
        if dropped.is_empty() && scope.is_none() && lost.is_empty() {
            continue;
        }
        let mut what = Vec::new();
        match dropped.len() {
            0 => {}
            1 => what.push("a constraint"),
            _ => what.push("constraints"),
        }
        if scope.is_some() {
            what.push(if what.is_empty() {
                "its file scope"
            } else {
                "the file scope"
            });
        }
        match lost.len() {
            0 => {}
            1 => what.push("an exception"),
            _ => what.push("exceptions"),
        }
        let mut what = what.join(" and ");
        if !what.starts_with("its") {
            what.push_str(" of it");
        }
        let name = quoted(&new.listed.doc.name.text);
        let (message, label) = if replacement.own {
            (
                format!("this rule for {name} replaces the inherited one and drops {what}"),
                "replaces the inherited rule",
            )
        } else {
            (
                format!(
                    "this parent's rule for {name} replaces that of an earlier parent and drops {what}"
                ),
                "its rule counts",
            )
        };
        let mut diagnostic = Diagnostic::new(codes::DROPPED_CONSTRAINTS, message, replacement.place, label)
            .with_help("repeat what is still meant; what every tool must keep belongs below `constraints` of the policy, and what nobody may do below `forbid`");
        for constraint in dropped.iter().take(4) {
            diagnostic = diagnostic.with_label(constraint.span(), "no longer applies");
        }
        if let Some(scope) = scope {
            diagnostic = diagnostic.with_label(scope.key, "no longer applies");
        }
        for exception in lost.iter().take(4) {
            diagnostic = diagnostic.with_label(exception.doc.name.span, "no longer applies");
        }
        sink.push(diagnostic);
    }
}

/// What a rule has lost.
type Loss<'r, 'd> = (Vec<&'r Use<'d>>, Option<&'d ScopeDoc>);

/// What a new rule has lost against that of the old ones of which it keeps the most. None: it keeps all of one.
fn loosened<'r, 'd>(
    resolved: &'r Resolved<'d>,
    shared: &[Use<'d>],
    old: &[&'r Entry<'d>],
    new: &Entry<'d>,
) -> Option<Loss<'r, 'd>> {
    let losses = old.iter().map(|old| {
        let scope = old.doc.scope.as_ref().filter(|_| new.scope.is_none());
        (dropped(resolved, shared, old, new), scope)
    });
    losses
        .min_by_key(|(dropped, scope)| dropped.len() + usize::from(scope.is_some()))
        .filter(|(dropped, scope)| !dropped.is_empty() || scope.is_some())
}

/// The constraints of `old` to which nothing in `new` corresponds.
fn dropped<'r, 'd>(
    resolved: &'r Resolved<'d>,
    shared: &[Use<'d>],
    old: &'r Entry<'d>,
    new: &Entry<'d>,
) -> Vec<&'r Use<'d>> {
    if old.constraints.is_empty() {
        return Vec::new();
    }
    let kept = || shared.iter().chain(&new.constraints);
    let ids: BTreeSet<usize> = kept().map(|constraint| constraint.id).collect();
    let mut subjects: BTreeMap<String, Vec<Kind>> = BTreeMap::new();
    for subject in kept()
        .filter_map(|constraint| resolved.expr(constraint))
        .flat_map(subjects_of)
    {
        let kinds = subjects.entry(subject.path).or_default();
        if !kinds.contains(&subject.kind) {
            kinds.push(subject.kind);
        }
    }
    let covered = |old: &Subject| {
        let kinds = subjects.get(&old.path).into_iter().flatten();
        kinds.into_iter().any(|new| new.covers(old.kind))
    };
    old.constraints
        .iter()
        .filter(|constraint| {
            !ids.contains(&constraint.id)
                && resolved
                    .expr(constraint)
                    .is_some_and(|expr| !subjects_of(expr).iter().all(covered))
        })
        .collect()
}

/// What a constraint is about.
struct Subject {
    path: String,
    kind: Kind,
}

#[derive(Clone, Copy, PartialEq)]
enum Kind {
    Upper,
    Lower,
    Value,
    Excluded,
    Only,
    Other,
}

impl Kind {
    /// Whether it restricts the same path at least as the old one.
    fn covers(self, old: Self) -> bool {
        self == old || self == Self::Value || old == Self::Other
    }
}

fn subjects_of(expr: &Expr) -> Vec<Subject> {
    let mut found = Vec::new();
    for (conjunct, _) in conjuncts(expr) {
        let mut kind = None;
        for (left, op, _) in comparisons(conjunct) {
            if left.path().is_none() {
                continue;
            }
            let of = match op {
                CompareOp::Less | CompareOp::LessOrEqual => Kind::Upper,
                CompareOp::Greater | CompareOp::GreaterOrEqual => Kind::Lower,
                CompareOp::Equal => Kind::Value,
                CompareOp::NotEqual => Kind::Excluded,
            };
            found.push(Subject {
                path: left.to_string(),
                kind: of,
            });
            kind = Some(());
        }
        if kind.is_some() {
            continue;
        }
        let kind = match &conjunct.kind {
            ExprKind::In { negated: true, .. } => Kind::Excluded,
            ExprKind::In { negated: false, .. } => Kind::Value,
            ExprKind::Test(_, Test::Only(_)) => Kind::Only,
            ExprKind::And(_)
            | ExprKind::Or(_)
            | ExprKind::Not(_)
            | ExprKind::Compare { .. }
            | ExprKind::Text { .. }
            | ExprKind::Named { .. }
            | ExprKind::Test(..)
            | ExprKind::Quantifier { .. } => Kind::Other,
        };
        found.extend(conjunct.paths().map(|path| Subject {
            path: path.to_string(),
            kind,
        }));
    }
    found
}
