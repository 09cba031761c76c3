//! What OPA's WebAssembly does not hold exactly: it adds and multiplies in binary fractions.

use std::{collections::HashSet, sync::Arc};

use super::Refusal;
use crate::{
    diagnostic::quoted,
    expr::{ArithmeticOp, Expr, OperandKind},
    model::{Constraint, Forbid, Policy},
};

/// Refuses a policy of which a constraint calculates.
pub(super) fn refuse(policy: &Policy) -> Result<(), Refusal> {
    let mut seen = Seen(HashSet::new());
    for (name, role) in &policy.roles {
        let of = format!("role {}", quoted(name));
        seen.constraints(&role.default_rule.constraints, || {
            format!("`default_policy` of {of}")
        })?;
        let tools = role
            .tools
            .iter()
            .map(|(tool, entry)| (tool.as_str(), entry));
        let patterns = role.patterns.iter();
        let patterns = patterns.map(|(pattern, entry)| (pattern.as_str(), entry));
        for (tool, entry) in tools.chain(patterns) {
            for rule in entry.rules() {
                seen.constraints(&rule.constraints, || {
                    format!("tool {} of {of}", quoted(tool))
                })?;
            }
        }
        seen.forbids(&role.forbids, || format!("`forbid` of {of}"))?;
    }
    seen.forbids(&policy.forbids, || "`forbid` beside the roles".to_owned())
}

/// The constraints that were looked at: many rules share them.
struct Seen(HashSet<*const Constraint>);

impl Seen {
    fn forbids(
        &mut self,
        forbids: &[Arc<Forbid>],
        place: impl Fn() -> String,
    ) -> Result<(), Refusal> {
        forbids
            .iter()
            .try_for_each(|forbid| self.constraints(&forbid.constraints, &place))
    }

    fn constraints(
        &mut self,
        constraints: &[Arc<Constraint>],
        place: impl Fn() -> String,
    ) -> Result<(), Refusal> {
        for constraint in constraints {
            if !self.0.insert(Arc::as_ptr(constraint)) {
                continue;
            }
            if let Some(what) = calculates(&constraint.expr) {
                return Err(Refusal::Inexact {
                    what,
                    place: place(),
                    constraint: constraint.source.clone(),
                });
            }
        }
        Ok(())
    }
}

/// What calculates in a condition.
fn calculates(expr: &Expr) -> Option<&'static str> {
    let mut operands = expr.walk().flat_map(Expr::operands);
    operands.find_map(|operand| match &operand.kind {
        OperandKind::Sum { .. } => Some("sum"),
        OperandKind::Arithmetic { op, .. } => Some(match op {
            ArithmeticOp::Add => "+",
            ArithmeticOp::Subtract => "-",
            ArithmeticOp::Multiply => "*",
        }),
        OperandKind::Path(_)
        | OperandKind::Count(_)
        | OperandKind::CountIf { .. }
        | OperandKind::Lower(_)
        | OperandKind::TypeOf(_)
        | OperandKind::Literal(_) => None,
    })
}
