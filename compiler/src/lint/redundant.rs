//! What stands twice.

use std::collections::BTreeMap;

use super::facts::{Said, ask_the_same};
use crate::{
    budget::{Account, Budget},
    diagnostic::{Diagnostic, Sink, codes::lint as codes, quoted},
    model::Mode,
    resolve::{Replacement, Resolved, Use},
    source::Span,
};

pub(super) fn check(resolved: &Resolved<'_>, budget: &Budget, sink: &mut Sink) {
    // By role, its policy-level constraints.
    let mut by_role: BTreeMap<&str, BTreeMap<usize, Span>> = BTreeMap::new();
    for entry in &resolved.entries {
        if !sink.has_room() {
            return;
        }
        report_repeated(&entry.repeated, sink);
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
    for forbid in &resolved.forbids {
        if !sink.has_room() {
            return;
        }
        report_repeated(&forbid.repeated, sink);
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
        // To deny once more than needed is good style, and so is to decide between parents that disagree.
        if disagree(resolved, replacement, &new) {
            continue;
        }
        let repeats = old.rules.len() == new.rules.len()
            && old.rules.iter().zip(new.rules).all(|(old, new)| {
                ask_the_same(old, new)
                    && old.doc.message == new.doc.message
                    && old.doc.approval == new.doc.approval
            });
        if new.mode() != Mode::Deny && repeats {
            sink.push(
                Diagnostic::new(
                    codes::REDUNDANT,
                    format!(
                        "this rule for {} repeats the inherited one",
                        quoted(&new.listed.doc.name.text)
                    ),
                    new.listed.doc.name.span,
                    "again",
                )
                .with_label(old.listed.doc.name.span, "inherited from here")
                .with_help("remove it, or change what should be different"),
            );
        }
    }
}

fn report_repeated(repeated: &[(Use<'_>, Span)], sink: &mut Sink) {
    for (again, first) in repeated {
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
}

/// Whether the parents of a role bring different rules for what it replaces.
fn disagree(resolved: &Resolved<'_>, replacement: &Replacement<'_>, new: &Said<'_, '_>) -> bool {
    let parents = replacement.role.inherits.iter();
    let mut parents = parents.filter_map(|parent| resolved.role(&parent.text));
    parents.any(|role| {
        let inherited = if new.rules.iter().any(|rule| rule.is_default) {
            role.default
        } else {
            role.tools.get(new.listed.doc.name.text.as_str()).copied()
        };
        inherited.is_some_and(|index| index != replacement.old)
    })
}
