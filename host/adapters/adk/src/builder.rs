//! A builder of agents whose tools are wrapped as they are added.

use std::sync::Arc;

use adk_agent::LlmAgentBuilder;
use adk_core::{CallbackContext, Content, Result, Tool, Toolset};
use hexgate_enforce::Enforcer;
use hexgate_gate::Gate;

use crate::agent::GatedAgent;
use crate::plugin::{Plugin, Vain};
use crate::tool::{Gated, wrapped};

/// Builds an agent whose calls are decided.
#[must_use = "a builder builds an agent"]
pub struct GatedBuilder {
    builder: LlmAgentBuilder,
    gate: Gate,
}

/// Gates the agent that a builder builds. Its tools are added to the [`GatedBuilder`]; those that the builder has already are denied.
pub fn gate(builder: LlmAgentBuilder, enforcer: &Enforcer) -> GatedBuilder {
    let gate = Gate::new(enforcer);
    let admits = gate.clone();
    let builder = builder.before_callback(Box::new(move |_: Arc<dyn CallbackContext>| {
        let gate = admits.clone();
        Box::pin(async move {
            // Content in the place of the run: the run does not begin.
            Ok(gate
                .begin_run()
                .await
                .err()
                .map(|refused| Content::new("model").with_text(refused.message)))
        })
    }));
    GatedBuilder { builder, gate }
}

impl GatedBuilder {
    /// Adds a tool. Each call of it is decided.
    pub fn tool(mut self, tool: Arc<dyn Tool>) -> Self {
        self.builder = self.builder.tool(wrapped(tool, &self.gate));
        self
    }

    /// Adds a toolset. Each call of each tool that it ever has is decided.
    pub fn toolset(mut self, toolset: Arc<dyn Toolset>) -> Self {
        self.builder = self.builder.toolset(Arc::new(Gated {
            inner: toolset,
            gate: self.gate.clone(),
        }));
        self
    }

    /// Everything else that a builder has: sub-agents, callbacks, plugins, instructions. A tool that is added here is denied.
    pub fn with(mut self, change: impl FnOnce(LlmAgentBuilder) -> LlmAgentBuilder) -> Self {
        self.builder = change(self.builder);
        self
    }

    /// The tools so far that the provider of the model runs, and that no policy decides.
    #[must_use]
    pub fn uncovered(&self) -> Vec<String> {
        self.gate.uncovered().names()
    }

    /// Builds the agent. The gate is its last plugin.
    ///
    /// # Errors
    ///
    /// Those of the framework's builder.
    pub fn build(self) -> Result<GatedAgent> {
        let vain = Vain::default();
        let plugin = Arc::new(Plugin::new(self.gate.clone(), vain.clone()));
        let builder =
            self.builder
                .after_tool_callback(Box::new(move |ctx: Arc<dyn CallbackContext>| {
                    let result = vain.result(&*ctx);
                    Box::pin(std::future::ready(Ok(result)))
                }));
        let agent = builder.enhanced_plugin(plugin).build()?;
        Ok(GatedAgent {
            agent,
            gate: self.gate,
        })
    }
}

impl std::fmt::Debug for GatedBuilder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("GatedBuilder")
            .field("gate", &self.gate)
            .finish_non_exhaustive()
    }
}
