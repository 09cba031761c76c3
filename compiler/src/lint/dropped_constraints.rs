//! A rule replaces an inherited one and loses what restricted it.

use super::facts::{comparisons, conjuncts, operand_path, paths, show};
use crate::{
    diagnostic::{CodeDoc, Diagnostic, Severity, Sink, quoted},
    expr::{CompareOp, Expr, ExprKind, OperandKind},
    model::Mode,
    resolve::{Entry, Replacement, Resolved, Use},
};

pub(super) const CODE: CodeDoc = CodeDoc {
    code: "dropped-constraints",
    severity: Severity::Warning,
    title: "a rule replaces an inherited one and drops its constraints",
    explanation: "The entry of a tool replaces the whole entry that a role inherits; nothing of it is merged. In

    roles:
      base: { is_mixin: true, tools: { refund: { mode: allow, constraints: [args.amount <= 50] } } }
      support: { inherits: [base], tools: { refund: { mode: approval_required } } }

a human may be asked to approve any amount. A new constraint of the same kind on the same argument counts as a replacement, and is not reported.

Repeat the constraints that are still meant. What must hold for every tool and every child belongs below `constraints` of the policy, which add up.",
};

pub(super) fn check(resolved: &Resolved<'_>, sink: &mut Sink) {
    for replacement in &resolved.replacements {
        let (Some(old), Some(new)) = (
            resolved.entries.get(replacement.old),
            resolved.entries.get(replacement.new),
        ) else {
            continue;
        };
        if old.mode == Mode::Deny || new.mode == Mode::Deny {
            continue;
        }
        let dropped = dropped(resolved, replacement, old, new);
        let scope = old.doc.scope.as_ref().filter(|_| new.scope.is_none());
        if dropped.is_empty() && scope.is_none() {
            continue;
        }
        let what = match (dropped.len(), scope) {
            (0, _) => "its file scope",
            (1, None) => "a constraint of it",
            (_, None) => "constraints of it",
            (_, Some(_)) => "constraints and the file scope of it",
        };
        let (message, label) = if replacement.own {
            (
                format!(
                    "this rule for {} replaces the inherited one and drops {what}",
                    quoted(&new.doc.name.text)
                ),
                "replaces the inherited rule",
            )
        } else {
            (
                format!(
                    "this parent's rule for {} replaces that of an earlier parent and drops {what}",
                    quoted(&new.doc.name.text)
                ),
                "its rule counts",
            )
        };
        let mut diagnostic = Diagnostic::new(CODE.code, message, replacement.place, label)
            .with_help("repeat what is still meant; what every tool must keep belongs below `constraints` of the policy");
        for constraint in dropped.iter().take(4) {
            diagnostic = diagnostic.with_label(constraint.span(), "no longer applies");
        }
        if let Some(scope) = scope {
            diagnostic = diagnostic.with_label(scope.key, "no longer applies");
        }
        sink.push(diagnostic);
    }
}

/// The constraints of `old` to which nothing in `new` corresponds.
fn dropped<'r, 'd>(
    resolved: &'r Resolved<'d>,
    replacement: &Replacement<'d>,
    old: &'r Entry<'d>,
    new: &Entry<'d>,
) -> Vec<&'r Use<'d>> {
    let role = resolved
        .roles
        .iter()
        .find(|role| std::ptr::eq(role.doc, replacement.role));
    let kept: Vec<&Use<'d>> = role
        .map(|role| role.policy_level.iter())
        .into_iter()
        .flatten()
        .chain(&new.constraints)
        .collect();
    let subjects: Vec<Subject> = kept
        .iter()
        .filter_map(|constraint| resolved.expr(constraint))
        .flat_map(subjects_of)
        .collect();
    old.constraints
        .iter()
        .filter(|constraint| {
            !kept.iter().any(|kept| kept.id == constraint.id)
                && resolved.expr(constraint).is_some_and(|expr| {
                    !subjects_of(expr)
                        .iter()
                        .all(|old| subjects.iter().any(|new| new.covers(old)))
                })
        })
        .collect()
}

/// What a constraint is about.
struct Subject {
    path: String,
    kind: Kind,
}

#[derive(PartialEq)]
enum Kind {
    Upper,
    Lower,
    Value,
    Excluded,
    Only,
    Other,
}

impl Subject {
    fn covers(&self, old: &Self) -> bool {
        self.path == old.path
            && (self.kind == old.kind || self.kind == Kind::Value || old.kind == Kind::Other)
    }
}

fn subjects_of(expr: &Expr) -> Vec<Subject> {
    let mut found = Vec::new();
    for conjunct in conjuncts(expr) {
        let mut kind = None;
        for (left, op, _) in comparisons(conjunct) {
            let Some(path) = operand_path(left) else {
                continue;
            };
            let path = if matches!(left.kind, OperandKind::Count(_)) {
                format!("count({})", show(path))
            } else {
                show(path)
            };
            let of = match op {
                CompareOp::Less | CompareOp::LessOrEqual => Kind::Upper,
                CompareOp::Greater | CompareOp::GreaterOrEqual => Kind::Lower,
                CompareOp::Equal => Kind::Value,
                CompareOp::NotEqual => Kind::Excluded,
            };
            found.push(Subject { path, kind: of });
            kind = Some(());
        }
        if kind.is_some() {
            continue;
        }
        match &conjunct.kind {
            ExprKind::In { value, negated, .. } => {
                let kind = if *negated {
                    Kind::Excluded
                } else {
                    Kind::Value
                };
                found.extend(operand_path(value).map(|path| Subject {
                    path: show(path),
                    kind,
                }));
            }
            ExprKind::Only(path, _) => found.push(Subject {
                path: show(path),
                kind: Kind::Only,
            }),
            _ => found.extend(paths(conjunct).into_iter().map(|path| Subject {
                path: show(path),
                kind: Kind::Other,
            })),
        }
    }
    found
}
