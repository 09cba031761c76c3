//! Writes bodies: the part of a line before its number and hash. [`entry`](crate::entry) reads them.

use std::{borrow::Cow, time::SystemTime};

use hexgate_base::push_time;
use hexgate_bundle::Digest;
use serde::Serialize;

use crate::{
    chain::{push_hex, push_number},
    key::DigestKey,
    outcome::Outcome,
    protect::{Member, Protection, Withheld, cut},
    record::{Ended, Note, Record},
    shadow::ShadowOutcome,
};

/// The longest name of an agent, project, user, session, role or tool that is kept, in bytes. A policy takes tools and roles up to 256.
const NAME_BYTES: usize = 1024;
/// The most roles that are kept: one more than a policy takes, so that a replay still sees that there were too many.
const ROLES: usize = 33;
/// The longest reason that is kept, in bytes: as long as a policy gives.
const REASON_BYTES: usize = 4096;
/// The most bytes of violations and of a hint that are kept each.
const LIST_BYTES: usize = 64 << 10;

/// A body under construction.
pub(crate) struct Body {
    bytes: Vec<u8>,
    withheld: Vec<(Member, Withheld)>,
}

impl Body {
    /// Begins a body in a buffer, which is emptied.
    pub(crate) fn begin(mut buffer: Vec<u8>, kind: &str, at: SystemTime) -> Self {
        buffer.clear();
        buffer.extend_from_slice(b"{\"kind\":\"");
        buffer.extend_from_slice(kind.as_bytes());
        buffer.extend_from_slice(b"\",\"at\":\"");
        push_time(&mut buffer, at);
        buffer.push(b'"');
        Self {
            bytes: buffer,
            withheld: Vec::new(),
        }
    }

    pub(crate) fn finish(self) -> Vec<u8> {
        self.bytes
    }

    pub(crate) fn number(&mut self, name: &str, number: u64) {
        self.name(name);
        push_number(&mut self.bytes, number);
    }

    pub(crate) fn digest(&mut self, name: &str, digest: &Digest) {
        self.name(name);
        self.bytes.push(b'"');
        push_hex(&mut self.bytes, digest.as_bytes());
        self.bytes.push(b'"');
    }

    pub(crate) fn text(&mut self, name: &str, text: &str) {
        self.name(name);
        push_text(&mut self.bytes, text);
    }

    fn name(&mut self, name: &str) {
        self.bytes.extend_from_slice(b",\"");
        self.bytes.extend_from_slice(name.as_bytes());
        self.bytes.extend_from_slice(b"\":");
    }

    /// Something that serialises itself. Numbers and texts in structs and lists always do.
    pub(crate) fn value(&mut self, name: &str, value: &impl Serialize) {
        self.name(name);
        let begin = self.bytes.len();
        if serde_json::to_writer(&mut self.bytes, value).is_err() {
            self.bytes.truncate(begin);
            self.bytes.extend_from_slice(b"null");
        }
    }

    /// A name that the host gave.
    fn given(&mut self, name: &str, text: &str) {
        let (text, withheld) = cut(text, NAME_BYTES);
        self.text(name, text);
        self.mark(Member::Name, withheld);
    }

    fn mark(&mut self, member: Member, withheld: Option<Withheld>) {
        if let Some(why) = withheld
            && !self.withheld.iter().any(|(marked, _)| *marked == member)
        {
            self.withheld.push((member, why));
        }
    }

    fn marks(&mut self) {
        if self.withheld.is_empty() {
            return;
        }
        let marks = std::mem::take(&mut self.withheld);
        self.value(
            "withheld",
            &marks
                .into_iter()
                .collect::<std::collections::BTreeMap<_, _>>(),
        );
    }
}

/// The body of a decision.
pub(crate) fn decision(
    buffer: Vec<u8>,
    record: &Record<'_>,
    protection: &Protection,
    key: &DigestKey,
) -> Vec<u8> {
    let mut body = Body::begin(buffer, "decision", record.at);
    if let Some(id) = record.id {
        body.given("id", id);
    }
    body.given("agent", record.agent);
    for (name, text) in [
        ("project", record.project),
        ("user", record.user),
        ("session", record.session),
    ] {
        if let Some(text) = text {
            body.given(name, text);
        }
    }
    roles(&mut body, record.roles);
    let (tool, withheld) = protection.text(record.tool, NAME_BYTES);
    body.text("tool", &tool);
    body.mark(Member::Tool, withheld);

    let (arguments, withheld) = protection.json(record.arguments);
    if let Some(arguments) = &arguments {
        body.text("arguments", arguments);
    }
    body.mark(Member::Arguments, withheld);
    body.digest("arguments_digest", &key.of_arguments(record.arguments));
    if let Some(facts) = record.facts {
        let (kept, withheld) = protection.json(facts);
        if let Some(kept) = &kept {
            body.text("facts", kept);
        }
        body.mark(Member::Facts, withheld);
        body.digest("facts_digest", &key.of_facts(facts));
    }
    if let Some(policy) = &record.policy {
        body.digest("policy", policy);
    }
    if let Some(component) = &record.component {
        body.digest("component", component);
    }
    outcome(&mut body, record.outcome, protection);
    body.number(
        "took_ns",
        u64::try_from(record.took.as_nanos()).unwrap_or(u64::MAX),
    );
    if let Some(shadow) = record.shadow {
        let (verdict, withheld) = kept(&shadow.verdict, protection);
        body.value(
            "shadow",
            &ShadowOutcome {
                policy: shadow.policy,
                component: shadow.component,
                verdict: verdict.into_owned(),
            },
        );
        body.mark(Member::Reason, withheld);
    }
    body.marks();
    body.finish()
}

