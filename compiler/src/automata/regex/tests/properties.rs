//! Random patterns on random texts, against a naive matcher of this file and against the crate `regex`.

use std::collections::BTreeSet;

use proptest::prelude::*;

use crate::automata::regex::compile;

/// A part that takes one code point.
#[derive(Debug, Clone, Copy)]
struct Leaf {
    ours: &'static str,
    /// The same for a library whose classes are Unicode.
    theirs: &'static str,
    takes: fn(char) -> bool,
    negated: bool,
    /// It may stand under the flag `i`.
    caseless: bool,
}

const fn leaf(
    ours: &'static str,
    theirs: &'static str,
    takes: fn(char) -> bool,
    negated: bool,
    caseless: bool,
) -> Leaf {
    Leaf {
        ours,
        theirs,
        takes,
        negated,
        caseless,
    }
}

#[rustfmt::skip]
const LEAVES: &[Leaf] = &[
    leaf("a", "a", |c| c == 'a', false, true),
    leaf("b", "b", |c| c == 'b', false, true),
    leaf("k", "k", |c| c == 'k', false, true),
    leaf("S", "S", |c| c == 'S', false, true),
    leaf("_", "_", |c| c == '_', false, true),
    leaf(r"\n", r"\n", |c| c == '\n', false, true),
    leaf(r"\x61", "a", |c| c == 'a', false, true),
    leaf(".", ".", |c| c == '\n', true, true),
    leaf("(?s:.)", "(?s:.)", |_| true, false, true),
    leaf("[ab]", "[ab]", |c| matches!(c, 'a' | 'b'), false, true),
    leaf("[^k]", "[^k]", |c| c == 'k', true, true),
    leaf("[j-s]", "[j-s]", |c| ('j'..='s').contains(&c), false, true),
    leaf("[^-S]", "[^-S]", |c| matches!(c, '-' | 'S'), true, true),
    leaf("[[:upper:]]", "[[:upper:]]", |c| c.is_ascii_uppercase(), false, true),
    leaf("[[:^alpha:]]", "[[:^alpha:]]", |c| c.is_ascii_alphabetic(), true, true),
    leaf(r"\d", "[0-9]", |c| c.is_ascii_digit(), false, true),
    leaf(r"\D", "[^0-9]", |c| c.is_ascii_digit(), true, true),
    leaf(r"\s", r"[\t\n\f\r ]", |c| c.is_ascii_whitespace(), false, true),
    leaf(r"[\S]", r"[^\t\n\f\r ]", |c| c.is_ascii_whitespace(), true, true),
    leaf(r"\w", "[0-9A-Za-z_]", |c| c.is_ascii_alphanumeric() || c == '_', false, false),
    leaf(r"\W", "[^0-9A-Za-z_]", |c| c.is_ascii_alphanumeric() || c == '_', true, false),
    leaf("é", "é", |c| c == 'é', false, false),
    leaf(r"\x{65e5}", "日", |c| c == '日', false, false),
    leaf("[a-é]", "[a-é]", |c| ('a'..='é').contains(&c), false, false),
    leaf("[^é]", "[^é]", |c| c == 'é', true, false),
    leaf(r"[\x{80}-\x{10FFFF}]", r"[\x{80}-\x{10FFFF}]", |c| !c.is_ascii(), false, false),
    leaf(r"[\x{7ff}-\x{ffff}x]", r"[\x{7ff}-\x{ffff}x]", |c| c == 'x' || ('\u{7FF}'..='\u{FFFF}').contains(&c), false, false),
];

const ALPHABET: &[char] = &[
    'a', 'a', 'b', 'b', 'k', 'K', 's', 'S', '0', '_', '-', ' ', '\n', '\x0B', 'é', 'É', '日', '😀',
    '\u{17F}', '\u{212A}', '\u{80}', '\u{7FF}', '\u{FFFF}', '/',
];

#[derive(Debug, Clone)]
enum Node {
    Empty,
    One(Leaf),
    Start,
    End,
    Boundary,
    Sequence(Vec<Node>),
    Either(Vec<Node>),
    Repeat(Box<Node>, u32, Option<u32>, bool),
    Caseless(Box<Node>),
}

