//! Names of agents and tools.

use hexgate_base::{is_printable, names::spelled};
use hexgate_compiler::diagnostic::{Diagnostic, quoted};
use hexgate_compiler::document::Reader;
use hexgate_compiler::source::{Entry, Node, Span};
use hexgate_enforce::MAX_NAME_BYTES;

use super::super::codes::{BAD_NAME, DUPLICATE, TOO_LARGE};
use super::super::{MAX_ENTRIES, Name};
use super::place;
use crate::limits::MAX_AGENT_BYTES;

/// The name of the agent itself.
pub(super) fn agent(reader: &mut Reader<'_>, entry: &Entry) -> Option<Name> {
    let help = "an agent has one name, a text: `name: support-bot`";
    let text = reader.string(&entry.value, "the name of an agent", entry.key.span, help)?;
    let span = place(reader, &entry.value, entry);
    match refused(&text, MAX_AGENT_BYTES) {
        None => Some(Name { text, span }),
        Some(why) => {
            reader
                .sink
                .push(bad(&text, "an agent", &why, MAX_AGENT_BYTES, span));
            None
        }
    }
}

/// A list of different names of tools.
pub(super) fn tools(reader: &mut Reader<'_>, entry: &Entry) -> Vec<Name> {
    list(reader, entry, "a tool", MAX_NAME_BYTES)
}

/// A list of different names of agents.
pub(super) fn agents(reader: &mut Reader<'_>, entry: &Entry) -> Vec<Name> {
    list(reader, entry, "an agent", MAX_AGENT_BYTES)
}

fn list(reader: &mut Reader<'_>, entry: &Entry, of: &str, most: usize) -> Vec<Name> {
    let nodes = reader.list(entry, &format!("a list of names, each of {of}"));
    if nodes.len() > MAX_ENTRIES {
        let span = place(reader, &entry.value, entry);
        reader.sink.push(
            Diagnostic::documented(
                &TOO_LARGE,
                format!(
                    "`{}` has {} entries, and at most {MAX_ENTRIES} are accepted",
                    entry.key.name,
                    nodes.len()
                ),
                span,
                "",
            )
            .with_help("split the agent: sub-agents have tools of their own"),
        );
        return Vec::new();
    }
    let mut names: Vec<Name> = Vec::new();
    for node in nodes {
        let Some(name) = entry_of(reader, node, of, most) else {
            continue;
        };
        match names.iter().find(|known| known.text == name.text) {
            Some(first) => reader.sink.push(
                Diagnostic::documented(
                    &DUPLICATE,
                    format!(
                        "{} stands twice in `{}`",
                        quoted(&name.text),
                        entry.key.name
                    ),
                    name.span,
                    "again",
                )
                .with_label(first.span, "first here")
                .with_help("remove one of them"),
            ),
            None => names.push(name),
        }
    }
    names
}

fn entry_of(reader: &mut Reader<'_>, node: &Node, of: &str, most: usize) -> Option<Name> {
    let help = "write the name alone: what a tool may do is said by the policy";
    let text = reader.string(node, &format!("the name of {of}"), node.span, help)?;
    match refused(&text, most) {
        None => Some(Name {
            text,
            span: node.span,
        }),
        Some(why) => {
            reader.sink.push(bad(&text, of, &why, most, node.span));
            None
        }
    }
}

fn bad(text: &str, of: &str, why: &str, most: usize, span: Span) -> Diagnostic {
    Diagnostic::documented(
        &BAD_NAME,
        format!("the name {} of {of} {why}", quoted(text)),
        span,
        "not a name",
    )
    .with_help(format!(
        "a name is 1 to {most} bytes of text that can be seen, without blanks and `/`"
    ))
}

/// Why a text is no name.
fn refused(name: &str, most: usize) -> Option<String> {
    if name.is_empty() {
        return Some("is empty".to_owned());
    }
    if name.len() > most {
        return Some(format!("has {} bytes", name.len()));
    }
    if let Some(odd) = name
        .chars()
        .find(|c| !is_printable(*c) || c.is_whitespace() || *c == '/')
    {
        return Some(match odd {
            ' ' => "contains a blank".to_owned(),
            '/' => "contains a `/`".to_owned(),
            odd => format!("contains U+{:04X}", u32::from(odd)),
        });
    }
    (spelled(name) != name).then(|| "is not in Unicode's form NFKC".to_owned())
}
