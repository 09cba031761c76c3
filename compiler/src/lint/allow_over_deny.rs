//! A tool is allowed that a shorter pattern denies.

use std::{collections::BTreeSet, sync::Arc};

use super::facts::Said;
use crate::{
    budget::{Account, Budget},
    diagnostic::{Diagnostic, Sink, codes::lint as codes, quoted},
    model::{Mode, NamePattern},
    resolve::{Resolved, Role},
};

/// The most tools that are shown for one pattern.
const SHOWN: usize = 4;

pub(super) fn check(resolved: &Resolved<'_>, budget: &Budget, sink: &mut Sink) {
    let (mut looked_at, mut told) = (BTreeSet::new(), BTreeSet::new());
    for role in resolved.roles.iter().filter(|role| !role.doc.is_mixin) {
        if looked_at.insert(Arc::as_ptr(&role.tools))
            && check_role(resolved, role, &mut told, budget, sink).is_none()
        {
            return;
        }
    }
}

/// None: there is no room for more, or no budget.
fn check_role(
    resolved: &Resolved<'_>,
    role: &Role<'_>,
    told: &mut BTreeSet<usize>,
    budget: &Budget,
    sink: &mut Sink,
) -> Option<()> {
    for (name, denied) in role.tools.iter() {
        // One that matches everything is the rule for tools that are not listed.
        let Some(pattern) = NamePattern::new(name).filter(|pattern| pattern.weight() > 0) else {
            continue;
        };
        let Some(said) = resolved
            .said(*denied)
            .filter(|said| said.mode() == Mode::Deny)
        else {
            continue;
        };
        budget.pay(
            Account::Lints,
            role.tools.len() as u64,
            role.doc.name.span,
            sink,
        )?;
        if !sink.has_room() {
            return None;
        }
        let overrides = |name: &str| match NamePattern::new(name) {
            Some(other) => other.weight() > pattern.weight() && other.overlaps(&pattern),
            None => pattern.matches(name),
        };
        let allowed = |said: &Said<'_, '_>| said.mode() == Mode::Allow;
        let over: Vec<Said<'_, '_>> = role
            .tools
            .iter()
            .filter(|(name, _)| overrides(name))
            .filter_map(|(_, listed)| resolved.said(*listed).filter(allowed))
            .collect();
        let Some(first) = over.first().filter(|_| told.insert(*denied)) else {
            continue;
        };
        let name_of_first = quoted(&first.listed.doc.name.text);
        let allowed = match over.len() {
            1 => format!("{name_of_first} is allowed"),
            count => format!("{name_of_first} and {} more are allowed", count - 1),
        };
        let mut diagnostic = Diagnostic::new(
            codes::ALLOW_OVER_DENY,
            format!("{allowed}, though the pattern {} denies what it matches", quoted(name)),
            first.listed.doc.name.span,
            "counts, since it is the better match",
        )
        .with_label(said.listed.doc.name.span, "denies what matches")
        .with_help("if nobody may ever call what matches, write it below `forbid`, which no rule lifts; if these tools are meant to be exempt, leave it as it is");
        for other in over.iter().skip(1).take(SHOWN) {
            diagnostic = diagnostic.with_label(other.listed.doc.name.span, "allowed as well");
        }
        sink.push(diagnostic);
    }
    Some(())
}
