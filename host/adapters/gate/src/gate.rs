//! From a framework's call to a permission.

use std::sync::Arc;
use std::time::Duration;

use hexgate_base::guarded::{guarded, guarded_async};
use hexgate_base::harmless;
use hexgate_enforce::{Call, Decision, Effect, EndState, Enforcer, Permit, request_notice, scope};

use crate::Uncovered;
use crate::counts::Counts;
use crate::permitted::{Permitted, record};

/// The closed name that is decided when a run begins.
const ADMISSION: &str = "agent.run";
/// How much of a name is shown to a model that made it up, in characters.
const SHOWN: usize = 100;

/// Decides the calls of one agent. Cloning is cheap.
#[derive(Debug, Clone)]
pub struct Gate {
    enforcer: Enforcer,
    uncovered: Arc<Uncovered>,
}

/// A call that does not run.
#[derive(Debug)]
#[must_use = "the model has to read why its call did not run"]
pub struct Refused {
    /// What the model reads, with its marker `[policy_denied]` or `[approval_required]`.
    pub message: String,
    /// The decision, for the operator. None: there is none, because deciding itself failed.
    pub decision: Option<Box<Decision>>,
}

impl Refused {
    /// Whether the call would run if a person agreed to it.
    #[must_use]
    pub fn needs_approval(&self) -> bool {
        self.decision
            .as_ref()
            .is_some_and(|decision| decision.outcome() == Effect::NeedsApproval)
    }

    /// The request for approval that waits for its answer, if one is kept.
    #[must_use]
    pub fn pending(&self) -> Option<&str> {
        self.decision.as_ref()?.pending_request()
    }

    /// What the model reads, with the request for approval that waits, if one is kept.
    #[must_use]
    pub fn told(&self) -> String {
        let message = &self.message;
        match self.pending() {
            Some(request) => format!("{message} {}", request_notice(request)),
            None => message.clone(),
        }
    }
}

impl From<Box<Decision>> for Refused {
    fn from(decision: Box<Decision>) -> Self {
        Self {
            message: decision.model_message().unwrap_or_default(),
            decision: Some(decision),
        }
    }
}

/// Why a call cannot run, whatever the policy says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum InVain {
    /// There is no such tool.
    UnknownTool,
    /// Its arguments are no object.
    InvalidArguments,
    /// The agent does not offer it now.
    NotOffered,
}

impl InVain {
    fn as_str(self) -> &'static str {
        match self {
            Self::UnknownTool => "unknown_tool",
            Self::InvalidArguments => "invalid_arguments",
            Self::NotOffered => "not_offered",
        }
    }

    fn message(self, tool: &str) -> String {
        let tool = hexgate_base::shortened(tool, SHOWN);
        match self {
            Self::UnknownTool => format!(
                "[unknown_tool] There is no tool '{tool}'. Nothing was executed. Use one of the tools that you were given."
            ),
            Self::InvalidArguments => format!(
                "[invalid_arguments] The arguments of tool '{tool}' are no JSON object. The tool was not executed."
            ),
            Self::NotOffered => {
                format!(
                    "[not_offered] Tool '{tool}' is not offered now. The tool was not executed."
                )
            }
        }
    }
}

impl Gate {
    /// A gate that asks this enforcer.
    #[must_use]
    pub fn new(enforcer: &Enforcer) -> Self {
        Self {
            enforcer: enforcer.clone(),
            uncovered: Arc::default(),
        }
    }

    /// The enforcer.
    #[must_use]
    pub fn enforcer(&self) -> &Enforcer {
        &self.enforcer
    }

    /// Tells enforcers apart while they live: gates of one enforcer, and of its clones, have the same.
    #[must_use]
    pub fn enforcer_id(&self) -> usize {
        std::ptr::from_ref(self.enforcer.live()).addr()
    }

    /// The tools that were seen and cannot be gated.
    #[must_use]
    pub fn uncovered(&self) -> &Uncovered {
        &self.uncovered
    }

    /// Decides a call of the caller in scope, and has a person asked where the policy wants it. Without a scope it is denied.
    /// If the future is dropped while a person is asked, the record ends with the request for approval: nothing was permitted.
    ///
    /// # Errors
    ///
    /// The call must not run. Whatever goes wrong on the way is such a refusal.
    pub async fn decide(&self, tool: &str, arguments: String) -> Result<Permitted, Refused> {
        self.decide_call(tool, Call::in_scope(tool, arguments))
            .await
    }

    /// As [`decide`](Self::decide), with a call that the adapter made: of a caller that it knows, with facts.
    ///
    /// # Errors
    ///
    /// As [`decide`](Self::decide).
    pub async fn decide_call(&self, tool: &str, call: Call) -> Result<Permitted, Refused> {
        let deciding = self.enforcer.authorize_async(call);
        match guarded_async(deciding).await {
            Ok(Ok(permit)) => Ok(self.permitted(permit)),
            Ok(Err(decision)) => Err(decision.into()),
            Err(panic) => Err(failed(tool, &panic)),
        }
    }