/// The body of a note.
pub(crate) fn note(buffer: Vec<u8>, note: &Note<'_>, protection: &Protection) -> Vec<u8> {
    let mut body = Body::begin(buffer, "note", note.at);
    body.given("event", note.event);
    if let Some(about) = note.about {
        body.number("about", about);
    }
    let details: std::collections::BTreeMap<_, _> = note
        .details
        .iter()
        .map(|(name, text)| {
            let (text, withheld) = protection.text(text, REASON_BYTES);
            body.mark(Member::Reason, withheld);
            (cut(name, NAME_BYTES).0, text)
        })
        .collect();
    body.value("details", &details);
    body.marks();
    body.finish()
}

/// The body of how a call ended.
pub(crate) fn ended(ended: &Ended<'_>, protection: &Protection, key: &DigestKey) -> Vec<u8> {
    let mut body = Body::begin(Vec::new(), "outcome", ended.at);
    body.given("decision", ended.decision);
    let (tool, withheld) = protection.text(ended.tool, NAME_BYTES);
    body.text("tool", &tool);
    body.mark(Member::Tool, withheld);
    body.value("ran", &ended.ran);
    body.value("state", &ended.state);
    if let Some(result) = ended.result {
        body.digest("result_digest", &key.of_result(result));
        body.number(
            "result_bytes",
            u64::try_from(result.len()).unwrap_or(u64::MAX),
        );
    }
    if let Some(error) = ended.error {
        let (error, withheld) = protection.text(error, NAME_BYTES);
        body.text("error", &error);
        body.mark(Member::Reason, withheld);
    }
    body.number(
        "took_ns",
        u64::try_from(ended.took.as_nanos()).unwrap_or(u64::MAX),
    );
    body.marks();
    body.finish()
}

fn roles(body: &mut Body, roles: &[&str]) {
    if roles.len() > ROLES {
        body.mark(Member::Roles, Some(Withheld::TooLarge));
    }
    body.name("roles");
    body.bytes.push(b'[');
    for (index, role) in roles.iter().take(ROLES).enumerate() {
        if index > 0 {
            body.bytes.push(b',');
        }
        let (role, withheld) = cut(role, NAME_BYTES);
        push_text(&mut body.bytes, role);
        body.mark(Member::Roles, withheld);
    }
    body.bytes.push(b']');
}

fn outcome(body: &mut Body, outcome: &Outcome, protection: &Protection) {
    let (verdict, withheld) = kept(outcome, protection);
    body.value("verdict", &*verdict);
    body.mark(Member::Reason, withheld);
}

/// An outcome as the log keeps it. Most are kept unchanged, without a copy.
pub(crate) fn kept<'a>(
    outcome: &'a Outcome,
    protection: &Protection,
) -> (Cow<'a, Outcome>, Option<Withheld>) {
    let (reason, why) = protection.text(outcome.reason(), REASON_BYTES);
    let fits = match outcome {
        Outcome::Deny {
            violations, hint, ..
        } => {
            fitting(violations) == violations.len()
                && hint.as_ref().is_none_or(|hint| {
                    let lists = [&hint.allowed, &hint.denied, &hint.except];
                    lists.iter().all(|list| fitting(list) == list.len())
                })
        }
        _ => true,
    };
    if why.is_none() && fits {
        return (Cow::Borrowed(outcome), None);
    }
    let why = why.or(Some(Withheld::TooLarge));
    let reason_kept = reason.into_owned();
    let mut kept = outcome.clone();
    match &mut kept {
        Outcome::Allow { .. } | Outcome::NeedsApproval { .. } => {}
        Outcome::Deny {
            reason,
            violations,
            hint,
            message: _,
        } => {
            *reason = reason_kept;
            violations.truncate(fitting(violations));
            if let Some(hint) = hint {
                hint.allowed.truncate(fitting(&hint.allowed));
                hint.denied.truncate(fitting(&hint.denied));
                hint.except.truncate(fitting(&hint.except));
            }
        }
        Outcome::Error { reason, .. } | Outcome::Refused { reason, .. } => *reason = reason_kept,
    }
    (Cow::Owned(kept), why)
}

/// How many of the texts are kept: the first ones, up to the limit.
fn fitting(texts: &[String]) -> usize {
    let mut bytes = 0;
    let texts = texts.iter().take_while(|text| {
        bytes += text.len();
        bytes <= LIST_BYTES
    });
    texts.count()
}

fn push_text(bytes: &mut Vec<u8>, text: &str) {
    let begin = bytes.len();
    if serde_json::to_writer(&mut *bytes, text).is_err() {
        bytes.truncate(begin);
        bytes.extend_from_slice(b"\"\"");
    }
}
