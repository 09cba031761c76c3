//! Patterns of file scopes.
//!
//! A pattern is a path of segments. `*` takes any text within a segment, also none, and a leading dot like any other character;
//! `?` takes one code point, `[a-z]` one of a class; `**` as a whole segment takes any number of segments, also none. A pattern
//! without a slash is a name at any depth, one with a slash is anchored at the root. A trailing slash means `/**`.
//!
//! Tables are built for normalised paths: segments joined by `/`, without empty ones and `.`, a leading `/` on absolute paths, no
//! trailing one. The relative root is the empty text, the absolute root is `/`. Paths with `..`, with control characters, with a
//! backslash, and such whose first segment begins with `~` or contains `:`, never get here; patterns that could only match those are
//! refused, because their author expects something that will not happen.

mod parse;
mod regex;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use regex_syntax::hir::{
    Class, ClassBytes, ClassBytesRange, ClassUnicode, ClassUnicodeRange, Hir, Look,
};

use self::parse::{Atom, Parsed, Segment};
use super::{
    Dfa, PatternError,
    code_points::{one_of, repeat},
    table,
};

/// The longest pattern, in bytes.
pub const MAX_PATTERN_BYTES: usize = 1024;

/// A compiled pattern of a file scope.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Glob {
    /// Accepts the normalised paths that the pattern covers.
    pub dfa: Arc<Dfa>,
    /// Whether the pattern begins with `/`.
    pub absolute: bool,
    /// How many bytes of automata were made on the way.
    pub work: usize,
}

/// Compiles a pattern of allowed paths. It covers as little as can be meant.
///
/// Case matters. It must match the path itself: a trailing `/**` takes at least one segment, so `src/**` does not cover `src`.
/// `**` alone covers all relative paths, the root included. Absolute patterns cover absolute paths only, and all others relative
/// paths only, a name without a slash too.
///
/// # Errors
/// A pattern that is malformed, that could never match, or whose table would be larger than [`Dfa::MAX_TABLE_BYTES`].
pub fn allowed(pattern: &str) -> Result<Glob, PatternError> {
    let parsed = parse::parse(pattern)?;
    compile(
        pattern,
        allowed_paths(&parsed, pattern == "**"),
        parsed.absolute,
    )
}

/// Compiles a pattern of denied paths. It covers as much as can be meant.
///
/// The case of ASCII letters does not matter. It covers the path that it matches and all below, so `a/**` covers `a` too. An
/// absolute pattern also covers the same segments below the relative root. A name without a slash, and a pattern that begins with
/// `**`, cover relative and absolute paths. A pattern that covers every name, such as `*`, covers the root as well.
///
/// # Errors
/// As for [`allowed`].
pub fn denied(pattern: &str) -> Result<Glob, PatternError> {
    let parsed = parse::parse(pattern)?;
    compile(pattern, denied_paths(&parsed), parsed.absolute)
}

/// What [`allowed`] covers, as a regular expression over normalised paths that RE2 and the Rust crate `regex` read alike.
///
/// # Errors
/// A pattern that is malformed or could never match.
pub fn allowed_regex(pattern: &str) -> Result<String, PatternError> {
    Ok(regex::allowed(&parse::parse(pattern)?, pattern == "**"))
}

/// What [`denied`] covers, as a regular expression over normalised paths that RE2 and the Rust crate `regex` read alike.
///
/// # Errors
/// As for [`allowed_regex`].
pub fn denied_regex(pattern: &str) -> Result<String, PatternError> {
    Ok(regex::denied(&parse::parse(pattern)?))
}

fn compile(pattern: &str, paths: Hir, absolute: bool) -> Result<Glob, PatternError> {
    let whole = Hir::concat(vec![Hir::look(Look::Start), paths, Hir::look(Look::End)]);
    let built = table::build(&whole).map_err(|error| {
        PatternError::table(
            pattern,
            &error,
            "use fewer `?` and classes after a `*`, or write several patterns",
        )
    })?;
    Ok(Glob {
        dfa: built.dfa,
        absolute,
        work: built.work,
    })
}

fn allowed_paths(pattern: &Parsed, whole_tree: bool) -> Hir {
    let mut parts = Vec::new();
    if pattern.absolute {
        parts.push(Hir::literal(*b"/"));
    } else if !pattern.anchored {
        parts.push(any_folders());
    }
    let mut segments = pattern.segments.iter().peekable();
    while let Some(segment) = segments.next() {
        let last = segments.peek().is_none();
        match segment {
            Segment::Tree if !last => parts.push(any_folders()),
            Segment::Tree if whole_tree => parts.push(repeat(
                Hir::concat(vec![any_folders(), any_name()]),
                0,
                Some(1),
            )),
            Segment::Tree => parts.extend([any_folders(), any_name()]),
            Segment::Name(atoms) => {
                parts.push(name(atoms, Case::Matters));
                if !last {
                    parts.push(Hir::literal(*b"/"));
                }
            }
        }
    }
    Hir::concat(parts)
}

