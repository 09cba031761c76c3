//! Values met during evaluation, and how they compare.

use core::cmp::Ordering;

use crate::{
    json::{Document, LEN_MASK, Node, Text, kind, kind_of},
    number::Number,
    plan::{Damaged, Ref, View, layout::literal},
};

/// True, false or undefined. Only *true* lets a call pass.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Truth {
    /// The condition does not hold.
    False,
    /// The condition holds.
    True,
    /// The condition is about something that is absent or misshapen.
    #[default]
    Undefined,
}

impl Truth {
    pub(crate) fn of(holds: bool) -> Self {
        if holds { Self::True } else { Self::False }
    }

    pub(crate) fn not(self) -> Self {
        match self {
            Self::False => Self::True,
            Self::True => Self::False,
            Self::Undefined => Self::Undefined,
        }
    }
}

impl core::ops::Not for Truth {
    type Output = Self;

    fn not(self) -> Self {
        Self::not(self)
    }
}

impl core::ops::BitAnd for Truth {
    type Output = Self;

    fn bitand(self, other: Self) -> Self {
        match (self, other) {
            (Self::False, _) | (_, Self::False) => Self::False,
            (Self::True, Self::True) => Self::True,
            _ => Self::Undefined,
        }
    }
}

impl core::ops::BitOr for Truth {
    type Output = Self;

    fn bitor(self, other: Self) -> Self {
        match (self, other) {
            (Self::True, _) | (_, Self::True) => Self::True,
            (Self::False, Self::False) => Self::False,
            _ => Self::Undefined,
        }
    }
}

impl From<bool> for Truth {
    fn from(holds: bool) -> Self {
        Self::of(holds)
    }
}

