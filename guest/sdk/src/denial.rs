//! Saying no.

use alloc::{string::String, vec::Vec};

use hexgate_contract::{self as contract, MAX_MESSAGE, Wording};

/// Why a call may not happen: one or more sentences, or conditions that do not hold. The host shows them as
/// `Policy denied tool "T": …`.
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use]
pub struct Denial {
    reasons: Vec<String>,
    message: Option<String>,
}

impl Denial {
    /// A denial for this reason.
    pub fn because(reason: impl Into<String>) -> Self {
        Self {
            reasons: alloc::vec![reason.into()],
            message: None,
        }
    }

    /// What the model is told, where reasons are for the operator alone. What a message cannot be is changed: control characters become
    /// blanks, and after 500 bytes it ends.
    pub fn message(self, message: &str) -> Self {
        Self {
            message: Some(told(message)),
            ..self
        }
    }

    /// What [`require!`](crate::require) expands to: an error that names each condition that does not hold.
    #[doc(hidden)]
    pub fn unless(conditions: &[(&str, bool)]) -> Result<(), Self> {
        let reasons: Vec<String> = conditions
            .iter()
            .filter(|(_, holds)| !holds)
            .map(|(condition, _)| String::from(*condition))
            .collect();
        if reasons.is_empty() {
            Ok(())
        } else {
            Err(Self {
                reasons,
                message: None,
            })
        }
    }

    /// The denial in the words that every engine uses.
    pub(crate) fn worded(&self, tool: &str) -> contract::Denial {
        let mut wording = Wording::new(tool, core::iter::once(""));
        wording.denied();
        for reason in &self.reasons {
            wording.violation(reason);
        }
        wording.message(self.message.as_deref());
        wording.finish()
    }
}

/// A message as the contract has it.
pub(crate) fn told(message: &str) -> String {
    let mut told = String::new();
    for character in message.chars() {
        let character = if character.is_control() {
            ' '
        } else {
            character
        };
        if told.len() + character.len_utf8() > MAX_MESSAGE {
            break;
        }
        told.push(character);
    }
    told
}
