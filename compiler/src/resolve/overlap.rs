//! Patterns of tool names of which none is the better match.
//!
//! Of the patterns that match a name the one with the most bytes that are not `*` counts. Two with equally many and different rules are an
//! error if there is a name for which they are the best: no exact name of the role, and matched by none with more. Such a name is looked
//! for letter by letter through all of these patterns at once, shortest first.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap, HashSet},
    sync::Arc,
};

use hexgate_contract::MAX_NAME;
use hexgate_eval::names;

use super::{Entry, Resolved, Role};
use crate::{
    budget::{Account, Budget, Exceeded},
    diagnostic::{Diagnostic, Sink, quoted},
    model::NamePattern,
    source::Span,
};

/// A pattern of a role.
struct Candidate<'r> {
    pattern: NamePattern,
    weight: usize,
    /// Into [`Resolved::listed`].
    listed: usize,
    name: &'r str,
    place: Span,
    /// Whether the role wrote it itself.
    is_own: bool,
}

/// Reports each two patterns of which neither counts. Mixins are left out: no call is decided by one.
pub(super) fn check(resolved: &Resolved<'_>, budget: &Budget, sink: &mut Sink) {
    let mut looked_at = BTreeSet::new();
    let (mut told, mut settled) = (BTreeSet::new(), HashSet::new());
    for role in resolved.roles.iter().filter(|role| !role.doc.is_mixin) {
        if sink.is_full() || !looked_at.insert(Arc::as_ptr(&role.tools)) {
            continue;
        }
        // Where no two patterns have both a name in common and different rules, the names of other tools change nothing.
        let patterns = patterns(resolved, role);
        let which: Vec<usize> = patterns.iter().map(|candidate| candidate.listed).collect();
        if settled.contains(&which) {
            continue;
        }
        match check_role(resolved, role, patterns, &mut told, budget, sink) {
            Ok(true) => {
                settled.insert(which);
            }
            Ok(false) => {}
            Err(exceeded) => {
                if budget.is_news() {
                    sink.push(exceeded.at(role.doc.name.span));
                }
                return;
            }
        }
    }
}

fn patterns<'r>(resolved: &'r Resolved<'_>, role: &'r Role<'_>) -> Vec<Candidate<'r>> {
    let patterns = role.tools.iter().filter_map(|(name, listed)| {
        let pattern = NamePattern::new(name)?;
        let written = resolved.listed.get(*listed)?;
        Some(Candidate {
            weight: pattern.weight(),
            pattern,
            listed: *listed,
            name,
            place: written.doc.name.span,
            is_own: std::ptr::eq(written.role, role.doc),
        })
    });
    patterns.collect()
}

/// Whether no two of the patterns have a name in common and different rules.
fn check_role(
    resolved: &Resolved<'_>,
    role: &Role<'_>,
    patterns: Vec<Candidate<'_>>,
    told: &mut BTreeSet<(usize, usize)>,
    budget: &Budget,
    sink: &mut Sink,
) -> Result<bool, Exceeded> {
    let mut is_settled = true;
    let mut by_weight: BTreeMap<usize, Vec<Candidate<'_>>> = BTreeMap::new();
    for candidate in patterns {
        by_weight
            .entry(candidate.weight)
            .or_default()
            .push(candidate);
    }
    for (weight, equal) in &by_weight {
        // By what they begin with: those that can match a name that this one matches stand right before it, one in front of the other.
        let mut sorted: Vec<&Candidate<'_>> = equal.iter().collect();
        sorted.sort_by_key(|candidate| candidate.pattern.ends().0);
        let mut before: Vec<&Candidate<'_>> = Vec::new();
        for other in sorted {
            let head = other.pattern.ends().0;
            budget.spend(Account::Overlaps, 1)?;
            while before
                .pop_if(|one| !head.starts_with(one.pattern.ends().0))
                .is_some()
            {}
            for one in &before {
                budget.spend(Account::Overlaps, 1)?;
                let pair = (one.listed.min(other.listed), one.listed.max(other.listed));
                if !one.pattern.overlaps(&other.pattern)
                    || same(resolved.rules(one.listed), resolved.rules(other.listed))
                {
                    continue;
                }
                is_settled = false;
                if told.contains(&pair) {
                    continue;
                }
                let heavier = by_weight
                    .range(weight + 1..)
                    .flat_map(|(_, better)| better.iter().map(|better| &better.pattern));
                let exact = role
                    .tools
                    .keys()
                    .filter(|name| NamePattern::new(name).is_none());
                let Some(name) = witness(
                    [&one.pattern, &other.pattern],
                    heavier,
                    exact.copied(),
                    budget,
                )?
                else {
                    continue;
                };
                told.insert(pair);
                sink.push(report(role, [one, other], &name));
                if sink.is_full() {
                    return Ok(false);
                }
            }
            before.push(other);
        }
    }
    Ok(is_settled)
}

