//! A model that wants what its script says, in the protocols that agents speak with their models.

use std::sync::{Arc, Mutex};

use axum::Router;
use axum::extract::{Path, State};
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use serde_json::{Value, json};

/// A model on this machine. It ends with the runtime.
#[derive(Debug, Clone)]
pub(crate) struct Model {
    wants: Arc<[&'static str]>,
    heard: Arc<Mutex<Vec<Value>>>,
}

impl Model {
    /// One that wants to run these commands one after the other, whatever came of the last one, and is done then. Its address.
    pub(crate) async fn start(wants: &[&'static str]) -> (Self, String) {
        let model = Self {
            wants: wants.into(),
            heard: Arc::default(),
        };
        let routes = Router::new()
            .route("/v1/messages", post(messages))
            .route("/v1/responses", post(responses))
            .route("/v1/chat/completions", post(completions))
            .route("/v1beta/models/{*asked}", post(contents))
            .route("/v1/models", get(async || json!({"data": []}).to_string()))
            .layer(axum::extract::DefaultBodyLimit::max(64 << 20))
            .with_state(model.clone());
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        tokio::spawn(async move { axum::serve(listener, routes).await });
        (model, address)
    }

    /// All that it was told, as text.
    pub(crate) fn heard(&self) -> String {
        let heard = self.heard.lock().unwrap();
        heard.iter().map(Value::to_string).collect()
    }

    /// What it wants next of an agent that has the results of so many calls. None: it is done.
    fn next(&self, asked: &Value, done: usize) -> Option<(usize, &'static str)> {
        self.heard.lock().unwrap().push(asked.clone());
        self.wants.get(done).map(|command| (done, *command))
    }
}

fn all<'a>(of: &'a Value, name: &str) -> impl Iterator<Item = &'a Value> {
    of[name].as_array().into_iter().flatten()
}

fn count<'a>(items: impl Iterator<Item = &'a Value>, is: impl Fn(&Value) -> bool) -> usize {
    items.filter(|item| is(item)).count()
}

/// Events, each with its type as its name.
fn events(events: &[Value]) -> Response {
    let lines = events.iter().map(|event| {
        let name = event["type"].as_str().unwrap_or("message");
        format!("event: {name}\ndata: {event}\n\n")
    });
    stream(lines.collect())
}

fn stream(text: String) -> Response {
    ([(CONTENT_TYPE, "text/event-stream")], text).into_response()
}

/// Anthropic's.
async fn messages(State(model): State<Model>, body: String) -> Response {
    let asked: Value = serde_json::from_str(&body).unwrap();
    let parts = all(&asked, "messages").flat_map(|it| all(it, "content"));
    let done = count(parts, |part| part["type"] == "tool_result");
    let has_tools = all(&asked, "tools").any(|tool| tool["name"] == "Bash");
    let next = model.next(&asked, done).filter(|_| has_tools);
    let (block, delta, stop) = match next {
        Some((at, command)) => (
            json!({"type": "tool_use", "id": format!("toolu_{at}"), "name": "Bash", "input": {}}),
            json!({"type": "input_json_delta", "partial_json": json!({"command": command, "description": "a file"}).to_string()}),
            "tool_use",
        ),
        None => (
            json!({"type": "text", "text": ""}),
            json!({"type": "text_delta", "text": "done"}),
            "end_turn",
        ),
    };
    let message = json!({"id": "msg_1", "type": "message", "role": "assistant", "model": asked["model"], "content": [],
        "stop_reason": null, "stop_sequence": null, "usage": {"input_tokens": 1, "output_tokens": 1}});
    events(&[
        json!({"type": "message_start", "message": message}),
        json!({"type": "content_block_start", "index": 0, "content_block": block}),
        json!({"type": "content_block_delta", "index": 0, "delta": delta}),
        json!({"type": "content_block_stop", "index": 0}),
        json!({"type": "message_delta", "delta": {"stop_reason": stop, "stop_sequence": null}, "usage": {"output_tokens": 1}}),
        json!({"type": "message_stop"}),
    ])
}

