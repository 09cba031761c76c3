//! An agent that knows in which run it works.

use std::sync::Arc;

use adk_agent::LlmAgent;
use adk_core::{
    Agent, AgentCapabilities, AgentInteractionMode, AgentTopology, AgentTransferDecision,
    AgentTransferRequest, EventStream, InvocationContext, Result, RunConfig,
};
use async_trait::async_trait;
use futures_util::{StreamExt as _, stream};
use hexgate_gate::Gate;

use crate::runs;

/// An agent whose calls are decided. To the framework it is the [`LlmAgent`] within.
///
/// A run is all that the framework's runner does for one message: an agent that runs again in it, within a loop or because it is handed back to, goes
/// on counting.
#[must_use = "an agent that is not run is gated in vain"]
pub struct GatedAgent {
    pub(crate) agent: LlmAgent,
    pub(crate) gate: Gate,
}

impl std::fmt::Debug for GatedAgent {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("GatedAgent")
            .field("agent", &self.agent.name())
            .field("gate", &self.gate)
            .finish_non_exhaustive()
    }
}

#[async_trait]
impl Agent for GatedAgent {
    /// While its events are awaited, hooks of the gate know the run.
    async fn run(&self, ctx: Arc<dyn InvocationContext>) -> Result<EventStream> {
        let run = runs::of(&self.gate, ctx.orchestration_root_invocation_id());
        let mut events = self.agent.run(ctx).await?;
        Ok(Box::pin(stream::poll_fn(move |context| {
            runs::within(&run, || events.poll_next_unpin(context))
        })))
    }

    fn name(&self) -> &str {
        self.agent.name()
    }

    fn description(&self) -> &str {
        self.agent.description()
    }

    fn sub_agents(&self) -> &[Arc<dyn Agent>] {
        self.agent.sub_agents()
    }

    fn interaction_mode(&self) -> AgentInteractionMode {
        self.agent.interaction_mode()
    }

    fn supports_agent_transfer(&self) -> bool {
        self.agent.supports_agent_transfer()
    }

    fn capabilities(&self) -> AgentCapabilities {
        self.agent.capabilities()
    }

    fn topology(&self) -> Option<AgentTopology> {
        self.agent.topology()
    }

    fn configure_run(&self, agent: &str, config: &mut RunConfig) {
        self.agent.configure_run(agent, config);
    }

    fn transfer_targets_for(&self, agent: &str) -> Option<Vec<String>> {
        self.agent.transfer_targets_for(agent)
    }

    fn strict_transfer_policy(&self) -> bool {
        self.agent.strict_transfer_policy()
    }

    async fn govern_transfer(
        &self,
        request: &AgentTransferRequest,
    ) -> Result<AgentTransferDecision> {
        self.agent.govern_transfer(request).await
    }
}
