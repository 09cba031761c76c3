//! What a run counts: the facts `run.*` of a policy.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use hexgate_base::guarded::locked;
use serde::Serialize;
use serde_json::value::RawValue;
use tokio::time::Instant;

use crate::model::Usage;

/// The counts of one run. A call is counted before it runs, so that calls side by side cannot pass a limit together.
pub(super) struct Counts {
    began: Instant,
    /// The run around this one: its tokens are those of the runs below it, too.
    above: Option<Arc<Counts>>,
    /// The most tokens. None: there is no limit.
    most_tokens: Option<u64>,
    totals: Mutex<Totals>,
}

#[derive(Debug, Clone, Default)]
pub(super) struct Totals {
    pub(super) tool_calls: u64,
    /// How often each tool was called.
    by_tool: BTreeMap<String, u64>,
    /// Parts of calls that are being decided, by the tool. Each counts as a call until it is denied.
    undecided: BTreeMap<String, u64>,
    pub(super) denials: u64,
    approvals: u64,
    errors: u64,
    llm_calls: u64,
    input_tokens: u64,
    output_tokens: u64,
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
    llm_calls: u64,
    input_tokens: u64,
    output_tokens: u64,
    total_tokens: u64,
    tools_used: Vec<&'a str>,
}

impl Counts {
    pub(super) fn below(
        began: Instant,
        above: Option<&Arc<Self>>,
        most_tokens: Option<u64>,
    ) -> Arc<Self> {
        Arc::new(Self {
            began,
            above: above.cloned(),
            most_tokens,
            totals: Mutex::default(),
        })
    }

    /// A call of this tool will run.
    pub(super) fn reserve(&self, tool: &str) {
        locked(&self.totals).reserve(tool);
    }

    /// A part of a call is about to be decided, side by side with others: it is counted now, and its facts are what was counted before it.
    pub(super) fn begin_part(&self, id: &str, agent: &str, tool: &str) -> Option<Box<RawValue>> {
        let mut totals = locked(&self.totals);
        let facts = self.facts_of(&totals, id, agent, tool);
        *totals.undecided.entry(tool.to_owned()).or_default() += 1;
        facts
    }

    /// A part of a call is no longer being decided.
    pub(super) fn end_part(&self, tool: &str, is_allowed: bool) {
        let mut totals = locked(&self.totals);
        if let Some(count) = totals.undecided.get_mut(tool) {
            *count = count.saturating_sub(1);
            if *count == 0 {
                totals.undecided.remove(tool);
            }
        }
        if is_allowed {
            totals.reserve(tool);
        }
    }

    /// A call was denied.
    pub(super) fn denied(&self) {
        locked(&self.totals).denials += 1;
    }

    /// A call needed approval.
    pub(super) fn needed_approval(&self) {
        locked(&self.totals).approvals += 1;
    }

    /// A call failed.
    pub(super) fn failed(&self) {
        locked(&self.totals).errors += 1;
    }

    /// A model is asked.
    pub(super) fn asked(&self) {
        locked(&self.totals).llm_calls += 1;
    }

    /// A model took tokens.
    pub(super) fn took(&self, usage: Usage) {
        let mut counts = Some(self);
        while let Some(this) = counts {
            let mut totals = locked(&this.totals);
            totals.input_tokens = totals.input_tokens.saturating_add(usage.input_tokens);
            totals.output_tokens = totals.output_tokens.saturating_add(usage.output_tokens);
            drop(totals);
            counts = this.above.as_deref();
        }
    }

    /// The limit of tokens that is reached: of this run, or of one around it, whose tokens a run below must not take either.
    pub(super) fn spent(&self) -> Option<u64> {
        let mut counts = Some(self);
        while let Some(this) = counts {
            if let Some(most) = this.most_tokens
                && locked(&this.totals).tokens() >= most
            {
                return Some(most);
            }
            counts = this.above.as_deref();
        }
        None
    }

    pub(super) fn elapsed(&self) -> Duration {
        self.began.elapsed()
    }

    pub(super) fn totals(&self) -> Totals {
        locked(&self.totals).clone()
    }

    /// What a policy that decides about this tool sees of the run.
    pub(super) fn facts(&self, id: &str, agent: &str, tool: &str) -> Option<Box<RawValue>> {
        self.facts_of(&locked(&self.totals), id, agent, tool)
    }

    fn facts_of(
        &self,
        totals: &Totals,
        id: &str,
        agent: &str,
        tool: &str,
    ) -> Option<Box<RawValue>> {
        let undecided = |tool| totals.undecided.get(tool).copied().unwrap_or_default();
        let called = totals.by_tool.get(tool).copied().unwrap_or_default();
        let facts = Facts {
            id,
            agent,
            // To the millisecond: policies compare decimals.
            elapsed_seconds: (self.began.elapsed().as_secs_f64() * 1000.0).round() / 1000.0,
            tool_calls: totals.tool_calls + totals.undecided.values().sum::<u64>(),
            calls_of_this_tool: called + undecided(tool),
            denials: totals.denials,
            approvals: totals.approvals,
            errors: totals.errors,
            llm_calls: totals.llm_calls,
            input_tokens: totals.input_tokens,
            output_tokens: totals.output_tokens,
            total_tokens: totals.tokens(),
            tools_used: totals.by_tool.keys().map(String::as_str).collect(),
        };
        // INVARIANT: numbers and texts in a struct serialise.
        serde_json::value::to_raw_value(&facts).ok()
    }
}

impl Totals {
    fn reserve(&mut self, tool: &str) {
        self.tool_calls += 1;
        *self.by_tool.entry(tool.to_owned()).or_default() += 1;
    }

    pub(super) fn tokens(&self) -> u64 {
        self.input_tokens.saturating_add(self.output_tokens)
    }

    pub(super) fn usage(&self) -> Usage {
        Usage {
            input_tokens: self.input_tokens,
            output_tokens: self.output_tokens,
        }
    }
}
