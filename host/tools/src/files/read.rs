//! `read_file`.

use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::os::unix::fs::MetadataExt;
use std::sync::{Arc, LazyLock};

use async_trait::async_trait;
use hexgate_agent::tool::{Progress, Tool, ToolError, ToolOutput, ToolSpec, arguments, schema};
use hexgate_base::disk::{FileError, is_link};
use hexgate_enforce::Permit;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::failure::{changed, of_file, of_system};
use super::links::{ATTEMPTS, follow};
use super::path::Written;
use super::reach::{Place, Reach};
use crate::blocking::{self, Cancelled};
use crate::reply::{count, ok};

/// The most text that one call reads, in bytes: more fills the conversation.
pub const MAX_CONTENT: usize = 256 * 1024;
/// The most that is passed over on the way to the first line, in bytes.
pub const MAX_PASSED: u64 = 256 * 1024 * 1024;

/// The tool `read_file`: reads a text file of the workspace.
#[must_use]
pub fn read_file(reach: &Arc<Reach>) -> Arc<dyn Tool> {
    Arc::new(ReadFile(Arc::clone(reach)))
}

struct ReadFile(Arc<Reach>);

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Arguments {
    /// The file, from the workspace on: `src/main.rs`.
    file_path: String,
    /// The first line to read, from 1 on. Absent: from the beginning.
    #[schemars(range(min = 1))]
    offset: Option<u64>,
    /// How many lines to read. Absent: to the end.
    #[schemars(range(min = 1))]
    limit: Option<u64>,
}

#[derive(Serialize)]
struct Answer {
    file_path: String,
    content: String,
    num_lines: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    start_line: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    has_more: Option<bool>,
}

static SPEC: LazyLock<Arc<ToolSpec>> = LazyLock::new(|| {
    let description =
        "Read a text file of the workspace. A long file is read in parts, by `offset` and `limit`.";
    Arc::new(ToolSpec::new("read_file", description, schema::<Arguments>()).concurrent())
});

#[async_trait]
impl Tool for ReadFile {
    fn spec(&self) -> &Arc<ToolSpec> {
        &SPEC
    }

    async fn call(&self, permit: Permit, _: &Progress) -> Result<ToolOutput, ToolError> {
        let reach = Arc::clone(&self.0);
        blocking::run(move |cancelled| {
            let arguments: Arguments = arguments(&permit)?;
            let opened = open(&reach, &permit, &arguments.file_path)?;
            let answer = read(opened, &arguments, cancelled)?;
            let lines = count(answer.num_lines, "line");
            let summary = format!("read {lines} of {}", answer.file_path);
            Ok(ok(answer)?.summary(summary))
        })
        .await
    }
}

/// A regular file that is open for reading.
pub(super) struct Opened {
    pub(super) file: File,
    pub(super) shown: String,
}

/// Opens a file for reading. Links are followed inside of the roots; the link and what it leads to must both be covered.
fn open(reach: &Reach, permit: &Permit, asked: &str) -> Result<Opened, ToolError> {
    let mut place = reach.place(&Written::parse(asked)?)?;
    for _ in 0..ATTEMPTS {
        reach.covered(permit, &place, asked)?;
        match open_itself(reach, &place) {
            Ok(file) => {
                let shown = reach.shown(&place);
                let links = file
                    .metadata()
                    .map_err(|error| of_system(&error, asked))?
                    .nlink();
                reach.linked(links > 1, &shown)?;
                return Ok(Opened { file, shown });
            }
            Err(FileError::Symlink) => place = follow(reach, &place, asked)?,
            Err(FileError::Io(error)) if is_link(&error) => place = follow(reach, &place, asked)?,
            Err(error) => return Err(of_file(&error, asked)),
        }
    }
    Err(changed(asked))
}

fn open_itself(reach: &Reach, place: &Place) -> Result<File, FileError> {
    let Ok(root) = reach.root_of(place) else {
        return Err(FileError::Directory);
    };
    let (parent, name) = place.split();
    if name.is_empty() {
        return Err(FileError::Directory);
    }
    root.folder.beneath(parent)?.read(name)
}

