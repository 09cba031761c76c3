//! The calls of one answer: decided in the model's order, run side by side where their tools may.

use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::task::Poll;

use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use hexgate_base::guarded::guarded_async;
use hexgate_enforce::{Permit, scope};
use serde_json::{Map, Value};
use tokio::time::timeout;

use super::answer::Proposal;
use super::call::Open;
use super::decide::{Asked, SHOWN};
use super::guards::Refusal;
use super::hop::{Handoff, Next};
use super::result::Given;
use super::talk::{Settled, Talk};
use super::{Entry, Run, Target, Via};
use crate::observe::Work;
use crate::tool::{Tool, ToolError, ToolOutput};

/// Calls that run.
type Running<'a> = FuturesUnordered<Pin<Box<dyn Future<Output = (usize, Settled)> + Send + 'a>>>;

/// What came of deciding a call.
enum Decided<'a> {
    /// It does not run.
    Settled(Settled),
    Ready(Ready<'a>),
    /// Another agent goes on once all calls have their results.
    Handoff(Settled, Handoff),
}

/// A call that may run.
struct Ready<'a> {
    run: &'a Run<'a>,
    open: Open<'a>,
    entry: &'a Entry,
    permit: Permit,
}

impl<'a> Run<'a> {
    /// Has the calls of an answer decided and run.
    pub(super) async fn calls(&'a self, talk: &mut Talk<'_>) -> Next {
        let mut running: Running<'a> = FuturesUnordered::new();
        let mut next = Next::Answer;
        for (index, proposal) in talk.proposals().into_iter().enumerate() {
            let entry = self.parts.entry(&proposal.call.tool);
            let is_concurrent = entry.is_some_and(|entry| entry.spec.concurrent);
            let beside = if is_concurrent {
                self.parts.limits.concurrent_calls.saturating_sub(1)
            } else {
                0
            };
            while running.len() > beside {
                settle_one(&mut running, talk).await;
            }
            let has_handoff = matches!(next, Next::Handoff(_));
            let deciding = self.consider(proposal, entry, has_handoff);
            match beside_running(&mut running, talk, deciding).await {
                Decided::Settled(settled) => talk.settled(index, settled),
                Decided::Handoff(settled, handoff) => {
                    talk.settled(index, settled);
                    next = Next::Handoff(handoff);
                }
                Decided::Ready(ready) if is_concurrent => {
                    running.push(Box::pin(async move { (index, ready.run().await) }));
                }
                Decided::Ready(ready) => talk.settled(index, ready.run().await),
            }
        }
        while !running.is_empty() {
            settle_one(&mut running, talk).await;
        }
        talk.close();
        next
    }

    /// Decides one call: guards, then the policy, then the schema.
    async fn consider(
        &'a self,
        proposal: Proposal,
        entry: Option<&'a Entry>,
        has_handoff: bool,
    ) -> Decided<'a> {
        let mut open = Open::begin(self, &proposal);
        let tool = proposal.call.tool.as_str();
        let Some(entry) = entry else {
            self.decide_in_vain(&open, tool, &proposal.call.arguments);
            let shown = hexgate_base::shortened(tool, SHOWN);
            let content = format!(
                "[unknown_tool] There is no tool '{shown}'. Nothing was executed. Use one of the tools that you were given."
            );
            return Decided::Settled(open.end(Given::failure("unknown_tool", content)));
        };
        if proposal.is_repeated {
            let reason = "two calls of one answer had the same id";
            self.refuse(&open, &entry.gate, &proposal.call.arguments, reason);
            let content = "[invalid_call] Two calls of one answer had the same id. This one was not executed; propose it again.".to_owned();
            return Decided::Settled(open.end(Given::failure("repeated_id", content)));
        }
        let arguments = match self.arguments(entry, &proposal.call.arguments).await {
            Ok(arguments) => arguments,
            Err(Refusal { reason }) => {
                let arguments = &proposal.call.arguments;
                let denied = self.refuse(&open, &entry.gate, arguments, &reason);
                return Decided::Settled(open.denied(denied));
            }
        };
        if let Some(reason) = self.out_of_reach(entry, has_handoff) {
            let denied = self.refuse(&open, &entry.gate, &arguments, reason);
            return Decided::Settled(open.denied(denied));
        }
        let asked = Asked {
            gate: &entry.gate,
            arguments,
            spec: &entry.spec,
        };
        let permit = match self.decide(&open, asked).await {
            Ok(permit) => permit,
            Err(denied) => return Decided::Settled(open.denied(denied)),
        };
        open.permitted(&permit);
        if let Err(reason) = agree(entry, permit.arguments()) {
            let content = format!(
                "[invalid_arguments] The arguments do not agree with the schema of the tool: {reason}. The tool was not executed."
            );
            return Decided::Settled(open.end(Given::failure("invalid_arguments", content)));
        }
        if let Target::Agent(parts, Via::Handoff) = &entry.target {
            let (settled, handoff) = self.agreed(open, parts, permit);
            return Decided::Handoff(settled, handoff);
        }
        Decided::Ready(Ready {
            run: self,
            open,
            entry,
            permit,
        })
    }

    /// The arguments that the policy decides: as the guards leave them, and for another agent with its name. What is no JSON object goes to the
    /// policy as it is, which denies it.
    async fn arguments(&self, entry: &Entry, proposed: &str) -> Result<String, Refusal> {
        if serde_json::from_str::<Map<String, Value>>(proposed).is_err() {
            return Ok(proposed.to_owned());
        }
        let arguments = self.before(&entry.spec.name, proposed.to_owned()).await?;
        let Target::Agent(parts, via) = &entry.target else {
            return Ok(arguments);
        };
        let Ok(mut members) = serde_json::from_str::<Map<String, Value>>(&arguments) else {
            return Ok(arguments);
        };
        let reach = [
            ("agent", self.info.agent.as_str()),
            ("target", parts.name.as_str()),
            ("via", via.as_str()),
        ];
        for (name, value) in reach {
            members.insert(name.to_owned(), value.into());
        }
        Ok(Value::Object(members).to_string())
    }
}

