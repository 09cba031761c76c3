//! What the parser of patterns refuses, in the words of a policy's author.

use std::ops::Range;

use regex_syntax::ast::{Error, ErrorKind};

use crate::automata::PatternError;

pub(super) fn explain(pattern: &str, error: &Error) -> PatternError {
    let span = char_range(pattern, error.span().start.offset..error.span().end.offset);
    let text = pattern.get(span.clone()).unwrap_or_default();
    let (message, help) = describe(error.kind(), pattern, &span, text);
    let error = PatternError::new(span, message);
    match help {
        Some(help) => error.with_help(help),
        None => error,
    }
}

/// A range that lies within the text and on its character boundaries, whatever the parser says, and that shows a character where
/// there is one.
fn char_range(pattern: &str, range: Range<usize>) -> Range<usize> {
    let start = (0..=range.start.min(pattern.len()))
        .rev()
        .find(|&at| pattern.is_char_boundary(at))
        .unwrap_or(0);
    let least = pattern
        .get(start..)
        .and_then(|rest| rest.chars().next())
        .map_or(start, |c| start + c.len_utf8());
    let end = (range.end.max(least)..pattern.len())
        .find(|&at| pattern.is_char_boundary(at))
        .unwrap_or(pattern.len());
    start..end
}

fn describe(
    kind: &ErrorKind,
    pattern: &str,
    span: &Range<usize>,
    text: &str,
) -> (String, Option<String>) {
    let said = |message: &str, help: &str| (message.to_owned(), Some(help.to_owned()));
    match kind {
        ErrorKind::UnsupportedLookAround => {
            let what = match text {
                "(?=" => "lookahead is",
                "(?!" => "negative lookahead is",
                "(?<!" => "negative lookbehind is",
                _ => "lookbehind is",
            };
            (
                format!("{what} not supported: matching is linear"),
                Some(
                    "state the other condition on its own: `matches(…) and not matches(…)`"
                        .to_owned(),
                ),
            )
        }
        ErrorKind::UnsupportedBackreference => (
            format!(
                "`{text}` is not supported: matching is linear, so there are no backreferences"
            ),
            Some("a code point is written as `\\x41` or `\\x{41}`, not in octal".to_owned()),
        ),
        ErrorKind::EscapeUnrecognized => (
            format!("`{text}` is not a known escape"),
            Some(unknown_escape(text)),
        ),
        ErrorKind::EscapeUnexpectedEof if text == "\\" => said(
            "`\\` stands at the end of the pattern",
            "write `\\\\` for a backslash",
        ),
        ErrorKind::EscapeUnexpectedEof
        | ErrorKind::EscapeHexEmpty
        | ErrorKind::EscapeHexInvalidDigit => said(
            "the hexadecimal escape is malformed",
            "write two digits, `\\x41`, or any number in braces, `\\x{41}`",
        ),
        ErrorKind::EscapeHexInvalid => said(
            "the escape is not a code point",
            "code points are 0 to 10FFFF without D800 to DFFF",
        ),
        ErrorKind::ClassEscapeInvalid => (
            format!("`{text}` cannot stand in a class"),
            Some("assertions stand outside of `[…]`".to_owned()),
        ),
        ErrorKind::ClassRangeInvalid => (
            format!("the range `{text}` is reversed"),
            Some("write the smaller code point first".to_owned()),
        ),
        ErrorKind::ClassRangeLiteral => (
            format!("`{text}` is not a single code point, so no range begins or ends with it"),
            Some("write `\\-` for a hyphen".to_owned()),
        ),
        ErrorKind::ClassUnclosed => said(
            "the class is not closed",
            "close it with `]`, or write `\\[` for the bracket itself",
        ),
        ErrorKind::FlagUnrecognized => unknown_group(pattern, span, text),
        ErrorKind::FlagDanglingNegation => said(
            "`-` names no flag",
            "write the flags to clear after it: `(?-i)`",
        ),
        ErrorKind::FlagDuplicate { .. } => (
            format!("the flag `{text}` stands twice"),
            Some("keep one".to_owned()),
        ),
        ErrorKind::FlagRepeatedNegation { .. } => said("`-` stands twice in the flags", "keep one"),
        ErrorKind::FlagUnexpectedEof => {
            said("the flags are not closed", "close them with `)` or `:`")
        }
        ErrorKind::GroupNameDuplicate { .. } => (
            format!("the group name `{text}` stands twice"),
            Some("leave the name out: `(?:…)`".to_owned()),
        ),
        ErrorKind::GroupNameEmpty
        | ErrorKind::GroupNameInvalid
        | ErrorKind::GroupNameUnexpectedEof => {
            said("the group name is malformed", "leave the name out: `(?:…)`")
        }
        ErrorKind::GroupUnclosed => said(
            "the group is not closed",
            "close it with `)`, or write `\\(` for the parenthesis itself",
        ),
        ErrorKind::GroupUnopened => said(
            "the group was not opened",
            "open it with `(`, or write `\\)` for the parenthesis itself",
        ),
        ErrorKind::NestLimitExceeded(limit) => (
            format!("the pattern nests deeper than {limit} levels"),
            Some("remove groups that are not needed".to_owned()),
        ),
        ErrorKind::RepetitionCountInvalid => (
            format!("the repetition `{text}` is reversed"),
            Some("write the smaller count first".to_owned()),
        ),
        ErrorKind::RepetitionCountDecimalEmpty | ErrorKind::DecimalEmpty => said(
            "the repetition has no lower count",
            "write `{0,3}` for at most three, or `\\{` for the brace itself",
        ),
        ErrorKind::DecimalInvalid => said("the count is out of range", "at most 1000"),
        ErrorKind::RepetitionCountUnclosed => said(
            "the repetition is not closed",
            "close it with `}`, or write `\\{` for the brace itself",
        ),
        ErrorKind::RepetitionMissing => said(
            "there is nothing to repeat",
            "write `\\*`, `\\+`, `\\?` or `\\{` for the character itself",
        ),
        ErrorKind::SpecialWordBoundaryUnclosed
        | ErrorKind::SpecialWordBoundaryUnrecognized
        | ErrorKind::SpecialWordOrRepetitionUnexpectedEof => {
            said("`\\b{…}` is not supported", "write `\\b` alone")
        }
        ErrorKind::UnicodeClassInvalid => said(
            "Unicode classes are not supported",
            "list the code points: `[a-zA-Z]`, `[[:alpha:]]`",
        ),
        other => (other.to_string(), None),
    }
}

