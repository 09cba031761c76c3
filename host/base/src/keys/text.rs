//! The text form of a key: base64url without padding, in exactly one spelling.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use zeroize::Zeroizing;

/// The size of a key's file: 43 characters and a newline.
pub(super) const FILE_BYTES: usize = 44;

/// Decodes the text form: exactly one spelling, except that the newline at the end may be LF, CRLF or missing.
pub(super) fn decode(text: &[u8]) -> Result<Zeroizing<[u8; 32]>, &'static str> {
    let body = text
        .strip_suffix(b"\n")
        .map_or(text, |line| line.strip_suffix(b"\r").unwrap_or(line));
    match body.len() {
        0 => return Err("it is empty"),
        _ if body.starts_with(b"-----") => return Err("it is PEM, and a raw key is needed"),
        // Some other text: its length says more than its first wrong character.
        length if length > 2 * FILE_BYTES => return Err("it is far too long"),
        _ if body.contains(&b'=') => return Err("it has padding (`=`), which is left out here"),
        _ if body.iter().any(u8::is_ascii_whitespace) => {
            return Err("it has more white space than one newline at the end");
        }
        32 => return Err("it has 32 bytes, as if it was written raw"),
        length if length < 43 => return Err("it is too short"),
        length if length > 43 => return Err("it is too long"),
        _ => {}
    }
    if !body
        .iter()
        .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))
    {
        return Err("it has a character that base64url does not have");
    }
    let mut key = Zeroizing::new([0; 32]);
    // 43 characters carry 258 bits. The decoder refuses the last character unless its two spare bits are zero.
    match URL_SAFE_NO_PAD.decode_slice(body, key.as_mut()) {
        Ok(32) => Ok(key),
        _ => Err("its last character is not the one that a writer of base64url chooses"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reason(text: &[u8]) -> &'static str {
        decode(text).unwrap_err()
    }

    #[test]
    fn one_spelling_a_key() {
        let bare = URL_SAFE_NO_PAD.encode([7; 32]);
        assert_eq!(bare.len(), FILE_BYTES - 1);
        let bare = bare.as_str();
        for good in [bare.to_owned(), format!("{bare}\n"), format!("{bare}\r\n")] {
            assert_eq!(*decode(good.as_bytes()).unwrap(), [7; 32]);
        }
        for bad in [
            format!("{bare}\n\n"),
            format!("{bare}\r"),
            format!(" {bare}"),
            format!("{bare} \n"),
            format!("{}\n{}", &bare[..20], &bare[20..]),
        ] {
            assert!(reason(bad.as_bytes()).contains("white space"), "{bad:?}");
        }
        assert!(reason(b"").contains("empty"));
        assert!(reason(b"\n").contains("empty"));
        assert!(reason(&bare.as_bytes()[1..]).contains("short"));
        assert!(reason(format!("{bare}A").as_bytes()).contains("long"));
        assert!(reason(format!("{bare}=").as_bytes()).contains("padding"));
        assert!(reason("version: 1 = ".repeat(9).as_bytes()).contains("far too long"));
        assert!(reason(&[7; 32]).contains("raw"));
        assert!(reason(b"-----BEGIN PRIVATE KEY-----").contains("PEM"));
        for outside in ["!", "+", "/", "."] {
            assert!(
                reason(bare.replacen(&bare[..1], outside, 1).as_bytes()).contains("character"),
                "{outside}"
            );
        }
    }

    #[test]
    fn of_four_last_characters_with_the_same_bytes_one_is_accepted() {
        let text = "A".repeat(42);
        let accepted: Vec<char> = (0..128u8)
            .map(char::from)
            .filter(|last| decode(format!("{text}{last}").as_bytes()).is_ok())
            .collect();
        assert_eq!(accepted.iter().collect::<String>(), "048AEIMQUYcgkosw");
    }
}
