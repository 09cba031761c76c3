//! What clients see: results without secrets, failures with their names.
#![expect(
    deprecated,
    reason = "sampling leaves the protocol; servers of all versions that have it are served"
)]

use hexgate_enforce::Decision;
use hexgate_enforce::audit::Scrubber;
use rmcp::model::{
    CallToolResult, ContentBlock, ElicitRequestParams, ErrorCode, ErrorData, InputRequest, Request,
    RequestMetaObject, Task,
};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::ask;
use crate::server::Failure;
use crate::visible::{hidden_name, make_visible, visible};

/// The key under which the name of a server stands in the `_meta` of what it asks.
const SERVER: &str = "hexgate/server";

/// The longest message of a server's error, in characters.
const MAX_MESSAGE: usize = 4096;
/// The longest time that a server writes, in characters.
const MAX_TIME: usize = 64;
/// Codes of errors to which the protocol gives a meaning.
const RESERVED: std::ops::RangeInclusive<i32> = -32_099..=-32_000;

/// A call that does not run, as the model reads it.
pub(super) fn denied(decision: &Decision) -> CallToolResult {
    let text = decision.model_message().unwrap_or_default();
    ask::not_run(text, decision.pending_request())
}

/// A call that a server did not answer as it should, as the model reads it.
pub(super) fn failed(failure: &Failure) -> CallToolResult {
    CallToolResult::error(vec![ContentBlock::text(format!(
        "[{}] {failure}",
        failure.name()
    ))])
}

/// The same for requests whose answers cannot say it. What a server adds to its error has at most this many bytes, or is left out.
pub(super) fn error(failure: &Failure, most: usize) -> ErrorData {
    match failure {
        Failure::Error(error) => of_server(error, most),
        Failure::State => {
            ErrorData::invalid_params(format!("[{}] {failure}", failure.name()), None)
        }
        _ => ErrorData::internal_error(format!("[{}] {failure}", failure.name()), None),
    }
}

/// An error of a server. Codes that the protocol has for this side of the connection (to ask the user, to authorize, to speak another
/// version) would speak for the gateway: they become an internal error.
fn of_server(error: &ErrorData, most: usize) -> ErrorData {
    let message = hexgate_base::shortened(&error.message, MAX_MESSAGE);
    let speaks_for_itself =
        error.code == ErrorCode::RESOURCE_NOT_FOUND || !RESERVED.contains(&error.code.0);
    if !speaks_for_itself {
        return ErrorData::internal_error(message, None);
    }
    let is_small = |data: &Value| data.to_string().len() <= most;
    ErrorData::new(error.code, message, error.data.clone().filter(is_small))
}

/// The same as the model reads it, of an error that was cleaned.
pub(super) fn failed_as(error: ErrorData) -> CallToolResult {
    CallToolResult::error(vec![ContentBlock::text(error.message.into_owned())])
}

/// What a server says of a task beside its result.
pub(super) fn task(task: &mut Task, cleaning: Cleaning<'_>) {
    let clean = |text: &str, most| {
        let text = cleaning.made_visible().text(text);
        hexgate_base::shortened(&text, most)
    };
    let message = task.status_message.take();
    task.status_message = message.map(|message| clean(&message, MAX_MESSAGE));
    task.created_at = clean(&task.created_at, MAX_TIME);
    task.last_updated_at = clean(&task.last_updated_at, MAX_TIME);
}

/// A request that the policy does not allow, other than a call.
pub(super) fn refused(decision: &Decision) -> ErrorData {
    ErrorData::invalid_request(decision.model_message().unwrap_or_default(), None)
}

/// What is done to the words of a server before a client reads them.
#[derive(Clone, Copy)]
pub(super) struct Cleaning<'a> {
    /// Takes out what looks like keys.
    pub(super) scrubber: Option<&'a Scrubber>,
    /// Whether what is not seen is written out.
    pub(super) visible: bool,
}