fn unknown_escape(text: &str) -> String {
    match text {
        "\\Z" => "write `$` or `\\z` for the end of the text",
        "\\Q" | "\\E" => "write `\\` before each special character",
        "\\h" => "write `[\\t ]`",
        "\\e" => "write `\\x1B`",
        "\\R" => "write `\\r?\\n`",
        "\\C" | "\\X" => "write `.` for a code point",
        _ => "letters and digits after `\\` are reserved; write any other character as it is",
    }
    .to_owned()
}

/// After `(?`. The parser points at the first character that it takes for an unknown flag.
fn unknown_group(pattern: &str, span: &Range<usize>, text: &str) -> (String, Option<String>) {
    let directly = pattern
        .get(..span.start)
        .is_some_and(|before| before.ends_with("(?"));
    let (message, help) = match text {
        ">" if directly => (
            "atomic groups are not supported: matching is linear",
            "write `(?:…)`",
        ),
        "#" if directly => (
            "comments are not supported",
            "write it beside the constraint, as a comment of the policy",
        ),
        "(" if directly => (
            "conditional groups are not supported: matching is linear",
            "write two constraints",
        ),
        "P" if directly => (
            "this kind of group is not supported",
            "write `(?:…)` or `(?P<name>…)`",
        ),
        _ => {
            return (
                format!("`{text}` is not a known flag"),
                Some("the flags are `i` and `s`: `(?i)`, `(?s)`, `(?i:…)`".to_owned()),
            );
        }
    };
    (message.to_owned(), Some(help.to_owned()))
}