    /// As [`decide_call`](Self::decide_call), for a call of a run: the policy sees what the run counts, and the call is counted.
    ///
    /// # Errors
    ///
    /// As [`decide`](Self::decide).
    pub async fn decide_within(
        &self,
        run: &Counts,
        tool: &str,
        mut call: Call,
    ) -> Result<Permitted, Refused> {
        let _turn = run.turn().await;
        // Without its facts what a policy says of a run does not hold.
        if let Some(facts) = run.facts(self.enforcer.agent(), tool) {
            call = call.run(facts);
        }
        let decided = self.decide_call(tool, call).await;
        match &decided {
            Ok(permitted) => {
                if permitted.decision().follows().is_some() {
                    run.needed_approval();
                }
                run.permitted(tool);
            }
            Err(refused) if refused.needs_approval() => run.needed_approval(),
            Err(_) => run.denied(),
        }
        decided.map(|permitted| permitted.within(run))
    }

    /// Denies a call of the caller in scope without asking the policy, because the adapter refuses it. The denial is recorded.
    pub fn refuse(&self, tool: &str, arguments: &str, reason: &str) -> Refused {
        self.refuse_call(tool, Call::in_scope(tool, arguments), reason)
    }

    /// As [`refuse`](Self::refuse), with a call that the adapter made.
    pub fn refuse_call(&self, tool: &str, call: Call, reason: &str) -> Refused {
        match guarded(|| self.enforcer.refuse(call, reason)) {
            Ok(decision) => Box::new(decision).into(),
            Err(panic) => failed(tool, &panic),
        }
    }

    /// As [`refuse_call`](Self::refuse_call), for a call of a run, where it is counted.
    pub fn refuse_within(&self, run: &Counts, tool: &str, call: Call, reason: &str) -> Refused {
        run.denied();
        self.refuse_call(tool, call, reason)
    }

    /// Has a call decided that cannot run whatever the policy says, so that the attempt is on record. Nobody is asked for approval. Gives what the
    /// model reads.
    #[must_use]
    pub fn in_vain(&self, tool: &str, arguments: &str, why: InVain) -> String {
        let decided = guarded(|| self.enforcer.decide_call(Call::in_scope(tool, arguments)));
        match decided {
            Ok(decision) if decision.is_allowed() => {
                record(
                    &self.enforcer,
                    decision.id(),
                    tool,
                    EndState::Failed,
                    None,
                    Some(why.as_str()),
                    None,
                );
                why.message(tool)
            }
            Ok(decision) => decision.model_message().unwrap_or_default(),
            Err(panic) => failed(tool, &panic).message,
        }
    }

    /// Whether a tool is shown to the model: the caller in scope could be allowed to call it. Without a scope nothing can be called, and
    /// nothing is shown.
    #[must_use]
    pub fn shows(&self, tool: &str) -> bool {
        let Ok(caller) = scope::current() else {
            return false;
        };
        // What cannot be said hides nothing: the call is decided all the same.
        guarded(|| self.enforcer.may_ever_call(&caller, tool)).unwrap_or(true)
    }

    /// Looks for another policy. Whatever comes of that, the last accepted one decides.
    pub fn begin_turn(&self) {
        if let Err(panic) = guarded(|| self.enforcer.begin_turn()) {
            tracing::error!(%panic, "looking for another policy panicked; the last accepted one decides");
        }
    }

    /// Begins a run of the agent: looks for another policy, and asks whether the caller in scope may run the agent at all. Without a scope a run
    /// begins only under a policy that does not decide runs; each of its calls is denied.
    ///
    /// # Errors
    ///
    /// The run must not begin.
    pub async fn begin_run(&self) -> Result<(), Refused> {
        self.begin_turn();
        let Ok(caller) = scope::current() else {
            if !self.enforcer.names(ADMISSION) {
                return Ok(());
            }
            let arguments = serde_json::json!({"agent": self.enforcer.agent()}).to_string();
            return Err(self.refuse(ADMISSION, &arguments, "no caller is in scope"));
        };
        match guarded_async(self.enforcer.admit(&caller, |call| call)).await {
            Ok(Ok(Some(permit))) => {
                record(
                    &self.enforcer,
                    permit.decision().id(),
                    permit.tool(),
                    EndState::Completed,
                    None,
                    None,
                    Some(Duration::ZERO),
                );
                Ok(())
            }
            Ok(Ok(None)) => Ok(()),
            Ok(Err(decision)) => Err(decision.into()),
            Err(panic) => Err(failed(ADMISSION, &panic)),
        }
    }

    fn permitted(&self, permit: Permit) -> Permitted {
        Permitted::new(self.enforcer.clone(), permit)
    }
}

/// Deciding failed: a denial in the same words, and the operator learns why.
fn failed(tool: &str, panic: &str) -> Refused {
    tracing::error!(tool = %harmless(tool), %panic, "deciding a call panicked; it is denied");
    Refused {
        message: format!(
            "[policy_denied] Tool '{}' is denied by the agent policy. The tool was not executed.",
            harmless(tool)
        ),
        decision: None,
    }
}
