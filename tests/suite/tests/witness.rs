//! The printed Rego in an engine that is neither OPA nor ours: the crate `regorus`.
//!
//! It is no witness where it reads Rego otherwise than OPA does, and those cases are counted: numbers that a double does not hold,
//! classes of patterns (it takes them for Unicode's), names of members with an escape in them (it takes the escape for the name), and
//! the length of texts beyond the basic plane (it counts units of UTF-16).
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a panic is how a test fails, in its helpers too"
)]

use std::{collections::BTreeMap, num::NonZeroU32};

use hexgate_compiler::{Compiled, rego::Refusal};
use hexgate_tests::{
    case::{Answer, Call, Case},
    engines, generate,
    json::{self, Json},
    oracle, rego, shrink, vectors,
};

/// Calls of each random policy.
const CALLS: usize = 12;

/// What the crate evaluates otherwise than OPA, or this reader of answers does not know: several rules for a tool, what is forbidden, terms of
/// approvals, and helpers of grown conditions. OPA itself is asked for those by `opa.rs`.
const ELSEWHERE: [&str; 7] = [
    "together(",
    "forbidden(",
    "object.union(",
    "\"terms\": ",
    "strings.replace_n(",
    "walk(",
    "bar_",
];

/// How many of a hundred cases may be left out.
const LEFT_OUT: usize = 30;

struct Witness<'p> {
    engine: regorus::Engine,
    policy: &'p Compiled,
    /// Its numbers and patterns are such as the crate takes as everybody does.
    exact: bool,
    classes: bool,
    counts: bool,
}

impl<'p> Witness<'p> {
    /// None: the policy calculates, which is refused as Rego, or its Rego has what the crate does not evaluate as OPA does.
    fn open(document: &Json, policy: &'p Compiled) -> Option<Self> {
        match policy.rego() {
            Err(Refusal::Inexact { .. }) => return None,
            Err(other) => panic!("{other}"),
            Ok(text) if ELSEWHERE.iter().any(|part| text.contains(part)) => return None,
            Ok(_) => {}
        }
        let mut engine = regorus::Engine::new();
        engine.set_policy_length_config(regorus::PolicyLengthConfig {
            max_col: NonZeroU32::MAX,
            ..Default::default()
        });
        let mut constraints = Vec::new();
        texts(document, &mut constraints);
        let escaped_name = regex::Regex::new(r#"[0-9A-Za-z_\]]\["[^"]*\\"#).unwrap();
        let exact = numbers_are_exact(document)
            && constraints.iter().all(|text| words_are_exact(text))
            && !escaped_name.is_match(policy.rego().unwrap());
        // It does not even read a number beyond what a double holds.
        if exact {
            let text = policy.rego().unwrap();
            if let Err(error) = engine.add_policy("policy.rego".to_owned(), text.to_owned()) {
                panic!("{error}");
            }
        }
        Some(Self {
            engine,
            policy,
            exact,
            classes: constraints.iter().any(|text| {
                text.contains("matches(") && (text.contains('\\') || text.contains("(?"))
            }),
            counts: constraints.iter().any(|text| text.contains("count(")),
        })
    }

    /// Nothing if the crate is no witness of the call.
    fn answer(&mut self, call: &Call) -> Option<Answer> {
        let texts = [Some(&call.args), call.facts.as_ref()];
        for text in texts.into_iter().flatten() {
            let value = json::parse(text).unwrap();
            let written = value.to_string();
            if !self.exact
                || !numbers_are_exact(&value)
                || self.classes && !written.is_ascii()
                || self.counts && written.chars().any(|c| c > '\u{ffff}')
            {
                return None;
            }
        }
        let input = rego::input(call);
        let scopes = engines::Reference::open(self.policy).unwrap().scopes();
        self.engine.set_input_json(&input).unwrap();
        let result = self
            .engine
            .eval_rule("data.hexgate.policy.decision".to_owned());
        // Of some comprehensions the crate finds no order, and gives up or answers nothing. OPA itself is asked by `opa.rs`.
        let text = result.ok()?.to_json_str().ok()?;
        if text == "\"<undefined>\"" {
            return None;
        }
        let answer = rego::answer(&text, call, &scopes);
        Some(answer.unwrap_or_else(Answer::Broken))
    }
}

/// Whether the wrapper of the Rego hands a call on: what is malformed or too large never gets there.
fn reaches_rego(expected: &Answer) -> bool {
    !matches!(expected, Answer::Malformed(_) | Answer::Exceeded(_))
}

fn texts(value: &Json, out: &mut Vec<String>) {
    match value {
        Json::Text(text) => out.push(text.clone()),
        Json::List(items) => items.iter().for_each(|item| texts(item, out)),
        Json::Object(members) => members.iter().for_each(|(_, member)| texts(member, out)),
        _ => {}
    }
}

fn numbers_are_exact(value: &Json) -> bool {
    match value {
        Json::Number(number) => is_exact(number),
        Json::List(items) => items.iter().all(numbers_are_exact),
        Json::Object(members) => members.iter().all(|(_, member)| numbers_are_exact(member)),
        _ => true,
    }
}

/// Whether everything in a constraint that looks like a number is exact.
fn words_are_exact(text: &str) -> bool {
    words(text).all(|word| !looks_like_a_number(word) || is_exact(word))
}

/// What stands between white space, brackets and operators, and that itself.
fn words(text: &str) -> impl Iterator<Item = &str> {
    let part = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '+' | '_');
    text.split_inclusive(move |c| !part(c))
        .flat_map(move |word| {
            let end = word.trim_end_matches(|c| !part(c)).len();
            [&word[..end], &word[end..]]
        })
}

