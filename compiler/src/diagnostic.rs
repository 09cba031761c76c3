//! What the compiler has to say about a policy: errors, warnings and notes with a stable code, a place, a reason and a remedy.

pub mod code;
pub(crate) mod codes;
pub mod render;
mod sink;

pub use code::{CodeDoc, Severity};
pub use codes::{all_codes, find_code};
pub(crate) use hexgate_base::{harmless, is_printable};
pub use sink::Sink;

use crate::place::Span;

/// One error, warning or note.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
#[must_use = "a diagnostic that no sink gets is not reported"]
pub struct Diagnostic {
    /// The stable name of its kind: `hexgate-compile --explain CODE` tells more.
    pub code: &'static str,
    /// How bad it is.
    pub severity: Severity,
    /// What is wrong, in one line.
    pub message: String,
    /// Where it is wrong.
    pub primary: Label,
    /// Other places that matter: the first definition, the entry that was replaced.
    pub secondary: Vec<Label>,
    /// What to do about it.
    pub help: Option<String>,
}

/// A place in a source and what is to be said about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Label {
    /// The place.
    pub span: Span,
    /// What to say there; may be empty.
    pub text: String,
}

impl Diagnostic {
    /// A diagnostic of the kind `code`, which decides its severity.
    pub fn new(
        code: &'static str,
        message: impl Into<String>,
        span: Span,
        label: impl Into<String>,
    ) -> Self {
        Self {
            code,
            // A code without documentation counts as an error, so that a slip in a table never lets a policy pass.
            severity: find_code(code).map_or(Severity::Error, |doc| doc.severity),
            message: message.into(),
            primary: Label {
                span,
                text: label.into(),
            },
            secondary: Vec::new(),
            help: None,
        }
    }

    /// A diagnostic of a kind that this crate does not know: of a file beside a policy.
    pub fn documented(
        doc: &'static CodeDoc,
        message: impl Into<String>,
        span: Span,
        label: impl Into<String>,
    ) -> Self {
        Self {
            code: doc.code,
            severity: doc.severity,
            message: message.into(),
            primary: Label {
                span,
                text: label.into(),
            },
            secondary: Vec::new(),
            help: None,
        }
    }

    /// Adds a second place.
    pub fn with_label(mut self, span: Span, text: impl Into<String>) -> Self {
        self.secondary.push(Label {
            span,
            text: text.into(),
        });
        self
    }

    /// Adds a remedy.
    pub fn with_help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    /// Adds a remedy if there is one.
    pub fn with_help_if(mut self, help: Option<String>) -> Self {
        if help.is_some() {
            self.help = help;
        }
        self
    }

    /// Whether a policy with it is refused.
    #[must_use]
    pub fn is_error(&self) -> bool {
        self.severity == Severity::Error
    }
}

/// A name from a policy, fit for a message: in backticks, shortened, with everything that a terminal could act upon escaped.
pub fn quoted(name: &str) -> String {
    const SHOWN: usize = 64;
    let mut text = String::from("`");
    for (index, character) in name.chars().enumerate() {
        if index == SHOWN {
            text.push('…');
            break;
        }
        if is_printable(character) {
            text.push(character);
        } else {
            text.extend(character.escape_unicode());
        }
    }
    text.push('`');
    text
}

/// A text of another program, fit for a message: harmless, with line ends made blanks.
pub(crate) fn in_one_line(text: &str) -> String {
    harmless(&text.replace(['\n', '\t'], " ")).into_owned()
}

/// The valid name that `name` was probably meant to be.
pub fn nearest<'a>(name: &str, valid: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let length = name.chars().count();
    // The comparison takes time in the product of the lengths, and long names need no suggestion.
    if length > 64 {
        return None;
    }
    let allowed = match length {
        0..=2 => 1,
        3..=5 => 2,
        _ => 3,
    };
    let folded = name.to_lowercase();
    let folded_length = folded.chars().count();
    // So many letters as one is longer than the other, so many slips there are at least.
    let is_near = |candidate: &&str| {
        let length = candidate.chars().flat_map(char::to_lowercase).count();
        length.abs_diff(folded_length) <= allowed
    };
    valid
        .into_iter()
        .filter(|candidate| candidate.len() <= 256)
        .filter(is_near)
        .map(|candidate| {
            (
                strsim::osa_distance(&folded, &candidate.to_lowercase()),
                candidate,
            )
        })
        .filter(|(distance, candidate)| {
            *distance <= allowed && *distance < candidate.chars().count().max(2)
        })
        .min_by_key(|(distance, candidate)| (*distance, *candidate))
        .map(|(_, candidate)| candidate)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_the_name_that_was_meant() {
        let names = ["mode", "constraints", "file_scope"];
        assert_eq!(nearest("constraint", names), Some("constraints"));
        assert_eq!(nearest("Mode", names), Some("mode"));
        assert_eq!(nearest("filescope", names), Some("file_scope"));
        assert_eq!(nearest("x", names), None);
        assert_eq!(nearest("tools", names), None);
    }

    #[test]
    fn shows_names_harmlessly() {
        assert_eq!(quoted("a\u{1b}[31m\u{202e}b"), "`a\\u{1b}[31m\\u{202e}b`");
        assert_eq!(quoted(&"x".repeat(100)).chars().count(), 67);
    }
}
