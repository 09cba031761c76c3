//! The rule that a module is asked.

use std::{fmt, str::FromStr};

/// The path of a rule below `data`, as in `hexgate/policy/decision`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entrypoint(String);

impl Entrypoint {
    /// What a policy that names none is asked, and what every policy that we print answers to.
    pub const DEFAULT: &str = "hexgate/policy/decision";

    /// The path, its parts separated by slashes.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Default for Entrypoint {
    fn default() -> Self {
        Self(Self::DEFAULT.to_owned())
    }
}

impl fmt::Display for Entrypoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for Entrypoint {
    type Err = EntrypointError;

    fn from_str(text: &str) -> Result<Self, EntrypointError> {
        // The package and the rule, each a plain name: nothing that OPA could read as an option, a pattern or an escape.
        let plain = |part: &str| {
            part.starts_with(|first: char| first.is_ascii_alphabetic() || first == '_')
                && part
                    .chars()
                    .all(|c| c.is_ascii_alphanumeric() || c == '_' || c == '-')
        };
        if text.len() > 256 || !text.contains('/') || !text.split('/').all(plain) {
            return Err(EntrypointError);
        }
        Ok(Self(text.to_owned()))
    }
}

/// A text is not the path of a rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "an entrypoint is the package and the rule, separated by slashes, as in `{}`: letters, digits, `_` and `-`",
    Entrypoint::DEFAULT
)]
pub struct EntrypointError;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_of_rules_are_accepted_and_nothing_else() {
        for good in ["hexgate/policy/decision", "a/b", "_a/b-c/d9"] {
            assert_eq!(good.parse::<Entrypoint>().unwrap().as_str(), good);
        }
        for bad in [
            "", "a", "/a", "a/", "a//b", "../a", "-e/a", "a/b c", "a/%2e", "data.a", "a/ü", "a/9",
            "a/\n",
        ] {
            assert_eq!(bad.parse::<Entrypoint>(), Err(EntrypointError), "{bad}");
        }
    }
}
