//! Reads lines that [`encode`](crate::encode) wrote.

use std::collections::BTreeMap;

use hexgate_bundle::{Digest, KeyId};
use serde::Deserialize;

use crate::{
    outcome::Outcome,
    protect::{KeptAs, Member, Withheld},
    record::EndState,
    shadow::ShadowOutcome,
};

/// What a line says, by its kind.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Entry {
    /// The first line of a file of the log.
    Segment(Segment),
    /// A process began to write.
    Opened(Opened),
    /// A process stopped writing, in good order.
    Closed(Closed),
    /// A decision. Boxed: it is much larger than the others.
    Decision(Box<Decision>),
    /// How a call ended that was permitted.
    Ended(EndedEntry),
    /// Something else that belongs into the log.
    Note(NoteEntry),
    /// A signature over the record before it.
    Checkpoint(Checkpoint),
    /// The bytes before this line are not a record: a process or machine stopped while writing.
    Torn(Torn),
    /// Decisions that could not be written and passed, by the operator's choice.
    Lost(Lost),
}

/// The first line of a file of the log.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[non_exhaustive]
pub struct Segment {
    /// When it was begun.
    pub at: String,
    /// The version of the format.
    pub version: u64,
    /// The log's id: 32 hexadecimal digits from the system's randomness.
    pub log: String,
    /// The file's place among the files of the log, from 0.
    pub segment: u64,
    /// The hash of the record before it.
    pub previous: Digest,
}

/// A process began to write.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[non_exhaustive]
pub struct Opened {
    /// When.
    pub at: String,
    /// The program and its version.
    pub writer: String,
    /// How arguments are kept from here on.
    pub arguments: KeptAs,
    /// The name of the key of the digests from here on.
    pub digest_key: String,
}

/// A process stopped writing, in good order.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[non_exhaustive]
pub struct Closed {
    /// When.
    pub at: String,
}

/// A decision.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[non_exhaustive]
pub struct Decision {
    /// When it was decided, UTC.
    pub at: String,
    /// The decision's name.
    #[serde(default)]
    pub id: Option<String>,
    /// The agent.
    pub agent: String,
    /// The project.
    #[serde(default)]
    pub project: Option<String>,
    /// The caller's user id.
    #[serde(default)]
    pub user: Option<String>,
    /// The caller's session.
    #[serde(default)]
    pub session: Option<String>,
    /// The caller's roles.
    pub roles: Vec<String>,
    /// The tool.
    pub tool: String,
    /// The arguments as they are kept.
    #[serde(default)]
    pub arguments: Option<String>,
    /// The keyed digest of the arguments as they were.
    pub arguments_digest: Digest,
    /// The facts as they are kept.
    #[serde(default)]
    pub facts: Option<String>,
    /// The keyed digest of the facts as they were. None: there were none.
    #[serde(default)]
    pub facts_digest: Option<Digest>,
    /// What identifies the policy that was live.
    #[serde(default)]
    pub policy: Option<Digest>,
    /// SHA-256 of the component that decided.
    #[serde(default)]
    pub component: Option<Digest>,
    /// What came of it.
    pub verdict: Outcome,
    /// How long the decision took, in nanoseconds.
    pub took_ns: u64,
    /// What a candidate would have said.
    #[serde(default)]
    pub shadow: Option<ShadowOutcome>,
    /// What is not there as it was, and why.
    #[serde(default)]
    pub withheld: BTreeMap<Member, Withheld>,
}

/// How a call ended that was permitted.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[non_exhaustive]
pub struct EndedEntry {
    /// When it ended, UTC.
    pub at: String,
    /// The name of the decision that permitted it: [`Decision::id`].
    pub decision: String,
    /// The tool.
    pub tool: String,
    /// Whether the tool was started.
    pub ran: bool,
    /// How it ended.
    pub state: EndState,
    /// The keyed digest of the result. None: there was none.
    #[serde(default)]
    pub result_digest: Option<Digest>,
    /// The length of the result, in bytes.
    #[serde(default)]
    pub result_bytes: Option<u64>,
    /// The kind of failure.
    #[serde(default)]
    pub error: Option<String>,
    /// How long the tool ran, in nanoseconds.
    pub took_ns: u64,
    /// What is not there as it was, and why.
    #[serde(default)]
    pub withheld: BTreeMap<Member, Withheld>,
}

