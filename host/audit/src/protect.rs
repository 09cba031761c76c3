//! How arguments and facts are kept: the operator's choice, applied before anything is written.

use std::{borrow::Cow, sync::Arc};

use serde::{Deserialize, Serialize};

use crate::redact::{Malformed, Redaction, RedactionError, Redactor};

/// How arguments and facts are kept in the log. Beside each text stands its keyed digest, whatever the choice.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum KeptAs {
    /// Unchanged. Every call can be replayed, and every reader of the log sees its secrets.
    Plain,
    /// Unchanged if no secret is found, without the secrets otherwise. Calls without secrets can be replayed.
    #[default]
    Redacted,
    /// Only the digest. No call can be replayed.
    DigestOnly,
}

/// A part of a record that can be withheld.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Member {
    /// The caller's roles.
    Roles,
    /// The tool's name.
    Tool,
    /// The arguments.
    Arguments,
    /// The further facts.
    Facts,
    /// A reason or another text that says what happened.
    Reason,
    /// The agent's, project's, user's or session's name.
    Name,
}

/// Why a part of a record is not as it was decided.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Withheld {
    /// Its secrets were removed.
    Redacted,
    /// The log keeps only digests.
    DigestOnly,
    /// It is larger than the log keeps.
    TooLarge,
    /// It is not JSON, and something in it looks like a secret.
    Malformed,
}

/// Applies an operator's choices.
#[derive(Debug)]
pub(crate) struct Protection {
    arguments: KeptAs,
    member_bytes: usize,
    redactor: Arc<Redactor>,
}

/// A text as it may be written, and why it differs from the original, if it does. None if nothing of it may be written.
pub(crate) type Kept<'a> = (Option<Cow<'a, str>>, Option<Withheld>);

impl Protection {
    pub(crate) fn new(
        arguments: KeptAs,
        member_bytes: usize,
        redaction: &Redaction,
    ) -> Result<Self, RedactionError> {
        Ok(Self {
            arguments,
            member_bytes,
            redactor: Redactor::new(redaction)?,
        })
    }

    /// Arguments or facts.
    pub(crate) fn json<'a>(&self, text: &'a str) -> Kept<'a> {
        if self.arguments == KeptAs::DigestOnly {
            return (None, Some(Withheld::DigestOnly));
        }
        if text.len() > self.member_bytes {
            return (None, Some(Withheld::TooLarge));
        }
        if self.arguments == KeptAs::Plain {
            return (Some(text.into()), None);
        }
        match self.redactor.json(text) {
            Ok(None) => (Some(text.into()), None),
            Ok(Some(clean)) => (Some(clean.into()), Some(Withheld::Redacted)),
            Err(Malformed) => (None, Some(Withheld::Malformed)),
        }
    }

    /// A text that a model can influence: a tool's name, a reason. Its secrets are removed unless arguments are kept `Plain`.
    pub(crate) fn text<'a>(&self, text: &'a str, limit: usize) -> (Cow<'a, str>, Option<Withheld>) {
        // Look beyond the end: half of a secret would not be recognised.
        let (text, longer) = cut(text, limit.saturating_add(AHEAD));
        let (text, withheld) = match self.arguments {
            KeptAs::Plain => (text.into(), None),
            _ => match self.redactor.text(text) {
                Cow::Borrowed(text) => (text.into(), None),
                clean => (clean, Some(Withheld::Redacted)),
            },
        };
        match cut(&text, limit) {
            (_, None) => (text, withheld.or(longer)),
            (short, too_large) => (short.to_owned().into(), withheld.or(too_large)),
        }
    }
}

/// How many bytes beyond the kept part are searched. A model can give a tool's name of any length.
const AHEAD: usize = 16 << 10;

/// At most `limit` bytes of a text.
pub(crate) fn cut(text: &str, limit: usize) -> (&str, Option<Withheld>) {
    if text.len() <= limit {
        return (text, None);
    }
    (
        text.get(..text.floor_char_boundary(limit))
            .unwrap_or_default(),
        Some(Withheld::TooLarge),
    )
}
