//! Strings as they stand in a JSON text: compared and searched without being copied.

use core::cmp::Ordering;

use crate::bytes;

/// The inside of a JSON string that the reader has accepted.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Text<'a> {
    /// The bytes between the quotes.
    pub(crate) raw: &'a [u8],
    /// Whether there is a backslash among them.
    pub(crate) escaped: bool,
}

impl<'a> Text<'a> {
    /// A text that stands for itself.
    pub(crate) fn plain(raw: &'a [u8]) -> Self {
        Self {
            raw,
            escaped: false,
        }
    }

    /// The bytes of the string, unescaped.
    pub(crate) fn bytes(self) -> Bytes<'a> {
        Bytes {
            rest: self.raw,
            escaped: self.escaped,
            pending: [0; 3],
            pending_len: 0,
        }
    }

    pub(crate) fn equals(self, other: Text<'_>) -> bool {
        if !self.escaped && !other.escaped {
            return bytes::equal(self.raw, other.raw);
        }
        self.compare_unescaped(other).is_eq()
    }

    /// By code point, which is by byte in UTF-8.
    pub(crate) fn compare(self, other: Text<'_>) -> Ordering {
        if !self.escaped && !other.escaped {
            return bytes::compare(self.raw, other.raw);
        }
        self.compare_unescaped(other)
    }

    /// Texts with escapes are rare; one copy of this serves both questions.
    #[cold]
    #[inline(never)]
    fn compare_unescaped(self, other: Text<'_>) -> Ordering {
        self.bytes().cmp(other.bytes())
    }

    /// How many code points.
    pub(crate) fn code_points(self) -> usize {
        if self.escaped {
            self.bytes().filter(|byte| is_first(*byte)).count()
        } else {
            self.raw.iter().filter(|byte| is_first(**byte)).count()
        }
    }

    pub(crate) fn starts_with(self, prefix: &[u8]) -> bool {
        if !self.escaped {
            return self
                .raw
                .get(..prefix.len())
                .is_some_and(|start| bytes::equal(start, prefix));
        }
        let mut bytes = self.bytes();
        prefix.iter().all(|wanted| bytes.next() == Some(*wanted))
    }

    pub(crate) fn ends_with(self, suffix: &[u8]) -> bool {
        if !self.escaped {
            let before = self.raw.len().checked_sub(suffix.len());
            return before
                .and_then(|before| self.raw.get(before..))
                .is_some_and(|end| bytes::equal(end, suffix));
        }
        let len = self.bytes().count();
        let Some(before) = len.checked_sub(suffix.len()) else {
            return false;
        };
        self.bytes().skip(before).eq(suffix.iter().copied())
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
    /// Whether a backslash begins an escape. In names and in the texts of a policy it stands for itself.
    escaped: bool,
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
        if !self.escaped || *first != b'\\' {
            return Some(*first);
        }
        self.escape()
    }
}

impl Bytes<'_> {
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
        let json = Text {
            raw: br"C:\\a\\n\\u0041",
            escaped: true,
        };
        assert!(plain.equals(json) && json.equals(plain));
        assert_eq!(plain.compare(json), Ordering::Equal);
        let unescaped = Text {
            raw: br"C:\u0041",
            escaped: true,
        };
        assert!(unescaped.equals(Text::plain(b"C:A")));
        assert!(!unescaped.equals(Text::plain(br"C:\u0041")));
        assert!(!Text::plain(br"a\u0041").contains(b"A", &[0, 0]));
        assert!(
            Text {
                raw: br"a\u0041",
                escaped: true
            }
            .contains(b"A", &[0, 0])
        );
    }
}
