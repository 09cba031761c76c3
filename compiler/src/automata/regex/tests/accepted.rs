//! What each construct means, by examples.

use crate::automata::regex::compile;

fn check(pattern: &str, accepted: &[&str], rejected: &[&str]) {
    let regex = compile(pattern).unwrap_or_else(|error| panic!("`{pattern}` is refused: {error}"));
    for text in accepted {
        assert!(regex.dfa.accepts(text), "`{pattern}` rejects {text:?}");
    }
    for text in rejected {
        assert!(!regex.dfa.accepts(text), "`{pattern}` accepts {text:?}");
    }
}

#[test]
fn finds_a_match_anywhere_unless_anchored() {
    check("bc", &["bc", "abcd", "ébc"], &["", "b", "b c", "cb"]);
    check("^bc", &["bc", "bcd"], &["abc", "\nbc"]);
    check("bc$", &["bc", "abc"], &["bcd", "bc\n"]);
    check(r"\Abc\z", &["bc"], &["abc", "bcd", "bc\n", "\nbc"]);
    check("^a|b$", &["ax", "xb", "a"], &["xa", "bx", ""]);
}

#[test]
fn the_empty_pattern_accepts_every_text() {
    for pattern in ["", "()", "(?:)", "a*", "a|", "|a", "(|a)", "a{0}", "(?i)"] {
        check(pattern, &["", "x", "é\n"], &[]);
        assert_eq!(compile(pattern).unwrap().dfa.start, 1, "`{pattern}`");
    }
    check("^$", &[""], &["\n", "a"]);
}

#[test]
fn a_pattern_without_matches_accepts_no_text() {
    for pattern in [
        r"[^\x00-\x{10FFFF}]",
        "a^",
        "$a",
        r"[^\s\S]",
        r"(?s)[^\d\D]",
    ] {
        assert_eq!(compile(pattern).unwrap().dfa.start, 0, "`{pattern}`");
    }
}

#[test]
fn a_dot_is_one_code_point_but_a_newline() {
    check(
        "^.$",
        &["a", "é", "日", "😀", "\r", "\u{85}", "\u{2028}", "\0"],
        &["", "\n", "ab", "éé", "aé"],
    );
    check("(?s)^.$", &["\n", "a", "😀"], &["", "\n\n"]);
    check("(?s:^.)(?-s:.)$", &["\na"], &["a\n"]);
    check("^.{3}$", &["日本語", "a😀é"], &["日本", "日本語x", "a😀\n"]);
    check("^.*$", &["", "日本語"], &["a\n", "\n"]);
    check(
        "日.語",
        &["x日本語x", "日a語"],
        &["日語", "日\n語", "日本本語"],
    );
}

#[test]
fn perl_classes_are_ascii() {
    check(r"^\d$", &["0", "9"], &["a", "٣", "\u{FF11}", ""]);
    check(r"^\D$", &["a", "٣", "\n", "\u{FF11}"], &["0", "9", "ab"]);
    check(
        r"^\w$",
        &["a", "Z", "0", "_"],
        &["é", "-", "\u{17F}", "\u{212A}"],
    );
    check(r"^\W$", &["é", "-", "\n", "\u{212A}"], &["a", "_"]);
    check(
        r"^\s$",
        &["\t", "\n", "\x0C", "\r", " "],
        &["\x0B", "\u{A0}", "\u{2003}", "\u{85}", "a"],
    );
    check(r"^\S$", &["\x0B", "\u{A0}", "é", "a"], &[" ", "\n"]);
    check(r"^[\d\s]+$", &["1 2\n3"], &["1\x0B2"]);
    check(r"^[^\w]$", &["é", "-"], &["a"]);
}

#[test]
fn named_classes_are_ascii() {
    for (name, members) in [
        ("alnum", "09AZaz"),
        ("alpha", "AZaz"),
        ("ascii", "\0\x7F "),
        ("blank", "\t "),
        ("cntrl", "\0\x1F\x7F\n"),
        ("digit", "09"),
        ("graph", "!~a"),
        ("lower", "az"),
        ("print", " ~a"),
        ("punct", "!/:@[`{~_"),
        ("space", "\t\n\x0B\x0C\r "),
        ("upper", "AZ"),
        ("word", "09AZaz_"),
        ("xdigit", "09AFaf"),
    ] {
        let (inside, outside) = (
            compile(&format!("^[[:{name}:]]$")).unwrap(),
            compile(&format!("^[[:^{name}:]]$")).unwrap(),
        );
        let mut members_found = 0;
        for code in (0..0x80u32).chain([0xC5, 0xE9, 0x17F, 0x212A, 0x660, 0x1F600]) {
            let c = char::from_u32(code).unwrap();
            let text = c.to_string();
            let expected = match name {
                "alnum" => c.is_ascii_alphanumeric(),
                "alpha" => c.is_ascii_alphabetic(),
                "ascii" => c.is_ascii(),
                "blank" => matches!(c, ' ' | '\t'),
                "cntrl" => c.is_ascii_control(),
                "digit" => c.is_ascii_digit(),
                "graph" => c.is_ascii_graphic(),
                "lower" => c.is_ascii_lowercase(),
                "print" => c.is_ascii_graphic() || c == ' ',
                "punct" => c.is_ascii_punctuation(),
                "space" => c.is_ascii_whitespace() || c == '\x0B',
                "upper" => c.is_ascii_uppercase(),
                "word" => c.is_ascii_alphanumeric() || c == '_',
                _ => c.is_ascii_hexdigit(),
            };
            assert_eq!(inside.dfa.accepts(&text), expected, "{name} {c:?}");
            assert_eq!(outside.dfa.accepts(&text), !expected, "^{name} {c:?}");
            members_found += usize::from(members.contains(c) && expected);
        }
        assert_eq!(members_found, members.chars().count(), "{name}");
    }
}

