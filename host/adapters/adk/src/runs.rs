//! The counts of invocations.

use std::collections::{HashMap, HashSet};
use std::sync::Mutex;

use hexgate_base::guarded::locked;
use hexgate_gate::{Counts, Gate};

/// Invocations whose counts are kept. One that is not told to end, because it was dropped, is forgotten when so many began after it.
const MOST: usize = 4096;

/// All tools of an agent count together, wherever they were wrapped.
static RUNS: Mutex<Option<Runs>> = Mutex::new(None);

#[derive(Default)]
struct Runs {
    next: u64,
    /// By agent and invocation.
    counts: HashMap<(String, String), Run>,
}

struct Run {
    began: u64,
    counts: Counts,
    /// Calls whose confirmation was given to the run, and was used.
    confirmed: HashSet<String>,
}

fn with<T>(work: impl FnOnce(&mut Runs) -> T) -> T {
    let mut runs = locked(&RUNS);
    work(runs.get_or_insert_default())
}

fn key(gate: &Gate, invocation: &str) -> (String, String) {
    (gate.enforcer().agent().to_owned(), invocation.to_owned())
}

/// The counts of an agent in an invocation.
pub(crate) fn of(gate: &Gate, invocation: &str) -> Counts {
    within(gate, invocation, |run| run.counts.clone())
}

/// Uses the confirmation of a call that was given to the run. Whether it was not used yet.
pub(crate) fn confirms(gate: &Gate, invocation: &str, call: &str) -> bool {
    within(gate, invocation, |run| {
        run.confirmed.insert(call.to_owned())
    })
}

fn within<T>(gate: &Gate, invocation: &str, work: impl FnOnce(&mut Run) -> T) -> T {
    with(|runs| {
        let key = key(gate, invocation);
        if runs.counts.len() >= MOST && !runs.counts.contains_key(&key) {
            let oldest = runs.counts.iter().min_by_key(|(_, run)| run.began);
            if let Some(oldest) = oldest.map(|(key, _)| key.clone()) {
                runs.counts.remove(&oldest);
            }
        }
        runs.next += 1;
        let began = runs.next;
        work(runs.counts.entry(key).or_insert_with(|| Run {
            began,
            counts: Counts::new(invocation),
            confirmed: HashSet::new(),
        }))
    })
}

/// The agent's part in an invocation is over.
pub(crate) fn ended(gate: &Gate, invocation: &str) {
    with(|runs| drop(runs.counts.remove(&key(gate, invocation))));
}
