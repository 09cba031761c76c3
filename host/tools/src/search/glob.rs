//! `glob`.

use std::sync::{Arc, LazyLock, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use hexgate_agent::tool::{Progress, Tool, ToolError, ToolOutput, ToolSpec, arguments, schema};
use hexgate_base::disk::Folder;
use hexgate_enforce::Permit;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::first::First;
use super::pattern::Pattern;
use super::start::{Start, below, start};
use super::walk::{Stop, Visit, Walk, walk};
use crate::blocking::{self, Cancelled};
use crate::files::{Place, Reach};
use crate::reply::{count, ok};

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
    let found = Mutex::new(First::new(arguments.limit.clamp(1, MAX_NAMES)));
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
            reach,
            permit,
            root: &place,
            found: &found,
        },
    );
    cancelled.check()?;
    let found = found.into_inner().unwrap_or_else(PoisonError::into_inner);
    let truncated = found.has_more() || !is_complete;
    let filenames: Vec<String> = found
        .into_paths()
        .map(|path| shown(reach, &place, &path))
        .collect();
    Ok(Answer {
        pattern: arguments.pattern,
        num_files: filenames.len(),
        filenames,
        truncated,
        search_root: reach.shown(&place),
        incomplete: !is_complete,
    })
}

/// A path as it is answered.
fn shown(reach: &Reach, root: &Place, path: &str) -> String {
    let mut place = root.clone();
    path.clone_into(&mut place.path);
    reach.shown(&place)
}

/// Keeps the first paths that match and that the policy covers.
struct Matching<'a> {
    pattern: &'a Pattern,
    /// Where the part of a path begins that the pattern is about.
    base: usize,
    reach: &'a Reach,
    permit: &'a Permit,
    root: &'a Place,
    found: &'a Mutex<First>,
}

impl Matching<'_> {
    fn found(&self) -> MutexGuard<'_, First> {
        self.found.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Visit for Matching<'_> {
    fn file(&mut self, _: &Folder, path: &str, _: &str, _: &Stop<'_>) {
        let below = path.get(self.base..);
        if !below.is_some_and(|it| self.pattern.matches(it)) {
            return;
        }
        let found = self.found();
        let has_place = found.has_place_for(path);
        if !has_place && found.has_more() {
            return;
        }
        drop(found);
        let covers = self.permit.covers(&shown(self.reach, self.root, path));
        if !covers.is_ok_and(|covers| covers) {
            return;
        }
        if has_place {
            // Another thread may have taken its place: then it is dropped again.
            self.found().add(path.to_owned());
        } else {
            self.found().leave_out();
        }
    }
}
