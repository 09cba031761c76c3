//! The text form of a token.

use std::fmt;
use std::str::FromStr;

use base64::Engine as _;
use base64::engine::general_purpose::{URL_SAFE, URL_SAFE_NO_PAD};
use hexgate_base::shortened;
use zeroize::Zeroizing;

/// The longest token, in bytes of its text. One for a user has some 600.
pub const MAX_TOKEN_BYTES: usize = 16 << 10;

/// The longest environment or project, in bytes.
const MAX_PART_BYTES: usize = 64;

/// A token as text: `fty_<environment>_<project>_<biscuit>`. Only its form was checked.
///
/// It is a secret: `{:?}` does not show it, and it is wiped from memory when dropped.
#[derive(Clone, PartialEq, Eq)]
pub struct Envelope {
    text: Zeroizing<String>,
    /// Where the environment ends, and where the biscuit begins.
    ends: (usize, usize),
}

/// Why a text is not a token. No message shows the text.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum EnvelopeError {
    /// The text has another form.
    #[error("this is no token: {reason}; a token is `fty_<environment>_<project>_<biscuit>`")]
    Form {
        /// What is wrong.
        reason: &'static str,
    },
    /// The token is too long.
    #[error("the token has {found} bytes, and at most {MAX_TOKEN_BYTES} are accepted")]
    TooLong {
        /// Its length in bytes.
        found: usize,
    },
    /// An environment or project cannot stand in a token.
    #[error("the {what} `{}` cannot stand in a token; it has 1 to 64 letters, digits, `-` or `.`", shortened(.name, 64))]
    Part {
        /// `environment` or `project`.
        what: &'static str,
        /// The name.
        name: String,
    },
    /// The part after the project is not base64url.
    #[error("the token is cut off or damaged: {reason}")]
    Damaged {
        /// What is wrong.
        reason: String,
    },
}

impl Envelope {
    /// Reads a token.
    ///
    /// # Errors
    ///
    /// The text is too long, or not of this form.
    pub fn parse(text: &str) -> Result<Self, EnvelopeError> {
        let reason = |reason| EnvelopeError::Form { reason };
        if text.len() > MAX_TOKEN_BYTES {
            return Err(EnvelopeError::TooLong { found: text.len() });
        }
        // Environment and project have no underscore, and the biscuit may have many.
        let mut parts = text.splitn(4, '_');
        let (Some(prefix), Some(environment), Some(project), Some(biscuit)) =
            (parts.next(), parts.next(), parts.next(), parts.next())
        else {
            return Err(reason("it has too few parts"));
        };
        if prefix != "fty" {
            return Err(reason("it does not begin with `fty_`"));
        }
        check_part("environment", environment)?;
        check_part("project", project)?;
        if biscuit.is_empty() {
            return Err(reason("it has no biscuit"));
        }
        let end = prefix.len() + 1 + environment.len();
        Ok(Self {
            text: Zeroizing::new(text.to_owned()),
            ends: (end, end + 1 + project.len() + 1),
        })
    }

    /// Makes the text of a biscuit's bytes.
    ///
    /// # Errors
    ///
    /// The environment or the project cannot stand in a token, or it is too long.
    pub fn of_biscuit(
        environment: &str,
        project: &str,
        biscuit: &[u8],
    ) -> Result<Self, EnvelopeError> {
        let biscuit = Zeroizing::new(URL_SAFE.encode(biscuit));
        check_part("environment", environment)?;
        check_part("project", project)?;
        Self::parse(&Zeroizing::new(format!(
            "fty_{environment}_{project}_{}",
            *biscuit
        )))
    }

    /// The environment that the text names, unverified.
    #[must_use]
    pub fn environment(&self) -> &str {
        self.text.get(4..self.ends.0).unwrap_or_default()
    }

    /// The project that the text names, unverified.
    #[must_use]
    pub fn project(&self) -> &str {
        let project = self.text.get(self.ends.0 + 1..self.ends.1);
        project
            .and_then(|project| project.strip_suffix('_'))
            .unwrap_or_default()
    }

    /// The whole text. CAUTION: its holder can act with the token.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.text
    }

    /// The biscuit's bytes, which are wiped from memory when dropped.
    ///
    /// # Errors
    ///
    /// The text is not base64url.
    pub fn biscuit(&self) -> Result<Zeroizing<Vec<u8>>, EnvelopeError> {
        let text = self.text.get(self.ends.1..).unwrap_or_default();
        // Biscuit libraries write padding, and some programs strip it: all of it or none.
        let encoding = if text.ends_with('=') {
            URL_SAFE
        } else {
            URL_SAFE_NO_PAD
        };
        encoding
            .decode(text)
            .map(Zeroizing::new)
            .map_err(|error| EnvelopeError::Damaged {
                reason: error.to_string(),
            })
    }
}

impl FromStr for Envelope {
    type Err = EnvelopeError;

    fn from_str(text: &str) -> Result<Self, EnvelopeError> {
        Self::parse(text)
    }
}

impl fmt::Debug for Envelope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Envelope")
            .field("environment", &self.environment())
            .field("project", &self.project())
            .finish_non_exhaustive()
    }
}

/// Checks the name of an environment or project: with an underscore a token could be read in two ways. `what` is the word for
/// messages.
///
/// # Errors
///
/// It cannot stand in a token.
pub fn check_part(what: &'static str, name: &str) -> Result<(), EnvelopeError> {
    let good = (1..=MAX_PART_BYTES).contains(&name.len())
        && name
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.'));
    if good {
        Ok(())
    } else {
        Err(EnvelopeError::Part {
            what,
            name: name.chars().take(MAX_PART_BYTES).collect(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_envelope_is_read_and_shows_nothing() {
        let envelope = Envelope::parse("fty_live_p-1_Ab_c-_d=").unwrap();
        assert_eq!(
            (envelope.environment(), envelope.project()),
            ("live", "p-1")
        );
        assert_eq!(envelope.expose(), "fty_live_p-1_Ab_c-_d=");
        assert!(!format!("{envelope:?}").contains("Ab_c"));
        assert_eq!(
            *Envelope::parse("fty_a_b_YQ").unwrap().biscuit().unwrap(),
            b"a"
        );
        assert_eq!(
            *Envelope::parse("fty_a_b_YQ==").unwrap().biscuit().unwrap(),
            b"a"
        );
    }

    #[test]
    fn what_is_no_envelope_is_refused() {
        let long = format!("fty_live_p_{}", "A".repeat(MAX_TOKEN_BYTES));
        for text in [
            "",
            "fty",
            "fty_live",
            "fty_live_p",
            "fty_live_p_",
            "FTY_live_p_AA",
            "fty__p_AA",
            "fty_live__AA",
            "fty_li ve_p_AA",
            "fty_live_ü_AA",
            " fty_live_p_AA",
            "fty_a\n_p_AA",
            long.as_str(),
        ] {
            assert!(Envelope::parse(text).is_err(), "{text}");
        }
        for biscuit in ["A", "YQ=", "YR==", "Y Q", "Y+Q/", "YQ==="] {
            let envelope = Envelope::parse(&format!("fty_a_b_{biscuit}")).unwrap();
            assert!(
                matches!(envelope.biscuit(), Err(EnvelopeError::Damaged { .. })),
                "{biscuit}"
            );
        }
    }
}
