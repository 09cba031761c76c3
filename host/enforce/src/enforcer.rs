//! From a proposed call to a decision that a host can act on.

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};

mod builder;
mod call;
mod reach;
mod settle;

pub use builder::{EnforcerBuilder, RandomError};
pub use call::Call;

use hexgate_host::{DecideError, ErrorKind, Field, Malformed, Request, Verdict};

use crate::approval::Approvals;
use crate::caller::{Caller, MAX_ROLES};
use crate::decision::{Arguments, Cause, Decision, DecisionId, Effect, misbound};
use crate::facts::CallFacts;
use crate::kill::KillSwitch;
use crate::live::{LivePolicy, Refresh, Version};
use crate::observer::{Ended, Observer, OnRecordFailure, Recorder};
use crate::shadow::{Beside, ShadowCounts};
use hexgate_base::guarded::guarded;

use call::NoCaller;

/// Decides every call of one agent, for many users at once. Cloning is cheap and gives the same enforcer.
#[derive(Clone)]
pub struct Enforcer(Arc<Inner>);

struct Inner {
    agent: Arc<str>,
    live: LivePolicy,
    kill: KillSwitch,
    recorder: Option<(Arc<dyn Recorder>, OnRecordFailure)>,
    observers: Vec<Arc<dyn Observer>>,
    approvals: Approvals,
    disclosure: Disclosure,
    shadow: Option<Beside>,
    /// Makes the ids of decisions: random bits, then a number.
    ids: (u64, AtomicU64),
    not_recorded: AtomicU64,
    ends_not_recorded: AtomicU64,
    observer_panics: AtomicU64,
}

/// How much of the policy a model may learn from a denial.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Disclosure {
    /// Only that the call is denied or needs approval.
    #[default]
    Nothing,
    /// Also the constraints that were not true, with their thresholds, and the patterns of file scopes.
    Constraints,
}

/// Counts of failures around decisions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct Counts {
    /// Decisions without a record, whether they were denied for that or passed.
    pub not_recorded: u64,
    /// Ends of permitted calls without a record.
    pub ends_not_recorded: u64,
    /// Panics of observers.
    pub observer_panics: u64,
    /// The counts of the candidate, if there is one.
    pub shadow: ShadowCounts,
}

impl Enforcer {
    /// Begins a turn: looks for another policy, as [`LivePolicy::refresh`] does, and tells the recorder the result.
    pub fn begin_turn(&self) -> Refresh {
        let refresh = self.0.live.refresh();
        if let Some((recorder, _)) = &self.0.recorder
            && let Err(panic) = guarded(|| recorder.refreshed(&refresh))
        {
            tracing::error!(%panic, "the recorder panicked");
        }
        if let Some(shadow) = &self.0.shadow {
            shadow.refresh();
        }
        refresh
    }

    /// Decides a call on behalf of a caller. From any thread; threads do not wait for each other.
    pub fn decide(&self, caller: &Caller, tool: &str, arguments: impl Into<Arguments>) -> Decision {
        self.decide_call(Call::of(caller, tool, arguments))
    }

    /// Decides a call on behalf of the caller [in scope](crate::scope) here. Without one the call is denied.
    pub fn decide_in_scope(&self, tool: &str, arguments: impl Into<Arguments>) -> Decision {
        self.decide_call(Call::in_scope(tool, arguments))
    }

    /// Decides a call. When this returns, the decision is recorded.
    pub fn decide_call(&self, call: Call) -> Decision {
        let Some(shadow) = &self.0.shadow else {
            return self.finish(self.judge(call));
        };
        let facts = call.facts.clone();
        let mut decision = self.judge(call);
        decision.shadow = shadow.ask(&decision, &facts).map(Box::new);
        self.finish(decision)
    }

    /// Denies a call without asking the policy, because the host that runs the agent refuses it: a guard said no, or a limit is reached. The
    /// denial is recorded like any other. A stopped call keeps that cause.
    pub fn refuse(&self, call: Call, reason: impl Into<String>) -> Decision {
        let version = Arc::clone(&self.0.live.current());
        let mut decision = self.undecided(call.tool, call.arguments, &version);
        match call.caller {
            Err(NoCaller::Scope(error)) => decision.deny(Cause::NoScope, error.to_string()),
            Err(NoCaller::Token(reason)) => decision.deny(Cause::Token, reason),
            Ok(caller) => {
                match self.stopped(&caller, &decision.tool, &version) {
                    Some((cause, reason)) => decision.deny(cause, reason),
                    None => decision.deny(Cause::Runtime, reason.into()),
                }
                decision.caller = Some(caller);
            }
        }
        self.finish(decision)
    }

    /// Has the recorder record how a call ended that was permitted.
    pub fn ended(&self, ended: &Ended<'_>) {
        let Some((recorder, _)) = &self.0.recorder else {
            return;
        };
        let recorded = guarded(|| recorder.ended(ended))
            .unwrap_or_else(|panic| Err(format!("the recorder panicked: {panic}").into()));
        if let Err(error) = recorded {
            self.0.ends_not_recorded.fetch_add(1, Ordering::Relaxed);
            tracing::error!(decision = %ended.decision, %error, "the end of a call is not recorded");
        }
    }

