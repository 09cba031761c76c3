//! A JSON text for readers outside of this crate: the same strict reader, and values that can be asked.

use alloc::{borrow::Cow, string::String};

use super::{Document, Manner, Node, Text, kind, kind_of, nodes_for, read, slots_for};

/// A JSON text that the strict reader has accepted: an object.
#[derive(Debug, Clone, Copy)]
pub struct Tree<'a>(Document<'a>);

/// A value in a [`Tree`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TreeValue {
    /// `null`
    Null,
    /// `true` or `false`
    Bool(bool),
    /// A number, for [`Tree::number`].
    Number(Node),
    /// A string, for [`Tree::string`].
    String(Node),
    /// A list, for [`Tree::elements`].
    List(Node),
    /// An object, for [`Tree::member`].
    Object(Node),
}

impl<'a> Tree<'a> {
    /// How many nodes a text of that many bytes needs.
    pub const fn nodes_for(bytes: usize) -> usize {
        nodes_for(bytes)
    }

    /// How many slots a text of that many bytes needs.
    pub const fn slots_for(bytes: usize) -> usize {
        slots_for(bytes)
    }

    /// Reads a text. None: it is not an object that the strict reader accepts.
    pub fn read(text: &'a str, nodes: &'a mut [Node], slots: &mut [u32]) -> Option<Self> {
        let text = text.as_bytes();
        read(text, nodes, slots, Manner::default()).ok()?;
        Some(Self(Document { text, nodes }))
    }

    /// What was read elsewhere.
    pub(crate) fn of(document: Document<'a>) -> Self {
        Self(document)
    }

    /// The object that the text is.
    pub fn root(&self) -> TreeValue {
        value(self.0.node(0))
    }

    /// The member of that name. None: there is none, or this is not an object.
    pub fn member(&self, object: TreeValue, name: &str) -> Option<TreeValue> {
        match object {
            TreeValue::Object(node) => self.0.member(&node, name.as_bytes()).map(value),
            _ => None,
        }
    }

    /// The members with their names, in the order in which they were read. None: this is not an object.
    pub fn members(
        &self,
        object: TreeValue,
    ) -> Option<impl ExactSizeIterator<Item = (Cow<'a, str>, TreeValue)> + Clone + use<'a>> {
        let document = self.0;
        match object {
            TreeValue::Object(node) => Some(
                document
                    .children(&node)
                    .iter()
                    .map(move |member| (unescaped(document.name(member)), value(member))),
            ),
            _ => None,
        }
    }

    /// The elements. None: this is not a list.
    pub fn elements(
        &self,
        list: TreeValue,
    ) -> Option<impl ExactSizeIterator<Item = TreeValue> + Clone + use<'a>> {
        match list {
            TreeValue::List(node) => Some(self.0.children(&node).iter().map(value)),
            _ => None,
        }
    }

    /// A string, unescaped. None: this is not a string.
    pub fn string(&self, string: TreeValue) -> Option<String> {
        match string {
            TreeValue::String(node) => {
                let text = Text::json(self.0.raw(&node), kind_of(&node) == kind::ESCAPED);
                String::from_utf8(text.bytes().collect()).ok()
            }
            _ => None,
        }
    }

    /// A string, unescaped, and borrowed if nothing in it was escaped. None: this is not a string.
    pub fn text(&self, string: TreeValue) -> Option<Cow<'a, str>> {
        match string {
            TreeValue::String(node) => Some(unescaped(Text::json(
                self.0.raw(&node),
                kind_of(&node) == kind::ESCAPED,
            ))),
            _ => None,
        }
    }

    /// Whether this is a string of that text.
    pub fn is_string(&self, string: TreeValue, text: &str) -> bool {
        match string {
            TreeValue::String(node) => {
                Text::json(self.0.raw(&node), kind_of(&node) == kind::ESCAPED)
                    .equals(Text::plain(text.as_bytes()))
            }
            _ => false,
        }
    }

    /// A number as it is written. None: this is not a number.
    pub fn number(&self, number: TreeValue) -> Option<&'a str> {
        match number {
            TreeValue::Number(node) => core::str::from_utf8(self.0.raw(&node)).ok(),
            _ => None,
        }
    }
}

/// What a text says. It was read from a `str`, and an escape stands for whole characters: the bytes are UTF-8 in either case.
fn unescaped(text: Text<'_>) -> Cow<'_, str> {
    if text.is_raw() {
        Cow::Borrowed(core::str::from_utf8(text.raw).unwrap_or_default())
    } else {
        Cow::Owned(String::from_utf8(text.bytes().collect()).unwrap_or_default())
    }
}

fn value(node: &Node) -> TreeValue {
    match kind_of(node) {
        kind::FALSE => TreeValue::Bool(false),
        kind::TRUE => TreeValue::Bool(true),
        kind::NUMBER => TreeValue::Number(*node),
        kind::STRING | kind::ESCAPED => TreeValue::String(*node),
        kind::LIST => TreeValue::List(*node),
        kind::OBJECT => TreeValue::Object(*node),
        _ => TreeValue::Null,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::{vec, vec::Vec};

    #[test]
    fn every_part_can_be_asked() {
        let text = r#"{"a":[true,null,"x\u0041",1.50],"\u0062":{"c":"d"}}"#;
        let mut nodes = vec![[0; 4]; Tree::nodes_for(text.len())];
        let mut slots = vec![0; Tree::slots_for(text.len())];
        let tree = Tree::read(text, &mut nodes, &mut slots).unwrap();
        let list = tree.member(tree.root(), "a").unwrap();
        let elements: Vec<_> = tree.elements(list).unwrap().collect();
        assert_eq!(elements[..2], [TreeValue::Bool(true), TreeValue::Null]);
        assert_eq!(tree.string(elements[2]).as_deref(), Some("xA"));
        assert!(tree.is_string(elements[2], "xA") && !tree.is_string(elements[3], "xA"));
        assert_eq!(tree.number(elements[3]), Some("1.50"));
        let inner = tree.member(tree.root(), "b").unwrap();
        assert_eq!(
            tree.string(tree.member(inner, "c").unwrap()).as_deref(),
            Some("d")
        );
        assert_eq!(tree.member(inner, "e"), None);
        assert_eq!(tree.member(list, "a"), None);
        assert_eq!(tree.text(elements[2]).as_deref(), Some("xA"));
        assert!(matches!(
            tree.text(tree.member(inner, "c").unwrap()),
            Some(Cow::Borrowed("d"))
        ));
        assert_eq!(tree.text(elements[3]), None);
        let names: Vec<_> = tree.members(tree.root()).unwrap().collect();
        assert_eq!((names[0].0.as_ref(), names[1].0.as_ref()), ("a", "b"));
        assert_eq!(names[1].1, inner);
        assert!(tree.members(list).is_none());
    }

    #[test]
    fn what_is_not_strict_json_is_not_read() {
        for text in ["", "[]", "{} ,", r#"{"a":1,"a":2}"#, "{\"a\":01}"] {
            let mut nodes = vec![[0; 4]; Tree::nodes_for(text.len())];
            let mut slots = vec![0; Tree::slots_for(text.len())];
            assert!(Tree::read(text, &mut nodes, &mut slots).is_none(), "{text}");
        }
    }
}
