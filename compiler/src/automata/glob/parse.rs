//! From the text of a pattern to its segments.

use std::{iter::Peekable, ops::Range, str::CharIndices};

use regex_syntax::hir::{ClassUnicode, ClassUnicodeRange};

use hexgate_contract::PathStyle;

use super::MAX_PATTERN_BYTES;
use crate::automata::PatternError;

/// A pattern in parts.
#[derive(Debug)]
pub(super) struct Parsed {
    /// It begins with `/`, or with a drive.
    pub(super) absolute: bool,
    /// The drive that it begins with, in upper case.
    pub(super) drive: Option<char>,
    /// It contains a slash.
    pub(super) anchored: bool,
    /// At least one.
    pub(super) segments: Vec<Segment>,
}

/// What stands between slashes.
#[derive(Debug)]
pub(super) enum Segment {
    /// `**`
    Tree,
    /// Anything else, never empty.
    Name(Vec<Atom>),
}

/// A part of a segment.
#[derive(Debug)]
pub(super) enum Atom {
    Literal(char),
    /// `*`
    Star,
    /// `?`
    One,
    /// `[…]` of more than one character
    Class(ClassUnicode),
}

pub(super) fn parse(pattern: &str, style: PathStyle) -> Result<Parsed, PatternError> {
    check_text(pattern)?;
    let drive = match style {
        PathStyle::Posix => None,
        PathStyle::Windows => drive(pattern)?,
    };
    let rooted = pattern.starts_with('/');
    let body_start = match drive {
        Some(_) => "C:/".len(),
        None => usize::from(rooted),
    };
    let body = pattern.get(body_start..).unwrap_or_default();
    let mut segments = Vec::new();
    let mut at = body_start;
    let texts = split(body, body_start)?;
    let count = texts.len();
    for (index, text) in texts.into_iter().enumerate() {
        let span = at..at + text.len();
        at = span.end + 1;
        if text.is_empty() && index + 1 == count && pattern.ends_with('/') {
            segments.push(Segment::Tree);
            continue;
        }
        check_segment(text, &span, index == 0 && drive.is_none())?;
        if style == PathStyle::Windows {
            check_end(text, &span)?;
        }
        segments.push(if text == "**" {
            Segment::Tree
        } else {
            Segment::Name(atoms(text, span.start)?)
        });
    }
    Ok(Parsed {
        absolute: rooted || drive.is_some(),
        drive,
        anchored: pattern.contains('/'),
        segments,
    })
}

/// The drive of a pattern for paths of Windows.
fn drive(pattern: &str) -> Result<Option<char>, PatternError> {
    if pattern.starts_with('/') {
        return Err(PatternError::new(
            0..1,
            "a path of Windows that begins with `/` and without a drive is always denied",
        )
        .with_help("begin with the drive, as in `C:/Users/**`, or leave the `/` out for paths below the working folder"));
    }
    let first = pattern.split('/').next().unwrap_or_default();
    let Some((letter, rest)) = first.split_once(':') else {
        return Ok(None);
    };
    let mut letters = letter.chars();
    match (letters.next(), letters.next()) {
        (Some(letter), None) if letter.is_ascii_alphabetic() => {
            if rest.is_empty() && first.len() < pattern.len() {
                return Ok(Some(letter.to_ascii_uppercase()));
            }
            Err(PatternError::new(
                0..first.len(),
                "without a `/` behind it a drive stands for its working folder, which is not known",
            )
            .with_help("write the path from the root of the drive, as in `C:/Users/**`"))
        }
        _ => Err(PatternError::new(
            letter.len()..letter.len() + 1,
            "a path whose first segment contains `:` and is no drive is always denied",
        )
        .with_help("write one pattern for each drive, as in `C:/Users/**`")),
    }
}

/// A segment that no path of Windows has.
fn check_end(text: &str, span: &Range<usize>) -> Result<(), PatternError> {
    let Some(last) = text.chars().next_back() else {
        return Ok(());
    };
    if last != '.' && !last.is_whitespace() {
        return Ok(());
    }
    Err(PatternError::new(
        span.end - last.len_utf8()..span.end,
        "a path of Windows of which a segment ends in a dot or a blank is always denied",
    )
    .with_help("leave it out: Windows drops both"))
}

