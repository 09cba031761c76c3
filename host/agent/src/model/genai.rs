//! Models of providers, asked through the crate `genai`.
//!
//! Requests, headers and framing are the crate's. The answer is read here, from the frames as they come: the crate lets pass what is no
//! answer, takes an end without a reason for a whole answer, and takes memory for as many calls as a number in the answer says.

mod address;
mod answer;
mod failure;
mod frames;
mod read;
mod request;

use std::fmt;
use std::sync::Arc;

use ::genai::adapter::AdapterKind;
use ::genai::resolver::{AuthData, Endpoint};
use ::genai::{Client, ModelIden, ServiceTarget};
use async_trait::async_trait;
use futures_util::StreamExt as _;
use reqwest::redirect::Policy;

use self::address::Address;
use self::answer::Answer;
use self::failure::Who;
use self::frames::Frames;
use super::name::{ModelName, Provider};
use super::{Model, ModelError, ModelErrorKind, ModelId, ModelRequest, ModelSettings, ModelStream};

/// What is sent where a server asks for no key: the crate sends no request without one.
const NO_KEY: &str = "none";

/// A model of a provider.
pub(super) struct Remote {
    id: ModelId,
    provider: Provider,
    client: Client,
    target: ServiceTarget,
    settings: ModelSettings,
    who: Arc<Who>,
}

impl Remote {
    pub(super) fn open(
        name: &ModelName,
        settings: ModelSettings,
        variable: &dyn Fn(&str) -> Option<String>,
    ) -> Result<Self, ModelError> {
        let address = Address::of(name, variable)?;
        let mut builder = reqwest::Client::builder()
            .user_agent(concat!("hexgate/", env!("CARGO_PKG_VERSION")))
            // A redirection would send the conversation, and perhaps the key, to another host.
            .redirect(Policy::none())
            .connect_timeout(settings.connect_timeout)
            // Nothing unpacks to more than what was counted.
            .no_gzip();
        if address.is_local() {
            // A proxy would take the request off this machine.
            builder = builder.no_proxy();
        }
        let http = builder.build().map_err(|_| {
            ModelError::new(
                ModelErrorKind::Configuration,
                "this machine offers no TLS to ask models with; install its root certificates",
            )
        })?;
        let key = address.key.as_ref().map_or(NO_KEY, |key| key.expose());
        let target = ServiceTarget {
            endpoint: Endpoint::from_owned(address.url.as_str()),
            auth: AuthData::from_single(key),
            model: ModelIden::new(adapter(name.provider), name.name.as_str()),
        };
        Ok(Self {
            id: ModelId {
                provider: name.provider.name().to_owned(),
                name: name.name.clone(),
            },
            provider: name.provider,
            client: Client::builder().with_reqwest(http).build().map_err(|_| {
                ModelError::new(
                    ModelErrorKind::Configuration,
                    "the client of models cannot be made",
                )
            })?,
            target,
            settings,
            who: Arc::new(Who::new(name, address)),
        })
    }
}

#[async_trait]
impl Model for Remote {
    fn id(&self) -> &ModelId {
        &self.id
    }

    async fn respond(&self, request: ModelRequest) -> Result<ModelStream, ModelError> {
        let frames = Arc::new(Frames::new(self.settings.max_answer_bytes));
        let options = request::options(self.provider, &self.id.name, &self.settings, &frames);
        let chat = request::chat(self.provider, request);
        let stream = self
            .client
            .exec_chat_stream(self.target.clone(), chat, Some(&options))
            .await
            .map_err(|error| self.who.failure(&error, false))?
            .stream;
        let reader = read::reader(self.provider);
        let mut answer = Answer::new(
            stream,
            frames,
            reader,
            &self.settings,
            Arc::clone(&self.who),
        );
        // What fails before the answer begins is a request that failed, and may be made again.
        match answer.next().await {
            Some(Ok(first)) => Ok(Box::pin(
                futures_util::stream::once(async { Ok(first) }).chain(answer),
            )),
            Some(Err(error)) => Err(error),
            None => Err(self.who.broke_off()),
        }
    }
}

impl fmt::Debug for Remote {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Remote")
            .field("id", &self.id)
            .field("settings", &self.settings)
            .finish_non_exhaustive()
    }
}

fn adapter(provider: Provider) -> AdapterKind {
    match provider {
        Provider::OpenAi | Provider::Script => AdapterKind::OpenAI,
        Provider::OpenAiResponses => AdapterKind::OpenAIResp,
        Provider::Anthropic => AdapterKind::Anthropic,
        Provider::Gemini => AdapterKind::Gemini,
        Provider::Ollama => AdapterKind::Ollama,
    }
}
