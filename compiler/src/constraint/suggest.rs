//! What a word that this language does not know was probably meant to be.

use crate::diagnostic::nearest;

/// The functions, with how they are written.
const FUNCTIONS: [(&str, &str); 9] = [
    ("any", "any(path, condition)"),
    ("contains", "contains(path, \"text\")"),
    ("count", "count(path)"),
    ("endswith", "endswith(path, \"text\")"),
    ("every", "every(path, condition)"),
    ("matches", "matches(path, \"pattern\")"),
    ("only", "only(path, [\"name\", …])"),
    ("present", "present(path)"),
    ("startswith", "startswith(path, \"text\")"),
];

/// The roots of paths.
pub(super) const ROOTS: [&str; 6] = ["args", "ctx", "role", "run", "tool", "user"];

/// Words that people bring along from other languages, and what they are called here.
const FUNCTION_ALIASES: [(&str, &str); 24] = [
    ("all", "every"),
    ("defined", "present"),
    ("each", "every"),
    ("endsWith", "endswith"),
    ("ends_with", "endswith"),
    ("exists", "present"),
    ("forall", "every"),
    ("has", "present"),
    ("hasPrefix", "startswith"),
    ("hasSuffix", "endswith"),
    ("includes", "contains"),
    ("is_set", "present"),
    ("len", "count"),
    ("length", "count"),
    ("like", "matches"),
    ("match", "matches"),
    ("re_match", "matches"),
    ("regex", "matches"),
    ("search", "matches"),
    ("size", "count"),
    ("some", "any"),
    ("startsWith", "startswith"),
    ("starts_with", "startswith"),
    ("substring", "contains"),
];

const ROOT_ALIASES: [(&str, &str); 13] = [
    ("argument", "args"),
    ("arguments", "args"),
    ("attrs", "ctx"),
    ("caller", "user"),
    ("context", "ctx"),
    ("env", "ctx"),
    ("function", "tool"),
    ("input", "args"),
    ("kwargs", "args"),
    ("params", "args"),
    ("principal", "user"),
    ("roles", "role"),
    ("subject", "user"),
];

const VALUE_ALIASES: [(&str, &str); 5] = [
    ("nil", "null"),
    ("none", "null"),
    ("undefined", "null"),
    ("yes", "true"),
    ("no", "false"),
];

/// How a function is written, if there is one of that name.
pub(super) fn signature(name: &str) -> Option<&'static str> {
    FUNCTIONS
        .iter()
        .find(|(known, _)| *known == name)
        .map(|(_, signature)| *signature)
}

/// The function that a name was probably meant to be.
pub(super) fn function(name: &str) -> Option<&'static str> {
    alias(&FUNCTION_ALIASES, name)
        .or_else(|| nearest(name, FUNCTIONS.iter().map(|(known, _)| *known)))
}

/// The function that a name surely means: its own, or what other languages call it.
pub(super) fn exact_function(name: &str) -> Option<&'static str> {
    let own = FUNCTIONS
        .iter()
        .map(|(known, _)| *known)
        .find(|known| known.eq_ignore_ascii_case(name));
    own.or_else(|| alias(&FUNCTION_ALIASES, name))
}

/// The names of all functions, for a message.
pub(super) fn functions() -> String {
    FUNCTIONS.map(|(name, _)| format!("`{name}`")).join(", ")
}

/// The root, or `consts`, that a name was probably meant to be.
pub(super) fn root(name: &str) -> Option<&'static str> {
    let lower = name.to_lowercase();
    // The roots are so short that two letters make almost any word out of another.
    let one_off = |known: &&str| name.len() <= 8 && strsim::osa_distance(&lower, known) <= 1;
    alias(&ROOT_ALIASES, name).or_else(|| ROOTS.into_iter().chain(["consts"]).find(one_off))
}

/// The literal that a word was probably meant to be: `TRUE`, `None`.
pub(super) fn value(word: &str) -> Option<&'static str> {
    let lower = word.to_ascii_lowercase();
    ["true", "false", "null"]
        .into_iter()
        .find(|known| *known == lower)
        .or_else(|| alias(&VALUE_ALIASES, &lower))
}

/// Whether a word names a number that JSON does not have.
pub(super) fn is_odd_number(word: &str) -> bool {
    ["nan", "infinity", "inf"].contains(&word.to_ascii_lowercase().as_str())
}

/// The operator that stands for a word between two values.
pub(super) fn operator(word: &str) -> Option<&'static str> {
    Some(match word.to_ascii_lowercase().as_str() {
        "is" | "eq" | "equals" => "==",
        "ne" | "neq" => "!=",
        "lt" => "<",
        "le" | "lte" => "<=",
        "gt" => ">",
        "ge" | "gte" => ">=",
        _ => return None,
    })
}

fn alias(table: &[(&str, &'static str)], name: &str) -> Option<&'static str> {
    table
        .iter()
        .find(|(alias, _)| alias.eq_ignore_ascii_case(name))
        .map(|(_, known)| *known)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_alias_leads_to_something_that_exists() {
        for (alias, name) in FUNCTION_ALIASES {
            assert!(signature(name).is_some(), "{alias} -> {name}");
            assert!(signature(alias).is_none(), "{alias} is a function");
        }
        for (alias, name) in ROOT_ALIASES {
            assert!(ROOTS.contains(&name), "{alias} -> {name}");
            assert!(!ROOTS.contains(&alias), "{alias} is a root");
        }
    }

    #[test]
    fn near_names_are_found_and_far_ones_are_not() {
        assert_eq!(function("startwith"), Some("startswith"));
        assert_eq!(function("len"), Some("count"));
        assert_eq!(function("frobnicate"), None);
        assert_eq!(root("arg"), Some("args"));
        assert_eq!(root("context"), Some("ctx"));
        assert_eq!(root("Args"), Some("args"));
        assert_eq!(root("foo"), None);
        assert_eq!(root("USD"), None);
        assert_eq!(root("const"), Some("consts"));
        assert_eq!(value("TRUE"), Some("true"));
        assert_eq!(value("None"), Some("null"));
        assert_eq!(value("USD"), None);
    }
}
