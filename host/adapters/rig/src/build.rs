//! From an agent's builder to an agent whose calls are decided.

use std::ops::Deref;

use hexgate_base::guarded::guarded;
use hexgate_enforce::Enforcer;
use hexgate_gate::Gate;
use rig_agent::agent::{NoToolConfig, WithBuilderTools, WithToolServerHandle};
use rig_agent::bus::{BusDriver, Registrar};
use rig_agent::{Agent, AgentBuilder};
use tokio::runtime::Handle;

use crate::hook::Hook;
use crate::seal::Sealer;

/// An agent whose calls are decided. It is used as the [`Agent`] that it is.
#[derive(Clone)]
#[must_use = "an agent that is not used is gated in vain"]
pub struct Gated {
    agent: Agent,
    gate: Gate,
}

impl Gated {
    /// The tools that requests of this agent asked the provider to run, which no policy decides. Each was named in a warning when it was first
    /// seen.
    #[must_use]
    pub fn uncovered(&self) -> Vec<String> {
        self.gate.uncovered().names()
    }

    /// The agent, to be made a tool of another one for example. It stays gated.
    #[must_use]
    pub fn into_agent(self) -> Agent {
        self.agent
    }
}

impl Deref for Gated {
    type Target = Agent;

    fn deref(&self) -> &Agent {
        &self.agent
    }
}

impl std::fmt::Debug for Gated {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Gated")
            .field("agent", &self.agent.name())
            .field("gate", &self.gate)
            .finish_non_exhaustive()
    }
}

/// Why an agent is not gated. There is no agent then.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum GateError {
    /// Nothing can drive the agent's bus.
    #[error("an agent is gated within a runtime of tokio, which drives its bus")]
    NoRuntime,
    /// The agent is on a bus of the program's own.
    #[error(
        "the agent is on a bus of the program's own: use `gate_on` with the registrar of that bus"
    )]
    HostBus,
    /// The bus refused a sealed tool.
    #[error("the bus does not take the sealed tools of the agent")]
    Unsealed,
}

/// A builder of an agent, in any of its states.
pub trait Gateable: sealed::Sealed {
    #[doc(hidden)]
    fn hooked(self, hook: sealed::Hooked) -> Agent;
}

mod sealed {
    /// Builders are rig's alone.
    pub trait Sealed {}

    /// The hook, for this crate alone.
    #[derive(Debug)]
    pub struct Hooked(pub(super) super::Hook);
}

macro_rules! gateable {
    ($($state:ty),*) => {$(
        impl sealed::Sealed for AgentBuilder<$state> {}

        impl Gateable for AgentBuilder<$state> {
            fn hooked(self, hook: sealed::Hooked) -> Agent {
                self.add_hook(hook.0).build()
            }
        }
    )*};
}

gateable!(NoToolConfig, WithBuilderTools, WithToolServerHandle);

/// Builds an agent whose calls this enforcer decides.
///
/// # Errors
///
/// There is no runtime of tokio here, or the agent is on a bus of the program's own.
pub fn gate(builder: impl Gateable, enforcer: &Enforcer) -> Result<Gated, GateError> {
    let runtime = Handle::try_current().map_err(|_| GateError::NoRuntime)?;
    let gate = Gate::new(enforcer);
    let hook = Hook::new(gate.clone());
    let agent = builder.hooked(sealed::Hooked(hook.clone()));
    let parts = agent.into_parts().map_err(|_| GateError::HostBus)?;
    let sealer = Sealer::new(
        gate.clone(),
        parts.registrar,
        parts.agent.tool_server_handle().clone(),
    );
    hook.seal_by(sealer).map_err(|_| GateError::Unsealed)?;
    runtime.spawn(drive(parts.driver));
    Ok(Gated {
        agent: parts.agent,
        gate,
    })
}

/// As [`gate`], for an agent on a bus of the program's own (`AgentBuilder::over_bus`), which the program drives. The registrar is that of the same
/// bus.
///
/// # Errors
///
/// The bus does not take the sealed tools.
pub fn gate_on(
    registrar: Registrar,
    builder: impl Gateable,
    enforcer: &Enforcer,
) -> Result<Gated, GateError> {
    let gate = Gate::new(enforcer);
    let hook = Hook::new(gate.clone());
    let agent = builder.hooked(sealed::Hooked(hook.clone()));
    let sealer = Sealer::new(gate.clone(), registrar, agent.tool_server_handle().clone());
    hook.seal_by(sealer).map_err(|_| GateError::Unsealed)?;
    Ok(Gated { agent, gate })
}

/// Serves the bus. What panics in it, such as a model, fails its own call and ends no other.
async fn drive(mut driver: BusDriver) {
    std::future::poll_fn(move |context| {
        loop {
            match guarded(|| std::pin::Pin::new(&mut driver).poll(context)) {
                Ok(polled) => return polled,
                Err(panic) => tracing::error!(%panic, "a handler of an agent's bus panicked"),
            }
        }
    })
    .await;
}
