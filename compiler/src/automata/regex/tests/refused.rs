//! Each construct that is refused: where, why, and what to write instead.

use crate::automata::regex::compile;

/// The pattern, what the span covers, parts of message and help.
#[rustfmt::skip]
const REFUSED: &[(&str, &str, &str, &str)] = &[
    // What matching in linear time excludes.
    ("^(?=a)", "(?=", "lookahead is not supported: matching is linear", "not matches"),
    ("(?!a)b", "(?!", "negative lookahead is not supported", "not matches"),
    ("(?<=a)b", "(?<=", "lookbehind is not supported", "not matches"),
    ("(?<!a)b", "(?<!", "negative lookbehind is not supported", "not matches"),
    (r"(a)\1", r"\1", "`\\1` is not supported", "\\x41"),
    (r"\0", r"\0", "`\\0` is not supported", "\\x41"),
    (r"\08", r"\0", "`\\0` is not supported", "octal"),
    (r"(?P<n>a)(?P=n)", "P", "this kind of group is not supported", "(?P<name>…)"),
    ("(?>a)", ">", "atomic groups are not supported", "(?:…)"),
    ("(?(1)a|b)", "(", "conditional groups are not supported", "two constraints"),
    ("a++", "+", "`+` repeats a repetition", "no possessive"),
    // Flags.
    ("(?m)^a", "m", "the flag `m` is not supported: only `i` and `s` are", "start of a line"),
    ("(?x) a", "x", "the flag `x` is not supported", "white space"),
    ("(?u)a", "u", "the flag `u` is not supported", "leave it out"),
    ("(?-u)a", "u", "the flag `u` is not supported", "leave it out"),
    ("(?U)a", "U", "the flag `U` is not supported", "leave it out"),
    ("(?R)a", "R", "the flag `R` is not supported", r"\r?\n"),
    ("(?im:a)", "m", "the flag `m` is not supported", "start of a line"),
    ("a(?i-x)b", "x", "the flag `x` is not supported", "white space"),
    ("(?y)a", "y", "`y` is not a known flag", "`i` and `s`"),
    ("(?i", "", "the flags are not closed", "close them"),
    ("(?i-)a", "-", "`-` names no flag", "(?-i)"),
    ("(?ii)a", "i", "the flag `i` stands twice", "keep one"),
    ("(?i-s-i)a", "-", "`-` stands twice", "keep one"),
    ("(?#note)a", "#", "comments are not supported", "beside the constraint"),
    ("(?)a", "?", "there is nothing to repeat", r"\?"),
    // Classes.
    (r"\pL", r"\pL", "Unicode classes are not supported", "[[:alpha:]]"),
    (r"\P{Greek}", r"\P{Greek}", "Unicode classes are not supported", "[[:alpha:]]"),
    (r"[\pN]", r"\pN", "Unicode classes are not supported", "[[:alpha:]]"),
    ("[a&&b]", "a&&b", "operations on classes", r"\&"),
    ("[a--b]", "a--b", "operations on classes", r"\-"),
    ("[a~~b]", "a~~b", "operations on classes", r"\~"),
    ("[a[b]]", "[b]", "a class within a class", r"\["),
    ("[[=a=]]", "[=a=]", "a class within a class", r"\["),
    ("[[:foo:]]", "[:foo:]", "`[:foo:]` is not a known class", "`xdigit`"),
    ("[:alpha:]", "[:alpha:]", "is a class of these characters", "[[:alpha:]]"),
    ("[]a]", "]", "`]` right after the opening bracket", r"\]"),
    ("[^]a]", "]", "`]` right after the opening bracket", r"\]"),
    ("[]", "[]", "the class is not closed", r"\["),
    ("[a", "[", "the class is not closed", r"\["),
    ("[--a]", "-", "`-` in the middle of a class", r"\-"),
    ("[a-b-c]", "-", "`-` in the middle of a class", r"\-"),
    (r"[\w-.]", r"\w", "is not a single code point", r"\-"),
    (r"[a-\d]", r"\d", "is not a single code point", r"\-"),
    ("[z-a]", "z-a", "the range `z-a` is reversed", "smaller"),
    (r"[a\b]", r"\b", "`\\b` cannot stand in a class", "outside"),
    (r"[\A]", r"\A", "`\\A` cannot stand in a class", "outside"),
    // Case without ASCII.
    ("(?i)é", "é", "ASCII only", "outside of the flag"),
    (r"(?i)\x{e9}", r"\x{e9}", "ASCII only", "outside of the flag"),
    ("(?i)[a-é]", "é", "ASCII only", "outside of the flag"),
    ("(?i)[^é]", "é", "ASCII only", "outside of the flag"),
    ("(?i:a(b|日))", "日", "ASCII only", "outside of the flag"),
    (r"(?i)\w", r"\w", "`\\w` under the flag `i`", "both cases"),
    (r"(?i)[a\W]", r"\W", "`\\W` under the flag `i`", "both cases"),
    // Escapes and assertions.
    (r"\B", r"\B", "`\\B` is not read alike", "beside the word"),
    (r"\b{start}a", r"\b{start}", "`\\b{…}` is not read alike", r"`\b`"),
    (r"\b{end-half}a", r"\b{end-half}", "`\\b{…}` is not read alike", r"`\b`"),
    (r"\b{foo}a", "foo", "`\\b{…}` is not supported", r"`\b`"),
    (r"\<a", r"\<", "`\\<` is not read alike", r"`\b`"),
    (r"a\>", r"\>", "`\\>` is not read alike", r"`\b`"),
    (r"\Z", r"\Z", "`\\Z` is not a known escape", r"`\z`"),
    (r"\Qa.b\E", r"\Q", "`\\Q` is not a known escape", "special character"),
    (r"\C", r"\C", "`\\C` is not a known escape", "`.`"),
    (r"\h", r"\h", "`\\h` is not a known escape", r"[\t ]"),
    (r"\e", r"\e", "`\\e` is not a known escape", r"\x1B"),
    (r"\q", r"\q", "`\\q` is not a known escape", "reserved"),
    ("\\é", "\\é", "is not a known escape", "reserved"),
    (r"a\_b", r"\_", "is not read alike", r"leave out the `\`"),
    ("a\\ b", "\\ ", "is not read alike", r"leave out the `\`"),
    ("a\\\nb", "\\\n", "is not read alike", r"leave out the `\`"),
    (r"\u0041", r"\u0041", "is not read alike", r"\x{41}"),
    (r"\U00000041", r"\U00000041", "is not read alike", r"\x{41}"),
    (r"\u{41}", r"\u{41}", "is not read alike", r"\x{41}"),
    (r"[\u0041]", r"\u0041", "is not read alike", r"\x{41}"),
    (r"\x4", "", "the hexadecimal escape is malformed", r"\x41"),
    (r"\xg0", "g", "the hexadecimal escape is malformed", r"\x41"),
    (r"\x{}", "{}", "the hexadecimal escape is malformed", r"\x{41}"),
    (r"\x{D800}", "D800", "is not a code point", "D800"),
    (r"\x{110000}", "110000", "is not a code point", "10FFFF"),
    ("a\\", "\\", "stands at the end", r"\\"),
    // Repetitions.
    ("a**", "*", "`*` repeats a repetition", "group"),
    ("a{2}{3}", "{3}", "`{3}` repeats a repetition", "group"),
    ("a{2}*", "*", "`*` repeats a repetition", "group"),
    ("a???", "?", "`?` repeats a repetition", "group"),
    ("^*", "*", "repeats an assertion", "leave it out"),
    ("a$+", "+", "repeats an assertion", "leave it out"),
    (r"\b{2}", "{2}", "repeats an assertion", "leave it out"),
    (r"\b?", "?", "repeats an assertion", "leave it out"),
    (r"\A{2}", "{2}", "repeats an assertion", "leave it out"),
    ("a{,3}", ",", "no lower count", "{0,3}"),
    ("a{b}", "b", "no lower count", r"\{"),
    ("a{", "{", "the repetition is not closed", r"\{"),
    ("a{2", "{2", "the repetition is not closed", r"\{"),
    ("{2}", "{", "there is nothing to repeat", r"\{"),
    ("*a", "*", "there is nothing to repeat", r"\*"),
    ("(|*)", "*", "there is nothing to repeat", r"\*"),
    ("(?i)*", "*", "there is nothing to repeat", r"\*"),
    ("a{3,2}", "{3,2}", "is reversed", "smaller"),
    ("a{ 2 }", "{ 2 }", "is not read alike", "{2,5}"),
    ("a{2, 3}", "{2, 3}", "is not read alike", "{2,5}"),
    ("a{02}", "{02}", "is not read alike", "leading zeros"),
    ("a{1,03}", "{1,03}", "is not read alike", "leading zeros"),
    ("a{1001}", "{1001}", "more than 1000 times", "count"),
    ("a{0,1001}", "{0,1001}", "more than 1000 times", "count"),
    ("a{1001,}", "{1001,}", "more than 1000 times", "count"),
    ("(a{40}){26}", "{40}", "more than 1000 times", "count"),
    ("((a{2,}){20}){26}", "{2,}", "more than 1000 times", "count"),
    ("a{99999999999}", "99999999999", "out of range", "1000"),
    // Groups.
    ("(?<n>a)", "n", "`(?<n>` is not read alike", "(?P<n>…)"),
    ("(?P<é>a)", "é", "the group name `é`", "ASCII"),
    ("(?P<a.b>a)", "a.b", "the group name `a.b`", "ASCII"),
    ("(?P<n>a)(?P<n>b)", "n", "the group name `n` stands twice", "(?:…)"),
    ("(?P<>a)", ">", "the group name is malformed", "(?:…)"),
    ("(?P<1>a)", "1", "the group name is malformed", "(?:…)"),
    ("(?P<n", "", "the group name is malformed", "(?:…)"),
    ("(a", "(", "the group is not closed", r"\("),
    ("a)", ")", "the group was not opened", r"\)"),
];

#[test]
fn refuses_what_is_not_read_alike_with_place_and_help() {
    let mut wrong = Vec::new();
    for &(pattern, place, message, help) in REFUSED {
        let Err(error) = compile(pattern) else {
            wrong.push(format!("`{pattern}` is accepted"));
            continue;
        };
        let advice = error.help.unwrap_or_default();
        let found = pattern.get(error.span.clone());
        if found != Some(place) || !error.message.contains(message) || !advice.contains(help) {
            wrong.push(format!(
                "`{pattern}`: {} at {:?} = {found:?}; {advice}",
                error.message, error.span
            ));
        }
        if error.message.ends_with('.') || advice.ends_with('.') {
            wrong.push(format!("`{pattern}`: a final period"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn accepts_counts_up_to_the_bound() {
    for pattern in [
        "a{1000}",
        "a{0,1000}",
        "a{1000,}",
        "(a{40}){25}",
        "((a*){100}){10}",
        "(a{0}){1000}",
    ] {
        assert!(compile(pattern).is_ok(), "`{pattern}`");
    }
}
