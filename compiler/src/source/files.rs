//! Reading a policy from disk: one file, or a directory with a role in each file.

use std::{
    collections::BTreeMap,
    fs::{self, File},
    io::{self, Read},
    path::{Path, PathBuf},
};

use super::{FileId, Sources, Span};
use crate::diagnostic::{Diagnostic, Sink, quoted};

/// The longest role file of a directory.
const MAX_ROLE_FILE: usize = 1 << 20;
/// The longest policy, in one file or in all files of a directory: what a directory holds can always be written as one file.
pub(crate) const MAX_SOURCE: usize = 16 << 20;

/// The most entries of a directory. All are looked at, also those that are no roles.
const MAX_ENTRIES: usize = 100_000;

/// A policy as it was found.
#[derive(Debug)]
pub enum Input {
    /// One document.
    Document(FileId),
    /// A directory with a role in each file.
    Roles {
        /// The directory.
        directory: FileId,
        /// The roles by name, sorted.
        files: Vec<(String, FileId)>,
    },
}

/// Why nothing could be read.
#[derive(Debug, thiserror::Error)]
#[error("cannot read `{}`", path.display())]
#[non_exhaustive]
pub struct ReadError {
    /// What could not be read.
    pub path: PathBuf,
    /// Why.
    #[source]
    pub error: io::Error,
}

/// Reads the policy at `path`. `None` if it is refused; then an error stands in `sink`.
pub fn read(
    path: &Path,
    sources: &mut Sources,
    sink: &mut Sink,
) -> Result<Option<Input>, ReadError> {
    let metadata = fs::metadata(path).map_err(|error| read_error(path, error))?;
    if !metadata.is_dir() {
        return Ok(read_file(path, MAX_SOURCE, YAML, sources, sink)?.map(Input::Document));
    }
    let directory = sources.add(path.display().to_string(), "");
    let mut names = Vec::new();
    for entry in fs::read_dir(path).map_err(|error| read_error(path, error))? {
        let entry = entry.map_err(|error| read_error(path, error))?;
        if names.len() == MAX_ENTRIES {
            sink.push(
                Diagnostic::new(
                    "source-too-large",
                    format!("this directory has more than {MAX_ENTRIES} entries"),
                    Span::whole(directory),
                    "",
                )
                .with_help("put into it nothing but roles, each a file"),
            );
            return Ok(None);
        }
        names.push((
            entry.file_name(),
            entry
                .file_type()
                .map_err(|error| read_error(&entry.path(), error))?,
        ));
    }
    names.sort_by(|(one, _), (other, _)| one.cmp(other));

    let mut files: BTreeMap<String, FileId> = BTreeMap::new();
    let (mut total, mut refused) = (0, false);
    for (name, file_type) in &names {
        let path = path.join(name);
        let here = |sources: &mut Sources| Span::whole(sources.add(path.display().to_string(), ""));
        let is_role = path
            .extension()
            .is_some_and(|extension| extension == "yaml" || extension == "yml");
        let hidden = name.as_encoded_bytes().starts_with(b".");
        if hidden || !is_role || file_type.is_dir() {
            let why = if hidden {
                "its name begins with a dot"
            } else if file_type.is_dir() {
                "it is a folder, and roles are read from this one only"
            } else {
                "its name does not end in `.yaml` or `.yml`"
            };
            let span = here(sources);
            sink.push(Diagnostic::new(
                "skipped-entry",
                format!("skipped: {why}"),
                span,
                "",
            ));
            continue;
        }
        let Some(stem) = path.file_stem().and_then(|stem| stem.to_str()) else {
            let span = here(sources);
            sink.push(
                Diagnostic::new(
                    "bad-name",
                    "the name of this file is not UTF-8, and so cannot name a role",
                    span,
                    "",
                )
                .with_help("rename the file"),
            );
            refused = true;
            continue;
        };
        if !file_type.is_file() {
            let span = here(sources);
            let what = if file_type.is_symlink() {
                "a symbolic link"
            } else {
                "not a regular file"
            };
            sink.push(
                Diagnostic::new("not-a-file", format!("a role cannot be read from here: this is {what}"), span, "")
                    .with_help("put the file itself into the directory: what a link points to can change without this policy changing"),
            );
            refused = true;
            continue;
        }
        let Some(file) = read_file(&path, MAX_ROLE_FILE, YAML, sources, sink)? else {
            refused = true;
            continue;
        };
        total += sources.text(file).len();
        if total > MAX_SOURCE {
            sink.push(too_large(
                Span::whole(directory),
                "the files of this directory",
                MAX_SOURCE,
            ));
            return Ok(None);
        }
        if let Some(first) = files.get(stem) {
            sink.push(
                Diagnostic::new(
                    "duplicate-role",
                    format!("two files define the role {}", quoted(stem)),
                    Span::whole(file),
                    "",
                )
                .with_label(Span::whole(*first), "")
                .with_help("remove or rename one of them"),
            );
            refused = true;
            continue;
        }
        files.insert(stem.to_owned(), file);
    }
    if files.is_empty() && !refused {
        sink.push(
            Diagnostic::new(
                "no-roles",
                "no role stands in this directory",
                Span::whole(directory),
                "",
            )
            .with_help("a role is a file `NAME.yaml` directly in the directory"),
        );
        return Ok(None);
    }
    let files = files.into_iter().collect();
    Ok((!refused).then_some(Input::Roles { directory, files }))
}

