//! Texts that somebody else carries and cannot change.

use std::fmt;

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use hmac::{Hmac, Mac};
use sha2::Sha256;
use zeroize::Zeroizing;

use crate::Timestamp;

/// Seals what a client carries and brings back: HMAC-SHA256 under a key of this process. What is sealed can be read by whoever carries it.
/// After a restart nothing sealed before is accepted.
pub struct Sealer(Zeroizing<[u8; 32]>);

/// A text does not count.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SealError {
    /// It was not sealed here, for this purpose and this.
    #[error("it was not sealed here for this, or was changed")]
    Foreign,
    /// It was, and its time is over.
    #[error("its time is over")]
    Expired,
}

impl Sealer {
    /// With a new key.
    ///
    /// # Errors
    ///
    /// The system gives no random numbers.
    pub fn new() -> Result<Self, getrandom::Error> {
        let mut key = Zeroizing::new([0; 32]);
        getrandom::fill(&mut *key)?;
        Ok(Self(key))
    }

    /// Seals a content to what it is bound to, until a time. Who opens it must name the same purpose and the same bound bytes.
    #[must_use]
    pub fn seal(&self, purpose: &str, bound: &[u8], content: &[u8], until: Timestamp) -> String {
        let mut body = until.unix_seconds().to_be_bytes().to_vec();
        body.extend_from_slice(content);
        let tag = self.mac(purpose, bound, &body).finalize().into_bytes();
        format!(
            "{}.{}",
            URL_SAFE_NO_PAD.encode(body),
            URL_SAFE_NO_PAD.encode(tag)
        )
    }

    /// The content. That it is read says nothing about how often it was: who counts it once has to remember it.
    ///
    /// # Errors
    ///
    /// It was not sealed here for this, or its time is over.
    pub fn open(
        &self,
        purpose: &str,
        bound: &[u8],
        sealed: &str,
        now: Timestamp,
    ) -> Result<Vec<u8>, SealError> {
        let decoded = |text| URL_SAFE_NO_PAD.decode(text).ok();
        let (body, tag) = sealed.split_once('.').ok_or(SealError::Foreign)?;
        let body = decoded(body).ok_or(SealError::Foreign)?;
        let tag = decoded(tag).ok_or(SealError::Foreign)?;
        self.mac(purpose, bound, &body)
            .verify_slice(&tag)
            .map_err(|_| SealError::Foreign)?;
        let (until, content) = body.split_first_chunk().ok_or(SealError::Foreign)?;
        if now.unix_seconds() >= u64::from_be_bytes(*until) {
            return Err(SealError::Expired);
        }
        Ok(content.to_vec())
    }

    /// The fields have their lengths before them, so that none can be taken for a part of another.
    fn mac(&self, purpose: &str, bound: &[u8], body: &[u8]) -> Hmac<Sha256> {
        // A block of the digest has 64 bytes: a key that is shorter is filled up with zeros, by HMAC's own rule.
        let mut key = Zeroizing::new([0; 64]);
        for (slot, byte) in key.iter_mut().zip(self.0.iter()) {
            *slot = *byte;
        }
        let mut mac = <Hmac<Sha256> as Mac>::new((&*key).into());
        for field in [purpose.as_bytes(), bound, body] {
            let length = u64::try_from(field.len()).unwrap_or(u64::MAX);
            mac.update(&length.to_be_bytes());
            mac.update(field);
        }
        mac
    }
}

impl fmt::Debug for Sealer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Sealer(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: u64) -> Timestamp {
        Timestamp::from_unix_seconds(seconds).unwrap()
    }

    #[test]
    fn what_was_sealed_counts_for_what_it_was_sealed_to() {
        let sealer = Sealer::new().unwrap();
        let sealed = sealer.seal("question", b"call", b"content", at(100));
        let open = |purpose, bound, sealed: &str, now| sealer.open(purpose, bound, sealed, at(now));
        assert_eq!(open("question", b"call", &sealed, 99).unwrap(), b"content");
        assert_eq!(
            open("question", b"call", &sealed, 100),
            Err(SealError::Expired)
        );
        for (purpose, bound) in [
            ("questio", &b"ncall"[..]),
            ("question", b"call "),
            ("", b"questioncall"),
            ("other", b"call"),
        ] {
            assert_eq!(
                open(purpose, bound, &sealed, 99),
                Err(SealError::Foreign),
                "{purpose}"
            );
        }
        let other = Sealer::new().unwrap();
        assert_eq!(
            other.open("question", b"call", &sealed, at(99)),
            Err(SealError::Foreign)
        );
        // Also one that is over says no more than that it is foreign, if it is.
        assert_eq!(
            open("other", b"call", &sealed, 100),
            Err(SealError::Foreign)
        );
    }

    #[test]
    fn no_character_of_it_can_be_changed() {
        let sealer = Sealer::new().unwrap();
        let sealed = sealer.seal("p", b"b", b"c", at(100));
        for (at_byte, was) in sealed.bytes().enumerate() {
            for other in *b"AZaz09-_.=+/ " {
                let mut changed = sealed.clone().into_bytes();
                changed[at_byte] = other;
                if other != was {
                    let changed = String::from_utf8(changed).unwrap();
                    assert_eq!(
                        sealer.open("p", b"b", &changed, at(99)),
                        Err(SealError::Foreign),
                        "{changed}"
                    );
                }
            }
        }
        for foreign in ["", ".", "..", &sealed[1..], &format!("{sealed}A")] {
            assert!(sealer.open("p", b"b", foreign, at(99)).is_err());
        }
    }
}
