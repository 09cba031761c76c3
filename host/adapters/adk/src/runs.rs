//! The counts of invocations.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use hexgate_gate::{Counts, Gate};

/// Invocations whose counts are kept. One that is not told to end, because it was dropped, is forgotten when so many began after it.
const MOST: usize = 4096;

/// All tools of an agent count together, wherever they were wrapped.
static RUNS: Mutex<Option<Runs>> = Mutex::new(None);

#[derive(Default)]
struct Runs {
    next: u64,
    /// By agent and invocation.
    counts: HashMap<(String, String), (u64, Counts)>,
}

fn with<T>(work: impl FnOnce(&mut Runs) -> T) -> T {
    let mut runs = RUNS.lock().unwrap_or_else(PoisonError::into_inner);
    work(runs.get_or_insert_default())
}

fn key(gate: &Gate, invocation: &str) -> (String, String) {
    (gate.enforcer().agent().to_owned(), invocation.to_owned())
}

/// The counts of an agent in an invocation.
pub(crate) fn of(gate: &Gate, invocation: &str) -> Counts {
    with(|runs| {
        let key = key(gate, invocation);
        if let Some((_, counts)) = runs.counts.get(&key) {
            return counts.clone();
        }
        if runs.counts.len() >= MOST {
            let oldest = runs.counts.iter().min_by_key(|(_, (began, _))| *began);
            if let Some(oldest) = oldest.map(|(key, _)| key.clone()) {
                runs.counts.remove(&oldest);
            }
        }
        runs.next += 1;
        let counts = Counts::new(invocation);
        runs.counts.insert(key, (runs.next, counts.clone()));
        counts
    })
}

/// The agent's part in an invocation is over.
pub(crate) fn ended(gate: &Gate, invocation: &str) {
    with(|runs| drop(runs.counts.remove(&key(gate, invocation))));
}
