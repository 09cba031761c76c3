//! Exact comparison of JSON numbers, for what the checks can tell about constants.

use std::cmp::Ordering;

/// A number as sign, digits and scale: `0.d1d2d3… × 10^scale`, without zeros at either end. Zero has no digits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Decimal {
    negative: bool,
    digits: Vec<u8>,
    scale: i64,
}

impl Decimal {
    /// Reads a JSON number. None if it is not one.
    pub(super) fn read(text: &str) -> Option<Self> {
        let (negative, text) = match text.strip_prefix('-') {
            Some(rest) => (true, rest),
            None => (false, text),
        };
        let (mantissa, exponent) = text.split_once(['e', 'E']).unwrap_or((text, "0"));
        let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
        let all: Vec<u8> = whole.bytes().chain(fraction.bytes()).collect();
        if whole.is_empty() || !all.iter().all(u8::is_ascii_digit) {
            return None;
        }
        let leading = all.iter().take_while(|b| **b == b'0').count();
        let end = all
            .iter()
            .rposition(|b| *b != b'0')
            .map_or(0, |last| last + 1);
        let digits = all.get(leading..end).unwrap_or_default().to_vec();
        if digits.is_empty() {
            return Some(Self {
                negative: false,
                digits,
                scale: 0,
            });
        }
        let exponent: i64 = exponent
            .strip_prefix('+')
            .unwrap_or(exponent)
            .parse()
            .ok()?;
        let place = i64::try_from(whole.len()).ok()? - i64::try_from(leading).ok()?;
        Some(Self {
            negative,
            digits,
            scale: place.checked_add(exponent)?,
        })
    }

    /// Whether it has no fraction.
    pub(super) fn is_whole(&self) -> bool {
        i64::try_from(self.digits.len()).is_ok_and(|length| length <= self.scale)
            || self.digits.is_empty()
    }

    fn magnitude(&self, other: &Self) -> Ordering {
        match (self.digits.is_empty(), other.digits.is_empty()) {
            (true, true) => Ordering::Equal,
            (true, false) => Ordering::Less,
            (false, true) => Ordering::Greater,
            // Without zeros at the ends, more digits of the same beginning are more.
            (false, false) => self
                .scale
                .cmp(&other.scale)
                .then_with(|| self.digits.cmp(&other.digits)),
        }
    }
}

impl Ord for Decimal {
    fn cmp(&self, other: &Self) -> Ordering {
        match (self.negative, other.negative) {
            (false, false) => self.magnitude(other),
            (true, true) => other.magnitude(self),
            (true, false) => Ordering::Less,
            (false, true) => Ordering::Greater,
        }
    }
}

impl PartialOrd for Decimal {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Decimal {
        Decimal::read(text).unwrap()
    }

    #[test]
    fn spellings_of_one_number_are_equal() {
        for group in [
            &["1", "1.0", "10e-1", "0.1e1", "1e0", "1E+0"][..],
            &["0", "-0", "0.00", "0e999", "-0.0e-5"],
            &["-120", "-1.2e2", "-1200E-1"],
        ] {
            for a in group {
                for b in group {
                    assert_eq!(read(a).cmp(&read(b)), Ordering::Equal, "{a} {b}");
                    assert_eq!(read(a), read(b), "{a} {b}");
                }
            }
        }
    }

    #[test]
    fn order_is_exact() {
        let rising = [
            "-1e1000",
            "-10",
            "-9.99",
            "-1",
            "-1e-1000",
            "0",
            "1e-1000",
            "0.1",
            "0.11",
            "0.2",
            "1",
            "1.5",
            "9",
            "10",
            "10.01",
            "9007199254740992",
            "9007199254740993",
            "1e1000",
        ];
        for pair in rising.windows(2) {
            assert_eq!(
                read(pair[0]).cmp(&read(pair[1])),
                Ordering::Less,
                "{pair:?}"
            );
            assert_eq!(
                read(pair[1]).cmp(&read(pair[0])),
                Ordering::Greater,
                "{pair:?}"
            );
        }
    }

    #[test]
    fn whole_numbers_are_known_by_value() {
        for (text, whole) in [
            ("5", true),
            ("5.0", true),
            ("0", true),
            ("50e-1", true),
            ("5e-1", false),
            ("1.5", false),
            ("1.5e1", true),
        ] {
            assert_eq!(read(text).is_whole(), whole, "{text}");
        }
    }

    #[test]
    fn what_is_not_a_number_is_not_read() {
        for text in ["", "-", "e5", "1e", "abc", "1x", ".5"] {
            assert_eq!(Decimal::read(text), None, "{text}");
        }
    }
}
