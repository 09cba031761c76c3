//! Exact sums, differences and products of decimal numbers, without allocation.
//!
//! A result with more than [`MAX_DIGITS`] significant digits is none. An operation takes a few hundred steps at most, whatever the
//! exponents: what lies too far apart to be added has too many digits.

use core::{cmp::Ordering, fmt};

use super::{Decimal, Number, SMALL_DIGITS};

/// The most significant digits of a result: from the first that is not zero to the last.
pub(crate) const MAX_DIGITS: usize = 200;

/// How many digits a limb has.
const PLACES: usize = 9;
/// One more than the largest limb.
const BASE: u64 = 1_000_000_000;
/// How many limbs [`MAX_DIGITS`] digits can touch: those of one more, as a sum of numbers that span more has too many digits.
const LIMBS: usize = (MAX_DIGITS + 1 + PLACES - 1).div_ceil(PLACES);
/// The first integer that has too many digits for [`Number::Integer`].
const SMALL: u64 = 10u64.pow(SMALL_DIGITS as u32);
/// How many words say an exact number.
pub(crate) const WORDS: usize = LIMBS + 2;

/// What is done with two numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Operation {
    Add,
    Subtract,
    Multiply,
}

/// A number that was computed.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Computed {
    /// Of at most 18 digits.
    Integer(i64),
    Exact(Exact),
}

impl Computed {
    pub(crate) fn of(number: Number<'_>) -> Self {
        match number {
            Number::Integer(integer) => Self::Integer(integer),
            Number::Text(_) | Number::Exact(_) => Self::Exact(Exact::of(number)),
        }
    }

    pub(crate) fn number(&self) -> Number<'_> {
        match self {
            Self::Integer(integer) => Number::Integer(*integer),
            Self::Exact(exact) => Number::Exact(exact),
        }
    }

    /// Does something with this number and another. None: the result has too many digits.
    pub(crate) fn with(&self, operation: Operation, other: Number<'_>) -> Option<Self> {
        if let (Self::Integer(one), Number::Integer(other)) = (self, other) {
            let small = match operation {
                Operation::Add => one.checked_add(other),
                Operation::Subtract => one.checked_sub(other),
                Operation::Multiply => one.checked_mul(other),
            };
            if let Some(small) = small
                && small.unsigned_abs() < SMALL
            {
                return Some(Self::Integer(small));
            }
        }
        let (one, other) = (Exact::of(self.number()), Exact::of(other));
        let exact = match operation {
            Operation::Add => one.plus(&other, other.negative),
            Operation::Subtract => one.plus(&other, !other.negative),
            Operation::Multiply => one.times(&other),
        };
        exact.map(Self::Exact)
    }
}

/// A decimal number of at most [`MAX_DIGITS`] significant digits.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Exact {
    negative: bool,
    /// What power of [`BASE`] the first limb counts.
    exponent: i32,
    /// How many limbs there are; none for zero. Neither the first nor the last one is zero, all behind them are.
    len: usize,
    /// Least significant first.
    limbs: [u32; LIMBS],
}

impl Exact {
    pub(crate) fn of(number: Number<'_>) -> Self {
        match number {
            Number::Exact(exact) => *exact,
            Number::Text(text) => Self::of_decimal(&Decimal::parse(text)),
            Number::Integer(integer) => {
                Self::of_decimal(&Decimal::of_integer(integer, &mut [0; SMALL_DIGITS]))
            }
        }
    }

    fn of_decimal(decimal: &Decimal<'_>) -> Self {
        let digits = || decimal.digits.iter().filter(|byte| **byte != b'.');
        let mut count = 0;
        for (index, digit) in digits().enumerate() {
            if *digit != b'0' {
                count = index + 1;
            }
        }
        // Where the last digit stands: 0 for the one before the point.
        let lowest = decimal.magnitude.saturating_sub(count as i64);
        let exponent = lowest.div_euclid(PLACES as i64);
        let mut limbs = [0u32; LIMBS];
        let mut place = decimal.magnitude;
        for digit in digits().take(count) {
            place -= 1;
            let limb = limbs.get_mut((place.div_euclid(PLACES as i64) - exponent) as usize);
            if let Some(limb) = limb {
                *limb = limb.wrapping_mul(10).wrapping_add(u32::from(digit - b'0'));
            }
        }
        let [first, ..] = &mut limbs;
        for _ in 0..lowest.rem_euclid(PLACES as i64) {
            *first = first.wrapping_mul(10);
        }
        Self::of_limbs(&limbs, exponent as i32, decimal.negative).unwrap_or(Self::ZERO)
    }

