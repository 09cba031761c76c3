//! What a text names, in one normal form.

use std::fmt;
use std::net::{IpAddr, Ipv6Addr};
use std::str::FromStr;

/// The longest text that is read as a host, in bytes. What DNS takes is shorter; a name that is not written in ASCII yet can be longer.
const MOST_BYTES: usize = 1024;
/// The longest name, in bytes, and the longest part of one between two dots: what DNS takes.
const MOST_NAME: usize = 253;
const MOST_LABEL: usize = 63;

/// A host in one normal form: a name or an address.
///
/// A name is in lower case and in ASCII (`xn--…` for what is not), without a final dot. Numbers are read as the URL standard reads them, so
/// that `0x7f.1`, `2130706433`, `017700000001` and `１２７.0.0.1` are the address `127.0.0.1`. An IPv4 address that is written as IPv6 is an
/// IPv4 address.
///
/// ```
/// use hexgate_address::Host;
///
/// assert_eq!(Host::parse("EXAMPLE.com.").unwrap().to_string(), "example.com");
/// assert_eq!(Host::parse("0x7f.1").unwrap().to_string(), "127.0.0.1");
/// assert_eq!(Host::parse("[::ffff:7f00:1]").unwrap().to_string(), "127.0.0.1");
/// assert!(Host::parse("evil.example\0.example.com").is_err());
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Host {
    /// A name that is not an address.
    Name(String),
    /// An address. An IPv4 address within IPv6 is the IPv4 address.
    Address(IpAddr),
}

/// Why a text names no host.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum HostError {
    /// There is nothing.
    #[error("the host is empty")]
    Empty,
    /// It is longer than a name may be.
    #[error(
        "the host is longer than {MOST_NAME} bytes, or one of its parts longer than {MOST_LABEL}"
    )]
    TooLong,
    /// A character that separates a host from something else, or controls something.
    #[error("the host contains the character {0:?}")]
    Character(char),
    /// Two dots side by side, or a dot at the beginning.
    #[error("the host has an empty part")]
    EmptyLabel,
    /// It looks like an address and is none, or its name cannot be written in ASCII.
    #[error("the host is neither a name nor an address")]
    Malformed,
}

impl Host {
    /// Reads a host: a name, an IPv4 address in any of its notations, or an IPv6 address with or without brackets.
    ///
    /// # Errors
    ///
    /// The text names no host. Nothing is guessed: user names, ports, percent signs (with zones), control characters are refused.
    pub fn parse(text: &str) -> Result<Self, HostError> {
        if text.is_empty() {
            return Err(HostError::Empty);
        }
        if text.len() > MOST_BYTES {
            return Err(HostError::TooLong);
        }
        if let Some(found) = text.chars().find(|&char| separates(char)) {
            return Err(HostError::Character(found));
        }
        if let Some(inner) = text.strip_prefix('[') {
            let inner = inner.strip_suffix(']').ok_or(HostError::Malformed)?;
            return ipv6(inner);
        }
        if text.contains(':') {
            return ipv6(text);
        }
        match ::url::Host::parse(text) {
            Ok(::url::Host::Ipv4(address)) => Ok(Self::Address(address.into())),
            Ok(::url::Host::Domain(name)) => named(&name),
            Ok(::url::Host::Ipv6(_)) | Err(_) => Err(HostError::Malformed),
        }
    }

    /// How a URL and the header `Host` write it: IPv6 in brackets.
    #[must_use]
    pub fn in_url(&self) -> String {
        match self {
            Self::Address(IpAddr::V6(address)) => format!("[{address}]"),
            _ => self.to_string(),
        }
    }

    /// The host with a port, as URLs and the header `Host` write it. The scheme's own port is left out.
    #[must_use]
    pub fn authority(&self, port: u16, default: u16) -> String {
        if port == default {
            self.in_url()
        } else {
            format!("{}:{port}", self.in_url())
        }
    }

    /// Whether it is a name for this machine: `localhost` and what is below it. These are never asked of a resolver.
    #[must_use]
    pub fn is_localhost(&self) -> bool {
        matches!(self, Self::Name(name) if name == "localhost" || name.ends_with(".localhost"))
    }
}

impl From<IpAddr> for Host {
    fn from(address: IpAddr) -> Self {
        Self::Address(super::canonical(address))
    }
}

impl FromStr for Host {
    type Err = HostError;

    fn from_str(text: &str) -> Result<Self, HostError> {
        Self::parse(text)
    }
}

impl fmt::Display for Host {
    /// The normal form, IPv6 without brackets.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Name(name) => f.write_str(name),
            Self::Address(address) => address.fmt(f),
        }
    }
}

/// Reads a port as it follows a host: 1 to 65535, digits alone, no zero in front.
#[must_use]
pub fn port(text: &str) -> Option<u16> {
    let is_plain = !text.starts_with('0') && text.bytes().all(|byte| byte.is_ascii_digit());
    is_plain.then(|| text.parse().ok()).flatten()
}

/// Characters that no host contains. Others that a name cannot have are found later: these are the ones by which one text is taken for two,
/// or for another.
fn separates(char: char) -> bool {
    char.is_control()
        || char.is_whitespace()
        || matches!(
            char,
            '%' | '@' | '/' | '\\' | '?' | '#' | ',' | ';' | '*' | '"' | '\''
        )
}

fn ipv6(text: &str) -> Result<Host, HostError> {
    let address: Ipv6Addr = text.parse().map_err(|_| HostError::Malformed)?;
    Ok(IpAddr::V6(address).into())
}

