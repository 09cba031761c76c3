//! A name in an `or` that no role and no tool has.

use std::collections::BTreeSet;

use crate::{
    budget::{Account, Budget},
    diagnostic::{Diagnostic, Sink, codes::lint as codes, quoted},
    expr::{CompareOp, Expr, ExprKind, Literal, Members, Operand, OperandKind, Root, json},
    model::{Mode, NamePattern},
    resolve::{Resolved, Use},
    source::Sources,
};

pub(super) fn check(resolved: &Resolved<'_>, sources: &Sources, budget: &Budget, sink: &mut Sink) {
    let names = Names::of(resolved);
    let roles = resolved
        .roles
        .iter()
        .flat_map(|role| role.policy_level.iter());
    let entries = resolved.entries.iter().flat_map(|entry| &entry.constraints);
    let forbids = resolved
        .forbids
        .iter()
        .flat_map(|forbid| &forbid.constraints);
    let mut seen = BTreeSet::new();
    for constraint in roles.chain(entries).chain(forbids) {
        if !seen.insert(constraint.span()) {
            continue;
        }
        if !sink.has_room() {
            return;
        }
        let Some(expr) = resolved.expr(constraint) else {
            continue;
        };
        for part in expr.walk() {
            let ExprKind::Or(parts) = &part.kind else {
                continue;
            };
            for part in parts {
                // Each of its names is held against each pattern.
                let looked_at = names.looked_at(part);
                if budget
                    .pay(Account::Lints, looked_at, constraint.span(), sink)
                    .is_none()
                {
                    return;
                }
                names.report(part, constraint, sources, budget, sink);
            }
        }
    }
}

/// The names that there are.
struct Names<'r> {
    roles: BTreeSet<&'r str>,
    /// None: also tools that are not listed may be called.
    tools: Option<(BTreeSet<&'r str>, Vec<NamePattern>)>,
}

impl<'r> Names<'r> {
    fn of(resolved: &'r Resolved<'_>) -> Self {
        let roles = resolved.roles.iter().filter(|role| !role.doc.is_mixin);
        let any = resolved
            .entries
            .iter()
            .any(|entry| entry.is_default && entry.mode != Mode::Deny);
        let listed = resolved
            .listed
            .iter()
            .map(|listed| listed.doc.name.text.as_str());
        let (patterns, exact): (Vec<&str>, Vec<&str>) =
            listed.partition(|name| NamePattern::new(name).is_some());
        let patterns: Vec<NamePattern> =
            patterns.into_iter().filter_map(NamePattern::new).collect();
        Self {
            roles: roles.map(|role| role.doc.name.text.as_str()).collect(),
            tools: (!any).then(|| (exact.into_iter().collect(), patterns)),
        }
    }

    fn looked_at(&self, expr: &Expr) -> u64 {
        let patterns = self
            .tools
            .as_ref()
            .map_or(0, |(_, patterns)| patterns.len());
        let names = match &expr.kind {
            ExprKind::In {
                list: Members::Listed(list),
                ..
            } => list.len(),
            ExprKind::In { .. } | ExprKind::Compare { .. } | ExprKind::Not(_) => 1,
            ExprKind::And(_)
            | ExprKind::Or(_)
            | ExprKind::Text { .. }
            | ExprKind::Test(..)
            | ExprKind::Quantifier { .. }
            | ExprKind::Named { .. } => 0,
        };
        (patterns * names) as u64
    }

    fn has(&self, root: Root, name: &str) -> bool {
        match root {
            Root::Role => self.roles.contains(name),
            Root::Tool => self.tools.as_ref().is_none_or(|(exact, patterns)| {
                exact.contains(name) || patterns.iter().any(|pattern| pattern.matches(name))
            }),
            Root::Args
            | Root::Ctx
            | Root::Run
            | Root::Said
            | Root::Usage
            | Root::User
            | Root::UserUsage
            | Root::Element => true,
        }
    }

    fn report(
        &self,
        expr: &Expr,
        constraint: &Use<'_>,
        sources: &Sources,
        budget: &Budget,
        sink: &mut Sink,
    ) {
        let Some((root, unknown, true_of_others)) = self.unknown(expr) else {
            return;
        };
        let what = if root == Root::Role { "role" } else { "tool" };
        let known: Vec<&str> = match root {
            Root::Role => self.roles.iter().copied().collect(),
            _ => self
                .tools
                .iter()
                .flat_map(|(exact, _)| exact.iter().copied())
                .collect(),
        };
        let help = match budget.nearest(unknown, known) {
            Some(meant) => format!("did you mean {}", quoted(&json(meant))),
            None => "correct the name, or remove this alternative".to_owned(),
        };
        let label = if true_of_others {
            "true of every call, and so is the whole"
        } else {
            "true of no call"
        };
        sink.push(
            Diagnostic::new(
                codes::UNKNOWN_NAME,
                format!("no {what} of this policy is called {}", quoted(unknown)),
                constraint.text.node.locate(sources, expr.span.clone()),
                label,
            )
            .with_help(help),
        );
    }

    /// A name in a condition on `role` or `tool` that there is not, and whether the condition is true of all others.
    fn unknown<'e>(&self, expr: &'e Expr) -> Option<(Root, &'e str, bool)> {
        match &expr.kind {
            ExprKind::Not(inner) => {
                let (root, name, others) = self.unknown(inner)?;
                Some((root, name, !others))
            }
            ExprKind::Compare { op, left, right } => {
                let (root, name) = match (named_root(left), named_root(right)) {
                    (Some(root), None) => (root, text(right)?),
                    (None, Some(root)) => (root, text(left)?),
                    (Some(_), Some(_)) | (None, None) => return None,
                };
                let others = match op {
                    CompareOp::Equal => false,
                    CompareOp::NotEqual => true,
                    CompareOp::Less
                    | CompareOp::LessOrEqual
                    | CompareOp::Greater
                    | CompareOp::GreaterOrEqual => return None,
                };
                (!self.has(root, name)).then_some((root, name, others))
            }
            ExprKind::In {
                value,
                list: Members::Listed(list),
                negated,
            } => {
                let root = named_root(value)?;
                let texts = list.iter().map(|literal| match literal {
                    Literal::String(text) => Some(text.as_str()),
                    Literal::Null | Literal::Bool(_) | Literal::Number(_) | Literal::List(_) => {
                        None
                    }
                });
                let names: Vec<&str> = texts.flatten().collect();
                // One of several may be there for policies that share a constant.
                let unknown = names.iter().all(|name| !self.has(root, name));
                Some((root, *names.first().filter(|_| unknown)?, *negated))
            }
            ExprKind::And(_)
            | ExprKind::Or(_)
            | ExprKind::In { .. }
            | ExprKind::Text { .. }
            | ExprKind::Test(..)
            | ExprKind::Quantifier { .. }
            | ExprKind::Named { .. } => None,
        }
    }
}

fn named_root(operand: &Operand) -> Option<Root> {
    let path = operand.as_path()?;
    path.root.is_name().then_some(path.root)
}

fn text(operand: &Operand) -> Option<&str> {
    match &operand.kind {
        OperandKind::Literal(Literal::String(text)) => Some(text),
        OperandKind::Literal(_)
        | OperandKind::Path(_)
        | OperandKind::Count(_)
        | OperandKind::CountIf { .. }
        | OperandKind::Sum { .. }
        | OperandKind::Lower(_)
        | OperandKind::TypeOf(_)
        | OperandKind::Arithmetic { .. } => None,
    }
}
