//! The runs in which agents take part.
//!
//! The framework tells an agent when it begins and ends, and nobody when a run is over: within a loop, and where it is handed back to, an agent begins
//! again in the same run. So what a run counts is kept beyond its agents, up to a number of runs, and a run that was forgotten is not taken for a new one.

use std::collections::hash_map::{Entry, RandomState};
use std::collections::{HashMap, HashSet};
use std::hash::BuildHasher as _;
use std::sync::{Arc, Mutex};

use hexgate_base::guarded::locked;
use hexgate_gate::{Counts, Gate};

/// Runs that are kept while no agent is at work in them. When there are more, the one that waited longest is forgotten.
const MOST: usize = 4096;
/// Forgotten runs that are known to be no new ones: at least so many. Nine bytes each.
const MOST_FORGOTTEN: usize = 1 << 19;

/// All tools of an agent count together, wherever they were wrapped.
static RUNS: Mutex<Option<Runs>> = Mutex::new(None);

tokio::task_local! {
    /// The run in which a gated agent is at work.
    static CURRENT: Result<Arc<Run>, Forgotten>;
}

/// The part of one agent in a run.
#[derive(Debug)]
pub(crate) struct Run {
    pub(crate) counts: Counts,
    /// Calls whose confirmation was given to the run, and was used.
    confirmed: Mutex<HashSet<String>>,
}

/// What the run counted is forgotten, so nothing can be permitted in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Forgotten;

impl Forgotten {
    /// For the operator.
    pub(crate) const REASON: &str = "the run waited while too many others began, and what it counted is forgotten: begin it anew";
}

impl Run {
    /// Uses the confirmation of a call that was given to the run. Whether it was not used yet.
    pub(crate) fn confirms(&self, call: &str) -> bool {
        locked(&self.confirmed).insert(call.to_owned())
    }
}

/// The part of an agent in the run of this root invocation. An invocation is of one agent: where an agent hands off, the next one begins another
/// invocation of the same root.
pub(crate) fn of(gate: &Gate, root: &str) -> Result<Arc<Run>, Forgotten> {
    let mut runs = locked(&RUNS);
    runs.get_or_insert_with(|| Runs::new(MOST, MOST_FORGOTTEN))
        .of(gate.enforcer().agent(), root)
}

/// Works in this run, in which [`current`] is its part.
pub(crate) fn within<T>(run: &Result<Arc<Run>, Forgotten>, work: impl FnOnce() -> T) -> T {
    CURRENT.sync_scope(run.clone(), work)
}

/// The run in which the gated agent is at work that works here.
pub(crate) fn current() -> Result<Arc<Run>, Forgotten> {
    CURRENT.try_with(Clone::clone).unwrap_or(Err(Forgotten))
}

struct Runs {
    most: usize,
    most_forgotten: usize,
    next: u64,
    /// By agent and root invocation.
    kept: HashMap<(String, String), Kept>,
    /// Hashes of the runs that were forgotten: of the latest, and of those before them.
    forgotten: [HashSet<u64>; 2],
    hasher: RandomState,
}

struct Kept {
    used: u64,
    run: Arc<Run>,
}

impl Kept {
    /// Whether no agent and no call is at work in it. Only this table makes others out of it.
    fn waits(&self) -> bool {
        Arc::strong_count(&self.run) == 1
    }
}

impl Runs {
    fn new(most: usize, most_forgotten: usize) -> Self {
        Self {
            most,
            most_forgotten,
            next: 0,
            kept: HashMap::new(),
            forgotten: Default::default(),
            hasher: RandomState::new(),
        }
    }

    fn of(&mut self, agent: &str, root: &str) -> Result<Arc<Run>, Forgotten> {
        let key = (agent.to_owned(), root.to_owned());
        if !self.kept.contains_key(&key) {
            let hash = self.hasher.hash_one(&key);
            if self.forgotten.iter().any(|it| it.contains(&hash)) {
                return Err(Forgotten);
            }
            if self.kept.len() >= self.most {
                self.forget();
            }
        }
        self.next += 1;
        let kept = match self.kept.entry(key) {
            Entry::Occupied(kept) => kept.into_mut(),
            Entry::Vacant(new) => new.insert(Kept {
                used: 0,
                run: Arc::new(Run {
                    counts: Counts::new(root),
                    confirmed: Mutex::default(),
                }),
            }),
        };
        kept.used = self.next;
        Ok(Arc::clone(&kept.run))
    }

    /// Forgets the run that waited longest, if any waits.
    fn forget(&mut self) {
        let waiting = self.kept.iter().filter(|(_, kept)| kept.waits());
        let longest = waiting.min_by_key(|(_, kept)| kept.used);
        let Some(key) = longest.map(|(key, _)| key.clone()) else {
            return;
        };
        self.kept.remove(&key);
        let [latest, before] = &mut self.forgotten;
        if latest.len() >= self.most_forgotten {
            *before = std::mem::take(latest);
        }
        latest.insert(self.hasher.hash_one(&key));
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a panic is how a test fails")]
mod tests {
    use super::*;

    #[test]
    fn a_forgotten_run_is_not_taken_for_a_new_one() {
        let mut runs = Runs::new(2, 2);
        assert!(runs.of("desk", "0").unwrap().confirms("call"));
        assert!(!runs.of("desk", "0").unwrap().confirms("call"));
        for other in 1..=3 {
            runs.of("desk", &other.to_string()).unwrap();
        }
        assert_eq!(runs.kept.len(), 2);
        for forgotten in ["0", "1"] {
            assert_eq!(runs.of("desk", forgotten).unwrap_err(), Forgotten);
        }
        // Another agent's part in the run is another one.
        assert!(runs.of("other", "0").is_ok());
    }

    #[test]
    fn a_run_in_which_something_is_at_work_is_not_forgotten() {
        let mut runs = Runs::new(2, 2);
        let at_work: Vec<_> = (0..5)
            .map(|root| runs.of("desk", &root.to_string()).unwrap())
            .collect();
        for root in 0..5 {
            assert!(runs.of("desk", &root.to_string()).is_ok());
        }
        drop(at_work);
        runs.of("desk", "5").unwrap();
        assert_eq!(runs.of("desk", "0").unwrap_err(), Forgotten);
    }

    #[test]
    fn the_latest_of_the_forgotten_runs_are_known() {
        let mut runs = Runs::new(1, 3);
        for root in 0..20 {
            runs.of("desk", &root.to_string()).unwrap();
        }
        for latest in 16..19 {
            assert!(runs.of("desk", &latest.to_string()).is_err());
        }
        assert!(runs.forgotten.iter().all(|it| it.len() <= 3));
    }
}
