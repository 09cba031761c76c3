//! Names of tools: which a pattern matches, and which a forbid is about.

use hexgate_eval::names::ANY;

use super::{
    helper::{Helper, Helpers},
    text::quoted,
};
use crate::model::NamePattern;

/// The lines that hold if a pattern matches the name at a place.
pub(super) fn matches(pattern: &NamePattern, place: &str, helpers: &mut Helpers) -> Vec<String> {
    let mut lines = Vec::new();
    if !pattern.is_closed() {
        helpers.need(Helper::Closed);
        lines.push(format!("open({place})"));
    }
    let (head, tail) = pattern.ends();
    // The text between the first and the last `*`.
    let inner = pattern
        .as_str()
        .get(head.len()..pattern.as_str().len() - tail.len())
        .unwrap_or_default();
    match (head, tail, inner.chars().all(|c| c == ANY)) {
        ("", "", true) => {}
        (head, "", true) => lines.push(format!("startswith({place}, {})", quoted(head))),
        ("", tail, true) => lines.push(format!("endswith({place}, {})", quoted(tail))),
        _ => {
            let regex = quoted(&regex(pattern.as_str()));
            lines.push(format!("regex.match({regex}, {place})"));
        }
    }
    lines
}

/// A pattern as a regular expression that RE2 and its kin read alike.
fn regex(pattern: &str) -> String {
    let mut out = String::from("^");
    for c in pattern.chars() {
        match c {
            // Also a line feed, which no name has.
            ANY => out.push_str("(?s:.*)"),
            // No library gives escaped punctuation a meaning.
            c if c.is_ascii_punctuation() && c != '_' => out.extend(['\\', c]),
            c => out.push(c),
        }
    }
    out.push('$');
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pattern_becomes_the_plainest_test() {
        for (pattern, expected) in [
            ("*", &["open(x)"][..]),
            ("**", &["open(x)"]),
            ("read_*", &["open(x)", "startswith(x, \"read_\")"]),
            ("*\"", &["open(x)", "endswith(x, \"\\\"\")"]),
            ("skill:*", &["startswith(x, \"skill:\")"]),
            (
                "a.b*c",
                &["open(x)", "regex.match(\"^a\\\\.b(?s:.*)c$\", x)"],
            ),
            ("*a*", &["open(x)", "regex.match(\"^(?s:.*)a(?s:.*)$\", x)"]),
            (
                "a*b*",
                &["open(x)", "regex.match(\"^a(?s:.*)b(?s:.*)$\", x)"],
            ),
        ] {
            let pattern = NamePattern::new(pattern).unwrap();
            assert_eq!(
                matches(&pattern, "x", &mut Helpers::default()),
                expected,
                "{pattern:?}"
            );
        }
    }
}