fn check_text(pattern: &str) -> Result<(), PatternError> {
    let whole = 0..pattern.len();
    if pattern.trim().is_empty() {
        return Err(PatternError::new(whole, "the pattern is empty")
            .with_help("write `**` for every relative path"));
    }
    if pattern.len() > MAX_PATTERN_BYTES {
        return Err(PatternError::new(
            whole,
            format!("the pattern is longer than {MAX_PATTERN_BYTES} bytes"),
        )
        .with_help("write several patterns, or match a folder above with `**`"));
    }
    for (at, c) in pattern.char_indices() {
        let span = at..at + c.len_utf8();
        let (message, help) = match c {
            '!' => (
                "`!` does not negate a pattern here",
                "what is excluded from `allowed_paths` stands under `denied_paths`, and what is lifted from `denied_paths` under `except_paths`, without the `!`",
            ),
            '\\' => (
                "`\\` cannot stand in a pattern",
                "separate segments by `/`, those of Windows too, as in `C:/Users/**` with `style: windows`; write `[*]` for a character that has a meaning",
            ),
            '{' | '}' => (
                "braces do not list alternatives here",
                "write one pattern for each alternative",
            ),
            _ if c.is_control() => (
                "a control character cannot stand in a pattern",
                "paths that contain one are always denied: leave it out",
            ),
            _ => continue,
        };
        return Err(PatternError::new(span, message).with_help(help));
    }
    let trimmed = pattern.trim_start();
    if trimmed.len() != pattern.len() {
        return Err(PatternError::new(
            0..pattern.len() - trimmed.len(),
            "the pattern begins with white space",
        )
        .with_help("leave it out, or write `[ ]` for a name that begins with a space"));
    }
    let trimmed = pattern.trim_end();
    if trimmed.len() != pattern.len() {
        return Err(PatternError::new(
            trimmed.len()..pattern.len(),
            "the pattern ends with white space",
        )
        .with_help("leave it out, or write `[ ]` for a name that ends with a space"));
    }
    Ok(())
}

/// Splits at slashes. A slash within brackets is an error of its own, so brackets are looked at first.
fn split(body: &str, offset: usize) -> Result<Vec<&str>, PatternError> {
    let mut open: Option<usize> = None;
    for (at, c) in body.char_indices() {
        match (c, open) {
            ('[', None) => open = Some(at),
            (']', Some(_)) => open = None,
            ('/', Some(start)) => {
                let closed = body.get(at..).is_some_and(|rest| rest.contains(']'));
                return Err(if closed {
                    PatternError::new(
                        offset + at..offset + at + 1,
                        "`/` cannot stand in a class, which takes one character of a segment",
                    )
                    .with_help("write one pattern for each alternative")
                } else {
                    unclosed(offset + start)
                });
            }
            _ => {}
        }
    }
    match open {
        Some(start) => Err(unclosed(offset + start)),
        None => Ok(body.split('/').collect()),
    }
}

fn unclosed(at: usize) -> PatternError {
    PatternError::new(at..at + 1, "the class is not closed")
        .with_help("close it with `]`, or write `[[]` for the bracket itself")
}

