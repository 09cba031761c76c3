//! The hook that decides.

use std::sync::{Arc, OnceLock};

use hexgate_enforce::Call;
use hexgate_gate::{End, Gate, InVain};
use rig_agent::agent::{
    AgentHook, CompletionCallAction, CompletionCallEvent, DispatchAction, DispatchEvent,
    HookContext, InvalidToolCallAction, InvalidToolCallContext, InvalidToolCallReason,
    OutcomeAction, OutcomeEvent, RunStart, RunStartAction, StepEventKind,
};
use rig_core::completion::CompletionRequest;
use rig_core::effect::{EffectKind, Outcome};
use rig_core::error::ErrorKind;
use rig_core::tool::ToolResult;

use crate::hosted;
use crate::permits::OfRun;
use crate::seal::{Sealer, slot, text};

/// Decides what an agent dispatches.
#[derive(Debug, Clone)]
pub(crate) struct Hook {
    gate: Gate,
    sealer: Arc<OnceLock<Sealer>>,
}

impl Hook {
    pub(crate) fn new(gate: Gate) -> Self {
        Self {
            gate,
            sealer: Arc::default(),
        }
    }

    /// Once the agent is built, there is a bus.
    pub(crate) fn seal_by(&self, sealer: Sealer) -> Result<(), String> {
        self.sealer.get_or_init(|| sealer).all()
    }

    async fn tool(
        &self,
        ctx: &HookContext,
        event: &DispatchEvent<'_>,
        tool: &str,
        args: &str,
    ) -> DispatchAction {
        let Some(sealer) = self.sealer.get() else {
            let refused = self
                .gate
                .refuse(tool, args, "the agent's tools are not sealed");
            return DispatchAction::skip(refused.message);
        };
        let run = of_run(ctx);
        let call = Call::in_scope(tool, args);
        let permitted = match self.gate.decide_within(&run.counts, tool, call).await {
            Ok(permitted) => permitted,
            Err(refused) => return DispatchAction::skip(refused.told()),
        };
        // After the decision, which can take as long as a person does.
        if let Err(reason) = sealer.one(tool) {
            let message = format!(
                "[tool_failed] {reason}. The tool was not executed; propose the call again."
            );
            permitted.end(End::Failed("not_sealed", Some(&message)));
            return DispatchAction::skip(message);
        }
        let slot = slot(permitted);
        sealer.permits.keep(event.id, &slot);
        run.keep(event.id, slot);
        DispatchAction::proceed()
    }

    /// Hides what the caller can never call, and names what the provider is to run.
    fn completion(&self, request: &CompletionRequest, stream: bool) -> DispatchAction {
        for name in hosted::names(request) {
            self.gate.uncovered().note(&name);
        }
        let Some(sealer) = self.sealer.get() else {
            return DispatchAction::proceed();
        };
        let hidden = |name: &str| sealer.has(name) && !self.gate.shows(name);
        if !request.tools.iter().any(|tool| hidden(tool.name.as_str())) {
            return DispatchAction::proceed();
        }
        let mut request = request.clone();
        request.tools.retain(|tool| !hidden(tool.name.as_str()));
        if request.tools.is_empty() {
            request.tool_choice = None;
        }
        DispatchAction::patch(EffectKind::Completion { request, stream })
    }
}

/// The permissions of this run.
fn of_run(ctx: &HookContext) -> OfRun {
    if let Some(of_run) = ctx.scratchpad().get::<OfRun>() {
        return of_run;
    }
    let of_run = OfRun::new(ctx.run_id().to_string());
    ctx.scratchpad().insert(of_run.clone());
    of_run
}

impl AgentHook for Hook {
    fn name(&self) -> Option<String> {
        Some("hexgate".to_owned())
    }

    fn observes(&self, kind: StepEventKind) -> bool {
        matches!(
            kind,
            StepEventKind::RunStart
                | StepEventKind::CompletionCall
                | StepEventKind::InvalidToolCall
                | StepEventKind::CompletionDispatch
                | StepEventKind::ToolDispatch
        )
    }

    async fn on_run_start(&self, ctx: &HookContext, _: RunStart<'_>) -> RunStartAction {
        let _ = of_run(ctx);
        match self.gate.begin_run().await {
            Ok(()) => RunStartAction::continue_run(),
            Err(refused) => RunStartAction::stop(refused.message),
        }
    }

    async fn on_completion_call(
        &self,
        _: &HookContext,
        _: CompletionCallEvent<'_>,
    ) -> CompletionCallAction {
        let Some(sealer) = self.sealer.get() else {
            return CompletionCallAction::stop("the agent's tools are not sealed");
        };
        match sealer.all() {
            Ok(()) => CompletionCallAction::continue_run(),
            Err(error) => {
                CompletionCallAction::stop(format!("the agent's tools cannot be sealed: {error}"))
            }
        }
    }

    /// A call that cannot be dispatched is an attempt all the same.
    async fn on_invalid_tool_call(
        &self,
        _: &HookContext,
        event: &InvalidToolCallContext,
    ) -> Option<InvalidToolCallAction> {
        let why = match &event.reason {
            InvalidToolCallReason::UnknownTool => InVain::UnknownTool,
            InvalidToolCallReason::MalformedArguments { .. } => InVain::InvalidArguments,
            _ => InVain::NotOffered,
        };
        let arguments = event.args.as_deref().unwrap_or("{}");
        let reason = self.gate.in_vain(&event.tool_name, arguments, why);
        Some(InvalidToolCallAction::Skip { reason })
    }

    async fn on_dispatch(&self, ctx: &HookContext, event: DispatchEvent<'_>) -> DispatchAction {
        match event.kind {
            EffectKind::ToolCall { name, args } => self.tool(ctx, &event, name, args).await,
            EffectKind::Completion { request, stream } => self.completion(request, *stream),
            _ => DispatchAction::proceed(),
        }
    }

    /// What the tool did not take did not run, or ran past the gate.
    async fn on_outcome(&self, ctx: &HookContext, event: OutcomeEvent<'_>) -> OutcomeAction {
        let EffectKind::ToolCall { .. } = event.kind else {
            return OutcomeAction::proceed();
        };
        let Some(permitted) = of_run(ctx).unused(event.id) else {
            return OutcomeAction::proceed();
        };
        let text = text(event.outcome);
        match event.outcome {
            Ok(Outcome::ToolResult { result }) if !result.is_skipped() => {
                let message = permitted.withheld();
                OutcomeAction::replace(Ok(Outcome::ToolResult {
                    result: ToolResult::failed(rig_core::tool::ToolExecutionError::other(message)),
                }))
            }
            Err(report) if report.kind == ErrorKind::Cancelled => {
                permitted.end(End::Cancelled);
                OutcomeAction::proceed()
            }
            _ => {
                permitted.end(End::Failed("not_started", Some(&text)));
                OutcomeAction::proceed()
            }
        }
    }
}
