//! International bank account numbers.

use iban::{Iban, IbanLike};

/// The normal form of an account number: upper case, without blanks. Its check digits hold, and it has the form of its country.
pub(crate) fn normal(number: &str) -> Option<String> {
    // 34 characters in groups of four.
    if number.len() > 34 + 8 || !number.is_ascii() {
        return None;
    }
    let number: Iban = number.to_ascii_uppercase().parse().ok()?;
    Some(number.electronic_str().to_owned())
}

/// Whether a group of four can begin one: a country and two check digits.
pub(crate) fn begins(group: &str) -> bool {
    match group.as_bytes() {
        [a, b, c, d] => {
            a.is_ascii_alphabetic()
                && b.is_ascii_alphabetic()
                && c.is_ascii_digit()
                && d.is_ascii_digit()
        }
        _ => false,
    }
}
