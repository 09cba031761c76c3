//! Where diagnostics are gathered, so that one run reports all of them.

use super::{Diagnostic, Severity};

/// Gathers diagnostics.
#[derive(Debug, Default)]
pub struct Sink {
    diagnostics: Vec<Diagnostic>,
    errors: usize,
    /// How many of those that are kept are errors.
    kept_errors: usize,
}

impl Sink {
    /// Enough for every reader, and few enough that a hostile source cannot fill the memory.
    pub const LIMIT: usize = 1000;

    /// Adds one.
    pub fn push(&mut self, diagnostic: Diagnostic) {
        let is_error = diagnostic.is_error();
        if is_error {
            self.errors += 1;
        }
        if self.diagnostics.len() < Self::LIMIT {
            self.diagnostics.push(diagnostic);
            self.kept_errors += usize::from(is_error);
        } else if is_error
            && self.kept_errors < Self::LIMIT
            && let Some(slot) = self
                .diagnostics
                .iter_mut()
                .rev()
                .find(|kept| kept.severity != Severity::Error)
        {
            // A thousand warnings must not hide an error.
            *slot = diagnostic;
            self.kept_errors += 1;
        }
    }

    /// Adds one, if there is one.
    pub fn extend(&mut self, diagnostic: Option<Diagnostic>) {
        if let Some(diagnostic) = diagnostic {
            self.push(diagnostic);
        }
    }

    /// Whether there is no room for another error: nothing more is worth looking for.
    #[must_use]
    pub fn is_full(&self) -> bool {
        self.kept_errors >= Self::LIMIT
    }

    /// Whether there is room for another warning.
    #[must_use]
    pub fn has_room(&self) -> bool {
        self.diagnostics.len() < Self::LIMIT
    }

    /// Whether the policy is refused already.
    #[must_use]
    pub fn has_errors(&self) -> bool {
        self.errors > 0
    }

    /// All, by file and position, each once.
    #[must_use]
    pub fn finish(self) -> Vec<Diagnostic> {
        let mut diagnostics = self.diagnostics;
        diagnostics.sort_by(|a, b| {
            let key = |d: &Diagnostic| (d.primary.span, d.severity, d.code);
            key(a).cmp(&key(b)).then_with(|| a.message.cmp(&b.message))
        });
        diagnostics.dedup();
        diagnostics
    }
}
