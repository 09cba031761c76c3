//! Patterns of tool names, and sets of tools.

use hexgate_eval::names;

use super::{ToolName, Tools};

/// A pattern of tool names: at least one `*`, which is any run of characters, also none.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NamePattern(String);

impl NamePattern {
    /// The pattern of that text. None: it has no `*`, and so is a name.
    #[must_use]
    pub fn new(text: &str) -> Option<Self> {
        text.contains(names::ANY).then(|| Self(text.to_owned()))
    }

    /// As written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether it matches a name.
    #[must_use]
    pub fn matches(&self, name: &str) -> bool {
        names::matches(&self.0, name)
    }

    /// How many of its bytes are not `*`: of two patterns that match a name, the one with more is the better match.
    #[must_use]
    pub fn weight(&self) -> usize {
        self.0.len() - self.0.matches(names::ANY).count()
    }

    /// What stands before its first `*`, and behind its last.
    #[must_use]
    pub fn ends(&self) -> (&str, &str) {
        let head = self.0.split(names::ANY).next().unwrap_or_default();
        let tail = self.0.rsplit(names::ANY).next().unwrap_or_default();
        (head, tail)
    }

    /// Whether all that it matches are closed names; else it matches none of them.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        names::is_closed(self.ends().0)
    }

    /// Whether some name matches both. Between what both begin with and what both end with there is room for all of either.
    #[must_use]
    pub fn overlaps(&self, other: &Self) -> bool {
        let ((head, tail), (other_head, other_tail)) = (self.ends(), other.ends());
        let heads = head.starts_with(other_head) || other_head.starts_with(head);
        let tails = tail.ends_with(other_tail) || other_tail.ends_with(tail);
        heads && tails && self.is_closed() == other.is_closed()
    }
}

impl Tools {
    /// Whether a tool of that name is among them.
    #[must_use]
    pub fn contain(&self, tool: &str) -> bool {
        match self {
            Self::Open => !names::is_closed(tool),
            Self::Named(names) => names.iter().any(|name| match name {
                ToolName::Exact(name) => name == tool,
                ToolName::Pattern(pattern) => pattern.matches(tool),
            }),
        }
    }
}
