//! How much a run may take.

use std::time::Duration;

/// How much a run may take. What is reached ends the run, or the call, by that name.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Limits {
    /// Answers of the model in one run. Default: 50.
    pub turns: u32,
    /// Tokens of a run and of the runs below it, as far as providers tell them. Looked at before each request. Default: none.
    pub tokens: Option<u64>,
    /// Time for a run and the runs below it, waiting for approval included. Default: one hour.
    pub time: Duration,
    /// Time for one call of a tool. Sub-agents have the time of the run. A tool that blocks its thread cannot be stopped:
    /// functions that are not `async` run on a thread of their own, whose answer nobody reads when the time is over; what a tool does itself
    /// without waiting belongs on one too. Default: ten minutes.
    pub tool_time: Duration,
    /// How deep runs may be below the outermost one, by sub-agents and handoffs. The outermost agent's counts. Default: 4.
    pub depth: u32,
    /// Calls that run side by side, of tools that may. Default: 8.
    pub concurrent_calls: usize,
    /// Calls that a model may propose in one answer. Default: 64.
    pub calls_per_turn: usize,
    /// The length of a model's answer in bytes, calls included. Default: 4 MiB.
    pub answer_bytes: usize,
    /// The length of a result that the model reads, in bytes. The rest is cut, and the model is told. Default: 256 KiB.
    pub result_bytes: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            turns: 50,
            tokens: None,
            time: Duration::from_secs(3600),
            tool_time: Duration::from_secs(600),
            depth: 4,
            concurrent_calls: 8,
            calls_per_turn: 64,
            answer_bytes: 4 << 20,
            result_bytes: 256 << 10,
        }
    }
}

impl Limits {
    /// Sets [`turns`](Self::turns).
    #[must_use]
    pub fn turns(mut self, turns: u32) -> Self {
        self.turns = turns;
        self
    }

    /// Sets [`tokens`](Self::tokens).
    #[must_use]
    pub fn tokens(mut self, tokens: u64) -> Self {
        self.tokens = Some(tokens);
        self
    }

    /// Sets [`time`](Self::time).
    #[must_use]
    pub fn time(mut self, time: Duration) -> Self {
        self.time = time;
        self
    }

    /// Sets [`tool_time`](Self::tool_time).
    #[must_use]
    pub fn tool_time(mut self, time: Duration) -> Self {
        self.tool_time = time;
        self
    }

    /// Sets [`depth`](Self::depth). Zero: no sub-agent runs.
    #[must_use]
    pub fn depth(mut self, depth: u32) -> Self {
        self.depth = depth;
        self
    }

    /// Sets [`concurrent_calls`](Self::concurrent_calls).
    #[must_use]
    pub fn concurrent_calls(mut self, calls: usize) -> Self {
        self.concurrent_calls = calls;
        self
    }

    /// Sets [`calls_per_turn`](Self::calls_per_turn).
    #[must_use]
    pub fn calls_per_turn(mut self, calls: usize) -> Self {
        self.calls_per_turn = calls;
        self
    }

    /// Sets [`answer_bytes`](Self::answer_bytes).
    #[must_use]
    pub fn answer_bytes(mut self, bytes: usize) -> Self {
        self.answer_bytes = bytes;
        self
    }

    /// Sets [`result_bytes`](Self::result_bytes).
    #[must_use]
    pub fn result_bytes(mut self, bytes: usize) -> Self {
        self.result_bytes = bytes;
        self
    }

    /// The name of a limit that permits nothing at all, if there is one.
    pub(crate) fn zero(&self) -> Option<&'static str> {
        [
            ("turns", self.turns == 0),
            ("tokens", self.tokens == Some(0)),
            ("time", self.time.is_zero()),
            ("tool_time", self.tool_time.is_zero()),
            ("concurrent_calls", self.concurrent_calls == 0),
            ("calls_per_turn", self.calls_per_turn == 0),
            ("answer_bytes", self.answer_bytes == 0),
            ("result_bytes", self.result_bytes == 0),
        ]
        .into_iter()
        .find_map(|(name, is_zero)| is_zero.then_some(name))
    }
}
