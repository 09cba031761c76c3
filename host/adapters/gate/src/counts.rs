//! What a run counts: the facts `run.*` of a policy.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Instant;

use hexgate_base::guarded::locked;
use serde::Serialize;
use serde_json::value::RawValue;

/// The counts of one run. Cloning gives the same ones.
///
/// A call is counted when it is permitted, before it runs, and calls are decided one after the other, so that calls side by side cannot pass a limit
/// together. Frameworks do not tell tokens: what a policy says of them does not hold.
#[derive(Debug, Clone)]
pub struct Counts(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    id: String,
    began: Instant,
    totals: Mutex<Totals>,
    /// Whose turn it is to be decided.
    turn: tokio::sync::Mutex<()>,
}

#[derive(Debug, Default)]
struct Totals {
    tool_calls: u64,
    by_tool: BTreeMap<String, u64>,
    denials: u64,
    approvals: u64,
    errors: u64,
}

/// The facts, by the names that policies know.
#[derive(Serialize)]
struct Facts<'a> {
    id: &'a str,
    agent: &'a str,
    elapsed_seconds: f64,
    tool_calls: u64,
    calls_of_this_tool: u64,
    denials: u64,
    approvals: u64,
    errors: u64,
    tools_used: Vec<&'a str>,
}

impl Counts {
    /// The counts of a run that begins, by the framework's name for it.
    pub fn new(run: impl Into<String>) -> Self {
        Self(Arc::new(Inner {
            id: run.into(),
            began: Instant::now(),
            totals: Mutex::default(),
            turn: tokio::sync::Mutex::new(()),
        }))
    }

    /// Waits until the calls before this one are decided.
    pub(crate) async fn turn(&self) -> tokio::sync::MutexGuard<'_, ()> {
        self.0.turn.lock().await
    }

    pub(crate) fn permitted(&self, tool: &str) {
        let mut totals = locked(&self.0.totals);
        totals.tool_calls += 1;
        *totals.by_tool.entry(tool.to_owned()).or_default() += 1;
    }

    pub(crate) fn denied(&self) {
        locked(&self.0.totals).denials += 1;
    }

    pub(crate) fn needed_approval(&self) {
        locked(&self.0.totals).approvals += 1;
    }

    pub(crate) fn failed(&self) {
        locked(&self.0.totals).errors += 1;
    }

    /// What a policy that decides about this tool sees of the run.
    pub(crate) fn facts(&self, agent: &str, tool: &str) -> Option<Box<RawValue>> {
        let totals = locked(&self.0.totals);
        let facts = Facts {
            id: &self.0.id,
            agent,
            // To the millisecond: policies compare decimals.
            elapsed_seconds: (self.0.began.elapsed().as_secs_f64() * 1000.0).round() / 1000.0,
            tool_calls: totals.tool_calls,
            calls_of_this_tool: totals.by_tool.get(tool).copied().unwrap_or_default(),
            denials: totals.denials,
            approvals: totals.approvals,
            errors: totals.errors,
            tools_used: totals.by_tool.keys().map(String::as_str).collect(),
        };
        // INVARIANT: numbers and texts in a struct serialise.
        serde_json::value::to_raw_value(&facts).ok()
    }
}
