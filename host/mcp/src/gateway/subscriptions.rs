//! Hearing when resources change, as `mcp-SERVER.subscription`.

use std::sync::Arc;
use std::time::Duration;

use hexgate_base::Digest;
use hexgate_enforce::{Call, Caller, Decision, Effect, EndState};
use rmcp::model::ErrorData;

use super::{Gateway, shown};
use crate::names::{self, Kind};
use crate::server::Watch;

/// How long what changes again counts as one change.
const QUIET: Duration = Duration::from_millis(100);

/// A resource about which a client hears.
pub(super) struct Heard {
    gateway: Gateway,
    caller: Caller,
    gate: String,
    watch: Watch,
    /// The policy that permitted it last.
    policy: Digest,
}

fn uri(uri: &str) -> String {
    serde_json::json!({ "uri": uri }).to_string()
}

impl Gateway {
    /// Begins to hear about a resource, if the policy permits it.
    pub(super) fn hear(&self, caller: &Caller, asked: &str) -> Result<Heard, ErrorData> {
        let owner = self.owner(asked).filter(|server| server.tells_of_changes());
        let Some(server) = owner else {
            let why = "not exactly one server has such a resource and says when it changes";
            return Err(self.unknown(caller, Kind::Subscription, asked, why));
        };
        let gate = names::other(&server.name, Kind::Subscription);
        let decision = self
            .0
            .enforcer
            .decide_call(Call::of(caller, gate.clone(), uri(asked)));
        if decision.outcome() != Effect::Allow {
            return Err(shown::refused(&decision));
        }
        let watch = Arc::clone(server.watched()).watch(asked);
        let state = match watch {
            Some(_) => EndState::Completed,
            None => EndState::Failed,
        };
        let error = watch.is_none().then_some("server_busy");
        self.ended(
            &decision,
            watch.is_some(),
            state,
            None,
            error,
            Duration::ZERO,
        );
        let watch = watch.ok_or_else(|| {
            ErrorData::internal_error("[server_busy] too many resources are subscribed to", None)
        })?;
        Ok(Heard {
            gateway: self.clone(),
            caller: caller.clone(),
            gate,
            watch,
            policy: decision.policy().component,
        })
    }
}

impl Heard {
    /// Waits for a change. None: it is no longer permitted to hear of it.
    pub(super) async fn next(&mut self) -> Option<String> {
        self.watch.changed().await;
        tokio::time::sleep(QUIET).await;
        self.watch.forget();
        self.is_permitted().then(|| self.watch.uri().to_owned())
    }

    fn is_permitted(&mut self) -> bool {
        let gateway = &self.gateway;
        if gateway.is_stopped(&self.caller) {
            return false;
        }
        let policy = gateway.0.enforcer.live().id().component;
        if policy == self.policy {
            return true;
        }
        let call = Call::of(&self.caller, self.gate.clone(), uri(self.watch.uri()));
        let decision: Decision = gateway.0.enforcer.decide_call(call);
        self.policy = decision.policy().component;
        decision.outcome() == Effect::Allow
    }
}
