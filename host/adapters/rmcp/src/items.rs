//! What is no tool: prompts, resources, completions, subscriptions.

use hexgate_gate::End;
use hexgate_mcp::ask::Asking;
use hexgate_mcp::exact::object;
use hexgate_mcp::names::{self, Kind};
use rmcp::RoleServer;
use rmcp::ServerHandler;
use rmcp::model::ErrorData;
use rmcp::service::RequestContext;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::road::road;
use crate::server::Gated;

impl<H: ServerHandler> Gated<H> {
    /// Decides something that is no tool, by these arguments, and lets the program's handler answer what was decided.
    pub(crate) async fn item<W, T>(
        &self,
        kind: Kind,
        wanted: &W,
        context: RequestContext<RoleServer>,
        ask: impl AsyncFnOnce(W, RequestContext<RoleServer>) -> Result<T, ErrorData>,
    ) -> Result<T, ErrorData>
    where
        W: Serialize + DeserializeOwned,
        T: Serialize,
    {
        let arguments = serde_json::to_string(wanted)
            .map_err(|error| ErrorData::invalid_params(error.to_string(), None))?;
        let asking = Asking::new(road(&context), None);
        let name = names::other(&self.name, kind);
        let decided = self.decide(&context, &asking, &name, arguments).await;
        let mut permitted =
            decided.map_err(|refused| ErrorData::invalid_request(refused.message, None))?;
        let decided = serde_json::from_str::<W>(permitted.arguments());
        let (Ok(wanted), Some(_)) = (decided, object(permitted.arguments())) else {
            return Err(ErrorData::invalid_params(permitted.inexact(), None));
        };
        let cancelled = context.ct.clone();
        let running = permitted.run(ask(wanted, context));
        let answered = tokio::select! {
            biased;
            () = cancelled.cancelled() => None,
            answered = running => Some(answered),
        };
        match answered {
            None => {
                permitted.end(End::Cancelled);
                Err(ErrorData::internal_error("the request was cancelled", None))
            }
            Some(Err(panicked)) => Err(ErrorData::internal_error(panicked.message, None)),
            Some(Ok(Err(error))) => {
                permitted.end(End::Failed("server", Some(&error.message)));
                Err(error)
            }
            Some(Ok(Ok(answer))) => {
                permitted.end(End::Completed(
                    &serde_json::to_string(&answer).unwrap_or_default(),
                ));
                Ok(answer)
            }
        }
    }

    /// Whether the caller of a request could ever have anything of a kind.
    pub(crate) fn has(&self, kind: Kind, context: &RequestContext<RoleServer>) -> bool {
        let caller = self.caller_of(context);
        self.shows(caller.as_ref(), &names::other(&self.name, kind))
    }
}
