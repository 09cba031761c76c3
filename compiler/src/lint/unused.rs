//! Constants and mixins that nothing uses.

use std::collections::BTreeSet;

use crate::{
    diagnostic::{CodeDoc, Diagnostic, Severity, Sink, quoted},
    resolve::Resolved,
};

pub(super) const CONST: CodeDoc = CodeDoc {
    code: "unused-const",
    severity: Severity::Warning,
    title: "a constant that no constraint uses",
    explanation: "No constraint that sees this constant uses it: constraints see those of their own role, of its parents, and those beside `roles:`. An author who changes its value would expect something to happen.

Use it as `consts.NAME`, or remove it.",
};

pub(super) const MIXIN: CodeDoc = CodeDoc {
    code: "unused-mixin",
    severity: Severity::Warning,
    title: "a mixin that no role inherits",
    explanation: "A role with `is_mixin: true` is there to be inherited from; no caller can have it. Without an heir none of its rules applies to anybody.

Inherit from it, remove it, or remove `is_mixin`.",
};

pub(super) fn check(resolved: &Resolved<'_>, sink: &mut Sink) {
    for name in &resolved.unused_consts {
        if !sink.has_room() {
            return;
        }
        sink.push(
            Diagnostic::new(
                CONST.code,
                format!("no constraint uses the constant {}", quoted(&name.text)),
                name.span,
                "unused",
            )
            .with_help(format!(
                "use it as {}, or remove it",
                quoted(&format!("consts.{}", name.text))
            )),
        );
    }
    let inherited: BTreeSet<&str> = resolved
        .document
        .roles
        .iter()
        .flat_map(|role| &role.inherits)
        .map(|name| name.text.as_str())
        .collect();
    for role in resolved
        .document
        .roles
        .iter()
        .filter(|role| role.is_mixin && !inherited.contains(role.name.text.as_str()))
    {
        sink.push(
            Diagnostic::new(
                MIXIN.code,
                format!("no role inherits the mixin {}", quoted(&role.name.text)),
                role.name.span,
                "unused",
            )
            .with_help("add it to the `inherits` of a role, or remove it"),
        );
    }
}
