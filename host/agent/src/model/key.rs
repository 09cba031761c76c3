//! Keys of providers, which nobody is to read.

use std::fmt;

use zeroize::Zeroizing;

/// The shortest part of a key that is taken out of a text. A shorter one says too little.
const PART: usize = 8;

/// A key of a provider.
pub(super) struct Key(Zeroizing<String>);

impl Key {
    /// None, if the text has characters that no header can carry.
    pub(super) fn new(text: &str) -> Option<Self> {
        let text = text.trim();
        (!text.is_empty() && text.bytes().all(|byte| byte.is_ascii_graphic()))
            .then(|| Self(Zeroizing::new(text.to_owned())))
    }

    pub(super) fn expose(&self) -> &str {
        &self.0
    }

    /// The text without the key and without longer parts of it: a provider's answer may repeat what it was sent.
    pub(super) fn scrub(&self, text: &str) -> String {
        let key = self.0.as_bytes();
        let bytes = text.as_bytes();
        let part = PART.min(key.len());
        let mut clean = String::with_capacity(text.len());
        let mut at = 0;
        while let Some(rest) = text.get(at..) {
            let Some(next) = rest.chars().next() else {
                break;
            };
            let longest = (0..key.len())
                .map(|start| {
                    common(
                        bytes.get(at..).unwrap_or_default(),
                        key.get(start..).unwrap_or_default(),
                    )
                })
                .max()
                .unwrap_or(0);
            // What agrees with a key is ASCII, so that the cut is between characters.
            if longest >= part {
                clean.push_str("[key]");
                at += longest;
            } else {
                clean.push(next);
                at += next.len_utf8();
            }
        }
        clean
    }
}

fn common(one: &[u8], other: &[u8]) -> usize {
    one.iter().zip(other).take_while(|(a, b)| a == b).count()
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Key")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_and_its_parts_are_taken_out_of_a_text() {
        let key = Key::new(" sk-canary-0123456789 ").unwrap();
        for (text, clean) in [
            ("no key", "no key"),
            ("über sk-canary-0123456789!", "über [key]!"),
            ("wrong: sk-canary", "wrong: [key]"),
            ("ends y-0123456789ö", "ends [key]ö"),
            ("sk-", "sk-"),
        ] {
            assert_eq!(key.scrub(text), clean);
        }
        assert_eq!(format!("{key:?}"), "Key");
        assert!(Key::new("").is_none());
        assert!(Key::new("a\nb").is_none());
        assert_eq!(Key::new("abc").unwrap().scrub("xabcx"), "x[key]x");
    }
}