/// Adds `text` as the source of a policy. `None` if it is too long.
pub(crate) fn add_text(
    name: &str,
    text: &str,
    sources: &mut Sources,
    sink: &mut Sink,
) -> Option<Input> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    if text.len() > MAX_SOURCE {
        let file = sources.add(name, "");
        sink.push(too_large(Span::whole(file), "the policy", MAX_SOURCE));
        return None;
    }
    Some(Input::Document(sources.add(name, text)))
}

/// Reads a text that is no YAML; `what` it is. Its lines are ended by line feeds then, as in a bundle.
pub(crate) fn read_text(
    path: &Path,
    what: &str,
    sources: &mut Sources,
    sink: &mut Sink,
) -> Result<Option<FileId>, ReadError> {
    read_file(path, MAX_SOURCE, what, sources, sink)
}

/// What a policy is, unless something else is said.
const YAML: &str = "YAML text";

/// The bytes of a file. None: it has more than `limit`.
pub(crate) fn read_bytes(path: &Path, limit: u64) -> Result<Option<Vec<u8>>, ReadError> {
    let mut bytes = Vec::new();
    let file = File::open(path).map_err(|error| read_error(path, error))?;
    // One byte more than allowed tells a file that is too long from one that is just as long as it may be.
    file.take(limit.saturating_add(1))
        .read_to_end(&mut bytes)
        .map_err(|error| read_error(path, error))?;
    Ok((bytes.len() as u64 <= limit).then_some(bytes))
}

fn read_file(
    path: &Path,
    limit: usize,
    what: &str,
    sources: &mut Sources,
    sink: &mut Sink,
) -> Result<Option<FileId>, ReadError> {
    let name = path.display().to_string();
    let Some(bytes) = read_bytes(path, limit as u64)? else {
        let file = sources.add(name, "");
        sink.push(too_large(Span::whole(file), "the file", limit));
        return Ok(None);
    };
    Ok(add_bytes(name, bytes, what, sources, sink))
}

/// Adds the bytes of a file, which must be UTF-8, as a source. `what` the file should be, for messages: `YAML text`, whose line ends stay,
/// or another one. `None`: they are none, and an error stands in `sink`.
pub fn add_bytes(
    name: String,
    bytes: Vec<u8>,
    what: &str,
    sources: &mut Sources,
    sink: &mut Sink,
) -> Option<FileId> {
    match String::from_utf8(bytes) {
        Ok(text) => {
            let text = match text.strip_prefix('\u{feff}') {
                Some(rest) => rest.to_owned(),
                None => text,
            };
            let text = if what == YAML {
                text
            } else {
                text.replace("\r\n", "\n")
            };
            Some(sources.add(name, text))
        }
        Err(error) => {
            let offset = error.utf8_error().valid_up_to();
            let bytes = error.into_bytes();
            // Binary files have no lines worth showing.
            let is_text = !bytes.contains(&0);
            let shown = bytes
                .get(..offset)
                .filter(|_| is_text)
                .map(|valid| String::from_utf8_lossy(valid).into_owned())
                .unwrap_or_default();
            let start = shown.len();
            let file = sources.add(name, format!("{shown}\u{fffd}"));
            let help = if bytes.starts_with(&[0xff, 0xfe]) || bytes.starts_with(&[0xfe, 0xff]) {
                "save the file as UTF-8: this looks like UTF-16".to_owned()
            } else if is_text {
                "save the file as UTF-8".to_owned()
            } else if what == YAML {
                "a policy is a YAML text: is this the right file?".to_owned()
            } else {
                format!("a {what} is needed: is this the right file?")
            };
            sink.push(
                Diagnostic::new(
                    "invalid-utf8",
                    format!("byte {offset} of this file is not UTF-8"),
                    Span::new(file, start, start + 3),
                    "here",
                )
                .with_help(help),
            );
            None
        }
    }
}

pub(crate) fn too_large(span: Span, what: &str, limit: usize) -> Diagnostic {
    let verb = if what.starts_with("the files") {
        "are"
    } else {
        "is"
    };
    Diagnostic::new(
        "source-too-large",
        format!("{what} {verb} longer than {} MiB", limit >> 20),
        span,
        "",
    )
    .with_help("share rules between roles with `inherits` and mixins, and lists with `consts`")
}

fn read_error(path: &Path, error: io::Error) -> ReadError {
    ReadError {
        path: path.to_owned(),
        error,
    }
}
