//! URLs of the web, in one normal form.

use std::fmt;

use super::{Host, HostError, port};

/// A URL of the web in one normal form: scheme and host in lower case, the scheme's own port left out, a path without dot segments, and codes
/// (`%41`) only for characters that need one, in capital letters. What a server decodes is what a policy has seen.
///
/// ```
/// use hexgate_address::WebUrl;
///
/// let url = WebUrl::parse("HTTP://Example.com:80/a/../%7euser?q=%2f").unwrap();
/// assert_eq!(url.to_string(), "http://example.com/~user?q=%2F");
/// assert!(WebUrl::parse("http://user@example.com/").is_err());
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct WebUrl {
    is_https: bool,
    host: Host,
    port: u16,
    path: String,
    query: String,
}

/// Why a text is no URL of the web.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum UrlError {
    /// It begins with neither `http://` nor `https://`.
    #[error("the URL begins with neither `http://` nor `https://`")]
    Scheme,
    /// Characters that must be encoded, backslashes, or a fragment, which is not sent.
    #[error("the URL is not written in printable ASCII, or has a backslash or a fragment")]
    Text,
    /// A user name.
    #[error("the URL names a user; send credentials in a header")]
    User,
    /// The host is none.
    #[error("{0}")]
    Host(#[from] HostError),
    /// The port is none.
    #[error("the port is not a number from 1 to 65535")]
    Port,
    /// A percent sign that begins no code.
    #[error("a percent sign in the URL begins no two hexadecimal digits")]
    Percent,
    /// A path that servers read differently.
    #[error("the path contains an encoded control character, or dots between encoded slashes")]
    Path,
}

impl WebUrl {
    /// Reads a URL of the schemes `http` and `https`.
    ///
    /// # Errors
    ///
    /// The text is none. Nothing is guessed or left out.
    pub fn parse(text: &str) -> Result<Self, UrlError> {
        let is_odd = |byte: u8| !byte.is_ascii_graphic() || matches!(byte, b'\\' | b'#');
        if text.bytes().any(is_odd) {
            return Err(UrlError::Text);
        }
        let (scheme, rest) = text.split_once("://").ok_or(UrlError::Scheme)?;
        let is_https = match scheme.to_ascii_lowercase().as_str() {
            "http" => false,
            "https" => true,
            _ => return Err(UrlError::Scheme),
        };
        let end = rest.find(['/', '?']).unwrap_or(rest.len());
        let (before, behind) = rest.split_at_checked(end).ok_or(UrlError::Scheme)?;
        let (host, port) = authority(before)?;
        let (path, query) = behind.split_once('?').unwrap_or((behind, ""));
        Ok(Self {
            is_https,
            host,
            port: port.unwrap_or(if is_https { 443 } else { 80 }),
            path: plain_path(path)?,
            query: decoded(query)?,
        })
    }

    /// Whether the scheme is `https`.
    #[must_use]
    pub fn is_https(&self) -> bool {
        self.is_https
    }

    /// The host.
    #[must_use]
    pub fn host(&self) -> &Host {
        &self.host
    }

    /// The port, the scheme's own if none is written.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The path, which begins with a slash.
    #[must_use]
    pub fn path(&self) -> &str {
        &self.path
    }

    /// The query without its question mark. Empty: there is none.
    #[must_use]
    pub fn query(&self) -> &str {
        &self.query
    }
}

impl fmt::Display for WebUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (scheme, default) = if self.is_https {
            ("https", 443)
        } else {
            ("http", 80)
        };
        let authority = self.host.authority(self.port, default);
        write!(f, "{scheme}://{authority}{}", self.path)?;
        if !self.query.is_empty() {
            write!(f, "?{}", self.query)?;
        }
        Ok(())
    }
}

/// Splits `host:port`, as the header `Host` has it. An IPv6 address needs its brackets, or its end would be taken for a port.
///
/// # Errors
///
/// The text is more, or less, than a host and perhaps a port.
pub fn authority(text: &str) -> Result<(Host, Option<u16>), UrlError> {
    if text.contains('@') {
        return Err(UrlError::User);
    }
    let (host, number) = match text.rfind(']') {
        Some(end) => {
            let (host, rest) = text.split_at_checked(end + 1).ok_or(UrlError::Port)?;
            match rest.strip_prefix(':') {
                Some(port) => (host, Some(port)),
                None if rest.is_empty() => (host, None),
                None => return Err(UrlError::Port),
            }
        }
        None => match text.split_once(':') {
            Some((host, port)) => (host, Some(port)),
            None => (text, None),
        },
    };
    let number = number
        .map(|text| port(text).ok_or(UrlError::Port))
        .transpose()?;
    Ok((Host::parse(host)?, number))
}

