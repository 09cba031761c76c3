//! Names of tools: which are closed, and which a pattern matches.

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
    CLOSED.iter().any(|prefix| name.starts_with(prefix))
}

/// Whether a pattern matches a name. A closed name is matched only by a pattern that has its closed prefix before its first `*`.
#[must_use]
pub fn matches(pattern: &str, name: &str) -> bool {
    let Some((head, mut parts)) = pattern.split_once(ANY) else {
        return pattern == name;
    };
    if is_closed(name) && !is_closed(head) {
        return false;
    }
    let Some(rest) = name.strip_prefix(head) else {
        return false;
    };
    let mut rest = rest.as_bytes();
    // Each part as early as it can stand; the last one at the end.
    while let Some((part, after)) = parts.split_once(ANY) {
        let Some(at) = find(rest, part.as_bytes()) else {
            return false;
        };
        rest = rest.get(at + part.len()..).unwrap_or_default();
        parts = after;
    }
    rest.ends_with(parts.as_bytes())
}

fn find(text: &[u8], part: &[u8]) -> Option<usize> {
    if part.is_empty() {
        return Some(0);
    }
    text.windows(part.len()).position(|window| window == part)
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
