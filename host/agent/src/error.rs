//! Why an agent cannot be built.

use crate::schema::SchemaError;

/// Why an agent cannot be built. Each error names the place and the remedy.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum BuildError {
    /// The agent's name cannot be one.
    #[error("`{}` cannot be the name of an agent: {reason}", name.escape_debug())]
    Name {
        /// The name.
        name: String,
        /// Why.
        reason: String,
    },
    /// There is no model.
    #[error("the agent `{agent}` has no model; give it one with `.model(…)`")]
    NoModel {
        /// The agent.
        agent: String,
    },
    /// The enforcer decides for another agent: its policy, bans and records would be another's.
    #[error(
        "the enforcer decides for the agent `{}`, and this is `{agent}`; build an enforcer for this name",
        of.escape_debug()
    )]
    OtherEnforcer {
        /// The agent.
        agent: String,
        /// The agent of the enforcer.
        of: String,
    },
    /// A tool's name cannot be one.
    #[error("the agent `{agent}` has a tool with the name `{}`: {reason}", tool.escape_debug())]
    ToolName {
        /// The agent.
        agent: String,
        /// The name.
        tool: String,
        /// Why.
        reason: String,
    },
    /// Two tools have the same name. Models and policies could not tell them apart.
    #[error(
        "the agent `{agent}` has two tools with the name `{tool}`; remove or rename one of them"
    )]
    Twice {
        /// The agent.
        agent: String,
        /// The name.
        tool: String,
    },
    /// The schema of a tool's arguments is none.
    #[error(
        "the tool `{tool}` of the agent `{agent}` has no usable schema of its arguments: {source}"
    )]
    Schema {
        /// The agent.
        agent: String,
        /// The tool.
        tool: String,
        /// What is wrong with it.
        source: SchemaError,
    },
    /// A limit permits nothing.
    #[error(
        "the limit `{limit}` of the agent `{agent}` is zero, so that no run could do anything; raise it"
    )]
    Limit {
        /// The agent.
        agent: String,
        /// The limit.
        limit: &'static str,
    },
    /// The secret scrubber cannot be made.
    #[error("the guard against secrets cannot be made: {reason}")]
    Guard {
        /// Why.
        reason: String,
    },
}
