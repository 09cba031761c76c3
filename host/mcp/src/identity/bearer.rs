//! The client's token.

use std::fmt;

use axum::http::HeaderMap;
use zeroize::Zeroizing;

use super::IdentityError;

/// A token that a client sent. It is not shown, not serialised, wiped on drop, and read in this crate alone: there is no way to pass it on to
/// a server.
pub struct Bearer(Zeroizing<String>);

impl Bearer {
    /// The token that was given by other means than a header. Nothing of it is checked yet.
    #[must_use]
    pub fn given(text: String) -> Self {
        Self(Zeroizing::new(text))
    }

    /// The token of a request with these headers.
    ///
    /// # Errors
    ///
    /// There is none, there are several, or the header has another form.
    pub fn of(headers: &HeaderMap) -> Result<Self, IdentityError> {
        match hexgate_authzen::bearer(headers) {
            hexgate_authzen::Bearer::Token(token) => Ok(Self(Zeroizing::new(token.to_owned()))),
            hexgate_authzen::Bearer::Missing => Err(IdentityError::Missing),
            hexgate_authzen::Bearer::Malformed => Err(IdentityError::Malformed),
        }
    }

    /// The text, for its check alone.
    pub(super) fn text(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Bearer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Bearer(..)")
    }
}
