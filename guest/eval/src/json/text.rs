//! Strings as they stand in a JSON text: compared and searched without being copied.

use core::cmp::Ordering;

use crate::bytes;

/// The inside of a JSON string that the reader has accepted.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Text<'a> {
    /// The bytes between the quotes.
    pub(crate) raw: &'a [u8],
    form: u8,
}

/// The bits of a text's form; a text without any stands for itself. There is a backslash in it, which begins an escape.
const ESCAPED: u8 = 1;
/// Its ASCII letters are read as small ones.
const LOWER: u8 = 2;

impl<'a> Text<'a> {
    /// A text that stands for itself.
    pub(crate) fn plain(raw: &'a [u8]) -> Self {
        Self { raw, form: 0 }
    }

    /// The inside of a JSON string, in which a backslash begins an escape if it is said to be escaped.
    #[inline]
    pub(crate) fn json(raw: &'a [u8], escaped: bool) -> Self {
        Self {
            raw,
            form: u8::from(escaped) * ESCAPED,
        }
    }

    /// The same text with its ASCII letters in lower case.
    pub(crate) fn lower(self) -> Self {
        Self {
            form: self.form | LOWER,
            ..self
        }
    }

    /// Whether its ASCII letters are read as small ones.
    pub(crate) fn is_lower(self) -> bool {
        self.form & LOWER != 0
    }

    /// Whether the text is what its bytes are.
    #[inline]
    pub(crate) fn is_raw(self) -> bool {
        self.form == 0
    }

    /// The bytes of the string, unescaped.
    pub(crate) fn bytes(self) -> Bytes<'a> {
        Bytes {
            rest: self.raw,
            form: self.form,
            pending: [0; 3],
            pending_len: 0,
        }
    }

    pub(crate) fn equals(self, other: Text<'_>) -> bool {
        if self.form | other.form == 0 {
            return bytes::equal(self.raw, other.raw);
        }
        self.compare_unescaped(other).is_eq()
    }

    /// By code point, which is by byte in UTF-8.
    pub(crate) fn compare(self, other: Text<'_>) -> Ordering {
        if self.form | other.form == 0 {
            return bytes::compare(self.raw, other.raw);
        }
        self.compare_unescaped(other)
    }

    /// Texts with escapes are rare; one copy of this serves both questions.
    #[cold]
    #[inline(never)]
    fn compare_unescaped(self, other: Text<'_>) -> Ordering {
        let (mut bytes, mut others) = (self.bytes(), other.bytes());
        loop {
            let (byte, other) = (bytes.step(), others.step());
            if byte.is_none() || byte != other {
                return byte.cmp(&other);
            }
        }
    }

    /// How many code points.
    pub(crate) fn code_points(self) -> usize {
        let mut count = 0;
        if self.form == 0 {
            for byte in self.raw {
                count += usize::from(is_first(*byte));
            }
        } else {
            let mut bytes = self.bytes();
            while let Some(byte) = bytes.step() {
                count += usize::from(is_first(byte));
            }
        }
        count
    }

    pub(crate) fn starts_with(self, prefix: &[u8]) -> bool {
        if self.form == 0 {
            return self
                .raw
                .get(..prefix.len())
                .is_some_and(|start| bytes::equal(start, prefix));
        }
        self.starts_with_text(Text::plain(prefix))
    }

    pub(crate) fn ends_with(self, suffix: &[u8]) -> bool {
        if self.form == 0 {
            let before = self.raw.len().checked_sub(suffix.len());
            return before
                .and_then(|before| self.raw.get(before..))
                .is_some_and(|end| bytes::equal(end, suffix));
        }
        self.ends_with_text(Text::plain(suffix))
    }

    /// Looks at no more of either text than at the whole of the prefix.
    pub(crate) fn starts_with_text(self, prefix: Text<'_>) -> bool {
        self.bytes().starts_with(prefix)
    }

    /// Looks at no more of the suffix than this text has, and at no more of this text than the suffix has, unless something in it is not
    /// what it stands for.
    #[inline(never)]
    pub(crate) fn ends_with_text(self, suffix: Text<'_>) -> bool {
        let len = if self.is_raw() {
            self.raw.len()
        } else {
            self.len_within(usize::MAX)
        };
        let Some(mut before) = len.checked_sub(suffix.len_within(len)) else {
            return false;
        };
        let mut bytes = self.bytes();
        if self.is_raw() {
            bytes.rest = self.raw.get(before..).unwrap_or_default();
            before = 0;
        }
        for _ in 0..before {
            bytes.step();
        }
        bytes.starts_with(suffix)
    }

    /// How many bytes the text has, or one more than `most` if there are more than that.
    pub(crate) fn len_within(self, most: usize) -> usize {
        let (mut len, mut bytes) = (0, self.bytes());
        while len <= most && bytes.step().is_some() {
            len += 1;
        }
        len
    }

    /// Whether `needle` occurs. `failure` gives for each byte of the needle, as `u16`, how much of the needle still matches when
    /// the next byte does not: each byte of the text is looked at once, for any two texts.
    pub(crate) fn contains(self, needle: &[u8], failure: &[u8]) -> bool {
        let mut matched = 0usize;
        let mut bytes = self.bytes();
        loop {
            if matched == needle.len() {
                return true;
            }
            let Some(byte) = bytes.next() else {
                return false;
            };
            while matched > 0 && needle.get(matched) != Some(&byte) {
                let shorter = failure
                    .get((matched - 1) * 2..)
                    .and_then(|rest| rest.first_chunk::<2>());
                // A table that does not get shorter would never end; 0 is always a correct restart for a damaged one.
                matched = shorter
                    .map_or(0, |word| usize::from(u16::from_le_bytes(*word)))
                    .min(matched - 1);
            }
            if needle.get(matched) == Some(&byte) {
                matched += 1;
            }
        }
    }
}

