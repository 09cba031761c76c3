//! Keys of providers, which nobody gets to see.

use std::fmt;

use reqwest::header::{HeaderMap, HeaderName, HeaderValue};

/// The key of a provider. Its debug text is not the key.
#[derive(Clone)]
pub struct ApiKey(HeaderValue);

/// Why there is no search.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum KeyError {
    /// No variable is set.
    #[error("searching needs a key: set LINKUP_API_KEY, TAVILY_API_KEY or BRAVE_API_KEY")]
    Missing,
    /// A key that cannot be sent.
    #[error("{variable} is empty, or has characters that a key cannot have")]
    Malformed {
        /// Where it came from.
        variable: &'static str,
    },
    /// The HTTP client cannot be set up.
    #[error("the HTTP client cannot be set up: {0}")]
    Client(#[from] reqwest::Error),
}

impl ApiKey {
    /// A key.
    ///
    /// # Errors
    ///
    /// It is empty or cannot be sent in a header. `variable` is named.
    pub fn new(key: &str, variable: &'static str) -> Result<Self, KeyError> {
        let key = key.trim();
        let is_good = !key.is_empty() && key.bytes().all(|byte| byte.is_ascii_graphic());
        let value = HeaderValue::from_str(key).ok().filter(|_| is_good);
        value.map(Self).ok_or(KeyError::Malformed { variable })
    }

    /// The key in a variable, if it is set.
    pub(super) fn from_variable(
        variable: &'static str,
        find: impl Fn(&str) -> Option<String>,
    ) -> Result<Option<Self>, KeyError> {
        find(variable)
            .map(|key| Self::new(&key, variable))
            .transpose()
    }

    /// Headers with the key behind a word, marked so that no debug text shows it.
    pub(super) fn headers(&self, name: &'static str, before: &str) -> HeaderMap {
        let mut headers = HeaderMap::new();
        let value = [before.as_bytes(), self.0.as_bytes()].concat();
        if let Ok(mut value) = HeaderValue::from_bytes(&value) {
            value.set_sensitive(true);
            headers.insert(HeaderName::from_static(name), value);
        }
        headers
    }
}

impl fmt::Debug for ApiKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ApiKey")
    }
}
