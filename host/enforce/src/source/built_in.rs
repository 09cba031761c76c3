//! A policy that is part of the program.

use std::path::PathBuf;

use hexgate_compiler::Compiler;
use hexgate_compiler::diagnostic::render::{Format, render};

use super::{Candidate, LocalPolicy, PolicySource, Poll, SourceError};

/// The text of a policy that the program was built with: as well protected as the program, and never another one.
#[derive(Debug)]
pub(crate) struct BuiltIn {
    name: &'static str,
    text: &'static str,
    accepted: bool,
}

impl BuiltIn {
    pub(crate) fn new(name: &'static str, text: &'static str) -> Self {
        Self {
            name,
            text,
            accepted: false,
        }
    }
}

impl PolicySource for BuiltIn {
    fn origin(&self) -> String {
        self.name.to_owned()
    }

    fn poll(&mut self) -> Result<Poll, SourceError> {
        if self.accepted {
            return Ok(Poll::Unchanged);
        }
        let outcome = Compiler::default().compile_str(self.name, self.text);
        let Some(policy) = &outcome.policy else {
            return Err(SourceError::Compile {
                path: PathBuf::from(self.name),
                diagnostics: render(&outcome.diagnostics, &outcome.sources, Format::Human, false),
            });
        };
        let component = policy.component.clone();
        Ok(Poll::Found(Candidate::DangerousLocal(
            LocalPolicy::dangerous_new(component, self.name),
        )))
    }

    fn accepted(&mut self) {
        self.accepted = true;
    }
}
