//! What a pattern covers, as an expression that becomes a table for our engine and a regular expression for others.

use regex_syntax::hir::{Class, ClassBytes, ClassBytesRange, ClassUnicode, ClassUnicodeRange, Hir};

use crate::automata::code_points::{one_of, repeat};

/// An expression over normalised paths.
#[derive(Debug, Clone)]
pub(super) enum Expression {
    /// This character.
    Character(char),
    /// One character of a set.
    Set(ClassUnicode),
    /// Any text within a segment, of at least so many bytes (0 or 1).
    Name(u32),
    /// Any text.
    Anything,
    /// One after the other.
    Sequence(Vec<Self>),
    /// One of them. Without any: nothing.
    Either(Vec<Self>),
    /// So often at least, and at most.
    Repeated(Box<Self>, u32, Option<u32>),
}

impl Expression {
    /// Nothing, or this.
    pub(super) fn optional(self) -> Self {
        Self::Repeated(Box::new(self), 0, Some(1))
    }

    /// Of how many parts it is made.
    pub(super) fn size(&self) -> usize {
        match self {
            Self::Sequence(parts) | Self::Either(parts) => {
                1 + parts.iter().map(Self::size).sum::<usize>()
            }
            Self::Repeated(part, ..) => 1 + part.size(),
            Self::Name(_) | Self::Anything | Self::Set(_) | Self::Character(_) => 1,
        }
    }

    /// For a table.
    pub(super) fn to_hir(&self) -> Hir {
        match self {
            Self::Character(c) => Hir::literal(c.encode_utf8(&mut [0; 4]).as_bytes()),
            Self::Set(set) => one_of(set),
            Self::Name(least) => repeat(within_segment(), *least, None),
            Self::Anything => repeat(
                Hir::class(Class::Bytes(ClassBytes::new([ClassBytesRange::new(
                    0,
                    u8::MAX,
                )]))),
                0,
                None,
            ),
            Self::Sequence(parts) => Hir::concat(parts.iter().map(Self::to_hir).collect()),
            Self::Either(parts) => Hir::alternation(parts.iter().map(Self::to_hir).collect()),
            Self::Repeated(part, least, most) => repeat(part.to_hir(), *least, *most),
        }
    }

    /// As a regular expression that RE2 and its kin read alike, for engines that have no tables. Of paths that get as far as being
    /// matched (valid UTF-8, no control characters) it says what the table says.
    pub(super) fn print(&self, out: &mut String) {
        match self {
            Self::Character(c) => character(out, *c),
            Self::Set(set) => class(out, set),
            Self::Name(0) => out.push_str("[^/]*"),
            Self::Name(_) => out.push_str("[^/]+"),
            Self::Anything => out.push_str(".*"),
            Self::Sequence(parts) => parts.iter().for_each(|part| part.print(out)),
            Self::Either(parts) => {
                out.push_str("(?:");
                for (index, part) in parts.iter().enumerate() {
                    if index > 0 {
                        out.push('|');
                    }
                    part.print(out);
                }
                out.push(')');
            }
            Self::Repeated(part, least, most) => {
                if matches!(**part, Self::Character(_)) {
                    part.print(out);
                } else {
                    out.push_str("(?:");
                    part.print(out);
                    out.push(')');
                }
                match (least, most) {
                    (0, Some(1)) => out.push('?'),
                    (0, _) => out.push('*'),
                    _ => out.push('+'),
                }
            }
        }
    }
}

/// Everything but the slash.
pub(super) fn no_slash() -> ClassUnicode {
    let mut set = ClassUnicode::new([ClassUnicodeRange::new('/', '/')]);
    set.negate();
    set
}

/// Any byte of a segment.
fn within_segment() -> Hir {
    let mut bytes = ClassBytes::new([ClassBytesRange::new(b'/', b'/')]);
    bytes.negate();
    Hir::class(Class::Bytes(bytes))
}

fn class(out: &mut String, set: &ClassUnicode) {
    if *set == no_slash() {
        return out.push_str("[^/]");
    }
    if let [only] = set.ranges()
        && only.start() == only.end()
    {
        return character(out, only.start());
    }
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

/// All punctuation is escaped: no library gives an escaped one a meaning. So is what a reader would not see as a character of its own.
fn character(out: &mut String, c: char) {
    if c.is_ascii_punctuation() && !matches!(c, '_' | '/') {
        out.push('\\');
    }
    if c.is_alphanumeric() || c.is_ascii() && !c.is_control() {
        out.push(c);
    } else {
        out.push_str(&format!("\\x{{{:X}}}", u32::from(c)));
    }
}
