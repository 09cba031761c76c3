//! Prompts, resources, templates and completions: under names of their own, or not at all.

use std::sync::Arc;
use std::time::Instant;

use hexgate_enforce::{Call, Caller, EndState, Permit};
use rmcp::model::{
    CompleteRequestMethod, CompleteRequestParams, CompleteResult, ErrorData,
    GetPromptRequestMethod, GetPromptRequestParams, GetPromptResponse, InputRequiredResult,
    JsonObject, ListPromptsRequestMethod, ListResourcesRequestMethod, Prompt,
    ReadResourceRequestMethod, ReadResourceRequestParams, ReadResourceResponse, Reference,
    Resource, ResourceTemplate,
};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::call::Request;
use super::converse::{Ask, IntoReply, Reply};
use super::talk::Talk;
use super::{Gateway, shown};
use crate::names::{self, Kind};
use crate::server::{Failure, Input, Server, Snapshot};

/// How much of the name of something unknown is recorded, in characters.
const MAX_NAMED: usize = 1024;

/// What is decided about a prompt, and what is sent.
#[derive(Debug, Serialize, Deserialize)]
struct WantedPrompt {
    name: String,
    #[serde(default)]
    arguments: JsonObject,
}

/// What is decided about a resource, and what is sent.
#[derive(Debug, Serialize, Deserialize)]
struct WantedResource {
    uri: String,
}

impl Ask for WantedPrompt {
    type Reply = GetPromptResponse;

    async fn ask(
        &self,
        talk: &Talk<'_>,
        input: Option<Input>,
    ) -> Result<GetPromptResponse, Failure> {
        let mut params = GetPromptRequestParams::new(self.name.clone());
        params.arguments = Some(self.arguments.clone());
        talk.server.prompt(talk, params, input).await
    }
}

impl Ask for WantedResource {
    type Reply = ReadResourceResponse;

    async fn ask(
        &self,
        talk: &Talk<'_>,
        input: Option<Input>,
    ) -> Result<ReadResourceResponse, Failure> {
        let params = ReadResourceRequestParams::new(self.uri.clone());
        talk.server.resource(talk, params, input).await
    }
}

impl Ask for CompleteRequestParams {
    type Reply = CompleteResult;

    async fn ask(&self, talk: &Talk<'_>, _: Option<Input>) -> Result<CompleteResult, Failure> {
        talk.server.complete(talk, self.clone()).await
    }
}

impl Gateway {
    pub(super) async fn prompts(&self, caller: &Caller) -> Result<(Vec<Prompt>, u64), ErrorData> {
        if !self.0.config.passes(|offer| offer.prompts) {
            return Err(ErrorData::method_not_found::<ListPromptsRequestMethod>());
        }
        Ok(self
            .listed(caller, Kind::Prompt, |server, snapshot| {
                let prompts = snapshot.prompts.iter().cloned().map(|mut prompt| {
                    prompt.name = self.shown_as(server, &prompt.name);
                    prompt
                });
                prompts.collect()
            })
            .await)
    }

    pub(super) async fn resources(
        &self,
        caller: &Caller,
    ) -> Result<(Vec<Resource>, u64), ErrorData> {
        if !self.0.config.passes(|offer| offer.resources) {
            return Err(ErrorData::method_not_found::<ListResourcesRequestMethod>());
        }
        Ok(self
            .listed(caller, Kind::Resource, |_, snapshot| {
                snapshot.resources.clone()
            })
            .await)
    }

    pub(super) async fn templates(
        &self,
        caller: &Caller,
    ) -> Result<(Vec<ResourceTemplate>, u64), ErrorData> {
        if !self.0.config.passes(|offer| offer.resources) {
            return Err(ErrorData::method_not_found::<ListResourcesRequestMethod>());
        }
        Ok(self
            .listed(caller, Kind::Resource, |_, snapshot| {
                snapshot.templates.clone()
            })
            .await)
    }

    /// What servers offer of a kind, those left out of which the caller may never have it.
    async fn listed<T>(
        &self,
        caller: &Caller,
        kind: Kind,
        items: impl Fn(&Server, &Snapshot) -> Vec<T>,
    ) -> (Vec<T>, u64) {
        let (mut all, mut ttl) = (Vec::new(), None::<u64>);
        for (server, snapshot) in self.fresh().await {
            ttl = Some(ttl.map_or(snapshot.ttl_ms, |ttl| ttl.min(snapshot.ttl_ms)));
            let gate = names::other(&server.name, kind);
            if !self.is_stopped(caller) && self.may_see(caller, &gate) {
                all.extend(items(&server, &snapshot));
            }
        }
        (all, ttl.unwrap_or(0))
    }

