//! Tools and prompts that ask for input by their results.

use rmcp::ErrorData;
use rmcp::model::{
    CallToolRequestParams, CallToolResponse, ClientCapabilities, CreateMessageRequest,
    CreateMessageRequestParams, ElicitRequest, ElicitRequestParams, ElicitationSchema,
    InputRequest, InputRequiredResult, InputResponses, JsonObject, ListRootsRequest,
    RequestStateCodec, SamplingMessage,
};
use serde_json::{Value, json};

use crate::content::text;

/// The key of states: nothing here is a secret.
const KEY: &[u8] = b"the states of a fixture need a key, not a secret";

fn codec() -> Result<RequestStateCodec, ErrorData> {
    RequestStateCodec::try_new(KEY)
        .map_err(|error| ErrorData::internal_error(error.to_string(), None))
}

fn sealed(round: u64) -> Result<String, ErrorData> {
    codec()?
        .seal_json(&json!({ "round": round }))
        .map_err(|error| ErrorData::internal_error(error.to_string(), None))
}

/// The round that a state says; none came: the first.
fn round(state: Option<&str>) -> Result<u64, ErrorData> {
    let Some(state) = state else { return Ok(0) };
    let opened: Value = codec()?.open_json(state).map_err(|_| {
        ErrorData::invalid_params("the state that came back is none that was given", None)
    })?;
    Ok(opened.get("round").and_then(Value::as_u64).unwrap_or(0))
}

/// A form with one field.
pub(crate) fn form(message: &str, field: &str, kind: &str) -> Result<InputRequest, ErrorData> {
    let schema =
        json!({"type": "object", "properties": {field: {"type": kind}}, "required": [field]});
    Ok(InputRequest::Elicitation(ElicitRequest::new(
        ElicitRequestParams::FormElicitationParams {
            meta: None,
            message: message.to_owned(),
            requested_schema: schema_of(schema)?,
        },
    )))
}

pub(crate) fn schema_of(schema: Value) -> Result<ElicitationSchema, ErrorData> {
    serde_json::from_value(schema)
        .map_err(|error| ErrorData::internal_error(error.to_string(), None))
}

fn sampling(prompt: &str) -> InputRequest {
    let messages = vec![SamplingMessage::user_text(prompt)];
    InputRequest::CreateMessage(CreateMessageRequest::new(CreateMessageRequestParams::new(
        messages, 100,
    )))
}

fn roots() -> InputRequest {
    InputRequest::ListRoots(ListRootsRequest::default())
}

/// An answer that is an object; anything else is none.
pub(crate) fn given<'a>(
    responses: Option<&'a InputResponses>,
    key: &str,
) -> Option<&'a JsonObject> {
    responses?.get(key)?.as_object()
}

/// The field of a form that was filled in.
pub(crate) fn field<'a>(response: &'a JsonObject, name: &str) -> &'a str {
    let value = response
        .get("content")
        .and_then(|content| content.get(name));
    value.and_then(Value::as_str).unwrap_or("(none)")
}

pub(crate) fn asked(
    requests: Vec<(&str, InputRequest)>,
    state: Option<String>,
) -> InputRequiredResult {
    let requests = requests
        .into_iter()
        .map(|(key, request)| (key.to_owned(), request));
    InputRequiredResult::new(Some(requests.collect()), state)
}

/// The tools `test_input_required_result_...`.
pub(crate) fn call(
    request: &CallToolRequestParams,
    capabilities: &ClientCapabilities,
) -> Result<CallToolResponse, ErrorData> {
    let responses = request.input_responses.as_ref();
    let state = request.request_state.as_deref();
    let name = || form("What is your name?", "name", "string");
    let kind = request
        .name
        .strip_prefix("test_input_required_result_")
        .unwrap_or_default();
    Ok(match kind {
        "elicitation" => match given(responses, "user_name") {
            Some(answer) => text(format!("Hello, {}!", field(answer, "name"))).into(),
            None => asked(vec![("user_name", name()?)], None).into(),
        },
        "sampling" => match given(responses, "capital_question") {
            Some(answer) => {
                let said = answer
                    .get("content")
                    .and_then(|content| content.get("text"));
                let said = said.and_then(Value::as_str).unwrap_or("(no text)");
                text(format!("Sampling response: {said}")).into()
            }
            None => {
                let question = sampling("What is the capital of France?");
                asked(vec![("capital_question", question)], None).into()
            }
        },
        "list_roots" => match given(responses, "client_roots") {
            Some(answer) => {
                let roots = answer.get("roots").and_then(Value::as_array);
                let uris = roots.into_iter().flatten();
                let uris = uris.filter_map(|root| root.get("uri").and_then(Value::as_str));
                let uris: Vec<_> = uris.collect();
                text(format!("Client roots: [{}]", uris.join(", "))).into()
            }
            None => asked(vec![("client_roots", roots())], None).into(),
        },
        "request_state" | "tampered_state" => match state {
            Some(_) => {
                round(state)?;
                text("Confirmed: state-ok").into()
            }
            None => {
                let confirm = form("Please confirm", "ok", "boolean")?;
                asked(vec![("confirm", confirm)], Some(sealed(1)?)).into()
            }
        },
        "multiple_inputs" => {
            round(state)?;
            let keys = ["user_name", "greeting", "client_roots"];
            if state.is_some() && keys.iter().all(|key| given(responses, key).is_some()) {
                text("All inputs received").into()
            } else {
                let requests = vec![
                    ("user_name", name()?),
                    ("greeting", sampling("Generate a greeting")),
                    ("client_roots", roots()),
                ];
                asked(requests, Some(sealed(1)?)).into()
            }
        }
        "multi_round" => match round(state)? {
            0 => {
                let step = form("Step 1: What is your name?", "name", "string")?;
                asked(vec![("step1", step)], Some(sealed(1)?)).into()
            }
            1 => {
                let step = form("Step 2: What is your favorite color?", "color", "string")?;
                asked(vec![("step2", step)], Some(sealed(2)?)).into()
            }
            _ => text("Multi-round flow complete").into(),
        },
        "capabilities" if responses.is_some() => text("Capability-aware flow complete").into(),
        "capabilities" => {
            let mut requests = Vec::new();
            if capabilities.elicitation.is_some() {
                requests.push(("user_name", name()?));
            }
            if capabilities.sampling.is_some() {
                requests.push(("greeting", sampling("Generate a greeting")));
            }
            if capabilities.roots.is_some() {
                requests.push(("client_roots", roots()));
            }
            if requests.is_empty() {
                text("The client can answer nothing").into()
            } else {
                asked(requests, None).into()
            }
        }
        _ => {
            return Err(ErrorData::invalid_params(
                format!("Unknown tool: {}", request.name),
                None,
            ));
        }
    })
}
