//! Why a pattern is refused.

use std::ops::Range;

use super::table::{self, TableError};

/// A pattern that is refused: what, where, and what to write instead.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
#[non_exhaustive]
pub struct PatternError {
    /// The offending part, in bytes of the pattern. Both ends lie on character boundaries.
    pub span: Range<usize>,
    /// What is wrong.
    pub message: String,
    /// What to write instead, where that can be said.
    pub help: Option<String>,
    /// How many bytes of automata were made before it was refused.
    pub work: usize,
}

impl PatternError {
    pub(super) fn new(span: Range<usize>, message: impl Into<String>) -> Self {
        Self {
            span,
            message: message.into(),
            help: None,
            work: 0,
        }
    }

    pub(super) fn with_help(self, help: impl Into<String>) -> Self {
        Self {
            help: Some(help.into()),
            ..self
        }
    }

    /// The whole pattern is well-formed, but has no table.
    pub(super) fn table(pattern: &str, error: &TableError, help: &str) -> Self {
        Self {
            work: table::MOST_WORK,
            ..Self::new(0..pattern.len(), error.to_string()).with_help(help)
        }
    }
}