    const ZERO: Self = Self {
        negative: false,
        exponent: 0,
        len: 0,
        limbs: [0; LIMBS],
    };

    /// The number of those limbs, with or without zeros around. None: it has too many digits.
    fn of_limbs(wide: &[u32], exponent: i32, negative: bool) -> Option<Self> {
        let Some(first) = wide.iter().position(|limb| *limb != 0) else {
            return Some(Self::ZERO);
        };
        let last = wide.iter().rposition(|limb| *limb != 0)?;
        let used = wide.get(first..=last)?;
        let mut digits = used.len() * PLACES;
        let mut lowest = *used.first()?;
        while lowest.is_multiple_of(10) {
            lowest /= 10;
            digits -= 1;
        }
        let mut bound = *used.last()?;
        while bound < BASE as u32 / 10 {
            bound *= 10;
            digits -= 1;
        }
        if digits > MAX_DIGITS {
            return None;
        }
        let mut limbs = [0; LIMBS];
        for (limb, used) in limbs.iter_mut().zip(used) {
            *limb = *used;
        }
        Some(Self {
            negative,
            exponent: exponent.saturating_add(first as i32),
            len: used.len(),
            limbs,
        })
    }

    /// The limb that counts that power of [`BASE`].
    fn limb(&self, power: i32) -> u32 {
        let index = usize::try_from(power.saturating_sub(self.exponent)).ok();
        index
            .and_then(|index| self.limbs.get(index))
            .copied()
            .unwrap_or(0)
    }

    /// One more than the power of [`BASE`] that the last limb counts.
    fn end(&self) -> i32 {
        self.exponent.saturating_add(self.len as i32)
    }

    /// The sum with a number that has another sign than its own, perhaps.
    fn plus(&self, other: &Self, negative: bool) -> Option<Self> {
        if other.len == 0 {
            return Some(*self);
        }
        if self.len == 0 {
            return Some(Self { negative, ..*other });
        }
        let (start, end) = (
            self.exponent.min(other.exponent),
            self.end().max(other.end()),
        );
        // Where the two span more than the digits of a result and one: each by itself spans no more than these, so that the one which
        // reaches higher lies at least two places above the other, and nothing that it has on top cancels out.
        if end.saturating_sub(start) > LIMBS as i32 {
            return None;
        }
        let adds = self.negative == negative;
        let swaps = !adds && self.compare_size(other).is_lt();
        let (large, small) = if swaps { (other, self) } else { (self, other) };
        let mut wide = [0u32; LIMBS + 1];
        let mut carry = 0i64;
        for (power, limb) in (start..).zip(&mut wide) {
            let (one, other) = (i64::from(large.limb(power)), i64::from(small.limb(power)));
            let sum = one + if adds { other } else { -other } + carry;
            *limb = sum.rem_euclid(BASE as i64) as u32;
            carry = sum.div_euclid(BASE as i64);
        }
        Self::of_limbs(&wide, start, if swaps { negative } else { self.negative })
    }

    fn times(&self, other: &Self) -> Option<Self> {
        let mut wide = [0u32; 2 * LIMBS];
        for (index, one) in self.limbs.iter().take(self.len).enumerate() {
            let mut carry = 0u64;
            let row = wide.get_mut(index..).unwrap_or_default();
            // One limb more than the other has, for what is carried.
            for (limb, other) in row
                .iter_mut()
                .zip(other.limbs.iter().chain(&[0]))
                .take(other.len + 1)
            {
                let sum = u64::from(*limb) + u64::from(*one) * u64::from(*other) + carry;
                *limb = (sum % BASE) as u32;
                carry = sum / BASE;
            }
        }
        let exponent = self.exponent.saturating_add(other.exponent);
        Self::of_limbs(&wide, exponent, self.negative != other.negative)
    }

    pub(crate) fn compare(&self, other: &Self) -> Ordering {
        match (self.sign(), other.sign()) {
            (-1, -1) => other.compare_size(self),
            (1, 1) => self.compare_size(other),
            (one, other) => one.cmp(&other),
        }
    }

    fn sign(&self) -> i32 {
        match (self.len, self.negative) {
            (0, _) => 0,
            (_, true) => -1,
            (_, false) => 1,
        }
    }

