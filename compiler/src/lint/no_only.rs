//! A tool with constraints accepts arguments that no constraint names.

use std::collections::BTreeMap;

use crate::{
    diagnostic::{Diagnostic, Sink, codes::lint as codes, quoted},
    expr::{
        CompareOp, Expr, ExprKind, Members, OperandKind, Over, Path, Quantifier, Root, Step, Test,
        json,
    },
    resolve::Resolved,
};

pub(super) fn check(resolved: &Resolved<'_>, sink: &mut Sink) {
    // By role, whether its policy-level constraints close the arguments.
    let mut closed: BTreeMap<&str, bool> = BTreeMap::new();
    for entry in resolved.permitting().filter(|entry| !entry.is_default) {
        if !sink.has_room() {
            return;
        }
        let own: Vec<&Expr> = entry
            .constraints
            .iter()
            .filter_map(|constraint| resolved.expr(constraint))
            .collect();
        let mut names: Vec<&str> = Vec::new();
        let mut about_args = false;
        for path in own
            .iter()
            .flat_map(|expr| expr.walk())
            .filter(|expr| !looks_at_each_argument(expr))
            .flat_map(Expr::own_paths)
            .filter(|path| path.root == Root::Args)
        {
            about_args = true;
            if let Some(first) = path.steps.first().and_then(Step::member)
                && !names.contains(&first)
                && names.len() < 16
            {
                names.push(first);
            }
        }
        let mut closed_by_role = || {
            let name = entry.role.name.text.as_str();
            *closed.entry(name).or_insert_with(|| {
                let role = resolved.role(name);
                role.into_iter()
                    .flat_map(|role| role.policy_level.iter())
                    .filter_map(|constraint| resolved.expr(constraint))
                    .any(closes_arguments)
            })
        };
        if !about_args || own.iter().any(|expr| closes_arguments(expr)) || closed_by_role() {
            continue;
        }
        // A file scope looks at an argument as well.
        if let Some(scope) = &entry.scope {
            for argument in &scope.arguments {
                if !names.contains(&argument.as_str()) {
                    names.push(argument);
                }
            }
        }
        let list: Vec<String> = names.iter().map(|name| json(name)).collect();
        sink.push(
            Diagnostic::new(
                codes::NO_ONLY,
                format!(
                    "{} is constrained, and accepts arguments that no constraint names",
                    quoted(&entry.doc.name.text)
                ),
                entry.doc.name.span,
                "no `only` among its constraints",
            )
            .with_help(format!(
                "add `only(args, [{}])` with all arguments that it may be given",
                list.join(", ")
            )),
        );
    }
}

fn closes_arguments(expr: &Expr) -> bool {
    match &expr.kind {
        ExprKind::And(parts) => parts.iter().any(closes_arguments),
        ExprKind::Or(parts) => parts.iter().all(closes_arguments),
        ExprKind::Test(path, Test::Only(_)) => is_all_arguments(path),
        // The whole of the arguments is given.
        ExprKind::Compare { op, .. } => {
            *op == CompareOp::Equal && expr.own_paths().any(is_all_arguments)
        }
        ExprKind::Named { body, .. } => closes_arguments(body),
        // The names of all arguments are among some.
        ExprKind::Quantifier {
            quantifier: Quantifier::EveryMember,
            over: Over::Path(path),
            body,
        } => is_all_arguments(path) && names_the_member(body),
        ExprKind::Not(_)
        | ExprKind::In { .. }
        | ExprKind::Text { .. }
        | ExprKind::Test(..)
        | ExprKind::Quantifier { .. } => false,
    }
}

/// Whether a condition on a member is true of some names only.
fn names_the_member(body: &Expr) -> bool {
    let is_name =
        |path: &Path| path.root == Root::Element && path.steps == [Step::Member("name".to_owned())];
    match &body.kind {
        ExprKind::And(parts) => parts.iter().any(names_the_member),
        ExprKind::Or(parts) => parts.iter().all(names_the_member),
        ExprKind::Named { body, .. } => names_the_member(body),
        ExprKind::In {
            value,
            list: Members::Listed(_),
            negated: false,
        } => matches!(&value.kind, OperandKind::Path(path) if is_name(path)),
        ExprKind::Compare { op, .. } => *op == CompareOp::Equal && body.own_paths().any(is_name),
        ExprKind::In { .. }
        | ExprKind::Not(_)
        | ExprKind::Text { .. }
        | ExprKind::Test(..)
        | ExprKind::Quantifier { .. } => false,
    }
}

/// Whether a condition looks at all arguments, whatever their names.
fn looks_at_each_argument(expr: &Expr) -> bool {
    match &expr.kind {
        ExprKind::Quantifier {
            quantifier: Quantifier::Anywhere | Quantifier::EveryMember | Quantifier::AnyMember,
            over: Over::Path(path),
            ..
        } => is_all_arguments(path),
        ExprKind::Quantifier { .. }
        | ExprKind::And(_)
        | ExprKind::Or(_)
        | ExprKind::Not(_)
        | ExprKind::Compare { .. }
        | ExprKind::In { .. }
        | ExprKind::Text { .. }
        | ExprKind::Test(..)
        | ExprKind::Named { .. } => false,
    }
}

fn is_all_arguments(path: &Path) -> bool {
    path.root == Root::Args && path.steps.is_empty()
}