fn denied_paths(pattern: &Parsed) -> Hir {
    let segments = without_last_trees(&pattern.segments);
    if covers_every_name(segments) {
        return any_bytes();
    }
    let mut parts = Vec::new();
    if pattern.absolute {
        parts.push(repeat(Hir::literal(*b"/"), 0, Some(1)));
    } else if !pattern.anchored {
        parts.push(any_prefix());
    }
    let mut segments = segments.iter().peekable();
    while let Some(segment) = segments.next() {
        match segment {
            Segment::Tree => parts.push(any_prefix()),
            Segment::Name(atoms) => {
                parts.push(name(atoms, Case::Ignored));
                if segments.peek().is_some() {
                    parts.push(Hir::literal(*b"/"));
                }
            }
        }
    }
    parts.push(repeat(
        Hir::concat(vec![Hir::literal(*b"/"), any_bytes()]),
        0,
        Some(1),
    ));
    Hir::concat(parts)
}

/// The segments before trailing `**`: all that lies below a match is denied anyway.
fn without_last_trees(mut segments: &[Segment]) -> &[Segment] {
    while let Some((Segment::Tree, rest)) = segments.split_last() {
        segments = rest;
    }
    segments
}

fn covers_every_name(segments: &[Segment]) -> bool {
    let mut names = segments
        .iter()
        .filter(|segment| !matches!(segment, Segment::Tree));
    match (names.next(), names.next()) {
        (None, _) => true,
        (Some(Segment::Name(atoms)), None) => matches!(atoms.as_slice(), [Atom::Star]),
        _ => false,
    }
}

#[derive(Clone, Copy, PartialEq)]
enum Case {
    Matters,
    Ignored,
}

/// A segment. Segments of paths have at least one byte, so that a lone `*` does not take the root for a name.
fn name(atoms: &[Atom], case: Case) -> Hir {
    if matches!(atoms, [Atom::Star]) {
        return any_name();
    }
    let parts = atoms.iter().map(|atom| match atom {
        Atom::Star => repeat(within_segment(), 0, None),
        Atom::One => {
            let mut set = ClassUnicode::new([ClassUnicodeRange::new('/', '/')]);
            set.negate();
            one_of(&set)
        }
        Atom::Class(set) if case == Case::Ignored => one_of(&with_both_cases(set)),
        Atom::Class(set) => one_of(set),
        Atom::Literal(c) if case == Case::Ignored && c.is_ascii_alphabetic() => {
            one_of(&with_both_cases(&ClassUnicode::new([
                ClassUnicodeRange::new(*c, *c),
            ])))
        }
        Atom::Literal(c) => Hir::literal(c.encode_utf8(&mut [0; 4]).as_bytes()),
    });
    Hir::concat(parts.collect())
}

fn with_both_cases(set: &ClassUnicode) -> ClassUnicode {
    let letters = ('a'..='z').filter(|letter| {
        set.ranges().iter().any(|range| {
            (range.start()..=range.end()).contains(letter)
                || (range.start()..=range.end()).contains(&letter.to_ascii_uppercase())
        })
    });
    let mut both = set.clone();
    for letter in letters {
        both.push(ClassUnicodeRange::new(letter, letter));
        both.push(ClassUnicodeRange::new(
            letter.to_ascii_uppercase(),
            letter.to_ascii_uppercase(),
        ));
    }
    both
}

/// Any byte of a segment.
fn within_segment() -> Hir {
    let mut bytes = ClassBytes::new([ClassBytesRange::new(b'/', b'/')]);
    bytes.negate();
    Hir::class(Class::Bytes(bytes))
}

/// One whole segment.
fn any_name() -> Hir {
    repeat(within_segment(), 1, None)
}

/// Any number of whole segments, each with the slash after it.
fn any_folders() -> Hir {
    repeat(Hir::concat(vec![any_name(), Hir::literal(*b"/")]), 0, None)
}

/// Nothing, or anything up to a slash: also the leading one.
fn any_prefix() -> Hir {
    repeat(
        Hir::concat(vec![any_bytes(), Hir::literal(*b"/")]),
        0,
        Some(1),
    )
}

fn any_bytes() -> Hir {
    repeat(
        Hir::class(Class::Bytes(ClassBytes::new([ClassBytesRange::new(
            0,
            u8::MAX,
        )]))),
        0,
        None,
    )
}
