//! Tree -> text: the roles of a directory as one document.

use super::{Node, NodeKind, Plain, Scalar, Style};

/// Writes roles as one document with `roles:`, always alike for alike trees. Reading it gives the same roles.
pub fn write_roles(roles: &[(String, Node)]) -> String {
    let mut text = String::from("roles:\n");
    for (name, node) in roles {
        text.push_str("  ");
        string(name, &mut text);
        text.push(':');
        value(node, 2, &mut text);
    }
    text
}

/// Writes a value behind the colon or dash that introduces it, and ends the line.
fn value(node: &Node, depth: usize, text: &mut String) {
    match &node.kind {
        NodeKind::Scalar(scalar) => {
            text.push(' ');
            self::scalar(scalar, text);
            text.push('\n');
        }
        NodeKind::List(nodes) if nodes.is_empty() => text.push_str(" []\n"),
        NodeKind::Mapping(entries) if entries.is_empty() => text.push_str(" {}\n"),
        NodeKind::List(nodes) => {
            text.push('\n');
            for node in nodes.iter() {
                indent(depth, text);
                text.push('-');
                value(node, depth + 1, text);
            }
        }
        NodeKind::Mapping(entries) => {
            text.push('\n');
            for entry in entries.iter() {
                indent(depth, text);
                string(&entry.key.name, text);
                text.push(':');
                value(&entry.value, depth + 1, text);
            }
        }
    }
}

fn indent(depth: usize, text: &mut String) {
    text.extend(std::iter::repeat_n("  ", depth));
}

fn scalar(scalar: &Scalar, text: &mut String) {
    match scalar.read() {
        Plain::Null => text.push_str("null"),
        Plain::Bool(value) => text.push_str(if value { "true" } else { "false" }),
        Plain::Number => text.push_str(&scalar.value),
        // Stays refused when it is read again.
        Plain::Ambiguous { .. } if scalar.style == Style::Plain => text.push_str(&scalar.value),
        Plain::String | Plain::Ambiguous { .. } => string(&scalar.value, text),
    }
}

/// Writes a string: bare where no reader can take it for anything else, in single quotes where they need no escape.
fn string(value: &str, text: &mut String) {
    let is_word = value.starts_with(|first: char| first.is_ascii_alphabetic() || first == '_')
        && value
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.'))
        && Plain::read(value) == Plain::String;
    if is_word {
        text.push_str(value);
    } else if value.bytes().all(|byte| matches!(byte, b' '..=b'~')) {
        text.push('\'');
        text.push_str(&value.replace('\'', "''"));
        text.push('\'');
    } else {
        text.push('"');
        for character in value.chars() {
            match character {
                '"' | '\\' => text.extend(['\\', character]),
                ' '..='~' => text.push(character),
                _ if u32::from(character) < 0x100 => {
                    text.push_str(&format!("\\x{:02x}", u32::from(character)))
                }
                _ if u32::from(character) < 0x1_0000 => {
                    text.push_str(&format!("\\u{:04x}", u32::from(character)))
                }
                _ => text.push_str(&format!("\\U{:08x}", u32::from(character))),
            }
        }
        text.push('"');
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        diagnostic::Sink,
        source::{Sources, parse},
    };

    fn read(text: &str) -> Node {
        let mut sources = Sources::default();
        let file = sources.add("x", text);
        let mut sink = Sink::default();
        let node = parse(&sources, file, &mut sink);
        assert_eq!(sink.finish(), []);
        node.expect("a tree")
    }

    #[test]
    fn what_is_written_is_read_again() {
        let node = read(
            "a: [1, -2.50, true, null, ~, 'no', \"010\", allow, 'it''s', \"\\u2028\\x07é\\U0001F600\\t\", '']\n'b c': {}\nd:\n  e: []\n  f: |\n    x\n    y\n  g: [[1], {h: 2}]\n'1':\n",
        );
        let once = write_roles(&[("r".into(), node)]);
        let again = read(&once);
        let NodeKind::Mapping(entries) = &again.kind else {
            panic!("a mapping")
        };
        let NodeKind::Mapping(roles) = &entries[0].value.kind else {
            panic!("roles")
        };
        assert_eq!(write_roles(&[("r".into(), roles[0].value.clone())]), once);
        assert!(
            once.contains("- 'no'\n")
                && once.contains("- '010'\n")
                && once.contains("- -2.50\n")
                && once.contains("'1': null"),
            "{once}"
        );
        assert!(
            once.contains("\"\\u2028\\x07\\xe9\\U0001f600\\x09\""),
            "{once}"
        );
    }
}
