//! Parts of a policy that no call ever reaches.

use std::collections::{BTreeMap, BTreeSet};

use crate::{
    budget::{Account, Budget},
    diagnostic::{Diagnostic, Sink, codes::lint as codes, quoted},
    document::ScopeDoc,
    model::{Mode, NamePattern},
    resolve::{Listed, Resolved},
};

pub(super) fn check(resolved: &Resolved<'_>, budget: &Budget, sink: &mut Sink) {
    for entry in &resolved.entries {
        if !sink.has_room() {
            return;
        }
        if !entry.is_live() {
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
                "remove them; to deny some calls only, make it an exception in a list of rules: `[{ mode: allow }, { mode: deny, constraints: […] }]`"
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
            idle_patterns(scope, sink);
        }
    }
    for forbid in &resolved.forbids {
        if !sink.has_room() {
            return;
        }
        if let Some(scope) = &forbid.doc.scope {
            idle_patterns(scope, sink);
        }
    }
    for listed in &resolved.listed {
        if covered_rules(resolved, listed, budget, sink).is_none() {
            return;
        }
    }
    forbidden_tools(resolved, budget, sink);
    idle_constraints(resolved, sink);
}

/// Patterns that change nothing.
fn idle_patterns(scope: &ScopeDoc, sink: &mut Sink) {
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
    let only_slashed = scope.denied.iter().all(|text| text.value.contains('/'));
    for text in &scope.except {
        let help = if scope.denied.is_empty() {
            "list under `denied_paths` what it is an exception from; what is allowed stands under `allowed_paths`"
        } else if only_slashed && !text.value.contains('/') {
            "a name without a slash lifts only denied patterns without one: write its path, such as `dir/NAME` or `**/NAME`"
        } else {
            continue;
        };
        sink.push(
            Diagnostic::new(
                codes::DEAD_RULE,
                format!("the pattern {} lifts nothing", quoted(&text.value)),
                text.node.span,
                "no denied pattern for it",
            )
            .with_help(help),
        );
    }
}

/// Rules of a list that others make up for. None: beyond the budget.
fn covered_rules(
    resolved: &Resolved<'_>,
    listed: &Listed<'_>,
    budget: &Budget,
    sink: &mut Sink,
) -> Option<()> {
    let rules = resolved
        .entries
        .get(listed.rules.clone())
        .unwrap_or_default();
    if rules.len() < 2 {
        return Some(());
    }
    let ids: Vec<BTreeSet<usize>> = rules
        .iter()
        .map(|rule| rule.constraints.iter().map(|own| own.id).collect())
        .collect();
    let steps = ids.iter().map(BTreeSet::len).sum::<usize>() + rules.len() * rules.len();
    budget.pay(Account::Lints, steps as u64, listed.doc.name.span, sink)?;
    for (at, (rule, own)) in rules.iter().zip(&ids).enumerate() {
        if !sink.has_room() {
            return Some(());
        }
        let mut others = rules.iter().zip(&ids).enumerate();
        // Whatever meets this rule meets the other one too, which comes to the same or to more.
        let covering = others.find(|(other_at, (other, asked))| {
            let comes_first = match (rule.mode, other.mode) {
                (Mode::Deny, Mode::Deny) | (Mode::NeedsApproval, Mode::NeedsApproval) => {
                    *other_at < at
                }
                (Mode::Allow, Mode::Allow) => {
                    *other_at < at || (*other_at > at && asked.len() < own.len())
                }
                (Mode::NeedsApproval, Mode::Allow) => true,
                (Mode::Deny, _) | (_, Mode::Deny) | (Mode::Allow, Mode::NeedsApproval) => false,
            };
            comes_first
                && asked.is_subset(own)
                && (other.scope.is_none() || other.scope == rule.scope)
        });
        let Some((_, (other, _))) = covering else {
            continue;
        };
        let (what, label) = match rule.mode {
            Mode::Deny => ("this exception", "forbids all of that already"),
            Mode::Allow | Mode::NeedsApproval => ("this rule", "holds for all of that already"),
        };
        sink.push(
            Diagnostic::new(
                codes::DEAD_RULE,
                format!(
                    "{what} of {} cannot matter: another one makes up for it",
                    quoted(&listed.doc.name.text)
                ),
                rule.doc.name.span,
                "asks the same or more",
            )
            .with_label(other.doc.name.span, label)
            .with_help("remove it, or say in the other one which calls it is not for"),
        );
    }
    Some(())
}

/// Tools that are allowed where every call of them is forbidden, both written by the same author.
fn forbidden_tools(resolved: &Resolved<'_>, budget: &Budget, sink: &mut Sink) {
    let everything = resolved
        .forbids
        .iter()
        .filter(|forbid| forbid.doc.constraints.is_empty() && forbid.doc.scope.is_none());
    for forbid in everything {
        let place = forbid.doc.span;
        let names = forbid.doc.tools.as_ref().map_or(1, Vec::len);
        for listed in &resolved.listed {
            let rules = resolved
                .entries
                .get(listed.rules.clone())
                .unwrap_or_default();
            let name = &listed.doc.name;
            let is_tool =
                NamePattern::new(&name.text).is_none() && rules.iter().all(|rule| !rule.is_default);
            let in_sight = forbid
                .role
                .is_none_or(|role| std::ptr::eq(role, listed.role));
            if !is_tool || !in_sight || rules.iter().all(|rule| rule.mode == Mode::Deny) {
                continue;
            }
            if budget
                .pay(Account::Lints, names as u64, place, sink)
                .is_none()
                || !sink.has_room()
            {
                return;
            }
            if !forbid
                .parts
                .iter()
                .any(|(tools, _)| tools.contain(&name.text))
            {
                continue;
            }
            sink.push(
                Diagnostic::new(
                    codes::DEAD_RULE,
                    format!(
                        "the rule for {} cannot matter: every call of it is forbidden",
                        quoted(&name.text)
                    ),
                    name.span,
                    "never looked at",
                )
                .with_label(place, "forbidden here")
                .with_help("remove it, or give what is forbidden a condition"),
            );
        }
    }
}

/// Policy-level constraints of roles that deny every tool.
fn idle_constraints(resolved: &Resolved<'_>, sink: &mut Sink) {
    let mut applied = vec![false; resolved.constraints.len()];
    let mut idle = BTreeMap::new();
    for role in resolved.roles.iter().filter(|role| !role.doc.is_mixin) {
        let listed = role.tools.values().copied().chain(role.default);
        let mut entries = listed.flat_map(|listed| resolved.rules(listed));
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
