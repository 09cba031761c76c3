//! Errors of reading the list of approvers.

use std::{io, path::PathBuf};

use hexgate_base::names::spelled;
use hexgate_bundle::KeyError;

/// The list of approvers cannot be read, or breaks a rule.
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
    /// The path does not name a regular file.
    #[error("`{}` is not a regular file; name the file that lists the approvers", .path.display())]
    NotAFile {
        /// The path.
        path: PathBuf,
    },
    /// Other users can change the file, and so make themselves approvers.
    #[error("`{}` belongs to user {owner} and has mode {mode:04o}: other users could make themselves approvers; make it root's or your own, and run `chmod go-w` on it", .path.display())]
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
    /// A key of an approver is malformed or must not be trusted.
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
    /// An approver has no key.
    #[error("the approver `{id}` has no key")]
    NoKey {
        /// The approver.
        id: String,
    },
    /// An approver has no role.
    #[error("the approver `{id}` has no role, or an empty one")]
    NoRole {
        /// The approver.
        id: String,
    },
    /// A name is not in the spelling in which names are compared.
    #[error(
        "the {what} `{}` of the approver `{}` is not written in Unicode's form NFKC, in which a name has one spelling; write `{}`",
        .name.escape_default(), .id.escape_default(), spelled(.name).escape_default()
    )]
    Spelling {
        /// The approver.
        id: String,
        /// `id`, `role` or `user`.
        what: &'static str,
        /// The name.
        name: String,
    },
    /// A user id of one approver is the id of another.
    #[error(
        "the approver `{id}` is also the user `{user}`, who is listed as another approver and could so approve their own calls; give one entry all keys, roles and users"
    )]
    SamePerson {
        /// The approver.
        id: String,
        /// The other one.
        user: String,
    },
    /// Two approvers have the same id.
    #[error("the approver `{id}` is listed twice; give one entry all keys and roles")]
    SameId {
        /// The approver.
        id: String,
    },
    /// Two approvers have the same key.
    #[error("a key of the approver `{id}` is listed twice; each key belongs to one person")]
    SameKey {
        /// The later approver with that key.
        id: String,
    },
}

const EXAMPLE: &str = r#"`{"version": 1, "approvers": [{"id": "carol", "keys": ["the text in carol.public"], "roles": ["finance"]}]}`"#;
