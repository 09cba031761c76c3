//! The text of a conversation, and what it has to fulfil.

use std::collections::BTreeSet;
use std::io;
use std::path::{Path, PathBuf};

use hexgate_base::disk::{self, Access, FileError, Folder};
use serde::{Deserialize, Serialize};

use crate::message::{Message, ProposedCall};

/// The version that is written.
const VERSION: u64 = 1;
/// The longest text that is read or written, in bytes.
const MAX_BYTES: usize = 64 << 20;
/// The longest name of a call, in bytes.
pub(crate) const MAX_ID_BYTES: usize = 256;

#[derive(Serialize)]
struct Written<'a> {
    version: u64,
    messages: &'a [Message],
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Read {
    #[serde(rename = "version")]
    _version: u64,
    messages: Vec<Message>,
}

/// Read first: what another version has is not known.
#[derive(Deserialize)]
struct Head {
    version: u64,
}

/// A text is no conversation, or it cannot be kept.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ConversationError {
    /// It is not the JSON of a conversation.
    #[error("this is no conversation: {reason}; begin a new one")]
    Malformed {
        /// What is wrong.
        reason: String,
    },
    /// It is of another version.
    #[error(
        "this conversation is of version {found}, and this program reads version {VERSION}; use the program that wrote it"
    )]
    Version {
        /// Its version.
        found: u64,
    },
    /// A message stands where it cannot.
    #[error("message {at} of this conversation cannot stand there: {reason}; begin a new one")]
    Order {
        /// The message, from 1 on.
        at: usize,
        /// Why.
        reason: &'static str,
    },
    /// It is too large.
    #[error("this conversation has {bytes} bytes, at most {MAX_BYTES} are kept; begin a new one")]
    TooLarge {
        /// Its length.
        bytes: usize,
    },
    /// Its file cannot be read or written.
    #[error("cannot keep the conversation in `{}`: {source}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// The cause.
        source: io::Error,
    },
    /// Other users can read or change its file.
    #[error(
        "`{}` (mode {mode:04o}) can be read or changed by other users, and what stands in it counts as said by the user; make it yours and run `chmod 600` on it",
        path.display()
    )]
    Exposed {
        /// The file.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
    },
}

pub(super) fn write(messages: &[Message]) -> Result<String, ConversationError> {
    let version = VERSION;
    let text = serde_json::to_string(&Written { version, messages }).map_err(malformed)?;
    within(text.len())?;
    Ok(text)
}

pub(super) fn read(text: &str) -> Result<Vec<Message>, ConversationError> {
    within(text.len())?;
    let head: Head = serde_json::from_str(text).map_err(malformed)?;
    if head.version != VERSION {
        let found = head.version;
        return Err(ConversationError::Version { found });
    }
    let read: Read = serde_json::from_str(text).map_err(malformed)?;
    check(&read.messages)?;
    Ok(read.messages)
}

pub(super) fn save(path: &Path, text: &str) -> Result<(), ConversationError> {
    let write = || {
        let (folder, name) = Folder::provided_for(path, 0o700)?;
        folder.replace(name, 0o600, text.as_bytes())
    };
    write().map_err(|source| io_error(path, source))
}

pub(super) fn load(path: &Path) -> Result<String, ConversationError> {
    let refused = |error: FileError| match error {
        FileError::Io(source) => io_error(path, source),
        other => io_error(path, io::Error::other(other.to_string())),
    };
    let file = disk::open(path).map_err(refused)?;
    let access = Access::of(&file).map_err(|source| io_error(path, source))?;
    if !access.is_private() {
        let mode = access.mode;
        let path = path.to_owned();
        return Err(ConversationError::Exposed { path, mode });
    }
    let most = u64::try_from(MAX_BYTES).unwrap_or(u64::MAX);
    let bytes = disk::read_all(file, most).map_err(refused)?;
    String::from_utf8(bytes).map_err(|error| ConversationError::Malformed {
        reason: error.to_string(),
    })
}

/// Whether a provider and the runtime can go on from these messages.
fn check(messages: &[Message]) -> Result<(), ConversationError> {
    // The calls whose results have to come next, in order.
    let mut open: std::slice::Iter<'_, ProposedCall> = [].iter();
    for (index, message) in messages.iter().enumerate() {
        let wrong = |reason| {
            Err(ConversationError::Order {
                at: index + 1,
                reason,
            })
        };
        match message {
            Message::Tool { call, tool, .. } => match open.next() {
                Some(next) if next.id == *call && next.tool == *tool => {}
                Some(_) => return wrong("it is not the result of the next call"),
                None => return wrong("it is the result of no call"),
            },
            _ if open.len() > 0 => return wrong("a call before it has no result"),
            Message::Assistant { .. } if index == 0 => {
                return wrong("a conversation begins with what the user says");
            }
            Message::User { .. } => {}
            Message::Assistant { calls, .. } => {
                let mut ids = BTreeSet::new();
                for call in calls {
                    if call.id.is_empty() || call.id.len() > MAX_ID_BYTES {
                        return wrong("a call in it has no name, or one of more than 256 bytes");
                    }
                    if !ids.insert(call.id.as_str()) {
                        return wrong("two calls in it have the same name");
                    }
                }
                open = calls.iter();
            }
        }
    }
    if open.len() > 0 {
        let at = messages.len();
        let reason = "calls before its end have no result";
        return Err(ConversationError::Order { at, reason });
    }
    Ok(())
}

fn within(bytes: usize) -> Result<(), ConversationError> {
    if bytes > MAX_BYTES {
        return Err(ConversationError::TooLarge { bytes });
    }
    Ok(())
}

fn malformed(error: serde_json::Error) -> ConversationError {
    ConversationError::Malformed {
        reason: error.to_string(),
    }
}

fn io_error(path: &Path, source: io::Error) -> ConversationError {
    let path = path.to_owned();
    ConversationError::Io { path, source }
}
