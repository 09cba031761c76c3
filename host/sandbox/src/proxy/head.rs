//! The head of a request, read strictly: what two readers could take for different requests is refused.

use crate::proxy::target::{Target, TargetError};

/// The most fields of a head.
const MOST_FIELDS: usize = 128;

/// The head of a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Head {
    pub(crate) target: Target,
    /// Whether it is HTTP/1.1, and not 1.0.
    pub(crate) is_1_1: bool,
    /// Names in lower case.
    pub(crate) fields: Vec<(String, Vec<u8>)>,
    pub(crate) body: Framing,
}

/// How long the body of a request is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Framing {
    /// There is none.
    None,
    /// Bytes.
    Length(u64),
    /// In chunks.
    Chunked,
}

/// Why a head is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum HeadError {
    #[error("the head of the request is too long")]
    TooLong,
    #[error("the head of the request has more than {MOST_FIELDS} fields")]
    TooMany,
    #[error("the head of the request is not HTTP/1")]
    Syntax,
    #[error(
        "the head of the request has a line break that is not CR LF, or a line that goes on in the next"
    )]
    Lines,
    #[error("{0}")]
    Target(#[from] TargetError),
    #[error("the request needs one header `Host`")]
    Host,
    #[error("the length of the request's body is given twice, in two ways, or not as a number")]
    Length,
    #[error("the request's body has a transfer coding other than `chunked`")]
    Coding,
    #[error("a tunnel has no body")]
    TunnelBody,
}

/// The length of the head at the beginning of `bytes`, if it is whole. `seen`: so many bytes are known to have no end.
pub(crate) fn end(bytes: &[u8], seen: usize) -> Option<usize> {
    let from = seen.saturating_sub(3);
    let searched = bytes.get(from..)?;
    let found = searched
        .windows(4)
        .position(|window| window == b"\r\n\r\n")?;
    Some(from + found + 4)
}

impl Head {
    /// Reads a head, which ends with an empty line.
    pub(crate) fn parse(bytes: &[u8]) -> Result<Self, HeadError> {
        lines(bytes)?;
        let mut fields = [httparse::EMPTY_HEADER; MOST_FIELDS];
        let mut request = httparse::Request::new(&mut fields);
        match request.parse(bytes) {
            Ok(httparse::Status::Complete(length)) if length == bytes.len() => {}
            Err(httparse::Error::TooManyHeaders) => return Err(HeadError::TooMany),
            _ => return Err(HeadError::Syntax),
        }
        let (Some(method), Some(target), Some(version)) =
            (request.method, request.path, request.version)
        else {
            return Err(HeadError::Syntax);
        };
        let target = Target::parse(method, target)?;
        let fields = request.headers.iter();
        let fields = fields.map(|field| (field.name.to_ascii_lowercase(), field.value.to_vec()));
        let head = Self {
            body: Framing::None,
            is_1_1: version == 1,
            fields: fields.collect(),
            target,
        };
        head.agrees()?;
        let body = head.framing()?;
        if head.is_tunnel() && !matches!(body, Framing::None | Framing::Length(0)) {
            return Err(HeadError::TunnelBody);
        }
        Ok(Self { body, ..head })
    }

    /// Whether a tunnel is asked for.
    pub(crate) fn is_tunnel(&self) -> bool {
        self.target.method == "CONNECT"
    }

    /// The values of a field, in order.
    pub(crate) fn values<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a [u8]> {
        let fields = self.fields.iter();
        fields
            .filter(move |(other, _)| other == name)
            .map(|(_, value)| &value[..])
    }

    /// Whether the client waits to be told that it may send the body.
    pub(crate) fn waits(&self) -> bool {
        self.is_1_1
            && self
                .values("expect")
                .any(|value| value.eq_ignore_ascii_case(b"100-continue"))
    }

    /// The header `Host` and the line of the request name the same host.
    fn agrees(&self) -> Result<(), HeadError> {
        let mut hosts = self.values("host");
        match (hosts.next(), hosts.next()) {
            (Some(host), None) => {
                let host = std::str::from_utf8(host).map_err(|_| HeadError::Host)?;
                if !host.is_ascii() {
                    return Err(HeadError::Host);
                }
                Ok(self.target.agrees(host)?)
            }
            (None, _) if !self.is_1_1 => Ok(()),
            _ => Err(HeadError::Host),
        }
    }