    /// Whether the policy that decides, or the candidate beside it, looks at a fact, or at one below it: `said`, `usage.tool_calls_24h`. A host
    /// need not find out others.
    #[must_use]
    pub fn uses_fact(&self, name: &str) -> bool {
        self.0.live.id().uses_fact(name)
            || self
                .0
                .shadow
                .as_ref()
                .is_some_and(|shadow| shadow.uses_fact(name))
    }

    /// The agent whose calls are decided.
    #[must_use]
    pub fn agent(&self) -> &str {
        &self.0.agent
    }

    /// The policy that decides.
    #[must_use]
    pub fn live(&self) -> &LivePolicy {
        &self.0.live
    }

    /// What stops agents, users and tokens at once.
    #[must_use]
    pub fn kill_switch(&self) -> &KillSwitch {
        &self.0.kill
    }

    /// Counts of failures around decisions.
    #[must_use]
    pub fn counts(&self) -> Counts {
        let lost = self.0.recorder.as_ref();
        let lost = lost.and_then(|(recorder, _)| guarded(|| recorder.lost()).ok());
        let not_recorded = self.0.not_recorded.load(Ordering::Relaxed);
        Counts {
            not_recorded: not_recorded.saturating_add(lost.unwrap_or(0)),
            ends_not_recorded: self.0.ends_not_recorded.load(Ordering::Relaxed),
            observer_panics: self.0.observer_panics.load(Ordering::Relaxed),
            shadow: self
                .0
                .shadow
                .as_ref()
                .map(Beside::counts)
                .unwrap_or_default(),
        }
    }

    /// A weak reference to the enforcer, for example for metrics.
    #[must_use]
    pub fn downgrade(&self) -> WeakEnforcer {
        WeakEnforcer(Arc::downgrade(&self.0))
    }

    /// A decision before it is recorded.
    fn judge(&self, call: Call) -> Decision {
        let begin = Instant::now();
        let version = Arc::clone(&self.0.live.current());
        let Call {
            caller,
            tool,
            arguments,
            facts,
        } = call;
        let mut decision = self.undecided(tool, arguments, &version);
        match caller {
            Err(NoCaller::Scope(error)) => decision.deny(Cause::NoScope, error.to_string()),
            Err(NoCaller::Token(reason)) => decision.deny(Cause::Token, reason),
            Ok(caller) => {
                decision.caller = Some(caller.clone());
                match self.stopped(&caller, &decision.tool, &version) {
                    Some((cause, reason)) => decision.deny(cause, reason),
                    None => ask(&version, &caller, &facts, &mut decision),
                }
            }
        }
        decision.took = begin.elapsed();
        decision
    }

    /// What is known of a decision before it is made: so far it is a denial.
    fn undecided(&self, tool: String, arguments: Arguments, version: &Arc<Version>) -> Decision {
        Decision {
            id: self.next_id(),
            outcome: Effect::Deny,
            cause: Cause::Policy,
            agent: self.0.agent.clone(),
            caller: None,
            tool,
            arguments,
            facts: None,
            role: None,
            reason: String::new(),
            violations: Vec::new(),
            hint: None,
            message: None,
            terms: None,
            scope: None,
            version: Arc::clone(version),
            grant: None,
            at: self.0.live.now(),
            took: Duration::ZERO,
            follows: None,
            approval: None,
            request: None,
            shadow: None,
            disclose: self.0.disclosure == Disclosure::Constraints,
            is_models_fault: false,
        }
    }

    /// Why the policy need not be asked.
    fn stopped(&self, caller: &Caller, tool: &str, version: &Version) -> Option<(Cause, String)> {
        if let Some(halt) = self.halted(caller) {
            return Some(halt);
        }
        if let Some(credential) = caller.credential()
            && let Err(error) = credential.check(self.0.live.now(), &self.0.agent, tool)
        {
            return Some((Cause::Token, error.to_string()));
        }
        misbound(&self.0.agent, caller, &version.id)
    }

    /// Why no call of the caller's may happen now, whatever the tool.
    fn halted(&self, caller: &Caller) -> Option<(Cause, String)> {
        // The kill switch comes first: its reason matters more than an expiry or a bad token.
        if let Some(stop) = self.0.kill.stops(&self.0.agent, Some(caller.user_id())) {
            return Some((Cause::Stopped, stop.to_string()));
        }
        if let Some(end) = caller.expires_at()
            && self.0.live.now() >= end
        {
            let reason = "the caller's time is over; let the user sign in again".to_owned();
            return Some((Cause::CallerExpired, reason));
        }
        let credential = caller.credential()?;
        let stop = self.0.kill.stops_token(credential.revocation_ids())?;
        Some((Cause::Stopped, stop.to_string()))
    }

