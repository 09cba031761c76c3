//! The platform's address.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

use reqwest::Url;

/// The platform's default address.
pub const DEFAULT_ADDRESS: &str = "https://app.hexgate.ai";

/// The platform's address: `https`, or `http` on this machine, since requests carry the project's token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Address(Url);

/// Why an address of the platform is refused. No message shows it: it can hold a password.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum AddressError {
    /// The text is not a URL.
    #[error("it is not an address ({reason}); write `https://` and the platform's host")]
    Unreadable {
        /// What is wrong, without the text itself.
        reason: String,
    },
    /// It names no host.
    #[error("it names no host; write `https://` and the platform's host")]
    NoHost,
    /// It has a user or a password.
    #[error(
        "it has a user or a password, which logs could show; leave them out, the token is enough"
    )]
    Credentials,
    /// It has a query or a fragment.
    #[error("it has more than a host and a path; leave out the part from `?` or `#` on")]
    MoreThanPath,
    /// The token would be sent in the clear.
    #[error(
        "without TLS the token would be sent in the clear; use `https:`, or `http:` on this machine"
    )]
    Clear,
    /// It has another scheme.
    #[error("it is neither `https:` nor `http:`; use `https:`")]
    Scheme,
}

impl Address {
    /// Reads an address.
    ///
    /// # Errors
    ///
    /// The text is not a URL, names no host, has a user, a password, a query or a fragment, or would send the token in the clear.
    pub fn parse(text: &str) -> Result<Self, AddressError> {
        let url = Url::parse(text).map_err(|error| AddressError::Unreadable {
            reason: error.to_string(),
        })?;
        let host = url.host_str().ok_or(AddressError::NoHost)?;
        if !url.username().is_empty() || url.password().is_some() {
            return Err(AddressError::Credentials);
        }
        if url.query().is_some() || url.fragment().is_some() {
            return Err(AddressError::MoreThanPath);
        }
        match url.scheme() {
            "https" => Ok(Self(url)),
            "http" if is_loopback(host) => Ok(Self(url)),
            "http" => Err(AddressError::Clear),
            _ => Err(AddressError::Scheme),
        }
    }

    /// Whether it is on this machine.
    #[must_use]
    pub fn is_local(&self) -> bool {
        self.0.host_str().is_some_and(is_loopback)
    }

    /// The address of a resource below it. Each part is quoted as one segment.
    pub(crate) fn at<'a>(&self, parts: impl IntoIterator<Item = &'a str>) -> Url {
        let mut url = self.0.clone();
        // An address with a host has segments.
        if let Ok(mut segments) = url.path_segments_mut() {
            segments.pop_if_empty().extend(parts);
        }
        url
    }
}

impl FromStr for Address {
    type Err = AddressError;

    fn from_str(text: &str) -> Result<Self, AddressError> {
        Self::parse(text)
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

fn is_loopback(host: &str) -> bool {
    let host = host.trim_start_matches('[').trim_end_matches(']');
    host == "localhost"
        || host
            .parse::<IpAddr>()
            .is_ok_and(|address| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_says_where_and_not_who_and_keeps_the_token_from_being_read() {
        for (text, wrong) in [
            ("app.hexgate.ai", "not an address"),
            ("me:hunter2@app.hexgate.ai", "no host"),
            ("https://me:hunter2@app.hexgate.ai", "password"),
            ("https://hunter2@app.hexgate.ai", "password"),
            ("http://me:hunter2@127.0.0.1", "password"),
            ("https://app.hexgate.ai/?key=hunter2", "more than a host"),
            ("https://app.hexgate.ai/#hunter2", "more than a host"),
            ("http://app.hexgate.ai", "without TLS"),
            ("http://localhost.evil.example", "without TLS"),
            ("http://127.0.0.1.evil.example", "without TLS"),
            ("http://10.0.0.1", "without TLS"),
            ("ftp://app.hexgate.ai", "neither"),
        ] {
            let error = Address::parse(text).unwrap_err();
            assert!(error.to_string().contains(wrong), "{text}: {error}");
            assert!(!format!("{error} {error:?}").contains("hunter2"), "{error}");
        }
        for local in [
            "http://localhost:1",
            "http://127.0.0.1",
            "http://127.9.9.9:8000/base",
            "http://[::1]:8000",
        ] {
            assert!(Address::parse(local).unwrap().is_local(), "{local}");
        }
        assert!(!Address::parse(DEFAULT_ADDRESS).unwrap().is_local());
    }

    #[test]
    fn names_are_quoted_into_one_segment() {
        let address = Address::parse("http://[::1]:8000/base/").unwrap();
        assert_eq!(
            address.at(["v1", "agents", "../a b/c?d#e"]).as_str(),
            "http://[::1]:8000/base/v1/agents/..%2Fa%20b%2Fc%3Fd%23e"
        );
    }
}
