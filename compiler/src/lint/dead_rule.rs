//! Parts of a policy that no call ever reaches.

use std::collections::BTreeMap;

use crate::{
    diagnostic::{Diagnostic, Sink, codes::lint as codes, quoted},
    model::Mode,
    resolve::Resolved,
};

pub(super) fn check(resolved: &Resolved<'_>, sink: &mut Sink) {
    for entry in &resolved.entries {
        if !sink.has_room() {
            return;
        }
        if entry.mode == Mode::Deny {
            let first = entry
                .doc
                .constraints
                .first()
                .map(|text| (text.node.span, "never looked at"));
            let first = first.or_else(|| {
                entry
                    .doc
                    .scope
                    .as_ref()
                    .map(|scope| (scope.key, "never looked at"))
            });
            let Some((span, label)) = first else { continue };
            let what = if entry.doc.constraints.is_empty() {
                "the scope"
            } else {
                "the constraints"
            };
            let name = quoted(&entry.doc.name.text);
            // Not to choose another mode: what was meant to be forbidden would be what is allowed.
            let denied_in_part = if entry.doc.constraints.is_empty() {
                "remove it; to deny some paths only, allow the tool and list them under `denied_paths`"
            } else {
                "remove them; to deny some calls only, allow the tool and negate what these have in common, as in `not contains(args.command, \"rm\")`"
            };
            let diagnostic = match entry.doc.mode {
                Some((_, mode)) => Diagnostic::new(
                    codes::DEAD_RULE,
                    format!("{what} of {name} cannot matter: it is denied"),
                    span,
                    label,
                )
                .with_label(mode, "denied here")
                .with_help(denied_in_part),
                None => Diagnostic::new(
                    codes::DEAD_RULE,
                    format!("{what} of {name} cannot matter: without a mode it is denied"),
                    span,
                    label,
                )
                .with_label(entry.doc.name.span, "has no `mode`")
                .with_help("add `mode: allow` or `mode: approval_required`"),
            };
            sink.push(diagnostic);
        }
        if let Some(scope) = &entry.doc.scope {
            let denied: BTreeMap<&str, _> = scope
                .denied
                .iter()
                .map(|text| (text.value.as_str(), text.node.span))
                .collect();
            for text in &scope.allowed {
                if let Some(span) = denied.get(text.value.as_str()) {
                    sink.push(
                        Diagnostic::new(
                            codes::DEAD_RULE,
                            format!(
                                "the pattern {} allows nothing: it is denied as well",
                                quoted(&text.value)
                            ),
                            text.node.span,
                            "allowed here",
                        )
                        .with_label(*span, "denied here, which comes first")
                        .with_help("remove it, or deny less if the path is to be allowed"),
                    );
                }
            }
        }
    }
    idle_constraints(resolved, sink);
}

/// Policy-level constraints of roles that deny every tool.
fn idle_constraints(resolved: &Resolved<'_>, sink: &mut Sink) {
    let mut applied = vec![false; resolved.constraints.len()];
    let mut idle = BTreeMap::new();
    for role in resolved.roles.iter().filter(|role| !role.doc.is_mixin) {
        let mut entries = role
            .tools
            .values()
            .copied()
            .chain(role.default)
            .filter_map(|index| resolved.entries.get(index));
        let applies = entries.any(|entry| entry.mode != Mode::Deny);
        for constraint in role.policy_level.iter() {
            if applies {
                if let Some(applied) = applied.get_mut(constraint.id) {
                    *applied = true;
                }
            } else {
                idle.insert(constraint.id, constraint);
            }
        }
    }
    for (id, constraint) in idle {
        if !applied.get(id).copied().unwrap_or(true) {
            sink.push(
                Diagnostic::new(codes::DEAD_RULE, "this constraint cannot matter: every tool that it applies to is denied", constraint.span(), "never looked at")
                    .with_help("add the tools that are to be allowed, each with its `mode`, or remove the constraint"),
            );
        }
    }
}