impl Node {
    fn write(&self, ours: bool, out: &mut String) {
        match self {
            Self::Empty => out.push_str("(?:)"),
            Self::One(leaf) => out.push_str(if ours { leaf.ours } else { leaf.theirs }),
            Self::Start => out.push('^'),
            Self::End => out.push('$'),
            Self::Boundary => out.push_str(if ours { r"\b" } else { r"(?-u:\b)" }),
            Self::Sequence(nodes) => {
                out.push_str("(?:");
                nodes.iter().for_each(|node| node.write(ours, out));
                out.push(')');
            }
            Self::Either(nodes) => {
                out.push('(');
                for (index, node) in nodes.iter().enumerate() {
                    if index > 0 {
                        out.push('|');
                    }
                    node.write(ours, out);
                }
                out.push(')');
            }
            Self::Repeat(node, min, max, lazy) => {
                out.push_str("(?:");
                node.write(ours, out);
                out.push(')');
                match (min, max) {
                    (0, None) => out.push('*'),
                    (1, None) => out.push('+'),
                    (0, Some(1)) => out.push('?'),
                    (min, None) => out.push_str(&format!("{{{min},}}")),
                    (min, Some(max)) if min == max => out.push_str(&format!("{{{min}}}")),
                    (min, Some(max)) => out.push_str(&format!("{{{min},{max}}}")),
                }
                if *lazy {
                    out.push('?');
                }
            }
            Self::Caseless(node) => {
                out.push_str("(?i:");
                node.write(ours, out);
                out.push(')');
            }
        }
    }

    /// Where a match that begins at `at` may end.
    fn ends(&self, text: &[char], at: usize, caseless: bool) -> BTreeSet<usize> {
        match self {
            Self::Empty => BTreeSet::from([at]),
            Self::One(leaf) => text
                .get(at)
                .filter(|&&c| takes(leaf, c, caseless))
                .map(|_| at + 1)
                .into_iter()
                .collect(),
            Self::Start => Some(at).filter(|&at| at == 0).into_iter().collect(),
            Self::End => Some(at)
                .filter(|&at| at == text.len())
                .into_iter()
                .collect(),
            Self::Boundary => {
                let word = |at: Option<usize>| {
                    at.and_then(|at| text.get(at))
                        .is_some_and(|&c| c.is_ascii_alphanumeric() || c == '_')
                };
                Some(at)
                    .filter(|&at| word(at.checked_sub(1)) != word(Some(at)))
                    .into_iter()
                    .collect()
            }
            Self::Sequence(nodes) => nodes.iter().fold(BTreeSet::from([at]), |ends, node| {
                ends.into_iter()
                    .flat_map(|at| node.ends(text, at, caseless))
                    .collect()
            }),
            Self::Either(nodes) => nodes
                .iter()
                .flat_map(|node| node.ends(text, at, caseless))
                .collect(),
            Self::Repeat(node, min, max, _) => {
                let step = |from: &BTreeSet<usize>| -> BTreeSet<usize> {
                    from.iter()
                        .flat_map(|&at| node.ends(text, at, caseless))
                        .collect()
                };
                let mut now = (0..*min).fold(BTreeSet::from([at]), |now, _| step(&now));
                let mut all = now.clone();
                // More rounds than there are places bring nothing new.
                for _ in *min..max.unwrap_or(u32::MAX).min(min + 40) {
                    now = step(&now);
                    all.extend(&now);
                }
                all
            }
            Self::Caseless(node) => node.ends(text, at, true),
        }
    }

    fn found_in(&self, text: &str) -> bool {
        let text: Vec<char> = text.chars().collect();
        (0..=text.len()).any(|at| !self.ends(&text, at, false).is_empty())
    }
}

fn takes(leaf: &Leaf, c: char, caseless: bool) -> bool {
    let same = |c: char| match c {
        'k' | 'K' | '\u{212A}' => vec!['k', 'K', '\u{212A}'],
        's' | 'S' | '\u{17F}' => vec!['s', 'S', '\u{17F}'],
        c => vec![c.to_ascii_lowercase(), c.to_ascii_uppercase()],
    };
    let positive = if caseless {
        same(c).into_iter().any(leaf.takes)
    } else {
        (leaf.takes)(c)
    };
    positive != leaf.negated
}

fn node(caseless: bool) -> BoxedStrategy<Node> {
    let leaves: Vec<Leaf> = LEAVES
        .iter()
        .copied()
        .filter(|leaf| !caseless || leaf.caseless)
        .collect();
    let one = prop::sample::select(leaves).prop_map(Node::One);
    let simple = prop_oneof![
        12 => one,
        1 => Just(Node::Empty),
        1 => Just(Node::Start),
        1 => Just(Node::End),
        2 => Just(Node::Boundary),
    ];
    simple
        .prop_recursive(4, 24, 4, move |inner| {
            let repeat = (
                inner.clone(),
                0..3u32,
                prop::option::of(0..3u32),
                any::<bool>(),
            )
                .prop_map(|(node, min, more, lazy)| {
                    Node::Repeat(Box::new(node), min, more.map(|more| min + more), lazy)
                });
            prop_oneof![
                4 => prop::collection::vec(inner.clone(), 1..5).prop_map(Node::Sequence),
                2 => prop::collection::vec(inner, 1..4).prop_map(Node::Either),
                2 => repeat,
            ]
        })
        .boxed()
}