impl Ready<'_> {
    /// Runs the call, and asks the guards what the model may read of it.
    async fn run(self) -> Settled {
        let Self {
            run,
            mut open,
            entry,
            permit,
        } = self;
        let arguments = permit.arguments().to_owned();
        open.started();
        let result = match &entry.target {
            Target::Tool(tool) => run.call(&**tool, permit, &open).await,
            Target::Agent(parts, _) => {
                let tool_id = open.id();
                let asking = run.delegate(parts, tool_id, &arguments);
                run.within(Work::Tool { tool_id }, asking).await
            }
        };
        match run.after(&entry.spec.name, &arguments, result).await {
            Ok(result) => open.end(Given::of(result, run.parts.limits.result_bytes)),
            Err(Refusal { reason }) => {
                tracing::warn!(run = %run.info.run_id, tool = %entry.spec.name, %reason, "a result is withheld");
                let tool = &entry.spec.name;
                let content = format!(
                    "[guard_denied] The tool '{tool}' was executed. Its result is withheld by a guard."
                );
                open.end(Given::failure("guard_denied", content))
            }
        }
    }
}

impl Run<'_> {
    /// Runs a tool, with the caller in scope and no longer than it may take. A panic is a failure of the tool's.
    async fn call(
        &self,
        tool: &dyn Tool,
        permit: Permit,
        open: &Open<'_>,
    ) -> Result<ToolOutput, ToolError> {
        let progress = open.progress();
        let most = self.parts.limits.tool_time;
        let tool_id = open.id();
        let calling = scope::scope(self.caller.clone(), async {
            timeout(most, tool.call(permit, &progress)).await
        });
        let calling = self.within(Work::Tool { tool_id }, calling);
        match guarded_async(calling).await {
            Ok(Ok(result)) => result,
            Ok(Err(_)) => Err(ToolError::new(
                "timeout",
                format!(
                    "the tool took longer than {} seconds and was stopped",
                    most.as_secs_f64()
                ),
            )),
            Err(panic) => {
                // What it says is for the operator: nobody chose it for a model.
                tracing::error!(run = %self.info.run_id, tool = %open.tool(), %panic, "a tool panicked");
                Err(ToolError::new("panic", "the tool failed unexpectedly"))
            }
        }
    }
}

/// Whether permitted arguments agree with the schema.
fn agree(entry: &Entry, arguments: &str) -> Result<(), String> {
    let mut value: Value = serde_json::from_str(arguments).map_err(|error| error.to_string())?;
    if let (Target::Agent(..), Value::Object(members)) = (&entry.target, &mut value) {
        for name in ["agent", "target", "via"] {
            members.remove(name);
        }
    }
    entry.schema.check(&value)
}

/// Waits for a call that runs.
async fn settle_one(running: &mut Running<'_>, talk: &mut Talk<'_>) {
    if let Some((index, settled)) = running.next().await {
        talk.settled(index, settled);
    }
}

/// Waits for a future while the calls that run go on.
async fn beside_running<F: Future>(
    running: &mut Running<'_>,
    talk: &mut Talk<'_>,
    future: F,
) -> F::Output {
    let mut future = pin!(future);
    poll_fn(|context| {
        while let Poll::Ready(Some((index, settled))) = running.poll_next_unpin(context) {
            talk.settled(index, settled);
        }
        future.as_mut().poll(context)
    })
    .await
}
