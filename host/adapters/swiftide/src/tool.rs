//! A tool that is decided where it would run.

use std::borrow::Cow;
use std::cell::Cell;

use async_trait::async_trait;
use hexgate_enforce::{Call, scope};
use hexgate_gate::{End, Gate, Permitted, Refused};
use serde_json::json;
use swiftide_core::chat_completion::errors::ToolError;
use swiftide_core::chat_completion::{ToolCall, ToolOutput, ToolSpec};
use swiftide_core::{AgentContext, Tool, ToolFeedback};

use crate::feedback::{self, Given, Questions};
use crate::run::{Current, Turns};

thread_local! {
    /// Which agent the tool is gated for that was asked last. A tool that is gated says so when it is asked for its name.
    static GATED_FOR: Cell<Option<usize>> = const { Cell::new(None) };
}

/// Whether calls of a tool are decided for this agent where it runs, whatever stands around it.
pub(crate) fn is_gated(tool: &dyn Tool, shared: &Shared) -> bool {
    GATED_FOR.set(None);
    let _ = tool.name();
    GATED_FOR.take() == Some(shared.current.agent_id())
}

/// What the tools of one agent share.
#[derive(Debug, Clone)]
pub(crate) struct Shared {
    pub(crate) gate: Gate,
    pub(crate) current: Current,
    pub(crate) turns: Turns,
    pub(crate) questions: Questions,
}

/// A tool whose calls are decided.
#[derive(Clone)]
pub(crate) struct Gated {
    pub(crate) inner: Box<dyn Tool>,
    pub(crate) shared: Shared,
}

impl Gated {
    async fn decide(
        &self,
        context: &dyn AgentContext,
        call: &ToolCall,
    ) -> Result<Permitted, Refused> {
        let Shared {
            gate,
            current,
            turns,
            questions,
        } = &self.shared;
        let _turn = turns.take(call.id());
        let (tool, arguments) = (call.name(), arguments(call));
        let run = current.get();
        // The framework runs tools where no caller is in scope. Where one is, another agent to which the tool was given calls it.
        let of_run = run.as_ref().and_then(|run| run.caller.as_ref());
        let proposed = match of_run {
            Some(caller) if scope::current().is_err() => Call::of(caller, tool, arguments),
            _ => Call::in_scope(tool, arguments),
        };
        // What the policy names is the tool that runs.
        if tool != self.inner.name() {
            return Err(gate.refuse_call(tool, proposed, "the tool has another name"));
        }
        // They are taken: the next call with these arguments is asked about again.
        let given = Given {
            feedback: context.has_received_feedback(call).await,
            asked: questions.take(call),
        };
        if let Some(ToolFeedback::Refused { .. }) = given.feedback {
            let reason = "the feedback was a refusal";
            return Err(match &run {
                Some(run) => gate.refuse_within(&run.counts, tool, proposed, reason),
                None => gate.refuse_call(tool, proposed, reason),
            });
        }
        let deciding = async {
            match &run {
                Some(run) => gate.decide_within(&run.counts, tool, proposed).await,
                None => gate.decide_call(tool, proposed).await,
            }
        };
        feedback::within(given, deciding).await
    }

    async fn call(
        &self,
        context: &dyn AgentContext,
        call: &ToolCall,
    ) -> Result<ToolOutput, ToolError> {
        let mut permitted = match self.decide(context, call).await {
            Ok(permitted) => permitted,
            Err(refused) if refused.pending().is_some() => {
                if let Some(decision) = &refused.decision {
                    self.shared.questions.keep(call, decision);
                }
                return Ok(ToolOutput::feedback_required(Some(question(&refused))));
            }
            Err(refused) => return Ok(ToolOutput::fail(refused.message)),
        };
        if !permitted.is(call.name(), arguments(call)) {
            return Ok(ToolOutput::fail(permitted.inexact()));
        }
        match permitted.run(self.inner.invoke(context, call)).await {
            Ok(Ok(output)) => {
                let text = output.to_string();
                permitted.end(match &output {
                    ToolOutput::Fail(_) | ToolOutput::AgentFailed(_) => {
                        End::Failed("tool", Some(&text))
                    }
                    _ => End::Completed(&text),
                });
                Ok(output)
            }
            Ok(Err(error)) => {
                permitted.end(End::Failed("tool", Some(&error.to_string())));
                Err(error)
            }
            Err(panicked) => Ok(ToolOutput::fail(panicked.message)),
        }
    }
}

/// What the approver has to see: the whole call.
fn question(refused: &Refused) -> serde_json::Value {
    let decision = refused.decision.as_ref();
    json!({
        "type": "approval_required",
        "tool": decision.map(|it| it.tool()),
        "arguments": decision.map(|it| it.arguments()),
        "message": decision.and_then(|it| it.message()),
        "request": refused.pending(),
    })
}

/// The arguments as they are decided and as the tool gets them. A call without any has none to decide.
pub(crate) fn arguments(call: &ToolCall) -> &str {
    call.args().unwrap_or("{}")
}

#[async_trait]
impl Tool for Gated {
    /// The framework runs this in a task that goes on when the run is dropped. What it does then must not.
    async fn invoke(
        &self,
        context: &dyn AgentContext,
        call: &ToolCall,
    ) -> Result<ToolOutput, ToolError> {
        let run = self.shared.current.get();
        let Some(run) = run else {
            return self.call(context, call).await;
        };
        tokio::select! {
            biased;
            () = run.ended() => Ok(ToolOutput::fail("the run ended")),
            output = self.call(context, call) => output,
        }
    }

    fn name(&self) -> Cow<'_, str> {
        let name = self.inner.name();
        // After what is within may have said so: this one decides first.
        GATED_FOR.set(Some(self.shared.current.agent_id()));
        name
    }

    fn tool_spec(&self) -> ToolSpec {
        self.inner.tool_spec()
    }
}
