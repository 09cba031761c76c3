//! Finding patterns and names in a text, in one pass: one automaton over what they begin with says where to look, and a small table each says whether
//! one is there.

use std::{collections::BTreeMap, ops::Range};

use aho_corasick::{AhoCorasick, AhoCorasickKind, StartKind as Start, automaton::OverlappingState};
use regex_automata::{
    Anchored, Input,
    dfa::{Automaton, StartKind, dense, regex},
};
use regex_syntax::hir::{
    Look,
    literal::{ExtractKind, Extractor},
};

use super::{
    Redaction, RedactionError, Secrecy, automaton, issuers, limits, names, syntax, unusable,
};

/// A compiled search for patterns and names.
#[derive(Debug)]
pub(super) struct Finder {
    patterns: Vec<Pattern>,
    names: Vec<Name>,
    /// What they begin with, in any letter case, and a backslash.
    beginnings: AhoCorasick,
    /// The pattern or name that each beginning belongs to.
    owners: Vec<Owner>,
    /// What is found in every text that has one of those in it that have no beginning. None: all have one.
    others: Option<dense::DFA<Vec<u32>>>,
}

#[derive(Debug, Clone)]
enum Owner {
    /// An escape, behind which everything can hide.
    Escape,
    /// A pattern, with its own spelling of the beginning if it has one alone.
    Pattern(usize, Option<Vec<u8>>),
    /// A name; whether it has to stand as a word.
    Name(usize, bool),
}

#[derive(Debug)]
struct Pattern {
    category: String,
    table: Table,
    /// Whether it is about where a text begins or ends.
    has_ends: bool,
    /// What is found has to be this too.
    and: Option<fn(&str) -> bool>,
}

/// A table each: in a common one their counters would multiply.
#[derive(Debug)]
enum Table {
    /// Of a pattern that begins with a text, tried where the text stands.
    Anchored(Box<dense::DFA<Vec<u32>>>),
    /// Of any other.
    Anywhere(Box<regex::Regex>),
}

#[derive(Debug)]
struct Name {
    secrecy: Secrecy,
    table: dense::DFA<Vec<u32>>,
    has_beginning: bool,
}

/// What was found: where, and which pattern.
pub(super) type Found = (Range<usize>, usize);

/// Looking further would take more time than a text of this length may take.
#[derive(Debug)]
pub(super) struct TooMuch;

impl Finder {
    pub(super) fn new(redaction: &Redaction) -> Result<Self, RedactionError> {
        let (mut beginnings, mut owners) = (vec![b"\\".to_vec()], vec![Owner::Escape]);
        let mut others = Vec::new();
        let mut patterns = Vec::with_capacity(redaction.patterns.len());
        for (index, (category, pattern)) in redaction.patterns.iter().enumerate() {
            let parsed = parsed(pattern)?;
            let literals = beginnings_of(&parsed);
            let table = if literals.is_empty() {
                others.push(super::anywhere(&parsed, ""));
                let found = regex::Builder::new()
                    .syntax(syntax())
                    .dense(limits())
                    .build(pattern);
                Table::Anywhere(Box::new(found.map_err(|error| unusable(pattern, &error))?))
            } else {
                let found = dense::Builder::new()
                    .syntax(syntax())
                    .configure(limits().start_kind(StartKind::Anchored))
                    .build(pattern);
                Table::Anchored(Box::new(found.map_err(|error| unusable(pattern, &error))?))
            };
            // One for all letter cases: each would be found by itself otherwise.
            let mut spelled: BTreeMap<Vec<u8>, Option<Vec<u8>>> = BTreeMap::new();
            for literal in literals {
                spelled
                    .entry(literal.to_ascii_lowercase())
                    .and_modify(|it| *it = None)
                    .or_insert(Some(literal));
            }
            for (beginning, literal) in spelled {
                owners.push(Owner::Pattern(index, literal));
                beginnings.push(beginning);
            }
            let looks = parsed.properties().look_set();
            patterns.push(Pattern {
                category: category.clone(),
                table,
                has_ends: looks.contains(Look::Start) || looks.contains(Look::End),
                and: (pattern == issuers::BASIC.1).then_some(issuers::is_credentials),
            });
        }
        let all = redaction.names.iter().map(|it| (it, Secrecy::Any));
        let all = all.chain(redaction.text_names.iter().map(|it| (it, Secrecy::Text)));
        let mut names = Vec::new();
        for (index, (name, secrecy)) in all.enumerate() {
            let in_any_case = format!("(?i:{name})");
            let (literals, is_word) = match names::word(name) {
                Some(word) => (vec![word.as_bytes().to_vec()], true),
                None => (beginnings_of(&parsed(name)?), false),
            };
            if literals.is_empty() {
                others.push(super::anywhere(&parsed(&in_any_case)?, super::NO_LETTER));
            }
            names.push(Name {
                secrecy,
                table: automaton(&[&in_any_case])?,
                has_beginning: !literals.is_empty(),
            });
            for literal in literals {
                owners.push(Owner::Name(index, is_word));
                beginnings.push(literal);
            }
        }
        let others: Vec<&str> = others.iter().map(String::as_str).collect();
        Ok(Self {
            patterns,
            names,
            beginnings: AhoCorasick::builder()
                .ascii_case_insensitive(true)
                .kind(Some(AhoCorasickKind::DFA))
                .start_kind(Start::Unanchored)
                .build(&beginnings)
                .map_err(|error| unusable("all", &error))?,
            owners,
            others: match others.is_empty() {
                true => None,
                false => Some(automaton(&others)?),
            },
        })
    }