fn check_segment(text: &str, span: &Range<usize>, first: bool) -> Result<(), PatternError> {
    let (message, help) = match text {
        "" => ("an empty segment never matches", "write a single `/`"),
        ".." => (
            "`..` never matches: paths that contain it are always denied",
            "write the path from the root",
        ),
        "." if first => (
            "a leading `./` never matches: `.` is removed from paths",
            "leave it out",
        ),
        "." => (
            "a segment `.` never matches: it is removed from paths",
            "leave it out",
        ),
        "**" => return Ok(()),
        _ => {
            if let Some(at) = text.find("**") {
                let start = span.start + at;
                return Err(PatternError::new(
                    start..start + 2,
                    "`**` stands for whole segments and cannot be a part of one",
                )
                .with_help("write `*` within a segment, or `/**/` between segments"));
            }
            if first && text.starts_with('~') {
                return Err(PatternError::new(
                    span.start..span.start + 1,
                    "a path whose first segment begins with `~` is always denied",
                )
                .with_help("leave a denied pattern out; for an allowed one write the folder's real path, or `**/~…` for a name at any depth"));
            }
            if first && let Some(at) = text.find(':') {
                let start = span.start + at;
                let help = if at == 1
                    && span.start == 0
                    && text.starts_with(|first: char| first.is_ascii_alphabetic())
                {
                    "for a host on Windows write `style: windows` beside the patterns; elsewhere leave the drive out"
                } else {
                    "leave a denied pattern out; for an allowed one let the tool take paths without drive or scheme, and write `**/…` for a name at any depth"
                };
                return Err(PatternError::new(
                    start..start + 1,
                    "a path whose first segment contains `:` is always denied",
                )
                .with_help(help));
            }
            return Ok(());
        }
    };
    Err(PatternError::new(span.clone(), message).with_help(help))
}

fn atoms(text: &str, offset: usize) -> Result<Vec<Atom>, PatternError> {
    let mut chars = text.char_indices().peekable();
    let mut atoms = Vec::new();
    while let Some((at, c)) = chars.next() {
        atoms.push(match c {
            '*' => Atom::Star,
            '?' => Atom::One,
            '[' => match class(&mut chars, text, at, offset)? {
                // How a character that has a meaning is written.
                one if is_one(&one) => {
                    Atom::Literal(one.ranges().first().map_or(c, |one| one.start()))
                }
                class => Atom::Class(class),
            },
            c => Atom::Literal(c),
        });
    }
    Ok(atoms)
}

fn is_one(class: &ClassUnicode) -> bool {
    matches!(class.ranges(), [only] if only.start() == only.end())
}

/// A class, after its opening bracket at `start`.
fn class(
    chars: &mut Peekable<CharIndices<'_>>,
    text: &str,
    start: usize,
    offset: usize,
) -> Result<ClassUnicode, PatternError> {
    let mut set = ClassUnicode::empty();
    let mut first = true;
    while let Some((at, c)) = chars.next() {
        let here = offset + at..offset + at + c.len_utf8();
        match c {
            ']' if first => {
                return Err(
                    PatternError::new(offset + start..here.end, "the class is empty")
                        .with_help("list the characters that it takes"),
                );
            }
            ']' => return Ok(set),
            '^' if first => {
                return Err(
                    PatternError::new(here, "classes cannot be negated").with_help(
                        "list what is excluded under `denied_paths`, or put `^` later in the class",
                    ),
                );
            }
            '-' if !first && chars.peek().is_some_and(|&(_, next)| next != ']') => {
                return Err(PatternError::new(
                    here,
                    "`-` stands in the middle of a class without a range",
                )
                .with_help("put it first or last"));
            }
            _ => {}
        }
        first = false;
        let end = range_end(chars);
        let last = end.map_or(c, |(_, last)| last);
        let span = here.start..end.map_or(here.end, |(at, last)| offset + at + last.len_utf8());
        if last < c {
            let written = text
                .get(span.start - offset..span.end - offset)
                .unwrap_or_default();
            return Err(
                PatternError::new(span, format!("the range `{written}` is reversed"))
                    .with_help("write the smaller code point first"),
            );
        }
        if (c..=last).contains(&'/') {
            return Err(PatternError::new(span, "a range that contains `/` cannot stand in a class, which takes one character of a segment")
                .with_help("write two ranges, one on each side of it"));
        }
        set.push(ClassUnicodeRange::new(c, last));
    }
    Err(unclosed(offset + start))
}

/// The end of a range, if `-` and a character other than `]` come next.
fn range_end(chars: &mut Peekable<CharIndices<'_>>) -> Option<(usize, char)> {
    let mut ahead = chars.clone();
    if ahead.next()?.1 != '-' {
        return None;
    }
    let (at, last) = ahead.next()?;
    if last == ']' {
        return None;
    }
    *chars = ahead;
    Some((at, last))
}
