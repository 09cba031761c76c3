//! Exact comparison of decimal numbers of any size.

mod exact;

use core::cmp::Ordering;

pub(crate) use exact::{Computed, Exact, Operation, WORDS};

/// Compares two JSON numbers by exact decimal value.
pub fn compare_numbers(one: &str, other: &str) -> Ordering {
    Number::from_json(one.as_bytes()).compare(Number::from_json(other.as_bytes()))
}

/// Whether readers that take numbers as doubles get this one: an integer of at most 2^53, or at most 15 digits from the first that is
/// not zero to the last, and at least 1e-300 and less than 1e300; or zero. The text is a JSON number.
pub(crate) fn is_held_by_a_double(text: &[u8]) -> bool {
    let decimal = Decimal::parse(text);
    let (mut value, mut count, mut zeros) = (0u64, 0, 0);
    for digit in decimal.digits.iter().filter(|byte| **byte != b'.') {
        zeros += 1;
        if *digit == b'0' {
            continue;
        }
        count += zeros;
        if count > 16 {
            return false;
        }
        for _ in 0..zeros {
            value *= 10;
        }
        value += u64::from(digit - b'0');
        zeros = 0;
    }
    match count {
        0 => true,
        ..=15 => matches!(decimal.magnitude, -299..=300),
        _ => decimal.magnitude == 16 && value <= 1 << 53,
    }
}

/// The most digits that surely fit an `i64`.
const SMALL_DIGITS: usize = 18;

/// A number: small integers by value, all others as the JSON text that says them.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Number<'a> {
    /// An integer of at most 18 digits.
    Integer(i64),
    /// A JSON number.
    Text(&'a [u8]),
    /// A number that was computed.
    Exact(&'a Exact),
}

impl<'a> Number<'a> {
    /// The number that a JSON text says. The reader, or the compiler, has accepted the text.
    #[inline(never)]
    pub(crate) fn from_json(text: &'a [u8]) -> Self {
        match small_integer(text) {
            Some(integer) => Self::Integer(integer),
            None => Self::Text(text),
        }
    }

    #[inline]
    pub(crate) fn compare(self, other: Number<'_>) -> Ordering {
        match (self, other) {
            (Self::Integer(one), Number::Integer(other)) => one.cmp(&other),
            (Self::Text(one), Number::Text(other)) => {
                Decimal::parse(one).compare(&Decimal::parse(other))
            }
            (Self::Text(text), Number::Integer(integer)) => compare_with_integer(text, integer),
            (Self::Integer(integer), Number::Text(text)) => {
                compare_with_integer(text, integer).reverse()
            }
            (Self::Exact(one), other) => one.compare(&Exact::of(other)),
            (one, Number::Exact(other)) => Exact::of(one).compare(other),
        }
    }
}

fn compare_with_integer(text: &[u8], integer: i64) -> Ordering {
    Decimal::parse(text).compare(&Decimal::of_integer(integer, &mut [0; SMALL_DIGITS]))
}

/// The value of an optional minus and at most 18 digits.
#[inline(always)]
pub(crate) fn small_integer(text: &[u8]) -> Option<i64> {
    let (negative, digits) = match text.split_first() {
        Some((b'-', digits)) => (true, digits),
        _ => (false, text),
    };
    if digits.len() > SMALL_DIGITS {
        return None;
    }
    let mut value = 0i64;
    for byte in digits {
        let digit = byte.wrapping_sub(b'0');
        if digit > 9 {
            return None;
        }
        value = value * 10 + i64::from(digit);
    }
    Some(if negative { -value } else { value })
}

/// A number taken apart: `0.d1 d2 d3 … * 10^magnitude` with `d1` not zero.
struct Decimal<'a> {
    negative: bool,
    /// The digits from the first that is not zero on, a point perhaps among them. Empty for zero.
    digits: &'a [u8],
    magnitude: i64,
}

impl<'a> Decimal<'a> {
    fn of_integer(integer: i64, buffer: &'a mut [u8; SMALL_DIGITS]) -> Self {
        let mut rest = integer.unsigned_abs();
        let mut first = SMALL_DIGITS;
        for (index, slot) in buffer.iter_mut().enumerate().rev() {
            if rest == 0 {
                break;
            }
            *slot = b'0' + (rest % 10) as u8;
            rest /= 10;
            first = index;
        }
        let digits = buffer.get(first..).unwrap_or_default();
        Self {
            negative: integer < 0,
            digits,
            magnitude: digits.len() as i64,
        }
    }

    fn parse(text: &'a [u8]) -> Self {
        let (negative, text) = match text.split_first() {
            Some((b'-', rest)) => (true, rest),
            _ => (false, text),
        };
        let split = text
            .iter()
            .position(|byte| matches!(byte, b'e' | b'E'))
            .unwrap_or(text.len());
        let mantissa = text.get(..split).unwrap_or_default();
        let exponent = exponent(text.get(split + 1..).unwrap_or_default());
        let whole = mantissa
            .iter()
            .position(|byte| *byte == b'.')
            .unwrap_or(mantissa.len());
        let Some(first) = mantissa
            .iter()
            .position(|byte| !matches!(byte, b'0' | b'.'))
        else {
            return Self {
                negative: false,
                digits: &[],
                magnitude: 0,
            };
        };
        // How many places the first digit stands before the point; behind it the point itself takes one place.
        let places = if first < whole {
            (whole - first) as i64
        } else {
            whole as i64 + 1 - first as i64
        };
        Self {
            negative,
            digits: mantissa.get(first..).unwrap_or_default(),
            magnitude: places.saturating_add(exponent),
        }
    }

