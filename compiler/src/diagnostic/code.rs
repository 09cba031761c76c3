//! What a diagnostic code means.

/// How bad a diagnostic is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Severity {
    /// The policy is refused.
    Error,
    /// The policy is compiled, and probably does not do what was meant.
    Warning,
    /// Something that is good to know.
    Note,
}

impl Severity {
    /// Its name in every output format of ours.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Warning => "warning",
            Self::Note => "note",
        }
    }
}

/// The documentation of a code, as `hexgate-compile --explain CODE` prints it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CodeDoc {
    /// The code: kebab case, never reused for something else.
    pub code: &'static str,
    /// How bad it is.
    pub severity: Severity,
    /// One line.
    pub title: &'static str,
    /// Cause, example, remedy.
    pub explanation: &'static str,
}

impl CodeDoc {
    /// The documentation of a kind of error.
    #[must_use]
    pub const fn error(code: &'static str, title: &'static str, explanation: &'static str) -> Self {
        Self {
            code,
            severity: Severity::Error,
            title,
            explanation,
        }
    }

    /// The documentation of a kind of warning.
    #[must_use]
    pub const fn warning(
        code: &'static str,
        title: &'static str,
        explanation: &'static str,
    ) -> Self {
        Self {
            severity: Severity::Warning,
            ..Self::error(code, title, explanation)
        }
    }

    pub(super) const fn note(
        code: &'static str,
        title: &'static str,
        explanation: &'static str,
    ) -> Self {
        Self {
            severity: Severity::Note,
            ..Self::error(code, title, explanation)
        }
    }
}
