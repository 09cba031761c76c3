//! The real client against servers on this machine that speak each protocol, well and badly.

mod bad;
mod keys;
mod network;
mod protocol;
mod request;
mod server;
mod status;
mod well;

use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt as _;
use hexgate_agent::message::Message;
use hexgate_agent::model::{
    Delta, Model, ModelError, ModelRequest, ModelSettings, Opener, Retries,
};

use self::protocol::Protocol;
use self::server::Server;

/// What no text may ever show.
const KEY: &str = "sk-canary-3f9a1c77e2d84b60";

/// Settings under which tests of waiting do not wait.
fn quick() -> ModelSettings {
    let mut settings = ModelSettings::default();
    settings.retries = retries(3);
    settings.connect_timeout = Duration::from_secs(5);
    settings
}

fn retries(attempts: u32) -> Retries {
    let mut retries = Retries::default();
    retries.attempts = attempts;
    retries.first_wait = Duration::from_millis(5);
    retries.longest_wait = Duration::from_millis(1500);
    retries
}

fn opener(protocol: Protocol, server: &Server, settings: ModelSettings) -> Opener {
    let base = format!("http://{}{}", server.address, protocol.base());
    Opener::new()
        .settings(settings)
        .variables(move |name| match name {
            "OPENAI_BASE_URL" | "ANTHROPIC_BASE_URL" | "GEMINI_BASE_URL" | "OLLAMA_HOST" => {
                Some(base.clone())
            }
            "OPENAI_API_KEY" | "ANTHROPIC_API_KEY" | "GEMINI_API_KEY" => Some(KEY.to_owned()),
            _ => None,
        })
}

fn model(protocol: Protocol, server: &Server, settings: ModelSettings) -> Arc<dyn Model> {
    opener(protocol, server, settings)
        .open(protocol.model())
        .unwrap()
}

fn request(text: &str) -> ModelRequest {
    ModelRequest {
        system: None,
        messages: vec![Message::User {
            text: text.to_owned(),
        }],
        tools: Vec::new(),
    }
}

/// Asks, and takes what comes: the pieces, and how it failed.
async fn ask(model: &dyn Model) -> (Vec<Delta>, Option<ModelError>) {
    ask_for(model, request("hi")).await
}

async fn ask_for(model: &dyn Model, request: ModelRequest) -> (Vec<Delta>, Option<ModelError>) {
    let mut stream = match model.respond(request).await {
        Ok(stream) => stream,
        Err(error) => return (Vec::new(), Some(error)),
    };
    let mut deltas = Vec::new();
    while let Some(item) = stream.next().await {
        match item {
            Ok(delta) => deltas.push(delta),
            Err(error) => {
                assert!(
                    stream.next().await.is_none(),
                    "nothing comes after an error"
                );
                return (deltas, Some(error));
            }
        }
    }
    assert!(
        matches!(deltas.last(), Some(Delta::End { .. })),
        "an answer ends with its end: {deltas:?}"
    );
    (deltas, None)
}