    /// Records a decision and tells the observers. The returned decision is the one that counts: a failed record can make it a denial.
    fn finish(&self, mut decision: Decision) -> Decision {
        if let Some((recorder, on_failure)) = &self.0.recorder {
            let recorded = guarded(|| recorder.record(&decision))
                .unwrap_or_else(|panic| Err(format!("the recorder panicked: {panic}").into()));
            if let Err(error) = recorded {
                self.0.not_recorded.fetch_add(1, Ordering::Relaxed);
                tracing::error!(decision = %decision.id, %error, ?on_failure, "decision not recorded");
                if *on_failure == OnRecordFailure::Deny {
                    let reason = format!("the decision could not be recorded: {error}");
                    decision.deny(Cause::NotRecorded, reason);
                }
            }
        }
        // After the recorder, so that observers see the decision that counts.
        for observer in &self.0.observers {
            if let Err(panic) = guarded(|| observer.observe(&decision)) {
                self.0.observer_panics.fetch_add(1, Ordering::Relaxed);
                tracing::error!(decision = %decision.id, %panic, "an observer panicked");
            }
        }
        decision
    }

    fn next_id(&self) -> DecisionId {
        let (random, next) = &self.0.ids;
        DecisionId::new(*random, next.fetch_add(1, Ordering::Relaxed))
    }
}

/// A weak reference to an [`Enforcer`].
#[derive(Clone)]
pub struct WeakEnforcer(Weak<Inner>);

impl WeakEnforcer {
    /// The enforcer, if it still exists.
    #[must_use]
    pub fn upgrade(&self) -> Option<Enforcer> {
        self.0.upgrade().map(Enforcer)
    }
}

/// Asks the policy, and writes its verdict into the decision.
fn ask(version: &Version, caller: &Caller, facts: &CallFacts, decision: &mut Decision) {
    let policy = &version.policy;
    let mut roles = [""; MAX_ROLES];
    for (slot, role) in roles.iter_mut().zip(caller.roles()) {
        *slot = role;
    }
    // INVARIANT: a caller has at most that many roles. Without any, the policy's default role would decide.
    let Some(roles) = roles.get(..caller.roles().len()) else {
        return decision.deny(Cause::Malformed, "too many roles".to_owned());
    };
    let facts = caller.facts(facts.members(&version.id));
    let request = Request::new(&decision.tool, decision.arguments.as_str())
        .roles(roles)
        .facts(&facts);
    let verdict = policy.decide(&request);
    let granted = match verdict {
        Ok(Verdict::Allow(grant)) => Some((grant, None)),
        Ok(Verdict::NeedsApproval(needed)) => Some((needed.grant, Some(needed))),
        Ok(Verdict::Deny(denial)) => {
            decision.deny(Cause::Policy, denial.reason);
            decision.message = denial.message;
            decision.violations = denial.violations;
            decision.hint = denial.hint;
            None
        }
        Err(error) => {
            decision.deny(cause_of(&error), error.to_string());
            decision.is_models_fault = matches!(
                error,
                DecideError::Malformed(Malformed {
                    field: Field::Tool | Field::Arguments,
                    ..
                })
            );
            None
        }
    };
    if let Some((grant, needed)) = granted {
        let scope = grant.scope.map(|id| policy.scope(id)).transpose();
        let terms = needed.as_ref().and_then(|needed| needed.terms);
        let terms = terms.map(|id| Ok(policy.terms(id)?.map(|terms| (id, terms))));
        let terms = terms.transpose();
        let role = match grant.role {
            None => Some("default"),
            Some(index) => usize::try_from(index)
                .ok()
                .and_then(|index| roles.get(index).copied()),
        };
        match (role, scope, terms) {
            // A grant whose scope is missing must not become a grant without a scope, nor terms that are missing the host's.
            (Some(role), Ok(scope), Ok(terms)) if is_there(&scope) && is_there(&terms) => {
                decision.role = Some(role.to_owned());
                decision.scope = scope.flatten();
                decision.grant = Some(grant);
                match needed {
                    Some(needed) => {
                        decision.outcome = Effect::NeedsApproval;
                        decision.reason = decision.plain_reason();
                        decision.message = needed.message;
                        decision.terms = terms.flatten();
                    }
                    None => decision.outcome = Effect::Allow,
                }
            }
            (_, Err(error), _) | (_, _, Err(error)) => {
                decision.deny(cause_of(&error), error.to_string());
            }
            _ => decision.deny(
                Cause::Host,
                "the policy names a role, a scope or terms of approval that are not there"
                    .to_owned(),
            ),
        }
    }
    decision.facts = Some(facts);
}

/// Whether what the policy names is there, if it names something.
fn is_there<T>(named: &Option<Option<T>>) -> bool {
    named.as_ref().is_none_or(Option::is_some)
}

fn cause_of(error: &DecideError) -> Cause {
    match error.kind() {
        ErrorKind::Malformed => Cause::Malformed,
        ErrorKind::Exceeded => Cause::Exceeded,
        ErrorKind::Guest => Cause::Guest,
        ErrorKind::Validity => Cause::Validity,
        _ => Cause::Host,
    }
}

impl fmt::Debug for Enforcer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Enforcer")
            .field("agent", &self.0.agent)
            .field("live", &self.0.live)
            .field("approvals", &self.0.approvals)
            .field("disclosure", &self.0.disclosure)
            .field("counts", &self.counts())
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for WeakEnforcer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("WeakEnforcer")
    }
}
