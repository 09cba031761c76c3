//! What of an answer is written as JSON by every interface.

use alloc::string::{String, ToString};

use hexgate_contract::{FileScope, PathScope, PathStyle};

use crate::{answer::Answer, json};

/// The pattern lists, as JSON.
pub(crate) fn paths(paths: &PathScope) -> String {
    lists(paths).finish()
}

fn lists(paths: &PathScope) -> json::Object {
    let mut object = json::Object::new();
    object.texts("allowed", &paths.allowed);
    object.texts("denied", &paths.denied);
    if !paths.except.is_empty() {
        object.texts("except", &paths.except);
    }
    object
}

/// What a tool that finds further paths has to apply to each, as JSON: what is not usual has members of its own.
pub(crate) fn file_scope(scope: &FileScope) -> String {
    let mut object = json::Object::new();
    match scope.arguments.as_slice() {
        [argument] => object.text("argument", argument),
        arguments => object.texts("arguments", arguments),
    }
    object.raw("paths", &paths(&scope.paths));
    if scope.search {
        object.flag("search", true);
    }
    style(&mut object, scope.style);
    if !scope.exclusions.is_empty() {
        let exclusions = scope.exclusions.iter().map(|exclusion| {
            let mut lists = lists(&exclusion.paths);
            style(&mut lists, exclusion.style);
            lists.finish()
        });
        object.raw("exclusions", &json::list(exclusions));
    }
    object.finish()
}

fn style(object: &mut json::Object, style: PathStyle) {
    match style {
        PathStyle::Posix => {}
        PathStyle::Windows => object.text("style", style.as_str()),
    }
}

/// Adds what an answer has to say beyond the verdict: `message`, and `approval`, in which what is not said is the host's.
pub(crate) fn more(answer: &Answer, object: &mut json::Object) {
    if let Some(message) = &answer.message {
        object.text("message", message);
    }
    let Some(terms) = &answer.terms else { return };
    let mut approval = json::Object::new();
    approval.texts("roles", &terms.roles);
    if let Some(seconds) = terms.expires {
        approval.raw("expires_seconds", &seconds.to_string());
    }
    if let Some(count) = terms.approvers {
        approval.raw("approvers", &count.to_string());
    }
    if let Some(required) = terms.reason_required {
        approval.flag("reason_required", required);
    }
    object.raw("approval", &approval.finish());
}

/// `null`, or what there is as JSON.
pub(crate) fn or_null(value: Option<String>) -> String {
    value.unwrap_or_else(|| "null".to_string())
}
