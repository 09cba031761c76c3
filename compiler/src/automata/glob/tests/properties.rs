//! Random patterns on random paths, against a naive matcher that goes segment by segment and character by character. What denied
//! patterns cover it finds out by folding both, with the standard library's tables of case.

use std::{iter::once, sync::LazyLock};

use proptest::prelude::*;
use unicode_normalization::{UnicodeNormalization, char::canonical_combining_class};

use super::{PathStyle, allowed, denied};
use crate::automata::glob::{allowed_regex, denied_regex};

const PIECES: &[&str] = &[
    "a", "B", "é", "日", ".", "*", "?", "[ab]", "[A-c]", "[é-ü]", "[*?]", "~", ":", "s", "ss", "f",
    "i", "t", "k", "e", "ß", "ﬁ", "İ", "ệ", "\u{301}", "\u{323}", "각", "Ω", "[s-t]", "[ß]", "[k]",
];
const NAMES: &[&str] = &[
    "a", "b", "A", "B", "é", "ï", "日", ".", "x", "*", "~", ":", "_", "s", "S", "ſ", "ẞ", "ﬆ", "ﬃ",
    "F", "I", "ı", "İ", "t", "K", "E", "É", "ế", "ệ", "\u{301}", "\u{323}", "\u{307}", "각", "가",
    "\u{11a8}", "ΐ", "Ω", "\u{345}",
];

/// A segment of a pattern.
fn piece() -> impl Strategy<Value = String> {
    let name = prop::collection::vec(prop::sample::select(PIECES), 1..4)
        .prop_map(|pieces| pieces.concat());
    prop_oneof![1 => Just("**".to_owned()), 1 => Just("*".to_owned()), 4 => name]
}

fn pattern() -> impl Strategy<Value = String> {
    (
        prop::collection::vec(piece(), 1..5),
        any::<bool>(),
        prop::bool::weighted(0.2),
    )
        .prop_map(|(segments, absolute, folder)| {
            format!(
                "{}{}{}",
                if absolute { "/" } else { "" },
                segments.join("/"),
                if folder { "/" } else { "" }
            )
        })
}

/// Whether the path is absolute, and its segments.
type Path = (bool, Vec<String>);

fn path() -> impl Strategy<Value = Path> {
    let name =
        prop::collection::vec(prop::sample::select(NAMES), 1..4).prop_map(|pieces| pieces.concat());
    (any::<bool>(), prop::collection::vec(name, 0..5))
}

/// A path made from the pattern, so that many pairs match.
fn instance(pattern: &str, choices: &[usize]) -> Path {
    let mut choices = choices.iter().copied().cycle();
    let mut pick = move |options: &[&str]| -> String {
        let choice = choices.next().unwrap_or(0);
        options
            .get(choice % options.len())
            .copied()
            .unwrap_or_default()
            .to_owned()
    };
    let absolute = pattern.starts_with('/') && pick(&["", "", "r"]).is_empty();
    let mut segments = Vec::new();
    for segment in pattern.split('/').filter(|segment| !segment.is_empty()) {
        if segment == "**" {
            segments.extend(
                pick(&["", "a", "x/y"])
                    .split('/')
                    .filter(|name| !name.is_empty())
                    .map(str::to_owned),
            );
            continue;
        }
        let mut rest = segment;
        let mut name = String::new();
        while let Some(c) = rest.chars().next() {
            let class = rest
                .find(']')
                .filter(|_| c == '[')
                .map_or(c.len_utf8(), |end| end + 1);
            name += &match rest.get(..class).unwrap_or_default() {
                "*" => pick(&["", "a", "日x", "."]),
                "?" => pick(&["a", "é", "日"]),
                "[ab]" => pick(&["a", "b", "B"]),
                "[A-c]" => pick(&["A", "b", "_", "z"]),
                "[é-ü]" => pick(&["é", "ï", "a"]),
                "[*?]" => pick(&["*", "?"]),
                "[s-t]" => pick(&["s", "T", "ß"]),
                "[ß]" => pick(&["ß", "ẞ", "ss"]),
                "[k]" => pick(&["k", "\u{212a}"]),
                literal => pick(&[
                    literal,
                    literal,
                    &literal.to_lowercase(),
                    &literal.to_uppercase(),
                    &literal.nfd().collect::<String>(),
                    &literal
                        .to_uppercase()
                        .nfd()
                        .collect::<Vec<char>>()
                        .into_iter()
                        .rev()
                        .collect::<String>(),
                ]),
            };
            rest = rest.get(class..).unwrap_or_default();
        }
        if name.is_empty() {
            name.push('a');
        }
        segments.push(name);
    }
    if pick(&["", "", "below"]) == "below" {
        segments.push("x".to_owned());
    }
    (absolute, segments)
}

fn written((absolute, segments): &Path) -> String {
    format!("{}{}", if *absolute { "/" } else { "" }, segments.join("/"))
}