fn looks_like_a_number(word: &str) -> bool {
    let digits = word.trim_start_matches('-');
    digits.starts_with(|c: char| c.is_ascii_digit())
}

/// Fifteen digits around the point: two such numbers are equal as doubles only if they are equal.
fn is_exact(number: &str) -> bool {
    let digits = number.trim_start_matches('-');
    let (mantissa, exponent) = digits.split_once(['e', 'E']).unwrap_or((digits, "0"));
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let exponent: i64 = exponent.parse().unwrap_or(i64::MAX);
    whole.len() + fraction.len() <= 15 && exponent.unsigned_abs() <= 20
}

/// The generator's name that needs escapes, in a constraint and as it is, as one that needs none.
fn plain_name(text: &str) -> String {
    text.replace(r#"a\"b\\"#, "ab").replace(r#"a"b\"#, "ab")
}

/// The same with fewer digits where there are too many, and with plain names, so that most random policies have a witness. What was
/// equal stays equal.
fn tamed(value: &Json) -> Json {
    let number = |number: &str| -> String {
        if is_exact(number) {
            return number.to_owned();
        }
        let (sign, digits) = match number.strip_prefix('-') {
            Some(digits) => ("-", digits),
            None => ("", number),
        };
        let whole: String = digits
            .chars()
            .take_while(char::is_ascii_digit)
            .take(9)
            .collect();
        format!("{sign}{whole}.5")
    };
    match value {
        Json::Number(text) => Json::Number(number(text)),
        Json::Text(text) => Json::Text(
            words(&plain_name(text))
                .map(|word| {
                    if looks_like_a_number(word) && !is_exact(word) {
                        number(word)
                    } else {
                        word.to_owned()
                    }
                })
                .collect(),
        ),
        Json::List(items) => Json::List(items.iter().map(tamed).collect()),
        Json::Object(members) => Json::Object(
            members
                .iter()
                .map(|(name, member)| (plain_name(name), tamed(member)))
                .collect(),
        ),
        other => other.clone(),
    }
}

fn tamed_text(text: &str) -> String {
    json::parse(text).map_or_else(|_| text.to_owned(), |value| tamed(&value).to_string())
}

/// `least`: how many of a hundred cases must be compared. Random policies mostly have forms that the crate does not evaluate as OPA does.
fn summary(what: &str, least: usize, counts: &BTreeMap<&str, usize>) {
    println!("{what}: {counts:?}");
    let all: usize = counts.values().sum();
    let compared = counts.get("compared").copied().unwrap_or_default();
    let left_out = counts.get("left out").copied().unwrap_or_default();
    assert!(
        compared * 100 > least * all,
        "too few cases are compared: {counts:?}"
    );
    assert!(
        left_out * 100 <= LEFT_OUT * all,
        "too many cases are left out: {counts:?}"
    );
}

#[test]
fn the_rego_agrees_with_every_vector() {
    let mut policies: BTreeMap<String, Vec<vectors::Vector>> = BTreeMap::new();
    for vector in vectors::all().unwrap() {
        let policy = vector.case.policy.to_string();
        policies.entry(policy).or_default().push(vector);
    }
    let mut counts = BTreeMap::new();
    let mut wrong = Vec::new();
    for (text, vectors) in &policies {
        let compiled = engines::compile(text).unwrap_or_else(|error| panic!("{error}: {text}"));
        let Some(mut witness) = Witness::open(&vectors[0].case.policy, &compiled) else {
            *counts.entry("elsewhere").or_default() += vectors.len();
            continue;
        };
        for vector in vectors {
            let kind = if !reaches_rego(&oracle::answer(&vector.case).unwrap()) {
                "refused before"
            } else if let Some(answer) = witness.answer(&vector.case.call) {
                if let Err(error) = vector.check(&answer) {
                    wrong.push(format!("{} ({}): {error}", vector.id, vector.why));
                }
                "compared"
            } else {
                "left out"
            };
            *counts.entry(kind).or_default() += 1;
        }
    }
    assert!(
        wrong.is_empty(),
        "{} vectors fail:\n{}",
        wrong.len(),
        wrong.join("\n")
    );
    summary("vectors", 60, &counts);
}

fn disagreement(case: &Case) -> Option<(Answer, Answer)> {
    let expected = oracle::answer(case).ok()?;
    if !reaches_rego(&expected) {
        return None;
    }
    let compiled = engines::compile(&case.policy.to_string()).ok()?;
    let got = Witness::open(&case.policy, &compiled)?.answer(&case.call)?;
    (got != expected).then_some((expected, got))
}

#[test]
fn the_rego_agrees_with_the_oracle() {
    let number = |variable: &str, default: u64| {
        std::env::var(variable).map_or(default, |text| text.parse().unwrap())
    };
    let first = number("HEXGATE_SEED", 0);
    let mut counts = BTreeMap::new();
    for seed in first..first + number("HEXGATE_CASES", 300) {
        let (document, calls) = generate::cases(seed, CALLS);
        let document = tamed(&document);
        let resolved = oracle::resolve(&document).unwrap();
        let Ok(compiled) = engines::compile(&document.to_string()) else {
            continue;
        };
        let Some(mut witness) = Witness::open(&document, &compiled) else {
            *counts.entry("elsewhere").or_default() += calls.len();
            continue;
        };
        for mut call in calls {
            call.args = tamed_text(&call.args);
            call.facts = call.facts.as_deref().map(tamed_text);
            let expected = oracle::decide(&resolved, &call);
            let kind = if !reaches_rego(&expected) {
                "refused before"
            } else if let Some(answer) = witness.answer(&call) {
                if answer != expected {
                    let case = Case {
                        policy: document.clone(),
                        call,
                    };
                    let small = shrink::shrink(case, &mut |case| disagreement(case).is_some());
                    let (expected, got) = disagreement(&small).unwrap();
                    let line = shrink::as_vector(&small, "?");
                    panic!(
                        "seed {seed}: the oracle says {expected:?}\nthe Rego says {got:?}\n{line}"
                    );
                }
                "compared"
            } else {
                "left out"
            };
            *counts.entry(kind).or_default() += 1;
        }
    }
    summary("random calls", 4, &counts);
}
