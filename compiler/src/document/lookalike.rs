//! Characters that nobody sees, and such that look like others: a name with one of them is not the name that it seems to be.

use crate::{
    diagnostic::{Diagnostic, quoted},
    source::Span,
};

/// Letters of other scripts that look like a letter of ASCII.
const TWINS: &[(&str, &str)] = &[
    // Cyrillic
    (
        "аАВеЕкКМоОрРсСТуУхХНіІјЈѕЅԁԛԝһҺ",
        "aABeEkKMoOpPcCTyYxXHiIjJsSdqwhH",
    ),
    // Greek
    ("αΑΒεΕΖΗιΙΚκΜΝνοΟρΡΤυΥΧχ", "aABeEZHiIKkMNvoOpPTuYXx"),
];

/// What is wrong with the characters of a name. `of` is what bears it.
pub(super) fn check(name: &str, of: &str, span: Span) -> Option<Diagnostic> {
    let (message, help) = if let Some(c) = name.chars().find(|c| is_invisible(*c)) {
        (
            format!("the name {} of {of} contains U+{:04X}, which nobody sees", quoted(name), u32::from(c)),
            "type the name anew; names are compared letter by letter, so it is another name than the one that it seems to be".to_owned(),
        )
    } else if name.trim() != name {
        (
            format!(
                "the name {} of {of} begins or ends with a blank, which nobody sees",
                quoted(name)
            ),
            "leave it out; names are compared letter by letter".to_owned(),
        )
    } else {
        let (c, twin) = twin(name)?;
        (
            format!(
                "the name {} of {of} contains U+{:04X}, which looks like `{twin}`",
                quoted(name),
                u32::from(c)
            ),
            format!(
                "write {} if that is meant; names are compared letter by letter",
                quoted(&plain(name))
            ),
        )
    };
    Some(
        Diagnostic::new("lookalike-name", message, span, "not what it seems to be").with_help(help),
    )
}

/// Whether a character takes no room, or the room of a blank without being the ordinary one.
fn is_invisible(c: char) -> bool {
    let code = u32::from(c);
    // What file systems leave out of names is what readers do not see; but for U+F000 to U+F0FF, which are shown as something.
    let ignored = hexgate_eval::IGNORED_IN_NAMES
        .iter()
        .any(|(first, last)| (*first..=*last).contains(&code))
        && !(0xF000..=0xF0FF).contains(&code);
    ignored || c != ' ' && c.is_whitespace()
}

/// The first character that looks like one of ASCII, in a name that consists of such and of ASCII, or mixes scripts.
fn twin(name: &str) -> Option<(char, char)> {
    let first = name.chars().find_map(|c| Some((c, ascii_twin(c)?)))?;
    let is_wide = |c: char| matches!(c, '\u{FF01}'..='\u{FF5E}' | '\u{1D400}'..='\u{1D7FF}');
    let letters = || name.chars().filter(|c| c.is_alphabetic());
    let mixed = letters().any(|c| c.is_ascii_alphabetic());
    let all = letters().all(|c| ascii_twin(c).is_some());
    (mixed || all || is_wide(first.0)).then_some(first)
}

/// The name with ASCII in place of what looks like it.
fn plain(name: &str) -> String {
    name.chars().map(|c| ascii_twin(c).unwrap_or(c)).collect()
}

fn ascii_twin(c: char) -> Option<char> {
    if let '\u{FF01}'..='\u{FF5E}' = c {
        return char::from_u32(u32::from(c) - 0xFEE0);
    }
    if let '\u{1D400}'..='\u{1D6A3}' = c {
        // Mathematical letters: alphabets of 52, capitals first.
        let at = (u32::from(c) - 0x1D400) % 52;
        return char::from_u32(if at < 26 { 0x41 + at } else { 0x61 + at - 26 });
    }
    if let '\u{1D7CE}'..='\u{1D7FF}' = c {
        return char::from_u32(0x30 + (u32::from(c) - 0x1D7CE) % 10);
    }
    TWINS.iter().find_map(|(from, to)| {
        let at = from.chars().position(|other| other == c)?;
        to.chars().nth(at)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_twin_has_its_letter() {
        for (from, to) in TWINS {
            assert_eq!(from.chars().count(), to.chars().count(), "{from}");
            assert!(to.is_ascii() && !from.chars().any(|c| c.is_ascii()));
        }
    }

    #[test]
    fn names_that_seem_to_be_others_are_told() {
        let span = Span::whole(crate::source::Sources::default().add("x", ""));
        for (name, told) in [
            ("read_file", false),
            ("größe", false),
            ("поиск", false),
            ("αρχείο", false),
            ("日本語", false),
            ("a b", false),
            ("re\u{430}d_file", true),
            ("\u{441}\u{43e}\u{440}\u{443}", true),
            ("read\u{200b}_file", true),
            ("read\u{a0}file", true),
            (" read", true),
            ("read\u{feff}", true),
            ("\u{ff52}ead", true),
            ("\u{1d42b}ead", true),
        ] {
            assert_eq!(check(name, "a tool", span).is_some(), told, "{name:?}");
        }
        assert_eq!(plain("\u{ff52}e\u{430}d\u{1d42b}\u{1d7d7}"), "readr9");
    }
}
