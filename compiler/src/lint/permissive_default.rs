//! Everything that is not listed is allowed.

use crate::{
    diagnostic::{Diagnostic, Sink, codes::lint as codes, quoted},
    model::{Mode, NamePattern},
    resolve::{Entry, Resolved},
};

pub(super) fn check(resolved: &Resolved<'_>, sink: &mut Sink) {
    for listed in &resolved.listed {
        if !sink.has_room() {
            return;
        }
        let rules = resolved
            .entries
            .get(listed.rules.clone())
            .unwrap_or_default();
        let name = &listed.doc.name.text;
        let is_default = rules.iter().any(|rule| rule.is_default);
        // A pattern that matches every name is the rule for tools that are not listed.
        if !is_default && NamePattern::new(name).is_none_or(|pattern| pattern.weight() > 0) {
            continue;
        }
        let allows = |rule: &&Entry<'_>| {
            rule.mode == Mode::Allow && rule.constraints.is_empty() && rule.scope.is_none()
        };
        let Some(entry) = rules.iter().find(allows) else {
            continue;
        };
        let role = resolved.role(&listed.role.name.text);
        if role.is_some_and(|role| !role.policy_level.is_empty())
            || rules.iter().any(Entry::is_exception)
        {
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
