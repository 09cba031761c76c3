//! Parents before children; unknown parents and cycles.

use std::collections::{BTreeMap, VecDeque};

use crate::{
    budget::Budget,
    diagnostic::{Diagnostic, Sink, quoted},
    document::{Document, RoleDoc},
};

/// The roles, parents first, and the indices of each one's parents, without repeats. Roles in a cycle, and those below one, are
/// left out; then an error stands in `sink`.
pub(super) fn order(
    document: &Document,
    budget: &Budget,
    sink: &mut Sink,
) -> Vec<(usize, Vec<(usize, crate::source::Span)>)> {
    let roles = &document.roles;
    let by_name: BTreeMap<&str, usize> = roles
        .iter()
        .enumerate()
        .map(|(index, role)| (role.name.text.as_str(), index))
        .collect();
    let mut parents: Vec<Vec<(usize, crate::source::Span)>> = Vec::with_capacity(roles.len());
    let mut children: Vec<Vec<usize>> = vec![Vec::new(); roles.len()];
    for (index, role) in roles.iter().enumerate() {
        let mut own: Vec<(usize, crate::source::Span)> = Vec::new();
        let mut seen: BTreeMap<usize, crate::source::Span> = BTreeMap::new();
        for name in &role.inherits {
            if sink.is_full() {
                break;
            }
            let Some(parent) = by_name.get(name.text.as_str()).copied() else {
                if !document.refused_roles.contains(&name.text) {
                    sink.push(unknown_parent(name, &by_name, budget));
                }
                continue;
            };
            if let Some(first) = seen.get(&parent) {
                sink.push(
                    Diagnostic::new(
                        "repeated-parent",
                        format!("the role {} is inherited twice", quoted(&name.text)),
                        name.span,
                        "again",
                    )
                    .with_label(*first, "first here")
                    .with_help("remove one of them"),
                );
                continue;
            }
            seen.insert(parent, name.span);
            own.push((parent, name.span));
            if let Some(children) = children.get_mut(parent) {
                children.push(index);
            }
        }
        parents.push(own);
    }

    let mut missing: Vec<usize> = parents.iter().map(Vec::len).collect();
    let mut ready: VecDeque<usize> = missing
        .iter()
        .enumerate()
        .filter(|(_, count)| **count == 0)
        .map(|(index, _)| index)
        .collect();
    let mut ordered = Vec::with_capacity(roles.len());
    while let Some(index) = ready.pop_front() {
        for child in children.get(index).into_iter().flatten() {
            if let Some(count) = missing.get_mut(*child) {
                *count -= 1;
                if *count == 0 {
                    ready.push_back(*child);
                }
            }
        }
        ordered.push((index, parents.get(index).cloned().unwrap_or_default()));
    }
    report_cycles(roles, &parents, &missing, sink);
    ordered
}

fn unknown_parent(
    name: &crate::document::Name,
    known: &BTreeMap<&str, usize>,
    budget: &Budget,
) -> Diagnostic {
    let help = match budget.nearest(&name.text, known.keys().copied()) {
        Some(meant) => format!("did you mean {}", quoted(meant)),
        None => {
            let names: Vec<String> = known.keys().take(8).map(|name| quoted(name)).collect();
            let more = if known.len() > names.len() {
                ", …"
            } else {
                ""
            };
            format!("the roles here are {}{more}", names.join(", "))
        }
    };
    Diagnostic::new(
        "unknown-parent",
        format!("unknown role {}", quoted(&name.text)),
        name.span,
        "not a role of this policy",
    )
    .with_help(help)
}

/// Each cycle once, with a label on every step of it.
fn report_cycles(
    roles: &[RoleDoc],
    parents: &[Vec<(usize, crate::source::Span)>],
    missing: &[usize],
    sink: &mut Sink,
) {
    let unresolved = |index: usize| missing.get(index).is_some_and(|count| *count > 0);
    let mut visited = vec![false; roles.len()];
    for start in 0..roles.len() {
        // Every unresolved role has an unresolved parent, so this walk ends where it has been before.
        let mut walk: Vec<(usize, crate::source::Span)> = Vec::new();
        let mut positions: BTreeMap<usize, usize> = BTreeMap::new();
        let mut at = start;
        while unresolved(at) && !visited.get(at).copied().unwrap_or(true) {
            if let Some(seen) = visited.get_mut(at) {
                *seen = true;
            }
            positions.insert(at, walk.len());
            let Some((parent, span)) = parents
                .get(at)
                .into_iter()
                .flatten()
                .find(|(parent, _)| unresolved(*parent))
            else {
                break;
            };
            walk.push((at, *span));
            at = *parent;
        }
        let Some(cycle) = positions
            .get(&at)
            .and_then(|first| walk.get(*first..))
            .filter(|cycle| !cycle.is_empty())
        else {
            continue;
        };
        let name = |index: usize| {
            roles
                .get(index)
                .map_or_else(String::new, |role| quoted(&role.name.text))
        };
        let mut steps = cycle.iter();
        let Some((first, span)) = steps.next() else {
            continue;
        };
        let next = |position: usize| {
            cycle
                .get((position + 1) % cycle.len())
                .map_or_else(String::new, |(index, _)| name(*index))
        };
        let message = if cycle.len() == 1 {
            format!("the role {} inherits itself", name(*first))
        } else {
            format!("the role {} inherits itself through others", name(*first))
        };
        let mut diagnostic = Diagnostic::new(
            "inheritance-cycle",
            message,
            *span,
            format!("{} inherits {}", name(*first), next(0)),
        )
        .with_help(if cycle.len() == 1 {
            "remove it"
        } else {
            "remove one of these; put what the roles share into a mixin that all of them inherit"
        });
        // A longer chain helps no reader.
        for (position, (index, span)) in steps.enumerate().take(8) {
            diagnostic = diagnostic.with_label(
                *span,
                format!("{} inherits {}", name(*index), next(position + 1)),
            );
        }
        sink.push(diagnostic);
    }
}
