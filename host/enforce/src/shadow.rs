//! A candidate policy that is asked beside the live one. Its answers are recorded and never act.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use hexgate_audit::{ErrorClass, Outcome as Recorded, ShadowOutcome};

use crate::decision::{Cause, Decision, misbound};
use crate::facts::CallFacts;
use crate::live::LivePolicy;
use hexgate_base::guarded::guarded;

/// A candidate policy, and how long it may take.
#[derive(Debug, Clone)]
pub struct Shadow {
    candidate: LivePolicy,
    budget: Duration,
}

/// Counts of a candidate's answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct ShadowCounts {
    /// Decisions about which it was asked.
    pub asked: u64,
    /// Decisions where its effect differed: allow, needs approval, deny.
    pub differed: u64,
    /// Decisions where it had no verdict: it trapped, exceeded a limit, or is outside of its validity.
    pub failed: u64,
    /// Decisions about which it was not asked, because it had taken too long before.
    pub passed_over: u64,
}

impl Shadow {
    /// Asks this policy. It comes from a source and is verified as every live policy is;
    /// [`Enforcer::begin_turn`](crate::Enforcer::begin_turn) looks for another one; failures are reported to `tracing` only.
    ///
    /// If it is not compiled by this project, give it an engine with little fuel ([`Limits`](hexgate_host::Limits)): a decision waits until
    /// it answers or runs out of fuel.
    #[must_use]
    pub fn new(candidate: &LivePolicy) -> Self {
        Self {
            candidate: candidate.clone(),
            budget: Duration::from_millis(1),
        }
    }

    /// How long an answer may take. After a slower one the candidate is not asked for a hundred times as long, so that it costs at most a
    /// hundredth of the time. Default: 1 millisecond.
    #[must_use]
    pub fn budget(mut self, budget: Duration) -> Self {
        self.budget = budget;
        self
    }
}

/// The pause of a candidate that was too slow, in times of its answer.
const REST: u32 = 100;

/// A candidate at work.
#[derive(Debug)]
pub(crate) struct Beside {
    shadow: Shadow,
    begin: Instant,
    /// The end of the candidate's pause, in nanoseconds from `begin`.
    rests_until: AtomicU64,
    asked: AtomicU64,
    differed: AtomicU64,
    failed: AtomicU64,
    passed_over: AtomicU64,
}

impl Beside {
    pub(crate) fn new(shadow: Shadow) -> Self {
        Self {
            shadow,
            begin: Instant::now(),
            rests_until: AtomicU64::new(0),
            asked: AtomicU64::new(0),
            differed: AtomicU64::new(0),
            failed: AtomicU64::new(0),
            passed_over: AtomicU64::new(0),
        }
    }

    /// Looks for another candidate. No decision depends on the result.
    /// Whether the candidate looks at a fact.
    pub(crate) fn uses_fact(&self, name: &str) -> bool {
        self.shadow.candidate.current().id.uses_fact(name)
    }

    pub(crate) fn refresh(&self) {
        if let Err(panic) = guarded(|| self.shadow.candidate.refresh()) {
            tracing::error!(%panic, "looking for another candidate panicked");
        }
    }

    pub(crate) fn counts(&self) -> ShadowCounts {
        let read = |count: &AtomicU64| count.load(Ordering::Relaxed);
        ShadowCounts {
            asked: read(&self.asked),
            differed: read(&self.differed),
            failed: read(&self.failed),
            passed_over: read(&self.passed_over),
        }
    }

    /// The candidate's answer about a call that the live policy was asked about. None: it was not asked.
    pub(crate) fn ask(&self, decision: &Decision, facts: &CallFacts) -> Option<ShadowOutcome> {
        let (Some(caller), Some(_)) = (decision.caller(), decision.facts()) else {
            return None;
        };
        let begin = Instant::now();
        if nanoseconds(begin - self.begin) < self.rests_until.load(Ordering::Relaxed) {
            self.passed_over.fetch_add(1, Ordering::Relaxed);
            return None;
        }
        let version = self.shadow.candidate.current();
        let verdict = match misbound(decision.agent(), caller, &version.id) {
            Some((_, reason)) => Recorded::Error {
                error: ErrorClass::Validity,
                reason,
            },
            None => {
                let roles: Vec<&str> = caller.roles().iter().map(String::as_str).collect();
                let (tool, arguments) = (decision.tool(), decision.arguments());
                // It may look at others than the live policy.
                let facts = caller.facts(facts.members(&version.id));
                guarded(|| Recorded::ask(&version.policy, &roles, tool, arguments, Some(&facts)))
                    .unwrap_or_else(|panic| Recorded::Error {
                        error: ErrorClass::Host,
                        reason: format!("asking the candidate panicked: {panic}"),
                    })
            }
        };
        let took = begin.elapsed();
        if took > self.shadow.budget {
            let end = nanoseconds(begin - self.begin).saturating_add(nanoseconds(took * REST));
            self.rests_until.fetch_max(end, Ordering::Relaxed);
        }
        self.count(decision, &verdict);
        Some(ShadowOutcome::new(
            version.digest,
            version.id.component,
            verdict,
        ))
    }

    fn count(&self, decision: &Decision, verdict: &Recorded) {
        self.asked.fetch_add(1, Ordering::Relaxed);
        if let Recorded::Error { reason, .. } = verdict {
            let failed = self.failed.fetch_add(1, Ordering::Relaxed) + 1;
            // Logged ever more rarely: a broken candidate fails on each call.
            if failed.is_power_of_two() {
                tracing::warn!(decision = %decision.id, %reason, failed, "the candidate has no verdict");
            }
        }
        if differs(decision, verdict) {
            self.differed.fetch_add(1, Ordering::Relaxed);
            tracing::info!(
                decision = %decision.id,
                tool = ?decision.tool(),
                live = decision.outcome().as_str(),
                candidate = verdict.effect().as_str(),
                "the candidate would have decided otherwise"
            );
        }
    }
}

/// Whether the candidate would have decided otherwise.
fn differs(decision: &Decision, candidate: &Recorded) -> bool {
    decision.outcome() != candidate.effect()
}

fn nanoseconds(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}

impl Decision {
    /// The answer of the [candidate](Shadow). None: there is none, or it was not asked.
    #[must_use]
    pub fn shadow(&self) -> Option<&ShadowOutcome> {
        self.shadow.as_deref()
    }

    /// Whether a candidate that was asked would have decided otherwise than the live policy did.
    #[must_use]
    pub fn shadow_differs(&self) -> bool {
        // What the recorder or a human changed afterwards is no difference between the policies.
        matches!(
            self.cause,
            Cause::Policy | Cause::Malformed | Cause::Exceeded | Cause::Guest
        ) && self
            .shadow()
            .is_some_and(|shadow| differs(self, shadow.verdict()))
    }
}
