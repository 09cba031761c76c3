//! Renders decisions for the model, for the operator's programs, and for people.
//!
//! An attacker who steers the model may read what it reads, and a constraint tells how far a call may go. So the model learns that a call
//! was denied and nothing of the policy, unless the host chose [`Disclosure::Constraints`](crate::Disclosure). What the policy's author wrote
//! for the model it learns always.

use hexgate_base::{harmless, shortened};
use hexgate_host::PathScope;
use hexgate_host::contract::{approval, denied};
use serde::Serialize;

use crate::decision::{Cause, Decision, Effect};

/// The longest arguments that are shown to people, in characters.
const SHOWN: usize = 1000;

/// Why a call did not run, as a JSON object.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Payload<'a> {
    /// `policy_denied` or `approval_required`.
    #[serde(rename = "type")]
    pub kind: &'static str,
    /// The reason, one sentence.
    pub message: String,
    /// What the policy's author wants the model to be told.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub policy_message: Option<&'a str>,
    /// The tool.
    pub tool_name: &'a str,
    /// The agent.
    pub agent_name: &'a str,
    /// Always false: the same call gives the same answer.
    pub retryable: bool,
    /// The role on whose authority the call would happen.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub role: Option<&'a str>,
    /// Where the call could have gone instead.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hint: Option<Hint<'a>>,
    /// The constraints that were not true.
    #[serde(skip_serializing_if = "<[String]>::is_empty")]
    pub violations: &'a [String],
}

/// The pattern lists of a file scope, without empty ones.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Hint<'a> {
    /// A path must match one of these.
    #[serde(skip_serializing_if = "<[String]>::is_empty")]
    pub allowed_paths: &'a [String],
    /// A path must not match any of these.
    #[serde(skip_serializing_if = "<[String]>::is_empty")]
    pub denied_paths: &'a [String],
    /// What lifts `denied_paths` for a path that it matches itself.
    #[serde(skip_serializing_if = "<[String]>::is_empty")]
    pub except_paths: &'a [String],
}

impl<'a> From<&'a PathScope> for Hint<'a> {
    fn from(scope: &'a PathScope) -> Self {
        Self {
            allowed_paths: &scope.allowed,
            denied_paths: &scope.denied,
            except_paths: &scope.except,
        }
    }
}

/// For the model, after why a call did not run: the request for approval that waits, which an approver needs the name of, and what to do then.
#[must_use]
pub fn request_notice(request: &str) -> String {
    format!(
        "Approval was asked for as request {request}. Once it is given, make the same call again."
    )
}

impl Decision {
    /// `policy_denied` or `approval_required`. None: the call is allowed.
    #[must_use]
    pub fn error_type(&self) -> Option<&'static str> {
        self.outcome.error_type()
    }

    /// All details, for the operator's logs and programs. None: the call is allowed.
    #[must_use]
    pub fn payload(&self) -> Option<Payload<'_>> {
        Some(Payload {
            kind: self.error_type()?,
            message: self.reason.clone(),
            policy_message: self.message(),
            tool_name: &self.tool,
            agent_name: &self.agent,
            retryable: false,
            role: self.role.as_deref(),
            hint: self.hint.as_ref().map(Hint::from),
            violations: &self.violations,
        })
    }

    /// The part that the model may see, as the result of the call. None: the call is allowed.
    #[must_use]
    pub fn model_payload(&self) -> Option<Payload<'_>> {
        let full = self.payload()?;
        if self.disclose && self.cause == Cause::Policy {
            return Some(full);
        }
        Some(Payload {
            message: self.plain_reason(),
            role: None,
            hint: None,
            violations: &[],
            ..full
        })
    }

    /// The part that the model may see, as a line of text with a marker, `[policy_denied]` or `[approval_required]`, and at its end the
    /// [message](Self::message) of the policy's author. None: the call is allowed.
    #[must_use]
    pub fn model_message(&self) -> Option<String> {
        let tool = harmless(&self.tool);
        let because = match self.outcome {
            Effect::Allow => return None,
            _ if self.disclose && self.cause == Cause::Policy => {
                format!(": {}", harmless(&self.reason))
            }
            _ if self.is_models_fault => format!(": {}", harmless(&self.plain_reason())),
            _ => String::new(),
        };
        let message = self
            .message()
            .map(|message| format!(" {}", harmless(message)));
        let message = message.unwrap_or_default();
        Some(match self.outcome {
            Effect::NeedsApproval => format!(
                "[approval_required] Tool '{tool}' requires human approval before execution{because}. The tool was not executed.{message}"
            ),
            _ => format!(
                "[policy_denied] Tool '{tool}' is denied by the agent policy{because}. The tool was not executed.{message}"
            ),
        })
    }

    /// For people: the call, the decision and its reason. Ends with a line feed.
    #[must_use]
    pub fn human(&self) -> String {
        let head = match self.outcome {
            Effect::Allow => "✓ ALLOW",
            Effect::NeedsApproval => "⚠ APPROVAL_REQUIRED",
            Effect::Deny => "✗ DENY",
        };
        let caller = match &self.caller {
            None => "nobody".to_owned(),
            Some(caller) => format!(
                "{} [{}]",
                harmless(caller.user_id()),
                harmless(&caller.roles().join(", "))
            ),
        };
        let mut text = format!(
            "{head} · {} · {caller} → {}({})\n",
            harmless(&self.agent),
            harmless(&self.tool),
            shortened(self.arguments(), SHOWN)
        );
        if self.outcome != Effect::Allow {
            text.push_str(&format!("  reason: {}\n", harmless(&self.reason)));
        }
        if let Some(message) = self.message() {
            text.push_str(&format!("  message: {}\n", harmless(message)));
        }
        if !self.violations.is_empty() {
            text.push_str("  violations:\n");
        }
        for violation in &self.violations {
            text.push_str(&format!("    • {}\n", harmless(violation)));
        }
        if let Some(hint) = &self.hint
            && let Ok(hint) = serde_json::to_string(&Hint::from(hint))
        {
            text.push_str(&format!("  hint: {}\n", harmless(&hint)));
        }
        text
    }

    /// The reason without any part of the policy.
    pub(crate) fn plain_reason(&self) -> String {
        match self.outcome {
            _ if self.is_models_fault => self.reason.clone(),
            Effect::NeedsApproval => approval(&self.tool),
            _ => denied(&self.tool),
        }
    }
}
