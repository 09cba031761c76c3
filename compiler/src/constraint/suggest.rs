//! What a word that this language does not know was probably meant to be.

use crate::{
    diagnostic::nearest,
    expr::{Function, Root},
};

const TYPE_ALIASES: [(&str, &str); 16] = [
    ("array", "list"),
    ("bool", "boolean"),
    ("dict", "object"),
    ("double", "number"),
    ("float", "number"),
    ("int", "number"),
    ("integer", "number"),
    ("map", "object"),
    ("nil", "null"),
    ("none", "null"),
    ("nonetype", "null"),
    ("record", "object"),
    ("set", "list"),
    ("str", "text"),
    ("string", "text"),
    ("tuple", "list"),
];

const ROOT_ALIASES: [(&str, &str); 14] = [
    ("agent_usage", "usage"),
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

/// The function that a name was probably meant to be.
pub(super) fn function(name: &str) -> Option<Function> {
    Function::meant(name).or_else(|| {
        let names = Function::ALL.iter().map(|function| function.name());
        nearest(name, names).and_then(Function::named)
    })
}

/// The root, or `consts`, that a name was probably meant to be.
pub(super) fn root(name: &str) -> Option<&'static str> {
    let lower = name.to_lowercase();
    // The roots are so short that two letters make almost any word out of another.
    let one_off = |known: &&str| name.len() <= 8 && strsim::osa_distance(&lower, known) <= 1;
    let roots = Root::NAMED.into_iter().map(Root::name);
    alias(&ROOT_ALIASES, name).or_else(|| roots.chain(["consts"]).find(one_off))
}

/// The type that a name of another language means.
pub(super) fn type_name(name: &str) -> Option<&'static str> {
    alias(&TYPE_ALIASES, name)
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
    use crate::expr::Type;

    #[test]
    fn every_alias_leads_to_something_that_exists() {
        for (alias, name) in ROOT_ALIASES {
            assert!(Root::named(name).is_some(), "{alias} -> {name}");
            assert!(Root::named(alias).is_none(), "{alias} is a root");
        }
        for (alias, name) in TYPE_ALIASES {
            let names = Type::ALL.map(Type::name);
            assert!(names.contains(&name) && !names.contains(&alias), "{alias}");
        }
    }

    #[test]
    fn near_names_are_found_and_far_ones_are_not() {
        assert_eq!(function("startwith"), Some(Function::StartsWith));
        assert_eq!(function("len"), Some(Function::Count));
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
