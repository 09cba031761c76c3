//! Constants, named conditions and mixins that nothing uses.

use std::collections::BTreeSet;

use crate::{
    diagnostic::{Diagnostic, Sink, codes::lint as codes, quoted},
    resolve::Resolved,
};

pub(super) fn check(resolved: &Resolved<'_>, sink: &mut Sink) {
    for name in &resolved.unused_consts {
        if !sink.has_room() {
            return;
        }
        sink.push(
            Diagnostic::new(
                codes::UNUSED_CONST,
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
    for name in &resolved.unused_defines {
        if !sink.has_room() {
            return;
        }
        sink.push(
            Diagnostic::new(
                codes::UNUSED_DEFINE,
                format!("no constraint uses the condition {}", quoted(&name.text)),
                name.span,
                "unused",
            )
            .with_help(format!(
                "use it as {}, or remove it",
                quoted(&format!("{}(args.x)", name.text))
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
                codes::UNUSED_MIXIN,
                format!("no role inherits the mixin {}", quoted(&role.name.text)),
                role.name.span,
                "unused",
            )
            .with_help("add it to the `inherits` of a role, or remove it"),
        );
    }
}
