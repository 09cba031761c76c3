//! What was decided, and the permission to run.

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use hexgate_audit::ShadowOutcome;
use hexgate_base::Uuid;
use hexgate_host::{ApprovalTerms, DecideError, FileScope, Grant, PathScope};
use serde_json::Value;

use crate::caller::Caller;
use crate::live::Version;
use crate::source::PolicyInfo;

pub use hexgate_host::Effect;

/// What decided.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Cause {
    /// The policy.
    Policy,
    /// There is no caller: no scope was opened, or it did not follow into the task or thread.
    NoScope,
    /// The caller has expired.
    CallerExpired,
    /// The caller's token does not hold for this call.
    Token,
    /// The agent, the user or the token is stopped.
    Stopped,
    /// The request is malformed.
    Malformed,
    /// The request is larger than is accepted.
    Exceeded,
    /// The policy misbehaved.
    Guest,
    /// The policy is outside of its validity.
    Validity,
    /// The host failed.
    Host,
    /// The decision could not be recorded.
    NotRecorded,
    /// A human, or a program in their place, was asked.
    Approval,
    /// The host that runs the agent refused it: a guard, or a limit of the run.
    Runtime,
}

impl Cause {
    /// The stable name: `policy`, `no_scope`, `caller_expired`, and so on.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Policy => "policy",
            Self::NoScope => "no_scope",
            Self::CallerExpired => "caller_expired",
            Self::Token => "token",
            Self::Stopped => "stopped",
            Self::Malformed => "malformed",
            Self::Exceeded => "exceeded",
            Self::Guest => "guest",
            Self::Validity => "validity",
            Self::Host => "host",
            Self::NotRecorded => "not_recorded",
            Self::Approval => "approval",
            Self::Runtime => "runtime",
        }
    }
}

/// The name of a decision: a UUID of version 8, random bits for the enforcer and a number within it.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct DecisionId(Uuid);

impl DecisionId {
    pub(crate) fn new(random: u64, number: u64) -> Self {
        Self(Uuid::numbered(random, number))
    }
}

impl fmt::Display for DecisionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Debug for DecisionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "DecisionId({self})")
    }
}

/// The arguments of a call: one JSON object, as text. The bytes that are decided are the bytes that run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Arguments(String);

impl Arguments {
    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl From<&str> for Arguments {
    fn from(text: &str) -> Self {
        Self(text.to_owned())
    }
}

impl From<String> for Arguments {
    fn from(text: String) -> Self {
        Self(text)
    }
}

impl From<&Value> for Arguments {
    /// Writes the value as text. That text is decided and runs, not the value.
    fn from(value: &Value) -> Self {
        Self(value.to_string())
    }
}

impl From<Value> for Arguments {
    fn from(value: Value) -> Self {
        Self::from(&value)
    }
}

/// The approval of a call.
#[derive(Debug, Clone)]
pub(crate) struct Approval {
    pub(crate) by: String,
    pub(crate) reason: Option<String>,
    pub(crate) request: Option<String>,
}

/// The decision about one proposed call. Only an enforcer makes one. It permits nothing by itself: [`Decision::into_permit`] gives the
/// permission.
#[derive(Debug, Clone)]
#[must_use = "a decision that is not looked at permits nothing"]
pub struct Decision {
    pub(crate) id: DecisionId,
    pub(crate) outcome: Effect,
    pub(crate) cause: Cause,
    pub(crate) agent: Arc<str>,
    pub(crate) caller: Option<Caller>,
    pub(crate) tool: String,
    pub(crate) arguments: Arguments,
    pub(crate) facts: Option<String>,
    pub(crate) role: Option<String>,
    pub(crate) reason: String,
    pub(crate) violations: Vec<String>,
    pub(crate) hint: Option<PathScope>,
    pub(crate) message: Option<String>,
    /// The number of the terms in the policy, for the record, and the terms.
    pub(crate) terms: Option<(u32, ApprovalTerms)>,
    pub(crate) scope: Option<FileScope>,
    pub(crate) version: Arc<Version>,
    pub(crate) grant: Option<Grant>,
    pub(crate) at: SystemTime,
    pub(crate) took: Duration,
    pub(crate) follows: Option<DecisionId>,
    pub(crate) approval: Option<Approval>,
    pub(crate) request: Option<String>,
    pub(crate) shadow: Option<Box<ShadowOutcome>>,
    pub(crate) disclose: bool,
    /// Whether the reason tells only what is wrong with the model's own input.
    pub(crate) is_models_fault: bool,
}

impl Decision {
    /// The name of the decision.
    #[must_use]
    pub fn id(&self) -> DecisionId {
        self.id
    }

