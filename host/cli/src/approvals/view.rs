//! A request as shown to people and programs.

use hexgate_approvals::{Answer, Approvers, Call, Conditions, Decision, Entry, StoredAnswer};
use hexgate_base::beginning;
use hexgate_bundle::{KeyId, Timestamp};
use serde::Serialize;

use super::members::members;
use crate::output::{Style, Tone, count, harmless, name, shortened};

/// A request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(super) struct View {
    /// Its name.
    pub(super) id: String,
    pub(super) state: State,
    /// What is wrong with it, or with its answers.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) problem: Option<String>,
    #[serde(flatten)]
    pub(super) asked: Option<Asked>,
    /// How many approvals there are, of as many as it needs; without approvers to check them, how many the database claims.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) given: Option<u8>,
    /// The time that is left, if it is open.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) seconds_left: Option<u64>,
    /// The answer that decides, or the first.
    #[serde(skip_serializing_if = "Option::is_none")]
    answer: Option<Said>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    answers: Vec<Said>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) used_at: Option<Timestamp>,
}

/// The state of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum State {
    /// Too few approvers have answered.
    Pending,
    /// There are answers, not checked.
    Answered,
    Approved,
    Denied,
    /// No stored answer counts.
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
}

impl View {
    pub(super) fn new(entry: Entry, approvers: Option<&Approvers>, now: Timestamp) -> Self {
        let id = entry.id.to_string();
        let Some(request) = entry.request else {
            return Self {
                id,
                state: State::Altered,
                problem: Some(
                    "it was changed in the database, so its content is not shown; find out who can write the database"
                        .to_owned(),
                ),
                // Answers beside a changed request do not belong to it.
                asked: None,
                given: None,
                seconds_left: None,
                answer: None,
                answers: vec![],
                used_at: entry.used_at,
            };
        };
        let tally = approvers.map(|approvers| approvers.tally(&request, &entry.answers));
        let readable = || {
            entry.answers.iter().filter_map(|answer| match answer {
                StoredAnswer::Readable(answer) => Some(answer),
                StoredAnswer::Unreadable => None,
            })
        };
        let answers: Vec<Said> = readable()
            .map(|answer| {
                let counts = tally
                    .as_ref()
                    .map(|tally| tally.denial == Some(answer) || tally.approvals.contains(&answer));
                Said::new(answer, counts)
            })
            .collect();
        let claimed = readable().filter(|answer| answer.decision == Decision::Approve);
        let given = match &tally {
            Some(tally) => tally.given(),
            None => u8::try_from(claimed.count()).unwrap_or(u8::MAX),
        };
        let problems: Vec<String> = match &tally {
            Some(tally) => tally.refusals.iter().map(ToString::to_string).collect(),
            None if readable().count() < entry.answers.len() => {
                vec!["a stored answer is malformed".to_owned()]
            }
            None => vec![],
        };
        let state = match &tally {
            _ if entry.used_at.is_some() => State::Used,
            _ if !request.is_open(now) => State::Expired,
            Some(tally) if tally.denial.is_some() => State::Denied,
            Some(tally) if tally.is_approved() => State::Approved,
            _ if given == 0 && !problems.is_empty() => State::NotAnswered,
            None if !answers.is_empty() => State::Answered,
            _ => State::Pending,
        };
        // With a denial, that decides; else the approvals do.
        let decides = |said: &&Said| {
            said.counts == Some(true) && (state != State::Denied || said.decision == Decision::Deny)
        };
        let answer = answers.iter().find(decides).or(answers.first()).cloned();
        let left = request
            .expires_at
            .unix_seconds()
            .checked_sub(now.unix_seconds());
        Self {
            id,
            state,
            problem: (!problems.is_empty()).then(|| problems.join("; ")),
            asked: Some(Asked {
                call: request.call,
                conditions: request.conditions,
                created_at: request.created_at,
                expires_at: request.expires_at,
            }),
            given: Some(given),
            seconds_left: left.filter(|_| state.is_open()),
            answer,
            answers,
            used_at: entry.used_at,
        }
    }

