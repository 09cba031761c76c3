//! From a proposed call to a permission.

use hexgate_base::guarded::guarded;
use hexgate_enforce::{Call, Cause, Decision, DecisionId, Effect, Permit};
use serde_json::{Map, Value};

use super::Run;
use super::call::Open;
use super::talk::Settled;
use crate::event::{ApprovalResolution, EventKind};
use crate::message::CallState;
use crate::outcome::Ended;
use crate::tool::ToolSpec;

/// A call that does not run.
pub(super) struct Denied {
    pub(super) state: CallState,
    pub(super) content: String,
    /// A short stable name.
    pub(super) why: &'static str,
}

/// What is decided: a name as policies know it, and arguments.
pub(super) struct Asked<'a> {
    pub(super) gate: &'a str,
    pub(super) arguments: String,
    /// What the person who is asked sees beside the arguments.
    pub(super) spec: &'a ToolSpec,
}

impl Run<'_> {
    /// Asks the policy, and who has to approve.
    pub(super) async fn decide(&self, open: &Open<'_>, asked: Asked<'_>) -> Result<Permit, Denied> {
        let Some(enforcer) = &self.parts.enforcer else {
            return Err(self.without_policy(open));
        };
        let Asked {
            gate,
            arguments,
            spec,
        } = asked;
        let call = self.with_facts(Call::of(self.caller, gate, arguments), gate);
        let mut waited: Option<Waiting<'_>> = None;
        let decided = enforcer
            .authorize_telling(call, |decision| {
                self.counts.needed_approval();
                self.told(Some(open), decision);
                waited = Some(self.ask_for(open, decision, spec));
            })
            .await;
        match decided {
            Ok(permit) => {
                let decision = permit.decision();
                match waited {
                    Some(waiting) => waiting.resolved(decision),
                    None => self.told(Some(open), decision),
                }
                Ok(permit)
            }
            Err(decision) => {
                match waited {
                    Some(waiting) => {
                        waiting.resolved(&decision);
                        let by_approval = decision.cause() == Cause::Approval
                            || decision.outcome() == Effect::NeedsApproval;
                        if !by_approval {
                            self.told(Some(open), &decision);
                            self.counts.denied();
                        }
                    }
                    None => {
                        self.told(Some(open), &decision);
                        if decision.outcome() == Effect::NeedsApproval {
                            self.counts.needed_approval();
                        } else {
                            self.counts.denied();
                        }
                    }
                }
                Err(denied(&decision))
            }
        }
    }

    /// Has a call decided that cannot run, whatever the policy says of it, so that the record has it. Nobody is asked for approval.
    pub(super) fn decide_in_vain(&self, open: &Open<'_>, tool: &str, arguments: &str) {
        let Some(enforcer) = &self.parts.enforcer else {
            let _ = self.without_policy(open);
            return;
        };
        let call = self.with_facts(Call::of(self.caller, tool, arguments), tool);
        let decision = enforcer.decide_call(call);
        self.told(Some(open), &decision);
        if decision.outcome() == Effect::Deny {
            self.counts.denied();
        }
        if decision.is_allowed() {
            self.end_unstarted(&decision, tool, "unknown_tool");
        }
    }

    /// Denies a call without asking the policy, on the record.
    pub(super) fn refuse(
        &self,
        open: &Open<'_>,
        gate: &str,
        arguments: &str,
        reason: &str,
    ) -> Denied {
        let Some(enforcer) = &self.parts.enforcer else {
            return self.without_policy(open);
        };
        let call = self.with_facts(Call::of(self.caller, gate, arguments), gate);
        let decision = enforcer.refuse(call, reason);
        self.told(Some(open), &decision);
        self.counts.denied();
        denied(&decision)
    }

    /// Why a run does not begin.
    pub(super) fn not_admitted(&self, decision: &Decision) -> Ended {
        self.counts.denied();
        if decision.cause() == Cause::Stopped {
            let reason = decision.reason().to_owned();
            return Ended::Stopped { reason };
        }
        Ended::NotAdmitted {
            message: decision.model_message().unwrap_or_default(),
        }
    }

    /// Records that a permitted call was not started.
    pub(super) fn end_unstarted(&self, decision: &Decision, tool: &str, error: &str) {
        if let Some(enforcer) = &self.parts.enforcer {
            enforcer.ended(&hexgate_enforce::Ended {
                at: std::time::SystemTime::now(),
                decision: decision.id(),
                tool,
                ran: false,
                state: hexgate_enforce::EndState::Failed,
                result: None,
                error: Some(error),
                took: std::time::Duration::ZERO,
            });
        }
    }

    /// Without a policy every call is denied.
    fn without_policy(&self, open: &Open<'_>) -> Denied {
        let tool = hexgate_base::shortened(open.tool(), SHOWN);
        let message = format!(
            "[policy_denied] Tool '{tool}' is denied: this agent has no policy, so it may do nothing. The tool was not executed."
        );
        self.counts.denied();
        let kind = EventKind::Decision {
            tool_id: Some(open.id().to_owned()),
            tool_name: open.tool().to_owned(),
            decision_id: String::new(),
            outcome: Effect::Deny.into(),
            message: Some(message.clone()),
            role: None,
        };
        self.sink.emit(&self.info, kind);
        Denied {
            state: CallState::Denied,
            content: message,
            why: "no_policy",
        }
    }

    /// Tells a decision about a call, or about the run itself.
    pub(super) fn told(&self, open: Option<&Open<'_>>, decision: &Decision) {
        if !self.sink.is_heard() {
            return;
        }
        let kind = EventKind::decision(open.map(Open::id), decision);
        self.sink.emit(&self.info, kind);
    }

    fn ask_for<'a>(
        &'a self,
        open: &'a Open<'_>,
        decision: &Decision,
        spec: &ToolSpec,
    ) -> Waiting<'a> {
        if self.sink.is_heard() {
            let arguments: Value = serde_json::from_str(decision.arguments()).unwrap_or_default();
            let preview = spec
                .preview
                .and_then(|preview| guarded(|| preview(&arguments)).ok())
                .flatten();
            let kind = EventKind::ApprovalRequested {
                tool_id: open.id().to_owned(),
                tool_name: open.tool().to_owned(),
                decision_id: decision.id().to_string(),
                arguments: match arguments {
                    Value::Object(members) => members,
                    // INVARIANT: a policy decides nothing but objects.
                    _ => Map::new(),
                },
                preview,
                message: decision.message().map(str::to_owned),
            };
            self.sink.emit(&self.info, kind);
        }
        Waiting {
            run: self,
            tool_id: open.id(),
            tool_name: open.tool(),
            asked: decision.id(),
            is_resolved: false,
        }
    }
}

