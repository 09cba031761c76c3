//! Values of their types.

use super::{
    super::{
        MAX_DESCRIPTION, MAX_MESSAGE, Name, Text, consts,
        names::{self, Of},
        words,
    },
    Reader,
};
use crate::{
    diagnostic::{Diagnostic, quoted},
    source::{Entry, Key, Node, NodeKind, Plain, Span, Style},
};

impl Reader<'_> {
    pub(super) fn version(&mut self, node: &Node) {
        if !matches!(&node.kind, NodeKind::Scalar(scalar) if scalar.read() == Plain::Number && scalar.value == "1")
        {
            let help = match &node.kind {
                NodeKind::Scalar(scalar) if scalar.value == "1" => {
                    "write `version: 1`, without quotes"
                }
                _ => "write `version: 1`, or leave it out",
            };
            self.sink.push(
                Diagnostic::new(
                    "unknown-version",
                    "the only version of policies is the number 1",
                    node.span,
                    "another version",
                )
                .with_help(help),
            );
        }
    }

    /// `true` or `false`; `false` if it is neither, which is reported.
    pub fn boolean(&mut self, entry: &Entry) -> bool {
        if let NodeKind::Scalar(scalar) = &entry.value.kind {
            match scalar.read() {
                Plain::Bool(value) => return value,
                Plain::Ambiguous { .. } => {
                    let message = format!(
                        "`{}` is `true` or `false`, not {}",
                        entry.key.name,
                        quoted(&scalar.value)
                    );
                    self.sink.push(Diagnostic::new(
                        "wrong-type",
                        message,
                        entry.value.span,
                        "not a boolean for all readers of YAML",
                    ));
                    return false;
                }
                _ => {}
            }
        }
        self.wrong_type(
            &format!("`{}` is `true` or `false`", entry.key.name),
            &entry.value,
            entry.key.span,
            None,
        );
        false
    }

    /// A list of texts in a language of their own.
    pub(super) fn texts(&mut self, entry: &Entry, what: &str) -> Vec<Text> {
        let nodes = self.list(entry, &format!("a list, each entry {what}"));
        let mut texts = Vec::new();
        for node in nodes {
            let help = "a text that contains `: ` or begins with `[`, `{` or a quote needs quotes around all of it";
            if let Some(value) = self.string(node, what, node.span, help) {
                texts.push(Text {
                    value,
                    node: node.clone(),
                });
            }
        }
        texts
    }

    /// The entries of a list; none if it is null, or no list, which is reported. `what` it is: `a list of roles`.
    pub fn list<'n>(&mut self, entry: &'n Entry, what: &str) -> &'n [Node] {
        match &entry.value.kind {
            NodeKind::List(nodes) => nodes,
            _ if entry.value.is_null() => &[],
            kind => {
                let help = matches!(kind, NodeKind::Scalar(_)).then(|| {
                    "write it as an entry of a list: a line of its own that begins with `- `"
                        .to_owned()
                });
                self.wrong_type(
                    &format!("`{}` is {what}", entry.key.name),
                    &entry.value,
                    entry.key.span,
                    help,
                );
                &[]
            }
        }
    }

    /// The members of a mapping. None: it is none, which is reported. `what` it is; `key` is pointed at if the value has no place.
    pub fn mapping<'n>(&mut self, node: &'n Node, what: &str, key: Span) -> Option<&'n [Entry]> {
        match &node.kind {
            NodeKind::Mapping(entries) => Some(entries),
            _ if node.is_null() => Some(&[]),
            _ => {
                self.wrong_type(&format!("{what} is a mapping"), node, key, None);
                None
            }
        }
    }

    /// A string. `help` is for a mapping or list in its place. None: it is none, which is reported.
    pub fn string(&mut self, node: &Node, what: &str, key: Span, help: &str) -> Option<String> {
        match &node.kind {
            NodeKind::Scalar(scalar) => match scalar.read() {
                Plain::String => return Some(scalar.value.clone()),
                Plain::Ambiguous { reading } => {
                    self.sink.push(consts::ambiguous(scalar, reading, node))
                }
                Plain::Null => self.wrong_type(&format!("{what} is a string"), node, key, None),
                Plain::Bool(_) | Plain::Number => {
                    let help = format!("quote it: {}", quoted(&format!("\"{}\"", scalar.value)));
                    self.wrong_type(&format!("{what} is a string"), node, key, Some(help));
                }
            },
            NodeKind::Mapping(_) | NodeKind::List(_) => {
                self.wrong_type(
                    &format!("{what} is a string"),
                    node,
                    key,
                    Some(help.to_owned()),
                );
            }
        }
        None
    }

    pub(super) fn name(&mut self, key: &Key, of: Of) -> Name {
        self.sink.extend(names::check(&key.name, of, key.span));
        Name {
            text: key.name.clone(),
            span: key.span,
        }
    }

    /// Reports a key that is none of the `valid` ones of `what`, with the one that was probably meant.
    pub fn unknown(&mut self, key: &Key, what: &str, valid: &[&str]) {
        self.sink.push(
            Diagnostic::new(
                "unknown-key",
                format!("unknown key {} in {what}", quoted(&key.name)),
                key.span,
                "not a key here",
            )
            .with_help(words::key_help(&key.name, valid)),
        );
    }

    /// Reports a value of another type than `expected` says.
    pub fn wrong_type(&mut self, expected: &str, node: &Node, key: Span, help: Option<String>) {
        self.sink.push(
            Diagnostic::new(
                "wrong-type",
                format!("{expected}, not {}", node.described()),
                self.place(node, key),
                node.described(),
            )
            .with_help_if(help),
        );
    }

    /// What the model is told.
    pub(super) fn message(&mut self, entry: &Entry) -> Option<String> {
        self.words(entry, "bad-message", "a message", MAX_MESSAGE, |c| {
            c.is_control()
        })
    }

    /// What is said to people.
    /// A description; of several lines at will.
    pub fn description(&mut self, entry: &Entry) -> Option<String> {
        let is_control = |c: char| c.is_control() && c != '\n';
        self.words(
            entry,
            "bad-description",
            "a description",
            MAX_DESCRIPTION,
            is_control,
        )
    }

    fn words(
        &mut self,
        entry: &Entry,
        code: &'static str,
        what: &str,
        most: usize,
        is_refused: impl Fn(char) -> bool,
    ) -> Option<String> {
        let help = "a text that contains `: ` or begins with `[`, `{` or a quote needs quotes around all of it";
        let text = self.string(&entry.value, what, entry.key.span, help)?;
        let is_block =
            matches!(&entry.value.kind, NodeKind::Scalar(scalar) if scalar.style == Style::Block);
        let (message, help) = if text.trim().is_empty() {
            (
                format!("{what} is empty"),
                "write what is to be said, or leave the key out",
            )
        } else if text.len() > most {
            (
                format!(
                    "{what} has {} bytes, and at most {most} are carried",
                    text.len()
                ),
                "shorten it",
            )
        } else if let Some(c) = text.chars().find(|c| is_refused(*c)) {
            if is_block && c == '\n' {
                (
                    format!("{what} is one line, and this one contains a line break"),
                    "write `>-` in place of `|` or `>`, which joins the lines and leaves the last line break out",
                )
            } else {
                (
                    format!(
                        "{what} contains the control character U+{:04X}",
                        u32::from(c)
                    ),
                    "leave it out: what is said to a model or to people is plain text",
                )
            }
        } else {
            return Some(text);
        };
        self.sink.push(
            Diagnostic::new(code, message, self.place(&entry.value, entry.key.span), "")
                .with_help(help),
        );
        None
    }

    /// Where to point for a value: a null has no place of its own.
    #[must_use]
    pub fn place(&self, node: &Node, key: Span) -> Span {
        if node.span.start == node.span.end {
            key
        } else {
            node.span
        }
    }
}
