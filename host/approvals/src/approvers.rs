//! Who may answer: the approvers, their keys and their roles.

use std::{
    collections::HashSet,
    fs::OpenOptions,
    io::{self, Read},
    os::unix::fs::{MetadataExt, OpenOptionsExt},
    path::{Path, PathBuf},
};

use hexgate_bundle::{KeyError, PrivateKey, PublicKey, Timestamp};
use rustix::fs::OFlags;
use serde::Deserialize;

use crate::{
    answer::{Answer, Decision},
    refusal::Refusal,
    request::Request,
};

/// Somebody who may answer requests.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Approver {
    /// The id that answers are signed with, and that this person has as a caller.
    pub id: String,
    /// The keys that this person signs with. More than one while they rotate.
    pub keys: Vec<PublicKey>,
    /// What this person may answer for.
    pub roles: Vec<String>,
    /// Further ids that this person has as a caller.
    pub users: Vec<String>,
}

/// All who may answer. Answers count by it alone, so whoever can change the list can approve.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Approvers(Vec<Approver>);

impl Approvers {
    /// These approvers.
    ///
    /// # Errors
    /// If one has no id, no key or no role, or an id or a key stands in two places.
    pub fn new(approvers: Vec<Approver>) -> Result<Self, ApproversError> {
        let mut ids = HashSet::new();
        let mut keys = HashSet::new();
        for approver in &approvers {
            let id = || approver.id.clone();
            if approver.id.is_empty() {
                return Err(ApproversError::NoId);
            }
            if approver.keys.is_empty() {
                return Err(ApproversError::NoKey { id: id() });
            }
            if approver.roles.is_empty() || approver.roles.iter().any(String::is_empty) {
                return Err(ApproversError::NoRole { id: id() });
            }
            if !ids.insert(&approver.id) {
                return Err(ApproversError::SameId { id: id() });
            }
            if !approver.keys.iter().all(|key| keys.insert(key.to_bytes())) {
                return Err(ApproversError::SameKey { id: id() });
            }
        }
        Ok(Self(approvers))
    }

    /// Reads the list from a JSON file that its owner alone, this user or root, can change:
    ///
    /// ```json
    /// {"version": 1, "approvers": [{"id": "carol", "keys": ["43 characters"], "roles": ["finance"], "users": ["carol@example.com"]}]}
    /// ```
    ///
    /// `users` may be left out.
    ///
    /// # Errors
    /// If the file cannot be read, others can change it, or it says something else.
    pub fn from_file(path: impl AsRef<Path>) -> Result<Self, ApproversError> {
        let path = path.as_ref();
        let text = read(path)?;
        let malformed = |reason: String| ApproversError::Malformed {
            path: path.to_owned(),
            reason,
        };
        let document: Document =
            serde_json::from_str(&text).map_err(|error| malformed(error.to_string()))?;
        if document.version != 1 {
            return Err(malformed(format!(
                "version {} is not known, and version 1 is",
                document.version
            )));
        }
        let mut approvers = Vec::with_capacity(document.approvers.len());
        for entry in document.approvers {
            let keys = entry.keys.iter().map(|key| PublicKey::from_text(key));
            let keys = keys.collect::<Result<_, _>>();
            approvers.push(Approver {
                keys: keys.map_err(|source| ApproversError::Key {
                    path: path.to_owned(),
                    id: entry.id.clone(),
                    source: Box::new(source),
                })?,
                id: entry.id,
                roles: entry.roles,
                users: entry.users,
            });
        }
        Self::new(approvers).map_err(|error| malformed(error.to_string()))
    }

    /// The approver who has this key.
    pub fn owner(&self, key: &PublicKey) -> Option<&Approver> {
        self.0.iter().find(|approver| approver.keys.contains(key))
    }

    /// Whether an answer counts: a key of an approver signed it, for this very request, in its time; the approver has one of the roles that it
    /// names, and does not answer for themself unless the request allows that.
    ///
    /// # Errors
    /// The first of these that does not hold.
    pub fn check<'a>(
        &'a self,
        request: &Request,
        answer: &Answer,
    ) -> Result<&'a Approver, Refusal> {
        let id = request.id();
        let with_id = |approver: &'a Approver| {
            let key = approver.keys.iter().find(|key| key.id() == answer.key);
            key.map(|key| (approver, key))
        };
        let Some((approver, key)) = self.0.iter().find_map(with_id) else {
            return Err(Refusal::UnknownKey {
                id,
                key: answer.key,
            });
        };
        if approver.id != answer.approver {
            return Err(Refusal::OtherApprover {
                id,
                said: answer.approver.clone(),
                owner: approver.id.clone(),
                key: answer.key,
            });
        }
        if !answer.is_signed_by(key, &id) {
            return Err(Refusal::Forged {
                id,
                approver: approver.id.clone(),
                key: answer.key,
            });
        }
        if answer.answered_at < request.created_at || !request.is_open(answer.answered_at) {
            return Err(Refusal::Untimely {
                id,
                at: answer.answered_at,
            });
        }
        approver.may_answer(request)?;
        Ok(approver)
    }

    /// Answers a request in the name of the approver whose key this is.
    ///
    /// # Errors
    /// If the answer would not count, see [`check`](Self::check), or the request has expired.
    pub fn sign(
        &self,
        request: &Request,
        decision: Decision,
        reason: &str,
        key: &PrivateKey,
        now: Timestamp,
    ) -> Result<Answer, Refusal> {
        let id = request.id();
        let public = key.public_key();
        let approver = self.owner(&public).ok_or(Refusal::UnknownKey {
            id,
            key: public.id(),
        })?;
        if !request.is_open(now) {
            return Err(Refusal::Expired {
                id,
                at: request.expires_at,
            });
        }
        let answer = Answer::sign(&id, decision, &approver.id, now, reason, key);
        self.check(request, &answer)?;
        Ok(answer)
    }
}