    /// Compares without the signs. Neither is zero.
    fn compare_size(&self, other: &Self) -> Ordering {
        let mut order = self.end().cmp(&other.end());
        let mut power = self.end();
        for _ in 0..LIMBS {
            power = power.saturating_sub(1);
            order = order.then_with(|| self.limb(power).cmp(&other.limb(power)));
        }
        order
    }

    /// The number in words, and back.
    pub(crate) fn words(&self) -> [u32; WORDS] {
        let mut words = [0; WORDS];
        let [exponent, len, limbs @ ..] = &mut words;
        *exponent = self.exponent as u32;
        *len = self.len as u32 | u32::from(self.negative) << 31;
        *limbs = self.limbs;
        words
    }

    pub(crate) fn of_words(words: &[u32; WORDS]) -> Self {
        let [exponent, len, limbs @ ..] = *words;
        Self {
            negative: len >> 31 != 0,
            exponent: exponent as i32,
            len: (len & 0xff) as usize,
            limbs,
        }
    }
}

/// A JSON number.
impl fmt::Display for Exact {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut digits = [0u8; LIMBS * PLACES];
        for (chunk, limb) in digits
            .chunks_exact_mut(PLACES)
            .zip(self.limbs.iter().take(self.len).rev())
        {
            let mut rest = *limb;
            for digit in chunk.iter_mut().rev() {
                *digit = (rest % 10) as u8;
                rest /= 10;
            }
        }
        let Some(first) = digits.iter().position(|digit| *digit != 0) else {
            return f.write_str("0");
        };
        let last = digits
            .iter()
            .rposition(|digit| *digit != 0)
            .unwrap_or(first);
        let digits = digits.get(first..=last).unwrap_or_default();
        // How many places the first digit stands before the point.
        let before = i64::from(self.end()) * PLACES as i64 - first as i64;
        if self.negative {
            f.write_str("-")?;
        }
        let shown = match before {
            -5..=40 => before,
            _ => 1,
        };
        if shown <= 0 {
            f.write_str("0.")?;
            for _ in shown..0 {
                f.write_str("0")?;
            }
        }
        for (index, digit) in digits.iter().enumerate() {
            if index > 0 && index as i64 == shown {
                f.write_str(".")?;
            }
            write!(f, "{digit}")?;
        }
        for _ in digits.len() as i64..shown {
            f.write_str("0")?;
        }
        if shown != before {
            write!(f, "e{}", before - 1)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::{
        format,
        string::{String, ToString},
        vec::Vec,
    };

    fn number(text: &str) -> Number<'_> {
        Number::from_json(text.as_bytes())
    }

    fn result(one: &str, operation: Operation, other: &str) -> Option<String> {
        let computed = Computed::of(number(one)).with(operation, number(other))?;
        // By way of words, as sums are remembered.
        if let Computed::Exact(exact) = computed {
            let back = Exact::of_words(&exact.words());
            assert_eq!(back.to_string(), exact.to_string());
            assert!(back.compare(&exact).is_eq());
        }
        Some(Exact::of(computed.number()).to_string())
    }

    #[test]
    fn sums_and_products_are_those_of_decimals() {
        use Operation::{Add, Multiply, Subtract};
        for (one, operation, other, wanted) in [
            ("1", Add, "2", "3"),
            ("0.1", Add, "0.2", "0.3"),
            ("1", Subtract, "1.0", "0"),
            ("-1", Add, "1e0", "0"),
            ("0", Subtract, "-0.0", "0"),
            ("0", Subtract, "5e-1", "-0.5"),
            ("5e-1", Subtract, "0", "0.5"),
            ("999999999999999999", Add, "1", "1000000000000000000"),
            ("-999999999999999999", Subtract, "1", "-1000000000000000000"),
            ("9007199254740993", Multiply, "1", "9007199254740993"),
            (
                "999999999999999999",
                Multiply,
                "999999999999999999",
                "999999999999999998000000000000000001",
            ),
            ("-12.50", Multiply, "0.08", "-1"),
            ("1e10", Multiply, "1e-10", "1"),
            ("0", Multiply, "1e1000", "0"),
            ("-3", Multiply, "-0.0", "0"),
            ("1000000000", Subtract, "0.000000001", "999999999.999999999"),
            ("1e1000", Multiply, "1e1000", "1e2000"),
            ("1e-1000", Multiply, "-1e-1000", "-1e-2000"),
            ("1e1000", Subtract, "1e1000", "0"),
            ("1e1000", Add, "1e999", "1.1e1000"),
            ("0.000012", Add, "0", "0.000012"),
            ("12300", Multiply, "1e5", "1230000000"),
        ] {
            assert_eq!(
                result(one, operation, other).as_deref(),
                Some(wanted),
                "{one} {operation:?} {other}"
            );
        }
    }

