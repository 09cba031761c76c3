//! `write_file`.

use std::sync::{Arc, LazyLock};

use async_trait::async_trait;
use hexgate_agent::tool::{Progress, Tool, ToolError, ToolOutput, ToolSpec, arguments, schema};
use hexgate_base::harmless;
use hexgate_enforce::Permit;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::reach::Reach;
use super::target::{Target, place};
use crate::blocking::{self, Cancelled};
use crate::reply::{count, ok};

/// The largest file that a call writes, in bytes.
pub const MAX_WRITTEN: usize = 8 * 1024 * 1024;

/// The tool `write_file`: makes or overwrites a text file of the workspace, with the folders that it needs.
#[must_use]
pub fn write_file(reach: &Arc<Reach>) -> Arc<dyn Tool> {
    Arc::new(WriteFile(Arc::clone(reach)))
}

struct WriteFile(Arc<Reach>);

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Arguments {
    /// The file, from the workspace on: `src/main.rs`.
    file_path: String,
    /// The whole content of the file.
    content: String,
}

#[derive(Serialize)]
struct Answer {
    file_path: String,
    operation: &'static str,
    num_lines: usize,
    /// The file had further names, which keep the old content.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    had_other_names: bool,
}

static SPEC: LazyLock<Arc<ToolSpec>> = LazyLock::new(|| {
    let description = "Create a text file of the workspace, or overwrite it as a whole. Missing directories are created.";
    Arc::new(ToolSpec::new("write_file", description, schema::<Arguments>()).preview(preview))
});

#[async_trait]
impl Tool for WriteFile {
    fn spec(&self) -> &Arc<ToolSpec> {
        &SPEC
    }

    async fn call(&self, permit: Permit, _: &Progress) -> Result<ToolOutput, ToolError> {
        let reach = Arc::clone(&self.0);
        blocking::run(move |cancelled| {
            let answer = write(&reach, &permit, cancelled)?;
            let lines = count(answer.num_lines, "line");
            let summary = format!("{}d {} with {lines}", answer.operation, answer.file_path);
            Ok(ok(answer)?.summary(summary))
        })
        .await
    }
}

fn write(reach: &Reach, permit: &Permit, cancelled: &Cancelled) -> Result<Answer, ToolError> {
    let Arguments { file_path, content } = arguments(permit)?;
    if content.len() > MAX_WRITTEN {
        return Err(ToolError::new(
            "too_large",
            format!("a file of at most {MAX_WRITTEN} bytes is written"),
        ));
    }
    let place = place(reach, permit, &file_path)?;
    let _turn = reach.turn(&place);
    let target = Target::open(reach, &place, true)?;
    let answer = Answer {
        file_path: target.shown.clone(),
        operation: if target.before.is_some() {
            "update"
        } else {
            "create"
        },
        num_lines: content.lines().count(),
        had_other_names: target.before.is_some_and(|before| before.st_nlink > 1),
    };
    target.put(content.as_bytes(), cancelled)?;
    Ok(answer)
}

/// What an approver sees: the file, and each line that it will have.
fn preview(arguments: &Value) -> Option<String> {
    let file = arguments.get("file_path")?.as_str()?;
    let content = arguments.get("content")?.as_str()?;
    let mut shown = format!("+++ {}\n", harmless(file));
    for line in content.lines() {
        shown.push('+');
        shown.push_str(&harmless(line));
        shown.push('\n');
    }
    if !content.is_empty() && !content.ends_with('\n') {
        shown.push_str("\\ no newline at the end\n");
    }
    Some(shown)
}
