//! A tool that is decided where it would run.

use std::cell::Cell;
use std::sync::Arc;

use adk_core::{LlmRequest, ReadonlyContext, Result, Tool, ToolContext, Toolset};
use async_trait::async_trait;
use hexgate_enforce::{Call, Enforcer};
use hexgate_gate::{End, Gate};
use serde_json::{Value, json};

use crate::confirm::Confirming;
use crate::runs::{self, Forgotten};

thread_local! {
    /// Which enforcer decides the calls of the tool that was asked last. A tool that is gated says so when it is asked for its scopes.
    static DECIDES: Cell<Option<usize>> = const { Cell::new(None) };
}

/// Whether calls of a tool are decided by the enforcer of this gate where it runs, whatever stands around it. One that another enforcer decides is
/// gated for another agent.
pub(crate) fn is_gated(tool: &dyn Tool, gate: &Gate) -> bool {
    DECIDES.set(None);
    let _ = tool.required_scopes();
    DECIDES.take() == Some(gate.enforcer_id())
}

/// Wraps a tool, for agents that no [`GatedBuilder`](crate::GatedBuilder) builds. One that this enforcer decides already is given back as it is, and so
/// is a built-in tool, which does not run here.
#[must_use]
pub fn gated_tool(tool: Arc<dyn Tool>, enforcer: &Enforcer) -> Arc<dyn Tool> {
    wrapped(tool, &Gate::new(enforcer))
}

/// Wraps a toolset: every tool that it has at any time is gated.
#[must_use]
pub fn gated_toolset(toolset: Arc<dyn Toolset>, enforcer: &Enforcer) -> Arc<dyn Toolset> {
    Arc::new(Gated {
        inner: toolset,
        gate: Gate::new(enforcer),
    })
}

pub(crate) fn wrapped(tool: Arc<dyn Tool>, gate: &Gate) -> Arc<dyn Tool> {
    if tool.is_builtin() {
        gate.uncovered().note(tool.name());
        return tool;
    }
    if is_gated(&*tool, gate) {
        return tool;
    }
    Arc::new(Gated {
        inner: tool,
        gate: gate.clone(),
    })
}

pub(crate) struct Gated<T: ?Sized> {
    pub(crate) inner: Arc<T>,
    pub(crate) gate: Gate,
}

#[async_trait]
impl Tool for Gated<dyn Tool> {
    fn name(&self) -> &str {
        self.inner.name()
    }

    fn description(&self) -> &str {
        self.inner.description()
    }

    fn declaration(&self) -> Value {
        self.inner.declaration()
    }

    fn enhanced_description(&self) -> String {
        self.inner.enhanced_description()
    }

    fn is_long_running(&self) -> bool {
        self.inner.is_long_running()
    }

    fn is_builtin(&self) -> bool {
        self.inner.is_builtin()
    }

    fn parameters_schema(&self) -> Option<Value> {
        self.inner.parameters_schema()
    }

    fn response_schema(&self) -> Option<Value> {
        self.inner.response_schema()
    }

    fn required_scopes(&self) -> &[&str] {
        let scopes = self.inner.required_scopes();
        // After what is within may have said so: this one decides first.
        DECIDES.set(Some(self.gate.enforcer_id()));
        scopes
    }

    fn is_read_only(&self) -> bool {
        self.inner.is_read_only()
    }

    fn is_concurrency_safe(&self) -> bool {
        self.inner.is_concurrency_safe()
    }

    fn is_agent_delegation(&self) -> bool {
        self.inner.is_agent_delegation()
    }

    /// What the model reads of a denial is the tool's answer, and no failure that would be tried again.
    async fn execute(&self, ctx: Arc<dyn ToolContext>, args: Value) -> Result<Value> {
        let call = Call::in_scope(self.name(), args.to_string());
        let Ok(run) = runs::of(&self.gate, ctx.orchestration_root_invocation_id()) else {
            let refused = self.gate.refuse_call(self.name(), call, Forgotten::REASON);
            return Ok(json!({"error": refused.message}));
        };
        let confirming = Confirming::new(&self.gate, &run, &ctx, self.name(), &args);
        if confirming.is_refused() {
            let reason = "the run was given a refusal of this call";
            let refused = self
                .gate
                .refuse_within(&run.counts, self.name(), call, reason);
            return Ok(json!({"error": refused.message}));
        }
        let deciding = self.gate.decide_within(&run.counts, self.name(), call);
        let decided = confirming.within(deciding);
        let mut permitted = match decided.await {
            Ok(permitted) => permitted,
            Err(refused) => return Ok(json!({"error": refused.told()})),
        };
        let Some(args) = permitted.value() else {
            return Ok(json!({"error": permitted.inexact()}));
        };
        match permitted.run(self.inner.execute(ctx, args)).await {
            Ok(Ok(result)) => {
                permitted.end(End::Completed(&result.to_string()));
                Ok(result)
            }
            Ok(Err(error)) => {
                permitted.end(End::Failed("tool", Some(&error.to_string())));
                Err(error)
            }
            Err(panicked) => Err(adk_core::AdkError::tool(panicked.message)),
        }
    }
}

#[async_trait]
impl Toolset for Gated<dyn Toolset> {
    fn name(&self) -> &str {
        self.inner.name()
    }

    async fn tools(&self, ctx: Arc<dyn ReadonlyContext>) -> Result<Vec<Arc<dyn Tool>>> {
        let tools = self.inner.tools(ctx).await?;
        let gate = &self.gate;
        Ok(tools.into_iter().map(|tool| wrapped(tool, gate)).collect())
    }

    async fn process_llm_request(
        &self,
        ctx: Arc<dyn ReadonlyContext>,
        request: &mut LlmRequest,
    ) -> Result<()> {
        self.inner.process_llm_request(ctx, request).await
    }
}
