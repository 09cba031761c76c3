//! The agents that every program has.

use crate::definition::{Definition, Refused};

/// An agent that is part of this crate.
#[derive(Debug)]
pub(super) struct BuiltIn {
    pub(super) name: &'static str,
    /// How its file and its policy are named in messages.
    file: &'static str,
    definition: &'static str,
    prompt: &'static str,
    pub(super) policy_file: &'static str,
    pub(super) policy: &'static str,
}

/// All of them.
pub(super) const ALL: &[BuiltIn] = &[BuiltIn {
    name: "researcher",
    file: "(built in) researcher/agent.yaml",
    definition: include_str!("researcher/agent.yaml"),
    prompt: include_str!("researcher/system.md"),
    policy_file: "(built in) researcher/policy.yaml",
    policy: include_str!("researcher/policy.yaml"),
}];

impl BuiltIn {
    pub(super) fn definition(&self) -> Result<Definition, Refused> {
        Definition::built_in(self.file, self.definition, self.prompt.trim_end())
    }
}
