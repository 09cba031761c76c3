//! Callers without a known role have no rules.

use crate::{
    diagnostic::{Diagnostic, Sink, codes::lint as codes},
    document::Layout,
    resolve::Resolved,
};

pub(super) fn check(resolved: &Resolved<'_>, sink: &mut Sink) {
    let (Layout::Roles(span) | Layout::Directory(span)) = resolved.document.layout else {
        return;
    };
    let default = resolved
        .document
        .roles
        .iter()
        .find(|role| role.name.text == "default");
    if default.is_some_and(|role| !role.is_mixin) {
        return;
    }
    let mut diagnostic = Diagnostic::new(codes::NO_DEFAULT_ROLE, "no role `default`: callers without a known role are denied everything", span, "no `default` here")
        .with_help("add `default: {}` to say that this is meant, or give it the rules that such callers should have");
    if let Some(role) = default {
        diagnostic = diagnostic.with_label(
            role.name.span,
            "a mixin is not a role that a caller can have",
        );
    }
    sink.push(diagnostic);
}
