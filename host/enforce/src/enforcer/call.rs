//! A proposed call.

use std::error::Error;

use serde_json::value::RawValue;

use crate::caller::Caller;
use crate::decision::Arguments;
use crate::facts::CallFacts;
use crate::scope::{self, NoScope};

/// One proposed call.
#[derive(Debug, Clone)]
#[must_use = "a call is decided by an enforcer"]
pub struct Call {
    pub(super) caller: Result<Caller, NoCaller>,
    pub(super) tool: String,
    pub(super) arguments: Arguments,
    pub(super) facts: CallFacts,
}

/// Why a call has no caller.
#[derive(Debug, Clone)]
pub(super) enum NoCaller {
    Scope(NoScope),
    /// The token that came with the call was refused, for this reason.
    Token(String),
}

impl Call {
    /// A call on behalf of this caller. The arguments are a JSON object, as text or as a value.
    pub fn of(caller: &Caller, tool: impl Into<String>, arguments: impl Into<Arguments>) -> Self {
        Self::new(Ok(caller.clone()), tool, arguments)
    }

    /// A call on behalf of the caller [in scope](crate::scope) here. Without one it is denied.
    pub fn in_scope(tool: impl Into<String>, arguments: impl Into<Arguments>) -> Self {
        Self::new(scope::current().map_err(NoCaller::Scope), tool, arguments)
    }

    /// A call that came with a refused token. It is denied, so that the attempt is recorded.
    pub fn with_refused_token(
        error: &(impl Error + ?Sized),
        tool: impl Into<String>,
        arguments: impl Into<Arguments>,
    ) -> Self {
        Self::new(Err(NoCaller::Token(error.to_string())), tool, arguments)
    }

    /// Sets what the policy sees as `run`, an object: the host's facts about the run that the call is part of.
    pub fn run(mut self, facts: Box<RawValue>) -> Self {
        self.facts.run = Some(facts);
        self
    }

    /// Sets what the policy sees as `said`, an object: what the user's own words name, by kind, as lists. A host that does not hear the user
    /// leaves it out: then nothing is said, which is not the same as an empty list.
    pub fn said(mut self, facts: Box<RawValue>) -> Self {
        self.facts.said = Some(facts);
        self
    }

    /// Sets what the policy sees as `usage`, an object: what the agent has used, such as `tool_calls_24h`.
    /// [`Enforcer::uses_fact`](crate::Enforcer::uses_fact) tells which of them are looked at.
    pub fn usage(mut self, facts: Box<RawValue>) -> Self {
        self.facts.usage = Some(facts);
        self
    }

    /// As [`usage`](Self::usage), what the user has used: `user_usage` in a policy.
    pub fn user_usage(mut self, facts: Box<RawValue>) -> Self {
        self.facts.user_usage = Some(facts);
        self
    }

    fn new(
        caller: Result<Caller, NoCaller>,
        tool: impl Into<String>,
        arguments: impl Into<Arguments>,
    ) -> Self {
        Self {
            caller,
            tool: tool.into(),
            arguments: arguments.into(),
            facts: CallFacts::default(),
        }
    }
}
