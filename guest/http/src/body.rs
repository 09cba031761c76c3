//! Reading what was sent: by the strict reader of the evaluator, and by name.

use alloc::{format, string::String, vec, vec::Vec};

use hexgate_eval::{Node, Tree, TreeValue};

use crate::problem::Problem;

/// Working memory for a text.
#[derive(Debug)]
pub(crate) struct Memory {
    nodes: Vec<Node>,
    slots: Vec<u32>,
}

impl Memory {
    pub(crate) fn for_text(text: &str) -> Self {
        Self {
            nodes: vec![[0; 4]; Tree::nodes_for(text.len())],
            slots: vec![0; Tree::slots_for(text.len())],
        }
    }
}

/// An object in the body.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Object<'a> {
    text: &'a str,
    tree: Tree<'a>,
    value: TreeValue,
}

/// Reads a body: one JSON object.
pub(crate) fn read<'a>(text: &'a str, memory: &'a mut Memory) -> Result<Object<'a>, Problem> {
    let Memory { nodes, slots } = memory;
    let tree = Tree::read(text, nodes, slots).ok_or_else(|| {
        Problem::bad(
            "the body must be one JSON object (RFC 8259): without repeated names, half surrogate pairs, a byte-order mark, \
             more than 64 levels, or numbers of more than 100 digits or with exponents beyond 1000",
        )
    })?;
    Ok(Object {
        text,
        tree,
        value: tree.root(),
    })
}

impl<'a> Object<'a> {
    /// Refuses members other than these. `path` says where this is, in messages.
    pub(crate) fn only(&self, path: &str, names: &[&str]) -> Result<(), Problem> {
        let known = names
            .iter()
            .filter(|name| self.tree.member(self.value, name).is_some())
            .count();
        if known == count(self.value) {
            return Ok(());
        }
        let at = if path.is_empty() { "the body" } else { path };
        Err(Problem::bad(format!(
            "{at} has a member that is not understood; known are `{}`",
            names.join("`, `")
        )))
    }

    /// Refuses members that belong elsewhere. `path` says where this is, `place` where they belong, in messages.
    pub(crate) fn none_of(&self, path: &str, names: &[&str], place: &str) -> Result<(), Problem> {
        match names.iter().find(|name| self.has(name)) {
            None => Ok(()),
            Some(name) => Err(Problem::bad(format!("{path} has `{name}`, which {place}"))),
        }
    }

    pub(crate) fn has(&self, name: &str) -> bool {
        self.tree.member(self.value, name).is_some()
    }

    /// A member that is an object. None: it is absent.
    pub(crate) fn object(&self, name: &str, path: &str) -> Result<Option<Self>, Problem> {
        match self.tree.member(self.value, name) {
            None => Ok(None),
            Some(value @ TreeValue::Object(_)) => Ok(Some(Self { value, ..*self })),
            Some(_) => Err(Problem::wrong(path, "an object")),
        }
    }

    /// A member that is a string. None: it is absent.
    pub(crate) fn text(&self, name: &str, path: &str) -> Result<Option<String>, Problem> {
        match self.tree.member(self.value, name) {
            None => Ok(None),
            Some(value) => match self.tree.string(value) {
                Some(text) => Ok(Some(text)),
                None => Err(Problem::wrong(path, "a string")),
            },
        }
    }

    /// A member that is a list of strings. None: it is absent.
    pub(crate) fn texts(&self, name: &str, path: &str) -> Result<Option<Vec<String>>, Problem> {
        let wrong = || Problem::wrong(path, "a list of strings");
        let Some(value) = self.tree.member(self.value, name) else {
            return Ok(None);
        };
        let elements = self.tree.elements(value).ok_or_else(wrong)?;
        elements
            .map(|element| self.tree.string(element).ok_or_else(wrong))
            .collect::<Result<_, _>>()
            .map(Some)
    }

    /// A member that is a list of objects. None: it is absent.
    pub(crate) fn objects(&self, name: &str, path: &str) -> Result<Option<Vec<Self>>, Problem> {
        let wrong = || Problem::wrong(path, "a list of objects");
        let Some(value) = self.tree.member(self.value, name) else {
            return Ok(None);
        };
        let elements = self.tree.elements(value).ok_or_else(wrong)?;
        elements
            .map(|value| match value {
                TreeValue::Object(_) => Ok(Self { value, ..*self }),
                _ => Err(wrong()),
            })
            .collect::<Result<_, _>>()
            .map(Some)
    }

