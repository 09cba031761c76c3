//! Pinned catalogues: the tools of a server as an operator accepted them.
//!
//! A server can change what a tool says and takes after somebody looked at it. So everything that a server says about each tool (name, title,
//! description, schemas, annotations, icons, further members) is kept in a file. A tool that is new or differs is not listed and not called
//! until an operator accepts it with `hexgate mcp pin`.
//!
//! The file has the whole text of each tool and its digest, so that a difference can be shown. It is replaced as a whole, under a lock, by
//! `accept` alone; a gateway that runs notices the new file at its next check. A file that cannot be read or trusted is an error, and no tool
//! of it is pinned.

mod difference;
mod error;
mod file;
mod tool;

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fs::File;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use hexgate_base::disk::{Access, FileError, Folder, Lock, LockError, read_all};
use hexgate_base::guarded::locked;
use serde::Deserialize;

pub use difference::{Difference, Kind};
pub use error::PinsError;
pub use tool::PinnedTool;

/// The largest file of pins, in bytes.
pub const MAX_FILE_BYTES: u64 = 32 << 20;
/// The most tools of one server.
pub const MAX_TOOLS: usize = 2_000;
/// The most servers in one file.
pub const MAX_SERVERS: usize = 256;
/// The largest text of one tool, in bytes.
pub const MAX_TOOL_BYTES: usize = 256 << 10;

/// How long another process may hold the file's lock.
const PATIENCE: Duration = Duration::from_secs(5);

/// The pins of any number of servers, in one file.
///
/// Checks read the file again when it was replaced. Several processes may use one file.
#[derive(Debug)]
pub struct Pins {
    path: PathBuf,
    /// What was read last, and which file that was.
    read: Mutex<Option<(Stamp, Arc<Catalogues>)>>,
}

/// Whether a tool may be used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Standing {
    /// It is what the operator accepted.
    Pinned,
    /// The operator has not accepted it.
    New,
    /// It differs from what the operator accepted: how, as a text for the operator in which everything is visible.
    Changed(String),
}

/// What happens to the tools of a server of which nothing was ever accepted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum FirstUse {
    /// They are refused until `hexgate mcp pin` accepts them. The default: `hexgate mcp init` accepts what it writes a policy for.
    #[default]
    Refuse,
    /// They are accepted at the first start, unseen. The operator relies on the server being honest at that moment.
    Accept,
}

/// The tools of each server, by name.
type Catalogues = BTreeMap<String, BTreeMap<String, PinnedTool>>;

/// Which file was read. A replaced file has another number.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Stamp {
    file: (u64, u64),
    changed: (i64, i64),
    length: u64,
}

impl Pins {
    /// The pins in the file at `path`. Its folder has to exist; without the file nothing is pinned.
    ///
    /// # Errors
    ///
    /// The file or its folder cannot be read, can be changed by other users, or is damaged.
    pub fn open(path: impl Into<PathBuf>) -> Result<Self, PinsError> {
        let pins = Self {
            path: path.into(),
            read: Mutex::new(None),
        };
        pins.current()?;
        Ok(pins)
    }

    /// Where the pins of a policy are by default: beside it, `billing.yaml` has `billing.pins.json`.
    #[must_use]
    pub fn beside(policy: &Path) -> PathBuf {
        policy.with_extension("pins.json")
    }

    /// The file.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// A number for what is accepted now: it is another one once the file is replaced, removed, or cannot be trusted any more.
    #[must_use]
    pub fn version(&self) -> u64 {
        let stamp = self
            .folder()
            .and_then(|(folder, name)| self.find(&folder, name))
            .map(|found| found.map(|(stamp, _)| stamp))
            .map_err(|error| error.to_string());
        let mut hasher = DefaultHasher::new();
        stamp.hash(&mut hasher);
        hasher.finish()
    }

    /// Whether anything of this server was ever accepted, be it that it has no tools.
    ///
    /// # Errors
    ///
    /// The file cannot be read or trusted.
    pub fn knows(&self, server: &str) -> Result<bool, PinsError> {
        Ok(self.current()?.contains_key(server))
    }

