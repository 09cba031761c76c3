//! Texts, limits and the workspace.

use std::path::{Component, PathBuf};

use hexgate_compiler::diagnostic::{Diagnostic, quoted};
use hexgate_compiler::document::Reader;
use hexgate_compiler::source::{Entry, Key, NodeKind, Plain, Span};

use super::super::codes::{BAD_VALUE, LEAVES, TOO_LARGE};
use super::super::{Limits, MAX_ENTRIES, Name, Workspace};
use super::place;

const LIMITS: &[&str] = &["turns", "tokens", "seconds", "depth", "concurrent_calls"];
const WORKSPACE: &[&str] = &[
    "root",
    "extra_read_paths",
    "extra_write_paths",
    "deny_write_paths",
    "allowed_commands",
    "dangerous_policy_in_workspace",
];
/// The longest text that is no description, in bytes.
const MAX_TEXT: usize = 4096;

/// An unknown key, with what was probably meant.
pub(super) fn unknown(
    reader: &mut Reader<'_>,
    key: &Key,
    what: &str,
    valid: &[&str],
    words: &[(&str, &[&str])],
) {
    let word = key.name.to_ascii_lowercase().replace('-', "_");
    let meant = words
        .iter()
        .find(|(_, words)| words.contains(&word.as_str()));
    match meant {
        Some((meant, _)) => reader.sink.push(
            Diagnostic::new(
                "unknown-key",
                format!("unknown key {} in {what}", quoted(&key.name)),
                key.span,
                "not a key here",
            )
            .with_help(format!("did you mean `{meant}`")),
        ),
        None => reader.unknown(key, what, valid),
    }
}

/// A text that is not empty.
pub(super) fn text(reader: &mut Reader<'_>, entry: &Entry, what: &str) -> Option<Name> {
    let help = "write it as one text";
    let text = reader.string(&entry.value, what, entry.key.span, help)?;
    let span = place(reader, &entry.value, entry);
    let problem = if text.trim().is_empty() {
        "is empty".to_owned()
    } else if text.len() > MAX_TEXT {
        format!(
            "has {} bytes, and at most {MAX_TEXT} are accepted",
            text.len()
        )
    } else if let Some(control) = text.chars().find(|c| c.is_control()) {
        format!(
            "contains the control character U+{:04X}",
            u32::from(control)
        )
    } else {
        return Some(Name { text, span });
    };
    reader.sink.push(
        Diagnostic::documented(
            &BAD_VALUE,
            format!("`{}` {problem}", entry.key.name),
            span,
            "",
        )
        .with_help(format!("write {what}, or leave the key out")),
    );
    None
}

/// The limits of a run.
pub(super) fn limits(reader: &mut Reader<'_>, entry: &Entry) -> Limits {
    let mut limits = Limits::default();
    let entries = reader.mapping(&entry.value, "`limits`", entry.key.span);
    for entry in entries.unwrap_or_default() {
        match entry.key.name.as_str() {
            "turns" => limits.turns = number(reader, entry, 10_000),
            "tokens" => limits.tokens = number(reader, entry, 1_000_000_000),
            "seconds" => limits.seconds = number(reader, entry, 7 * 24 * 3600),
            "depth" => limits.depth = number(reader, entry, 16),
            "concurrent_calls" => limits.concurrent_calls = number(reader, entry, 64),
            _ => unknown(
                reader,
                &entry.key,
                "`limits`",
                LIMITS,
                &[
                    ("turns", &["max_turns", "steps", "iterations", "max_steps"]),
                    ("tokens", &["max_tokens", "token_budget"]),
                    ("seconds", &["time", "timeout", "minutes", "duration"]),
                    ("depth", &["max_depth"]),
                    (
                        "concurrent_calls",
                        &["parallel", "concurrency", "max_concurrency"],
                    ),
                ],
            ),
        }
    }
    limits
}

fn number(reader: &mut Reader<'_>, entry: &Entry, most: u64) -> Option<u64> {
    let name = &entry.key.name;
    let NodeKind::Scalar(scalar) = &entry.value.kind else {
        reader.wrong_type(
            &format!("`{name}` is a whole number"),
            &entry.value,
            entry.key.span,
            None,
        );
        return None;
    };
    if scalar.read() != Plain::Number {
        let help = format!("write a whole number from 1 to {most}, without quotes");
        reader.wrong_type(
            &format!("`{name}` is a whole number"),
            &entry.value,
            entry.key.span,
            Some(help),
        );
        return None;
    }
    let value = scalar
        .value
        .parse::<u64>()
        .ok()
        .filter(|value| (1..=most).contains(value));
    if value.is_none() {
        let span = place(reader, &entry.value, entry);
        reader.sink.push(
            Diagnostic::documented(
                &BAD_VALUE,
                format!("`{name}` is a whole number from 1 to {most}"),
                span,
                "",
            )
            .with_help("leave the key out for the default"),
        );
    }
    value
}