    /// RFC 9112, 6.3, without what it tolerates.
    fn framing(&self) -> Result<Framing, HeadError> {
        let mut codings = self.values("transfer-encoding");
        let mut lengths = self.values("content-length");
        match (
            codings.next(),
            codings.next(),
            lengths.next(),
            lengths.next(),
        ) {
            (None, _, None, _) => Ok(Framing::None),
            (Some(coding), None, None, _) => {
                if self.is_1_1 && coding.eq_ignore_ascii_case(b"chunked") {
                    Ok(Framing::Chunked)
                } else {
                    Err(HeadError::Coding)
                }
            }
            (None, _, Some(length), None) => {
                let is_plain = !length.is_empty()
                    && length.len() <= 18
                    && length.iter().all(u8::is_ascii_digit);
                let length = std::str::from_utf8(length).ok().filter(|_| is_plain);
                let length = length.and_then(|length| length.parse().ok());
                length.map(Framing::Length).ok_or(HeadError::Length)
            }
            _ => Err(HeadError::Length),
        }
    }
}

/// Every line ends with CR LF, and none goes on in the next.
fn lines(bytes: &[u8]) -> Result<(), HeadError> {
    let mut last = b'\n';
    for &byte in bytes {
        let is_broken = match (last, byte) {
            (b'\r', b'\n') => false,
            (b'\r', _) | (_, b'\n' | 0) => true,
            (b'\n', b' ' | b'\t') => true,
            _ => false,
        };
        if is_broken {
            return Err(HeadError::Lines);
        }
        last = byte;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn read(text: &str) -> Result<Head, HeadError> {
        Head::parse(text.replace('\n', "\r\n").as_bytes())
    }

    #[test]
    fn heads_are_read() {
        let head = read(
            "POST http://a.example/x HTTP/1.1\nHost: a.example\nX-Y:  z \nContent-Length: 5\n\n",
        )
        .unwrap();
        assert_eq!(head.target.url, "http://a.example/x");
        assert_eq!(head.body, Framing::Length(5));
        assert_eq!(head.values("x-y").collect::<Vec<_>>(), [b"z"]);
        assert!(!head.waits());
        let head = read("PUT http://a.example/ HTTP/1.1\nHost: a.example\nTransfer-Encoding: Chunked\nExpect: 100-Continue\n\n").unwrap();
        assert_eq!(head.body, Framing::Chunked);
        assert!(head.waits());
        assert!(read("GET http://a.example/ HTTP/1.0\n\n").is_ok());
        assert!(
            read("CONNECT a.example:443 HTTP/1.1\nHost: a.example:443\n\n")
                .unwrap()
                .is_tunnel()
        );
    }

    #[test]
    fn what_two_readers_could_read_differently_is_refused() {
        let host = "Host: a.example";
        for (text, error) in [
            (
                format!(
                    "GET http://a.example/ HTTP/1.1\n{host}\nContent-Length: 5\nTransfer-Encoding: chunked\n\n"
                ),
                HeadError::Length,
            ),
            (
                format!(
                    "GET http://a.example/ HTTP/1.1\n{host}\nTransfer-Encoding: chunked\nContent-Length: 5\n\n"
                ),
                HeadError::Length,
            ),
            (
                format!(
                    "GET http://a.example/ HTTP/1.1\n{host}\nContent-Length: 5\nContent-Length: 5\n\n"
                ),
                HeadError::Length,
            ),
            (
                format!(
                    "GET http://a.example/ HTTP/1.1\n{host}\nContent-Length: 5\ncontent-length: 6\n\n"
                ),
                HeadError::Length,
            ),
            (
                format!("GET http://a.example/ HTTP/1.1\n{host}\nContent-Length: 5, 5\n\n"),
                HeadError::Length,
            ),
            (
                format!("GET http://a.example/ HTTP/1.1\n{host}\nContent-Length: +5\n\n"),
                HeadError::Length,
            ),
            (
                format!("GET http://a.example/ HTTP/1.1\n{host}\nContent-Length: 0x5\n\n"),
                HeadError::Length,
            ),
            (
                format!("GET http://a.example/ HTTP/1.1\n{host}\nContent-Length:\n\n"),
                HeadError::Length,
            ),
            (
                format!(
                    "GET http://a.example/ HTTP/1.1\n{host}\nContent-Length: 99999999999999999999\n\n"
                ),
                HeadError::Length,
            ),
            (
                format!(
                    "GET http://a.example/ HTTP/1.1\n{host}\nTransfer-Encoding: gzip, chunked\n\n"
                ),
                HeadError::Coding,
            ),
            (
                format!("GET http://a.example/ HTTP/1.1\n{host}\nTransfer-Encoding: xchunked\n\n"),
                HeadError::Coding,
            ),
            (
                format!("GET http://a.example/ HTTP/1.1\n{host}\nTransfer-Encoding: identity\n\n"),
                HeadError::Coding,
            ),
            (
                format!(
                    "GET http://a.example/ HTTP/1.1\n{host}\nTransfer-Encoding: chunked\nTransfer-Encoding: chunked\n\n"
                ),
                HeadError::Length,
            ),
            (
                format!("GET http://a.example/ HTTP/1.0\n{host}\nTransfer-Encoding: chunked\n\n"),
                HeadError::Coding,
            ),
            (
                format!("GET http://a.example/ HTTP/1.1\n{host}\nX: a\n b\n\n"),
                HeadError::Lines,
            ),
            (
                format!("GET http://a.example/ HTTP/1.1\n{host}\n X: a\n\n"),
                HeadError::Lines,
            ),
            (
                format!("GET http://a.example/ HTTP/1.1\n{host}\nTransfer-Encoding : chunked\n\n"),
                HeadError::Syntax,
            ),
            (
                format!("GET http://a.example/ HTTP/1.1\n{host}\nX\n\n"),
                HeadError::Syntax,
            ),
            (
                format!("GET  http://a.example/ HTTP/1.1\n{host}\n\n"),
                HeadError::Syntax,
            ),
            (
                format!("GET http://a.example/ HTTP/1.1 \n{host}\n\n"),
                HeadError::Syntax,
            ),
            (
                format!("GET http://a.example/ HTTP/2.0\n{host}\n\n"),
                HeadError::Syntax,
            ),
            (
                format!("GET http://a.example/\n{host}\n\n"),
                HeadError::Syntax,
            ),
            ("PRI * HTTP/2.0\n\n".to_owned(), HeadError::Syntax),
            (
                "GET http://a.example/ HTTP/1.1\n\n".to_owned(),
                HeadError::Host,
            ),
            (
                format!("GET http://a.example/ HTTP/1.1\n{host}\n{host}\n\n"),
                HeadError::Host,
            ),
            (
                "GET http://a.example/ HTTP/1.1\nHost: b.example\n\n".to_owned(),
                HeadError::Target(TargetError::Mismatch),
            ),
            (
                "CONNECT a.example:443 HTTP/1.1\nHost: b.example:443\n\n".to_owned(),
                HeadError::Target(TargetError::Mismatch),
            ),
            (
                format!("CONNECT a.example:443 HTTP/1.1\n{host}:443\nContent-Length: 5\n\n"),
                HeadError::TunnelBody,
            ),
        ] {
            let read = read(&text);
            // A strict reader may stumble at the version, and so at the syntax, first.
            assert_eq!(read.as_ref().err(), Some(&error), "{text:?}: {read:?}");
        }
        for bytes in [
            &b"GET http://a.example/ HTTP/1.1\nHost: a.example\n\n"[..],
            b"GET http://a.example/ HTTP/1.1\r\nHost: a.example\nX: y\r\n\r\n",
            b"GET http://a.example/ HTTP/1.1\r\nHost: a.example\rX: y\r\n\r\n",
            b"GET http://a.example/ HTTP/1.1\r\nHost: a.example\0\r\n\r\n",
        ] {
            assert_eq!(Head::parse(bytes), Err(HeadError::Lines));
        }
        let many = format!(
            "GET http://a.example/ HTTP/1.1\n{host}\n{}\n",
            "X: y\n".repeat(MOST_FIELDS)
        );
        assert_eq!(read(&many), Err(HeadError::TooMany));
    }

    #[test]
    fn the_end_is_found_wherever_it_is_looked_for() {
        let bytes = b"GET / HTTP/1.1\r\nA: b\r\n\r\nrest";
        for seen in 0..24 {
            assert_eq!(end(bytes, seen), Some(24), "{seen}");
        }
        assert_eq!(end(&bytes[..23], 0), None);
    }

    proptest! {
        #[test]
        fn reading_ends(bytes: Vec<u8>, text in "(GET|POST) http://[a.]{1,5}/ HTTP/1.[01]\r\n((Host|Content-Length|Transfer-Encoding): ?[a.5]{0,4}\r\n){0,4}\r\n") {
            let _ = Head::parse(&bytes);
            if let Ok(head) = Head::parse(text.as_bytes()) {
                prop_assert!(head.values("content-length").count() + head.values("transfer-encoding").count() <= 1);
                prop_assert!(head.values("host").count() <= 1);
            }
        }
    }
}
