//! A request as shown to people and programs.

use hexgate_approvals::{Approvers, Call, Conditions, Decision, Entry, StoredAnswer};
use hexgate_bundle::{KeyId, Timestamp};
use serde::Serialize;

use super::members::members;
use crate::output::{Style, Tone, harmless, name, shortened};

/// A request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(super) struct View {
    /// Its name.
    pub(super) id: String,
    pub(super) state: State,
    /// What is wrong with it, or with its answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) problem: Option<String>,
    #[serde(flatten)]
    pub(super) asked: Option<Asked>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) answer: Option<Said>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) used_at: Option<Timestamp>,
}

/// The state of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum State {
    /// No approver has answered.
    Pending,
    /// There is an answer, not checked.
    Answered,
    Approved,
    Denied,
    /// The stored answer does not count.
    NotAnswered,
    Used,
    Expired,
    /// It does not have the digest that is its name.
    Altered,
}

/// What is asked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(super) struct Asked {
    #[serde(flatten)]
    pub(super) call: Call,
    #[serde(flatten)]
    pub(super) conditions: Conditions,
    pub(super) created_at: Timestamp,
    pub(super) expires_at: Timestamp,
}

/// What was answered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(super) struct Said {
    decision: Decision,
    approver: String,
    key: KeyId,
    answered_at: Timestamp,
    reason: String,
    /// Whether it counts. None if not checked.
    counts: Option<bool>,
}

impl State {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Answered => "answered",
            Self::Approved => "approved",
            Self::Denied => "denied",
            Self::NotAnswered => "not_answered",
            Self::Used => "used",
            Self::Expired => "expired",
            Self::Altered => "altered",
        }
    }

    fn tone(self) -> Tone {
        match self {
            Self::Approved => Tone::Good,
            Self::Pending | Self::Answered => Tone::Warn,
            Self::Denied | Self::NotAnswered | Self::Altered => Tone::Bad,
            Self::Used | Self::Expired => Tone::Dim,
        }
    }

    /// Whether there is something to look at or to wait for.
    pub(super) fn is_open(self) -> bool {
        !matches!(self, Self::Used | Self::Expired)
    }

    /// The name in its colour, with blanks up to a width.
    pub(super) fn painted(self, width: usize) -> String {
        Style::stdout().paint(self.tone(), &format!("{:<width$}", self.name()))
    }
}

impl View {
    pub(super) fn new(entry: Entry, approvers: Option<&Approvers>, now: Timestamp) -> Self {
        let checked = match (&entry.request, &entry.answer, approvers) {
            (Some(request), Some(StoredAnswer::Readable(answer)), Some(approvers)) => {
                Some(approvers.check(request, answer).map(drop))
            }
            _ => None,
        };
        let counts = checked.as_ref().map(Result::is_ok);
        let problem = match (&entry.request, &entry.answer, checked) {
            (None, ..) => Some(
                "it was changed in the database, so its content is not shown; find out who can write the database"
                    .to_owned(),
            ),
            (_, Some(StoredAnswer::Unreadable), _) => {
                Some("its stored answer is malformed".to_owned())
            }
            (.., Some(Err(refusal))) => Some(refusal.to_string()),
            _ => None,
        };
        let answer = match entry.answer {
            // An answer beside a changed request does not belong to it.
            Some(StoredAnswer::Readable(answer)) if entry.request.is_some() => Some(Said {
                decision: answer.decision,
                approver: answer.approver,
                key: answer.key,
                answered_at: answer.answered_at,
                reason: answer.reason,
                counts,
            }),
            _ => None,
        };
        let state = match (&entry.request, &answer) {
            (None, _) => State::Altered,
            (Some(_), _) if entry.used_at.is_some() => State::Used,
            (Some(request), _) if !request.is_open(now) => State::Expired,
            _ if problem.is_some() => State::NotAnswered,
            (Some(_), None) => State::Pending,
            (Some(_), Some(said)) => match (said.counts, said.decision) {
                (None, _) => State::Answered,
                (Some(_), Decision::Approve) => State::Approved,
                (Some(_), Decision::Deny) => State::Denied,
            },
        };
        Self {
            id: entry.id.to_string(),
            state,
            problem,
            // The content of a changed request is not shown.
            asked: entry.request.map(|request| Asked {
                call: request.call,
                conditions: request.conditions,
                created_at: request.created_at,
                expires_at: request.expires_at,
            }),
            answer,
            used_at: entry.used_at,
        }
    }

