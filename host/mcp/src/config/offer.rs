//! What is passed on beside tools.

use serde::Deserialize;

/// What is passed on beside tools. Each is refused unless it is named.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
#[non_exhaustive]
pub struct Offer {
    /// Listing and reading prompts, as `mcp-SERVER.prompt`.
    pub prompts: Passing,
    /// Listing and reading resources and their templates, as `mcp-SERVER.resource`.
    pub resources: Passing,
    /// Completing arguments, as `mcp-SERVER.completion`.
    pub completions: Passing,
    /// Hearing when resources change, as `mcp-SERVER.subscription`.
    pub subscriptions: Passing,
    /// What servers log while they run a request, to the client that made it.
    pub logs: Passing,
    /// Servers that ask for an answer of the client's model, while they run a request.
    pub sampling: Passing,
    /// Servers that ask the user, while they run a request.
    pub elicitation: Passing,
    /// Servers that ask which folders the client works in, while they run a request.
    pub roots: Passing,
    /// Calls that go on after their answer.
    pub tasks: Passing,
}

/// Whether something is passed on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Passing {
    /// It is refused.
    #[default]
    Refuse,
    /// It is passed on, if the policy allows it.
    Pass,
}

impl Passing {
    /// Whether it is passed on.
    #[must_use]
    pub fn is_pass(self) -> bool {
        self == Self::Pass
    }
}