fn report(role: &Role<'_>, [one, other]: [&Candidate<'_>; 2], name: &str) -> Diagnostic {
    // What stands later is at fault.
    let (first, second) = if one.place <= other.place {
        (one, other)
    } else {
        (other, one)
    };
    let diagnostic = Diagnostic::new(
        "ambiguous-patterns",
        format!(
            "{} and {} match {} equally well, and have different rules",
            quoted(first.name),
            quoted(second.name),
            quoted(name)
        ),
        second.place,
        "neither is longer than the other",
    )
    .with_label(first.place, "the other one")
    .with_help(format!(
        "of the patterns that match the one with the most characters counts: make one of the two longer, give both the same rules, or list {} by name",
        quoted(name)
    ));
    if one.is_own && other.is_own {
        return diagnostic;
    }
    diagnostic.with_label(role.doc.name.span, "both count in this role")
}

/// Whether rules say the same.
fn same(one: &[Entry<'_>], other: &[Entry<'_>]) -> bool {
    let ids =
        |entry: &Entry<'_>| -> Vec<usize> { entry.constraints.iter().map(|own| own.id).collect() };
    one.len() == other.len()
        && one.iter().zip(other).all(|(one, other)| {
            one.mode == other.mode
                && one.doc.listed == other.doc.listed
                && one.scope == other.scope
                && one.doc.message == other.doc.message
                && one.doc.description == other.doc.description
                && one.doc.approval == other.doc.approval
                && ids(one) == ids(other)
        })
}

/// The shortest name that both patterns match, and none of `heavier`, and that is none of `exact`.
fn witness<'a>(
    pair: [&NamePattern; 2],
    heavier: impl Iterator<Item = &'a NamePattern>,
    exact: impl Iterator<Item = &'a str>,
    budget: &Budget,
) -> Result<Option<String>, Exceeded> {
    let [one, other] = pair;
    let mut excluded: Vec<&str> = heavier
        .filter(|better| better.overlaps(one) && better.overlaps(other))
        .map(NamePattern::as_str)
        .collect();
    let closed = names::CLOSED.map(|prefix| format!("{prefix}{}", names::ANY));
    if !one.is_closed() {
        // Neither matches a closed name.
        excluded.extend(closed.iter().map(String::as_str));
    }
    let exact: Vec<&str> = exact
        .filter(|name| one.matches(name) && other.matches(name))
        .collect();
    let texts = || {
        [one.as_str(), other.as_str()]
            .into_iter()
            .chain(excluded.iter().copied())
            .chain(exact.iter().copied())
    };
    let mut letters: BTreeSet<char> = texts()
        .flat_map(str::chars)
        .filter(|c| *c != names::ANY)
        .collect();
    // One stands for all that occur nowhere.
    letters.extend(
        ('a'..='z')
            .chain('0'..='9')
            .chain('\u{4E00}'..)
            .find(|c| !letters.contains(c)),
    );
    let mut letters: Vec<char> = letters.into_iter().collect();
    letters.sort_by_key(rank);
    let size = texts().map(str::len).sum::<usize>() * letters.len();
    budget.spend(Account::Overlaps, size as u64 / 64 + 1)?;
    let wanted = pair.map(|pattern| Matcher::new(pattern.as_str(), &letters));
    let excluded: Vec<Matcher> = excluded
        .iter()
        .map(|pattern| Matcher::new(pattern, &letters))
        .collect();
    Search {
        letters: &letters,
        wanted,
        excluded,
        known: Known::new(&exact),
    }
    .shortest(budget)
}

/// In which order letters are tried: those first that a name is easily read with.
fn rank(letter: &char) -> (bool, char) {
    (!letter.is_alphanumeric(), *letter)
}

/// A pattern as a machine with a set of places in it: bit by bit those that a name can have led to.
struct Matcher {
    /// Places before a `*`.
    stars: Vec<u64>,
    /// By letter, the places before it.
    before: Vec<Vec<u64>>,
    /// How many places there are before the end.
    len: usize,
    ends_in_star: bool,
}

impl Matcher {
    fn new(pattern: &str, letters: &[char]) -> Self {
        let mut parts: Vec<char> = pattern.chars().collect();
        parts.dedup_by(|one, other| *one == names::ANY && *other == names::ANY);
        let words = parts.len() / 64 + 1;
        let mut stars = vec![0; words];
        let mut before = vec![vec![0; words]; letters.len()];
        for (at, part) in parts.iter().enumerate() {
            if *part == names::ANY {
                set(&mut stars, at);
            } else if let Ok(letter) = letters.binary_search_by_key(&rank(part), rank)
                && let Some(places) = before.get_mut(letter)
            {
                set(places, at);
            }
        }
        Self {
            stars,
            before,
            len: parts.len(),
            ends_in_star: parts.last() == Some(&names::ANY),
        }
    }

