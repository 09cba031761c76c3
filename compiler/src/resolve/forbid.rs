//! What is forbidden: when two are the same, and what none beside the roles may ask.

use std::sync::Arc;

use super::{Forbid, Use, Written};
use crate::{
    diagnostic::{Diagnostic, Sink},
    expr::Root,
    model::Scope,
    source::Sources,
};

/// All that a forbid says: equal for those that are the same.
#[derive(PartialEq, Eq, Hash)]
pub(super) struct Key {
    tools: Option<Vec<String>>,
    constraints: Vec<usize>,
    scopes: Vec<Option<Arc<Scope>>>,
    message: Option<String>,
    description: Option<String>,
}

pub(super) fn key(forbid: &Forbid<'_>) -> Key {
    let names = forbid.doc.tools.as_ref();
    Key {
        tools: names.map(|names| names.iter().map(|name| name.text.clone()).collect()),
        constraints: forbid.constraints.iter().map(|own| own.id).collect(),
        scopes: forbid
            .parts
            .iter()
            .map(|(_, scope)| scope.clone())
            .collect(),
        message: forbid.doc.message.clone(),
        description: forbid.doc.description.clone(),
    }
}

/// Refuses `role` in what is asked before any role is looked at.
pub(super) fn check_ceiling(
    constraints: &[Use<'_>],
    written: &[Written],
    sources: &Sources,
    sink: &mut Sink,
) {
    for own in constraints {
        let Some(expr) = written.get(own.id).map(|written| &written.constraint.expr) else {
            continue;
        };
        let Some(path) = expr.paths().find(|path| path.root == Root::Role) else {
            continue;
        };
        // Within a named condition places are those of its definition.
        let named = expr
            .walk()
            .any(|part| matches!(part.kind, crate::expr::ExprKind::Named { .. }));
        let span = if named {
            own.span()
        } else {
            own.text.node.locate(sources, path.span.clone())
        };
        sink.push(
            Diagnostic::new(
                "bad-forbid",
                "what is forbidden beside `roles` is asked before any role, so it cannot look at `role`",
                span,
                "no role here",
            )
            .with_help("move it into `forbid` of the roles that it is meant for; a mixin that they inherit can hold it"),
        );
    }
}
