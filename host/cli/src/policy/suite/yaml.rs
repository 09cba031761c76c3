//! Suites in YAML. Numbers are taken from the source text.

use hexgate_host::Effect;
use std::io::Write;

use hexgate_compiler::{
    diagnostic::{
        Sink,
        render::{Format, render},
    },
    source::{Node, NodeKind, Plain, Scalar, Sources, parse},
};

use super::{
    Case,
    json::{unknown_key, wrong},
    read::{Draft, outcome, unexpectable},
};
use crate::output::Style;

/// Reads a list of cases.
pub(super) fn read(name: &str, text: &str) -> anyhow::Result<Vec<Case>> {
    let is_empty = |line: &str| line.trim().is_empty() || line.trim_start().starts_with('#');
    if text.lines().all(is_empty) {
        return Ok(Vec::new());
    }
    let (mut sources, mut sink) = (Sources::default(), Sink::default());
    let file = sources.add(name, text);
    let root = parse(&sources, file, &mut sink);
    if sink.has_errors() {
        let rendered = render(
            &sink.finish(),
            &sources,
            Format::Human,
            Style::stderr().has_colour(),
        );
        // If stderr is closed, there is no place to report that.
        let _ = std::io::stderr().write_all(rendered.as_bytes());
        anyhow::bail!("the suite `{name}` is not valid YAML");
    }
    let Some(root) = root else {
        return Ok(Vec::new());
    };
    let reader = Reader {
        sources: &sources,
        name,
    };
    if root.is_null() {
        return Ok(Vec::new());
    }
    let NodeKind::List(cases) = &root.kind else {
        return Err(reader.wrong(
            &root,
            &format!(
                "a suite is a list of cases, and this is {}",
                root.described()
            ),
        ));
    };
    cases.iter().map(|case| reader.case(case)).collect()
}

struct Reader<'s> {
    sources: &'s Sources,
    name: &'s str,
}

impl Reader<'_> {
    fn case(&self, node: &Node) -> anyhow::Result<Case> {
        let NodeKind::Mapping(entries) = &node.kind else {
            return Err(self.wrong(
                node,
                &format!("a case is a mapping, and this is {}", node.described()),
            ));
        };
        let mut draft = Draft::default();
        for entry in entries.iter() {
            let (key, value) = (entry.key.name.as_str(), &entry.value);
            match key {
                "name" => draft.name = self.optional(value, |node| self.string(key, node))?,
                "role" => draft.role = self.optional(value, |node| self.string(key, node))?,
                "roles" => draft.roles = self.optional(value, |node| self.strings(key, node))?,
                "tool" => draft.tool = self.optional(value, |node| self.string(key, node))?,
                "args" => draft.args = self.optional(value, |node| self.object(key, node))?,
                "facts" => draft.facts = self.optional(value, |node| self.object(key, node))?,
                "expect" => draft.expect = self.optional(value, |node| self.expect(node))?,
                "violations" => {
                    draft.violations = self.optional(value, |node| self.strings(key, node))?
                }
                _ => {
                    let (line, column) = self
                        .sources
                        .position(entry.key.span.file, entry.key.span.start);
                    return Err(wrong(self.name, line, column, &unknown_key(key)));
                }
            }
        }
        let (line, _) = self.sources.position(node.span.file, node.span.start);
        draft
            .case(format!("{}:{line}", self.name))
            .map_err(|message| self.wrong(node, &message))
    }

    /// What stands there; nothing for a null.
    fn optional<T>(
        &self,
        node: &Node,
        read: impl FnOnce(&Node) -> anyhow::Result<T>,
    ) -> anyhow::Result<Option<T>> {
        if node.is_null() {
            Ok(None)
        } else {
            read(node).map(Some)
        }
    }

    fn string(&self, key: &str, node: &Node) -> anyhow::Result<String> {
        match &node.kind {
            NodeKind::Scalar(scalar) if matches!(scalar.read(), Plain::String) => {
                Ok(scalar.value.clone())
            }
            NodeKind::Scalar(scalar) if matches!(scalar.read(), Plain::Ambiguous { .. }) => {
                Err(self.ambiguous(node, scalar))
            }
            _ => Err(self.wrong(
                node,
                &format!("`{key}` is {} where a string is expected", node.described()),
            )),
        }
    }

    fn expect(&self, node: &Node) -> anyhow::Result<Effect> {
        let text = self.string("expect", node)?;
        outcome(&text).ok_or_else(|| self.wrong(node, &unexpectable(&text)))
    }

    fn strings(&self, key: &str, node: &Node) -> anyhow::Result<Vec<String>> {
        let NodeKind::List(elements) = &node.kind else {
            return Err(self.wrong(
                node,
                &format!(
                    "`{key}` is {} where a list of strings is expected",
                    node.described()
                ),
            ));
        };
        elements
            .iter()
            .map(|element| self.string(key, element))
            .collect()
    }

    fn object(&self, key: &str, node: &Node) -> anyhow::Result<String> {
        if !matches!(node.kind, NodeKind::Mapping(_)) {
            return Err(self.wrong(
                node,
                &format!(
                    "`{key}` is {} where a mapping is expected",
                    node.described()
                ),
            ));
        }
        let mut out = String::new();
        self.json(node, &mut out)?;
        Ok(out)
    }

    /// A value as JSON text.
    fn json(&self, node: &Node, out: &mut String) -> anyhow::Result<()> {
        match &node.kind {
            NodeKind::Scalar(scalar) => match scalar.read() {
                Plain::Null => out.push_str("null"),
                Plain::Bool(value) => out.push_str(if value { "true" } else { "false" }),
                // INVARIANT: what counts as a number is spelled as JSON spells numbers.
                Plain::Number => out.push_str(&scalar.value),
                Plain::String => out.push_str(&serde_json::to_string(&scalar.value)?),
                Plain::Ambiguous { .. } => return Err(self.ambiguous(node, scalar)),
            },
            NodeKind::List(elements) => {
                out.push('[');
                for (index, element) in elements.iter().enumerate() {
                    out.push_str(if index > 0 { ", " } else { "" });
                    self.json(element, out)?;
                }
                out.push(']');
            }
            NodeKind::Mapping(entries) => {
                out.push('{');
                for (index, entry) in entries.iter().enumerate() {
                    out.push_str(if index > 0 { ", " } else { "" });
                    out.push_str(&serde_json::to_string(&entry.key.name)?);
                    out.push_str(": ");
                    self.json(&entry.value, out)?;
                }
                out.push('}');
            }
        }
        Ok(())
    }

    fn ambiguous(&self, node: &Node, scalar: &Scalar) -> anyhow::Error {
        let reading = match scalar.read() {
            Plain::Ambiguous { reading } => reading,
            _ => "something else",
        };
        let message = format!(
            "some readers of YAML take this for {reading}; quote it if it is a text, or write it as JSON does"
        );
        self.wrong(node, &message)
    }

    fn wrong(&self, node: &Node, message: &str) -> anyhow::Error {
        let (line, column) = self.sources.position(node.span.file, node.span.start);
        wrong(self.name, line, column, message)
    }
}
