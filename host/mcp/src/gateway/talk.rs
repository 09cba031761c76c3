//! What a server says and asks while it runs a request, as the client of that request hears it.
#![expect(
    deprecated,
    reason = "logs, sampling and roots leave the protocol; servers of all versions that have them are served"
)]

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use async_trait::async_trait;
use hexgate_enforce::{Call, Decision, Effect, Permit};
use rmcp::model::{ClientCapabilities, ErrorCode, ErrorData, InputRequest, InputRequests};
use serde_json::Value;

use super::call::Request;
use super::side::{Side, can_answer};
use super::{Gateway, shown};
use crate::config::{Offer, Passing};
use crate::level::Level;
use crate::relay::{Asked, Said, Wants};
use crate::server::{Client, Failure, Server};
use crate::visible::is_visible_name;

/// How often a server can ask for input while it runs one request.
pub(super) const ROUNDS: usize = 8;

/// What passes between a server and the client of one request that was permitted.
pub(super) struct Talk<'a> {
    pub(super) gateway: &'a Gateway,
    pub(super) request: &'a Request<'a>,
    pub(super) server: &'a Arc<Server>,
    pub(super) permit: &'a Permit,
    asked: AtomicUsize,
}

impl<'a> Talk<'a> {
    pub(super) fn new(
        gateway: &'a Gateway,
        request: &'a Request<'a>,
        server: &'a Arc<Server>,
        permit: &'a Permit,
    ) -> Self {
        Self {
            gateway,
            request,
            server,
            permit,
            asked: AtomicUsize::new(0),
        }
    }

    fn side(&self) -> &Side {
        &self.request.side
    }

    /// The questions of a server as its client gets them.
    pub(super) fn questions(
        &self,
        requests: Option<InputRequests>,
    ) -> Result<InputRequests, Failure> {
        let requests = requests.unwrap_or_default();
        let most = self.gateway.0.config.limits.result_bytes;
        let size = serde_json::to_vec(&requests).map_or(usize::MAX, |it| it.len());
        if size > most {
            return Err(Failure::TooLarge(most));
        }
        let questions = requests.into_iter().map(|(key, request)| {
            // The answer has this name, so it cannot be changed.
            if is_visible_name(&key) {
                Ok((key, self.question(request)?))
            } else {
                Err(Failure::Refused(
                    "asks with names that have characters that are not seen",
                ))
            }
        });
        questions.collect()
    }

    /// A question of a server, if such are passed on and this client can answer it.
    fn question(&self, request: InputRequest) -> Result<InputRequest, Failure> {
        if !passing(self.server.offer(), &request).is_pass() {
            return Err(Failure::Refused("asks for more input"));
        }
        if !can_answer(&self.side().capabilities, &request) {
            return Err(Failure::Refused(
                "asks for input, which the client cannot give",
            ));
        }
        let most = self.gateway.0.config.limits.result_bytes;
        shown::question(request, &self.server.name, self.gateway.cleaning(), most)
    }

    /// What an older client answers to a question while its request waits, if the request is still permitted then.
    pub(super) async fn answer(&self, question: InputRequest) -> Result<Value, Failure> {
        let limit = self.gateway.0.config.limits.approval_time;
        let answer = tokio::time::timeout(limit, self.side().answer(question)).await;
        let Ok(answer) = answer else {
            return Err(Failure::Refused("asks for input, and nobody answered"));
        };
        let answer = answer
            .map_err(|_| Failure::Refused("asks for input, and the client did not answer"))?;
        let _ = self.gateway.still_permitted(self.request, self.permit)?;
        Ok(answer)
    }

    /// A question that the server waits for, to a client of an older version as well.
    async fn ask(&self, request: InputRequest) -> Result<Value, Failure> {
        if self.side().is_modern {
            return Err(Failure::Refused(
                "speaks an older version and asks for input in a way that this client's version does not have",
            ));
        }
        let question = self.question(request)?;
        self.answer(question).await
    }

    /// A failure as an error for the client.
    pub(super) fn error(&self, failure: &Failure) -> ErrorData {
        if let Failure::Error(error) = failure
            && error.code == ErrorCode::MISSING_REQUIRED_CLIENT_CAPABILITY
            && let Some(missing) = self.missing(error)
        {
            return ErrorData::missing_required_client_capability(missing);
        }
        self.gateway.error(failure)
    }