/// Where the tools work, and where its root is named.
pub(super) fn workspace(reader: &mut Reader<'_>, entry: &Entry) -> (Workspace, Option<Name>) {
    let (mut workspace, mut root) = (Workspace::default(), None);
    let entries = reader.mapping(&entry.value, "`workspace`", entry.key.span);
    for entry in entries.unwrap_or_default() {
        match entry.key.name.as_str() {
            "root" => root = text(reader, entry, "the name of a folder"),
            "extra_read_paths" => workspace.extra_read_paths = own_paths(reader, entry),
            "extra_write_paths" => workspace.extra_write_paths = own_paths(reader, entry),
            "deny_write_paths" => workspace.deny_write_paths = texts(reader, entry, "a path"),
            "allowed_commands" => {
                workspace.allowed_commands = Some(texts(reader, entry, "a command"));
            }
            "dangerous_policy_in_workspace" => {
                workspace.dangerous_policy_in_workspace = reader.boolean(entry);
            }
            _ => unknown(
                reader,
                &entry.key,
                "`workspace`",
                WORKSPACE,
                &[
                    ("root", &["path", "directory", "cwd", "folder"]),
                    ("allowed_commands", &["commands", "allow_commands"]),
                    ("extra_read_paths", &["read", "read_paths"]),
                    ("extra_write_paths", &["write", "write_paths"]),
                    ("deny_write_paths", &["deny_write", "protected"]),
                ],
            ),
        }
    }
    (workspace, root)
}

/// A list of paths within the agent's folder: a folder that comes from somebody else opens no other of this machine.
fn own_paths(reader: &mut Reader<'_>, entry: &Entry) -> Vec<PathBuf> {
    let mut paths = Vec::new();
    for (text, span) in spanned_texts(reader, entry, "a path") {
        let path = PathBuf::from(&text);
        let is_own = path
            .components()
            .all(|part| matches!(part, Component::Normal(_)))
            && !text.starts_with('~');
        if is_own {
            paths.push(path);
            continue;
        }
        reader.sink.push(
            Diagnostic::documented(
                &LEAVES,
                format!("{} is not in the agent's folder", quoted(&text)),
                span,
                "",
            )
            .with_help(
                "name a folder within the agent's by a relative path without `..`; only a program can open other folders to an agent",
            ),
        );
    }
    paths
}

/// A list of texts.
fn texts(reader: &mut Reader<'_>, entry: &Entry, what: &str) -> Vec<String> {
    let found = spanned_texts(reader, entry, what);
    found.into_iter().map(|(text, _)| text).collect()
}

/// A list of texts, and where each stands.
fn spanned_texts(reader: &mut Reader<'_>, entry: &Entry, what: &str) -> Vec<(String, Span)> {
    let nodes = reader.list(entry, &format!("a list, each entry {what}"));
    if nodes.len() > MAX_ENTRIES {
        let span = place(reader, &entry.value, entry);
        let message = format!(
            "`{}` has {} entries, and at most {MAX_ENTRIES} are accepted",
            entry.key.name,
            nodes.len()
        );
        reader.sink.push(
            Diagnostic::documented(&TOO_LARGE, message, span, "")
                .with_help("name folders in place of files"),
        );
        return Vec::new();
    }
    let mut found = Vec::new();
    for node in nodes {
        let help = "write it as one text";
        let Some(text) = reader.string(node, what, node.span, help) else {
            continue;
        };
        if text.trim().is_empty() || text.len() > MAX_TEXT || text.chars().any(char::is_control) {
            reader.sink.push(
                Diagnostic::documented(
                    &BAD_VALUE,
                    format!("{what} is empty, too long, or has control characters"),
                    node.span,
                    "",
                )
                .with_help(format!("write {what} of at most {MAX_TEXT} bytes")),
            );
            continue;
        }
        found.push((text, node.span));
    }
    found
}
