//! What no tool of the agent sees: tools that came past the gate, unknown ones, handoffs, and the list for the model.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex};

use adk_core::{
    CallbackContext, Content, FunctionResponseData, LlmRequest, LlmResponse, Part, Result, Tool,
};
use adk_plugin::{
    AfterModelCallResult, BeforeModelCallResult, BeforeToolCallResult, EnhancedPlugin,
    PluginContext,
};
use async_trait::async_trait;
use hexgate_base::guarded::locked;
use hexgate_enforce::Call;
use hexgate_gate::{End, Gate, InVain};
use serde_json::{Value, json};

use crate::runs::Forgotten;
use crate::tool::is_gated;
use crate::{questions, runs};

/// Requests whose offers are kept. Those that were never answered are forgotten beyond that.
const MAX_OFFERS: usize = 1024;
/// The framework's own call for a handoff.
const TRANSFER: &str = "transfer_to_agent";

/// The last plugin of an agent.
pub(crate) struct Plugin {
    gate: Gate,
    /// The names that the last request of an invocation offered, until it is answered.
    offered: Mutex<HashMap<String, HashSet<String>>>,
    vain: Vain,
}

/// Calls of tools that do not exist, and what the model reads of them, until the framework has said that there are none.
#[derive(Clone, Default)]
pub(crate) struct Vain(Arc<Mutex<Vec<Attempt>>>);

struct Attempt {
    invocation: String,
    tool: String,
    args: Value,
    id: Option<String>,
    message: String,
}

impl Vain {
    fn keep(&self, attempt: Attempt) {
        let mut attempts = locked(&self.0);
        if attempts.len() >= MAX_OFFERS {
            attempts.remove(0);
        }
        attempts.push(attempt);
    }

    /// The result of a call, if it is one of these.
    pub(crate) fn result(&self, ctx: &dyn CallbackContext) -> Option<Content> {
        let (tool, args) = (ctx.tool_name()?, ctx.tool_input()?);
        let mut attempts = locked(&self.0);
        let at = attempts.iter().position(|attempt| {
            attempt.invocation == ctx.invocation_id()
                && attempt.tool == tool
                && attempt.args == *args
        })?;
        let Attempt {
            tool, id, message, ..
        } = attempts.remove(at);
        let mut content = Content::new("function");
        content.parts.push(Part::FunctionResponse {
            function_response: FunctionResponseData::new(tool, json!({"error": message})),
            id,
            annotations: None,
        });
        Some(content)
    }
}

impl Plugin {
    pub(crate) fn new(gate: Gate, vain: Vain) -> Self {
        Self {
            gate,
            offered: Mutex::default(),
            vain,
        }
    }

    /// Decides a handoff. Some: the model reads this instead.
    async fn handoff(&self, ctx: &dyn CallbackContext, args: &Value) -> Option<String> {
        let target = args.get("agent_name").and_then(Value::as_str);
        let target = target.unwrap_or_default();
        let decided = json!({
            "agent": ctx.agent_name(),
            "target": target,
            "via": "handoff",
        });
        let name = format!("agent.handoff:{target}");
        let call = Call::in_scope(name.as_str(), decided.to_string());
        let Ok(run) = runs::current() else {
            let refused = self.gate.refuse_call(&name, call, Forgotten::REASON);
            return Some(refused.message);
        };
        match self.gate.decide_within(&run.counts, &name, call).await {
            Ok(mut permitted) => {
                // It happens at once: the framework takes it from here.
                let _ = permitted.run(std::future::ready(())).await;
                permitted.end(End::Completed(""));
                None
            }
            Err(refused) => Some(refused.told()),
        }
    }
}

#[async_trait]
impl EnhancedPlugin for Plugin {
    fn name(&self) -> &str {
        "hexgate"
    }

    fn priority(&self) -> i32 {
        i32::MAX
    }

    /// A tool that is not gated for this agent does not run.
    async fn before_tool_call(
        &self,
        tool: Arc<dyn Tool>,
        args: Value,
        _: Arc<dyn CallbackContext>,
        _: &PluginContext,
    ) -> Result<BeforeToolCallResult> {
        if is_gated(&*tool, &self.gate) {
            return Ok(BeforeToolCallResult::Continue(args));
        }
        let reason = "the tool came to the agent past its gate: give it to the gated builder, or wrap it with `gated_tool` or `gated_toolset` and the enforcer of this agent";
        tracing::error!(tool = %hexgate_base::harmless(tool.name()), "{reason}");
        let refused = self.gate.refuse(tool.name(), &args.to_string(), reason);
        Ok(BeforeToolCallResult::ShortCircuit(
            json!({"error": refused.message}),
        ))
    }

    async fn before_model_call(
        &self,
        mut request: LlmRequest,
        ctx: Arc<dyn CallbackContext>,
        _: &PluginContext,
    ) -> Result<BeforeModelCallResult> {
        let offered = request.tools.keys().cloned().collect();
        let mut offers = locked(&self.offered);
        if offers.len() >= MAX_OFFERS {
            offers.clear();
        }
        offers.insert(ctx.invocation_id().to_owned(), offered);
        drop(offers);
        request
            .tools
            .retain(|name, _| name == TRANSFER || self.gate.shows(name));
        Ok(BeforeModelCallResult::Continue(request))
    }

    async fn after_model_call(
        &self,
        mut response: LlmResponse,
        ctx: Arc<dyn CallbackContext>,
        _: &PluginContext,
    ) -> Result<AfterModelCallResult> {
        let offered = locked(&self.offered).remove(ctx.invocation_id());
        let is_unknown = |name: &str| offered.as_ref().is_some_and(|it| !it.contains(name));
        let parts = response.content.iter_mut().flat_map(|it| &mut it.parts);
        for part in parts {
            let Part::FunctionCall { name, args, id, .. } = part else {
                continue;
            };
            if name == TRANSFER {
                if let Some(message) = self.handoff(&*ctx, args).await {
                    // No agent has such a name, so the framework answers with an error in which the model reads it.
                    *args = json!({"agent_name": message});
                }
                continue;
            }
            if let Some(id) = &id {
                questions::proposed(&self.gate, &*ctx, id);
            }
            if is_unknown(name) {
                let message = self
                    .gate
                    .in_vain(name, &args.to_string(), InVain::UnknownTool);
                self.vain.keep(Attempt {
                    invocation: ctx.invocation_id().to_owned(),
                    tool: name.clone(),
                    args: args.clone(),
                    id: id.clone(),
                    message,
                });
            }
        }
        Ok(AfterModelCallResult::Continue(response))
    }
}