    fn start(&self) -> Vec<u64> {
        let mut places = vec![0; self.stars.len()];
        set(&mut places, 0);
        self.pass_stars(&mut places);
        places
    }

    /// A `*` may be nothing. No two stand side by side.
    fn pass_stars(&self, places: &mut [u64]) {
        let mut carry = 0;
        for (places, stars) in places.iter_mut().zip(&self.stars) {
            let moved = *places & stars;
            *places |= moved << 1 | carry;
            carry = moved >> 63;
        }
    }

    fn step(&self, places: &[u64], letter: usize) -> Vec<u64> {
        let mut next = Vec::with_capacity(places.len());
        let mut carry = 0;
        let before = self.before.get(letter).into_iter().flatten();
        for ((places, stars), before) in places.iter().zip(&self.stars).zip(before) {
            let moved = places & before;
            next.push(moved << 1 | carry | places & stars);
            carry = moved >> 63;
        }
        self.pass_stars(&mut next);
        next
    }

    fn matches(&self, places: &[u64]) -> bool {
        has(places, self.len)
    }

    /// Whether it matches however the name goes on.
    fn matches_all(&self, places: &[u64]) -> bool {
        self.ends_in_star && has(places, self.len - 1)
    }
}

fn set(places: &mut [u64], at: usize) {
    if let Some(word) = places.get_mut(at / 64) {
        *word |= 1 << (at % 64);
    }
}

fn has(places: &[u64], at: usize) -> bool {
    places
        .get(at / 64)
        .is_some_and(|word| word >> (at % 64) & 1 == 1)
}

/// The exact names, letter by letter.
struct Known {
    next: HashMap<(usize, char), usize>,
    ends: HashSet<usize>,
}

impl Known {
    fn new(names: &[&str]) -> Self {
        let mut known = Self {
            next: HashMap::new(),
            ends: HashSet::new(),
        };
        let mut count = 1;
        for name in names {
            let mut at = 0;
            for c in name.chars() {
                at = *known.next.entry((at, c)).or_insert_with(|| {
                    count += 1;
                    count - 1
                });
            }
            known.ends.insert(at);
        }
        known
    }
}

/// How far a name has led: in both patterns, in those that exclude it, and in the exact names; none: it is none of those.
#[derive(Clone, PartialEq, Eq, Hash)]
struct State {
    wanted: [Vec<u64>; 2],
    excluded: Vec<Vec<u64>>,
    known: Option<usize>,
}

struct Search<'a> {
    letters: &'a [char],
    wanted: [Matcher; 2],
    excluded: Vec<Matcher>,
    known: Known,
}

impl Search<'_> {
    fn shortest(&self, budget: &Budget) -> Result<Option<String>, Exceeded> {
        let [one, other] = &self.wanted;
        let start = State {
            wanted: [one.start(), other.start()],
            excluded: self.excluded.iter().map(Matcher::start).collect(),
            known: Some(0),
        };
        let places = |matcher: &Matcher| matcher.stars.len();
        let cost = [one, other].into_iter().map(places).sum::<usize>()
            + self.excluded.iter().map(places).sum::<usize>()
            + 4;
        // By the length of the name in bytes: where each state was come from, and by which letter.
        let mut waiting: Vec<Vec<usize>> = vec![Vec::new(); MAX_NAME + 1];
        let mut reached: Vec<(Arc<State>, usize, char)> = vec![(Arc::new(start), 0, names::ANY)];
        let mut seen: HashSet<Arc<State>> = HashSet::new();
        if let Some(first) = waiting.first_mut() {
            first.push(0);
        }
        for len in 0..=MAX_NAME {
            let mut next = 0;
            while let Some(at) = waiting.get(len).and_then(|ready| ready.get(next)).copied() {
                next += 1;
                let Some((state, ..)) = reached.get(at) else {
                    continue;
                };
                let state = Arc::clone(state);
                if !seen.insert(Arc::clone(&state)) {
                    continue;
                }
                if len > 0 && self.is_witness(&state) {
                    return Ok(Some(spelled(&reached, at)));
                }
                for (letter, c) in self.letters.iter().enumerate() {
                    budget.spend(Account::Overlaps, cost as u64)?;
                    let Some(ahead) = waiting.get_mut(len + c.len_utf8()) else {
                        continue;
                    };
                    if let Some(state) = self
                        .step(&state, letter, *c)
                        .filter(|state| !seen.contains(state))
                    {
                        ahead.push(reached.len());
                        reached.push((Arc::new(state), at, *c));
                    }
                }
            }
        }
        Ok(None)
    }

    fn is_witness(&self, state: &State) -> bool {
        let matched = |(matcher, places): (&Matcher, &Vec<u64>)| matcher.matches(places);
        self.wanted.iter().zip(&state.wanted).all(matched)
            && !self.excluded.iter().zip(&state.excluded).any(matched)
            && !state
                .known
                .is_some_and(|known| self.known.ends.contains(&known))
    }

    /// None: no name that goes on from there is a witness.
    fn step(&self, state: &State, letter: usize, c: char) -> Option<State> {
        let [one, other] = &self.wanted;
        let [at_one, at_other] = &state.wanted;
        let wanted = [one.step(at_one, letter), other.step(at_other, letter)];
        if wanted
            .iter()
            .any(|places| places.iter().all(|word| *word == 0))
        {
            return None;
        }
        let mut excluded = Vec::with_capacity(self.excluded.len());
        for (matcher, places) in self.excluded.iter().zip(&state.excluded) {
            let next = matcher.step(places, letter);
            if matcher.matches_all(&next) {
                return None;
            }
            excluded.push(next);
        }
        let known = state
            .known
            .and_then(|at| self.known.next.get(&(at, c)).copied());
        Some(State {
            wanted,
            excluded,
            known,
        })
    }
}

