//! Conditions about values, as in the policy language: true, false or undefined, and only *true* lets a call pass.

use core::cmp::Ordering;

use hexgate_eval::{Truth, compare_numbers};

use crate::{Kind, Literal, Value, literal::Decimal, value::Found};

/// A condition for [`require!`](crate::require): a [`Truth`] or a `bool`.
pub trait Holds {
    /// Whether it is true.
    fn holds(self) -> bool;
}

impl Holds for Truth {
    fn holds(self) -> bool {
        self == Truth::True
    }
}

impl Holds for bool {
    fn holds(self) -> bool {
        self
    }
}

impl<'a> Value<'a> {
    /// `present(p)`: whether it is there. `null` is there.
    pub fn is_present(&self) -> Truth {
        (self.kind() != Kind::Absent).into()
    }

    /// `==`: equal, numbers by exact value. Undefined if it is absent or of another kind, unless one of the two is `null`.
    pub fn is<'l>(&self, literal: impl Into<Literal<'l>>) -> Truth {
        let literal = literal.into();
        match (self.kind(), literal) {
            (Kind::Absent, _) => Truth::Undefined,
            (kind, Literal::Null) => (kind == Kind::Null).into(),
            (Kind::Boolean, Literal::Boolean(wanted)) => self
                .boolean()
                .map_or(Truth::Undefined, |found| (found == wanted).into()),
            _ => self.compared(literal, Ordering::is_eq),
        }
    }

    /// `!=`: what `==` is not. Undefined where that is.
    pub fn is_not<'l>(&self, literal: impl Into<Literal<'l>>) -> Truth {
        !self.is(literal)
    }

    /// `<`: numbers by exact value, texts by code point. Undefined if it is absent or of another kind.
    pub fn less_than<'l>(&self, literal: impl Into<Literal<'l>>) -> Truth {
        self.compared(literal.into(), Ordering::is_lt)
    }

    /// `<=`, see [`Value::less_than`].
    pub fn at_most<'l>(&self, literal: impl Into<Literal<'l>>) -> Truth {
        self.compared(literal.into(), Ordering::is_le)
    }

    /// `>`, see [`Value::less_than`].
    pub fn more_than<'l>(&self, literal: impl Into<Literal<'l>>) -> Truth {
        self.compared(literal.into(), Ordering::is_gt)
    }

    /// `>=`, see [`Value::less_than`].
    pub fn at_least<'l>(&self, literal: impl Into<Literal<'l>>) -> Truth {
        self.compared(literal.into(), Ordering::is_ge)
    }

    /// `in`: equal to one of these. Undefined if none of them is of its kind.
    pub fn one_of<'l, L: Into<Literal<'l>>>(&self, literals: impl IntoIterator<Item = L>) -> Truth {
        let mut found = Truth::Undefined;
        for literal in literals {
            match self.is(literal) {
                Truth::True => return Truth::True,
                Truth::False => found = Truth::False,
                Truth::Undefined => {}
            }
        }
        found
    }

    /// `not in`: what `in` is not. Undefined where that is.
    pub fn none_of<'l, L: Into<Literal<'l>>>(
        &self,
        literals: impl IntoIterator<Item = L>,
    ) -> Truth {
        !self.one_of(literals)
    }

    /// `startswith`: undefined if it is no text.
    pub fn starts_with(&self, prefix: &str) -> Truth {
        self.of_text(|text| text.starts_with(prefix))
    }

    /// `endswith`: undefined if it is no text.
    pub fn ends_with(&self, suffix: &str) -> Truth {
        self.of_text(|text| text.ends_with(suffix))
    }

    /// `contains`: undefined if it is no text.
    pub fn contains(&self, part: &str) -> Truth {
        self.of_text(|text| text.contains(part))
    }

    /// `only(p, [names])`: an object without other members. Undefined if it is no object.
    pub fn only(&self, names: &[&str]) -> Truth {
        match self.members() {
            Ok(mut members) => members
                .all(|(member, _)| names.contains(&member.as_ref()))
                .into(),
            Err(_) => Truth::Undefined,
        }
    }

    /// `count(p)`: the number of elements of a list, members of an object, code points of a text; absent for anything else.
    #[must_use]
    pub fn count(&self) -> Value<'a> {
        let size = match self.kind() {
            Kind::List => self.elements().ok().map(|elements| elements.len()),
            Kind::Object => self.members().ok().map(|members| members.len()),
            Kind::Text => self.text().ok().map(|text| text.chars().count()),
            _ => None,
        };
        Value {
            found: size.map_or(Found::Absent, Found::Size),
            ..*self
        }
    }

    /// `every(p, …)`: true of each element of a list; of an empty one it is true. Undefined if it is no list.
    pub fn every(&self, condition: impl FnMut(Value<'a>) -> Truth) -> Truth {
        match self.elements() {
            Ok(elements) => elements
                .map(condition)
                .fold(Truth::True, |all, one| all & one),
            Err(_) => Truth::Undefined,
        }
    }

    /// `any(p, …)`: true of some element of a list; of an empty one it is false. Undefined if it is no list.
    pub fn any(&self, condition: impl FnMut(Value<'a>) -> Truth) -> Truth {
        match self.elements() {
            Ok(elements) => elements
                .map(condition)
                .fold(Truth::False, |some, one| some | one),
            Err(_) => Truth::Undefined,
        }
    }

    fn of_text(&self, condition: impl FnOnce(&str) -> bool) -> Truth {
        match self.text() {
            Ok(text) => condition(&text).into(),
            Err(_) => Truth::Undefined,
        }
    }

    /// Number with number, text with text; undefined for anything else.
    fn compared(&self, literal: Literal<'_>, holds: impl FnOnce(Ordering) -> bool) -> Truth {
        self.order(literal)
            .map_or(Truth::Undefined, |order| holds(order).into())
    }

    fn order(&self, literal: Literal<'_>) -> Option<Ordering> {
        let mut buffer = itoa::Buffer::new();
        let wanted = match literal {
            Literal::Text(wanted) => return Some(self.text().ok()?.as_ref().cmp(wanted)),
            Literal::Integer(wanted) => buffer.format(wanted),
            Literal::Decimal(Decimal(wanted)) => wanted?,
            Literal::Null | Literal::Boolean(_) => return None,
        };
        match self.found {
            Found::Size(size) => Some(compare_numbers(itoa::Buffer::new().format(size), wanted)),
            _ => Some(compare_numbers(self.number().ok()?, wanted)),
        }
    }
}
