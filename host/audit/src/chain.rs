//! The chain: how a record is bound to all records before it.
//!
//! A record is one line of JSON whose last two members are its number and its hash:
//!
//! ```text
//! BODY,"n":17,"hash":"64 hexadecimal digits"}
//! ```
//!
//! `hash = SHA-256(hash of the record before ‖ n, 8 bytes, big-endian ‖ SHA-256(BODY))`, and the record before the first has the hash
//! [`Head::genesis`]. The body is hashed separately, so that it can be hashed before the record's place in the chain is known.

use std::{fmt, str::FromStr};

use hexgate_bundle::Digest;
use sha2::{Digest as _, Sha256};

/// A place in a log: the number of a record and its hash, which binds all records up to it. Its text form is `17:HASH`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Head {
    /// The record's number.
    pub n: u64,
    /// Its hash.
    pub hash: Digest,
}

impl fmt::Display for Head {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.n, self.hash)
    }
}

impl FromStr for Head {
    type Err = HeadError;

    fn from_str(text: &str) -> Result<Self, HeadError> {
        let (n, hash) = text.split_once(':').ok_or(HeadError)?;
        if n.is_empty() || n.len() > MAX_DIGITS || !n.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(HeadError);
        }
        Ok(Self {
            n: n.parse().map_err(|_| HeadError)?,
            hash: hash.parse().map_err(|_| HeadError)?,
        })
    }
}

/// A text is not a place in a log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "a head is the number of a record, a colon and its hash of 64 hexadecimal digits, as `hexgate audit head` prints it"
)]
pub struct HeadError;

/// The hash before the first record.
pub(crate) fn genesis() -> [u8; 32] {
    Sha256::digest(b"hexgate audit log 1").into()
}

/// SHA-256 of a body.
pub(crate) fn body_digest(body: &[u8]) -> [u8; 32] {
    Sha256::digest(body).into()
}

/// The hash of a record.
pub(crate) fn link(before: &[u8; 32], n: u64, body: &[u8; 32]) -> [u8; 32] {
    let mut hasher = Sha256::new();
    hasher.update(before);
    hasher.update(n.to_be_bytes());
    hasher.update(body);
    hasher.finalize().into()
}

/// Ends a line: the number and the hash after the body.
pub(crate) fn push_end(line: &mut Vec<u8>, n: u64, hash: &[u8; 32]) {
    line.extend_from_slice(N);
    push_number(line, n);
    line.extend_from_slice(HASH);
    push_hex(line, hash);
    line.extend_from_slice(END);
}

/// A line, without its newline, in its three parts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Framed<'a> {
    pub(crate) body: &'a [u8],
    pub(crate) n: u64,
    pub(crate) hash: [u8; 32],
}

impl<'a> Framed<'a> {
    /// Splits a line. None if it does not end as every record does, in the one spelling.
    pub(crate) fn of(line: &'a [u8]) -> Option<Self> {
        let rest = line.strip_suffix(END)?;
        let (rest, hash) = rest.split_last_chunk::<64>()?;
        let hash = unhex(hash)?;
        let rest = rest.strip_suffix(HASH)?;
        let digits = rest
            .iter()
            .rev()
            .take(MAX_DIGITS)
            .take_while(|byte| byte.is_ascii_digit())
            .count();
        let (rest, digits) = rest.split_at(rest.len().checked_sub(digits)?);
        let n: u64 = std::str::from_utf8(digits).ok()?.parse().ok()?;
        if digits.len() > 1 && digits.first() == Some(&b'0') {
            return None;
        }
        let body = rest.strip_suffix(N)?;
        body.starts_with(b"{").then_some(Self { body, n, hash })
    }
}

pub(crate) fn push_number(out: &mut Vec<u8>, number: u64) {
    let mut digits = [0; MAX_DIGITS];
    let mut rest = number;
    let mut used = 0;
    for slot in digits.iter_mut().rev() {
        // INVARIANT: a remainder by ten is one digit.
        *slot = b'0' + (rest % 10) as u8;
        rest /= 10;
        used += 1;
        if rest == 0 {
            break;
        }
    }
    out.extend(digits.iter().skip(MAX_DIGITS - used));
}

pub(crate) fn push_hex(out: &mut Vec<u8>, bytes: &[u8; 32]) {
    let mut text = [0; 64];
    for (pair, byte) in text.as_chunks_mut::<2>().0.iter_mut().zip(bytes) {
        *pair = [digit(byte >> 4), digit(byte & 0xf)];
    }
    out.extend_from_slice(&text);
}

fn digit(nibble: u8) -> u8 {
    if nibble < 10 {
        b'0' + nibble
    } else {
        b'a' + nibble - 10
    }
}

fn unhex(text: &[u8; 64]) -> Option<[u8; 32]> {
    let text = std::str::from_utf8(text).ok()?;
    let digest: Digest = text.parse().ok()?;
    Some(*digest.as_bytes())
}

const N: &[u8] = b",\"n\":";
const HASH: &[u8] = b",\"hash\":\"";
const END: &[u8] = b"\"}";
/// The digits of the largest number.
const MAX_DIGITS: usize = 20;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_comes_apart_as_it_was_put_together() {
        for n in [0, 9, 10, 17, 99, 100, u64::MAX] {
            let body = br#"{"kind":"note","n":3"#;
            let hash = link(&genesis(), n, &body_digest(body));
            let mut line = body.to_vec();
            push_end(&mut line, n, &hash);
            assert_eq!(Framed::of(&line), Some(Framed { body, n, hash }));
            let text = String::from_utf8(line).unwrap();
            assert!(text.contains(&format!(",\"n\":{n},")), "{text}");
            assert!(text.contains(&Digest::from_bytes(hash).to_string()));
        }
    }

    #[test]
    fn every_other_spelling_is_no_record() {
        let hash = Digest::of(b"").to_string();
        for bad in [
            String::new(),
            "{}".to_owned(),
            format!("{{\"a\":1,\"n\":07,\"hash\":\"{hash}\"}}"),
            format!("{{\"a\":1,\"n\":+7,\"hash\":\"{hash}\"}}"),
            format!("{{\"a\":1,\"n\":,\"hash\":\"{hash}\"}}"),
            format!("{{\"a\":1,\"n\":7 ,\"hash\":\"{hash}\"}}"),
            format!("{{\"a\":1,\"n\":18446744073709551616,\"hash\":\"{hash}\"}}"),
            format!("{{\"a\":1,\"n\":7,\"hash\":\"{}\"}}", hash.to_uppercase()),
            format!("{{\"a\":1,\"n\":7,\"hash\":\"{hash}\"}} "),
            format!("\"a\":1,\"n\":7,\"hash\":\"{hash}\"}}"),
        ] {
            assert_eq!(Framed::of(bad.as_bytes()), None, "{bad}");
        }
    }

    #[test]
    fn a_head_reads_back() {
        let head = Head {
            n: 17,
            hash: Digest::of(b"x"),
        };
        assert_eq!(head.to_string().parse(), Ok(head));
        for bad in ["", "17", "17:", ":00", "x:00", "+17:00", "-1:00"] {
            assert_eq!(bad.parse::<Head>(), Err(HeadError), "{bad}");
        }
    }
}
