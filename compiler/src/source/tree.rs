//! YAML as a tree in which every node knows where it stands.

use std::sync::Arc;

use super::{Plain, Sources, Span, align};

/// A value.
#[derive(Debug, Clone)]
pub struct Node {
    /// Where it stands. For a mapping or a list in block style: from its first entry on.
    pub span: Span,
    /// What it is.
    pub kind: NodeKind,
}

/// The kinds of value.
#[derive(Debug, Clone)]
pub enum NodeKind {
    /// Text, number, boolean, null.
    Scalar(Scalar),
    /// A list.
    List(Arc<Vec<Node>>),
    /// A mapping, in the order of the source, without duplicates.
    Mapping(Arc<Vec<Entry>>),
}

/// Text, number, boolean or null.
#[derive(Debug, Clone)]
pub struct Scalar {
    /// The text, with quotes and escapes taken away.
    pub value: String,
    /// How it was written.
    pub style: Style,
    /// Whether it was tagged `!!str`.
    pub tagged_string: bool,
}

/// How a scalar was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Style {
    /// Without quotes: its type follows from the text.
    Plain,
    /// `'…'`
    Single,
    /// `"…"`
    Double,
    /// `|` or `>`
    Block,
}

/// A member of a mapping.
#[derive(Debug, Clone)]
pub struct Entry {
    /// Its name.
    pub key: Key,
    /// Its value.
    pub value: Node,
}

/// The name of a member.
#[derive(Debug, Clone)]
pub struct Key {
    /// The name.
    pub name: String,
    /// Where it stands.
    pub span: Span,
}

impl Scalar {
    /// What the scalar is.
    #[must_use]
    pub fn read(&self) -> Plain {
        if self.style != Style::Plain || self.tagged_string {
            Plain::String
        } else {
            Plain::read(&self.value)
        }
    }
}

impl Node {
    /// Whether it is a null.
    #[must_use]
    pub fn is_null(&self) -> bool {
        matches!(&self.kind, NodeKind::Scalar(scalar) if matches!(scalar.read(), Plain::Null))
    }

    /// What it is, with an article, for messages.
    #[must_use]
    pub fn described(&self) -> &'static str {
        match &self.kind {
            NodeKind::List(_) => "a list",
            NodeKind::Mapping(_) => "a mapping",
            NodeKind::Scalar(scalar) => match scalar.read() {
                Plain::Null => "null",
                Plain::Bool(_) => "a boolean",
                Plain::Number => "a number",
                Plain::String | Plain::Ambiguous { .. } => "a string",
            },
        }
    }

    /// The place of a range of bytes of a scalar's value: through quotes, escapes and folded lines. The whole node where that is
    /// not known.
    #[must_use]
    pub fn locate(&self, sources: &Sources, range: std::ops::Range<usize>) -> Span {
        let NodeKind::Scalar(scalar) = &self.kind else {
            return self.span;
        };
        align::locate(sources.slice(self.span), scalar, range).map_or(self.span, |found| {
            let base = self.span.start as usize;
            Span::new(self.span.file, base + found.start, base + found.end)
        })
    }
}
