//! Where in the arguments a condition looks.

use super::text::literal;

/// A path of the policy language.
#[derive(Debug, Clone)]
pub(super) struct Path {
    text: String,
    /// Whether it is the element of a quantifier itself: only a name can follow its dot.
    is_element: bool,
}

impl Path {
    /// The arguments.
    pub(super) fn arguments() -> Self {
        Self {
            text: "args".to_owned(),
            is_element: false,
        }
    }

    /// The element of a list.
    pub(super) fn element() -> Self {
        Self {
            text: ".".to_owned(),
            is_element: true,
        }
    }

    /// The value of a member of an object.
    pub(super) fn value_of_member() -> Self {
        Self {
            text: ".value".to_owned(),
            is_element: false,
        }
    }

    /// A member. None: the language cannot reach it.
    pub(super) fn member(&self, name: &str) -> Option<Self> {
        let text = if is_name(name) {
            let dot = if self.is_element { "" } else { "." };
            format!("{}{dot}{name}", self.text)
        } else if self.is_element {
            return None;
        } else {
            format!("{}[{}]", self.text, literal(name))
        };
        Some(Self {
            text,
            is_element: false,
        })
    }

    /// As it is written.
    pub(super) fn text(&self) -> &str {
        &self.text
    }
}

fn is_name(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && text.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
}
