//! A call, as a policy sees it.

use hexgate_contract::Request;
use hexgate_eval::Tree;

use crate::Value;

/// A proposed tool call.
#[derive(Debug, Clone, Copy)]
pub struct Call<'a> {
    roles: &'a [&'a str],
    tool: &'a str,
    arguments: Tree<'a>,
    facts: Option<Tree<'a>>,
}

/// One of the caller's roles.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Role<'a> {
    pub(crate) index: u32,
    name: &'a str,
}

impl<'a> Role<'a> {
    /// Its name.
    pub fn name(&self) -> &'a str {
        self.name
    }
}

impl<'a> Call<'a> {
    pub(crate) fn new(request: &Request<'a>, arguments: Tree<'a>, facts: Option<Tree<'a>>) -> Self {
        Self {
            roles: request.roles,
            tool: request.tool,
            arguments,
            facts,
        }
    }

    /// The tool's exact name.
    pub fn tool(&self) -> &'a str {
        self.tool
    }

    /// The caller's roles, in the caller's order. There may be none, and the same may stand twice.
    pub fn roles(&self) -> impl ExactSizeIterator<Item = Role<'a>> + Clone + use<'a> {
        // There are at most 32.
        (0u32..)
            .zip(self.roles)
            .map(|(index, name)| Role { index, name })
            .collect::<alloc::vec::Vec<_>>()
            .into_iter()
    }

    /// The caller's role of that name. None: the caller does not have it.
    pub fn role(&self, name: &str) -> Option<Role<'a>> {
        self.roles().find(|role| role.name == name)
    }

    /// All arguments: an object.
    pub fn args(&self) -> Value<'a> {
        Value::root(self.arguments, "args")
    }

    /// The argument of that name, or the absence of one.
    pub fn arg(&self, name: &'a str) -> Value<'a> {
        self.args().get(name)
    }

    /// What the host says about the caller: the facts' member `user`.
    pub fn user(&self) -> Value<'a> {
        self.fact("user")
    }

    /// What the host says about the circumstances: the facts' member `ctx`.
    pub fn ctx(&self) -> Value<'a> {
        self.fact("ctx")
    }

    /// What the host says about the agent's run: the facts' member `run`.
    pub fn run(&self) -> Value<'a> {
        self.fact("run")
    }

    /// What the host has counted of the agent: the facts' member `usage`, such as `tool_calls_24h`.
    pub fn usage(&self) -> Value<'a> {
        self.fact("usage")
    }

    /// What the host has counted of the user: the facts' member `user_usage`.
    pub fn user_usage(&self) -> Value<'a> {
        self.fact("user_usage")
    }

    /// What the user's own words name: the facts' member `said`, with a list for each kind, such as `emails`.
    pub fn said(&self) -> Value<'a> {
        self.fact("said")
    }

    fn fact(&self, name: &'static str) -> Value<'a> {
        match self.facts {
            Some(facts) => Value::root(facts, "facts").get(name),
            None => Value::absent(name),
        }
    }
}