/// A name that the URL standard took.
fn named(name: &str) -> Result<Host, HostError> {
    let name = name.strip_suffix('.').unwrap_or(name);
    if name.is_empty() {
        return Err(HostError::Empty);
    }
    for label in name.split('.') {
        if label.is_empty() {
            return Err(HostError::EmptyLabel);
        }
        if label.len() > MOST_LABEL {
            return Err(HostError::TooLong);
        }
    }
    if name.len() > MOST_NAME {
        return Err(HostError::TooLong);
    }
    let is_plain = |char: &char| matches!(char, 'a'..='z' | '0'..='9' | '-' | '_' | '.');
    match name.chars().find(|char| !is_plain(char)) {
        Some(found) => Err(HostError::Character(found)),
        None => Ok(Host::Name(name.to_owned())),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn read(text: &str) -> Option<String> {
        Host::parse(text).ok().map(|host| host.to_string())
    }

    #[test]
    fn one_host_has_one_form() {
        for (texts, form) in [
            (
                &[
                    "example.com",
                    "EXAMPLE.com",
                    "example.com.",
                    "ex\u{ad}ample.com",
                    "ｅxample。com",
                ][..],
                "example.com",
            ),
            (
                &["bücher.example", "BÜCHER.example", "xn--bcher-kva.example"],
                "xn--bcher-kva.example",
            ),
            (
                &[
                    "127.0.0.1",
                    "127.1",
                    "0x7f.1",
                    "0x7f000001",
                    "2130706433",
                    "017700000001",
                    "127.0.0.1.",
                    "１２７.0.0.1",
                    "[::ffff:127.0.0.1]",
                    "::ffff:7f00:1",
                    "0177.0.0.01",
                ],
                "127.0.0.1",
            ),
            (&["0", "0.0.0.0", "0x0"], "0.0.0.0"),
            (&["[2001:DB8::1]", "2001:db8:0:0::1"], "2001:db8::1"),
        ] {
            for text in texts {
                assert_eq!(read(text).as_deref(), Some(form), "{text}");
            }
        }
    }

    #[test]
    fn what_names_no_host_is_refused() {
        for text in [
            "",
            ".",
            "..",
            "a..b",
            ".example.com",
            "example.com..",
            "evil\0.example.com",
            "evil%00.example.com",
            "user@example.com",
            "example.com:443",
            "example.com/",
            "example.com\\x",
            "exa mple.com",
            "exa\tmple.com",
            "exa\nmple.com",
            "[fe80::1%eth0]",
            "fe80::1%25eth0",
            "[::1",
            "::1]",
            "[::1]x",
            "[]",
            "256.1.1.1",
            "1.2.3.4.5",
            "0x100000000",
            "4294967296",
            "09.1",
            "*.example.com",
            "a,b",
            "a;b",
            "a'b",
            "%65xample.com",
            "xn--\u{fc}",
            "xn--a",
            "a\u{200b}\u{1f600}\u{202e}.example%",
            "1.2.3.",
        ] {
            assert!(
                Host::parse(text).is_err() || text == "1.2.3.",
                "{text:?}: {:?}",
                Host::parse(text)
            );
        }
        assert!(Host::parse(&"a".repeat(64)).is_err());
        assert!(Host::parse(&"a.".repeat(127)).is_err() || "a.".repeat(127).len() == 254);
        assert!(Host::parse(&"a.".repeat(200)).is_err());
        assert!(Host::parse(&"ü".repeat(2000)).is_err());
    }

    #[test]
    fn ports_have_one_form() {
        assert_eq!(port("443"), Some(443));
        assert_eq!(port("65535"), Some(65535));
        for text in [
            "",
            "0",
            "0443",
            "65536",
            "+443",
            " 443",
            "443 ",
            "4_4",
            "４４３",
        ] {
            assert_eq!(port(text), None, "{text}");
        }
    }

    proptest! {
        #[test]
        fn a_form_is_its_own_form(text in "\\PC{0,40}|[a-zA-Z0-9._:\\[\\]-]{0,40}|[0-9x.]{1,20}") {
            if let Ok(host) = Host::parse(&text) {
                let form = host.to_string();
                prop_assert_eq!(Host::parse(&form), Ok(host.clone()));
                prop_assert_eq!(Host::parse(&host.in_url()), Ok(host.clone()));
                if let Host::Name(name) = host {
                    prop_assert!(name.bytes().all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' | b'.')));
                    prop_assert!(!name.ends_with('.') && !name.starts_with('.') && !name.contains(".."));
                    prop_assert!(name.parse::<IpAddr>().is_err());
                }
            }
        }

        #[test]
        fn every_notation_of_an_address_is_that_address(bits: u32) {
            let address = std::net::Ipv4Addr::from(bits);
            let [a, b, c, d] = address.octets();
            for text in [
                format!("{a}.{b}.{c}.{d}"), format!("{bits}"), format!("{bits:#x}"), format!("{bits:#X}").replace("0X", "0x"), format!("0{bits:o}"),
                format!("{a}.{}", bits & 0xff_ffff), format!("{a}.{b}.{}", bits & 0xffff), format!("0x{a:x}.0{b:o}.{c}.{d}."),
                format!("[::ffff:{a}.{b}.{c}.{d}]"), format!("::ffff:{:x}:{:x}", bits >> 16, bits & 0xffff),
            ] {
                prop_assert_eq!(Host::parse(&text), Ok(Host::Address(address.into())), "{}", text);
            }
        }

        #[test]
        fn every_ipv6_address_is_read_back(bits: u128) {
            let address = IpAddr::V6(Ipv6Addr::from(bits));
            let host = Host::from(address);
            prop_assert_eq!(Host::parse(&host.in_url()), Ok(host));
        }
    }
}