/// A path in normal form (RFC 3986, 6.2.2): an upstream that reads it decodes nothing that the policy has not seen.
fn plain_path(path: &str) -> Result<String, UrlError> {
    let path = decoded(path)?;
    let bytes = path.as_bytes();
    for code in bytes.windows(3) {
        if let [b'%', high, low] = code
            && let Some(byte) = byte(*high, *low)
            && byte.is_ascii_control()
        {
            return Err(UrlError::Path);
        }
    }
    // Slashes stay encoded where they are part of a name. With dots between them they are an attempt to leave a folder.
    let slashes = path.replace("%2F", "/").replace("%5C", "/");
    if slashes != path && slashes.split('/').any(|part| matches!(part, "." | "..")) {
        return Err(UrlError::Path);
    }
    let mut parts: Vec<&str> = Vec::new();
    let mut segments = path
        .strip_prefix('/')
        .unwrap_or(&path)
        .split('/')
        .peekable();
    while let Some(segment) = segments.next() {
        let is_last = segments.peek().is_none();
        match segment {
            "." => {}
            ".." => {
                parts.pop();
            }
            _ => {
                parts.push(segment);
                continue;
            }
        }
        // A path that ends with dots names a folder.
        if is_last {
            parts.push("");
        }
    }
    Ok(format!("/{}", parts.join("/")))
}

/// The text with every character that need not be encoded as itself, and codes in upper case.
fn decoded(text: &str) -> Result<String, UrlError> {
    let mut plain = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, behind)) = rest.split_once('%') {
        plain.push_str(before);
        let (code, behind) = behind.split_at_checked(2).ok_or(UrlError::Percent)?;
        let [high, low] = code.as_bytes() else {
            return Err(UrlError::Percent);
        };
        let byte = byte(*high, *low).ok_or(UrlError::Percent)?;
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~') {
            plain.push(char::from(byte));
        } else {
            plain.push('%');
            plain.push_str(&code.to_ascii_uppercase());
        }
        rest = behind;
    }
    plain.push_str(rest);
    Ok(plain)
}

fn byte(high: u8, low: u8) -> Option<u8> {
    let digit = |byte: u8| {
        char::from(byte)
            .to_digit(16)
            .and_then(|digit| u8::try_from(digit).ok())
    };
    Some(digit(high)? << 4 | digit(low)?)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn schemes_have_their_ports() {
        for (text, form) in [
            ("https://example.com:443", "https://example.com/"),
            ("https://example.com:80/", "https://example.com:80/"),
            ("http://example.com:443/", "http://example.com:443/"),
            ("HTTPS://[2001:DB8::1]/?", "https://[2001:db8::1]/"),
        ] {
            assert_eq!(WebUrl::parse(text).unwrap().to_string(), form);
        }
        for text in [
            "",
            "example.com",
            "ftp://example.com/",
            "javascript://example.com/",
            "//example.com/",
            "file:///etc/passwd",
        ] {
            assert_eq!(WebUrl::parse(text), Err(UrlError::Scheme), "{text}");
        }
    }

    proptest! {
        /// Where this reader reads a URL, the one of the URL standard reads the same host, port, path and query.
        #[test]
        fn the_url_standard_reads_the_same(text in "https?://[a-zA-Z0-9.:@\\[\\]-]{0,16}[a-zA-Z0-9%/.?=&:@_~-]{0,40}") {
            if let Ok(ours) = WebUrl::parse(&text) {
                let form = ours.to_string();
                let theirs = ::url::Url::parse(&form).unwrap();
                prop_assert_eq!(theirs.as_str(), &form);
                let theirs = ::url::Url::parse(&text).unwrap();
                prop_assert_eq!(theirs.port_or_known_default(), Some(ours.port()));
                prop_assert_eq!(&Host::parse(theirs.host_str().unwrap()).unwrap(), ours.host());
            }
        }
    }
}
