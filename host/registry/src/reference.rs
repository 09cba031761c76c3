//! The name of a bundle in a registry.

use std::{fmt, net::IpAddr, str::FromStr};

/// `REGISTRY/REPOSITORY:TAG`, `REGISTRY/REPOSITORY@sha256:DIGEST`, or both. With a digest the tag is ignored.
///
/// Neither a registry nor a tag is assumed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reference(oci_client::Reference);

impl Reference {
    /// The host of the registry, with the port if one was named.
    #[must_use]
    pub fn registry(&self) -> &str {
        self.0.registry()
    }

    /// The digest that it is pinned to, `sha256:` and 64 hexadecimal digits.
    #[must_use]
    pub fn digest(&self) -> Option<&str> {
        self.0.digest()
    }

    /// The same repository, pinned to a digest.
    #[must_use]
    pub fn pinned(&self, digest: &str) -> Self {
        Self(oci_client::Reference::with_digest(
            self.0.registry().to_owned(),
            self.0.repository().to_owned(),
            digest.to_owned(),
        ))
    }

    /// Whether the registry is on this machine.
    #[must_use]
    pub fn is_loopback(&self) -> bool {
        let host = self.registry();
        let host = match host.rsplit_once(':') {
            Some((host, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => host,
            _ => host,
        };
        host == "localhost"
            || host
                .parse::<IpAddr>()
                .is_ok_and(|address| address.is_loopback())
    }

    pub(crate) fn inner(&self) -> &oci_client::Reference {
        &self.0
    }
}

impl FromStr for Reference {
    type Err = ReferenceError;

    fn from_str(text: &str) -> Result<Self, ReferenceError> {
        let bad = |reason: String| ReferenceError {
            reference: text.to_owned(),
            reason,
        };
        if text.contains("://") {
            return Err(bad("it is not an address: leave the scheme out".to_owned()));
        }
        let parsed: oci_client::Reference = text
            .parse()
            .map_err(|error: oci_client::ParseError| bad(error.to_string()))?;
        // The parser takes a name without a host as one of a public registry.
        let host = text
            .split_once('/')
            .map(|(host, _)| host)
            .unwrap_or_default();
        if !(host == "localhost" || host.contains(['.', ':'])) {
            return Err(bad("it names no registry".to_owned()));
        }
        // The parser assumes a tag as well.
        let name = text.split_once('@').map_or(text, |(name, _)| name);
        let tagged = name
            .rsplit('/')
            .next()
            .is_some_and(|last| last.contains(':'));
        match parsed.digest() {
            None if !tagged => Err(bad("it has neither a tag nor a digest".to_owned())),
            Some(digest) if !digest.starts_with("sha256:") => {
                Err(bad("its digest is not SHA-256".to_owned()))
            }
            _ => Ok(Self(parsed)),
        }
    }
}

impl fmt::Display for Reference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// A text does not name a bundle in a registry.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{}` does not name a bundle in a registry: {reason}; write `registry.example.com/policies/support:7`, or pin it with `@sha256:…`", .reference.escape_debug())]
#[non_exhaustive]
pub struct ReferenceError {
    /// The text.
    pub reference: String,
    /// What is wrong with it.
    pub reason: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_a_registry_a_repository_and_a_version() {
        let digest = format!("sha256:{}", "0a".repeat(32));
        for (text, registry, pinned) in [
            (
                "registry.example.com/policies/support:7",
                "registry.example.com",
                false,
            ),
            ("localhost/p:1", "localhost", false),
            ("localhost:5000/p:1", "localhost:5000", false),
            ("127.0.0.1:5000/a/b/c:v1.2", "127.0.0.1:5000", false),
            (&format!("r.example/p@{digest}"), "r.example", true),
            (&format!("r.example/p:1@{digest}"), "r.example", true),
        ] {
            let reference: Reference = text.parse().unwrap();
            assert_eq!(reference.registry(), registry, "{text}");
            assert_eq!(
                reference.digest(),
                pinned.then_some(digest.as_str()),
                "{text}"
            );
        }
    }

    #[test]
    fn assumes_nothing() {
        for text in [
            "",
            "support",
            "support:7",
            "policies/support:7",
            "registry.example.com",
            "registry.example.com/support",
            "registry.example.com/Support:7",
            "registry.example.com/support:",
            "registry.example.com/support:a b",
            "registry.example.com/support@sha256:12",
            "registry.example.com/support@md5:0123456789abcdef0123456789abcdef",
            "registry.example.com:5000/support",
            "https://registry.example.com/support:7",
            "registry.example.com/../support:7",
            "registry.example.com/a//b:7",
            "registry.example.com/support:7\n",
        ] {
            let error = text.parse::<Reference>().unwrap_err().to_string();
            assert!(error.contains("does not name a bundle"), "{text}: {error}");
        }
    }

    #[test]
    fn knows_what_is_on_this_machine() {
        for (text, here) in [
            ("localhost:5000/p:1", true),
            ("127.0.0.1/p:1", true),
            ("127.8.9.1:5000/p:1", true),
            ("localhost.example.com/p:1", false),
            ("127.0.0.1.example.com/p:1", false),
            ("10.0.0.1:5000/p:1", false),
        ] {
            assert_eq!(
                text.parse::<Reference>().unwrap().is_loopback(),
                here,
                "{text}"
            );
        }
    }
}
