//! Everything that is not listed is allowed.

use crate::{
    diagnostic::{Diagnostic, Sink, codes::lint as codes, quoted},
    model::Mode,
    resolve::Resolved,
};

pub(super) fn check(resolved: &Resolved<'_>, sink: &mut Sink) {
    for entry in resolved.entries.iter().filter(|entry| {
        entry.is_default && entry.mode == Mode::Allow && entry.constraints.is_empty()
    }) {
        if !sink.has_room() {
            return;
        }
        let role = resolved.role(&entry.role.name.text);
        if role.is_some_and(|role| !role.policy_level.is_empty()) {
            continue;
        }
        let (span, whom) = (
            entry.doc.mode.map_or(entry.doc.name.span, |(_, span)| span),
            if entry.role.name.text == "default" {
                "to every caller without a known role".to_owned()
            } else {
                format!("to the role {}", quoted(&entry.role.name.text))
            },
        );
        sink.push(
            Diagnostic::new(
                codes::PERMISSIVE_DEFAULT,
                format!("every tool that is not listed is allowed {whom}"),
                span,
                "allows every unlisted tool",
            )
            .with_help(
                "use `mode: deny` and list the tools that are allowed, or `approval_required`",
            ),
        );
    }
}
