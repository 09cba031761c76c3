//! What binds a request for access to the denial that it is for.

use std::sync::Arc;

use hexgate_base::{Clock, SealError, Sealer, Timestamp};
use hexgate_enforce::{Decision, PolicyInfo};
use hexgate_http::{EXPIRED_DENIAL, INVALID_BINDING, Problem, REQUESTS, Submission};
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::asked::Asked;

/// What is sealed here.
const PURPOSE: &str = "denial that can be requested";
/// For how many seconds a denial can be requested.
const OPEN: u64 = 600;
/// The longest token that is looked at.
const MAX_TOKEN: usize = 4 << 10;

/// Members of the context of a decision: names, and values as JSON.
pub(super) type Members = Vec<(&'static str, String)>;

/// Seals denials.
#[derive(Debug)]
pub(super) struct Bindings {
    sealer: Sealer,
    clock: Arc<dyn Clock>,
}

/// The denial that a submission is for.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Bound {
    evaluation: String,
    expires_at: String,
    component: String,
    manifest: Option<String>,
}

impl Bound {
    fn of(decision: &Decision, expires_at: String) -> Self {
        Self {
            evaluation: decision.id().to_string(),
            expires_at,
            component: decision.policy().component.to_string(),
            manifest: decision.policy().manifest.map(|it| it.to_string()),
        }
    }

    /// Whether a decision was made by the policy that denied.
    pub(super) fn is_by_the_policy_of(&self, decision: &Decision) -> bool {
        let now = Self::of(decision, String::new());
        (&self.component, &self.manifest) == (&now.component, &now.manifest)
    }
}

impl Bindings {
    pub(super) fn new(clock: Arc<dyn Clock>) -> Result<Self, getrandom::Error> {
        Ok(Self {
            sealer: Sealer::new()?,
            clock,
        })
    }

    fn now(&self) -> Option<Timestamp> {
        Timestamp::from_system_time(self.clock.now())
    }

    /// What a decision that needs approval says about requesting it.
    pub(super) fn issue(
        &self,
        asked: &Asked,
        decision: &Decision,
        base: &str,
    ) -> Result<Members, Problem> {
        let failed = || Problem::new(500, "the clock is out of range");
        let until = self
            .now()
            .and_then(|now| now.unix_seconds().checked_add(OPEN))
            .and_then(Timestamp::from_unix_seconds)
            .ok_or_else(failed)?;
        let at = Timestamp::from_system_time(decision.decided_at()).ok_or_else(failed)?;
        let bound = Bound::of(decision, until.to_string());
        let content =
            serde_json::to_vec(&bound).map_err(|error| Problem::new(500, error.to_string()))?;
        let binding = asked.binding(decision.agent(), decision.policy())?;
        let sealed = self.sealer.seal(PURPOSE, &binding, &content, until);
        let request = json!({
            "endpoint": format!("{base}{REQUESTS}"),
            "expires_at": bound.expires_at,
            "binding_token": sealed,
        });
        Ok(vec![
            ("evaluation_id", json!(bound.evaluation).to_string()),
            ("evaluated_at", json!(at.to_string()).to_string()),
            ("access_request", request.to_string()),
        ])
    }

    /// The denial that a submission is for.
    pub(super) fn open(
        &self,
        asked: &Asked,
        agent: &str,
        policy: &PolicyInfo,
        submission: &Submission<'_>,
    ) -> Result<Bound, Problem> {
        let invalid = |what: &str| Problem::bad(what).of(INVALID_BINDING);
        let foreign = "`denial.binding_token` was not given for this subject, action, resource and context to this client under this policy";
        if submission.binding.len() > MAX_TOKEN {
            return Err(invalid(foreign));
        }
        let now = self
            .now()
            .ok_or_else(|| Problem::new(500, "the clock is out of range"))?;
        let binding = asked.binding(agent, policy)?;
        let content = self
            .sealer
            .open(PURPOSE, &binding, &submission.binding, now)
            .map_err(|error| match error {
                SealError::Expired => Problem::new(
                    410,
                    "the denial can no longer be requested: evaluate it again",
                )
                .of(EXPIRED_DENIAL),
                SealError::Foreign => invalid(foreign),
            })?;
        let bound: Bound =
            serde_json::from_slice(&content).map_err(|error| invalid(&error.to_string()))?;
        if bound.expires_at != submission.expires_at {
            return Err(invalid("`denial.expires_at` is another than the denial's"));
        }
        if submission
            .evaluation
            .as_ref()
            .is_some_and(|evaluation| *evaluation != bound.evaluation)
        {
            return Err(invalid(
                "`denial.evaluation_id` is another than the denial's",
            ));
        }
        Ok(bound)
    }
}
