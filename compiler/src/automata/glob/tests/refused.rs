//! Each pattern that is refused: where, why, and what to write instead.

use super::{allowed, denied};
use crate::automata::glob::MAX_PATTERN_BYTES;

/// The pattern, what the span covers, parts of message and help.
#[rustfmt::skip]
const REFUSED: &[(&str, &str, &str, &str)] = &[
    ("", "", "the pattern is empty", "`**`"),
    ("  ", "  ", "the pattern is empty", "`**`"),
    ("\t", "\t", "the pattern is empty", "`**`"),
    (" a", " ", "begins with white space", "`[ ]`"),
    ("a  ", "  ", "ends with white space", "`[ ]`"),
    ("a\u{A0}", "\u{A0}", "ends with white space", "`[ ]`"),
    ("!a", "!", "does not negate", "denied_paths"),
    ("a/!b", "!", "does not negate", "denied_paths"),
    ("[!a]", "!", "does not negate", "denied_paths"),
    (r"a\b", r"\", "cannot stand in a pattern", "`/`"),
    (r"\*", r"\", "cannot stand in a pattern", "`[*]`"),
    ("*.{py,rs}", "{", "braces do not list alternatives", "one pattern for each"),
    ("a}", "}", "braces do not list alternatives", "one pattern for each"),
    ("a\nb", "\n", "a control character", "always denied"),
    ("a\0", "\0", "a control character", "always denied"),
    ("a\u{7F}", "\u{7F}", "a control character", "always denied"),
    ("a\u{85}b", "\u{85}", "a control character", "always denied"),
    ("..", "..", "`..` never matches", "from the root"),
    ("../a", "..", "`..` never matches", "from the root"),
    ("a/../b", "..", "`..` never matches", "from the root"),
    ("/..", "..", "`..` never matches", "from the root"),
    ("a/..", "..", "`..` never matches", "from the root"),
    ("./a", ".", "a leading `./` never matches", "leave it out"),
    (".", ".", "a leading `./` never matches", "leave it out"),
    ("/./a", ".", "never matches", "leave it out"),
    ("a/./b", ".", "a segment `.` never matches", "leave it out"),
    ("a/.", ".", "a segment `.` never matches", "leave it out"),
    ("a//b", "", "an empty segment never matches", "single `/`"),
    ("//", "", "an empty segment never matches", "single `/`"),
    ("//a", "", "an empty segment never matches", "single `/`"),
    ("a//", "", "an empty segment never matches", "single `/`"),
    ("a**b", "**", "stands for whole segments", "`/**/`"),
    ("a**", "**", "stands for whole segments", "`/**/`"),
    ("**a/b", "**", "stands for whole segments", "`/**/`"),
    ("x/***", "**", "stands for whole segments", "`/**/`"),
    ("**.py", "**", "stands for whole segments", "`/**/`"),
    ("~/a", "~", "begins with `~`", "`**/~…`"),
    ("~", "~", "begins with `~`", "`**/~…`"),
    ("~root/a", "~", "begins with `~`", "`**/~…`"),
    ("/~a", "~", "begins with `~`", "`**/~…`"),
    ("C:/a", ":", "contains `:`", "`style: windows`"),
    ("file:a", ":", "contains `:`", "`**/…`"),
    ("/c:/a", ":", "contains `:`", "`**/…`"),
    ("[a", "[", "the class is not closed", "`[[]`"),
    ("a[", "[", "the class is not closed", "`[[]`"),
    ("[a/b", "[", "the class is not closed", "`[[]`"),
    ("x/[a-", "[", "the class is not closed", "`[[]`"),
    ("[a/b]", "/", "`/` cannot stand in a class", "one pattern for each"),
    ("[]", "[]", "the class is empty", "list the characters"),
    ("a[]b]", "[]", "the class is empty", "list the characters"),
    ("[^a]", "^", "classes cannot be negated", "denied_paths"),
    ("x/[^/]", "/", "`/` cannot stand in a class", "one pattern for each"),
    ("[z-a]", "z-a", "the range `z-a` is reversed", "smaller"),
    ("[ü-é]", "ü-é", "the range `ü-é` is reversed", "smaller"),
    ("[+-9]", "+-9", "contains `/`", "two ranges"),
    ("[a-c-e]", "-", "in the middle of a class", "first or last"),
];

#[test]
fn refuses_what_is_malformed_or_never_matches() {
    let mut wrong = Vec::new();
    for &(pattern, place, message, help) in REFUSED {
        let (one, other) = (allowed(pattern), denied(pattern));
        if one != other {
            wrong.push(format!("{pattern:?}: allowed and denied differ"));
        }
        let Err(error) = one else {
            wrong.push(format!("{pattern:?} is accepted"));
            continue;
        };
        let (found, advice) = (
            pattern.get(error.span.clone()),
            error.help.unwrap_or_default(),
        );
        if found != Some(place) || !error.message.contains(message) || !advice.contains(help) {
            wrong.push(format!(
                "{pattern:?}: {} at {found:?}; {advice}",
                error.message
            ));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn refuses_long_patterns_and_large_tables() {
    let longest = "a".repeat(MAX_PATTERN_BYTES);
    assert!(allowed(&longest).is_ok() && denied(&longest).is_ok());
    let error = denied(&format!("{longest}a")).unwrap_err();
    assert_eq!(
        (error.span, error.message.as_str()),
        (0..1025, "the pattern is longer than 1024 bytes")
    );
    for pattern in [
        "*a????????????????????b".to_owned(),
        format!("*a{}b", "[a-z]".repeat(200)),
    ] {
        let error = allowed(&pattern).unwrap_err();
        assert_eq!(
            error.message,
            "the pattern needs a table of more than 65536 bytes"
        );
        assert_eq!(denied(&pattern).unwrap_err().span, 0..pattern.len());
    }
    // Stars alone never multiply, though in a denied pattern a letter beside one may carry accents.
    assert!(
        allowed(&"*a".repeat(512)).is_ok()
            && allowed(&format!("{}b", "**/a*/".repeat(150))).is_ok()
    );
    assert!(
        denied(&"*a".repeat(128)).is_ok() && denied(&format!("{}b", "**/a*/".repeat(100))).is_ok()
    );
    // Letters that one character can stand for, side by side.
    assert!(denied(&"s".repeat(12)).is_ok());
    let error = denied(&"s".repeat(100)).unwrap_err();
    assert!(error.message.contains("repeats letters"), "{error}");
}
