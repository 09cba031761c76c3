//! What clients see: results without secrets, failures with their names.

use hexgate_enforce::Decision;
use hexgate_enforce::audit::Scrubber;
use rmcp::model::{CallToolResult, ContentBlock, ErrorData, MetaObject};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::server::Failure;
use crate::visible::{make_visible, visible};

/// The key under which the id of a request for approval stands in the `_meta` of a result.
const REQUEST: &str = "hexgate/approvalRequest";

/// A call that does not run, as the model reads it.
pub(super) fn denied(decision: &Decision) -> CallToolResult {
    let mut text = decision.model_message().unwrap_or_default();
    let mut meta = None;
    if let Some(request) = decision.pending_request() {
        text.push_str(&format!(
            " Approval was asked for as request {request}. Once it is given, make the same call again."
        ));
        let mut object = MetaObject::default();
        object.insert(REQUEST.to_owned(), Value::String(request.to_owned()));
        meta = Some(object);
    }
    let mut result = CallToolResult::error(vec![ContentBlock::text(text)]);
    result.meta = meta;
    result
}

/// A call that a server did not answer as it should, as the model reads it.
pub(super) fn failed(failure: &Failure) -> CallToolResult {
    CallToolResult::error(vec![ContentBlock::text(format!(
        "[{}] {failure}",
        failure.name()
    ))])
}

/// The same for requests whose answers cannot say it.
pub(super) fn error(failure: &Failure) -> ErrorData {
    match failure {
        Failure::Error(error) => (**error).clone(),
        _ => ErrorData::internal_error(format!("[{}] {failure}", failure.name()), None),
    }
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
    if let Some(scrubber) = cleaning.scrubber {
        scrub(scrubber, &mut value);
    }
    if cleaning.visible {
        make_visible(&mut value);
    }
    let text = value.to_string();
    let result = serde_json::from_value(value).map_err(lied)?;
    Ok((result, text))
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
