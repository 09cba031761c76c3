//! `grep`.

use std::fs::File;
use std::io::{self, Read};
use std::os::unix::fs::MetadataExt;
use std::sync::{Arc, LazyLock, Mutex, PoisonError};

use async_trait::async_trait;
use grep_matcher::LineTerminator;
use grep_regex::{RegexMatcher, RegexMatcherBuilder};
use grep_searcher::{BinaryDetection, Searcher, SearcherBuilder, Sink, SinkFinish, SinkMatch};
use hexgate_agent::tool::{Progress, Tool, ToolError, ToolOutput, ToolSpec, arguments, schema};
use hexgate_base::beginning;
use hexgate_base::disk::{FileError, Folder};
use hexgate_enforce::Permit;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::hits::Hits;
use super::pattern::{MAX_PATTERN, filter, invalid};
use super::start::{Start, start};
use super::walk::{Stop, Visit, Walk, once, walk};
use crate::blocking::{self, Cancelled};
use crate::files::{Place, Reach};
use crate::reply::{count, ok};

/// How many lines or files are answered if the call does not say.
const LIMIT: usize = 100;
/// How many lines or files a call may ask for.
pub const MAX_LINES: usize = 1000;
/// How much of a line is answered, in characters.
pub const MAX_LINE: usize = 500;
/// The memory for one line of a file, in bytes: a file with a longer one is searched up to there.
pub const MAX_SEARCHED_LINE: usize = 16 * 1024 * 1024;
/// The memory for a compiled pattern, and for what it makes while it runs, in bytes. Time is linear in any case.
const MAX_REGEX: usize = 10 * 1024 * 1024;
/// How deep a pattern may be nested.
const MAX_NESTING: u32 = 64;

/// The tool `grep`: finds text in files of the workspace.
#[must_use]
pub fn grep(reach: &Arc<Reach>) -> Arc<dyn Tool> {
    Arc::new(Grep(Arc::clone(reach)))
}

struct Grep(Arc<Reach>);

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Arguments {
    /// A regular expression, as ripgrep has them, which is matched line by line.
    #[schemars(length(min = 1, max = 1024))]
    pattern: String,
    /// The directory or file to search, from the workspace on. Absent: the workspace.
    path: Option<String>,
    /// Which files to search: `*.rs`, `src/**/*.ts`, `!*.md`. Absent: all.
    glob: Option<String>,
    /// What to answer: the files, the matching lines (`path:line:text`), or how many lines match.
    #[serde(default)]
    output_mode: Mode,
    /// Whether letter case does not count.
    #[serde(default)]
    case_insensitive: bool,
    /// The most files or lines to answer.
    #[serde(default = "limit")]
    #[schemars(range(min = 1, max = 1000))]
    head_limit: usize,
}

#[derive(Deserialize, Serialize, JsonSchema, Clone, Copy, PartialEq, Eq, Default)]
#[serde(rename_all = "snake_case")]
enum Mode {
    #[default]
    FilesWithMatches,
    Content,
    Count,
}

fn limit() -> usize {
    LIMIT
}

#[derive(Serialize)]
struct Answer {
    pattern: String,
    mode: Mode,
    num_files: usize,
    num_matches: u64,
    filenames: Vec<String>,
    truncated: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    content: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    count: Option<u64>,
    /// The search took too long, and did not see everything.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    incomplete: bool,
    /// Files that could not be read, or not to the end.
    #[serde(skip_serializing_if = "Option::is_none")]
    num_unsearched: Option<usize>,
}

static SPEC: LazyLock<Arc<ToolSpec>> = LazyLock::new(|| {
    let description = "Search the text of the workspace's files by a regular expression. Binary files, hidden ones and those that .gitignore names are left out.";
    Arc::new(ToolSpec::new("grep", description, schema::<Arguments>()).concurrent())
});

#[async_trait]
impl Tool for Grep {
    fn spec(&self) -> &Arc<ToolSpec> {
        &SPEC
    }