/// A value.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) enum Value<'a> {
    #[default]
    Null,
    Bool(bool),
    Number(Number<'a>),
    String(Text<'a>),
    List(List<'a>),
    Object(&'a Document<'a>, &'a Node),
}

/// A list: from a document or from the plan.
#[derive(Debug, Clone, Copy)]
pub(crate) enum List<'a> {
    Document(&'a Document<'a>, &'a Node),
    /// The literal's record.
    Plan(Ref),
}

impl<'a> Value<'a> {
    #[inline]
    pub(crate) fn of_node(document: &'a Document<'a>, node: &'a Node) -> Self {
        let raw = || document.raw(node);
        match kind_of(node) {
            kind::FALSE => Self::Bool(false),
            kind::TRUE => Self::Bool(true),
            kind::NUMBER => Self::Number(Number::from_json(raw())),
            kind::STRING => Self::String(Text::plain(raw())),
            kind::ESCAPED => Self::String(Text::json(raw(), true)),
            kind::LIST => Self::List(List::Document(document, node)),
            kind::OBJECT => Self::Object(document, node),
            _ => Self::Null,
        }
    }

    #[inline]
    pub(crate) fn of_literal(plan: View<'a>, at: usize) -> Self {
        let [kind] = plan.record(at);
        match kind & 0xff {
            literal::NULL => Self::Null,
            literal::FALSE => Self::Bool(false),
            literal::TRUE => Self::Bool(true),
            literal::INTEGER => {
                let [_, low, high] = plan.record(at);
                Self::Number(Number::Integer(
                    (u64::from(high) << 32 | u64::from(low)) as i64,
                ))
            }
            literal::NUMBER => Self::Number(Number::from_json(plan.text(at, 1))),
            literal::STRING => Self::String(Text::plain(plan.text(at, 1))),
            literal::LIST => Self::List(List::Plan(at)),
            _ => plan.fail(Damaged::LiteralKind),
        }
    }

    /// The type, in the order that lists are put in.
    fn kind(&self) -> u32 {
        match self {
            Self::Null => 0,
            Self::Bool(_) => 1,
            Self::Number(_) => 2,
            Self::String(_) => 3,
            Self::List(_) => 4,
            Self::Object(..) => 5,
        }
    }

    pub(crate) fn same_type(&self, other: &Self) -> bool {
        self.kind() == other.kind()
    }

    /// The name of the type, as policies write it.
    pub(crate) fn type_name(&self) -> &'static [u8] {
        match self {
            Self::Null => b"null",
            Self::Bool(_) => b"boolean",
            Self::Number(_) => b"number",
            Self::String(_) => b"text",
            Self::List(_) => b"list",
            Self::Object(..) => b"object",
        }
    }

    /// `==` of two values neither of which is a literal `null`: undefined for values of different types.
    pub(crate) fn equals(&self, plan: View<'a>, other: &Self) -> Truth {
        if !self.same_type(other) {
            return Truth::Undefined;
        }
        Truth::of(self.is_equal(plan, other))
    }

    /// JSON equality.
    pub(crate) fn is_equal(&self, plan: View<'a>, other: &Self) -> bool {
        self.order(plan, other, 0).is_eq()
    }

    /// One order of all values: by type, then by value; deep, where more elements or members come later. Looks at no more of either
    /// value than the smaller one has, if the members of objects are sorted.
    pub(crate) fn order(&self, plan: View<'a>, other: &Self, depth: u32) -> Ordering {
        if depth > crate::json::MAX_DEPTH as u32 {
            plan.fail::<()>(Damaged::LiteralDepth);
            return Ordering::Less;
        }
        match (self, other) {
            (Self::Bool(one), Self::Bool(other)) => one.cmp(other),
            (Self::Number(one), Self::Number(other)) => one.compare(*other),
            (Self::String(one), Self::String(other)) => {
                if one.equals(*other) {
                    Ordering::Equal
                } else {
                    one.compare(*other)
                }
            }
            (Self::List(one), Self::List(other)) => {
                let len = one.len(plan);
                let mut order = len.cmp(&other.len(plan));
                for index in 0..len {
                    if order.is_ne() {
                        break;
                    }
                    order = one
                        .get(plan, index)
                        .order(plan, &other.get(plan, index), depth + 1);
                }
                order
            }
            (Self::Object(one_document, one), Self::Object(other_document, other)) => {
                let (ours, theirs) = (one_document.children(one), other_document.children(other));
                let mut order = ours.len().cmp(&theirs.len());
                for (member, opposite) in ours.iter().zip(theirs) {
                    if order.is_ne() {
                        break;
                    }
                    order = one_document
                        .name(member)
                        .compare(other_document.name(opposite))
                        .then_with(|| {
                            Self::of_node(one_document, member).order(
                                plan,
                                &Self::of_node(other_document, opposite),
                                depth + 1,
                            )
                        });
                }
                order
            }
            (one, other) => one.kind().cmp(&other.kind()),
        }
    }

    /// Number with number, string with string; nothing for anything else.
    pub(crate) fn compare(&self, other: &Self) -> Option<Ordering> {
        match (self, other) {
            (Self::Number(one), Self::Number(other)) => Some(one.compare(*other)),
            (Self::String(one), Self::String(other)) => Some(one.compare(*other)),
            _ => None,
        }
    }

    /// Elements of a list, members of an object, code points of a string.
    pub(crate) fn count(&self, plan: View<'a>) -> Option<u32> {
        match self {
            Self::String(text) => Some(text.code_points() as u32),
            Self::List(list) => Some(list.len(plan)),
            Self::Object(_, node) => Some(node[3] & LEN_MASK),
            _ => None,
        }
    }
}

impl<'a> List<'a> {
    pub(crate) fn len(&self, plan: View<'a>) -> u32 {
        match self {
            Self::Document(_, node) => node[3] & LEN_MASK,
            Self::Plan(at) => plan.count(*at, 1) as u32,
        }
    }

    pub(crate) fn get(&self, plan: View<'a>, index: u32) -> Value<'a> {
        match self {
            Self::Document(document, node) => {
                Value::of_node(document, document.node(node[2].wrapping_add(index)))
            }
            Self::Plan(at) => Value::of_literal(plan, plan.reference(*at, index as usize + 2)),
        }
    }
}