fn in_name(pattern: &[char], name: &[char]) -> bool {
    let Some((&first, rest)) = pattern.split_first() else {
        return name.is_empty();
    };
    match first {
        '*' => (0..=name.len()).any(|skipped| in_name(rest, &name[skipped..])),
        '[' => {
            let end = rest.iter().position(|&c| c == ']').unwrap();
            let Some((&c, name)) = name.split_first() else {
                return false;
            };
            in_class(&rest[..end], c) && in_name(&rest[end + 1..], name)
        }
        '?' => !name.is_empty() && in_name(rest, &name[1..]),
        literal => name.first() == Some(&literal) && in_name(rest, &name[1..]),
    }
}

fn in_class(class: &[char], c: char) -> bool {
    match class {
        [from, '-', to] => (*from..=*to).contains(&c),
        listed => listed.contains(&c),
    }
}

fn in_segments(pattern: &[&str], path: &[String], takes: fn(&str, &str) -> bool) -> bool {
    match pattern.split_first() {
        None => path.is_empty(),
        Some((&"**", rest)) => {
            (0..=path.len()).any(|skipped| in_segments(rest, &path[skipped..], takes))
        }
        Some((segment, rest)) => path
            .split_first()
            .is_some_and(|(name, path)| takes(segment, name) && in_segments(rest, path, takes)),
    }
}

fn takes_exactly(segment: &str, name: &str) -> bool {
    let (segment, name): (Vec<char>, Vec<char>) =
        (segment.chars().collect(), name.chars().collect());
    in_name(&segment, &name)
}

/// A folded character, and whether it was written beyond ASCII.
type Folded = (char, bool);

fn folded_character(c: char) -> Vec<char> {
    let mut text: String = once(c).nfd().collect();
    loop {
        let next: String = text
            .chars()
            .flat_map(char::to_uppercase)
            .flat_map(char::to_lowercase)
            .nfd()
            .collect();
        if next == text {
            return text.chars().collect();
        }
        text = next;
    }
}

/// All ways to fold a name: `İ` has two.
fn folded(name: &str) -> Vec<Vec<Folded>> {
    name.chars().fold(vec![Vec::new()], |before, c| {
        let mut ways = vec![folded_character(c)];
        if c == 'İ' {
            ways.push(vec!['i']);
        }
        let also = |way: &Vec<char>| {
            let tail: Vec<Folded> = way.iter().map(|part| (*part, !c.is_ascii())).collect();
            before
                .iter()
                .map(move |head| [head.as_slice(), tail.as_slice()].concat())
                .collect::<Vec<_>>()
        };
        ways.iter().flat_map(also).collect()
    })
}

/// Characters beyond ASCII that fold to ASCII.
static TO_ASCII: LazyLock<Vec<(char, Vec<char>)>> = LazyLock::new(|| {
    let all = ('\u{80}'..='\u{1ffff}').map(|c| (c, folded_character(c)));
    let mut found: Vec<_> = all
        .filter(|(_, folded)| folded.iter().all(char::is_ascii))
        .collect();
    found.push(('İ', vec!['i']));
    found
});

fn takes_folded(segment: &str, name: &str) -> bool {
    if segment.chars().all(|c| c == '*') {
        return true;
    }
    let parts = parts(segment);
    folded(name).iter().any(|name| in_folded(&parts, name))
}

/// Literals are taken run by run, and so is what stands between them. A class of one character is a literal.
fn in_folded(pattern: &[Vec<char>], name: &[Folded]) -> bool {
    let literal = |part: &Vec<char>| match part.as_slice() {
        ['*' | '?'] => None,
        [c] | ['[', c] => Some(*c),
        _ => None,
    };
    let Some(first) = pattern.first().map(literal) else {
        return name.is_empty();
    };
    let end = pattern
        .iter()
        .position(|part| literal(part).is_some() != first.is_some());
    let (run, rest) = pattern.split_at(end.unwrap_or(pattern.len()));
    if first.is_some() {
        let run: Vec<char> = run
            .iter()
            .filter_map(literal)
            .flat_map(folded_character)
            .collect();
        return run.len() <= name.len()
            && are_alike(&run, &name[..run.len()])
            && in_folded(rest, &name[run.len()..]);
    }
    let least = usize::from(run.iter().any(|part| *part != ['*']));
    (least..=name.len()).any(|taken| {
        let (taken, tail) = name.split_at(taken);
        let beyond = taken.iter().any(|(_, beyond)| *beyond);
        (least == 0 || beyond || in_ascii(run, taken)) && in_folded(rest, tail)
    })
}

/// The parts of a segment; classes without the bracket that closes them.
fn parts(segment: &str) -> Vec<Vec<char>> {
    let mut rest = segment.chars();
    let mut parts = Vec::new();
    while let Some(c) = rest.next() {
        let mut part = vec![c];
        if c == '[' {
            part.extend(rest.by_ref().take_while(|c| *c != ']'));
        }
        parts.push(part);
    }
    parts
}