fn is_first(byte: u8) -> bool {
    byte & 0xc0 != 0x80
}

/// See [`Text::bytes`].
#[derive(Debug, Clone)]
pub(crate) struct Bytes<'a> {
    rest: &'a [u8],
    /// In names and in the texts of a policy a backslash stands for itself.
    form: u8,
    /// What remains of an escaped code point, last byte first.
    pending: [u8; 3],
    pending_len: u8,
}

impl Iterator for Bytes<'_> {
    type Item = u8;

    #[inline]
    fn next(&mut self) -> Option<u8> {
        if self.pending_len > 0 {
            self.pending_len -= 1;
            return self.pending.get(usize::from(self.pending_len)).copied();
        }
        let (first, rest) = self.rest.split_first()?;
        self.rest = rest;
        if self.form & ESCAPED == 0 || *first != b'\\' {
            return Some(self.cased(*first));
        }
        let byte = self.escape()?;
        Some(self.cased(byte))
    }
}

impl Bytes<'_> {
    /// [`Bytes::next`] where speed matters less than size.
    #[inline(never)]
    pub(crate) fn step(&mut self) -> Option<u8> {
        self.next()
    }

    /// Whether these bytes begin with those of a text.
    #[inline(never)]
    pub(crate) fn starts_with(mut self, prefix: Text<'_>) -> bool {
        let mut prefix = prefix.bytes();
        while let Some(wanted) = prefix.step() {
            if self.step() != Some(wanted) {
                return false;
            }
        }
        true
    }

    fn cased(&self, byte: u8) -> u8 {
        if self.form & LOWER == 0 {
            byte
        } else {
            byte.to_ascii_lowercase()
        }
    }

    /// What follows a backslash. The reader has accepted it; anything else ends the text.
    fn escape(&mut self) -> Option<u8> {
        let (letter, rest) = self.rest.split_first()?;
        self.rest = rest;
        Some(match letter {
            b'b' => 0x08,
            b'f' => 0x0c,
            b'n' => b'\n',
            b'r' => b'\r',
            b't' => b'\t',
            b'u' => {
                let unit = self.unit()?;
                let code = if (0xd800..0xdc00).contains(&unit) {
                    self.rest = self.rest.get(2..)?;
                    let low = self.unit()?;
                    0x10000 + ((unit & 0x3ff) << 10) + (low & 0x3ff)
                } else {
                    unit
                };
                self.utf8(code)
            }
            other => *other,
        })
    }

    fn unit(&mut self) -> Option<u32> {
        let (digits, rest) = self.rest.split_first_chunk::<4>()?;
        self.rest = rest;
        hex4(digits)
    }

    /// The first byte of a code point's UTF-8; the others become pending.
    fn utf8(&mut self, code: u32) -> u8 {
        let tail = |shift: u32| (0x80 | (code >> shift & 0x3f)) as u8;
        let (first, pending, len) = match code {
            0..0x80 => (code as u8, [0; 3], 0),
            0x80..0x800 => ((0xc0 | code >> 6) as u8, [tail(0), 0, 0], 1),
            0x800..0x10000 => ((0xe0 | code >> 12) as u8, [tail(0), tail(6), 0], 2),
            _ => ((0xf0 | code >> 18) as u8, [tail(0), tail(6), tail(12)], 3),
        };
        self.pending = pending;
        self.pending_len = len;
        first
    }
}

/// The value of four hexadecimal digits.
pub(crate) fn hex4(digits: &[u8; 4]) -> Option<u32> {
    let mut value = 0;
    for digit in digits {
        value = value << 4
            | match digit {
                b'0'..=b'9' => u32::from(digit - b'0'),
                b'a'..=b'f' => u32::from(digit - b'a') + 10,
                b'A'..=b'F' => u32::from(digit - b'A') + 10,
                _ => return None,
            };
    }
    Some(value)
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec::Vec;

    #[test]
    fn a_backslash_begins_an_escape_only_in_json() {
        let plain = Text::plain(br"C:\a\n\u0041");
        assert_eq!(plain.bytes().collect::<Vec<_>>(), plain.raw);
        let json = Text::json(br"C:\\a\\n\\u0041", true);
        assert!(plain.equals(json) && json.equals(plain));
        assert_eq!(plain.compare(json), Ordering::Equal);
        let unescaped = Text::json(br"C:\u0041", true);
        assert!(unescaped.equals(Text::plain(b"C:A")));
        assert!(!unescaped.equals(Text::plain(br"C:\u0041")));
        assert!(!Text::plain(br"a\u0041").contains(b"A", &[0, 0]));
        assert!(Text::json(br"a\u0041", true).contains(b"A", &[0, 0]));
    }
}
