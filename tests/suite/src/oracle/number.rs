//! Numbers as rows of digits: nothing is rounded because nothing is calculated.

use std::cmp::Ordering;

/// Compares two JSON numbers by their exact decimal values.
pub(super) fn compare(left: &str, right: &str) -> Ordering {
    let (left, right) = (Digits::of(left), Digits::of(right));
    match (left.negative, right.negative) {
        (false, true) => Ordering::Greater,
        (true, false) => Ordering::Less,
        (false, false) => left.magnitude(&right),
        (true, true) => right.magnitude(&left),
    }
}

/// A number written out without an exponent.
struct Digits {
    /// Below zero. Zero itself never is.
    negative: bool,
    integer: String,
    fraction: String,
}

impl Digits {
    fn of(text: &str) -> Self {
        let (mantissa, exponent) = text.split_once(['e', 'E']).unwrap_or((text, "0"));
        let exponent: i32 = exponent.parse().unwrap_or(0);
        let unsigned = mantissa.strip_prefix('-').unwrap_or(mantissa);
        let (integer, fraction) = unsigned.split_once('.').unwrap_or((unsigned, ""));
        let (mut integer, mut fraction) = (integer.to_owned(), fraction.to_owned());
        for _ in 0..exponent {
            // The point moves right: the fraction's first digit becomes the integer's last.
            integer.push(if fraction.is_empty() {
                '0'
            } else {
                fraction.remove(0)
            });
        }
        for _ in exponent..0 {
            fraction.insert(0, integer.pop().unwrap_or('0'));
        }
        let integer = integer.trim_start_matches('0').to_owned();
        let fraction = fraction.trim_end_matches('0').to_owned();
        let zero = integer.is_empty() && fraction.is_empty();
        Self {
            negative: mantissa.starts_with('-') && !zero,
            integer,
            fraction,
        }
    }

    fn magnitude(&self, other: &Self) -> Ordering {
        // Without leading zeros the longer integer is the larger one; fractions compare digit by digit from the point on.
        self.integer
            .len()
            .cmp(&other.integer.len())
            .then_with(|| self.integer.cmp(&other.integer))
            .then_with(|| self.fraction.cmp(&other.fraction))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn compares_by_value() {
        let ascending = [
            "-1e1000",
            "-9007199254740993",
            "-9007199254740992",
            "-1.5",
            "-1",
            "-1e-1000",
            "-0.0",
            "1e-1000",
            "0.1",
            "0.10000000000000000001",
            "1",
            "1.5",
            "9.99e2",
            "1e3",
            "1000.01",
            "9007199254740992",
            "9007199254740993",
            "1e999",
            "1e1000",
        ];
        for (i, a) in ascending.iter().enumerate() {
            for (j, b) in ascending.iter().enumerate() {
                assert_eq!(compare(a, b), i.cmp(&j), "{a} and {b}");
            }
        }
        for (a, b) in [
            ("1", "1.0"),
            ("1e3", "1000"),
            ("0", "-0"),
            ("0e1000", "0.000"),
            ("12.50e-1", "1.25"),
            ("100E-2", "1"),
        ] {
            assert_eq!(compare(a, b), Ordering::Equal, "{a} and {b}");
        }
    }
}
