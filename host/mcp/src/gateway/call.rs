//! Calling a tool: found, decided, sent as it was decided, recorded.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant, SystemTime};

use hexgate_enforce::{Call, Caller, Decision, EndState, Ended, Permit};
use rmcp::model::{
    CallToolRequestParams, CallToolResponse, CallToolResult, CreateTaskResult, ErrorData,
    InputRequiredResult, JsonObject,
};

use super::converse::{Ask, Reply};
use super::side::Side;
use super::talk::Talk;
use super::{Gateway, shown};
use crate::ask::Asking;
use crate::exact;
use crate::server::{Failure, Input, Server, Tool};

/// What came of a call.
enum Answered {
    /// A result, and its text.
    Done(Box<CallToolResult>, String),
    /// The server asks the user, and the client calls again.
    Asks(Box<InputRequiredResult>),
    /// The call goes on, in this run of the server.
    Task(Box<CreateTaskResult>, u64),
}

/// What becomes of one request.
pub(super) struct Request<'a> {
    pub(super) caller: &'a Caller,
    pub(super) asking: Arc<Asking>,
    pub(super) side: Side,
    /// Ends when the client no longer waits.
    pub(super) cancelled: &'a (dyn Fn() -> CancelledFuture + Send + Sync),
}

pub(super) type CancelledFuture = std::pin::Pin<Box<dyn Future<Output = ()> + Send>>;

/// A call of a tool, as it was decided.
struct Sent<'a> {
    tool: &'a Tool,
    arguments: JsonObject,
    /// The run of the server that answered last.
    run: AtomicU64,
}

impl Ask for Sent<'_> {
    type Reply = CallToolResponse;

    async fn ask(
        &self,
        talk: &Talk<'_>,
        input: Option<Input>,
    ) -> Result<CallToolResponse, Failure> {
        let arguments = self.arguments.clone();
        let answered = talk.server.call(talk, self.tool, arguments, input).await;
        let (answer, run) = answered?;
        self.run.store(run, Ordering::Relaxed);
        Ok(answer)
    }
}

impl Gateway {
    /// One call of a tool by the name that clients have for it.
    pub(super) async fn call(
        &self,
        request: Request<'_>,
        params: CallToolRequestParams,
    ) -> Result<CallToolResponse, ErrorData> {
        let arguments = match params.arguments {
            None => "{}".to_owned(),
            Some(arguments) => serde_json::to_string(&arguments)
                .map_err(|error| ErrorData::invalid_params(error.to_string(), None))?,
        };
        let (server, tool) = match self.find(&params.name).await {
            Ok(found) => found,
            Err(reason) => {
                let call = Call::of(request.caller, self.refused_as(&params.name), arguments);
                let decision = self.0.enforcer.refuse(call, reason);
                return Ok(shown::denied(&decision).into());
            }
        };
        // The name of the very tool that is sent.
        let call = Call::of(request.caller, tool.decided_as.clone(), arguments);
        let permit = match self.authorize(&request, call).await {
            Ok(permit) => permit,
            Err(_) if request.asking.is_unknown() => return Err(self.error(&Failure::State)),
            Err(decision) => {
                return Ok(match request.asking.issued() {
                    Some(input) => input.into(),
                    None => shown::denied(&decision).into(),
                });
            }
        };
        let began = Instant::now();
        let talk = Talk::new(self, &request, &server, &permit);
        let answered = self.run(&talk, &tool).await;
        let answered = answered.map_err(|failure| (talk.error(&failure), failure));
        let took = began.elapsed();
        match answered {
            Ok(Answered::Asks(input)) => {
                let decision = permit.decision();
                self.ended(
                    decision,
                    true,
                    EndState::Completed,
                    None,
                    Some("input_required"),
                    took,
                );
                Ok((*input).into())
            }
            Ok(Answered::Task(task, run)) => {
                let (completed, is_task) = (EndState::Completed, Some("task"));
                self.ended(permit.decision(), true, completed, None, is_task, took);
                match self.hold(request.caller, (server, run), tool, permit, *task) {
                    Ok(task) => Ok(task.into()),
                    Err(failure) => Ok(shown::failed(&failure).into()),
                }
            }
            Ok(Answered::Done(result, text)) => {
                let state = match result.is_error {
                    Some(true) => EndState::Failed,
                    _ => EndState::Completed,
                };
                let error = (state == EndState::Failed).then_some("tool");
                self.ended(permit.decision(), true, state, Some(&text), error, took);
                Ok((*result).into())
            }
            Err((error, failure)) => {
                self.failed(permit.decision(), &failure, took);
                match &failure {
                    Failure::Error(_) | Failure::State => Err(error),
                    _ => Ok(shown::failed_as(error).into()),
                }
            }
        }
    }

