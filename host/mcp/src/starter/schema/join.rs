//! Conditions put together.

use super::at::At;
use crate::starter::text::literal;

/// Conditions all of which have to hold. Each can stand beside `and`.
pub(super) type All = Vec<String>;

/// One of several. None: there are none.
pub(super) fn either(branches: Vec<All>, at: &At) -> Option<String> {
    let types: Option<Vec<&str>> = branches
        .iter()
        .map(|branch| match branch.as_slice() {
            [one] if *one == format!("{} == null", at.text()) => Some("null"),
            [one] => one
                .strip_prefix(&format!("type({}) == \"", at.text()))?
                .strip_suffix('"'),
            _ => None,
        })
        .collect();
    if let Some(types) = types.filter(|types| types.len() > 1) {
        let list: Vec<String> = dedup(types.iter().map(|name| literal(name)).collect());
        return Some(format!("type({}) in [{}]", at.text(), list.join(", ")));
    }
    let texts = dedup(branches.iter().map(|branch| branch.join(" and ")).collect());
    match texts.as_slice() {
        [] => None,
        [one] => Some(one.clone()),
        several => Some(format!("({})", several.join(" or "))),
    }
}

pub(super) fn dedup(all: All) -> All {
    let mut unique = All::with_capacity(all.len());
    for one in all {
        if !unique.contains(&one) {
            unique.push(one);
        }
    }
    unique
}

/// Whether the value has a type of the policy language.
pub(super) fn is_a(at: &At, name: &str) -> String {
    format!("type({}) == \"{name}\"", at.text())
}
