//! Random patterns on random paths, against a naive matcher that goes segment by segment and character by character.

use proptest::prelude::*;

use crate::automata::glob::{allowed, allowed_regex, denied, denied_regex};

const PIECES: &[&str] = &[
    "a", "B", "é", "日", ".", "*", "?", "[ab]", "[A-c]", "[é-ü]", "[*?]", "~", ":",
];
const NAMES: &[&str] = &[
    "a", "b", "A", "B", "é", "ï", "日", ".", "x", "*", "~", ":", "_",
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
                literal => pick(&[literal, literal, &literal.to_lowercase()]),
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

fn in_name(pattern: &[char], name: &[char], fold: bool) -> bool {
    let Some((&first, rest)) = pattern.split_first() else {
        return name.is_empty();
    };
    match first {
        '*' => (0..=name.len()).any(|skipped| in_name(rest, &name[skipped..], fold)),
        '[' => {
            let end = rest.iter().position(|&c| c == ']').unwrap();
            let Some((&c, name)) = name.split_first() else {
                return false;
            };
            let cases = if fold {
                vec![c.to_ascii_lowercase(), c.to_ascii_uppercase()]
            } else {
                vec![c]
            };
            let class = &rest[..end];
            let taken = |c: char| match class {
                [from, '-', to] => (*from..=*to).contains(&c),
                listed => listed.contains(&c),
            };
            cases.into_iter().any(taken) && in_name(&rest[end + 1..], name, fold)
        }
        '?' => !name.is_empty() && in_name(rest, &name[1..], fold),
        literal => {
            let Some((&c, name)) = name.split_first() else {
                return false;
            };
            (c == literal || (fold && c.eq_ignore_ascii_case(&literal)))
                && in_name(rest, name, fold)
        }
    }
}

fn in_segments(pattern: &[&str], path: &[String], fold: bool) -> bool {
    match pattern.split_first() {
        None => path.is_empty(),
        Some((&"**", rest)) => {
            (0..=path.len()).any(|skipped| in_segments(rest, &path[skipped..], fold))
        }
        Some((segment, rest)) => path.split_first().is_some_and(|(name, path)| {
            let (segment, name): (Vec<char>, Vec<char>) =
                (segment.chars().collect(), name.chars().collect());
            in_name(&segment, &name, fold) && in_segments(rest, path, fold)
        }),
    }
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
    *absolute == pattern.starts_with('/') && in_segments(&segments, path, false)
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
    (0..=path.len()).any(|length| in_segments(&segments, &path[..length], true))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1000))]

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
            (expression(allowed_regex(&pattern)), expression(denied_regex(&pattern)));
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