    /// A tool that is offered, and its server.
    async fn find(&self, shown: &str) -> Result<(Arc<Server>, Arc<Tool>), String> {
        let Some((server, local)) = self.route(shown) else {
            return Err("no server has such a tool".to_owned());
        };
        if server.snapshot().is_none() {
            server.started().await;
        }
        // Nobody is asked about a tool that is gone.
        server.look_before().await;
        let Some(snapshot) = server.snapshot() else {
            let why = server.down().unwrap_or_default();
            return Err(format!("the server never said what it has: {why}"));
        };
        match snapshot.tool(local) {
            Some(tool) => Ok((Arc::clone(server), Arc::clone(tool))),
            None => Err(match snapshot.withheld.get(local) {
                Some(why) => format!("the tool is withheld: {why}"),
                None => "the tool was not in the server's last list".to_owned(),
            }),
        }
    }

    /// Asks the policy, and who has to approve.
    pub(super) async fn authorize(
        &self,
        request: &Request<'_>,
        call: Call,
    ) -> Result<Permit, Box<Decision>> {
        let enforcer = &self.0.enforcer;
        if !self.0.roads.is_possible(&request.asking) {
            // Nobody can be asked: the model reads that approval is required.
            return enforcer.decide_call(call).into_permit();
        }
        let asking = Arc::clone(&request.asking);
        asking.during(enforcer.authorize_async(call)).await
    }

    /// Sends the bytes that were decided.
    async fn run(&self, talk: &Talk<'_>, tool: &Tool) -> Result<Answered, Failure> {
        let arguments = exact::object(talk.permit.arguments()).ok_or(Failure::Inexact)?;
        let sent = Sent {
            tool,
            arguments,
            run: AtomicU64::default(),
        };
        match self.converse(talk, &sent).await? {
            Reply::Done(result) => {
                let most = self.0.config.limits.result_bytes;
                let (result, text) = shown::passed(result, self.cleaning(), most)?;
                Ok(Answered::Done(Box::new(result), text))
            }
            Reply::Asks(asked) => Ok(Answered::Asks(asked)),
            Reply::Task(task) => {
                let is_passed = talk.server.offer().tasks.is_pass();
                if is_passed && talk.request.side.capabilities.supports_tasks() {
                    Ok(Answered::Task(task, sent.run.load(Ordering::Relaxed)))
                } else {
                    Err(Failure::Refused("answers with a task"))
                }
            }
        }
    }

    /// Records that what was permitted did not come to a good end.
    pub(super) fn failed(&self, decision: &Decision, failure: &Failure, took: Duration) {
        let state = match failure {
            Failure::Cancelled { .. } => EndState::Cancelled,
            _ => EndState::Failed,
        };
        let ran = failure.may_have_run();
        self.ended(decision, ran, state, None, Some(failure.name()), took);
    }

    pub(super) fn ended(
        &self,
        decision: &Decision,
        ran: bool,
        state: EndState,
        result: Option<&str>,
        error: Option<&str>,
        took: Duration,
    ) {
        self.0.enforcer.ended(&Ended {
            at: SystemTime::now(),
            decision: decision.id(),
            tool: decision.tool(),
            ran,
            state,
            result,
            error,
            took,
        });
    }

    /// What is done to the words of servers.
    pub(super) fn cleaning(&self) -> shown::Cleaning<'_> {
        shown::Cleaning {
            scrubber: self.0.scrubber.as_ref(),
            visible: self.0.config.visible_results,
        }
    }

    /// A failure as an error, without what looks like keys, and with everything visible where that is asked for.
    pub(super) fn error(&self, failure: &Failure) -> ErrorData {
        let mut error = shown::error(failure, self.0.config.limits.result_bytes);
        let cleaning = self.cleaning();
        if cleaning.scrubber.is_some() || cleaning.visible {
            error.message = cleaning.text(&error.message).into();
            // Nobody looked at it.
            error.data = None;
        }
        error
    }
}
