//! What lints need to know about expressions.

use crate::{
    expr::{CompareOp, Expr, ExprKind, Operand, OperandKind, Path, Root},
    resolve::{Resolved, Use},
};

/// What must all be true for `expr` to be true.
pub(super) fn conjuncts(expr: &Expr) -> Vec<&Expr> {
    match &expr.kind {
        // Chains are flat, so this goes as deep as parentheses do.
        ExprKind::And(parts) => parts.iter().flat_map(conjuncts).collect(),
        _ => vec![expr],
    }
}

/// All paths in `expr`, also those within quantifiers.
pub(super) fn paths(expr: &Expr) -> Vec<&Path> {
    fn walk<'e>(expr: &'e Expr, found: &mut Vec<&'e Path>) {
        match &expr.kind {
            ExprKind::And(parts) | ExprKind::Or(parts) => {
                parts.iter().for_each(|part| walk(part, found))
            }
            ExprKind::Not(inner) => walk(inner, found),
            ExprKind::Compare { left, right, .. } => {
                found.extend([left, right].into_iter().filter_map(operand_path))
            }
            ExprKind::In { value, .. } => found.extend(operand_path(value)),
            ExprKind::Text { path, .. }
            | ExprKind::Matches { path, .. }
            | ExprKind::Present(path)
            | ExprKind::Only(path, _) => found.push(path),
            ExprKind::Quantifier { path, body, .. } => {
                found.push(path);
                walk(body, found);
            }
        }
    }
    let mut found = Vec::new();
    walk(expr, &mut found);
    found
}

/// The path that an operand reads.
pub(super) fn operand_path(operand: &Operand) -> Option<&Path> {
    match &operand.kind {
        OperandKind::Path(path) | OperandKind::Count(path) => Some(path),
        OperandKind::Literal(_) => None,
    }
}

/// A path as a key and for messages.
pub(super) fn show(path: &Path) -> String {
    let mut text = match path.root {
        Root::Args => "args",
        Root::Ctx => "ctx",
        Root::Run => "run",
        Root::User => "user",
        Root::Role => "role",
        Root::Tool => "tool",
        Root::Element => "",
    }
    .to_owned();
    if path.root == Root::Element && path.steps.is_empty() {
        return ".".into();
    }
    for step in &path.steps {
        let is_name = step.starts_with(|first: char| first.is_ascii_alphabetic() || first == '_')
            && step.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_');
        if is_name {
            text.push('.');
            text.push_str(step);
        } else {
            text.push('[');
            text.push_str(&json(step));
            text.push(']');
        }
    }
    text
}

/// A string as JSON writes it.
pub(super) fn json(text: &str) -> String {
    serde_json::Value::from(text).to_string()
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
        _ => Vec::new(),
    }
}

impl Resolved<'_> {
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
