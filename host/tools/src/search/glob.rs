//! `glob`.

use std::sync::{Arc, LazyLock, Mutex, PoisonError};

use async_trait::async_trait;
use hexgate_agent::tool::{Progress, Tool, ToolError, ToolOutput, ToolSpec};
use hexgate_base::disk::Folder;
use hexgate_enforce::Permit;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::pattern::Pattern;
use super::start::{Start, below, start};
use super::walk::{Stop, Visit, Walk, walk};
use crate::blocking::{self, Cancelled};
use crate::files::Reach;
use crate::reply::{arguments, count, ok, schema};

/// How many names are answered if the call does not say.
const LIMIT: usize = 100;
/// How many names a call may ask for.
pub const MAX_NAMES: usize = 1000;

/// The tool `glob`: finds files of the workspace by their names.
#[must_use]
pub fn glob(reach: &Arc<Reach>) -> Arc<dyn Tool> {
    Arc::new(Glob(Arc::clone(reach)))
}

struct Glob(Arc<Reach>);

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Arguments {
    /// What the paths look like, from the searched directory on: `**/*.rs`, `src/*.{ts,tsx}`. `*` stays within a name, `**` is any number of
    /// directories.
    #[schemars(length(min = 1, max = 1024))]
    pattern: String,
    /// The directory to search, from the workspace on. Absent: the workspace.
    path: Option<String>,
    /// The most paths to answer.
    #[serde(default = "limit")]
    #[schemars(range(min = 1, max = 1000))]
    limit: usize,
}

fn limit() -> usize {
    LIMIT
}

#[derive(Serialize)]
struct Answer {
    pattern: String,
    filenames: Vec<String>,
    num_files: usize,
    truncated: bool,
    search_root: String,
    /// The search took too long, and did not see everything.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    incomplete: bool,
}

static SPEC: LazyLock<Arc<ToolSpec>> = LazyLock::new(|| {
    let description = "Find files of the workspace by a pattern of their paths. Files that .gitignore names, and hidden ones that the pattern does not name, are left out.";
    Arc::new(ToolSpec::new("glob", description, schema::<Arguments>()).concurrent())
});

#[async_trait]
impl Tool for Glob {
    fn spec(&self) -> &Arc<ToolSpec> {
        &SPEC
    }

    async fn call(&self, permit: Permit, _: &Progress) -> Result<ToolOutput, ToolError> {
        let reach = Arc::clone(&self.0);
        blocking::run(move |cancelled| {
            let answer = find(&reach, &permit, cancelled)?;
            let more = if answer.truncated { " and more" } else { "" };
            let summary = format!("found {}{more}", count(answer.num_files, "file"));
            Ok(ok(answer)?.summary(summary))
        })
        .await
    }
}

fn find(reach: &Reach, permit: &Permit, cancelled: &Cancelled) -> Result<Answer, ToolError> {
    let arguments: Arguments = arguments(permit)?;
    let pattern = Pattern::parse(&arguments.pattern)?;
    let Start { place, file } = start(reach, arguments.path.as_deref())?;
    if file.is_some() {
        return Err(ToolError::new(
            "not_a_directory",
            "`path` is a file; it is read by `read_file`",
        ));
    }
    let first = below(&place.path, &pattern.below);
    let found = Mutex::new(Vec::new());
    let is_complete = walk(
        &Walk {
            root: &reach.root_of(&place)?.folder,
            start: &first,
            without: &reach.roots_below(&place),
            hidden: pattern.hidden,
            wants: &|_, _| None,
            cancelled,
        },
        || Matching {
            pattern: &pattern,
            base: if first.is_empty() { 0 } else { first.len() + 1 },
            mine: Vec::new(),
            all: &found,
        },
    );
    cancelled.check()?;
    let mut found = found.into_inner().unwrap_or_else(PoisonError::into_inner);
    found.sort_unstable();
    let limit = arguments.limit.clamp(1, MAX_NAMES);
    let mut covered = found.into_iter().filter_map(|path| {
        let mut at = place.clone();
        at.path = path;
        let shown = reach.shown(&at);
        permit
            .covers(&shown)
            .is_ok_and(|covers| covers)
            .then_some(shown)
    });
    let filenames: Vec<String> = covered.by_ref().take(limit).collect();
    let truncated = covered.next().is_some() || !is_complete;
    Ok(Answer {
        pattern: arguments.pattern,
        num_files: filenames.len(),
        filenames,
        truncated,
        search_root: reach.shown(&place),
        incomplete: !is_complete,
    })
}

/// Keeps the paths that match.
struct Matching<'a> {
    pattern: &'a Pattern,
    /// Where the part of a path begins that the pattern is about.
    base: usize,
    mine: Vec<String>,
    all: &'a Mutex<Vec<String>>,
}

impl Visit for Matching<'_> {
    fn file(&mut self, _: &Folder, path: &str, _: &str, _: &Stop<'_>) {
        if path
            .get(self.base..)
            .is_some_and(|it| self.pattern.matches(it))
        {
            self.mine.push(path.to_owned());
        }
    }
}

impl Drop for Matching<'_> {
    fn drop(&mut self) {
        let mut all = self.all.lock().unwrap_or_else(PoisonError::into_inner);
        all.append(&mut self.mine);
    }
}