/// Something else that belongs into the log.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[non_exhaustive]
pub struct NoteEntry {
    /// When it happened.
    pub at: String,
    /// What happened.
    pub event: String,
    /// The number of the decision that it is about.
    #[serde(default)]
    pub about: Option<u64>,
    /// What more there is to say.
    pub details: BTreeMap<String, String>,
    /// What is not there as it was, and why.
    #[serde(default)]
    pub withheld: BTreeMap<Member, Withheld>,
}

/// A signature over the record before it.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[non_exhaustive]
pub struct Checkpoint {
    /// When it was signed.
    pub at: String,
    /// The name of the key that signed.
    pub key: KeyId,
    /// The signature, base64url without padding.
    pub signature: String,
}

/// Bytes that are no record.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[non_exhaustive]
pub struct Torn {
    /// When they were found.
    pub at: String,
    /// How many, from the end of the record before to the newline before this line.
    pub bytes: u64,
    /// SHA-256 of them.
    pub digest: Digest,
}

/// Decisions that were not written.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[non_exhaustive]
pub struct Lost {
    /// When writing worked again.
    pub at: String,
    /// How many.
    pub decisions: u64,
    /// Why writing failed, the first time.
    pub reason: String,
}

/// A line that is bound into the chain and cannot be read by this version.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct EntryError(String);

impl Entry {
    /// Reads a whole line, without its newline.
    ///
    /// # Errors
    ///
    /// If it is not JSON, of an unknown kind, or lacks a member of its kind. Unknown members are ignored: one that changed the meaning of
    /// others would come with another version of the format.
    pub fn parse(line: &[u8]) -> Result<Self, EntryError> {
        let malformed = |error: serde_json::Error| EntryError(error.to_string());
        let text = std::str::from_utf8(line).map_err(|error| EntryError(error.to_string()))?;
        let (kind, _) = text
            .strip_prefix("{\"kind\":\"")
            .and_then(|rest| rest.split_once('"'))
            .ok_or_else(|| EntryError("it does not begin with its kind".to_owned()))?;
        Ok(match kind {
            "segment" => Self::Segment(serde_json::from_str(text).map_err(malformed)?),
            "opened" => Self::Opened(serde_json::from_str(text).map_err(malformed)?),
            "closed" => Self::Closed(serde_json::from_str(text).map_err(malformed)?),
            "decision" => Self::Decision(Box::new(serde_json::from_str(text).map_err(malformed)?)),
            "outcome" => Self::Ended(serde_json::from_str(text).map_err(malformed)?),
            "note" => Self::Note(serde_json::from_str(text).map_err(malformed)?),
            "checkpoint" => Self::Checkpoint(serde_json::from_str(text).map_err(malformed)?),
            "torn" => Self::Torn(serde_json::from_str(text).map_err(malformed)?),
            "lost" => Self::Lost(serde_json::from_str(text).map_err(malformed)?),
            other => {
                return Err(EntryError(format!(
                    "kind `{}` is not known",
                    other.escape_debug()
                )));
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn members_that_are_not_known_are_passed_over_at_every_depth() {
        let digest = Digest::of(b"x");
        let line = |more: &str| {
            format!(
                r#"{{"kind":"decision","at":"2026-03-01T12:00:00Z","agent":"bot","roles":[],"tool":"t","arguments_digest":"{digest}","verdict":{{"outcome":"deny","reason":"no","hint":{{"allowed":["a"]{more}}}{more}}},"took_ns":1,"shadow":{{"component":"{digest}","verdict":{{"outcome":"allow","role":0{more}}}{more}}}{more}}}"#
            )
        };
        let known = Entry::parse(line("").as_bytes()).unwrap();
        let later = Entry::parse(line(r#","later":{"x":[1]}"#).as_bytes()).unwrap();
        assert_eq!(known, later);
        let Entry::Decision(decision) = known else {
            panic!("{known:?}");
        };
        assert!(decision.shadow.is_some() && decision.verdict.reason() == "no");
    }
}