    /// As much of the name as tells requests apart.
    pub(super) fn short(&self) -> &str {
        self.id.get(..16).unwrap_or(&self.id)
    }

    /// Everything, a line each.
    pub(super) fn human(&self) -> String {
        let mut text = format!("request {}\n", self.id);
        let mut row = |what: &str, said: &str| text.push_str(&format!("  {what:<10} {said}\n"));
        row("state", &self.state.painted(0));
        if let Some(problem) = &self.problem {
            row("problem", &harmless(problem));
        }
        if let Some(asked) = &self.asked {
            asked.rows(&mut row);
        }
        if let Some(said) = &self.answer {
            said.rows(&mut row);
        }
        if let Some(used_at) = &self.used_at {
            row("used", &format!("at {used_at}, says the database"));
        }
        text
    }
}

impl Asked {
    /// The call on one line.
    pub(super) fn line(&self) -> String {
        format!(
            "{}({}) by {} for {}",
            cut(&self.call.tool, 64),
            shortened(&self.call.arguments, 200),
            cut(&self.call.agent, 64),
            user(&self.call.caller.user, 64),
        )
    }

    fn rows(&self, row: &mut impl FnMut(&str, &str)) {
        let (call, caller) = (&self.call, &self.call.caller);
        row("agent", &name(&call.agent));
        row("caller", &user(&caller.user, usize::MAX));
        row("roles", &names(&caller.roles));
        for (what, text) in [
            ("session", &caller.session),
            ("attributes", &caller.attributes),
        ] {
            if let Some(text) = text {
                row(what, &name(text));
            }
        }
        row("policy", &format!("sha256 {}", call.policy));
        let conditions = &self.conditions;
        let own = if conditions.own_calls {
            ", the caller too"
        } else {
            ", not the caller"
        };
        let roles = names(&conditions.approver_roles);
        row("approvers", &format!("with role {roles}{own}"));
        row(
            "open",
            &format!("from {} until {}", self.created_at, self.expires_at),
        );
        row("tool", &name(&call.tool));
        row("arguments", &harmless(&call.arguments));
        // The same once more, a member a line, so that the end of a long line is not overlooked.
        match members(&call.arguments) {
            Some(members) => {
                for (member, value) in members {
                    row("", &format!("• {}: {}", name(&member), harmless(&value)));
                }
            }
            None => row("", "(these are not a JSON object)"),
        }
    }
}

impl Said {
    fn rows(&self, row: &mut impl FnMut(&str, &str)) {
        let what = match self.decision {
            Decision::Approve => "approved",
            Decision::Deny => "denied",
        };
        let checked = match self.counts {
            Some(true) => "the signature holds",
            Some(false) => "which does not count",
            None => "not checked, pass `--approvers`",
        };
        row(
            "answer",
            &format!(
                "{what} by {} at {}, key {}; {checked}",
                name(&self.approver),
                self.answered_at,
                self.key
            ),
        );
        if !self.reason.is_empty() {
            row("reason", &harmless(&self.reason));
        }
    }
}

fn user(user: &str, most: usize) -> String {
    if user.is_empty() {
        "an unknown user".to_owned()
    } else {
        cut(user, most)
    }
}

/// A name, or its beginning.
pub(super) fn cut(text: &str, most: usize) -> String {
    match text.char_indices().nth(most) {
        Some((end, _)) => format!("{}…", name(text.get(..end).unwrap_or_default())),
        None => name(text),
    }
}

fn names(names: &[String]) -> String {
    if names.is_empty() {
        return "none".to_owned();
    }
    let names: Vec<String> = names.iter().map(|text| name(text)).collect();
    names.join(", ")
}
