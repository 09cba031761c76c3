//! What a request is for, in one normal form: what the policy compares is what is connected to and sent.

use serde::{Deserialize, Serialize};

use crate::address::{Host, HostError, UrlError, WebUrl, authority};

/// What a request is for. Written as JSON these are the arguments of the call that is decided; the request that is sent is made of them
/// again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Target {
    /// Upper case.
    pub(crate) method: String,
    /// `http`, or `https` for a tunnel.
    pub(crate) scheme: String,
    /// [`Host`].
    pub(crate) host: String,
    pub(crate) port: u16,
    /// All of it as one URL, without the scheme's own port.
    pub(crate) url: String,
    /// Without dot segments; characters are encoded only where they must be. None: a tunnel has none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) path: Option<String>,
    /// Without the question mark; empty if there is none. None: a tunnel has none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) query: Option<String>,
}

/// Why a request is for nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum TargetError {
    #[error("the method is not made of capital letters")]
    Method,
    #[error("a proxy is asked for `http://host/path`, or for a tunnel to `host:port`")]
    Form,
    #[error("{0}")]
    Url(#[from] UrlError),
    #[error("the header `Host` names another host than the request")]
    Mismatch,
}

/// The ports of the schemes.
const HTTP: u16 = 80;
const HTTPS: u16 = 443;