    /// Whether a tool is as it was accepted.
    ///
    /// # Errors
    ///
    /// The file cannot be read or trusted, or the tool is too large. The tool must not be used.
    pub fn check(&self, server: &str, tool: &rmcp::model::Tool) -> Result<Standing, PinsError> {
        self.check_pinned(server, &PinnedTool::of(tool)?)
    }

    /// As [`check`](Self::check), for a tool whose digest was made before.
    ///
    /// # Errors
    ///
    /// The file cannot be read or trusted.
    pub fn check_pinned(&self, server: &str, tool: &PinnedTool) -> Result<Standing, PinsError> {
        let current = self.current()?;
        let accepted = current.get(server).and_then(|tools| tools.get(tool.name()));
        Ok(match accepted {
            None => Standing::New,
            Some(accepted) if accepted.digest() == tool.digest() => Standing::Pinned,
            Some(accepted) => Standing::Changed(difference::of(accepted, tool)),
        })
    }

    /// How a catalogue differs from what was accepted, by name. Empty: it does not.
    ///
    /// # Errors
    ///
    /// The file cannot be read or trusted, or the catalogue is too large or names a tool twice.
    pub fn differences(
        &self,
        server: &str,
        tools: &[rmcp::model::Tool],
    ) -> Result<Vec<Difference>, PinsError> {
        let offered = catalogue(tools)?;
        let current = self.current()?;
        let none = BTreeMap::new();
        Ok(difference::all(
            current.get(server).unwrap_or(&none),
            &offered,
        ))
    }

    /// Accepts a catalogue: from now on these tools of the server are pinned, and no others.
    ///
    /// # Errors
    ///
    /// The catalogue is too large or names a tool twice, or the file cannot be read, trusted, locked or written. Then nothing was changed.
    pub fn accept(&self, server: &str, tools: &[rmcp::model::Tool]) -> Result<(), PinsError> {
        let offered = catalogue(tools)?;
        self.change(server, offered, |_| true).map(drop)
    }

    /// Accepts a catalogue if `first_use` says so and nothing of this server was ever accepted. Whether it was accepted now.
    ///
    /// # Errors
    ///
    /// As [`accept`](Self::accept).
    pub fn accept_first(
        &self,
        server: &str,
        tools: &[rmcp::model::Tool],
        first_use: FirstUse,
    ) -> Result<bool, PinsError> {
        if first_use == FirstUse::Refuse || self.knows(server)? {
            return Ok(false);
        }
        let offered = catalogue(tools)?;
        // Another process may accept something between the two: what was accepted first counts.
        self.change(server, offered, |current| !current.contains_key(server))
    }

    fn change(
        &self,
        server: &str,
        tools: BTreeMap<String, PinnedTool>,
        if_so: impl FnOnce(&Catalogues) -> bool,
    ) -> Result<bool, PinsError> {
        if server.is_empty() || server.len() > 256 {
            return Err(PinsError::Server {
                found: server.len(),
            });
        }
        let (folder, name) = self.folder()?;
        let mut lock_name = name.to_owned();
        lock_name.push(".lock");
        let _lock = Lock::take(&folder, &lock_name, PATIENCE)
            .map_err(|error| self.lock_error(&lock_name, error))?;
        let mut current = match self.find(&folder, name)? {
            Some((_, file)) => self.parse(file)?,
            None => Catalogues::new(),
        };
        if !if_so(&current) {
            return Ok(false);
        }
        current.insert(server.to_owned(), tools);
        if current.len() > MAX_SERVERS {
            return Err(PinsError::TooMany {
                what: "servers",
                most: MAX_SERVERS,
            });
        }
        let bytes = file::write(&current).map_err(|error| self.io(io::Error::from(error)))?;
        if bytes.len() as u64 > MAX_FILE_BYTES {
            return Err(self.io(FileError::TooLarge(MAX_FILE_BYTES)));
        }
        folder
            // Root's pins can be those of other users' gateways: there is no secret in them, and only root replaces them.
            .replace(name, 0o644, &bytes)
            .map_err(|error| self.io(error))?;
        // The next check reads it.
        *locked(&self.read) = None;
        Ok(true)
    }

