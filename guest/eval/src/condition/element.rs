//! What a path leads to, what `.` is, and what quantifiers go over.

use core::slice;

use crate::{
    json::{Document, LEN_MASK, Node, Text, kind, kind_of},
    plan::{Ref, View, layout::literal},
    value::{List, Value},
};

/// What the innermost quantifier looks at.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Element<'a> {
    /// There is no quantifier.
    None,
    /// A value of the request.
    Node(&'a Document<'a>, &'a Node),
    /// A member of an object: `.name` and `.value`.
    Member(&'a Document<'a>, &'a Node),
    /// A text: of a value, of a name, of the role or the tool.
    Text(Text<'a>),
    /// A literal of the plan.
    Literal(Ref),
}

/// The value at a path.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Found<'a> {
    /// A value of the request.
    Node(&'a Document<'a>, &'a Node),
    /// The role, the tool, or the name of a member.
    Text(Text<'a>),
    /// A literal of the plan.
    Literal(Ref),
}

impl<'a> Found<'a> {
    #[inline(never)]
    pub(crate) fn value(self, plan: View<'a>) -> Value<'a> {
        match self {
            Self::Node(document, node) => Value::of_node(document, node),
            Self::Text(text) => Value::String(text),
            Self::Literal(at) => Value::of_literal(plan, at),
        }
    }

    /// The same as what a condition is asked of.
    pub(crate) fn element(self) -> Element<'a> {
        match self {
            Self::Node(document, node) => Element::Node(document, node),
            Self::Text(text) => Element::Text(text),
            Self::Literal(at) => Element::Literal(at),
        }
    }
}

/// What a quantifier goes over, one after the other.
#[derive(Debug, Clone)]
pub(crate) enum Elements<'a> {
    /// The elements of a list.
    Nodes(&'a Document<'a>, slice::Iter<'a, Node>),
    /// The members of an object.
    Members(&'a Document<'a>, slice::Iter<'a, Node>),
    /// The elements of a literal list, from an index on.
    Literals(View<'a>, Ref, usize),
    /// A value or name, and then the nodes in turn: the texts at and below a value, with the names of members.
    Texts {
        document: &'a Document<'a>,
        /// The value whose text, or name, comes next.
        ahead: Option<&'a Node>,
        /// Whether its name has come already, or does not belong there.
        named: bool,
        /// What stands below.
        rest: slice::Iter<'a, Node>,
    },
    /// A text by itself.
    Text(Option<Text<'a>>),
}

impl<'a> Elements<'a> {
    /// The elements of a list. None: it is no list.
    pub(crate) fn of_list(found: Found<'a>, plan: View<'a>) -> Option<Self> {
        match found {
            Found::Node(document, list) if kind_of(list) == kind::LIST => {
                Some(Self::Nodes(document, document.children(list).iter()))
            }
            Found::Literal(at) => match Value::of_literal(plan, at) {
                Value::List(List::Plan(..)) => Some(Self::Literals(plan, at, 0)),
                _ => None,
            },
            Found::Node(..) | Found::Text(_) => None,
        }
    }

    /// The members of an object. None: it is none.
    pub(crate) fn of_object(found: Found<'a>) -> Option<Self> {
        match found {
            Found::Node(document, object) if kind_of(object) == kind::OBJECT => {
                Some(Self::Members(document, document.children(object).iter()))
            }
            Found::Node(..) | Found::Text(_) | Found::Literal(_) => None,
        }
    }

    /// The texts at and below a value of the request, or a text.
    pub(crate) fn texts(document: &'a Document<'a>, node: &'a Node) -> Self {
        Self::Texts {
            document,
            ahead: Some(node),
            named: true,
            rest: document.below(node).iter(),
        }
    }
}

impl<'a> Iterator for Elements<'a> {
    type Item = Element<'a>;

    #[inline(never)]
    fn next(&mut self) -> Option<Element<'a>> {
        match self {
            Self::Nodes(document, rest) => Some(Element::Node(document, rest.next()?)),
            Self::Members(document, rest) => Some(Element::Member(document, rest.next()?)),
            Self::Literals(plan, list, index) => {
                let at = literal_element(*plan, *list, *index)?;
                *index += 1;
                Some(Element::Literal(at))
            }
            Self::Texts {
                document,
                ahead,
                named,
                rest,
            } => loop {
                let node = match ahead.take() {
                    Some(node) => node,
                    None => {
                        *named = false;
                        rest.next()?
                    }
                };
                // The elements of lists have no name: it would begin behind the first byte.
                if !*named && node[0] != 0 {
                    *named = true;
                    *ahead = Some(node);
                    return Some(Element::Text(document.name(node)));
                }
                if let Value::String(text) = Value::of_node(document, node) {
                    return Some(Element::Text(text));
                }
            },
            Self::Text(text) => text.take().map(Element::Text),
        }
    }
}

/// The element of a literal list. None: there is none, or it is no list.
pub(crate) fn literal_element(plan: View<'_>, list: Ref, index: usize) -> Option<Ref> {
    let is_there = plan.word(list, 0) == literal::LIST && index < plan.count(list, 1);
    is_there.then(|| plan.reference(list, index.wrapping_add(2)))
}

impl<'a> Document<'a> {
    /// All nodes below a value, in no order that matters: the reader puts the children of what is closed in front of those of what was
    /// closed before, so that they stand together.
    fn below(&self, value: &Node) -> &'a [Node] {
        let first = value[2] as usize;
        let mut end = first;
        let mut around = Some(value);
        while let Some(parent) = around {
            let children = match kind_of(parent) {
                kind::LIST | kind::OBJECT => self.children(parent),
                _ => &[],
            };
            if !children.is_empty() {
                end = (parent[2] as usize).saturating_add(children.len());
            }
            // Of the children that have children, the one that was closed first has them last.
            around = children
                .iter()
                .filter(|child| {
                    matches!(kind_of(child), kind::LIST | kind::OBJECT) && child[3] & LEN_MASK != 0
                })
                .max_by_key(|child| child[2]);
        }
        self.nodes.get(first..end).unwrap_or_default()
    }
}
