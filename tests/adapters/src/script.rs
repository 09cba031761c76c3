//! What a model proposes, turn by turn.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

use crate::gate::Gates;
use crate::scenario::TurnSpec;

/// What a model proposes. Cloning gives the same one: each turn is played once.
#[derive(Debug, Clone)]
pub struct Script(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    agent: String,
    gates: Arc<Gates>,
    turns: Mutex<VecDeque<TurnSpec>>,
}

impl Script {
    pub(crate) fn new(agent: &str, gates: &Arc<Gates>, turns: Vec<TurnSpec>) -> Self {
        Self(Arc::new(Inner {
            agent: agent.to_owned(),
            gates: Arc::clone(gates),
            turns: Mutex::new(turns.into()),
        }))
    }

    /// The tools that come into being before the next turn. To be added before [`next`](Self::next).
    #[must_use]
    pub fn adds(&self) -> Vec<String> {
        let turns = self.0.turns.lock().unwrap_or_else(PoisonError::into_inner);
        turns
            .front()
            .map_or_else(Vec::new, |turn| turn.adds.clone())
    }

    /// The next turn, after what changes before it. None: the model says `Done.` and proposes nothing any more.
    #[must_use]
    #[allow(
        clippy::should_implement_trait,
        reason = "it is shared, and no iterator"
    )]
    pub fn next(&self) -> Option<TurnSpec> {
        let turn = {
            let mut turns = self.0.turns.lock().unwrap_or_else(PoisonError::into_inner);
            turns.pop_front()
        }?;
        if let Some(change) = &turn.before {
            self.0.gates.change(&self.0.agent, change);
        }
        Some(turn)
    }
}