    /// What is pinned now.
    fn current(&self) -> Result<Arc<Catalogues>, PinsError> {
        let (folder, name) = self.folder()?;
        // Held while the file is read: checks at the same time read it once.
        let mut read = locked(&self.read);
        let Some((stamp, file)) = self.find(&folder, name)? else {
            *read = None;
            return Ok(Arc::default());
        };
        if let Some((last, current)) = &*read
            && *last == stamp
        {
            return Ok(current.clone());
        }
        *read = None;
        let current = Arc::new(self.parse(file)?);
        *read = Some((stamp, current.clone()));
        Ok(current)
    }

    fn folder(&self) -> Result<(Folder, &OsStr), PinsError> {
        let (folder, name) = Folder::of(&self.path).map_err(|error| self.io(error))?;
        let access = folder.access().map_err(|error| self.io(error))?;
        // A user who can replace the file accepts tools.
        if !access.keeps_names_from_group() {
            let path = self.path.parent().unwrap_or(Path::new(".")).to_owned();
            return Err(PinsError::Exposed { path, access });
        }
        Ok((folder, name))
    }

    /// Opens the file. None: there is none.
    fn find(&self, folder: &Folder, name: &OsStr) -> Result<Option<(Stamp, File)>, PinsError> {
        let file = match folder.read(name) {
            Ok(file) => file,
            Err(FileError::Io(error)) if error.kind() == io::ErrorKind::NotFound => {
                return Ok(None);
            }
            Err(error) => return Err(self.io(error)),
        };
        let access = Access::of(&file).map_err(|error| self.io(error))?;
        if !access.is_guarded() {
            return Err(PinsError::Exposed {
                path: self.path.clone(),
                access,
            });
        }
        let stamp = Stamp::of(&file).map_err(|error| self.io(error))?;
        Ok(Some((stamp, file)))
    }

    fn parse(&self, file: File) -> Result<Catalogues, PinsError> {
        let bytes = read_all(file, MAX_FILE_BYTES).map_err(|error| self.io(error))?;
        file::read(&bytes).map_err(|reason| PinsError::Damaged {
            path: self.path.clone(),
            reason,
        })
    }

    fn lock_error(&self, name: &OsStr, error: LockError) -> PinsError {
        let path = self.path.with_file_name(name);
        match error {
            LockError::Busy { holder } => PinsError::Busy { path, holder },
            LockError::Foreign(access) => PinsError::Exposed { path, access },
            LockError::File(error) => PinsError::Io {
                path,
                source: error.into(),
            },
        }
    }

    fn io(&self, error: impl Into<FileError>) -> PinsError {
        PinsError::Io {
            path: self.path.clone(),
            source: error.into().into(),
        }
    }
}

impl Stamp {
    fn of(file: &File) -> io::Result<Self> {
        let data = file.metadata()?;
        Ok(Self {
            file: (data.dev(), data.ino()),
            changed: (data.ctime(), data.ctime_nsec()),
            length: data.size(),
        })
    }
}

/// The tools of a server by name.
fn catalogue(tools: &[rmcp::model::Tool]) -> Result<BTreeMap<String, PinnedTool>, PinsError> {
    if tools.len() > MAX_TOOLS {
        return Err(PinsError::TooMany {
            what: "tools",
            most: MAX_TOOLS,
        });
    }
    let mut catalogue = BTreeMap::new();
    for tool in tools {
        let tool = PinnedTool::of(tool)?;
        let name = tool.name().to_owned();
        if catalogue.insert(name.clone(), tool).is_some() {
            return Err(PinsError::Twice { name });
        }
    }
    Ok(catalogue)
}
