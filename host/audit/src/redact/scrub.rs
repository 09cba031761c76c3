//! Takes keys out of texts that are not records.

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

use super::{Redaction, RedactionError, Redactor};

/// Takes secrets out of any text, such as the result of a tool before a model reads it. Making one takes long, for the first one of a process;
/// cloning is cheap.
#[derive(Clone)]
pub struct Scrubber(Arc<Redactor>);

impl Scrubber {
    /// Takes out what this redaction finds.
    ///
    /// # Errors
    ///
    /// A pattern of it is none, or they are too large together.
    pub fn new(redaction: &Redaction) -> Result<Self, RedactionError> {
        Redactor::new(redaction).map(Self)
    }

    /// Takes out what keys of known issuers look like, and nothing by the names before it: what a program says of a `password` stays.
    ///
    /// # Errors
    ///
    /// Its tables cannot be made.
    pub fn of_keys() -> Result<Self, RedactionError> {
        Self::new(&Redaction {
            names: Vec::new(),
            text_names: Vec::new(),
            ..Redaction::default()
        })
    }

    /// The text without its secrets. A text that was made to take long is taken out as a whole.
    #[must_use]
    pub fn scrub<'a>(&self, text: &'a str) -> Cow<'a, str> {
        self.0.text(text)
    }
}

impl fmt::Debug for Scrubber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Scrubber").finish_non_exhaustive()
    }
}
