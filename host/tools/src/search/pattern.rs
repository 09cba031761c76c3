//! Patterns of names: those of `glob`, and the filter of `grep`.

use globset::{GlobBuilder, GlobMatcher};
use hexgate_agent::tool::ToolError;
use ignore::overrides::{Override, OverrideBuilder};

/// The longest pattern, in bytes.
pub(super) const MAX_PATTERN: usize = 1024;
/// What makes a segment more than a name.
const SPECIAL: [char; 6] = ['*', '?', '[', ']', '{', '\\'];

/// A pattern of `glob`: a fixed beginning, and what is matched below it.
pub(super) struct Pattern {
    /// The folders that the pattern begins with and that are just names.
    pub(super) below: String,
    /// Whether it names something hidden.
    pub(super) hidden: bool,
    matcher: GlobMatcher,
}

impl Pattern {
    pub(super) fn parse(pattern: &str) -> Result<Self, ToolError> {
        check(pattern)?;
        if pattern.starts_with(['/', '~']) || pattern.split('/').any(|part| part == "..") {
            return Err(invalid(
                pattern,
                "a pattern begins in the folder that is searched; name another one by `path`",
            ));
        }
        let pattern = pattern.strip_prefix("./").unwrap_or(pattern);
        let parts: Vec<&str> = pattern.split('/').collect();
        let names = parts
            .iter()
            .take(parts.len().saturating_sub(1))
            .take_while(|part| !part.is_empty() && !part.contains(SPECIAL))
            .count();
        let (below, rest) = parts.split_at_checked(names).unwrap_or((&[], &parts));
        let matcher = GlobBuilder::new(&rest.join("/"))
            .literal_separator(true)
            .empty_alternates(true)
            .build()
            .map_err(|error| invalid(pattern, &error.kind().to_string()))?
            .compile_matcher();
        Ok(Self {
            below: below.join("/"),
            hidden: rest.iter().any(|part| part.starts_with(['.', '{', '['])),
            matcher,
        })
    }

    /// Whether a path below [`Pattern::below`] matches.
    pub(super) fn matches(&self, path: &str) -> bool {
        self.matcher.is_match(path)
    }
}

/// The filter of `grep`, as ripgrep's `--glob`. Paths are given from the folder that is searched on.
pub(super) fn filter(pattern: &str) -> Result<Override, ToolError> {
    check(pattern)?;
    let mut builder = OverrideBuilder::new(".");
    builder
        .add(pattern)
        .map_err(|error| invalid(pattern, &error.to_string()))?;
    builder
        .build()
        .map_err(|error| invalid(pattern, &error.to_string()))
}

fn check(pattern: &str) -> Result<(), ToolError> {
    if pattern.trim().is_empty() {
        return Err(invalid(pattern, "it is empty"));
    }
    if pattern.len() > MAX_PATTERN {
        return Err(ToolError::new(
            "invalid_pattern",
            format!("the pattern is longer than {MAX_PATTERN} bytes"),
        ));
    }
    Ok(())
}

pub(super) fn invalid(pattern: &str, why: &str) -> ToolError {
    ToolError::new(
        "invalid_pattern",
        format!("the pattern `{pattern}` cannot be read: {why}"),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pattern_begins_with_names_and_matches_below_them() {
        for (pattern, below, yes, no) in [
            ("*.rs", "", "a.rs", "x/a.rs"),
            ("**/*.rs", "", "x/y/a.rs", "a.py"),
            ("src/**/*.rs", "src", "a.rs", "a.py"),
            ("src/main.rs", "src", "main.rs", "main.py"),
            ("./a/b/{c,d}/e", "a/b", "d/e", "e/e"),
            ("a[0-9]/x", "", "a1/x", "ab/x"),
            ("a/?", "a", "b", "bc"),
            ("**", "", "a/b", "\n/../\u{0}x/\u{0}\u{0}"),
        ] {
            let found = Pattern::parse(pattern).unwrap();
            assert_eq!(found.below, below, "{pattern}");
            assert!(found.matches(yes), "{pattern}");
            if pattern != "**" {
                assert!(!found.matches(no), "{pattern}");
            }
        }
        for (pattern, hidden) in [
            ("*", false),
            (".github/**", false),
            ("**/.github/*", true),
            (".env*", true),
            ("a.b", false),
        ] {
            assert_eq!(Pattern::parse(pattern).unwrap().hidden, hidden, "{pattern}");
        }
        let long = "a".repeat(1025);
        for pattern in [
            "", " ", "/etc/*", "../*", "a/../b", "~/x", "a[", "{a", &long,
        ] {
            let Err(error) = Pattern::parse(pattern) else {
                panic!("{pattern} was read");
            };
            assert_eq!(error.kind, "invalid_pattern", "{pattern}");
        }
    }
}
