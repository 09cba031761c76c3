//! Hearing when resources change, as `mcp-SERVER.subscription`.

use std::sync::Arc;
use std::time::Duration;

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
        let watch = Arc::clone(server.watched()).watch(caller.user_id(), asked);
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

    /// Each change is decided: by now the policy may be another, the caller stopped, its token over or revoked.
    fn is_permitted(&self) -> bool {
        let call = Call::of(&self.caller, self.gate.clone(), uri(self.watch.uri()));
        let decision: Decision = self.gateway.0.enforcer.decide_call(call);
        decision.outcome() == Effect::Allow
    }
}
