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

/// Why nobody is known to call.
#[derive(Debug, Clone)]
pub(super) enum NoCaller {
    Scope(NoScope),
    /// The token that came with the call was refused, and this is why.
    Token(String),
}

impl Call {
    /// A call on behalf of this caller. The arguments are a JSON object, as text or as a value.
    pub fn of(caller: &Caller, tool: impl Into<String>, arguments: impl Into<Arguments>) -> Self {
        Self::new(Ok(caller.clone()), tool, arguments)
    }

    /// A call on behalf of whoever is [in scope](crate::scope) here. Nobody is: it is denied.
    pub fn in_scope(tool: impl Into<String>, arguments: impl Into<Arguments>) -> Self {
        Self::new(scope::current().map_err(NoCaller::Scope), tool, arguments)
    }

    /// A call that came with a token which was refused. It is denied, and so it is recorded that somebody tried.
    pub fn with_refused_token(
        error: &(impl Error + ?Sized),
        tool: impl Into<String>,
        arguments: impl Into<Arguments>,
    ) -> Self {
        Self::new(Err(NoCaller::Token(error.to_string())), tool, arguments)
    }

    /// Also says what the policy sees as `run`: facts about the run that the call is part of, from the host.
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
