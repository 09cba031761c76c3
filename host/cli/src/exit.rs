//! Exit codes, and the errors that choose them.

use std::{fmt, process::ExitCode};

use crate::{output, sentence::sentence};

/// How a command ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Exit {
    /// Done; for a decision: allowed, or to be approved by a human.
    Done = 0,
    /// A call was denied, a policy or bundle refused, a test failed.
    Failed = 1,
    /// The command cannot be carried out as given: misuse, or the environment.
    Misuse = 2,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}

/// A refusal: the command ran, and its answer is no. Other errors mean that it could not run.
#[derive(Debug)]
pub(crate) struct Refused(String);

impl Refused {
    /// A refusal for this reason.
    pub(crate) fn error(reason: impl fmt::Display) -> anyhow::Error {
        anyhow::Error::new(Self(reason.to_string()))
    }
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Refused {}

/// Prints an error to stderr, and returns the exit code.
pub(crate) fn report(error: &anyhow::Error) -> Exit {
    output::error(&sentence(error.chain()));
    if error.is::<Refused>() {
        Exit::Failed
    } else {
        Exit::Misuse
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_stays_one_under_context() {
        assert!(Refused::error("no").context("so").is::<Refused>());
        assert!(!anyhow::anyhow!("no").is::<Refused>());
    }
}
