//! How a catalogue differs from what was accepted, for an operator's eyes.

use std::collections::BTreeMap;
use std::time::Duration;

use similar::TextDiff;

use super::PinnedTool;
use crate::visible::visible;

/// How long two tools are compared line by line; after that the difference is coarser, and still complete.
const TIME: Duration = Duration::from_millis(500);
/// The most bytes of a difference that are shown. An operator who is flooded sees that.
const MOST_BYTES: usize = 64 << 10;

/// One tool that is not as it was accepted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Difference {
    /// The server's name for the tool, visible.
    pub name: String,
    /// What happened to it.
    pub kind: Kind,
    /// The lines that went and came, with three lines around them, everything visible. At most 64 KiB: the rest is counted.
    pub text: String,
}

/// What happened to a tool.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// It is offered and was not accepted.
    New,
    /// It differs from what was accepted.
    Changed,
    /// It was accepted and is no longer offered.
    Gone,
}

/// All differences, by name.
pub(super) fn all(
    accepted: &BTreeMap<String, PinnedTool>,
    offered: &BTreeMap<String, PinnedTool>,
) -> Vec<Difference> {
    let mut differences = Vec::new();
    let mut names: Vec<&String> = accepted.keys().chain(offered.keys()).collect();
    names.sort_unstable();
    names.dedup();
    for name in names {
        let (kind, text) = match (accepted.get(name), offered.get(name)) {
            (Some(old), Some(new)) if old.digest() == new.digest() => continue,
            (Some(old), Some(new)) => (Kind::Changed, of(old, new)),
            (None, Some(new)) => (Kind::New, diff("", new.text())),
            (Some(old), None) => (Kind::Gone, diff(old.text(), "")),
            (None, None) => continue,
        };
        differences.push(Difference {
            name: visible(name).replace(['\n', '\t'], " "),
            kind,
            text,
        });
    }
    differences
}

/// How `new` differs from `old`.
pub(super) fn of(old: &PinnedTool, new: &PinnedTool) -> String {
    diff(old.text(), new.text())
}

fn diff(old: &str, new: &str) -> String {
    // The texts are JSON: line breaks of the server's are `\n` within strings, so no text of a tool can look like a line of the difference.
    let (old, new) = (visible(old), visible(new));
    let compared = TextDiff::configure()
        .timeout(TIME)
        .diff_lines(old.as_ref(), new.as_ref());
    let mut text = compared
        .unified_diff()
        .context_radius(3)
        .missing_newline_hint(false)
        .to_string();
    if text.len() > MOST_BYTES {
        let end = (0..=MOST_BYTES)
            .rev()
            .find(|end| text.is_char_boundary(*end))
            .unwrap_or_default();
        let left = text.len() - end;
        text.truncate(end);
        text.push_str(&format!("\n… and {left} bytes more\n"));
    }
    text
}
