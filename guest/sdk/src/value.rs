//! Values of a call. Each may be absent, or of any kind, and every question about it has an answer.

use alloc::{borrow::Cow, string::String};
use core::fmt;

use hexgate_eval::{Tree, TreeValue};

use crate::Denial;

/// A value in the arguments or facts of a call, or the absence of one.
#[derive(Debug, Clone, Copy)]
pub struct Value<'a> {
    pub(crate) found: Found<'a>,
    /// What messages call it: the name that it was asked for by.
    pub(crate) name: &'a str,
}

#[derive(Debug, Clone, Copy)]
pub(crate) enum Found<'a> {
    Absent,
    Json(Tree<'a>, TreeValue),
    /// A number that stands in no text: the size of something.
    Size(usize),
}

/// What a value is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// It is not there.
    Absent,
    /// `null`
    Null,
    /// `true` or `false`
    Boolean,
    /// A number
    Number,
    /// A string
    Text,
    /// A list
    List,
    /// An object
    Object,
}

/// A value is absent, or not of the kind that was asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mismatch {
    name: String,
    expected: &'static str,
    found: Kind,
}

impl<'a> Value<'a> {
    pub(crate) fn root(tree: Tree<'a>, name: &'static str) -> Self {
        Self {
            found: Found::Json(tree, tree.root()),
            name,
        }
    }

    pub(crate) fn absent(name: &'a str) -> Self {
        Self {
            found: Found::Absent,
            name,
        }
    }

    /// The member of that name. Absent too if this is no object.
    pub fn get(&self, name: &'a str) -> Self {
        let found = match self.found {
            Found::Json(tree, object) => tree
                .member(object, name)
                .map_or(Found::Absent, |member| Found::Json(tree, member)),
            Found::Absent | Found::Size(_) => Found::Absent,
        };
        Self { found, name }
    }

    /// What it is.
    pub fn kind(&self) -> Kind {
        match self.found {
            Found::Absent => Kind::Absent,
            Found::Size(_) => Kind::Number,
            Found::Json(_, value) => match value {
                TreeValue::Null => Kind::Null,
                TreeValue::Bool(_) => Kind::Boolean,
                TreeValue::Number(_) => Kind::Number,
                TreeValue::String(_) => Kind::Text,
                TreeValue::List(_) => Kind::List,
                TreeValue::Object(_) => Kind::Object,
            },
        }
    }

    /// A boolean.
    ///
    /// # Errors
    /// It is something else, or absent.
    pub fn boolean(&self) -> Result<bool, Mismatch> {
        match self.found {
            Found::Json(_, TreeValue::Bool(value)) => Ok(value),
            _ => Err(self.mismatch("a boolean")),
        }
    }

    /// A string, unescaped; borrowed if nothing in it was escaped.
    ///
    /// # Errors
    /// It is something else, or absent.
    pub fn text(&self) -> Result<Cow<'a, str>, Mismatch> {
        self.json()
            .and_then(|(tree, value)| tree.text(value))
            .ok_or_else(|| self.mismatch("a text"))
    }

    /// A number as it is written: at most 100 digits, an exponent within ±1,000. Two spellings can be the same number: compare with
    /// the conditions, which are exact.
    ///
    /// # Errors
    /// It is something else, or absent.
    pub fn number(&self) -> Result<&'a str, Mismatch> {
        self.json()
            .and_then(|(tree, value)| tree.number(value))
            .ok_or_else(|| self.mismatch("a number"))
    }

    /// A whole number, however it is written: `5`, `5.0` and `0.5e1` are the same.
    ///
    /// # Errors
    /// It is something else, absent, not whole, or does not fit.
    pub fn integer(&self) -> Result<i64, Mismatch> {
        let value = match self.found {
            Found::Size(size) => i64::try_from(size).ok(),
            _ => self.number().ok().and_then(integer),
        };
        value.ok_or_else(|| self.mismatch("a whole number of 64 bits"))
    }

    /// The elements of a list.
    ///
    /// # Errors
    /// It is something else, or absent.
    pub fn elements(
        &self,
    ) -> Result<impl ExactSizeIterator<Item = Value<'a>> + Clone + use<'a>, Mismatch> {
        let (tree, list) = self.json().ok_or_else(|| self.mismatch("a list"))?;
        let elements = tree.elements(list).ok_or_else(|| self.mismatch("a list"))?;
        let name = self.name;
        Ok(elements.map(move |element| Value {
            found: Found::Json(tree, element),
            name,
        }))
    }

    /// The members of an object, with their names.
    ///
    /// # Errors
    /// It is something else, or absent.
    pub fn members(
        &self,
    ) -> Result<impl ExactSizeIterator<Item = (Cow<'a, str>, Value<'a>)> + Clone + use<'a>, Mismatch>
    {
        let (tree, object) = self.json().ok_or_else(|| self.mismatch("an object"))?;
        let members = tree
            .members(object)
            .ok_or_else(|| self.mismatch("an object"))?;
        let name = self.name;
        Ok(members.map(move |(member, value)| {
            let found = Found::Json(tree, value);
            (member, Value { found, name })
        }))
    }

    pub(crate) fn json(&self) -> Option<(Tree<'a>, TreeValue)> {
        match self.found {
            Found::Json(tree, value) => Some((tree, value)),
            Found::Absent | Found::Size(_) => None,
        }
    }

    fn mismatch(&self, expected: &'static str) -> Mismatch {
        Mismatch {
            name: self.name.into(),
            expected,
            found: self.kind(),
        }
    }
}

