//! Calling a tool: found, decided, sent as it was decided, recorded.

use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use hexgate_enforce::{Call, Caller, Decision, EndState, Ended, Permit};
use rmcp::model::{CallToolRequestParams, CallToolResponse, CallToolResult, ErrorData};

use super::{Gateway, shown};
use crate::ask::Asking;
use crate::exact;
use crate::server::{Failure, Server};

/// What becomes of one request.
pub(super) struct Request<'a> {
    pub(super) caller: &'a Caller,
    pub(super) asking: Arc<Asking>,
    /// Ends when the client no longer waits.
    pub(super) cancelled: &'a (dyn Fn() -> CancelledFuture + Send + Sync),
}

pub(super) type CancelledFuture = std::pin::Pin<Box<dyn Future<Output = ()> + Send>>;

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
        let gate = self.decided_as(&params.name);
        let call = Call::of(request.caller, gate.clone(), arguments);
        let found = match self.find(&params.name).await {
            Ok(found) => found,
            Err(reason) => {
                let decision = self.0.enforcer.refuse(call, reason);
                return Ok(shown::denied(&decision).into());
            }
        };
        let (server, tool) = found;
        let permit = match self.authorize(&request, call).await {
            Ok(permit) => permit,
            Err(decision) => {
                return Ok(match request.asking.issued() {
                    Some(input) => input.into(),
                    None => shown::denied(&decision).into(),
                });
            }
        };
        let began = Instant::now();
        let answered = self.run(&request, &server, &tool, &permit).await;
        let took = began.elapsed();
        match answered {
            Ok((result, text)) => {
                let state = match result.is_error {
                    Some(true) => EndState::Failed,
                    _ => EndState::Completed,
                };
                let error = (state == EndState::Failed).then_some("tool");
                self.ended(permit.decision(), true, state, Some(&text), error, took);
                Ok(result.into())
            }
            Err(failure) => {
                self.failed(permit.decision(), &failure, took);
                match &failure {
                    Failure::Error(_) => Err(self.without_secrets(shown::error(&failure))),
                    _ => Ok(shown::failed(&failure).into()),
                }
            }
        }
    }

    /// The server and its name for a tool that is offered.
    async fn find(&self, shown: &str) -> Result<(Arc<Server>, String), String> {
        let Some((server, local)) = self.route(shown) else {
            return Err("no server has such a tool".to_owned());
        };
        if server.snapshot().is_none() {
            server.started().await;
        }
        let Some(snapshot) = server.snapshot() else {
            let why = server.down().unwrap_or_default();
            return Err(format!("the server never said what it has: {why}"));
        };
        match snapshot.tool(local) {
            Some(tool) => Ok((Arc::clone(server), tool.name.clone())),
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

    /// Sends the bytes that were decided, once.
    async fn run(
        &self,
        request: &Request<'_>,
        server: &Server,
        tool: &str,
        permit: &Permit,
    ) -> Result<(CallToolResult, String), Failure> {
        // A state counts for a question, and none was asked.
        if request.asking.has_state() && permit.decision().follows().is_none() {
            return Err(Failure::State);
        }
        let arguments = exact::object(permit.arguments()).ok_or(Failure::Inexact)?;
        let response = tokio::select! {
            response = server.call(tool, arguments) => response?,
            () = (request.cancelled)() => return Err(Failure::Cancelled),
        };
        match response {
            CallToolResponse::Complete(result) => shown::passed(
                result,
                self.0.scrubber.as_ref(),
                self.0.config.limits.result_bytes,
            ),
            CallToolResponse::InputRequired(_) => Err(Failure::Refused("asks for more input")),
            CallToolResponse::Task(_) => Err(Failure::Refused("answers with a task")),
            _ => Err(Failure::Lied("it is of an unknown kind".to_owned())),
        }
    }

    /// Records that what was permitted did not come to a good end.
    pub(super) fn failed(&self, decision: &Decision, failure: &Failure, took: Duration) {
        let state = match failure {
            Failure::Cancelled => EndState::Cancelled,
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

    /// An error without what looks like keys.
    pub(super) fn without_secrets(&self, mut error: ErrorData) -> ErrorData {
        if let Some(scrubber) = &self.0.scrubber {
            error.message = scrubber.scrub(&error.message).into_owned().into();
            // Nobody looked at it.
            error.data = None;
        }
        error
    }
}