fn read(opened: Opened, arguments: &Arguments, cancelled: &Cancelled) -> Result<Answer, ToolError> {
    let Opened { file, shown } = opened;
    let is_part = arguments.offset.is_some() || arguments.limit.is_some();
    let size = file
        .metadata()
        .map_err(|error| of_system(&error, &shown))?
        .len();
    if !is_part && size > MAX_CONTENT as u64 {
        return Err(ToolError::new(
            "too_large",
            format!(
                "`{shown}` has {size} bytes, and {MAX_CONTENT} are read at once; read a part of it by `offset` and `limit`, or search it"
            ),
        ));
    }
    let first = arguments.offset.unwrap_or(1).max(1);
    let mut lines = Lines {
        reader: BufReader::with_capacity(64 * 1024, file),
        shown: &shown,
        cancelled,
    };
    lines.pass(first - 1)?;
    let content = lines.take(arguments.limit.unwrap_or(u64::MAX), first)?;
    let has_more = lines.has_more()?;
    if !is_part && has_more {
        return Err(changed(&shown));
    }
    let content = text(content, &shown)?;
    Ok(Answer {
        num_lines: content.lines().count(),
        file_path: shown,
        content,
        start_line: is_part.then_some(first),
        has_more: is_part.then_some(has_more),
    })
}

/// The lines of a file of any size.
struct Lines<'a> {
    reader: BufReader<File>,
    shown: &'a str,
    cancelled: &'a Cancelled,
}

impl Lines<'_> {
    /// The next bytes. Empty: the end.
    fn ahead(&mut self) -> Result<&[u8], ToolError> {
        self.cancelled.check()?;
        let shown = self.shown;
        self.reader
            .fill_buf()
            .map_err(|error| of_system(&error, shown))
    }

    /// Passes over lines. Binary files have none.
    fn pass(&mut self, mut lines: u64) -> Result<(), ToolError> {
        let mut passed = 0;
        while lines > 0 {
            let ahead = self.ahead()?;
            if ahead.is_empty() {
                return Ok(());
            }
            // As much of it as belongs to the lines.
            let mut ends = memchr::memchr_iter(b'\n', ahead);
            let wanted = usize::try_from(lines - 1).unwrap_or(usize::MAX);
            let (used, found) = match ends.nth(wanted) {
                Some(end) => (end + 1, lines),
                None => (
                    ahead.len(),
                    memchr::memchr_iter(b'\n', ahead).count() as u64,
                ),
            };
            if memchr::memchr(0, ahead.get(..used).unwrap_or(ahead)).is_some() {
                return Err(binary(self.shown));
            }
            self.reader.consume(used);
            lines -= found;
            passed += used as u64;
            if passed > MAX_PASSED {
                return Err(ToolError::new(
                    "too_large",
                    format!(
                        "the first {MAX_PASSED} bytes of `{}` do not reach to that line; search the file instead",
                        self.shown
                    ),
                ));
            }
        }
        Ok(())
    }

    /// The next lines, as they are.
    fn take(&mut self, mut lines: u64, first: u64) -> Result<Vec<u8>, ToolError> {
        let mut content = Vec::new();
        while lines > 0 {
            let ahead = self.ahead()?;
            if ahead.is_empty() {
                break;
            }
            let (line, found) = match memchr::memchr(b'\n', ahead) {
                Some(end) => (ahead.get(..=end).unwrap_or(ahead), 1),
                None => (ahead, 0),
            };
            let used = line.len();
            content.extend_from_slice(line);
            self.reader.consume(used);
            lines -= found;
            if content.len() > MAX_CONTENT {
                return Err(ToolError::new(
                    "too_large",
                    format!(
                        "the lines of `{}` from {first} on have more than {MAX_CONTENT} bytes, which is what is read at once; ask for fewer",
                        self.shown
                    ),
                ));
            }
        }
        Ok(content)
    }

    fn has_more(&mut self) -> Result<bool, ToolError> {
        Ok(!self.ahead()?.is_empty())
    }
}

/// The bytes of a file as text.
pub(super) fn text(bytes: Vec<u8>, shown: &str) -> Result<String, ToolError> {
    if memchr::memchr(0, &bytes).is_some() {
        return Err(binary(shown));
    }
    String::from_utf8(bytes).map_err(|error| {
        let at = error.utf8_error().valid_up_to();
        ToolError::new(
            "not_utf8",
            format!("`{shown}` is not text in UTF-8: the byte at {at} is none of it"),
        )
    })
}

/// Reads a whole file that is at most `most` bytes long.
pub(super) fn whole(file: &File, most: u64, shown: &str) -> Result<String, ToolError> {
    let mut bytes = Vec::new();
    file.take(most + 1)
        .read_to_end(&mut bytes)
        .map_err(|error| of_system(&error, shown))?;
    if bytes.len() as u64 > most {
        return Err(ToolError::new(
            "too_large",
            format!("`{shown}` has more than {most} bytes"),
        ));
    }
    text(bytes, shown)
}

fn binary(shown: &str) -> ToolError {
    ToolError::new(
        "binary",
        format!("`{shown}` is not text: it contains a zero"),
    )
}