impl Approver {
    fn may_answer(&self, request: &Request) -> Result<(), Refusal> {
        let needed = &request.conditions.approver_roles;
        if !self.roles.iter().any(|role| needed.contains(role)) {
            return Err(Refusal::WrongRole {
                id: request.id(),
                approver: self.id.clone(),
                needed: needed.clone(),
                has: self.roles.clone(),
            });
        }
        if request.conditions.own_calls {
            return Ok(());
        }
        let caller = &request.call.caller.user;
        if caller.trim().is_empty() {
            return Err(Refusal::Nobody(request.id()));
        }
        // Taking two ids for one refuses more, so letter case and blanks around do not tell people apart.
        let same = |id: &String| id.trim().to_lowercase() == caller.trim().to_lowercase();
        if same(&self.id) || self.users.iter().any(same) {
            return Err(Refusal::OwnCall {
                id: request.id(),
                approver: self.id.clone(),
            });
        }
        Ok(())
    }
}

/// The list of approvers cannot be had.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ApproversError {
    /// The file cannot be read.
    #[error("cannot read the approvers' file `{}`: {source}", .path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// The cause.
        source: io::Error,
    },
    /// The path names something else than a file.
    #[error("`{}` is not a regular file; name the file that lists the approvers", .path.display())]
    NotAFile {
        /// The path.
        path: PathBuf,
    },
    /// Others can make themselves approvers.
    #[error("`{}` belongs to user {owner} and has mode {mode:04o}: others could make themselves approvers; make it root's or your own, and run `chmod go-w` on it", .path.display())]
    Exposed {
        /// The file.
        path: PathBuf,
        /// The owner's number.
        owner: u32,
        /// Its permission bits.
        mode: u32,
    },
    /// It is not a list of approvers.
    #[error("`{}` does not list approvers: {reason}; it looks like {EXAMPLE}", .path.display())]
    Malformed {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        reason: String,
    },
    /// A key is none.
    #[error("a key of the approver `{id}` in `{}` cannot be used: {source}", .path.display())]
    Key {
        /// The file.
        path: PathBuf,
        /// The approver.
        id: String,
        /// The cause.
        source: Box<KeyError>,
    },
    /// An approver has no id.
    #[error("an approver has no `id`")]
    NoId,
    /// An approver cannot sign.
    #[error("the approver `{id}` has no key")]
    NoKey {
        /// The approver.
        id: String,
    },
    /// An approver may answer nothing.
    #[error("the approver `{id}` has no role, or an empty one")]
    NoRole {
        /// The approver.
        id: String,
    },
    /// An id stands twice.
    #[error("the approver `{id}` is listed twice; give one entry all keys and roles")]
    SameId {
        /// The approver.
        id: String,
    },
    /// A key stands twice.
    #[error("a key of the approver `{id}` stands twice; a key is one person's")]
    SameKey {
        /// The later approver with that key.
        id: String,
    },
}

const EXAMPLE: &str = r#"`{"version": 1, "approvers": [{"id": "carol", "keys": ["the text in carol.public"], "roles": ["finance"]}]}`"#;

/// Enough for thousands of approvers.
const MAX_BYTES: u64 = 4 << 20;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Document {
    version: u64,
    approvers: Vec<Entry>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    id: String,
    keys: Vec<String>,
    roles: Vec<String>,
    #[serde(default)]
    users: Vec<String>,
}

fn read(path: &Path) -> Result<String, ApproversError> {
    let io = |source| ApproversError::Io {
        path: path.to_owned(),
        source,
    };
    // Without NONBLOCK, opening a pipe would wait for a writer for ever.
    let file = OpenOptions::new()
        .read(true)
        .custom_flags(OFlags::NONBLOCK.bits().cast_signed())
        .open(path)
        .map_err(io)?;
    let metadata = file.metadata().map_err(io)?;
    if !metadata.is_file() {
        return Err(ApproversError::NotAFile {
            path: path.to_owned(),
        });
    }
    let (owner, mode) = (metadata.uid(), metadata.mode() & 0o7777);
    if ![rustix::process::geteuid().as_raw(), 0].contains(&owner) || mode & 0o022 != 0 {
        return Err(ApproversError::Exposed {
            path: path.to_owned(),
            owner,
            mode,
        });
    }
    let mut text = String::new();
    file.take(MAX_BYTES + 1)
        .read_to_string(&mut text)
        .map_err(io)?;
    if text.len() as u64 > MAX_BYTES {
        return Err(ApproversError::Malformed {
            path: path.to_owned(),
            reason: format!("it has more than {MAX_BYTES} bytes"),
        });
    }
    Ok(text)
}
