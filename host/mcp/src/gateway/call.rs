//! Calling a tool: found, decided, sent as it was decided, recorded.

use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use futures_util::FutureExt as _;
use hexgate_enforce::{Call, Caller, Decision, Effect, EndState, Ended, Permit};
use rmcp::model::{
    CallToolRequestParams, CallToolResponse, CallToolResult, ElicitRequestParams, ErrorData,
    InputRequest, InputRequests, InputRequiredResult, InputResponses,
};

use super::{Gateway, shown};
use crate::ask::{Asking, Road};
use crate::exact;
use crate::server::{Failure, Server, Tool};
use crate::visible::is_visible_name;

/// How often a server can ask the user in one call.
const ROUNDS: usize = 8;

/// What came of a call.
enum Answered {
    /// A result, and its text.
    Done(Box<CallToolResult>, String),
    /// The server asks the user, and the client calls again.
    Asks(Box<InputRequiredResult>),
}

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
        let answered = self.run(&request, &server, &tool, &permit).await;
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
            Ok(Answered::Done(result, text)) => {
                let state = match result.is_error {
                    Some(true) => EndState::Failed,
                    _ => EndState::Completed,
                };
                let error = (state == EndState::Failed).then_some("tool");
                self.ended(permit.decision(), true, state, Some(&text), error, took);
                Ok((*result).into())
            }
            Err(failure) => {
                self.failed(permit.decision(), &failure, took);
                match &failure {
                    Failure::Error(_) | Failure::State => Err(self.error(&failure)),
                    _ => Ok(shown::failed(&failure).into()),
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

    /// Sends the bytes that were decided, once.
    async fn run(
        &self,
        request: &Request<'_>,
        server: &Server,
        tool: &Tool,
        permit: &Permit,
    ) -> Result<Answered, Failure> {
        let roads = &self.0.roads;
        let carried = roads
            .carried(&request.asking, permit.decision())
            .map_err(|_| Failure::State)?;
        let arguments = exact::object(permit.arguments()).ok_or(Failure::Inexact)?;
        let mut input = carried.map(|carried| (carried.state, carried.responses));
        if (request.cancelled)().now_or_never().is_some() {
            return Err(Failure::Cancelled { sent: false });
        }
        for _ in 0..ROUNDS {
            let response = tokio::select! {
                // What was cancelled by now is not sent.
                biased;
                () = (request.cancelled)() => return Err(Failure::Cancelled { sent: true }),
                response = server.call(tool, arguments.clone(), input.take()) => response?,
            };
            let asked = match response {
                CallToolResponse::Complete(result) => {
                    let most = self.0.config.limits.result_bytes;
                    let (result, text) = shown::passed(result, self.cleaning(), most)?;
                    return Ok(Answered::Done(Box::new(result), text));
                }
                CallToolResponse::InputRequired(asked) => asked,
                CallToolResponse::Task(_) => return Err(Failure::Refused("answers with a task")),
                _ => return Err(Failure::Lied("it is of an unknown kind".to_owned())),
            };
            let forms = self.forms(asked.input_requests)?;
            match request.asking.road() {
                Road::None => {
                    return Err(Failure::Refused(
                        "asks the user, which the client cannot do",
                    ));
                }
                Road::Again => {
                    let sealed = roads.seal(permit.decision(), asked.request_state);
                    let sealed = sealed.map_err(Failure::Lied)?;
                    let requests = forms.into_iter().map(|(key, form)| {
                        (
                            key,
                            InputRequest::Elicitation(rmcp::model::Request::new(form)),
                        )
                    });
                    let input = InputRequiredResult::new(Some(requests.collect()), Some(sealed));
                    return Ok(Answered::Asks(Box::new(input)));
                }
                Road::Waiting(client) => {
                    let mut responses = InputResponses::new();
                    for (key, form) in forms {
                        let limit = self.0.config.limits.approval_time;
                        let answer = tokio::time::timeout(limit, client.elicit(form)).await;
                        let Ok(Ok(answer)) = answer else {
                            return Err(Failure::Refused("asks the user, who did not answer"));
                        };
                        let answer = serde_json::to_value(answer)
                            .map_err(|error| Failure::Lied(error.to_string()))?;
                        responses.insert(key, answer);
                    }
                    self.still_permitted(request.caller, permit)?;
                    input = Some((asked.request_state, responses));
                }
            }
        }
        Err(Failure::Refused("asks the user again and again"))
    }

    /// Decides a call again before it goes on. Meanwhile the policy may have changed, or the caller may have expired or been stopped.
    fn still_permitted(&self, caller: &Caller, permit: &Permit) -> Result<(), Failure> {
        let first = permit.decision();
        let call = Call::of(caller, first.tool(), first.arguments());
        let again = self.0.enforcer.decide_call(call);
        let holds = match again.outcome() {
            Effect::Allow => true,
            // Who approved agreed to this call under that policy alone.
            Effect::NeedsApproval => {
                first.approved_by().is_some() && again.policy() == first.policy()
            }
            Effect::Deny => false,
        };
        if holds {
            Ok(())
        } else {
            Err(Failure::NoLongerPermitted)
        }
    }

    /// The questions of a server to the user, if such are passed on and there are no others.
    fn forms(
        &self,
        requests: Option<InputRequests>,
    ) -> Result<Vec<(String, ElicitRequestParams)>, Failure> {
        let refused = Failure::Refused("asks for more input");
        let requests = requests.unwrap_or_default();
        if !self.0.config.offer.elicitation.is_pass() || requests.is_empty() {
            return Err(refused);
        }
        let most = self.0.config.limits.result_bytes;
        let size = serde_json::to_vec(&requests).map_or(usize::MAX, |it| it.len());
        if size > most {
            return Err(Failure::TooLarge(most));
        }
        let forms = requests.into_iter().map(|(key, request)| match request {
            InputRequest::Elicitation(_) if !is_visible_name(&key) => Err(Failure::Refused(
                "asks with names that have characters that are not seen",
            )),
            InputRequest::Elicitation(form) => {
                Ok((key, shown::question(form.params, self.cleaning(), most)?))
            }
            _ => Err(refused.clone()),
        });
        forms.collect()
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