    /// Whether a member is `null`.
    pub(crate) fn is_null(&self, name: &str) -> bool {
        self.tree.member(self.value, name) == Some(TreeValue::Null)
    }

    /// The bytes of a member that is an object, exactly as they were sent. None: it is absent.
    pub(crate) fn raw(&self, name: &str, path: &str) -> Result<Option<&'a str>, Problem> {
        let Some(object) = self.object(name, path)? else {
            return Ok(None);
        };
        let TreeValue::Object(node) = object.value else {
            return Err(Problem::wrong(path, "an object"));
        };
        match raw_object(self.text, &node) {
            Some(text) => Ok(Some(text)),
            // INVARIANT: the reader has accepted the text, so an object with a name stands there.
            None => Err(Problem::new(500, format!("`{path}` cannot be found again"))),
        }
    }
}

/// How many members an object has: the last word of its node, without the kind in the highest four bits.
fn count(value: TreeValue) -> usize {
    match value {
        TreeValue::Object(node) => (node[3] & 0x0fff_ffff) as usize,
        _ => 0,
    }
}

/// The text of an object that is a member, in a text that the strict reader has accepted: from the brace behind its name to the one
/// that closes it.
fn raw_object<'a>(text: &'a str, node: &Node) -> Option<&'a str> {
    // Where the name begins, and its length without the mark that it contains escapes; a quote follows, and a colon.
    let name_end = (node[0] as usize).checked_add((node[1] & 0x7fff_ffff) as usize)?;
    let behind = text.get(name_end..)?.strip_prefix('"')?.trim_start();
    let value = behind.strip_prefix(':')?.trim_start();
    if !value.starts_with('{') {
        return None;
    }
    let (mut depth, mut in_string, mut escaped) = (0_usize, false, false);
    for (at, byte) in value.bytes().enumerate() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if in_string => escaped = true,
            b'"' => in_string = !in_string,
            _ if in_string => {}
            b'{' | b'[' => depth = depth.checked_add(1)?,
            b'}' | b']' => {
                depth = depth.checked_sub(1)?;
                if depth == 0 {
                    return value.get(..=at);
                }
            }
            _ => {}
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_member_is_cut_out_as_it_was_sent() {
        for (body, expected) in [
            (r#"{"a":{}}"#, "{}"),
            (
                "{ \"a\" \t:\r\n { \"b\" : 1.50 } , \"c\":{}}",
                "{ \"b\" : 1.50 }",
            ),
            (
                r#"{"x":{"a":{"no":1}},"a":{"b":"}\"{\\","c":[{"d":"]"}]}}"#,
                r#"{"b":"}\"{\\","c":[{"d":"]"}]}"#,
            ),
            (
                r#"{"\u0061":{"b":9007199254740993}}"#,
                r#"{"b":9007199254740993}"#,
            ),
            (r#"{"a":{"é":"😀\u00e9"}}"#, r#"{"é":"😀\u00e9"}"#),
        ] {
            let mut memory = Memory::for_text(body);
            let object = read(body, &mut memory).unwrap();
            assert_eq!(object.raw("a", "a").unwrap(), Some(expected), "{body}");
            assert_eq!(object.raw("b", "b").unwrap(), None);
        }
    }

    #[test]
    fn what_is_not_asked_for_is_refused() {
        let body = r#"{"a":1,"b":{"c":2}}"#;
        let mut memory = Memory::for_text(body);
        let object = read(body, &mut memory).unwrap();
        assert!(object.only("", &["a", "b", "c"]).is_ok());
        let refused = object.only("", &["a"]).unwrap_err();
        assert_eq!(
            refused.detail,
            "the body has a member that is not understood; known are `a`"
        );
        assert!(object.object("a", "a").is_err() && object.text("b", "b").is_err());
        assert!(object.texts("a", "a").is_err() && object.objects("b", "b").is_err());
    }
}