/// The name that led to a state.
fn spelled(reached: &[(Arc<State>, usize, char)], at: usize) -> String {
    let mut letters = Vec::new();
    let mut at = at;
    while let Some((_, from, c)) = reached.get(at).filter(|_| at > 0) {
        letters.push(*c);
        at = *from;
    }
    letters.iter().rev().collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn pattern() -> impl Strategy<Value = String> {
        let part = prop::sample::select(vec!["a", "b", "*", "ab", "agent.", "é"]);
        prop::collection::vec(part, 0..5).prop_map(|parts| parts.concat() + "*")
    }

    /// Every name of at most so many letters.
    fn names() -> Vec<String> {
        let mut names = vec![String::new()];
        let mut last = names.clone();
        for _ in 0..5 {
            last = last
                .iter()
                .flat_map(|name| {
                    ["a", "b", "é", "agent.", "x"].map(|letter| format!("{name}{letter}"))
                })
                .collect();
            names.extend(last.iter().cloned());
        }
        names
    }

    fn found(pair: [&str; 2], heavier: &[String], exact: &[&str]) -> Option<String> {
        let pair = pair.map(|text| NamePattern::new(text).unwrap());
        let heavier: Vec<NamePattern> = heavier
            .iter()
            .filter_map(|text| NamePattern::new(text))
            .collect();
        let [one, other] = &pair;
        if !one.overlaps(other) {
            return None;
        }
        witness(
            [one, other],
            heavier.iter(),
            exact.iter().copied(),
            &Budget::default(),
        )
        .unwrap()
    }

    proptest! {
        #[test]
        fn a_name_is_found_if_there_is_one(one in pattern(), other in pattern(), heavier in prop::collection::vec(pattern(), 0..4), exact in prop::sample::subsequence(names(), 0..40)) {
            let exact: Vec<&str> = exact.iter().map(String::as_str).collect();
            let is_witness = |name: &str| {
                let matches = |text: &str| NamePattern::new(text).unwrap().matches(name);
                !name.is_empty() && matches(&one) && matches(&other) && !heavier.iter().any(|text| matches(text)) && !exact.contains(&name)
            };
            let found = found([&one, &other], &heavier, &exact);
            match &found {
                Some(name) => prop_assert!(is_witness(name), "{} {} {:?} {:?}: {}", one, other, heavier, exact, name),
                None => {
                    let missed = names().into_iter().find(|name| is_witness(name));
                    prop_assert_eq!(missed, None, "{} {} {:?}", one, other, heavier);
                }
            }
        }
    }

    #[test]
    fn a_name_is_at_most_as_long_as_calls_bear() {
        let head = "a".repeat(MAX_NAME / 2);
        let tail = "b".repeat(MAX_NAME / 2);
        let (one, other) = (format!("{head}*"), format!("*{tail}"));
        assert_eq!(found([&one, &other], &[], &[]), Some(head.clone() + &tail));
        let other = format!("*c{tail}");
        assert_eq!(found([&one, &other], &[], &[]), None);
        let all = head.clone() + &tail;
        assert_eq!(found([&one, &format!("*{tail}")], &[], &[&all]), None);
    }
}