    pub(super) async fn prompt(
        &self,
        request: Request<'_>,
        params: GetPromptRequestParams,
    ) -> Result<GetPromptResponse, ErrorData> {
        if !self.0.config.passes(|offer| offer.prompts) {
            return Err(ErrorData::method_not_found::<GetPromptRequestMethod>());
        }
        let routed = self
            .route(&params.name)
            .filter(|(server, local)| server.snapshot().is_some_and(|it| it.has_prompt(local)));
        let Some((server, local)) = routed else {
            let why = "no server has such a prompt";
            return Err(self.unknown(request.caller, Kind::Prompt, &params.name, why));
        };
        let wanted = WantedPrompt {
            name: local.to_owned(),
            arguments: params.arguments.unwrap_or_default(),
        };
        let permit = match self.permit(&request, server, Kind::Prompt, &wanted).await? {
            Permitted::Yes(permit) => permit,
            Permitted::Asks(asked) => return Ok((*asked).into()),
        };
        let talk = Talk::new(self, &request, server, &permit);
        Ok(match self.passed::<WantedPrompt>(&talk).await? {
            Passed::Done(result) => result.into(),
            Passed::Asks(asked) => (*asked).into(),
        })
    }

    pub(super) async fn resource(
        &self,
        request: Request<'_>,
        params: ReadResourceRequestParams,
    ) -> Result<ReadResourceResponse, ErrorData> {
        if !self.0.config.passes(|offer| offer.resources) {
            return Err(ErrorData::method_not_found::<ReadResourceRequestMethod>());
        }
        let Some(server) = self.owner(&params.uri) else {
            let why = "not exactly one server has such a resource";
            return Err(self.unknown(request.caller, Kind::Resource, &params.uri, why));
        };
        let wanted = WantedResource { uri: params.uri };
        let permitted = self.permit(&request, &server, Kind::Resource, &wanted);
        let permit = match permitted.await? {
            Permitted::Yes(permit) => permit,
            Permitted::Asks(asked) => return Ok((*asked).into()),
        };
        let talk = Talk::new(self, &request, &server, &permit);
        Ok(match self.passed::<WantedResource>(&talk).await? {
            Passed::Done(result) => result.into(),
            Passed::Asks(asked) => (*asked).into(),
        })
    }

