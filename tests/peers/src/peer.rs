//! An engine that holds the policy, ready to decide.

use std::path::Path;

use anyhow::{Context, Result, ensure};

use crate::call::{AGREED, Call, Outcome};

/// An engine in this process.
pub(crate) trait Peer {
    /// The name, the version, and what a call costs beside the decision, for the table.
    fn name(&self) -> String;

    /// Decides a call, from texts to an outcome: what a tool's host has is text.
    fn decide(&mut self, call: &Call) -> Outcome;

    /// The same with the input read beforehand, so that only the evaluation is left. None: the engine cannot be asked so.
    fn evaluation<'p>(&'p mut self, call: &Call) -> Option<Box<dyn FnMut() -> Outcome + 'p>> {
        let _ = call;
        None
    }
}

/// Asks an engine everything that all must agree on.
pub(crate) fn check(peer: &mut dyn Peer) -> Result<()> {
    for (call, expected) in AGREED {
        let said = peer.decide(call);
        ensure!(
            said == *expected,
            "{} says {said:?} to {call:?}, expected {expected:?}",
            peer.name()
        );
    }
    Ok(())
}

/// The outcome in an answer of printed Rego. Anything but its shape is a denial.
pub(crate) fn outcome_of(answer: Option<(bool, bool)>) -> Outcome {
    match answer {
        Some((true, false)) => Outcome::Allow,
        Some((false, true)) => Outcome::NeedsApproval,
        _ => Outcome::Deny,
    }
}

/// A text file of the comparison.
pub(crate) fn text(path: &Path) -> Result<String> {
    std::fs::read_to_string(path).with_context(|| format!("cannot read `{}`", path.display()))
}