/// A person is asked. That nobody is asked any more is told also if the run is cancelled meanwhile.
struct Waiting<'a> {
    run: &'a Run<'a>,
    tool_id: &'a str,
    tool_name: &'a str,
    asked: DecisionId,
    is_resolved: bool,
}

impl Waiting<'_> {
    /// What came of it.
    fn resolved(mut self, decision: &Decision) {
        let resolution = match decision.pending_request() {
            _ if decision.is_allowed() => ApprovalResolution::Approved,
            Some(_) => ApprovalResolution::Pending,
            None => ApprovalResolution::Refused,
        };
        self.tell(resolution, Some(decision));
    }

    fn tell(&mut self, resolution: ApprovalResolution, decision: Option<&Decision>) {
        let of = |found: fn(&Decision) -> Option<&str>| decision.and_then(found).map(str::to_owned);
        self.is_resolved = true;
        let kind = EventKind::ApprovalResolved {
            tool_id: self.tool_id.to_owned(),
            tool_name: self.tool_name.to_owned(),
            decision_id: self.asked.to_string(),
            approved: resolution == ApprovalResolution::Approved,
            resolution,
            by: of(Decision::approved_by),
            reason: of(Decision::approval_reason),
            request: of(Decision::pending_request),
        };
        self.run.sink.emit(&self.run.info, kind);
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        if !self.is_resolved {
            self.tell(ApprovalResolution::Refused, None);
        }
    }
}

/// How much of a name is shown to a model that made it up, in characters.
pub(super) const SHOWN: usize = 100;

/// What the model reads of a denial.
fn denied(decision: &Decision) -> Denied {
    let is_of_the_call = matches!(decision.cause(), Cause::Malformed | Cause::Exceeded);
    Denied {
        state: if is_of_the_call {
            CallState::Failed
        } else {
            CallState::Denied
        },
        content: decision.model_message().unwrap_or_default(),
        why: decision.cause().as_str(),
    }
}

impl From<Denied> for Settled {
    fn from(denied: Denied) -> Self {
        Self {
            state: denied.state,
            content: denied.content,
        }
    }
}
