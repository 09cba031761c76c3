//! What stands twice.

use std::collections::BTreeMap;

use crate::{
    budget::{Account, Budget},
    diagnostic::{Diagnostic, Sink, codes::lint as codes, quoted},
    model::Mode,
    resolve::{Entry, Replacement, Resolved},
    source::Span,
};

pub(super) fn check(resolved: &Resolved<'_>, budget: &Budget, sink: &mut Sink) {
    // By role, its policy-level constraints.
    let mut by_role: BTreeMap<&str, BTreeMap<usize, Span>> = BTreeMap::new();
    for entry in &resolved.entries {
        if !sink.has_room() {
            return;
        }
        for (again, first) in &entry.repeated {
            sink.push(
                Diagnostic::new(
                    codes::REDUNDANT,
                    format!("{} stands here twice", quoted(&again.text.value)),
                    again.span(),
                    "again",
                )
                .with_label(*first, "first here")
                .with_help("remove one of them"),
            );
        }
        if entry.mode == Mode::Deny {
            continue;
        }
        let name = entry.role.name.text.as_str();
        let shared = by_role.entry(name).or_insert_with(|| {
            let uses = resolved.role(name).map(|role| role.policy_level.iter());
            let uses = uses.into_iter().flatten();
            uses.map(|shared| (shared.id, shared.span())).collect()
        });
        for own in &entry.constraints {
            if let Some(first) = shared.get(&own.id) {
                sink.push(
                    Diagnostic::new(
                        codes::REDUNDANT,
                        format!("{} applies to every tool already", quoted(&own.text.value)),
                        own.span(),
                        "again",
                    )
                    .with_label(*first, "applies to every tool")
                    .with_help("remove it here"),
                );
            }
        }
    }
    for (replacement, old, new) in resolved.replaced() {
        if !replacement.own {
            continue;
        }
        // Each of them asks all parents.
        let parents = replacement.role.inherits.len() as u64;
        let paid = budget.pay(Account::Lints, parents, replacement.place, sink);
        if paid.is_none() || !sink.has_room() {
            return;
        }
        let ids = |entry: &Entry<'_>| -> Vec<usize> {
            let ids = entry.constraints.iter().map(|constraint| constraint.id);
            ids.collect()
        };
        // To deny once more than needed is good style, and so is to decide between parents that disagree.
        if disagree(resolved, replacement, new) {
            continue;
        }
        if new.mode != Mode::Deny
            && new.mode == old.mode
            && ids(old) == ids(new)
            && old.scope == new.scope
        {
            sink.push(
                Diagnostic::new(
                    codes::REDUNDANT,
                    format!(
                        "this rule for {} repeats the inherited one",
                        quoted(&new.doc.name.text)
                    ),
                    new.doc.name.span,
                    "again",
                )
                .with_label(old.doc.name.span, "inherited from here")
                .with_help("remove it, or change what should be different"),
            );
        }
    }
}

/// Whether the parents of a role bring different rules for what it replaces.
fn disagree(resolved: &Resolved<'_>, replacement: &Replacement<'_>, new: &Entry<'_>) -> bool {
    let parents = replacement.role.inherits.iter();
    let mut parents = parents.filter_map(|parent| resolved.role(&parent.text));
    parents.any(|role| {
        let inherited = if new.is_default {
            role.default
        } else {
            role.tools.get(new.doc.name.text.as_str()).copied()
        };
        inherited.is_some_and(|index| index != replacement.old)
    })
}