    async fn call(&self, permit: Permit, _: &Progress) -> Result<ToolOutput, ToolError> {
        let reach = Arc::clone(&self.0);
        blocking::run(move |cancelled| {
            let answer = search(&reach, &permit, cancelled)?;
            let lines = usize::try_from(answer.num_matches).unwrap_or(usize::MAX);
            let (lines, files) = (count(lines, "line"), count(answer.num_files, "file"));
            Ok(ok(answer)?.summary(format!("{lines} in {files}")))
        })
        .await
    }
}

fn search(reach: &Reach, permit: &Permit, cancelled: &Cancelled) -> Result<Answer, ToolError> {
    let arguments: Arguments = arguments(permit)?;
    let matcher = matcher(&arguments)?;
    let filter = arguments.glob.as_deref().map(filter).transpose()?;
    let Start { place, file } = start(reach, arguments.path.as_deref())?;
    let root = &reach.root_of(&place)?.folder;
    let base = if place.path.is_empty() {
        0
    } else {
        place.path.len() + 1
    };
    let wants = |path: &str, is_folder: bool| {
        let matched = filter.as_ref()?.matched(path.get(base..)?, is_folder);
        (!matched.is_none()).then(|| matched.is_whitelist())
    };
    let limit = arguments.head_limit.clamp(1, MAX_LINES);
    let hits = Mutex::new(Hits::new(limit));
    let visitor = || Finder {
        reach,
        permit,
        root: &place,
        matcher: &matcher,
        searcher: searcher(arguments.output_mode),
        lines: if arguments.output_mode == Mode::Content {
            limit
        } else {
            0
        },
        hits: &hits,
    };
    let is_complete = match &file {
        Some(name) => once(root, &place.path, name, cancelled, visitor()),
        None => walk(
            &Walk {
                root,
                start: &place.path,
                without: &reach.roots_below(&place),
                hidden: false,
                wants: &wants,
                cancelled,
            },
            visitor,
        ),
    };
    cancelled.check()?;
    let hits = hits.into_inner().unwrap_or_else(PoisonError::into_inner);
    let (num_files, num_matches, unsearched) = (hits.files, hits.matches, hits.unsearched);
    let (filenames, lines, more) = hits.finish();
    Ok(Answer {
        pattern: arguments.pattern,
        mode: arguments.output_mode,
        num_files,
        num_matches,
        filenames,
        truncated: more || !is_complete,
        content: (arguments.output_mode == Mode::Content).then(|| lines.join("\n")),
        count: (arguments.output_mode == Mode::Count).then_some(num_matches),
        incomplete: !is_complete,
        num_unsearched: (unsearched > 0).then_some(unsearched),
    })
}

fn matcher(arguments: &Arguments) -> Result<RegexMatcher, ToolError> {
    let pattern = &arguments.pattern;
    if pattern.is_empty() || pattern.len() > MAX_PATTERN {
        return Err(ToolError::new(
            "invalid_pattern",
            format!("a pattern has 1 to {MAX_PATTERN} bytes"),
        ));
    }
    RegexMatcherBuilder::new()
        .case_insensitive(arguments.case_insensitive)
        .multi_line(true)
        .crlf(true)
        .size_limit(MAX_REGEX)
        .dfa_size_limit(MAX_REGEX)
        .nest_limit(MAX_NESTING)
        .build(pattern)
        .map_err(|error| invalid(pattern, &error.to_string()))
}

fn searcher(mode: Mode) -> Searcher {
    SearcherBuilder::new()
        .line_number(mode == Mode::Content)
        .line_terminator(LineTerminator::crlf())
        .binary_detection(BinaryDetection::quit(0))
        .heap_limit(Some(MAX_SEARCHED_LINE))
        .build()
}

/// Searches files, on one thread.
struct Finder<'a> {
    reach: &'a Reach,
    permit: &'a Permit,
    root: &'a Place,
    matcher: &'a RegexMatcher,
    searcher: Searcher,
    /// How many lines of a file are kept.
    lines: usize,
    hits: &'a Mutex<Hits>,
}

