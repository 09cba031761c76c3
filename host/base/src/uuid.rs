//! Names without a meaning, by RFC 9562.

use std::fmt;

/// A UUID.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Uuid(u128);

impl Uuid {
    /// A UUID of version 8: random bits that its maker draws once, and a number within them.
    #[must_use]
    pub const fn numbered(random: u64, number: u64) -> Self {
        // The version and the variant of RFC 9562 in their places.
        let high = random & !0xf000 | 0x8000;
        let low = number & !(0b11 << 62) | 0b10 << 62;
        Self((high as u128) << 64 | low as u128)
    }
}

impl fmt::Display for Uuid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Every record has one, and formatting five numbers takes longer than writing the record's text.
        let mut text = [b'-'; 36];
        let mut rest = self.0;
        for (at, byte) in text.iter_mut().enumerate().rev() {
            if !matches!(at, 8 | 13 | 18 | 23) {
                // INVARIANT: four bits are one digit.
                let digit = (rest & 0xf) as u8;
                *byte = digit + if digit < 10 { b'0' } else { b'a' - 10 };
                rest >>= 4;
            }
        }
        f.write_str(str::from_utf8(&text).unwrap_or_default())
    }
}

impl fmt::Debug for Uuid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Uuid({self})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_numbered_name_is_a_uuid_of_version_8() {
        for (random, number, text) in [
            (0, 0, "00000000-0000-8000-8000-000000000000"),
            (u64::MAX, u64::MAX, "ffffffff-ffff-8fff-bfff-ffffffffffff"),
            (
                0x0123_4567_89ab_cdef,
                0x1a,
                "01234567-89ab-8def-8000-00000000001a",
            ),
        ] {
            assert_eq!(Uuid::numbered(random, number).to_string(), text);
        }
    }
}
