//! A disagreement made as small as it goes: whatever can be left out while it stays is left out.

use crate::{
    case::Case,
    json::{self, Json},
};

/// The smallest case that still has the property. `still` is asked about every candidate and never about a larger case.
pub fn shrink(case: Case, still: &mut dyn FnMut(&Case) -> bool) -> Case {
    let mut case = case;
    // Each round takes away at least one thing, so there are no more rounds than things; the bound is for comfort.
    for _ in 0..2_000 {
        let Some(smaller) = candidates(&case)
            .into_iter()
            .find(|candidate| still(candidate))
        else {
            return case;
        };
        case = smaller;
    }
    case
}

/// A case as a line of a vector file, but for what is expected.
pub fn as_vector(case: &Case, expected: &str) -> String {
    let roles = case
        .call
        .roles
        .iter()
        .map(|role| json::quoted(role))
        .collect::<Vec<_>>()
        .join(", ");
    let facts = case.call.facts.as_ref().map_or(String::new(), |facts| {
        format!(", \"facts\": {}", json::quoted(facts))
    });
    format!(
        "{{\"id\": \"?\", \"why\": \"?\", \"policy\": {}, \"roles\": [{roles}], \"tool\": {}, \"args\": {}{facts}, \"expect\": {}}}",
        case.policy,
        json::quoted(&case.call.tool),
        json::quoted(&case.call.args),
        json::quoted(expected)
    )
}

/// Everything that is one step smaller, the large steps first.
fn candidates(case: &Case) -> Vec<Case> {
    let mut out = Vec::new();
    for policy in smaller(&case.policy) {
        out.push(Case {
            policy,
            ..case.clone()
        });
    }
    for index in 0..case.call.roles.len() {
        let mut next = case.clone();
        next.call.roles.remove(index);
        out.push(next);
    }
    if let Some(facts) = &case.call.facts {
        let mut next = case.clone();
        next.call.facts = None;
        out.push(next);
        for facts in smaller_text(facts) {
            let mut next = case.clone();
            next.call.facts = Some(facts);
            out.push(next);
        }
    }
    for args in smaller_text(&case.call.args) {
        let mut next = case.clone();
        next.call.args = args;
        out.push(next);
    }
    out
}

fn smaller_text(text: &str) -> Vec<String> {
    match json::parse(text) {
        Ok(value) => smaller(&value)
            .into_iter()
            .map(|value| value.to_string())
            .chain(std::iter::once(value.to_string()))
            .filter(|smaller| smaller.len() < text.len())
            .collect(),
        // What is malformed can only lose characters.
        Err(_) => text
            .char_indices()
            .filter_map(|(at, c)| {
                Some(format!(
                    "{}{}",
                    text.get(..at)?,
                    text.get(at + c.len_utf8()..)?
                ))
            })
            .collect(),
    }
}

/// A value without one of its parts, at any depth.
fn smaller(value: &Json) -> Vec<Json> {
    let mut out = Vec::new();
    match value {
        Json::Object(members) => {
            for index in 0..members.len() {
                let mut fewer = members.clone();
                fewer.remove(index);
                out.push(Json::Object(fewer));
            }
            for (index, (_, member)) in members.iter().enumerate() {
                for less in smaller(member) {
                    let mut changed = members.clone();
                    if let Some(slot) = changed.get_mut(index) {
                        slot.1 = less;
                    }
                    out.push(Json::Object(changed));
                }
            }
        }
        Json::List(items) => {
            // A list of one rule means the rule.
            if let [rule @ Json::Object(_)] = items.as_slice() {
                out.push(rule.clone());
            }
            for index in 0..items.len() {
                let mut fewer = items.clone();
                fewer.remove(index);
                out.push(Json::List(fewer));
            }
            for (index, item) in items.iter().enumerate() {
                for less in smaller(item) {
                    let mut changed = items.clone();
                    if let Some(slot) = changed.get_mut(index) {
                        *slot = less;
                    }
                    out.push(Json::List(changed));
                }
            }
        }
        Json::Text(text) => out.extend(parts(text).into_iter().map(Json::Text)),
        Json::Null | Json::Bool(_) | Json::Number(_) => {}
    }
    out
}

/// Parts of a text that may be a constraint: what stands in parentheses, what stands beside a word that joins, less a `not`.
fn parts(text: &str) -> Vec<String> {
    let mut out = Vec::new();
    for word in [" and ", " or "] {
        for (at, _) in text.match_indices(word) {
            out.extend(text.get(..at).map(str::to_owned));
            out.extend(text.get(at + word.len()..).map(str::to_owned));
        }
    }
    if let Some(rest) = text.strip_prefix("not ") {
        out.push(rest.to_owned());
    }
    for (open, _) in text.match_indices('(') {
        let mut depth = 0_i32;
        for (at, c) in text.char_indices().skip_while(|(at, _)| *at < open) {
            depth += i32::from(c == '(') - i32::from(c == ')');
            if depth == 0 {
                out.extend(text.get(open + 1..at).map(str::to_owned));
                break;
            }
        }
    }
    if !text.is_empty() && text.chars().count() <= 40 && !text.contains(' ') {
        let mut shorter = text.chars();
        shorter.next_back();
        out.push(shorter.as_str().to_owned());
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{case::Answer, generate, oracle};

    #[test]
    fn keeps_only_what_matters() {
        let mut seed = 0;
        let mut denied = |case: &Case| matches!(oracle::answer(case), Ok(Answer::Deny(denial)) if denial.violations.len() > 1);
        let case = loop {
            let case = generate::case(seed);
            if denied(&case) {
                break case;
            }
            seed += 1;
        };
        let small = shrink(case.clone(), &mut denied);
        assert!(denied(&small));
        assert!(small.policy.to_string().len() < case.policy.to_string().len());
        assert!(
            candidates(&small)
                .iter()
                .all(|candidate| !denied(candidate))
        );
        let line = as_vector(&small, "deny");
        assert!(json::parse(&line).is_ok(), "{line}");
    }
}
