//! The platform's list of keys, and which of them are trusted.

use std::collections::BTreeMap;

use hexgate_base::PublicKey;

use crate::PlatformError;
use crate::wire;

/// The most keys that a list can have.
const MAX_KEYS: usize = 32;

/// A key that the platform names.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct NamedKey {
    /// Its name.
    pub kid: Option<String>,
    /// The key.
    pub key: PublicKey,
}

/// Reads a list of keys. Keys of other kinds are ignored; an Ed25519 key that cannot be read makes the list invalid, because a missing key
/// counts as withdrawn.
pub(crate) fn parse(body: &[u8]) -> Result<Vec<NamedKey>, PlatformError> {
    let unusable = |reason: String| PlatformError::Keys { reason };
    let list: wire::Keys =
        serde_json::from_slice(body).map_err(|error| unusable(error.to_string()))?;
    if list.keys.len() > MAX_KEYS {
        return Err(unusable(format!("it has more than {MAX_KEYS} keys")));
    }
    let mut named: Vec<NamedKey> = Vec::new();
    for key in list.keys {
        let other =
            |found: &Option<String>, ours: &str| found.as_ref().is_some_and(|found| found != ours);
        if other(&key.kty, "OKP") || other(&key.crv, "Ed25519") {
            continue;
        }
        let kid = key.kid;
        let text = key
            .x
            .ok_or_else(|| unusable("a key has no `x`".to_owned()))?;
        let key = PublicKey::from_text(&text).map_err(|error| unusable(error.to_string()))?;
        let clashes = |known: &&NamedKey| known.kid.is_some() && known.kid == kid;
        if named
            .iter()
            .find(clashes)
            .is_some_and(|known| known.key != key)
        {
            return Err(unusable("two keys have the same name".to_owned()));
        }
        named.push(NamedKey { kid, key });
    }
    Ok(named)
}

/// The trusted keys.
#[derive(Debug, Clone)]
pub struct KeyTrust {
    pins: Vec<PublicKey>,
    /// Whether the keys of the first list are pinned.
    first_use: bool,
    /// The keys that were named so far, by name.
    names: BTreeMap<String, PublicKey>,
}

impl KeyTrust {
    /// Trusts these keys. If `first_use` and there are none, the keys of the first list are pinned.
    ///
    /// CAUTION: with `first_use`, an attacker who answers in the platform's place at that moment decides what is trusted.
    ///
    /// # Errors
    ///
    /// No key is pinned.
    pub fn new(pins: Vec<PublicKey>, first_use: bool) -> Result<Self, PlatformError> {
        if pins.is_empty() && !first_use {
            return Err(PlatformError::NotPinned);
        }
        Ok(Self {
            first_use: first_use && pins.is_empty(),
            pins,
            names: BTreeMap::new(),
        })
    }