/// Whether literals are these characters, marks that stand side by side in any order.
fn are_alike(run: &[char], name: &[Folded]) -> bool {
    let is_mark = |c: char| canonical_combining_class(c) != 0 || c == 'ι';
    let mut at = 0;
    run.chunk_by(|one, other| is_mark(*one) && is_mark(*other))
        .all(|chunk| {
            let here = &name[at..at + chunk.len()];
            at += chunk.len();
            here.iter().all(|(c, _)| chunk.contains(c))
        })
}

/// What a run of `*`, `?` and classes takes of ASCII.
fn in_ascii(run: &[Vec<char>], name: &[Folded]) -> bool {
    let Some((first, rest)) = run.split_first() else {
        return name.is_empty();
    };
    let has = |c: char| first[0] == '?' || in_class(&first[1..], c);
    let star = first[0] == '*';
    (usize::from(!star)..=name.len()).any(|taken| {
        let (taken, tail) = name.split_at(taken);
        let text: Vec<char> = taken.iter().map(|(c, _)| *c).collect();
        let one = matches!(text.as_slice(), [c] if has(*c) || has(c.to_ascii_uppercase()));
        let stands_for = |(c, folded): &(char, Vec<char>)| has(*c) && *folded == text;
        (star || one || TO_ASCII.iter().any(stands_for)) && in_ascii(rest, tail)
    })
}

/// The segments, with those that are not written: `**` before a name, and after a trailing slash.
fn segments(pattern: &str) -> Vec<&str> {
    let body = pattern.strip_prefix('/').unwrap_or(pattern);
    let mut segments: Vec<&str> = body
        .split('/')
        .map(|segment| if segment.is_empty() { "**" } else { segment })
        .collect();
    if !pattern.contains('/') && pattern != "**" {
        segments.insert(0, "**");
    }
    segments
}

fn is_allowed(pattern: &str, (absolute, path): &Path) -> bool {
    let mut segments = segments(pattern);
    if segments.last() == Some(&"**") && pattern != "**" {
        segments.push("*");
    }
    *absolute == pattern.starts_with('/') && in_segments(&segments, path, takes_exactly)
}

fn is_denied(pattern: &str, (absolute, path): &Path) -> bool {
    let mut segments = segments(pattern);
    while segments.last() == Some(&"**") {
        segments.pop();
    }
    let names = segments.iter().filter(|&&segment| segment != "**").count();
    if names <= 1
        && segments
            .iter()
            .all(|segment| matches!(*segment, "*" | "**"))
    {
        return true;
    }
    let everywhere = pattern.starts_with('/') || segments.first() == Some(&"**");
    if *absolute && !everywhere {
        return false;
    }
    (0..=path.len()).any(|length| in_segments(&segments, &path[..length], takes_folded))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn agrees_with_a_naive_matcher(
        pattern in pattern(),
        paths in prop::collection::vec(path(), 8),
        choices in prop::collection::vec(prop::collection::vec(0..12usize, 16), 6),
    ) {
        let (Ok(allow), Ok(deny)) = (allowed(&pattern), denied(&pattern)) else {
            let first = pattern.trim_start_matches('/').split('/').next().unwrap_or_default();
            let expected = first.starts_with('~')
                || first.contains(':')
                || pattern.split('/').any(|segment| matches!(segment, "." | "..") || (segment.contains("**") && segment != "**"));
            prop_assert!(expected, "`{}` is refused", pattern);
            return Ok(());
        };
        // As expressions they say the same.
        let expression = |text: Result<String, _>| regex::Regex::new(&text.unwrap()).unwrap();
        let (allow_expression, deny_expression) =
            (expression(allowed_regex(&pattern, PathStyle::Posix)), expression(denied_regex(&pattern, PathStyle::Posix)));
        for path in paths.into_iter().chain(choices.iter().map(|choices| instance(&pattern, choices))) {
            let text = written(&path);
            prop_assert_eq!(allow.dfa.accepts(&text), is_allowed(&pattern, &path), "allowed `{}` on `{}`", pattern, text);
            prop_assert_eq!(deny.dfa.accepts(&text), is_denied(&pattern, &path), "denied `{}` on `{}`", pattern, text);
            prop_assert_eq!(allow_expression.is_match(&text), allow.dfa.accepts(&text), "allowed `{}` on `{}`", pattern, text);
            prop_assert_eq!(deny_expression.is_match(&text), deny.dfa.accepts(&text), "denied `{}` on `{}`", pattern, text);
            // A denial covers whatever the same pattern would allow, and all below.
            let below = if text.is_empty() || text == "/" { format!("{text}x") } else { format!("{text}/x") };
            prop_assert!(!allow.dfa.accepts(&text) || (deny.dfa.accepts(&text) && deny.dfa.accepts(&below)));
        }
    }

    #[test]
    fn no_text_makes_the_compiler_fail(pattern in r"[\PC/*?\[\]]{0,24}|[\x00-\x7f]{0,24}|[a*?\[\]./-]{0,16}") {
        for result in [allowed(&pattern), denied(&pattern)] {
            if let Err(error) = result {
                prop_assert!(pattern.get(error.span.clone()).is_some(), "{:?}", error.span);
                prop_assert!(!error.message.is_empty() && error.help.is_some());
            }
        }
    }
}
