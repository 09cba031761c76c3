//! Calls that go on after their answer.

use std::time::Duration;

use rmcp::ErrorData;
use rmcp::model::{
    CallToolRequestParams, CallToolResponse, CallToolResult, ClientCapabilities, ContentBlock,
    CreateTaskResult,
};
use rmcp::task_manager::{TaskExit, TaskManager, TaskOptions};
use serde_json::Value;

use crate::asks::{asked, field, form, given};
use crate::content::text;

/// Tools that can be tasks.
const TASKS: &[&str] = &[
    "slow_compute",
    "failing_job",
    "protocol_error_job",
    "confirm_delete",
    "multi_input",
    "test_tool_with_task",
];
/// Tools that cannot be anything else.
const ONLY_TASKS: &[&str] = &[
    "failing_job",
    "confirm_delete",
    "multi_input",
    "test_tool_with_task",
];

/// Calls a tool of this module. None: it is of another one.
pub(crate) async fn call(
    tasks: &TaskManager,
    request: &CallToolRequestParams,
    capabilities: &ClientCapabilities,
) -> Option<Result<CallToolResponse, ErrorData>> {
    let name = request.name.as_ref();
    if name == "greet" || TASKS.contains(&name) {
        Some(run(tasks, request, capabilities.supports_tasks()).await)
    } else {
        None
    }
}

fn argument<'a>(request: &'a CallToolRequestParams, name: &str) -> Option<&'a Value> {
    request.arguments.as_ref()?.get(name)
}

async fn run(
    tasks: &TaskManager,
    request: &CallToolRequestParams,
    as_task: bool,
) -> Result<CallToolResponse, ErrorData> {
    let name = request.name.as_ref();
    if ONLY_TASKS.contains(&name) && !as_task {
        return Err(ErrorData::missing_required_client_capability(
            ClientCapabilities::builder().enable_tasks().build(),
        ));
    }
    let said = |name: &str, or: &str| {
        let value = argument(request, name).and_then(Value::as_str);
        value.unwrap_or(or).to_owned()
    };
    let options = TaskOptions::default;
    let task = match name {
        "greet" => return Ok(text(format!("Hello, {}!", said("name", "friend"))).into()),
        "slow_compute" => {
            let seconds = argument(request, "seconds").and_then(Value::as_f64);
            let seconds = seconds.unwrap_or(1.0).clamp(0.0, 60.0);
            let took = Duration::from_secs_f64(seconds);
            let done = text(format!(
                "slow_compute({}) done after {seconds}s",
                said("label", "compute")
            ));
            if !as_task {
                tokio::time::sleep(took).await;
                return Ok(done.into());
            }
            tasks.spawn(options(), move |context| {
                Box::pin(async move {
                    tokio::select! {
                        () = context.cancelled() => Err(TaskExit::Cancelled),
                        () = tokio::time::sleep(took) => Ok(done),
                    }
                })
            })
        }
        "failing_job" => tasks.spawn(options(), |_| {
            Box::pin(async {
                tokio::time::sleep(Duration::from_secs(1)).await;
                Ok(CallToolResult::error(vec![ContentBlock::text(
                    "failing_job: it fails",
                )]))
            })
        }),
        "protocol_error_job" => {
            let failure =
                || ErrorData::internal_error("protocol_error_job: it ends with an error", None);
            if !as_task {
                return Err(failure());
            }
            tasks.spawn(options(), move |_| {
                Box::pin(async move {
                    tokio::time::sleep(Duration::from_millis(200)).await;
                    Err(TaskExit::Error(failure()))
                })
            })
        }
        "confirm_delete" => {
            let file = said("filename", "file.txt");
            let question = form(&format!("Delete {file}?"), "confirm", "boolean")?;
            tasks.spawn(options(), move |context| {
                Box::pin(async move {
                    let answer = context.request_input("confirm", question).await?;
                    let confirmed = answer.pointer("/content/confirm") == Some(&Value::Bool(true));
                    Ok(text(format!(
                        "confirm_delete({file}): confirmed = {confirmed}"
                    )))
                })
            })
        }
        "multi_input" => {
            let questions = [
                form("Provide value A", "value", "string")?,
                form("Provide value B", "value", "string")?,
            ];
            tasks.spawn(options(), move |context| {
                Box::pin(async move {
                    let [a, b] = questions;
                    let (a, b) = tokio::join!(
                        context.request_input("input-a", a),
                        context.request_input("input-b", b)
                    );
                    let said = |answer: &Value| {
                        let value = answer.pointer("/content/value").and_then(Value::as_str);
                        value.unwrap_or("(none)").to_owned()
                    };
                    Ok(text(format!(
                        "multi_input: a = {}, b = {}",
                        said(&a?),
                        said(&b?)
                    )))
                })
            })
        }
        // Asks by its result first, and is a task then.
        _ => match given(request.input_responses.as_ref(), "user_name") {
            None => {
                let question = form("What is your name?", "name", "string")?;
                return Ok(asked(vec![("user_name", question)], None).into());
            }
            Some(answer) => {
                let name = field(answer, "name").to_owned();
                tasks.spawn(options(), move |_| {
                    Box::pin(async move {
                        tokio::time::sleep(Duration::from_millis(200)).await;
                        Ok(text(format!("Hello, {name}! (async)")))
                    })
                })
            }
        },
    };
    Ok(CreateTaskResult::new(task).into())
}
