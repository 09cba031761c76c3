//! Decides recorded calls again: with the same component, which must agree, or with another one, to see what it would change.

mod changes;

use std::{collections::BTreeMap, path::Path};

use hexgate_bundle::Digest;
use hexgate_host::Policy;
use serde::Serialize;

pub use changes::{Change, Changes, Example, Tally};

use crate::{
    entry::{Decision, Entry},
    outcome::Outcome,
    protect::{Member, Withheld},
    reader::ReadError,
    verify::{Anchors, Verification, Verifier},
    walk::{Finding, Seen, Visitor, walk},
};

/// What decides.
pub enum By<'a> {
    /// The component that decided, found by its digest. The function returns None if it has none.
    Recorded(&'a mut FindPolicy<'a>),
    /// Another policy.
    Candidate(&'a Policy),
    /// Nothing: the log has the answers of the candidate beside the live policy.
    Shadow,
}

impl std::fmt::Debug for By<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Recorded(_) => "Recorded",
            Self::Candidate(_) => "Candidate",
            Self::Shadow => "Shadow",
        })
    }
}

/// Finds the policy of a component. The error is one sentence.
pub type FindPolicy<'a> = dyn FnMut(&Digest) -> Result<Option<Policy>, String> + 'a;

/// The result of a replay.
#[derive(Debug, Default)]
#[non_exhaustive]
pub struct Replayed {
    /// The verification of the log. If it fails, the rest means nothing.
    pub verification: Verification,
    /// Decisions in the log.
    pub decisions: u64,
    /// Those that were decided again.
    pub replayed: u64,
    /// Those that were not decided again, and why.
    pub skipped: Skipped,
    /// Decisions in which the component that decided differs from the log now: at most [`MAX_DIFFERENCES`].
    pub differences: Vec<Difference>,
    /// How many more there are.
    pub more_differences: u64,
    /// What another policy changes.
    pub changes: Changes,
}

/// The most differences that are listed.
pub const MAX_DIFFERENCES: usize = 100;

/// Decisions that were not decided again.
#[derive(Debug, Default, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Skipped {
    /// A part that the decision depends on was withheld: how many, by the first such part and the reason.
    pub withheld: BTreeMap<String, u64>,
    /// The component was not found: how many, by its digest.
    pub missing_component: BTreeMap<Digest, u64>,
    /// The record does not say which policy decided: how many. No host of this project writes that.
    pub without_component: u64,
    /// The host refused, the policy was not valid, or the machine failed: another policy would not change that.
    pub not_by_policy: u64,
    /// There was no candidate beside the live policy.
    pub without_shadow: u64,
}

impl Skipped {
    /// How many could not be decided again because a part was withheld.
    #[must_use]
    pub fn withheld(&self) -> u64 {
        self.withheld.values().sum()
    }

    /// How many could not be decided again because their component was not found.
    #[must_use]
    pub fn missing_component(&self) -> u64 {
        self.missing_component.values().sum()
    }
}

/// A decision that differs from the log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Difference {
    /// The record.
    pub n: u64,
    /// What the log says.
    pub recorded: Outcome,
    /// The outcome now.
    pub replayed: Outcome,
}

/// A log cannot be replayed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ReplayError {
    /// It cannot be read.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// A component was found and cannot be loaded.
    #[error("the component {component} cannot be loaded: {reason}")]
    Component {
        /// Its digest.
        component: Digest,
        /// Why.
        reason: String,
    },
}

/// Reads a log, verifies it and decides every call in it again.
///
/// # Errors
///
/// A file cannot be read, or a component cannot be loaded. Errors in the log are in [`Replayed::verification`].
pub fn replay(
    path: impl AsRef<Path>,
    anchors: &Anchors,
    by: By<'_>,
) -> Result<Replayed, ReplayError> {
    let mut replayer = Replayer {
        verifier: Verifier::new(anchors),
        by,
        policies: Vec::new(),
        replayed: Replayed::default(),
        failed: None,
    };
    walk(path.as_ref(), anchors.from, &mut replayer)?;
    replayer.verifier.losses(path.as_ref())?;
    if let Some(error) = replayer.failed {
        return Err(error);
    }
    Ok(Replayed {
        verification: replayer.verifier.finish(),
        ..replayer.replayed
    })
}