    /// The category of a pattern.
    pub(super) fn category(&self, pattern: usize) -> &str {
        self.patterns
            .get(pattern)
            .map_or("secret", |it| it.category.as_str())
    }

    /// Whether there are names at all.
    pub(super) fn has_names(&self) -> bool {
        !self.names.is_empty()
    }

    /// What the value of a member with this name is.
    pub(super) fn secrecy(&self, name: &str) -> Secrecy {
        let mut secrecy = Secrecy::None;
        let mut meets = |it: &Name| {
            if it.secrecy > secrecy && super::is_found(&it.table, name) {
                secrecy = it.secrecy;
            }
        };
        self.names
            .iter()
            .filter(|it| !it.has_beginning)
            .for_each(&mut meets);
        self.beginnings(name, |owner, _| {
            if let Owner::Name(index, _) = owner
                && let Some(it) = self.names.get(*index)
            {
                meets(it);
            }
            true
        });
        secrecy
    }

    /// Whether a JSON text, as it is written, may have a secret in it.
    pub(super) fn may_have_any(&self, json: &str) -> bool {
        if let Some(others) = &self.others
            && super::is_found(others, json)
        {
            return true;
        }
        let mut steps = allowed(json);
        let mut is_clean = true;
        self.beginnings(json, |owner, range| {
            is_clean = match owner {
                Owner::Escape => false,
                Owner::Name(_, is_word) => *is_word && !is_a_word(json, &range),
                Owner::Pattern(index, literal) => {
                    !is_spelled(json, &range, literal)
                        || self.patterns.get(*index).is_none_or(|it| {
                            !it.has_ends
                                && matches!(it.end(json, range.start, &mut steps), Ok(None))
                        })
                }
            };
            is_clean
        });
        !is_clean
    }

    /// All patterns that are found in a text, in no order; ranges can overlap. And whether a name may be in it.
    ///
    /// # Errors
    ///
    /// If the text would take more than some steps for each of its bytes.
    pub(super) fn all(&self, text: &str) -> Result<(Vec<Found>, bool), TooMuch> {
        let mut found = Vec::new();
        let mut has_name = self.names.iter().any(|it| !it.has_beginning);
        let mut steps = allowed(text);
        // Where the last match of each pattern ended: what begins within it is a part of it.
        let mut behind: Vec<usize> = Vec::new();
        let mut outcome = Ok(());
        self.beginnings(text, |owner, range| {
            match owner {
                Owner::Escape => {}
                Owner::Name(_, is_word) => has_name |= !*is_word || is_a_word(text, &range),
                Owner::Pattern(index, literal) => {
                    behind.resize(self.patterns.len(), 0);
                    let (Some(pattern), Some(behind)) =
                        (self.patterns.get(*index), behind.get_mut(*index))
                    else {
                        return true;
                    };
                    if range.start < *behind || !is_spelled(text, &range, literal) {
                        return true;
                    }
                    match pattern.end(text, range.start, &mut steps) {
                        Ok(Some(end)) => {
                            *behind = end;
                            found.push((range.start..end, *index));
                        }
                        Ok(None) => {}
                        Err(error) => outcome = Err(error),
                    }
                }
            }
            outcome.is_ok()
        });
        outcome?;
        for (index, pattern) in self.patterns.iter().enumerate() {
            if let Table::Anywhere(table) = &pattern.table {
                anywhere(table, text, index, &mut found)?;
            }
        }
        Ok((found, has_name))
    }

    /// Everything that begins in a text, until `go_on` says no.
    fn beginnings(&self, text: &str, mut go_on: impl FnMut(&Owner, Range<usize>) -> bool) {
        let mut state = OverlappingState::start();
        loop {
            self.beginnings.find_overlapping(text, &mut state);
            let Some(it) = state.get_match() else {
                return;
            };
            if let Some(owner) = self.owners.get(it.pattern().as_usize())
                && !go_on(owner, it.range())
            {
                return;
            }
        }
    }
}

