//! `edit_file`.

use std::sync::{Arc, LazyLock};

use async_trait::async_trait;
use hexgate_agent::tool::{Progress, Tool, ToolError, ToolOutput, ToolSpec, arguments, schema};
use hexgate_base::harmless;
use hexgate_enforce::Permit;
use rustix::fs::fstat;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::failure::{changed, of_file, of_system};
use super::reach::Reach;
use super::read::whole;
use super::replace::is_same;
use super::target::{Target, place};
use super::text::{EditError, Edited, difference, replace};
use super::write::MAX_WRITTEN;
use crate::blocking::{self, Cancelled};
use crate::reply::{count, ok};

/// The longest difference that an answer has, in bytes.
pub const MAX_DIFF: usize = 16 * 1024;

/// The tool `edit_file`: replaces text in a file of the workspace.
#[must_use]
pub fn edit_file(reach: &Arc<Reach>) -> Arc<dyn Tool> {
    Arc::new(EditFile(Arc::clone(reach)))
}

struct EditFile(Arc<Reach>);

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Arguments {
    /// The file, from the workspace on: `src/main.rs`.
    file_path: String,
    /// The text to replace, exactly as it is in the file, with enough around it that it is there once.
    #[schemars(length(min = 1))]
    old_string: String,
    /// What to put in its place.
    new_string: String,
    /// Replace it wherever it is.
    #[serde(default)]
    replace_all: bool,
}

#[derive(Serialize)]
struct Answer {
    file_path: String,
    num_replacements: usize,
    replace_all: bool,
    diff: String,
    /// The difference is longer than it is shown.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    diff_truncated: bool,
    /// The file had further names, which keep the old content.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    had_other_names: bool,
}

static SPEC: LazyLock<Arc<ToolSpec>> = LazyLock::new(|| {
    let description = "Replace text in a file of the workspace. Fails if the text is there several times, unless `replace_all` is set. Line ends stay as they are.";
    Arc::new(ToolSpec::new("edit_file", description, schema::<Arguments>()).preview(preview))
});

#[async_trait]
impl Tool for EditFile {
    fn spec(&self) -> &Arc<ToolSpec> {
        &SPEC
    }

    async fn call(&self, permit: Permit, _: &Progress) -> Result<ToolOutput, ToolError> {
        let reach = Arc::clone(&self.0);
        blocking::run(move |cancelled| {
            let answer = edit(&reach, &permit, cancelled)?;
            let places = count(answer.num_replacements, "place");
            let summary = format!("edited {} in {places}", answer.file_path);
            Ok(ok(answer)?.summary(summary))
        })
        .await
    }
}

fn edit(reach: &Reach, permit: &Permit, cancelled: &Cancelled) -> Result<Answer, ToolError> {
    let arguments: Arguments = arguments(permit)?;
    let place = place(reach, permit, &arguments.file_path)?;
    let _turn = reach.turn(&place);
    let mut target = Target::open(reach, &place, false)?;
    let shown = target.shown.clone();
    let file = target
        .folder
        .read(target.name)
        .map_err(|error| of_file(&error, &shown))?;
    let before = fstat(&file).map_err(|error| of_system(&error.into(), &shown))?;
    let text = whole(&file, MAX_WRITTEN as u64, &shown)?;
    // What was read is what was looked at, all the time.
    let after = fstat(&file).map_err(|error| of_system(&error.into(), &shown))?;
    if !is_same(&before, &after) {
        return Err(changed(&shown));
    }
    target.before = Some(before);
    let Edited {
        text: edited,
        replacements,
    } = replace(
        &text,
        &arguments.old_string,
        &arguments.new_string,
        arguments.replace_all,
    )
    .map_err(|error| refused(error, &shown))?;
    if edited.len() > MAX_WRITTEN {
        return Err(ToolError::new(
            "too_large",
            format!("`{shown}` would have more than {MAX_WRITTEN} bytes"),
        ));
    }
    let mut diff = difference(&text, &edited, &shown);
    let diff_truncated = diff.len() > MAX_DIFF;
    diff.truncate(diff.floor_char_boundary(MAX_DIFF));
    let had_other_names = before.st_nlink > 1;
    target.put(edited.as_bytes(), cancelled)?;
    Ok(Answer {
        file_path: shown,
        num_replacements: replacements,
        replace_all: arguments.replace_all,
        diff,
        diff_truncated,
        had_other_names,
    })
}

fn refused(error: EditError, shown: &str) -> ToolError {
    match error {
        EditError::Nothing => ToolError::new(
            "invalid_arguments",
            "`old_string` is empty; to make a new file use `write_file`",
        ),
        EditError::Same => ToolError::new(
            "no_change",
            "`old_string` and `new_string` are the same, apart from line ends, which an edit keeps",
        ),
        EditError::Absent => ToolError::new(
            "no_match",
            format!("`old_string` is not in `{shown}`; read the file, and copy the text exactly"),
        ),
        EditError::Several(found, lines) => {
            let all = lines.len() == found;
            let lines: Vec<String> = lines.iter().map(ToString::to_string).collect();
            let more = if all { "" } else { ", and more" };
            ToolError::new(
                "several_matches",
                format!(
                    "`old_string` is {found} times in `{shown}`, in the lines {}{more}; write more of the text around it, or set `replace_all`",
                    lines.join(", ")
                ),
            )
        }
    }
}

/// What an approver sees: the text that goes and the text that comes, line by line.
fn preview(arguments: &Value) -> Option<String> {
    let text = |name: &str| arguments.get(name)?.as_str();
    let file = harmless(text("file_path")?).into_owned();
    let lines = |text: &str| {
        let lines: Vec<_> = text.split('\n').map(harmless).collect();
        lines.join("\n") + "\n"
    };
    let (old, new) = (lines(text("old_string")?), lines(text("new_string")?));
    let everywhere = arguments.get("replace_all") == Some(&Value::Bool(true));
    let mut shown = difference(&old, &new, &file);
    if everywhere {
        shown.push_str("(wherever it is in the file)\n");
    }
    Some(shown)
}