    fn compare(&self, other: &Decimal<'_>) -> Ordering {
        match (self.digits.is_empty(), other.digits.is_empty()) {
            (true, true) => return Ordering::Equal,
            (true, false) => {
                return if other.negative {
                    Ordering::Greater
                } else {
                    Ordering::Less
                };
            }
            (false, true) => {
                return if self.negative {
                    Ordering::Less
                } else {
                    Ordering::Greater
                };
            }
            (false, false) => {}
        }
        match (self.negative, other.negative) {
            (false, true) => Ordering::Greater,
            (true, false) => Ordering::Less,
            (false, false) => self.compare_size(other),
            (true, true) => other.compare_size(self),
        }
    }

    fn compare_size(&self, other: &Decimal<'_>) -> Ordering {
        let by_magnitude = self.magnitude.cmp(&other.magnitude);
        if by_magnitude != Ordering::Equal {
            return by_magnitude;
        }
        let mut ours = self.digits.iter().filter(|byte| **byte != b'.');
        let mut theirs = other.digits.iter().filter(|byte| **byte != b'.');
        loop {
            let (one, other) = (ours.next(), theirs.next());
            if one.is_none() && other.is_none() {
                return Ordering::Equal;
            }
            let order = one.unwrap_or(&b'0').cmp(other.unwrap_or(&b'0'));
            if order != Ordering::Equal {
                return order;
            }
        }
    }
}

/// The value of what follows an `e`; the reader has bounded it.
fn exponent(text: &[u8]) -> i64 {
    let (negative, digits) = match text.split_first() {
        Some((b'-', digits)) => (true, digits),
        Some((b'+', digits)) => (false, digits),
        _ => (false, text),
    };
    let mut value = 0i64;
    for byte in digits {
        value = value
            .saturating_mul(10)
            .saturating_add(i64::from(byte.wrapping_sub(b'0')));
    }
    if negative {
        value.saturating_neg()
    } else {
        value
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_double_holds_is_what_comes_back_from_one() {
        for text in [
            "0",
            "-0",
            "0.0e999",
            "0e-1000",
            "1",
            "-1.5",
            "9007199254740992",
            "-9007199254740992",
            "9007199254740991.0",
            "90071992547409920e-1",
            "0.9007199254740992e16",
            "1e20",
            "0.1",
            "123456789012345e-20",
            "1e-300",
            "9.99999999999999e299",
            "0.1e300",
        ] {
            assert!(is_held_by_a_double(text.as_bytes()), "{text}");
        }
        for text in [
            "9007199254740993",
            "-9007199254740993",
            "9007199254740991.5",
            "0.1234567890123456",
            "900719925474099.2",
            "9007199254740992e1",
            "1234567890123456789",
            "1e300",
            "1e1000",
            "9.9e-301",
            "1e-1000",
            "9999999999999999",
        ] {
            assert!(!is_held_by_a_double(text.as_bytes()), "{text}");
        }
        // Every integer up to the bound, here around it and around powers of two, comes back as it went in.
        for base in (0..=53).map(|bits| 1u64 << bits) {
            for integer in base.saturating_sub(3)..=base + 3 {
                let text = alloc::format!("{integer}");
                let back = alloc::format!("{}", text.parse::<f64>().unwrap());
                if is_held_by_a_double(text.as_bytes()) {
                    assert_eq!(back, text);
                }
                assert_eq!(
                    is_held_by_a_double(text.as_bytes()),
                    integer <= 1 << 53,
                    "{text}"
                );
            }
        }
    }

    fn compare(one: &str, other: &str) -> Ordering {
        let order = Number::from_json(one.as_bytes()).compare(Number::from_json(other.as_bytes()));
        let back = Number::from_json(other.as_bytes()).compare(Number::from_json(one.as_bytes()));
        assert_eq!(order, back.reverse(), "{one} and {other}");
        order
    }

    #[test]
    fn numbers_that_say_the_same_are_equal() {
        for class in [
            ["0", "-0", "0.0", "0e5", "-0.000e-7"].as_slice(),
            &["1", "1.0", "1e0", "10e-1", "0.1e1", "0.001e+3", "100E-2"],
            &[
                "500",
                "5e2",
                "0.5e3",
                "500.000",
                "5000000000000000000000e-19",
            ],
            &["-12.5", "-1.25e1", "-0.0125E3", "-12.50"],
            &[
                "9007199254740993",
                "9007199254740993.0",
                "9.007199254740993e15",
            ],
            &["1000000000000000000", "1e18"],
        ] {
            for one in class {
                for other in class {
                    assert_eq!(compare(one, other), Ordering::Equal, "{one} {other}");
                }
            }
        }
    }

    #[test]
    fn numbers_have_the_order_of_the_line() {
        let line = [
            "-1e1000",
            "-123456789012345678901234567890",
            "-1e18",
            "-999999999999999999",
            "-12.51",
            "-12.5",
            "-1",
            "-0.1",
            "-1e-1000",
            "0",
            "1e-1000",
            "9e-3",
            "0.01",
            "0.0100000000000000000000001",
            "0.3",
            "0.30000000000000004",
            "1",
            "1.0000000000000000000000000000001",
            "2",
            "10",
            "499.99",
            "500",
            "500.01",
            "9007199254740992",
            "9007199254740993",
            "999999999999999999",
            "1000000000000000001",
            "1e1000",
        ];
        for (index, one) in line.iter().enumerate() {
            for (other_index, other) in line.iter().enumerate() {
                assert_eq!(
                    compare(one, other),
                    index.cmp(&other_index),
                    "{one} {other}"
                );
            }
        }
    }
}