/// OpenAI's newer one.
async fn responses(State(model): State<Model>, body: String) -> Response {
    let asked: Value = serde_json::from_str(&body).unwrap();
    let done = count(all(&asked, "input"), |item| {
        item["type"] == "function_call_output"
    });
    let item = match model.next(&asked, done) {
        Some((at, command)) => {
            json!({"type": "function_call", "id": format!("fc_{at}"), "call_id": format!("call_{at}"), "name": "exec_command",
                "arguments": json!({"cmd": command}).to_string(), "status": "completed"})
        }
        None => {
            json!({"type": "message", "id": "msg_1", "role": "assistant", "status": "completed",
                "content": [{"type": "output_text", "text": "done", "annotations": []}]})
        }
    };
    let response = |status: &str, output: Value| {
        json!({"id": format!("resp_{done}"), "object": "response", "status": status, "model": asked["model"], "output": output,
            "usage": {"input_tokens": 1, "input_tokens_details": {"cached_tokens": 0}, "output_tokens": 1,
                "output_tokens_details": {"reasoning_tokens": 0}, "total_tokens": 2}})
    };
    events(&[
        json!({"type": "response.created", "response": response("in_progress", json!([]))}),
        json!({"type": "response.output_item.added", "output_index": 0, "item": item}),
        json!({"type": "response.output_item.done", "output_index": 0, "item": item}),
        json!({"type": "response.completed", "response": response("completed", json!([item]))}),
    ])
}

/// OpenAI's older one.
async fn completions(State(model): State<Model>, body: String) -> Response {
    let asked: Value = serde_json::from_str(&body).unwrap();
    let done = count(all(&asked, "messages"), |message| message["role"] == "tool");
    let (delta, finish) = match model.next(&asked, done) {
        Some((at, command)) => {
            let arguments = json!({"command": command, "description": "a file"}).to_string();
            (
                json!({"role": "assistant", "content": null, "tool_calls": [{"index": 0, "id": format!("call_{at}"),
                    "type": "function", "function": {"name": "bash", "arguments": arguments}}]}),
                "tool_calls",
            )
        }
        None => (json!({"role": "assistant", "content": "done"}), "stop"),
    };
    let chunk = |delta: Value, finish: Value| {
        json!({"id": "c", "object": "chat.completion.chunk", "created": 1, "model": asked["model"],
            "choices": [{"index": 0, "delta": delta, "finish_reason": finish}],
            "usage": {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2}})
    };
    stream(format!(
        "data: {}\n\ndata: {}\n\ndata: [DONE]\n\n",
        chunk(delta, Value::Null),
        chunk(json!({}), json!(finish))
    ))
}

/// Google's.
async fn contents(State(model): State<Model>, Path(path): Path<String>, body: String) -> Response {
    let asked: Value = serde_json::from_str(&body).unwrap();
    let parts = all(&asked, "contents").flat_map(|it| all(it, "parts"));
    let done = count(parts, |part| !part["functionResponse"].is_null());
    let mut tools = all(&asked, "tools").flat_map(|it| all(it, "functionDeclarations"));
    let has_tools = tools.any(|tool| tool["name"] == "run_shell_command");
    let part = match model.next(&asked, done).filter(|_| has_tools) {
        Some((_, command)) => json!({"functionCall": {"name": "run_shell_command",
            "args": {"command": command, "description": "a file"}}}),
        None => json!({"text": "done"}),
    };
    let answer = json!({"candidates": [{"content": {"role": "model", "parts": [part]}, "finishReason": "STOP", "index": 0}],
        "usageMetadata": {"promptTokenCount": 1, "candidatesTokenCount": 1, "totalTokenCount": 2}});
    if path.ends_with(":streamGenerateContent") {
        return stream(format!("data: {answer}\n\n"));
    }
    ([(CONTENT_TYPE, "application/json")], answer.to_string()).into_response()
}