struct Replayer<'a, 'b> {
    verifier: Verifier<'a>,
    by: By<'b>,
    /// The recently used policies, the newest last.
    policies: Vec<(Digest, Option<Policy>)>,
    replayed: Replayed,
    failed: Option<ReplayError>,
}

/// How many policies are kept loaded: enough for a log that alternates between a few.
const POLICIES: usize = 16;

impl Visitor for Replayer<'_, '_> {
    fn record(&mut self, seen: &Seen<'_>) {
        self.verifier.record(seen);
        if let Entry::Decision(decision) = seen.entry
            && self.failed.is_none()
        {
            self.replayed.decisions += 1;
            self.decision(seen.head.n, decision);
        }
    }

    fn finding(&mut self, finding: Finding) {
        self.verifier.finding(finding);
    }
}

impl Replayer<'_, '_> {
    fn decision(&mut self, n: u64, decision: &Decision) {
        if !decision.verdict.is_of_the_policy() {
            self.replayed.skipped.not_by_policy += 1;
            return;
        }
        if matches!(self.by, By::Shadow) {
            match &decision.shadow {
                Some(shadow) => {
                    self.replayed.replayed += 1;
                    self.replayed.changes.add(n, decision, &shadow.verdict);
                }
                None => self.replayed.skipped.without_shadow += 1,
            }
            return;
        }
        let exactly = matches!(self.by, By::Recorded(_));
        if let Some((member, why)) = withheld(decision, exactly) {
            let name = format!("{} {}", name(&member), name(&why));
            *self.replayed.skipped.withheld.entry(name).or_default() += 1;
            return;
        }
        let policy = match self.policy(decision.component.as_ref()) {
            Ok(Some(policy)) => policy,
            Ok(None) => return,
            Err(error) => {
                self.failed = Some(error);
                return;
            }
        };
        let roles: Vec<&str> = decision.roles.iter().map(String::as_str).collect();
        let outcome = Outcome::ask(
            &policy,
            &roles,
            &decision.tool,
            decision.arguments.as_deref().unwrap_or_default(),
            decision.facts.as_deref(),
        );
        self.replayed.replayed += 1;
        if !exactly {
            self.replayed.changes.add(n, decision, &outcome);
        } else if outcome != decision.verdict {
            if self.replayed.differences.len() < MAX_DIFFERENCES {
                self.replayed.differences.push(Difference {
                    n,
                    recorded: decision.verdict.clone(),
                    replayed: outcome,
                });
            } else {
                self.replayed.more_differences += 1;
            }
        }
    }

    /// The policy that decides. None if it was not found; that was counted.
    fn policy(&mut self, component: Option<&Digest>) -> Result<Option<Policy>, ReplayError> {
        let find = match &mut self.by {
            By::Candidate(policy) => return Ok(Some((*policy).clone())),
            By::Recorded(find) => find,
            By::Shadow => return Ok(None),
        };
        let Some(component) = component else {
            self.replayed.skipped.without_component += 1;
            return Ok(None);
        };
        let known = self.policies.iter().find(|(digest, _)| digest == component);
        let policy = match known {
            Some((_, policy)) => policy.clone(),
            None => {
                let found = find(component).map_err(|reason| ReplayError::Component {
                    component: *component,
                    reason,
                })?;
                if self.policies.len() == POLICIES {
                    self.policies.remove(0);
                }
                self.policies.push((*component, found.clone()));
                found
            }
        };
        if policy.is_none() {
            let missing = &mut self.replayed.skipped.missing_component;
            *missing.entry(*component).or_default() += 1;
        }
        Ok(policy)
    }
}

/// The first withheld part that the outcome depends on; for an exact comparison also a withheld part of the outcome.
fn withheld(decision: &Decision, exactly: bool) -> Option<(Member, Withheld)> {
    decision
        .withheld
        .iter()
        .find(|(member, _)| match member {
            Member::Roles | Member::Tool | Member::Arguments | Member::Facts => true,
            Member::Reason => exactly,
            Member::Name => false,
        })
        .map(|(member, why)| (*member, *why))
}

/// The name of a variant as records have it, for people.
fn name(value: &impl Serialize) -> String {
    match serde_json::to_value(value) {
        Ok(serde_json::Value::String(name)) => name.replace('_', " "),
        _ => String::new(),
    }
}
