//! Patterns as regular expressions that RE2 and its kin read alike, for engines that have no tables.
//!
//! Of paths that get as far as being matched (valid UTF-8, no control characters) they say what the tables say.

use regex_syntax::hir::{ClassUnicode, ClassUnicodeRange};

use super::{
    Case, covers_every_name,
    parse::{Atom, Parsed, Segment},
    with_both_cases, without_last_trees,
};

/// Any number of whole segments, each with the slash after it.
const ANY_FOLDERS: &str = "(?:[^/]+/)*";
/// Nothing, or anything up to a slash: also the leading one.
const ANY_PREFIX: &str = "(?:.*/)?";
/// One whole segment.
const ANY_NAME: &str = "[^/]+";

pub(super) fn allowed(pattern: &Parsed, whole_tree: bool) -> String {
    let mut out = String::from("^");
    if pattern.absolute {
        out.push('/');
    } else if !pattern.anchored {
        out.push_str(ANY_FOLDERS);
    }
    let mut segments = pattern.segments.iter().peekable();
    while let Some(segment) = segments.next() {
        let last = segments.peek().is_none();
        match segment {
            Segment::Tree if !last => out.push_str(ANY_FOLDERS),
            Segment::Tree if whole_tree => {
                out.extend(["(?:", ANY_FOLDERS, ANY_NAME, ")?"]);
            }
            Segment::Tree => out.extend([ANY_FOLDERS, ANY_NAME]),
            Segment::Name(atoms) => {
                name(&mut out, atoms, Case::Matters);
                if !last {
                    out.push('/');
                }
            }
        }
    }
    out.push('$');
    out
}

pub(super) fn denied(pattern: &Parsed) -> String {
    let segments = without_last_trees(&pattern.segments);
    if covers_every_name(segments) {
        return "^.*$".to_owned();
    }
    let mut out = String::from("^");
    if pattern.absolute {
        out.push_str("/?");
    } else if !pattern.anchored {
        out.push_str(ANY_PREFIX);
    }
    let mut segments = segments.iter().peekable();
    while let Some(segment) = segments.next() {
        match segment {
            Segment::Tree => out.push_str(ANY_PREFIX),
            Segment::Name(atoms) => {
                name(&mut out, atoms, Case::Ignored);
                if segments.peek().is_some() {
                    out.push('/');
                }
            }
        }
    }
    out.push_str("(?:/.*)?$");
    out
}

fn name(out: &mut String, atoms: &[Atom], case: Case) {
    if matches!(atoms, [Atom::Star]) {
        out.push_str(ANY_NAME);
        return;
    }
    for atom in atoms {
        match atom {
            Atom::Star => out.push_str("[^/]*"),
            Atom::One => out.push_str("[^/]"),
            Atom::Class(set) if case == Case::Ignored => class(out, &with_both_cases(set)),
            Atom::Class(set) => class(out, set),
            Atom::Literal(c) if case == Case::Ignored && c.is_ascii_alphabetic() => {
                let one = ClassUnicode::new([ClassUnicodeRange::new(*c, *c)]);
                class(out, &with_both_cases(&one));
            }
            Atom::Literal(c) => character(out, *c),
        }
    }
}

fn class(out: &mut String, set: &ClassUnicode) {
    out.push('[');
    for range in set.ranges() {
        character(out, range.start());
        if range.end() > range.start() {
            out.push('-');
            character(out, range.end());
        }
    }
    out.push(']');
}

/// All punctuation is escaped: no library gives an escaped one a meaning.
fn character(out: &mut String, c: char) {
    if c.is_ascii_punctuation() && !matches!(c, '_' | '/') {
        out.push('\\');
    }
    out.push(c);
}
