//! A proposed call.

use std::error::Error;

use serde_json::value::RawValue;

use crate::caller::Caller;
use crate::decision::Arguments;
use crate::scope::{self, NoScope};

/// One proposed call.
#[derive(Debug, Clone)]
#[must_use = "a call is decided by an enforcer"]
pub struct Call {
    pub(super) caller: Result<Caller, NoCaller>,
    pub(super) tool: String,
    pub(super) arguments: Arguments,
    pub(super) run: Option<Box<RawValue>>,
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

    /// Sets what the policy sees as `run`: the host's facts about the run that the call is part of.
    pub fn run(mut self, facts: Box<RawValue>) -> Self {
        self.run = Some(facts);
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
            run: None,
        }
    }
}