impl Target {
    /// Reads a request line: `method` and `target` as they stand there.
    pub(crate) fn parse(method: &str, target: &str) -> Result<Self, TargetError> {
        let is_name = |byte: u8| byte.is_ascii_uppercase() || byte == b'-';
        if method.is_empty() || method.len() > 32 || !method.bytes().all(is_name) {
            return Err(TargetError::Method);
        }
        // A host need not be ASCII elsewhere; here it does, or the header and the line could be read differently.
        if !target.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(UrlError::Text.into());
        }
        if method == "CONNECT" {
            Self::tunnel(target)
        } else {
            Self::absolute(method, target)
        }
    }

    /// `host:port`.
    fn tunnel(target: &str) -> Result<Self, TargetError> {
        let (host, port) = authority(target)?;
        let port = port.ok_or(UrlError::Port)?;
        Ok(Self {
            method: "CONNECT".to_owned(),
            scheme: "https".to_owned(),
            url: format!("https://{}/", host.authority(port, HTTPS)),
            host: host.to_string(),
            port,
            path: None,
            query: None,
        })
    }

    /// `http://host:port/path?query`.
    fn absolute(method: &str, target: &str) -> Result<Self, TargetError> {
        let url = match WebUrl::parse(target) {
            Ok(url) if !url.is_https() => url,
            Ok(_) | Err(UrlError::Scheme) => return Err(TargetError::Form),
            Err(error) => return Err(error.into()),
        };
        Ok(Self {
            method: method.to_owned(),
            scheme: "http".to_owned(),
            host: url.host().to_string(),
            port: url.port(),
            path: Some(url.path().to_owned()),
            query: Some(url.query().to_owned()),
            url: url.to_string(),
        })
    }

    /// Whether the header `Host` names the same.
    pub(crate) fn agrees(&self, header: &str) -> Result<(), TargetError> {
        let (host, port) = authority(header)?;
        let is_same_port = match port {
            Some(port) => port == self.port,
            // Some clients leave out the port of a tunnel.
            None => self.path.is_none() || self.port == HTTP,
        };
        if host.to_string() == self.host && is_same_port {
            Ok(())
        } else {
            Err(TargetError::Mismatch)
        }
    }

    /// The host, read back.
    pub(crate) fn host(&self) -> Result<Host, HostError> {
        Host::parse(&self.host)
    }

    /// What the header `Host` of the request that is sent names.
    pub(crate) fn authority(&self) -> Result<String, HostError> {
        Ok(self.host()?.authority(self.port, HTTP))
    }

    /// What the line of the request that is sent names.
    pub(crate) fn origin_form(&self) -> String {
        let path = self.path.as_deref().unwrap_or("/");
        match self.query.as_deref() {
            None | Some("") => path.to_owned(),
            Some(query) => format!("{path}?{query}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn url(method: &str, target: &str) -> Result<String, TargetError> {
        Target::parse(method, target).map(|target| target.url)
    }

    #[test]
    fn targets_have_one_form() {
        for (target, form) in [
            ("http://example.com", "http://example.com/"),
            ("HTTP://EXAMPLE.com.:80/", "http://example.com/"),
            ("http://example.com:8080", "http://example.com:8080/"),
            ("http://example.com?", "http://example.com/"),
            (
                "http://example.com?q=%61%2f%C3%bc",
                "http://example.com/?q=a%2F%C3%BC",
            ),
            ("http://example.com/a/./b/../c", "http://example.com/a/c"),
            (
                "http://example.com/a/%2e%2E/secret",
                "http://example.com/secret",
            ),
            ("http://example.com/../../etc", "http://example.com/etc"),
            ("http://example.com/a/..", "http://example.com/"),
            ("http://example.com/a/.", "http://example.com/a/"),
            (
                "http://example.com/%7euser/%41dmin",
                "http://example.com/~user/Admin",
            ),
            (
                "http://example.com/@scope%2fname",
                "http://example.com/@scope%2Fname",
            ),
            ("http://example.com//a", "http://example.com//a"),
            ("http://0x7f.1/", "http://127.0.0.1/"),
            ("http://[::FFFF:127.0.0.1]:80/", "http://127.0.0.1/"),
            ("http://[2001:DB8::1]:81/", "http://[2001:db8::1]:81/"),
        ] {
            assert_eq!(url("GET", target).as_deref(), Ok(form), "{target}");
        }
        for (target, form) in [
            ("Example.COM.:443", "https://example.com/"),
            ("example.com:8443", "https://example.com:8443/"),
            ("[2001:db8::1]:443", "https://[2001:db8::1]/"),
            ("2130706433:443", "https://127.0.0.1/"),
        ] {
            assert_eq!(url("CONNECT", target).as_deref(), Ok(form), "{target}");
        }
    }

    #[test]
    fn what_is_not_one_thing_is_refused() {
        for (method, target, error) in [
            ("get", "http://example.com/", TargetError::Method),
            ("GET:", "http://example.com/", TargetError::Method),
            ("", "http://example.com/", TargetError::Method),
            ("GET", "/", TargetError::Form),
            ("GET", "*", TargetError::Form),
            ("GET", "example.com:80", TargetError::Form),
            ("GET", "https://example.com/", TargetError::Form),
            ("GET", "ftp://example.com/", TargetError::Form),
            ("GET", "http:/example.com/", TargetError::Form),
            (
                "GET",
                "http://",
                TargetError::Url(UrlError::Host(HostError::Empty)),
            ),
            (
                "GET",
                "http:///path",
                TargetError::Url(UrlError::Host(HostError::Empty)),
            ),
            (
                "GET",
                "http://user@example.com/",
                TargetError::Url(UrlError::User),
            ),
            (
                "GET",
                "http://user:pass@example.com/",
                TargetError::Url(UrlError::User),
            ),
            (
                "GET",
                "http://example.com:/",
                TargetError::Url(UrlError::Port),
            ),
            (
                "GET",
                "http://example.com:0/",
                TargetError::Url(UrlError::Port),
            ),
            (
                "GET",
                "http://example.com:080/",
                TargetError::Url(UrlError::Port),
            ),
            (
                "GET",
                "http://example.com:65536/",
                TargetError::Url(UrlError::Port),
            ),
            (
                "GET",
                "http://example.com:80:80/",
                TargetError::Url(UrlError::Port),
            ),
            ("GET", "http://::1/", TargetError::Url(UrlError::Port)),
            (
                "GET",
                "http://example.com/#x",
                TargetError::Url(UrlError::Text),
            ),
            (
                "GET",
                "http://example.com\\@evil.example/",
                TargetError::Url(UrlError::Text),
            ),
            (
                "GET",
                "http://example.com/\u{e4}",
                TargetError::Url(UrlError::Text),
            ),
            (
                "GET",
                "http://evil.example\0.example.com/",
                TargetError::Url(UrlError::Text),
            ),
            (
                "GET",
                "http://evil.example%00.example.com/",
                TargetError::Url(UrlError::Host(HostError::Character('%'))),
            ),
            (
                "GET",
                "http://[fe80::1%25eth0]/",
                TargetError::Url(UrlError::Host(HostError::Character('%'))),
            ),
            (
                "GET",
                "http://example.com/%",
                TargetError::Url(UrlError::Percent),
            ),
            (
                "GET",
                "http://example.com/%4",
                TargetError::Url(UrlError::Percent),
            ),
            (
                "GET",
                "http://example.com/%zz",
                TargetError::Url(UrlError::Percent),
            ),
            (
                "GET",
                "http://example.com/%00",
                TargetError::Url(UrlError::Path),
            ),
            (
                "GET",
                "http://example.com/a%0d%0ab",
                TargetError::Url(UrlError::Path),
            ),
            (
                "GET",
                "http://example.com/a/..%2fsecret",
                TargetError::Url(UrlError::Path),
            ),
            (
                "GET",
                "http://example.com/a/%2e%2e%5csecret",
                TargetError::Url(UrlError::Path),
            ),
            ("CONNECT", "example.com", TargetError::Url(UrlError::Port)),
            ("CONNECT", "example.com:", TargetError::Url(UrlError::Port)),
            (
                "CONNECT",
                "http://example.com/",
                TargetError::Url(UrlError::Port),
            ),
            ("CONNECT", "[::1]", TargetError::Url(UrlError::Port)),
            ("CONNECT", "[::1]443", TargetError::Url(UrlError::Port)),
            (
                "CONNECT",
                "user@example.com:443",
                TargetError::Url(UrlError::User),
            ),
        ] {
            assert_eq!(url(method, target), Err(error), "{method} {target:?}");
        }
    }

    #[test]
    fn the_header_names_the_same_host() {
        let plain = Target::parse("GET", "http://example.com/").unwrap();
        for header in ["example.com", "EXAMPLE.COM.", "example.com:80"] {
            assert_eq!(plain.agrees(header), Ok(()), "{header}");
        }
        for header in [
            "",
            "evil.example",
            "example.com:81",
            "example.com, evil.example",
            "a@example.com",
            "example.com.evil.example",
        ] {
            assert!(plain.agrees(header).is_err(), "{header}");
        }
        let other = Target::parse("GET", "http://example.com:81/").unwrap();
        assert!(other.agrees("example.com").is_err());
        assert_eq!(other.agrees("example.com:81"), Ok(()));
        let tunnel = Target::parse("CONNECT", "example.com:8443").unwrap();
        assert_eq!(tunnel.agrees("example.com:8443"), Ok(()));
        assert_eq!(tunnel.agrees("example.com"), Ok(()));
        assert!(tunnel.agrees("example.com:443").is_err());
    }

    proptest! {
        #[test]
        fn a_form_is_its_own_form(rest in "[a-zA-Z0-9%/.?=&:@_~-]{0,60}|([a.]|/|%2[eEfF]|%5[cC]){0,12}") {
            if let Ok(target) = Target::parse("GET", &format!("http://example.com{rest}")) {
                let again = Target::parse("GET", &target.url).unwrap();
                prop_assert_eq!(&again, &target);
                let path = target.path.unwrap();
                prop_assert!(path.starts_with('/'));
                prop_assert!(!path.split('/').any(|part| matches!(part, "." | "..")), "{}", path);
            }
        }

        #[test]
        fn reading_ends(method in "\\PC{0,8}", target in "\\PC{0,60}") {
            let _ = Target::parse(&method, &target);
        }
    }
}