    #[test]
    fn a_result_has_at_most_two_hundred_digits() {
        use Operation::{Add, Multiply, Subtract};
        let nines = "9".repeat(100);
        let ones = "1".repeat(100);
        assert_eq!(
            result(&nines, Multiply, &nines).map(|text| text.len()),
            Some("9.e199".len() + 199)
        );
        assert!(result("1e199", Add, "1").is_some());
        assert_eq!(result("1e200", Add, "1"), None);
        // 200 digits: nines from 199 to 0.
        assert!(result("1e200", Subtract, "1").is_some());
        assert_eq!(result("1e201", Subtract, "1"), None);
        assert_eq!(result("1e1000", Add, "1e-1000"), None);
        assert_eq!(result("1e-1000", Subtract, "1e1000"), None);
        assert_eq!(result("0", Add, "1e-1000").as_deref(), Some("1e-1000"));
        // Only what is significant counts.
        assert!(result("1e1000", Multiply, "1e1000").is_some());
        // Every place at which the digits of a limb may begin.
        for shift in 0..20 {
            let (low, high) = (format!("1e-{shift}"), format!("1e{}", 199 - shift));
            assert!(result(&high, Add, &low).is_some(), "{shift}");
            let beyond = format!("1e{}", 200 - shift);
            assert_eq!(result(&beyond, Add, &low), None, "{shift}");
            assert!(result(&beyond, Subtract, &low).is_some(), "{shift}");
            let (one, other) = (
                format!("{ones}e{shift}"),
                format!("{nines}e-{}", 100 - shift),
            );
            let sum = Computed::of(number(&one))
                .with(Add, number(&other))
                .unwrap();
            let back = sum.with(Subtract, number(&other)).unwrap();
            assert!(back.number().compare(number(&one)).is_eq());
            let more = format!("{nines}e-{}", 101 - shift);
            assert!(
                Computed::of(number(&one))
                    .with(Add, number(&more))
                    .is_none()
            );
        }
    }

    #[test]
    fn what_was_computed_has_its_place_among_numbers() {
        let line = [
            "-1e1000",
            "-12.5",
            "-1",
            "-1e-1000",
            "0",
            "1e-1000",
            "0.01",
            "1",
            "1.5",
            "999999999999999999",
            "1e18",
            "1000000000000000001",
            "1e1000",
        ];
        for (index, one) in line.iter().enumerate() {
            for (other_index, other) in line.iter().enumerate() {
                let computed = Computed::Exact(Exact::of(number(one)));
                let order = index.cmp(&other_index);
                assert_eq!(
                    computed.number().compare(number(other)),
                    order,
                    "{one} {other}"
                );
                assert_eq!(
                    number(other).compare(computed.number()),
                    order.reverse(),
                    "{other} {one}"
                );
                let both = Computed::Exact(Exact::of(number(other)));
                assert_eq!(
                    computed.number().compare(both.number()),
                    order,
                    "{one} {other}"
                );
            }
        }
    }

    /// Against integers, with the point put elsewhere.
    #[test]
    fn agrees_with_integers_whatever_the_exponents() {
        let mut state = 7u64;
        let mut random = move || {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1);
            (state >> 20) as i64
        };
        for _ in 0..2_000 {
            let values: Vec<i64> = (0..2)
                .map(|_| random() % 10i64.pow(1 + (random().unsigned_abs() % 17) as u32))
                .collect();
            let [one, other] = values[..] else { continue };
            let shift = random() % 40 - 20;
            let written = |value: i64| format!("{value}e{shift}");
            for (operation, wanted, factor) in [
                (Operation::Add, i128::from(one) + i128::from(other), 1),
                (Operation::Subtract, i128::from(one) - i128::from(other), 1),
                (Operation::Multiply, i128::from(one) * i128::from(other), 2),
            ] {
                let computed = Computed::of(number(&written(one)))
                    .with(operation, number(&written(other)))
                    .unwrap();
                let wanted = format!("{wanted}e{}", shift * factor);
                assert!(
                    computed
                        .number()
                        .compare(Number::Text(wanted.as_bytes()))
                        .is_eq(),
                    "{one} {operation:?} {other} e{shift}"
                );
            }
        }
    }
}