/// The value of a JSON number that is whole and fits.
fn integer(text: &str) -> Option<i64> {
    if let Ok(value) = text.parse() {
        return Some(value);
    }
    let (mantissa, exponent) = match text.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, exponent.parse::<i32>().ok()?),
        None => (text, 0),
    };
    let (negative, mantissa) = match mantissa.strip_prefix('-') {
        Some(mantissa) => (true, mantissa),
        None => (false, mantissa),
    };
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    // The digits stand for an integer times ten to the power of `exponent` once trailing zeros are taken off.
    let digits = || whole.bytes().chain(fraction.bytes());
    let zeros = digits().rev().take_while(|digit| *digit == b'0').count();
    let significant = digits().count().checked_sub(zeros)?;
    let exponent = exponent
        .checked_sub(i32::try_from(fraction.len()).ok()?)?
        .checked_add(i32::try_from(zeros).ok()?)?;
    let mut value: i128 = 0;
    for digit in digits().take(significant) {
        value = value
            .checked_mul(10)?
            .checked_add(i128::from(digit.wrapping_sub(b'0')))?;
    }
    if value == 0 {
        return Some(0);
    }
    value = value.checked_mul(10i128.checked_pow(u32::try_from(exponent).ok()?)?)?;
    i64::try_from(if negative { -value } else { value }).ok()
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Absent => "absent",
            Self::Null => "null",
            Self::Boolean => "a boolean",
            Self::Number => "a number",
            Self::Text => "a text",
            Self::List => "a list",
            Self::Object => "an object",
        })
    }
}

impl fmt::Display for Mismatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("`")?;
        f.write_str(&self.name)?;
        f.write_str("` must be ")?;
        f.write_str(self.expected)?;
        f.write_str(" (it is ")?;
        self.found.fmt(f)?;
        f.write_str(")")
    }
}

impl core::error::Error for Mismatch {}

impl From<Mismatch> for Denial {
    fn from(mismatch: Mismatch) -> Self {
        Self::because(alloc::string::ToString::to_string(&mismatch))
    }
}

#[cfg(test)]
mod tests {
    use core::cmp::Ordering;

    use alloc::string::ToString;
    use hexgate_eval::compare_numbers;
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn whole_numbers_are_read_however_they_are_written() {
        for (text, expected) in [
            ("0", Some(0)),
            ("-0", Some(0)),
            ("0.000e1000", Some(0)),
            ("5", Some(5)),
            ("-5.0", Some(-5)),
            ("0.5e1", Some(5)),
            ("5E+2", Some(500)),
            ("500e-2", Some(5)),
            ("5000000000000000000000000000000000000000000e-42", Some(5)),
            ("9223372036854775807", Some(i64::MAX)),
            ("-9223372036854775808", Some(i64::MIN)),
            ("-9223372036854775808.0", Some(i64::MIN)),
            ("9223372036854775808", None),
            ("9223372036854775808.0", None),
            ("1e19", None),
            ("1e1000", None),
            ("1e-1000", None),
            ("0.5", None),
            ("12.50", None),
        ] {
            assert_eq!(integer(text), expected, "{text}");
        }
    }

    proptest! {
        #[test]
        fn a_whole_number_is_equal_to_what_was_written(text in "-?(0|[1-9][0-9]{0,24})(\\.[0-9]{1,24})?([eE][+-]?[0-9]{1,3})?") {
            if let Some(value) = integer(&text) {
                prop_assert_eq!(compare_numbers(&text, &value.to_string()), Ordering::Equal);
            }
        }
    }
}