fn pattern() -> impl Strategy<Value = Node> {
    let mixed = (node(false), node(true), node(false)).prop_map(|(before, within, after)| {
        Node::Sequence(vec![before, Node::Caseless(Box::new(within)), after])
    });
    prop_oneof![4 => node(false), 1 => node(true).prop_map(|node| Node::Caseless(Box::new(node))), 2 => mixed]
}

fn texts() -> impl Strategy<Value = Vec<String>> {
    let text = prop::collection::vec(prop::sample::select(ALPHABET), 0..10)
        .prop_map(|chars| chars.into_iter().collect());
    prop::collection::vec(text, 16)
}

/// Pieces that random patterns are strung together from: every one that is refused somewhere, and those around it. Perl classes
/// are left out, because the crate reads them as Unicode.
#[rustfmt::skip]
const PIECES: &[&str] = &[
    "a", "b", "k", "K", "é", "日", "0", " ", "\n", "-", "_", ",", ":", "&", "~", "&&", "~~", "--", "(", ")", "(", ")", "(?:", "(?i)", "(?s)", "(?i:",
    "(?-i:", "(?s-i:", "(?P<n>", "(?<n>", "(?m)", "(?x)", "(?U)", "(?=", "|", "*", "+", "?", "{2}", "{1,2}", "{0,}", "{,2}", "{ 2 }", "{02}",
    "{", "}", "[", "]", "[", "]", "[^", "^", "$", ".", "a-k", "!-/", "é-日", r"\x41", r"\x{e9}", r"\-", r"\]", r"\[", r"\\", r"\.", r"\/", r"\z",
    r"\A", r"\_", r"\<", r"\B", r"\b{start}", r"\u0041", r"\1", r"\Z", "[:alpha:]", "[[:alpha:]]", "[[:^lower:]]", "[:", ":]", "#", "\\",
];

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1500))]

    #[test]
    fn agrees_with_a_naive_matcher_and_with_the_crate(node in pattern(), texts in texts()) {
        let (mut ours, mut theirs) = (String::new(), String::new());
        node.write(true, &mut ours);
        node.write(false, &mut theirs);
        let regex = match compile(&ours) {
            Ok(regex) => regex,
            Err(error) => {
                prop_assert!(error.message.contains("table"), "`{}`: {}", ours, error.message);
                return Ok(());
            }
        };
        let reference = regex::Regex::new(&theirs).unwrap();
        for text in &texts {
            let found = regex.dfa.accepts(text);
            prop_assert_eq!(found, reference.is_match(text), "`{}` and `{}` on {:?}", ours, theirs, text);
            prop_assert_eq!(found, node.found_in(text), "`{}` on {:?}", ours, text);
        }
        if regex.anchored_start && regex.anchored_end {
            for text in texts.iter().filter(|text| regex.dfa.accepts(text)) {
                let found = reference.find(text).map(|found| found.range());
                prop_assert_eq!(found, Some(0..text.len()), "`{}` on {:?}", ours, text);
            }
        }
    }

    #[test]
    fn whatever_is_accepted_is_read_as_the_crate_reads_it(
        pieces in prop::collection::vec(prop::sample::select(PIECES), 0..9),
        texts in texts(),
    ) {
        let pattern = pieces.concat();
        match compile(&pattern) {
            // Strung together from `\` and `b`: the crate's words are Unicode's, ours are RE2's.
            Ok(_) if pattern.contains(r"\b") => {}
            Ok(regex) => {
                let reference = regex::Regex::new(&pattern).unwrap();
                for text in texts.iter().map(String::as_str).chain(pieces) {
                    prop_assert_eq!(regex.dfa.accepts(text), reference.is_match(text), "`{}` on {:?}", pattern, text);
                }
            }
            Err(error) => {
                prop_assert!(pattern.get(error.span.clone()).is_some(), "`{}`: {:?}", pattern, error.span);
                prop_assert!(!error.message.is_empty() && error.help.is_some_and(|help| !help.is_empty()));
            }
        }
    }

    #[test]
    fn no_text_makes_the_compiler_fail(pattern in r"[\PC\n]{0,24}|[\x00-\x7f]{0,24}") {
        if let Err(error) = compile(&pattern) {
            prop_assert!(pattern.get(error.span).is_some());
        }
    }
}
