//! How arguments and facts are kept: the operator's choice, applied before anything is written.

use std::{borrow::Cow, sync::Arc};

use serde::{Deserialize, Serialize};

use crate::redact::{Malformed, Redaction, RedactionError, Redactor};

/// How arguments and facts are kept in the log. Beside each text stands its keyed digest, whatever the choice.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum KeptAs {
    /// To the letter. Every call can be replayed, and whoever reads the log reads every secret in it.
    Plain,
    /// To the letter if no secret is found in it, without its secrets otherwise. The calls without secrets can be replayed.
    #[default]
    Redacted,
    /// Not at all: the digest alone. No call can be replayed.
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

/// Why a part of a record is not there as it was.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Withheld {
    /// Secrets were taken out of it.
    Redacted,
    /// The log keeps digests alone.
    DigestOnly,
    /// It is larger than the log keeps.
    TooLarge,
    /// It is no JSON, and something in it looks like a secret.
    Malformed,
}

/// Applies an operator's choices.
#[derive(Debug)]
pub(crate) struct Protection {
    arguments: KeptAs,
    member_bytes: usize,
    redactor: Arc<Redactor>,
}

/// A text as it may be written, and whether and why it differs from what it was. None: nothing of it may be written.
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

    /// A text that a model can have a part in: a tool's name, a reason. Secrets are taken out whatever the choice for arguments but `Plain`.
    pub(crate) fn text<'a>(&self, text: &'a str, limit: usize) -> (Cow<'a, str>, Option<Withheld>) {
        // As much more as tells a secret that stands across the end: half of one looks like nothing.
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

/// How far beyond what is kept of a text it is looked at, in bytes. Nothing else bounds what a model gives as the name of a tool.
const AHEAD: usize = 16 << 10;

/// At most `limit` bytes of a text.
pub(crate) fn cut(text: &str, limit: usize) -> (&str, Option<Withheld>) {
    if text.len() <= limit {
        return (text, None);
    }
    let end = (0..=limit)
        .rev()
        .find(|at| text.is_char_boundary(*at))
        .unwrap_or(0);
    (
        text.get(..end).unwrap_or_default(),
        Some(Withheld::TooLarge),
    )
}