impl Cleaning<'_> {
    /// The same, with everything visible.
    pub(super) fn made_visible(self) -> Self {
        Self {
            visible: true,
            ..self
        }
    }

    /// A value as clients read it.
    pub(super) fn value(self, value: &mut Value) {
        if let Some(scrubber) = self.scrubber {
            scrub(scrubber, value);
        }
        if self.visible {
            make_visible(value);
        }
    }

    /// A text as clients read it.
    pub(super) fn text(self, text: &str) -> String {
        let text = match self.scrubber {
            Some(scrubber) => scrubber.scrub(text),
            None => text.into(),
        };
        if self.visible {
            visible(&text).into_owned()
        } else {
            text.into_owned()
        }
    }
}

/// Cleans something that a server said, and looks at its size. Its text, for the record, comes with it.
pub(super) fn passed<T: Serialize + DeserializeOwned>(
    result: T,
    cleaning: Cleaning<'_>,
    most: usize,
) -> Result<(T, String), Failure> {
    let lied = |error: serde_json::Error| Failure::Lied(error.to_string());
    let text = serde_json::to_string(&result).map_err(lied)?;
    if text.len() > most {
        return Err(Failure::TooLarge(most));
    }
    if cleaning.scrubber.is_none() && !cleaning.visible {
        return Ok((result, text));
    }
    let mut value: Value = serde_json::from_str(&text).map_err(lied)?;
    cleaning.value(&mut value);
    let text = value.to_string();
    let result = serde_json::from_value(value).map_err(lied)?;
    Ok((result, text))
}

/// Cleans a question of a server to a client, and says whose it is. It is shown like a list: everything in it is visible.
pub(super) fn question(
    question: InputRequest,
    server: &str,
    cleaning: Cleaning<'_>,
    most: usize,
) -> Result<InputRequest, Failure> {
    let cleaning = cleaning.made_visible();
    let mut meta = RequestMetaObject::new();
    meta.0
        .insert(SERVER.to_owned(), Value::String(server.to_owned()));
    Ok(match question {
        InputRequest::Elicitation(asked) => {
            let form = form(asked.params, server, meta, cleaning, most)?;
            InputRequest::Elicitation(Request::new(form))
        }
        InputRequest::CreateMessage(asked) => {
            let mut params = asked.params;
            // To the client all servers are one: what others said would be among it.
            params.include_context = None;
            params.meta = None;
            let (mut params, _) = passed(params, cleaning, most)?;
            params.meta = Some(meta);
            InputRequest::CreateMessage(Request::new(params))
        }
        InputRequest::ListRoots(_) => InputRequest::ListRoots(Default::default()),
        _ => return Err(Failure::Refused("asks for more input")),
    })
}

fn form(
    question: ElicitRequestParams,
    server: &str,
    says_whose: RequestMetaObject,
    cleaning: Cleaning<'_>,
    most: usize,
) -> Result<ElicitRequestParams, Failure> {
    let ElicitRequestParams::FormElicitationParams {
        message,
        requested_schema,
        ..
    } = question
    else {
        return Err(Failure::Refused("asks for more input"));
    };
    let schema = serde_json::to_value(&requested_schema);
    let schema = schema.map_err(|error| Failure::Lied(error.to_string()))?;
    // The answer has these names, so they cannot be changed.
    if hidden_name(&schema).is_some() {
        return Err(Failure::Refused(
            "asks with names that have characters that are not seen",
        ));
    }
    let question = ElicitRequestParams::FormElicitationParams {
        meta: Some(says_whose),
        message: format!("The server `{server}` asks:\n{message}"),
        requested_schema,
    };
    Ok(passed(question, cleaning, most)?.0)
}

fn scrub(scrubber: &Scrubber, value: &mut Value) {
    match value {
        Value::String(text) => {
            if let std::borrow::Cow::Owned(scrubbed) = scrubber.scrub(text) {
                *text = scrubbed;
            }
        }
        Value::Array(items) => items.iter_mut().for_each(|item| scrub(scrubber, item)),
        Value::Object(members) => {
            let all = std::mem::take(members).into_iter();
            members.extend(all.map(|(name, mut member)| {
                scrub(scrubber, &mut member);
                (scrubber.scrub(&name).into_owned(), member)
            }));
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}