impl Pattern {
    /// Where its match ends that begins at `start`. None: there is none.
    fn end(&self, text: &str, start: usize, steps: &mut usize) -> Result<Option<usize>, TooMuch> {
        let Table::Anchored(table) = &self.table else {
            return Ok(None);
        };
        let end = end_of(table, text, start, steps)?;
        Ok(end.filter(|end| {
            self.and
                .is_none_or(|and| text.get(start..*end).is_none_or(and))
        }))
    }
}

/// All matches of a pattern without a beginning.
fn anywhere(
    table: &regex::Regex,
    text: &str,
    index: usize,
    found: &mut Vec<Found>,
) -> Result<(), TooMuch> {
    let before = found.len();
    let mut from = 0;
    while from <= text.len() {
        let input = Input::new(text).span(from..text.len());
        let Some(it) = table.try_search(&input).map_err(|_| TooMuch)? else {
            break;
        };
        if found.len() - before >= MATCHES {
            return Err(TooMuch);
        }
        from = it.end().max(it.start() + 1);
        found.push((it.start()..from, index));
    }
    Ok(())
}

/// Where the match that begins at `start` ends.
fn end_of(
    table: &dense::DFA<Vec<u32>>,
    text: &str,
    start: usize,
    steps: &mut usize,
) -> Result<Option<usize>, TooMuch> {
    let input = Input::new(text)
        .span(start..text.len())
        .anchored(Anchored::Yes);
    let mut state = table.start_state_forward(&input).map_err(|_| TooMuch)?;
    let mut end = None;
    for (at, byte) in text.bytes().enumerate().skip(start) {
        state = table.next_state(state, byte);
        *steps = steps.checked_sub(1).ok_or(TooMuch)?;
        if table.is_special_state(state) {
            // One byte late, as the tables are made.
            if table.is_match_state(state) {
                end = Some(at);
            } else if table.is_dead_state(state) {
                return Ok(end);
            } else if table.is_quit_state(state) {
                return Err(TooMuch);
            }
        }
    }
    if table.is_match_state(table.next_eoi_state(state)) {
        end = Some(text.len());
    }
    Ok(end)
}

/// The texts of which every match of a pattern begins with one. Empty if there are no such texts.
fn beginnings_of(pattern: &regex_syntax::hir::Hir) -> Vec<Vec<u8>> {
    let mut extractor = Extractor::new();
    extractor.kind(ExtractKind::Prefix);
    let prefixes = extractor.extract(pattern);
    let Some(literals) = prefixes.literals() else {
        return Vec::new();
    };
    // One letter would be found everywhere.
    if literals.iter().any(|it| it.len() < 2) {
        return Vec::new();
    }
    let first = literals.iter().map(|it| it.as_bytes());
    let first = first.map(|it| it.get(..BEGINNING_BYTES).unwrap_or(it).to_vec());
    let mut first: Vec<Vec<u8>> = first.collect();
    first.sort();
    first.dedup();
    first
}

fn parsed(pattern: &str) -> Result<regex_syntax::hir::Hir, RedactionError> {
    super::parsed(pattern).map_err(|error| unusable(pattern, &error))
}

/// Whether a beginning is written as the pattern has it, letter case and all.
fn is_spelled(text: &str, range: &Range<usize>, literal: &Option<Vec<u8>>) -> bool {
    literal
        .as_ref()
        .is_none_or(|it| text.as_bytes().get(range.clone()) == Some(it))
}

/// Whether what stands there is a word of a name, and not within one.
fn is_a_word(text: &str, range: &Range<usize>) -> bool {
    let bytes = text.as_bytes();
    let at = |index: Option<usize>| index.and_then(|it| bytes.get(it)).copied();
    let first = at(Some(range.start)).unwrap_or_default();
    let last = at(range.end.checked_sub(1)).unwrap_or_default();
    let before = at(range.start.checked_sub(1)).unwrap_or_default();
    let after = at(Some(range.end)).unwrap_or_default();
    let begins =
        !before.is_ascii_alphabetic() || before.is_ascii_lowercase() && first.is_ascii_uppercase();
    let ends = !after.is_ascii_alphabetic() || after == b's' || after.is_ascii_uppercase();
    begins && ends && (last.is_ascii_alphabetic() || last.is_ascii_digit())
}

fn allowed(text: &str) -> usize {
    STEPS_A_BYTE * text.len() + STEPS
}

/// As many bytes of what a pattern begins with are looked for; the others are looked at then.
const BEGINNING_BYTES: usize = 8;
/// How many steps the small tables may take for each byte of a text, and in addition. Ordinary texts take less than one.
const STEPS_A_BYTE: usize = 16;
const STEPS: usize = 4096;
/// How often a pattern without a beginning may be found in one text.
const MATCHES: usize = 256;