    /// The effect: deny, needs approval, or allow.
    #[must_use]
    pub fn outcome(&self) -> Effect {
        self.outcome
    }

    /// What decided.
    #[must_use]
    pub fn cause(&self) -> Cause {
        self.cause
    }

    /// Whether the call may happen now. To run it, take the [`Permit`].
    #[must_use]
    pub fn is_allowed(&self) -> bool {
        self.outcome == Effect::Allow
    }

    /// The agent that proposed the call.
    #[must_use]
    pub fn agent(&self) -> &str {
        &self.agent
    }

    /// The caller. None: no caller was in scope, so the call is denied.
    #[must_use]
    pub fn caller(&self) -> Option<&Caller> {
        self.caller.as_ref()
    }

    /// The tool.
    #[must_use]
    pub fn tool(&self) -> &str {
        &self.tool
    }

    /// The arguments that were decided. To run the tool take those of the [`Permit`], which are the same bytes.
    #[must_use]
    pub fn arguments(&self) -> &str {
        self.arguments.as_str()
    }

    /// The facts that the policy saw, a JSON object. None: it was not asked.
    #[must_use]
    pub fn facts(&self) -> Option<&str> {
        self.facts.as_deref()
    }

    /// The role on whose authority the call may happen. None for a denial.
    #[must_use]
    pub fn role(&self) -> Option<&str> {
        self.role.as_deref()
    }

    /// The reason, one sentence for the operator. Empty if the call is allowed.
    #[must_use]
    pub fn reason(&self) -> &str {
        &self.reason
    }

    /// The constraints that were not true, as written in the policy. For the operator.
    #[must_use]
    pub fn violations(&self) -> &[String] {
        &self.violations
    }

    /// Where the call could have gone instead, if a file scope denied it. For the operator.
    #[must_use]
    pub fn hint(&self) -> Option<&PathScope> {
        self.hint.as_ref()
    }

    /// What the policy's author wants the model to be told, if the policy denied the call or it needs approval. Public by the author's will.
    #[must_use]
    pub fn message(&self) -> Option<&str> {
        self.message.as_deref()
    }

    /// Who has to agree to the call, by the policy, if it needs approval. None: the host decides.
    #[must_use]
    pub fn approval_terms(&self) -> Option<&ApprovalTerms> {
        self.terms.as_ref().map(|(_, terms)| terms)
    }

    /// How many different people have to agree to the call, by the policy.
    pub(crate) fn approvers(&self) -> u32 {
        let terms = self.approval_terms();
        terms.and_then(|terms| terms.approvers).unwrap_or(1)
    }

    /// The file scope within which the call may happen. A tool that searches below a path must apply it to each result.
    #[must_use]
    pub fn scope(&self) -> Option<&FileScope> {
        self.scope.as_ref()
    }

    /// The policy that decided, or the live one if something else decided.
    #[must_use]
    pub fn policy(&self) -> &PolicyInfo {
        &self.version.id
    }

    /// The component of that policy, to keep for a replay.
    #[must_use]
    pub fn component(&self) -> &[u8] {
        &self.version.component
    }

    /// What the policy granted: the role as an index into the caller's, and the file scope. None for a denial.
    #[must_use]
    pub fn grant(&self) -> Option<Grant> {
        self.grant
    }

    /// When it was decided.
    #[must_use]
    pub fn decided_at(&self) -> SystemTime {
        self.at
    }

    /// How long that took.
    #[must_use]
    pub fn took(&self) -> Duration {
        self.took
    }

