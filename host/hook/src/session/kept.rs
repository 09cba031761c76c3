//! The content of a conversation's file.

use std::collections::{BTreeMap, BTreeSet};

use hexgate_said::{KIND_BYTES, KIND_ITEMS, Kind, Said};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::agent::Agent;
use crate::json::{quoted, raw};

/// The version of the file.
const VERSION: u32 = 1;
/// The most different tools that are counted.
const MOST_TOOLS: usize = 1_000;

/// The most calls whose end is waited for.
const MOST_RUNNING: usize = 200;

/// What is kept of a conversation.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Kept {
    version: u32,
    agent: String,
    /// The conversation's id as the agent says it.
    id: String,
    /// When the first event came, in seconds since 1970.
    began: u64,
    /// The folder in which the conversation began.
    pub(crate) workspace: Option<String>,
    /// What the user's own words name, by kind. None: the user was not heard.
    said: Option<BTreeMap<String, BTreeSet<String>>>,
    counts: Counts,
    /// Calls that may run and whose end was not told, where ends are recorded.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    running: Vec<Running>,
}

/// A call that may run.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Running {
    /// What tells it from others.
    pub(crate) key: String,
    /// The decision in the log.
    pub(crate) decision: String,
    /// The tool, as policies name it.
    pub(crate) tool: String,
    /// When it was decided, in milliseconds since 1970.
    pub(crate) at: u64,
}

#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Counts {
    tool_calls: u64,
    denials: u64,
    approvals: u64,
    by_tool: BTreeMap<String, u64>,
}

/// The facts `run` that a hook can tell.
#[derive(Serialize)]
struct Facts<'a> {
    id: &'a str,
    agent: &'a str,
    elapsed_seconds: u64,
    tool_calls: u64,
    calls_of_this_tool: u64,
    denials: u64,
    approvals: u64,
    tools_used: Vec<&'a str>,
}

impl Kept {
    pub(super) fn new(agent: Agent, id: &str, now: u64) -> Self {
        Self {
            version: VERSION,
            agent: agent.name().to_owned(),
            id: id.to_owned(),
            began: now,
            workspace: None,
            said: None,
            counts: Counts::default(),
            running: Vec::new(),
        }
    }

    pub(super) fn read(bytes: &[u8], agent: Agent, id: &str) -> Result<Self, String> {
        let kept: Self = serde_json::from_slice(bytes)
            .map_err(|error| format!("is damaged or of another version: {error}"))?;
        if kept.version != VERSION {
            return Err(format!("is of version {}", kept.version));
        }
        if kept.agent != agent.name() || kept.id != id {
            return Err("is of another conversation".to_owned());
        }
        Ok(kept)
    }

    pub(super) fn to_bytes(&self) -> Result<Vec<u8>, String> {
        serde_json::to_vec(self).map_err(|error| format!("cannot be written: {error}"))
    }

    /// The user said this.
    pub(crate) fn hear(&mut self, prompt: &str) {
        let heard = Said::of([prompt]);
        let said = self.said.get_or_insert_default();
        for kind in Kind::ALL {
            let known = said.entry(kind.name().to_owned()).or_default();
            let mut bytes: usize = known.iter().map(String::len).sum();
            // What is past the bounds is not taken: fewer calls pass.
            for item in heard.items(kind) {
                let more = bytes.saturating_add(item.len());
                if known.len() < KIND_ITEMS && more <= KIND_BYTES && known.insert(item.to_owned()) {
                    bytes = more;
                }
            }
        }
    }

    /// The facts `said`. None: the user was not heard.
    pub(crate) fn said(&self) -> Option<Box<RawValue>> {
        let said = self.said.as_ref()?;
        let lists: Vec<String> = Kind::ALL
            .into_iter()
            .map(|kind| {
                let items = said.get(kind.name()).into_iter().flatten();
                let items: Vec<String> = match kind {
                    // A number, as it is. Where something else stands the facts are left out, and no condition on them holds.
                    Kind::Numbers => items.cloned().collect(),
                    _ => items.map(|item| quoted(item)).collect(),
                };
                format!("{}:[{}]", quoted(kind.name()), items.join(","))
            })
            .collect();
        RawValue::from_string(format!("{{{}}}", lists.join(","))).ok()
    }

    /// The facts `run` for a call of this tool: what was before it.
    pub(crate) fn run(&self, agent: &str, tool: &str, now: u64) -> Option<Box<RawValue>> {
        raw(&Facts {
            id: &self.id,
            agent,
            elapsed_seconds: now.saturating_sub(self.began),
            tool_calls: self.counts.tool_calls,
            calls_of_this_tool: self.counts.by_tool.get(tool).copied().unwrap_or_default(),
            denials: self.counts.denials,
            approvals: self.counts.approvals,
            tools_used: self.counts.by_tool.keys().map(String::as_str).collect(),
        })
    }

    /// A call of this tool may run now. False: there are too many different tools to count.
    #[must_use]
    pub(crate) fn reserve(&mut self, tool: &str) -> bool {
        let counts = &mut self.counts;
        if counts.by_tool.len() >= MOST_TOOLS && !counts.by_tool.contains_key(tool) {
            return false;
        }
        counts.tool_calls = counts.tool_calls.saturating_add(1);
        let own = counts.by_tool.entry(tool.to_owned()).or_default();
        *own = own.saturating_add(1);
        true
    }

    /// A call may run. The oldest is forgotten where too many do.
    pub(crate) fn runs(&mut self, running: Running) {
        if self.running.len() >= MOST_RUNNING {
            self.running.remove(0);
        }
        self.running.push(running);
    }

    /// A call ended: the oldest of those that cannot be told apart.
    pub(crate) fn ended(&mut self, key: &str) -> Option<Running> {
        let at = self.running.iter().position(|it| it.key == key)?;
        Some(self.running.remove(at))
    }

    /// A call was denied.
    pub(crate) fn denied(&mut self) {
        self.counts.denials = self.counts.denials.saturating_add(1);
    }

    /// A person is asked about a call.
    pub(crate) fn needed_approval(&mut self) {
        self.counts.approvals = self.counts.approvals.saturating_add(1);
    }
}