    /// The state in words; where several approvers have to answer, with how many have.
    pub(super) fn state(&self) -> String {
        let name = self.state.name();
        match (&self.asked, self.given, self.state) {
            (Some(asked), Some(given), State::Pending | State::Answered)
                if asked.conditions.approvers > 1 =>
            {
                format!("{name} ({given} of {})", asked.conditions.approvers)
            }
            _ => name.to_owned(),
        }
    }

    /// The state in its colour, with blanks up to a width.
    pub(super) fn painted(&self, width: usize) -> String {
        Style::stdout().paint(self.state.tone(), &format!("{:<width$}", self.state()))
    }

    /// How many approvals are still needed. None if no answer makes a difference any more.
    pub(super) fn missing(&self) -> Option<u8> {
        let needed = self.asked.as_ref()?.conditions.approvers;
        let missing = needed.saturating_sub(self.given?);
        let waits = match self.state {
            State::Pending | State::NotAnswered => true,
            State::Answered => self
                .answers
                .iter()
                .all(|said| said.decision == Decision::Approve),
            State::Approved | State::Denied | State::Used | State::Expired | State::Altered => {
                false
            }
        };
        (waits && missing > 0).then_some(missing)
    }

    /// As much of the name as tells requests apart.
    pub(super) fn short(&self) -> &str {
        self.id.get(..16).unwrap_or(&self.id)
    }

    /// Everything, a line each.
    pub(super) fn human(&self) -> String {
        let mut text = format!("request {}\n", self.id);
        let mut row = |what: &str, said: &str| text.push_str(&format!("  {what:<10} {said}\n"));
        row("state", &self.painted(0));
        if let Some(problem) = &self.problem {
            row("problem", &harmless(problem));
        }
        if let Some(asked) = &self.asked {
            asked.rows(self.seconds_left, &mut row);
        }
        for said in &self.answers {
            said.rows(&mut row);
        }
        if let (Some(missing), Some(1..)) = (self.missing(), self.given) {
            row("needed", &count(missing.into(), "more approval"));
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

    /// Who has to approve.
    pub(super) fn needs(&self) -> String {
        let Conditions {
            approver_roles,
            approvers,
            reason_required,
            own_calls: _,
        } = &self.conditions;
        let roles: Vec<String> = approver_roles.iter().map(|text| name(text)).collect();
        let roles = roles.join(" or ");
        let number = match approvers {
            1 => String::new(),
            several => format!("{several} x "),
        };
        let reason = if *reason_required { ", reason" } else { "" };
        format!("{number}{roles}{reason}")
    }

    fn rows(&self, seconds_left: Option<u64>, row: &mut impl FnMut(&str, &str)) {
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
        let roles: Vec<String> = conditions
            .approver_roles
            .iter()
            .map(|text| name(text))
            .collect();
        let number = match conditions.approvers {
            1 => String::new(),
            several => format!("{several} different ones "),
        };
        row(
            "approvers",
            &format!("{number}with role {}{own}", roles.join(" or ")),
        );
        if conditions.reason_required {
            row("", "each has to give a reason");
        }
        let left = seconds_left.map(|seconds| format!(", {} left", time(seconds)));
        row(
            "open",
            &format!(
                "from {} until {}{}",
                self.created_at,
                self.expires_at,
                left.unwrap_or_default()
            ),
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
    fn new(answer: &Answer, counts: Option<bool>) -> Self {
        Self {
            decision: answer.decision,
            approver: answer.approver.clone(),
            key: answer.key,
            answered_at: answer.answered_at,
            reason: answer.reason.clone(),
            counts,
        }
    }

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

/// A span of time in its largest unit, rounded down.
pub(super) fn time(seconds: u64) -> String {
    let (number, unit) = match seconds {
        0..=119 => (seconds, "second"),
        120..=7_199 => (seconds / 60, "minute"),
        7_200..=172_799 => (seconds / 3600, "hour"),
        172_800.. => (seconds / 86_400, "day"),
    };
    count(usize::try_from(number).unwrap_or(usize::MAX), unit)
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
    match beginning(text, most) {
        Some(begin) => format!("{}…", name(begin)),
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