    /// The decision that needed approval, if this one follows the request for it.
    #[must_use]
    pub fn follows(&self) -> Option<DecisionId> {
        self.follows
    }

    /// The approver. None: no approval was needed or given. An approved call can still be denied, if something else changed meanwhile.
    #[must_use]
    pub fn approved_by(&self) -> Option<&str> {
        self.approval.as_ref().map(|approval| approval.by.as_str())
    }

    /// Why the approver agreed, in their words. None: no reason was given.
    #[must_use]
    pub fn approval_reason(&self) -> Option<&str> {
        self.approval.as_ref()?.reason.as_deref()
    }

    /// The request for approval by which it was approved, if requests are kept.
    #[must_use]
    pub fn approved_request(&self) -> Option<&str> {
        self.approval.as_ref()?.request.as_deref()
    }

    /// The request for approval that is still unanswered.
    #[must_use]
    pub fn pending_request(&self) -> Option<&str> {
        self.request.as_deref()
    }

    /// The permission to run the call, if it may happen now.
    ///
    /// # Errors
    ///
    /// The call may not run: this is the decision again, to be rendered.
    pub fn into_permit(self) -> Result<Permit, Box<Self>> {
        if self.is_allowed() {
            Ok(Permit(Box::new(self)))
        } else {
            Err(Box::new(self))
        }
    }

    /// Turns any decision into a denial.
    pub(crate) fn deny(&mut self, cause: Cause, reason: String) {
        self.outcome = Effect::Deny;
        self.cause = cause;
        self.reason = reason;
        self.role = None;
        self.scope = None;
        self.violations.clear();
        self.hint = None;
        self.message = None;
        self.terms = None;
        self.request = None;
        self.grant = None;
        self.is_models_fault = false;
    }
}

/// The permission to run one call, once, with the bytes that were decided.
#[derive(Debug)]
#[must_use = "a permission that is not used permits nothing"]
pub struct Permit(Box<Decision>);

impl Permit {
    /// The tool to run.
    #[must_use]
    pub fn tool(&self) -> &str {
        self.0.tool()
    }

    /// The arguments to run it with: the very bytes that were decided.
    #[must_use]
    pub fn arguments(&self) -> &str {
        self.0.arguments()
    }

    /// The file scope to stay within.
    #[must_use]
    pub fn scope(&self) -> Option<&FileScope> {
        self.0.scope()
    }

    /// Whether the file scope of the permission covers a path that the call did not name, such as one that a search has found. Asks the
    /// policy that decided, also if another one is live by now. True if there is no scope.
    ///
    /// # Errors
    ///
    /// There is no answer, and the path counts as not covered: see [`Policy::covers`](hexgate_host::Policy::covers).
    pub fn covers(&self, path: &str) -> Result<bool, DecideError> {
        match (self.0.scope(), self.0.grant.and_then(|grant| grant.scope)) {
            (None, None) => Ok(true),
            (_, Some(id)) => self.0.version.policy.covers(id, path),
            // INVARIANT: a decision has a scope only if its grant names it.
            (Some(_), None) => Ok(false),
        }
    }

    /// The decision behind it.
    pub fn decision(&self) -> &Decision {
        &self.0
    }

    /// The tool and its arguments. The permission is used up.
    #[must_use]
    pub fn into_parts(self) -> (String, String) {
        (self.0.tool, self.0.arguments.0)
    }
}

/// Why a policy does not apply to this agent, or to this caller's project.
pub(crate) fn misbound(
    agent: &str,
    caller: &Caller,
    policy: &PolicyInfo,
) -> Option<(Cause, String)> {
    if let Some(credential) = caller.credential()
        && let Some(bound) = &policy.project
        && bound != credential.project()
    {
        let reason = format!(
            "the token is for the project `{}`, and the policy is bound to `{}`",
            credential.project(),
            bound.escape_debug()
        );
        return Some((Cause::Token, reason));
    }
    if let Some(bound) = &policy.agent
        && bound != agent
    {
        let reason = format!(
            "the policy is bound to the agent `{}`, and this is `{}`",
            bound.escape_debug(),
            agent.escape_debug()
        );
        return Some((Cause::Validity, reason));
    }
    None
}
