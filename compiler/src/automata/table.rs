//! From an expression to a table. Used by both kinds of pattern.

use std::sync::Arc;

use regex_automata::{
    MatchKind,
    dfa::{Automaton, StartKind, dense},
    nfa::thompson::{self, WhichCaptures},
    util::{primitives::StateID, start},
};
use regex_syntax::hir::Hir;

use super::{
    Dfa,
    minimize::{RawTable, minimize},
};

/// Bounds on the work that one pattern can cause: reaching one takes a fraction of a second. Before minimization a table may
/// be sixteen times as large as in a plan.
const NFA_BYTES: usize = 1 << 20;
const DETERMINIZE_BYTES: usize = 4 << 20;
const DENSE_BYTES: usize = 1 << 20;

/// What it takes to find that an expression has no table, in bytes of automata.
pub(super) const MOST_WORK: usize = NFA_BYTES + DETERMINIZE_BYTES + DENSE_BYTES;

/// Why an expression has no table.
#[derive(Debug, thiserror::Error)]
pub(super) enum TableError {
    #[error(
        "the pattern needs a table of more than {} bytes",
        Dfa::MAX_TABLE_BYTES
    )]
    TooLarge,
    #[error("the pattern cannot be turned into a table: {0}")]
    Failed(String),
}

/// The automaton that accepts the texts in which the expression matches somewhere.
///
/// It is minimal and numbered in the order in which its states are met, so it depends on the accepted texts alone: not on how
/// the expression is written, nor on the libraries below.
pub(super) fn build(expression: &Hir) -> Result<Built, TableError> {
    let (dfa, nfa_bytes) = determinize(expression)?;
    let work = nfa_bytes + dfa.memory_usage();
    let dfa = Arc::new(minimize(&extract(&dfa)?)?);
    Ok(Built { dfa, work })
}

/// A table, and how many bytes of automata it took to make it.
pub(super) struct Built {
    pub(super) dfa: Arc<Dfa>,
    pub(super) work: usize,
}

fn determinize(expression: &Hir) -> Result<(dense::DFA<Vec<u32>>, usize), TableError> {
    let nfa = thompson::Compiler::new()
        .configure(
            thompson::Config::new()
                .which_captures(WhichCaptures::None)
                .nfa_size_limit(Some(NFA_BYTES)),
        )
        .build_from_hir(expression)
        .map_err(|error| match error.size_limit() {
            Some(_) => TableError::TooLarge,
            None => TableError::Failed(error.to_string()),
        })?;
    // The first match is enough, so whatever has a lower priority than a match may be dropped.
    let config = dense::Config::new()
        .match_kind(MatchKind::LeftmostFirst)
        .start_kind(StartKind::Unanchored)
        .accelerate(false)
        .minimize(false)
        .determinize_size_limit(Some(DETERMINIZE_BYTES))
        .dfa_size_limit(Some(DENSE_BYTES));
    dense::Builder::new()
        .configure(config)
        .build_from_nfa(&nfa)
        .map(|dfa| (dfa, nfa.memory_usage()))
        .map_err(|error| {
            if error.is_size_limit_exceeded() {
                TableError::TooLarge
            } else {
                TableError::Failed(error.to_string())
            }
        })
}

/// Walks the states that can be reached. The library reports a match one byte late: a state that is entered as a match says that
/// the text before that byte contains one, and what the text before its end contains is asked with the end as a symbol.
fn extract(dfa: &dense::DFA<Vec<u32>>) -> Result<RawTable, TableError> {
    let start = dfa
        .start_state(&start::Config::new())
        .map_err(|error| TableError::Failed(error.to_string()))?;
    let mut classes = Box::new([0; 256]);
    for (byte, class) in (0..=u8::MAX).zip(classes.iter_mut()) {
        *class = dfa.byte_classes().get(byte);
    }
    let representatives: Vec<u8> = dfa
        .byte_classes()
        .representatives(0..=u8::MAX)
        .filter_map(|unit| unit.as_u8())
        .collect();

    let mut numbers = Numbers::default();
    let start = numbers.of(start, dfa.stride2());
    let mut transitions: Vec<u32> = [RawTable::REJECT, RawTable::ACCEPT]
        .into_iter()
        .flat_map(|state| representatives.iter().map(move |_| state))
        .collect();
    let mut accepting = vec![false, true];
    let mut walked = 0;
    while let Some(&state) = numbers.met.get(walked) {
        walked += 1;
        for &byte in &representatives {
            let next = dfa.next_state(state, byte);
            if dfa.is_quit_state(next) {
                return Err(TableError::Failed("a byte has no transition".to_owned()));
            }
            transitions.push(if dfa.is_match_state(next) {
                RawTable::ACCEPT
            } else if dfa.is_dead_state(next) {
                RawTable::REJECT
            } else {
                numbers.of(next, dfa.stride2())
            });
        }
        accepting.push(dfa.is_match_state(dfa.next_eoi_state(state)));
    }
    Ok(RawTable {
        classes,
        class_count: representatives.len(),
        transitions,
        accepting,
        start,
    })
}

/// Our numbers for the library's states, in the order in which they are met. The first two are taken.
#[derive(Default)]
struct Numbers {
    met: Vec<StateID>,
    by_row: Vec<Option<u32>>,
}

impl Numbers {
    fn of(&mut self, state: StateID, stride2: usize) -> u32 {
        let row = state.as_usize() >> stride2;
        if self.by_row.len() <= row {
            self.by_row.resize(row + 1, None);
        }
        if let Some(Some(number)) = self.by_row.get(row) {
            return *number;
        }
        // The size limit keeps this far below the range of the type.
        let number = u32::try_from(self.met.len() + 2).unwrap_or(RawTable::REJECT);
        self.met.push(state);
        if let Some(slot) = self.by_row.get_mut(row) {
            *slot = Some(number);
        }
        number
    }
}
