//! Numbers as rows of digits: nothing is rounded.

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

/// The most digits that count of what is calculated.
const DIGITS: usize = 200;

/// A sum, a difference or a product, written out. None: it has too many digits that count, which are those between the first and the last
/// that is not zero.
pub(super) fn calculate(left: &str, op: char, right: &str) -> Option<String> {
    let (left, right) = (Digits::of(left), Digits::of(right));
    let places = left.fraction.len().max(right.fraction.len());
    let (a, b) = (left.row(places), right.row(places));
    let (negative, row, places) = match op {
        '*' => (left.negative != right.negative, product(&a, &b), 2 * places),
        _ => {
            let other = right.negative != (op == '-');
            if left.negative == other {
                (left.negative, sum(&a, &b), places)
            } else if left.magnitude(&right) == Ordering::Less {
                (other, difference(&b, &a), places)
            } else {
                (left.negative, difference(&a, &b), places)
            }
        }
    };
    let digits: String = row
        .iter()
        .rev()
        .map(|digit| char::from(b'0' + digit))
        .collect();
    if digits.trim_matches('0').len() > DIGITS {
        return None;
    }
    let digits = format!("{digits:0>width$}", width = places + 1);
    let (integer, fraction) = digits.split_at(digits.len() - places);
    let integer = match integer.trim_start_matches('0') {
        "" => "0",
        other => other,
    };
    let point = if fraction.is_empty() { "" } else { "." };
    let sign = if negative { "-" } else { "" };
    Some(format!("{sign}{integer}{point}{fraction}"))
}

/// Rows of digits, the last one first.
type Row = Vec<u8>;

fn sum(a: &[u8], b: &[u8]) -> Row {
    let mut out = Row::new();
    let mut carry = 0;
    for at in 0..a.len().max(b.len()) + 1 {
        let digit = a.get(at).unwrap_or(&0) + b.get(at).unwrap_or(&0) + carry;
        out.push(digit % 10);
        carry = digit / 10;
    }
    out
}

/// Of a row and a smaller one.
fn difference(a: &[u8], b: &[u8]) -> Row {
    let mut out = Row::new();
    let mut borrowed = 0;
    for (at, digit) in a.iter().enumerate() {
        let less = b.get(at).unwrap_or(&0) + borrowed;
        borrowed = u8::from(*digit < less);
        out.push(digit + 10 * borrowed - less);
    }
    out
}

/// As at school, without what is zero.
fn product(a: &[u8], b: &[u8]) -> Row {
    let mut out = Row::new();
    for (at, digit) in a.iter().enumerate().filter(|(_, digit)| **digit != 0) {
        let mut line = vec![0; at];
        let mut carry = 0;
        for other in b {
            let product = digit * other + carry;
            line.push(product % 10);
            carry = product / 10;
        }
        line.push(carry);
        out = sum(&out, &line);
    }
    out
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

    /// Its digits, the last one first, with so many behind the point.
    fn row(&self, places: usize) -> Row {
        let digits = format!("{}{:0<places$}", self.integer, self.fraction);
        digits.bytes().rev().map(|digit| digit - b'0').collect()
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
    fn calculates_as_at_school() {
        for (left, op, right, expected) in [
            ("0.1", '+', "0.2", "0.3"),
            ("1", '-', "1", "0"),
            ("-1", '-', "-1.5", "0.5"),
            ("1", '-', "1.5", "-0.5"),
            ("-0.5", '*', "0.5", "-0.25"),
            ("0", '*', "-7", "0"),
            ("999", '+', "1", "1000"),
            ("1000", '-', "1", "999"),
            (
                "12345678901234567890",
                '*',
                "98765432109876543210",
                "1219326311370217952237463801111263526900",
            ),
            ("1e1000", '*', "1e-1000", "1"),
            ("25e-2", '*', "4", "1"),
        ] {
            let found = calculate(left, op, right).unwrap();
            assert_eq!(
                compare(&found, expected),
                Ordering::Equal,
                "{left} {op} {right}: {found}"
            );
        }
        // 200 digits that count, and one more.
        let nines = "9".repeat(100);
        assert!(calculate(&nines, '*', &nines).is_some());
        assert!(calculate("1e199", '+', "1").is_some());
        assert!(calculate("1e200", '+', "1").is_none());
        assert!(calculate("1e1000", '*', "1e1000").is_some());
    }

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
