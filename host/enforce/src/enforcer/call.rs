//! A proposed call.

use serde_json::value::RawValue;

use crate::caller::Caller;
use crate::decision::Arguments;
use crate::scope::{self, NoScope};

/// One proposed call.
#[derive(Debug, Clone)]
pub struct Call {
    pub(super) caller: Result<Caller, NoScope>,
    pub(super) tool: String,
    pub(super) arguments: Arguments,
    pub(super) run: Option<Box<RawValue>>,
}

impl Call {
    /// A call on behalf of this caller. The arguments are a JSON object, as text or as a value.
    pub fn of(caller: &Caller, tool: impl Into<String>, arguments: impl Into<Arguments>) -> Self {
        Self::new(Ok(caller.clone()), tool, arguments)
    }

    /// A call on behalf of whoever is [in scope](crate::scope) here. Nobody is: it is denied.
    pub fn in_scope(tool: impl Into<String>, arguments: impl Into<Arguments>) -> Self {
        Self::new(scope::current(), tool, arguments)
    }

    /// Also says what the policy sees as `run`: facts about the run that the call is part of, from the host.
    #[must_use]
    pub fn run(mut self, facts: Box<RawValue>) -> Self {
        self.run = Some(facts);
        self
    }

    fn new(
        caller: Result<Caller, NoScope>,
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