    /// What a server says that the client cannot do, if that is so, and would be passed on. None: it is the gateway that does not pass it on.
    fn missing(&self, error: &ErrorData) -> Option<ClientCapabilities> {
        let required = error.data.as_ref()?.get("requiredCapabilities")?;
        let required: ClientCapabilities = serde_json::from_value(required.clone()).ok()?;
        let (client, offer) = (&self.side().capabilities, self.server.offer());
        let mut missing = ClientCapabilities::default();
        if required.elicitation.is_some()
            && offer.elicitation.is_pass()
            && client.elicitation.is_none()
        {
            missing.elicitation = Some(Default::default());
        }
        if required.sampling.is_some() && offer.sampling.is_pass() && client.sampling.is_none() {
            missing.sampling = Some(Default::default());
        }
        if required.roots.is_some() && offer.roots.is_pass() && client.roots.is_none() {
            missing.roots = Some(Default::default());
        }
        if required.supports_tasks() && offer.tasks.is_pass() && !client.supports_tasks() {
            let tasks = ClientCapabilities::builder().enable_tasks().build();
            missing.extensions = tasks.extensions;
        }
        (missing != ClientCapabilities::default()).then_some(missing)
    }
}

/// Whether such questions of servers are passed on.
fn passing(offer: &Offer, request: &InputRequest) -> Passing {
    match request {
        InputRequest::Elicitation(_) => offer.elicitation,
        InputRequest::CreateMessage(_) => offer.sampling,
        InputRequest::ListRoots(_) => offer.roots,
        _ => Passing::Refuse,
    }
}

#[async_trait]
impl Client for Talk<'_> {
    fn wants(&self) -> Wants {
        let side = self.side();
        Wants {
            client: side.client,
            caller: self.request.caller.fingerprint(),
            progress: side.token.is_some(),
            logs: side.logs().filter(|_| self.server.offer().logs.is_pass()),
        }
    }

    fn level(&self) -> Option<Level> {
        self.side().level
    }

    fn capabilities(&self) -> ClientCapabilities {
        self.side().capabilities.clone()
    }

    async fn said(&self, said: Said) -> Result<(), Failure> {
        let cleaning = self.gateway.cleaning().made_visible();
        match said {
            Said::Progress(mut said) => {
                said.message = said.message.map(|text| cleaning.text(&text));
                said.meta = None;
                self.side().progress(said).await;
            }
            Said::Log(mut said) => {
                cleaning.value(&mut said.data);
                let name = &self.server.name;
                // The client has one server, and the log says which one behind it speaks.
                said.logger = Some(match &said.logger {
                    Some(logger) => format!("{name}/{}", cleaning.text(logger)),
                    None => name.clone(),
                });
                said.meta = None;
                self.side().log(said).await;
            }
            Said::Asks(_) if self.asked.fetch_add(1, Ordering::Relaxed) >= ROUNDS => {
                return Err(Failure::Refused("asks for input again and again"));
            }
            Said::Asks(Asked { request, answer }) => match self.ask(request).await {
                Ok(given) => {
                    let _ = answer.send(Ok(given));
                }
                Err(failure @ Failure::NoLongerPermitted) => return Err(failure),
                Err(failure) => {
                    tracing::warn!(server = %self.server.name, %failure, "a question of a server is not answered");
                    let said = format!("[{}] {failure}", failure.name());
                    let _ = answer.send(Err(ErrorData::invalid_request(said, None)));
                }
            },
        }
        Ok(())
    }
}

impl Gateway {
    /// Decides a request again before it goes on. Meanwhile the policy may have changed, or the caller may have expired or been stopped.
    pub(super) fn still_permitted(
        &self,
        request: &Request<'_>,
        permit: &Permit,
    ) -> Result<Box<Decision>, Failure> {
        let first = permit.decision();
        let call = Call::of(request.caller, first.tool(), first.arguments());
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
            Ok(Box::new(again))
        } else {
            Err(Failure::NoLongerPermitted)
        }
    }
}
