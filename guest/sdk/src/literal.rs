//! What a policy compares values with.

use alloc::{format, vec};

use hexgate_eval::Tree;

/// A constant that a value is compared with: a text, a whole number, a boolean, [`Literal::Null`], or a number by [`decimal`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Literal<'a> {
    /// `null`
    Null,
    /// `true` or `false`
    Boolean(bool),
    /// A whole number
    Integer(i64),
    /// A number, for [`decimal`].
    Decimal(Decimal<'a>),
    /// A text
    Text(&'a str),
}

/// A number that is not whole, or large. See [`decimal`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Decimal<'a>(pub(crate) Option<&'a str>);

/// The number that a JSON number says, exact: `decimal("0.30")`. Of a text that is none every condition is undefined.
pub fn decimal(number: &str) -> Literal<'_> {
    Literal::Decimal(Decimal(is_number(number).then_some(number)))
}

/// Whether the strict reader takes it for a number.
fn is_number(text: &str) -> bool {
    let document = format!("{{\"n\":{text}}}");
    let mut nodes = vec![[0; 4]; Tree::nodes_for(document.len())];
    let mut slots = vec![0; Tree::slots_for(document.len())];
    Tree::read(&document, &mut nodes, &mut slots).is_some_and(|tree| {
        let number = tree.member(tree.root(), "n").and_then(|n| tree.number(n));
        number == Some(text)
    })
}

impl<'a> From<&'a str> for Literal<'a> {
    fn from(text: &'a str) -> Self {
        Self::Text(text)
    }
}

impl From<bool> for Literal<'_> {
    fn from(value: bool) -> Self {
        Self::Boolean(value)
    }
}

impl From<i64> for Literal<'_> {
    fn from(number: i64) -> Self {
        Self::Integer(number)
    }
}

impl From<i32> for Literal<'_> {
    fn from(number: i32) -> Self {
        Self::Integer(number.into())
    }
}

impl From<u32> for Literal<'_> {
    fn from(number: u32) -> Self {
        Self::Integer(number.into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_numbers_are_decimals() {
        for number in ["0", "-0.5", "12.50", "1e-9"] {
            assert_eq!(decimal(number), Literal::Decimal(Decimal(Some(number))));
        }
        for text in [
            "",
            " 1",
            "1 ",
            "01",
            ".5",
            "+1",
            "1,\"m\":2",
            "\"1\"",
            "NaN",
            "1e1001",
        ] {
            assert_eq!(decimal(text), Literal::Decimal(Decimal(None)), "{text}");
        }
    }
}
