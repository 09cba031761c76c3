//! What another policy changes: how many calls, whose, and which.

use std::collections::BTreeMap;

use hexgate_contract::Effect;
use serde::{Serialize, Serializer};

use crate::{entry::Decision, outcome::Outcome};

/// What another policy changes.
#[derive(Debug, Default, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Changes {
    /// Calls with the same effect as before.
    pub same: u64,
    /// Calls that may do more than before: a denial that becomes an approval or a permission, an approval that becomes a permission.
    pub win: u64,
    /// Calls that may do less than before.
    pub lose: u64,
    /// How many, by what becomes of what.
    pub effects: Vec<(Change, u64)>,
    /// By tool.
    pub tools: Tally,
    /// By the caller's user id.
    pub callers: Tally,
    /// By the caller's roles.
    pub roles: Tally,
    /// The first calls for each tool and change.
    pub examples: Vec<Example>,
}

/// What becomes of what.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Change {
    /// What the log says.
    #[serde(serialize_with = "as_str")]
    pub from: Effect,
    /// What it would be.
    #[serde(serialize_with = "as_str")]
    pub to: Effect,
}

fn as_str<S: Serializer>(effect: &Effect, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(effect.as_str())
}

impl Change {
    /// Whether the call may do more than before.
    #[must_use]
    pub fn is_win(&self) -> bool {
        self.to > self.from
    }
}

/// Calls that win and lose, by a name.
#[derive(Debug, Default, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Tally {
    /// Wins and losses for each name.
    pub by_name: BTreeMap<String, (u64, u64)>,
    /// Wins and losses of names beyond the first ten thousand.
    pub others: (u64, u64),
}

impl Tally {
    fn add(&mut self, name: &str, is_win: bool) {
        let is_known = self.by_name.contains_key(name) || self.by_name.len() < NAMES;
        let counts = if is_known {
            self.by_name.entry(name.to_owned()).or_default()
        } else {
            &mut self.others
        };
        if is_win {
            counts.0 += 1;
        } else {
            counts.1 += 1;
        }
    }

    /// The names with the most changes first, at most `most`.
    #[must_use]
    pub fn top(&self, most: usize) -> Vec<(&str, u64, u64)> {
        let mut rows: Vec<_> = self
            .by_name
            .iter()
            .map(|(name, (win, lose))| (name.as_str(), *win, *lose))
            .collect();
        rows.sort_by_key(|(name, win, lose)| (std::cmp::Reverse(win + lose), *name));
        rows.truncate(most);
        rows
    }
}

/// A call that comes out otherwise.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Example {
    /// The record.
    pub n: u64,
    /// When it was decided.
    pub at: String,
    /// The caller's user id.
    pub user: Option<String>,
    /// The caller's roles.
    pub roles: Vec<String>,
    /// The tool.
    pub tool: String,
    /// The arguments as the log has them.
    pub arguments: Option<String>,
    /// What becomes of what.
    pub change: Change,
    /// What the log says.
    pub recorded: Outcome,
    /// What it would be.
    pub candidate: Outcome,
}

/// As many names as are told apart.
const NAMES: usize = 10_000;
/// Examples for each tool and change.
const EXAMPLES: usize = 3;
/// Examples in all.
const MOST_EXAMPLES: usize = 300;

impl Changes {
    /// Counts a call.
    pub(super) fn add(&mut self, n: u64, decision: &Decision, candidate: &Outcome) {
        let change = Change {
            from: decision.verdict.effect(),
            to: candidate.effect(),
        };
        match self.effects.binary_search_by_key(&change, |(key, _)| *key) {
            Ok(at) => {
                if let Some((_, count)) = self.effects.get_mut(at) {
                    *count += 1;
                }
            }
            Err(at) => self.effects.insert(at, (change, 1)),
        }
        if change.from == change.to {
            self.same += 1;
            return;
        }
        let is_win = change.is_win();
        if is_win {
            self.win += 1;
        } else {
            self.lose += 1;
        }
        self.tools.add(&decision.tool, is_win);
        self.callers
            .add(decision.user.as_deref().unwrap_or("(none)"), is_win);
        self.roles.add(&decision.roles.join(", "), is_win);
        let alike = self
            .examples
            .iter()
            .filter(|example| example.tool == decision.tool && example.change == change)
            .take(EXAMPLES)
            .count();
        if alike < EXAMPLES && self.examples.len() < MOST_EXAMPLES {
            self.examples.push(Example {
                n,
                at: decision.at.clone(),
                user: decision.user.clone(),
                roles: decision.roles.clone(),
                tool: decision.tool.clone(),
                arguments: decision.arguments.clone(),
                change,
                recorded: decision.verdict.clone(),
                candidate: candidate.clone(),
            });
        }
    }
}