    /// The pinned keys that the platform's list names. None: it has no list, so all pinned keys.
    ///
    /// # Errors
    ///
    /// The platform names none of them, or reuses a name for another key.
    pub fn narrowed(
        &mut self,
        named: Option<Vec<NamedKey>>,
    ) -> Result<Vec<PublicKey>, PlatformError> {
        let Some(named) = named else {
            return if self.first_use {
                Err(PlatformError::NotPinned)
            } else {
                Ok(self.pins.clone())
            };
        };
        for NamedKey { kid, key } in &named {
            let Some(kid) = kid else { continue };
            match self.names.get(kid) {
                Some(known) if known != key => {
                    return Err(PlatformError::KeyChanged { kid: kid.clone() });
                }
                Some(_) => {}
                // Bounded: the platform can send new names each time.
                None if self.names.len() < MAX_KEYS => {
                    self.names.insert(kid.clone(), key.clone());
                }
                None => {}
            }
        }
        // After the check of names, so that a changed key is never pinned.
        if self.first_use {
            self.pins = named.iter().map(|named| named.key.clone()).collect();
            self.first_use = false;
        }
        let trusted: Vec<PublicKey> = self
            .pins
            .iter()
            .filter(|pin| named.iter().any(|named| named.key == **pin))
            .cloned()
            .collect();
        if trusted.is_empty() {
            return Err(PlatformError::Withdrawn);
        }
        Ok(trusted)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use hexgate_base::PrivateKey;

    fn key(byte: u8) -> PublicKey {
        PrivateKey::from_bytes(&[byte; 32]).public_key()
    }

    fn named(kid: Option<&str>, byte: u8) -> NamedKey {
        NamedKey {
            kid: kid.map(str::to_owned),
            key: key(byte),
        }
    }

    #[test]
    fn a_list_is_read_whole_or_not_at_all() {
        let x = key(1).to_text();
        let list = format!(
            r#"{{"keys": [{{"kid": "a", "kty": "OKP", "crv": "Ed25519", "x": "{x}"}}, {{"kty": "RSA", "n": "AA"}}, {{"x": "{x}"}}]}}"#
        );
        assert_eq!(
            parse(list.as_bytes()).unwrap(),
            [named(Some("a"), 1), named(None, 1)]
        );
        let y = key(2).to_text();
        let many = format!(
            r#"{{"keys": [{}]}}"#,
            vec![format!(r#"{{"x": "{x}"}}"#); 33].join(",")
        );
        for bad in [
            "",
            "{}",
            r#"{"keys": {}}"#,
            r#"{"keys": [{"kty": "OKP"}]}"#,
            r#"{"keys": [{"x": "AAAA"}]}"#,
            &format!(r#"{{"keys": [{{"x": "{x}="}}]}}"#),
            &format!(r#"{{"keys": [{{"kid": "a", "x": "{x}"}}, {{"kid": "a", "x": "{y}"}}]}}"#),
            &many,
        ] {
            assert!(matches!(
                parse(bad.as_bytes()),
                Err(PlatformError::Keys { .. })
            ));
        }
    }

    #[test]
    fn a_list_can_withdraw_a_pinned_key_and_never_add_one() {
        let mut trust = KeyTrust::new(vec![key(1), key(2)], false).unwrap();
        assert_eq!(trust.narrowed(None).unwrap(), [key(1), key(2)]);
        let all = vec![
            named(Some("a"), 1),
            named(Some("b"), 2),
            named(Some("c"), 3),
        ];
        assert_eq!(trust.narrowed(Some(all)).unwrap(), [key(1), key(2)]);
        let one = vec![named(Some("b"), 2), named(Some("c"), 3)];
        assert_eq!(trust.narrowed(Some(one)).unwrap(), [key(2)]);
        for strangers in [vec![], vec![named(Some("c"), 3)]] {
            assert_eq!(
                trust.narrowed(Some(strangers)),
                Err(PlatformError::Withdrawn)
            );
        }
        assert_eq!(
            trust.narrowed(Some(vec![named(Some("a"), 2)])),
            Err(PlatformError::KeyChanged { kid: "a".into() })
        );
    }

    #[test]
    fn what_is_trusted_on_first_use_stays() {
        assert_eq!(
            KeyTrust::new(vec![], false).unwrap_err(),
            PlatformError::NotPinned
        );
        let mut trust = KeyTrust::new(vec![], true).unwrap();
        assert_eq!(trust.narrowed(None), Err(PlatformError::NotPinned));
        assert_eq!(
            trust.narrowed(Some(vec![named(Some("a"), 1)])).unwrap(),
            [key(1)]
        );
        assert_eq!(
            trust.narrowed(Some(vec![named(Some("b"), 2)])),
            Err(PlatformError::Withdrawn)
        );
        assert_eq!(
            trust
                .narrowed(Some(vec![named(Some("a"), 1), named(Some("b"), 2)]))
                .unwrap(),
            [key(1)]
        );
        // Explicit pins count, even with trust on first use.
        let mut pinned = KeyTrust::new(vec![key(1)], true).unwrap();
        assert_eq!(
            pinned.narrowed(Some(vec![named(None, 2)])),
            Err(PlatformError::Withdrawn)
        );
    }
}
