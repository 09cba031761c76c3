//! Names of tools: which are closed, and which a pattern matches.

use crate::bytes;

/// The prefixes of closed names, which never fall to a role's rule for unlisted tools.
pub const CLOSED: [&str; 5] = [
    "agent.",
    "hexgate.",
    "skill:",
    "skill.resource:",
    "skill.script:",
];

/// What stands for any run of characters, also none, in a pattern of names.
pub const ANY: char = '*';

/// Whether a name is closed.
#[must_use]
pub fn is_closed(name: &str) -> bool {
    has_closed_prefix(name.as_bytes())
}

#[inline(never)]
fn has_closed_prefix(name: &[u8]) -> bool {
    CLOSED.iter().any(|prefix| begins(name, prefix.as_bytes()))
}

/// Whether a pattern matches a name. A closed name is matched only by a pattern that has its closed prefix before its first `*`.
#[must_use]
pub fn matches(pattern: &str, name: &str) -> bool {
    let (head, mut parts) = split(pattern.as_bytes());
    let mut rest = name.as_bytes();
    if !begins(rest, head) {
        return false;
    }
    if parts.is_some() && has_closed_prefix(rest) && !has_closed_prefix(head) {
        return false;
    }
    rest = rest.get(head.len()..).unwrap_or_default();
    // Each part as early as it can stand; the last one at the end.
    while let Some(pattern) = parts {
        let (part, after) = split(pattern);
        let mut skipped = match after {
            Some(_) => 0,
            None => match rest.len().checked_sub(part.len()) {
                Some(before) => before,
                None => return false,
            },
        };
        while let Some(from) = rest.get(skipped..)
            && !begins(from, part)
        {
            skipped += 1;
        }
        match rest.get(skipped.saturating_add(part.len())..) {
            Some(behind) => rest = behind,
            None => return false,
        }
        parts = after;
    }
    rest.is_empty()
}

/// What stands before the first `*`, and what behind it, if there is one.
#[inline(never)]
fn split(pattern: &[u8]) -> (&[u8], Option<&[u8]>) {
    let mut head = 0;
    for byte in pattern {
        if *byte == ANY as u8 {
            break;
        }
        head += 1;
    }
    (
        pattern.get(..head).unwrap_or_default(),
        pattern.get(head + 1..),
    )
}

#[inline(never)]
fn begins(text: &[u8], with: &[u8]) -> bool {
    text.get(..with.len())
        .is_some_and(|start| bytes::equal(start, with))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_star_is_any_run_of_characters() {
        for (pattern, name, expected) in [
            ("*", "anything", true),
            ("*", "", true),
            ("read_*", "read_file", true),
            ("read_*", "read_", true),
            ("read_*", "xread_file", false),
            ("*_file", "read_file", true),
            ("*_file", "read_files", false),
            ("a*a", "a", false),
            ("a*a", "aa", true),
            ("a*b*c", "abc", true),
            ("a*b*c", "aXbYc", true),
            ("a*b*c", "acb", false),
            ("*ab*ab", "ab", false),
            ("*ab*ab", "abab", true),
            ("*aab", "aaab", true),
            ("a**b", "ab", true),
            ("exact", "exact", true),
            ("exact", "exactly", false),
            ("größe*", "größer", true),
        ] {
            assert_eq!(matches(pattern, name), expected, "{pattern} {name}");
        }
    }

    #[test]
    fn a_closed_name_is_matched_only_where_its_prefix_is_written_out() {
        for (pattern, name, expected) in [
            ("*", "agent.run", false),
            ("agent*", "agent.run", false),
            ("agent.*", "agent.run", true),
            ("agent.tool:*", "agent.tool:x", true),
            ("agent*", "agents", true),
            ("*", "skill:x", false),
            ("skill:*", "skill:x", true),
            ("skill*", "skill.resource:x", false),
            ("skill.resource:*", "skill.resource:x", true),
            ("skill.res*", "skill.resource:x", false),
            ("skill.*", "skill.other", true),
            ("*.run", "agent.run", false),
            ("*.run", "my.run", true),
            ("h*", "hexgate.x", false),
            ("hexgate.*", "hexgate.x", true),
        ] {
            assert_eq!(matches(pattern, name), expected, "{pattern} {name}");
        }
    }
}
