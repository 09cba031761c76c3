//! Calling a tool.

use std::sync::Arc;

use hexgate_enforce::Call;
use hexgate_gate::{End, Permitted, Refused};
use hexgate_mcp::ask::{Asking, Given, not_run};
use hexgate_mcp::exact::object;
use hexgate_mcp::names;
use rmcp::model::{
    CallToolRequestParams, CallToolResponse, CallToolResult, ContentBlock, ErrorData,
    InputRequiredResult,
};
use rmcp::service::RequestContext;
use rmcp::{RoleServer, ServerHandler};

use crate::road::road;
use crate::server::Gated;

impl<H: ServerHandler> Gated<H> {
    pub(crate) async fn call(
        &self,
        mut params: CallToolRequestParams,
        context: RequestContext<RoleServer>,
    ) -> Result<CallToolResponse, ErrorData> {
        let had_arguments = params.arguments.is_some();
        let arguments = serde_json::to_string(&params.arguments.take().unwrap_or_default())
            .map_err(|error| ErrorData::invalid_params(error.to_string(), None))?;
        // Both are taken, whatever else there is: answers reach the handler only with a state that was given for this very call.
        let (state, responses) = (params.request_state.take(), params.input_responses.take());
        let given = state.map(|state| Given {
            state,
            responses: responses.unwrap_or_default(),
        });
        let asking = Asking::new(road(&context), given);
        let tool = names::tool(&self.name, &params.name);
        let mut permitted = match self.decide(&context, &asking, &tool, arguments).await {
            Ok(permitted) => permitted,
            Err(refused) => {
                return Ok(match asking.issued() {
                    Some(input) => input.into(),
                    None => not_run(refused.message.clone(), refused.pending()).into(),
                });
            }
        };
        // What goes back to the handler if it asked the user itself.
        let carried = match &self.asks {
            None => None,
            Some(asks) => match asks.0.carried(&asking, permitted.decision()) {
                Ok(carried) => carried,
                Err(why) => {
                    permitted.end(End::Failed("state", Some(&why)));
                    return Ok(failed("state", &why));
                }
            },
        };
        if let Some(carried) = carried {
            params.request_state = carried.state;
            params.input_responses = Some(carried.responses);
        }
        let Some(decided) = object(permitted.arguments()) else {
            return Ok(failed_with(permitted.inexact()));
        };
        params.arguments = (had_arguments || !decided.is_empty()).then_some(decided);
        let cancelled = context.ct.clone();
        let running = permitted.run(self.inner.call_tool(params, context));
        let answered = tokio::select! {
            biased;
            () = cancelled.cancelled() => None,
            answered = running => Some(answered),
        };
        self.ended(&asking, permitted, answered)
    }

    fn ended(
        &self,
        asking: &Asking,
        permitted: Permitted,
        answered: Option<Result<Result<CallToolResponse, ErrorData>, hexgate_gate::Panicked>>,
    ) -> Result<CallToolResponse, ErrorData> {
        match answered {
            None => {
                permitted.end(End::Cancelled);
                Err(ErrorData::internal_error("the call was cancelled", None))
            }
            Some(Err(panicked)) => Ok(failed_with(panicked.message)),
            Some(Ok(Err(error))) => {
                permitted.end(End::Failed("tool", Some(&error.message)));
                Err(error)
            }
            Some(Ok(Ok(CallToolResponse::InputRequired(asked)))) => {
                self.asks_user(asking, permitted, asked)
            }
            Some(Ok(Ok(CallToolResponse::Complete(result)))) => {
                let text = serde_json::to_string(&result).unwrap_or_default();
                permitted.end(match result.is_error {
                    Some(true) => End::Failed("tool", Some(&text)),
                    _ => End::Completed(&text),
                });
                Ok(result.into())
            }
            Some(Ok(Ok(other))) => {
                if let (CallToolResponse::Task(made), Some(caller)) = (&other, permitted.caller()) {
                    self.tasks.made(&made.task.task_id, caller);
                }
                permitted.end(End::Completed("a task"));
                Ok(other)
            }
        }
    }

    /// The handler asks the user. Its state is sealed to this very call, so that the call that comes back with it is the one that was decided.
    fn asks_user(
        &self,
        asking: &Asking,
        permitted: Permitted,
        mut asked: InputRequiredResult,
    ) -> Result<CallToolResponse, ErrorData> {
        let sealed = match &self.asks {
            None => Err("the server asks the user, and it is not set up to ask".to_owned()),
            Some(asks) => {
                let requests = asked.input_requests.iter().flatten();
                let keys = requests.map(|(key, _)| key.clone()).collect();
                let state = asked.request_state.take();
                asks.0.seal(asking, permitted.decision(), state, keys)
            }
        };
        match sealed {
            Ok(sealed) => {
                asked.request_state = Some(sealed);
                permitted.end(End::Completed("input_required"));
                Ok(asked.into())
            }
            Err(why) => {
                permitted.end(End::Failed("state", Some(&why)));
                Ok(failed("state", &why))
            }
        }
    }

    /// Decides something that a client asks for.
    pub(crate) async fn decide(
        &self,
        context: &RequestContext<RoleServer>,
        asking: &Arc<Asking>,
        name: &str,
        arguments: String,
    ) -> Result<Permitted, Refused> {
        let call = match self.caller_of(context) {
            Some(caller) => Call::of(&caller, name, arguments),
            None => Call::in_scope(name, arguments),
        };
        let cancelled = context.ct.clone();
        let deciding = self.gate.decide_call(name, call);
        let deciding = Arc::clone(asking).during(deciding);
        tokio::select! {
            biased;
            // Nobody waits for the answer any more.
            () = cancelled.cancelled() => Err(Refused {
                message: "[cancelled] The call was cancelled.".to_owned(),
                decision: None,
            }),
            decided = deciding => decided,
        }
    }
}

fn failed(name: &str, why: &str) -> CallToolResponse {
    failed_with(format!("[{name}] {why}"))
}

fn failed_with(message: String) -> CallToolResponse {
    CallToolResult::error(vec![ContentBlock::text(message)]).into()
}
