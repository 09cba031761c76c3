//! Callers without a known role have no rules.

use crate::{
    diagnostic::{CodeDoc, Diagnostic, Severity, Sink},
    document::Layout,
    resolve::Resolved,
};

pub(super) const CODE: CodeDoc = CodeDoc {
    code: "no-default-role",
    severity: Severity::Warning,
    title: "no role `default`",
    explanation: "A caller without a role, or with roles that the policy does not know, is decided by the role `default`. Without one such callers are denied everything. That is safe, and a surprise to those who expect some role to stand in.

Say what is meant:

    roles:
      default: {}      # callers without a known role may do nothing",
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
    let mut diagnostic = Diagnostic::new(CODE.code, "no role `default`: callers without a known role are denied everything", span, "no `default` here")
        .with_help("add `default: {}` to say that this is meant, or give it the rules that such callers should have");
    if let Some(role) = default {
        diagnostic = diagnostic.with_label(
            role.name.span,
            "a mixin is not a role that a caller can have",
        );
    }
    sink.push(diagnostic);
}
