//! What is wrong, or doubtful, in the text of a constraint.

use std::ops::Range;

use crate::budget::Exceeded;

/// An error or a warning at a place in the text of a constraint. Which of the two it is, its code says.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
#[non_exhaustive]
pub struct ConstraintError {
    /// The stable name of this kind of finding, one of [`all_codes`](crate::diagnostic::all_codes).
    pub code: &'static str,
    /// One sentence.
    pub message: String,
    /// Where, in bytes of the text. Empty at the place where something is missing.
    pub span: Range<usize>,
    /// What to write under the place; may be empty.
    pub label: String,
    /// A related place, and what to write under it.
    pub second: Option<(Range<usize>, String)>,
    /// What to do about it.
    pub help: Option<String>,
}

impl ConstraintError {
    pub(super) fn new(code: &'static str, span: Range<usize>, message: impl Into<String>) -> Self {
        Self {
            code,
            message: message.into(),
            span,
            label: String::new(),
            second: None,
            help: None,
        }
    }

    pub(super) fn exceeded(exceeded: Exceeded, span: Range<usize>) -> Self {
        Self::new(Exceeded::CODE, span, exceeded.to_string())
            .label(exceeded.label())
            .help(exceeded.help())
    }

    pub(super) fn label(mut self, label: impl Into<String>) -> Self {
        self.label = label.into();
        self
    }

    pub(super) fn second(mut self, span: Range<usize>, label: impl Into<String>) -> Self {
        self.second = Some((span, label.into()));
        self
    }

    pub(super) fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    pub(super) fn help_if(mut self, help: Option<String>) -> Self {
        self.help = help.or(self.help);
        self
    }
}

/// The findings of one text, in the order in which they were met.
#[derive(Debug, Default)]
pub(super) struct Findings {
    pub(super) errors: Vec<ConstraintError>,
    pub(super) warnings: Vec<ConstraintError>,
}

impl Findings {
    pub(super) fn error(&mut self, error: ConstraintError) {
        self.errors.push(error);
    }

    /// An error with its remedy.
    pub(super) fn refuse(
        &mut self,
        code: &'static str,
        span: Range<usize>,
        message: impl Into<String>,
        help: impl Into<String>,
    ) {
        self.error(ConstraintError::new(code, span, message).help(help));
    }

    pub(super) fn warn(&mut self, warning: ConstraintError) {
        self.warnings.push(warning);
    }
}
