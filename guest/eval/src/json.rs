//! The strict reader of arguments and facts.
//!
//! A text is read once, from its first byte to its last, into nodes that the caller provides. Nothing is recursive, nothing is
//! allocated, and the work is at most n log n in the length of any text, even an attacker's: repeated names are found by
//! hashing, and where hashing degenerates, by sorting.

use crate::bytes;

mod case;
mod members;
mod portable;
mod reader;
pub(crate) mod text;
mod tree;

pub use case::fold as fold_case;
pub(crate) use reader::{Fault, Manner, Reason, is_number, read};
pub(crate) use text::Text;
pub use tree::{Tree, TreeValue};

/// One JSON value, with its name if it is a member of an object:
///
/// | word | meaning |
/// |---|---|
/// | 0 | where the name begins in the text |
/// | 1 | the name's length; the highest bit: it contains escapes |
/// | 2 | scalars: where the value begins in the text; lists and objects: the first child's index |
/// | 3 | scalars: the length; lists and objects: the number of children; the highest four bits: the kind |
pub type Node = [u32; 4];

/// How deep lists and objects may be nested, the outermost one included.
pub const MAX_DEPTH: usize = 64;
/// How many digits a number may have.
pub const MAX_DIGITS: usize = 100;
/// The largest exponent, either sign.
pub const MAX_EXPONENT: u32 = 1000;

/// How many nodes a text of that many bytes can need.
pub(crate) const fn nodes_for(bytes: usize) -> usize {
    // Each value but the last is followed by at least one byte that belongs to no value, except for lists and objects that are
    // not closed: there are at most as many as may be nested.
    let open = if bytes < MAX_DEPTH { bytes } else { MAX_DEPTH };
    bytes / 2 + 2 + open
}

/// How many slots a text of that many bytes can need for finding repeated names.
pub(crate) const fn slots_for(bytes: usize) -> usize {
    // The shortest member, with its comma, has five bytes. The table has at least two slots a member and is a power of two.
    let members = bytes / 5 + 1;
    if members <= members::FEW {
        0
    } else {
        (members * 2).next_power_of_two()
    }
}

/// The kinds of node.
pub(crate) mod kind {
    pub(crate) const NULL: u32 = 0;
    pub(crate) const FALSE: u32 = 1;
    pub(crate) const TRUE: u32 = 2;
    pub(crate) const NUMBER: u32 = 3;
    pub(crate) const STRING: u32 = 4;
    pub(crate) const ESCAPED: u32 = 5;
    pub(crate) const LIST: u32 = 6;
    pub(crate) const OBJECT: u32 = 7;
}

pub(crate) const KIND_SHIFT: u32 = 28;
pub(crate) const LEN_MASK: u32 = (1 << KIND_SHIFT) - 1;
pub(crate) const NAME_ESCAPED: u32 = 1 << 31;

/// A JSON text and its nodes. The root is the first.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Document<'a> {
    pub(crate) text: &'a [u8],
    pub(crate) nodes: &'a [Node],
}

impl<'a> Document<'a> {
    /// The node at an index; of a document that ends before it, `null`.
    #[inline]
    pub(crate) fn node(&self, index: u32) -> &'a Node {
        self.nodes.get(index as usize).unwrap_or(&[0; 4])
    }

    /// The elements or members of a list or object.
    #[inline]
    pub(crate) fn children(&self, parent: &Node) -> &'a [Node] {
        let (first, count) = (parent[2] as usize, (parent[3] & LEN_MASK) as usize);
        self.nodes
            .get(first..)
            .and_then(|rest| rest.get(..count))
            .unwrap_or_default()
    }

    /// The text of a scalar.
    #[inline]
    pub(crate) fn raw(&self, scalar: &Node) -> &'a [u8] {
        let (start, len) = (scalar[2] as usize, (scalar[3] & LEN_MASK) as usize);
        self.text
            .get(start..)
            .and_then(|rest| rest.get(..len))
            .unwrap_or_default()
    }

    pub(crate) fn name(&self, node: &Node) -> Text<'a> {
        name_in(self.text, node)
    }

    /// The member of that name.
    #[inline(never)]
    pub(crate) fn member(&self, object: &Node, name: &[u8]) -> Option<&'a Node> {
        self.member_at_once(object, name)
    }

    /// [`Self::member`] where speed matters more than size.
    #[inline(always)]
    pub(crate) fn member_at_once(&self, object: &Node, name: &[u8]) -> Option<&'a Node> {
        self.children(object).iter().find(|member| {
            if member[1] as usize == name.len() {
                bytes::equal(self.name(member).raw, name)
            } else {
                member[1] & NAME_ESCAPED != 0 && self.name(member).equals(Text::plain(name))
            }
        })
    }

    /// The index of a node of this document.
    pub(crate) fn index_of(&self, node: &Node) -> Option<u32> {
        u32::try_from(self.nodes.element_offset(node)?).ok()
    }
}

#[inline]
pub(crate) fn kind_of(node: &Node) -> u32 {
    node[3] >> KIND_SHIFT
}

/// The name of a member, in the text that it was read from.
#[inline]
fn name_in<'a>(text: &'a [u8], node: &Node) -> Text<'a> {
    let start = node[0] as usize;
    let len = (node[1] & !NAME_ESCAPED) as usize;
    let raw = text
        .get(start..)
        .and_then(|rest| rest.get(..len))
        .unwrap_or_default();
    Text::json(raw, node[1] & NAME_ESCAPED != 0)
}