impl Visit for Finder<'_> {
    fn file(&mut self, folder: &Folder, path: &str, name: &str, stop: &Stop<'_>) {
        let file = match folder.read(name) {
            Ok(file) => file,
            // What became a link or a pipe, or is gone, is none of the search's.
            Err(FileError::Io(error)) if error.kind() == io::ErrorKind::PermissionDenied => {
                return self.unsearched(path);
            }
            Err(_) => return,
        };
        if self.reach.refuses_hard_links() && file.metadata().map_or(true, |it| it.nlink() > 1) {
            return;
        }
        let mut found = Found {
            stop,
            most: self.lines,
            matches: 0,
            lines: Vec::new(),
            is_binary: false,
        };
        let reader = Watched { file, stop };
        let done = self
            .searcher
            .search_reader(self.matcher, reader, &mut found);
        if found.is_binary || stop.is_set() && found.matches == 0 {
            return;
        }
        if done.is_err() && !stop.is_set() {
            self.unsearched(path);
        }
        if found.matches > 0
            && let Some(shown) = self.covered(path)
        {
            let lines = found.lines.iter().map(|line| format!("{shown}:{line}"));
            let lines = lines.collect();
            let mut hits = self.hits.lock().unwrap_or_else(PoisonError::into_inner);
            hits.add(shown, found.matches, lines);
        }
    }
}

impl Finder<'_> {
    /// A path as it is answered. None: the policy does not cover it.
    fn covered(&self, path: &str) -> Option<String> {
        let mut place = self.root.clone();
        path.clone_into(&mut place.path);
        let shown = self.reach.shown(&place);
        let covers = self.permit.covers(&shown).is_ok_and(|covers| covers);
        covers.then_some(shown)
    }

    fn unsearched(&self, path: &str) {
        if self.covered(path).is_some() {
            let mut hits = self.hits.lock().unwrap_or_else(PoisonError::into_inner);
            hits.unsearched += 1;
        }
    }
}

/// A file that is no longer read when the search is to end.
struct Watched<'a> {
    file: File,
    stop: &'a Stop<'a>,
}

impl Read for Watched<'_> {
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        if self.stop.is_set() {
            return Err(io::Error::other("the search was stopped"));
        }
        self.file.read(bytes)
    }
}

/// The matching lines of a file.
struct Found<'a> {
    stop: &'a Stop<'a>,
    most: usize,
    matches: u64,
    lines: Vec<String>,
    is_binary: bool,
}

impl Sink for Found<'_> {
    type Error = io::Error;

    fn matched(&mut self, _: &Searcher, line: &SinkMatch<'_>) -> io::Result<bool> {
        self.matches += 1;
        if self.lines.len() < self.most {
            let number = line.line_number().unwrap_or_default();
            self.lines.push(format!("{number}:{}", shown(line.bytes())));
        }
        Ok(!self.matches.is_multiple_of(4096) || !self.stop.is_set())
    }

    fn binary_data(&mut self, _: &Searcher, _: u64) -> io::Result<bool> {
        self.is_binary = true;
        Ok(false)
    }

    fn finish(&mut self, _: &Searcher, done: &SinkFinish) -> io::Result<()> {
        self.is_binary |= done.binary_byte_offset().is_some();
        Ok(())
    }
}

/// A line as it is answered: without its end, and not longer than it is good for a conversation.
fn shown(line: &[u8]) -> String {
    let line = line.strip_suffix(b"\n").unwrap_or(line);
    let line = line.strip_suffix(b"\r").unwrap_or(line);
    // More than enough for the characters that are kept.
    let (start, rest) = line.split_at_checked(4 * MAX_LINE).unwrap_or((line, &[]));
    let start = String::from_utf8_lossy(start);
    match beginning(&start, MAX_LINE) {
        Some(begin) => format!("{begin}…"),
        None if rest.is_empty() => start.into_owned(),
        None => format!("{start}…"),
    }
}
