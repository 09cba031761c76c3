//! A server on loopback that speaks OpenAI's protocol and answers at once, and its clients.

use std::sync::Arc;

use axum::Router;
use axum::http::header::CONTENT_TYPE;
use axum::routing::post;
use genai::adapter::AdapterKind;
use genai::resolver::{AuthData, Endpoint, ServiceTargetResolver};
use genai::{Client, ModelIden, ServiceTarget};
use hexgate_agent::model::{Model, Opener};

/// The name of the model.
pub(crate) const NAME: &str = "measured";

const ANSWER: &str = concat!(
    r#"data: {"id":"1","object":"chat.completion.chunk","created":1,"model":"measured","choices":[{"index":0,"delta":{"role":"assistant","content":"Good "},"finish_reason":null}]}"#,
    "\n\n",
    r#"data: {"id":"1","object":"chat.completion.chunk","created":1,"model":"measured","choices":[{"index":0,"delta":{"content":"morning."},"finish_reason":null}]}"#,
    "\n\n",
    r#"data: {"id":"1","object":"chat.completion.chunk","created":1,"model":"measured","choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}"#,
    "\n\n",
    r#"data: {"id":"1","object":"chat.completion.chunk","created":1,"model":"measured","choices":[],"usage":{"prompt_tokens":12,"completion_tokens":3,"total_tokens":15}}"#,
    "\n\ndata: [DONE]\n\n",
);

/// Serves for as long as the process. Gives the base URL.
pub(crate) async fn serve() -> String {
    let answer = || async { ([(CONTENT_TYPE, "text/event-stream")], ANSWER) };
    let app = Router::new().route("/v1/chat/completions", post(answer));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, app).await });
    format!("http://{address}/v1")
}

/// The client of genai, as it is.
pub(crate) fn raw(base: &str) -> Client {
    let base = format!("{base}/");
    let resolver = ServiceTargetResolver::from_resolver_fn(move |_: ServiceTarget| {
        Ok(ServiceTarget {
            endpoint: Endpoint::from_owned(base.clone()),
            auth: AuthData::from_single("key"),
            model: ModelIden::new(AdapterKind::OpenAI, NAME),
        })
    });
    Client::builder()
        .with_service_target_resolver(resolver)
        .build()
        .unwrap()
}

/// The same model behind our trait.
pub(crate) fn model(base: &str) -> Arc<dyn Model> {
    Opener::new()
        .variables(|name| (name == "OPENAI_API_KEY").then(|| "key".to_owned()))
        .open(&format!("openai:{NAME}@{base}"))
        .unwrap()
}