#[test]
fn classes_take_hyphens_first_and_last() {
    check("^[-a]$", &["-", "a"], &["b"]);
    check("^[a-]$", &["-", "a"], &["b"]);
    check("^[^-a]$", &["b", "é"], &["-", "a"]);
    check("^[-]$", &["-"], &["a"]);
    check(r"^[\w.\-]+$", &["a-b.c"], &["a+b"]);
    check(r"^[a\-z]$", &["-", "a", "z"], &["b"]);
    check(r"^[+-\-]$", &["+", ",", "-"], &["."]);
    check("^[a^]$", &["a", "^"], &["b"]);
    check(
        r"^[&~.$*+?(){}|\]\[\\]$",
        &["&", "~", ".", "$", "|", "]", "[", "\\"],
        &["a"],
    );
    check("^[é-ü]$", &["é", "ü", "ï"], &["e", "\u{C3}", "è"]);
    check("^[^é]$", &["e", "è", "日", "\n"], &["é", ""]);
}

#[test]
fn escapes_are_code_points() {
    check(r"^\x41\x{42}\x{1F600}$", &["AB😀"], &["AB"]);
    check(r"^\xe9$", &["é"], &["\\xe9", "e"]);
    check(r"^\a\f\t\n\r\v$", &["\x07\x0C\t\n\r\x0B"], &["aftnrv"]);
    check(
        r"^\.\*\+\?\(\)\[\]\{\}\|\^\$\\\/\-\&\~\#\%\@\!\,\:\;\=\'\`$",
        &[r".*+?()[]{}|^$\/-&~#%@!,:;='`"],
        &[""],
    );
    check("^}]$", &["}]"], &["}"]);
}

#[test]
fn word_boundaries_are_ascii() {
    check(
        r"\bfoo\b",
        &["foo", "a foo.", "éfooé", "-foo-", "日foo"],
        &["foo1", "_foo", "afoo", "fooo"],
    );
    check(r"^\b", &["a", "_"], &["", "é", " a"]);
    check(r"é\b", &["éa", "xé1"], &["é", "é ", "éé"]);
    check(r"^.\b.$", &["aé", "éa", "a-", "-1"], &["ab", "éé", "--"]);
}

#[test]
fn case_is_ignored_in_ascii_and_for_the_two_that_fold_to_it() {
    check("(?i)^ab$", &["ab", "AB", "aB"], &["a", "ac"]);
    check("(?i)^k$", &["k", "K", "\u{212A}"], &["\u{17F}", "l"]);
    check(
        "(?i)^[[:lower:]]$",
        &["s", "S", "\u{17F}", "\u{212A}"],
        &["é", "1"],
    );
    check("(?i)^[^s]$", &["a", "é"], &["s", "S", "\u{17F}"]);
    check(
        "(?i)^[[:^alpha:]]$",
        &["1", "é"],
        &["a", "Z", "\u{17F}", "\u{212A}"],
    );
    check(
        "(?i)^[r-t]$",
        &["R", "S", "t", "\u{17F}"],
        &["q", "\u{212A}"],
    );
    check(r"(?i)^[\d\s]$", &["1", " "], &["k"]);
    check("^(?i:a)b$", &["ab", "Ab"], &["aB"]);
    check("^(a(?i)b)c$", &["abc", "aBc"], &["Abc", "abC"]);
    check("^(?:a(?i)b|c)$", &["ab", "aB", "c", "C"], &["AB"]);
    check("(?i)^a(?-i)b$", &["Ab"], &["aB"]);
}

#[test]
fn repetitions_count() {
    check("^a{2}$", &["aa"], &["a", "aaa"]);
    check("^a{2,}$", &["aa", "aaaaa"], &["a"]);
    check("^a{0,2}$", &["", "a", "aa"], &["aaa"]);
    check("^(?:ab){1,2}?$", &["ab", "abab"], &["", "ababab"]);
    check("^(?:a+){2}$", &["aa", "aaa"], &["a"]);
    check("^a*?b+?c??$", &["b", "aabbc"], &["", "acc"]);
    check("^(?P<year>[0-9]{4})-(x|y)$", &["2024-x"], &["24-x"]);
}

#[test]
fn says_whether_matches_are_anchored() {
    for (pattern, start, end) in [
        ("a", false, false),
        ("^a", true, false),
        ("a$", false, true),
        ("^a$", true, true),
        (r"\Aa\z", true, true),
        ("^a|b$", false, false),
        ("^a|^b", true, false),
        ("^(?:a|b)$", true, true),
        ("(^a)(b$)", true, true),
        ("(^a)?b$", false, true),
        ("(?i)^a$", true, true),
        ("^", true, false),
        ("", false, false),
        (".*^a$.*", false, false),
    ] {
        let regex = compile(pattern).unwrap();
        assert_eq!(
            (regex.anchored_start, regex.anchored_end),
            (start, end),
            "`{pattern}`"
        );
    }
}

#[test]
fn equal_languages_have_equal_tables() {
    for (one, other) in [
        ("a|b", "[ab]"),
        ("^(?:a|ab)$", "^ab?$"),
        ("(?i)^x$", "^[xX]$"),
        ("a+", "a"),
        (".*é.*", "é"),
        (r"^\d{2,3}$", "^[0-9][0-9][0-9]?$"),
    ] {
        assert_eq!(
            compile(one).unwrap().dfa,
            compile(other).unwrap().dfa,
            "`{one}` and `{other}`"
        );
    }
}