    pub(super) async fn complete(
        &self,
        request: Request<'_>,
        mut params: CompleteRequestParams,
    ) -> Result<CompleteResult, ErrorData> {
        if !self.0.config.passes(|offer| offer.completions) {
            return Err(ErrorData::method_not_found::<CompleteRequestMethod>());
        }
        let (named, found) = match &mut params.r#ref {
            Reference::Prompt(prompt) => {
                let named = prompt.name.clone();
                let found = self.route(&named).map(|(server, local)| {
                    prompt.name = local.to_owned();
                    Arc::clone(server)
                });
                (named, found)
            }
            Reference::Resource(resource) => (resource.uri.clone(), self.owner(&resource.uri)),
            _ => (String::new(), None),
        };
        let found = found.filter(|server| {
            server
                .snapshot()
                .is_some_and(|it| it.completes(&params.r#ref, server.offer()))
        });
        let Some(server) = found else {
            let why = "no server has what is to be completed";
            return Err(self.unknown(request.caller, Kind::Completion, &named, why));
        };
        params.meta = None;
        let permitted = self.permit(&request, &server, Kind::Completion, &params);
        let asks = "this needs input, and completions cannot ask for it";
        let permit = match permitted.await? {
            Permitted::Yes(permit) => permit,
            Permitted::Asks(_) => return Err(ErrorData::invalid_request(asks, None)),
        };
        let talk = Talk::new(self, &request, &server, &permit);
        match self.passed::<CompleteRequestParams>(&talk).await? {
            Passed::Done(result) => Ok(result),
            Passed::Asks(_) => Err(ErrorData::internal_error(asks, None)),
        }
    }

    /// The one server that listed a resource, or a template that begins as it does.
    pub(super) fn owner(&self, uri: &str) -> Option<Arc<Server>> {
        let of = |matches: &dyn Fn(&Snapshot) -> bool| {
            let servers = self.0.servers.iter();
            let found: Vec<_> = servers
                .filter(|server| server.snapshot().is_some_and(|it| matches(&it)))
                .collect();
            match found.as_slice() {
                [one] => Some(Arc::clone(one)),
                _ => None,
            }
        };
        of(&|snapshot| snapshot.has_resource(uri))
            .or_else(|| of(&|snapshot| snapshot.has_template_of(uri)))
    }

    /// What the client gets that asks for something that no server has. It is recorded as a denial, like a call of an unknown tool.
    pub(super) fn unknown(
        &self,
        caller: &Caller,
        kind: Kind,
        named: &str,
        why: &'static str,
    ) -> ErrorData {
        let named = hexgate_base::shortened(named, MAX_NAMED);
        let arguments = serde_json::json!({ "asked": named }).to_string();
        let gate = match self.route(&named) {
            Some((server, _)) => names::other(&server.name, kind),
            None => format!("mcp.{}", kind.as_str()),
        };
        let call = Call::of(caller, gate, arguments);
        let _ = self.0.enforcer.refuse(call, why);
        match kind {
            Kind::Resource => {
                let asked = serde_json::json!({ "uri": named });
                ErrorData::resource_not_found(why, Some(asked))
            }
            _ => ErrorData::invalid_params(why, None),
        }
    }

    /// Decides about what is sent. A request that needs approval can ask a client for it by its result.
    pub(super) async fn permit(
        &self,
        request: &Request<'_>,
        server: &Server,
        kind: Kind,
        wanted: &impl Serialize,
    ) -> Result<Permitted, ErrorData> {
        let arguments = serde_json::to_string(wanted)
            .map_err(|error| ErrorData::invalid_params(error.to_string(), None))?;
        let call = Call::of(request.caller, names::other(&server.name, kind), arguments);
        match self.authorize(request, call).await {
            Ok(permit) => Ok(Permitted::Yes(Box::new(permit))),
            Err(_) if request.asking.is_unknown() => Err(self.error(&Failure::State)),
            Err(decision) => match request.asking.issued() {
                Some(asked) => Ok(Permitted::Asks(Box::new(asked))),
                None => Err(shown::refused(&decision)),
            },
        }
    }

    /// Sends what was permitted, looks at the answer, and records both.
    async fn passed<W: Ask + DeserializeOwned + Send>(
        &self,
        talk: &Talk<'_>,
    ) -> Result<Passed<<W::Reply as IntoReply>::Result>, ErrorData>
    where
        <W::Reply as IntoReply>::Result: Serialize + DeserializeOwned,
    {
        let began = Instant::now();
        let permit = talk.permit;
        let decision = permit.decision();
        let most = self.0.config.limits.result_bytes;
        let replied = match serde_json::from_str::<W>(permit.arguments()) {
            Ok(wanted) => self.converse(talk, &wanted).await,
            Err(_) => Err(Failure::Inexact),
        };
        let answered = match replied {
            Ok(Reply::Done(answer)) => shown::passed(answer, self.cleaning(), most).map(Ok),
            Ok(Reply::Asks(asked)) => Ok(Err(asked)),
            Ok(Reply::Task(_)) => Err(Failure::Refused("answers with a task")),
            Err(failure) => Err(failure),
        };
        let took = began.elapsed();
        let completed = EndState::Completed;
        match answered {
            Ok(Ok((answer, text))) => {
                self.ended(decision, true, completed, Some(&text), None, took);
                Ok(Passed::Done(answer))
            }
            Ok(Err(asked)) => {
                let asks = Some("input_required");
                self.ended(decision, true, completed, None, asks, took);
                Ok(Passed::Asks(asked))
            }
            Err(failure) => {
                self.failed(decision, &failure, took);
                Err(talk.error(&failure))
            }
        }
    }
}

/// What was decided about a request.
pub(super) enum Permitted {
    Yes(Box<Permit>),
    /// A person is asked for approval first.
    Asks(Box<InputRequiredResult>),
}

/// What a client gets.
enum Passed<T> {
    Done(T),
    Asks(Box<InputRequiredResult>),
}
