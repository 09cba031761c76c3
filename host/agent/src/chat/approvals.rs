//! Asking the person at the terminal.

use std::time::Duration;

use hexgate_enforce::host::ApprovalTerms;
use hexgate_enforce::{Answer, AnswerFuture, ApprovalError, ApprovalHandler, Decision};
use tokio::sync::{mpsc, oneshot};

use super::json::pretty;
use super::screen::Tone;

/// A call that a person is asked about.
#[derive(Debug)]
pub(super) struct Request {
    /// The whole operation.
    pub(super) card: Card,
    /// Where the answer goes. Closed: nobody waits for it any more.
    pub(super) answer: oneshot::Sender<Reply>,
}

/// What a person answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Reply {
    /// The call may run; why, if the policy asks for a reason.
    Yes(Option<String>),
    /// It may not.
    No(String),
}

/// The whole operation, as it was decided.
#[derive(Debug, Clone)]
pub(super) struct Card {
    /// The decision that needs approval.
    pub(super) decision: String,
    pub(super) tool: String,
    agent: String,
    caller: String,
    arguments: String,
    message: Option<String>,
    role: Option<String>,
    terms: ApprovalTerms,
}

impl Card {
    fn of(decision: &Decision) -> Self {
        let caller = decision.caller();
        Self {
            decision: decision.id().to_string(),
            tool: decision.tool().to_owned(),
            agent: decision.agent().to_owned(),
            caller: caller.map_or_else(
                || "nobody".to_owned(),
                |caller| format!("{} [{}]", caller.user_id(), caller.roles().join(", ")),
            ),
            arguments: decision.arguments().to_owned(),
            message: decision.message().map(str::to_owned),
            role: decision.role().map(str::to_owned),
            terms: decision.approval_terms().cloned().unwrap_or_default(),
        }
    }

    /// The time for an answer, if the policy sets one.
    pub(super) fn expires(&self) -> Option<Duration> {
        self.terms
            .expires
            .map(|seconds| Duration::from_secs(seconds.into()))
    }

    /// Whether the policy asks for a reason.
    pub(super) fn needs_reason(&self) -> bool {
        self.terms.reason_required == Some(true)
    }

    /// The lines of the card: everything that runs if the answer is yes. Nothing of it is shortened.
    pub(super) fn lines(&self, preview: Option<&str>) -> Vec<(Option<Tone>, String)> {
        let dim = |text: String| (Some(Tone::Dim), text);
        let mut lines = vec![dim(format!(
            "agent {} · caller {}",
            self.agent, self.caller
        ))];
        if let Some(role) = &self.role {
            lines.push(dim(format!("on the authority of the role {role}")));
        }
        lines.push((None, "arguments:".to_owned()));
        lines.push((None, indented(&pretty(&self.arguments))));
        if let Some(preview) = preview {
            lines.push((None, "change:".to_owned()));
            lines.extend(preview.lines().map(|line| {
                let tone = match line.chars().next() {
                    Some('+') => Some(Tone::Good),
                    Some('-') => Some(Tone::Bad),
                    Some('@') => Some(Tone::Dim),
                    _ => None,
                };
                (tone, format!("  {line}"))
            }));
        }
        if let Some(message) = &self.message {
            lines.push((Some(Tone::Strong), format!("policy: {message}")));
        }
        if let Some(expires) = self.expires() {
            lines.push(dim(format!("expires in {}", spoken(expires))));
        }
        lines
    }
}

fn indented(text: &str) -> String {
    let lines: Vec<String> = text.lines().map(|line| format!("  {line}")).collect();
    lines.join("\n")
}

fn spoken(time: Duration) -> String {
    match time.as_secs() {
        seconds @ 0..=119 => format!("{seconds} s"),
        seconds => format!("{} min", seconds / 60),
    }
}

/// Hands requests to the terminal.
#[derive(Debug)]
pub(super) struct Asker {
    pub(super) requests: mpsc::UnboundedSender<Request>,
    /// Who sits at the terminal, for the record.
    pub(super) by: String,
    /// Which roles of approvers this person has. They are not those of callers.
    pub(super) roles: Vec<String>,
}

impl ApprovalHandler for Asker {
    fn ask(&self, _: &Decision) -> Result<Answer, ApprovalError> {
        Err("the terminal is asked by `authorize_async` alone".into())
    }

    fn ask_async<'a>(&'a self, decision: &'a Decision) -> AnswerFuture<'a> {
        Box::pin(async move {
            let card = Card::of(decision);
            if let Some(reason) = self.wrong_person(&card.terms) {
                return Ok(Answer::Denied { reason });
            }
            let expires = card.expires();
            let (answer, answered) = oneshot::channel();
            self.requests
                .send(Request { card, answer })
                .map_err(|_| "the terminal is gone")?;
            let reply = match expires {
                None => answered.await,
                Some(expires) => match tokio::time::timeout(expires, answered).await {
                    Ok(reply) => reply,
                    Err(_) => {
                        let reason = format!("nobody answered in {}", spoken(expires));
                        return Ok(Answer::Denied { reason });
                    }
                },
            };
            Ok(match reply {
                Ok(Reply::Yes(reason)) => Answer::Approved {
                    by: self.by.clone(),
                    reason,
                    request: None,
                },
                Ok(Reply::No(reason)) => Answer::Denied { reason },
                Err(_) => Answer::Denied {
                    reason: "the question was not answered".to_owned(),
                },
            })
        })
    }
}

impl Asker {
    /// Why the person at the terminal cannot approve: the policy names roles of approvers, and this person has none of them.
    fn wrong_person(&self, terms: &ApprovalTerms) -> Option<String> {
        let is_approver =
            terms.roles.is_empty() || self.roles.iter().any(|role| terms.roles.contains(role));
        (!is_approver).then(|| {
            format!(
                "the policy lets only `{}` approve this; start the chat with `--approver-role`, or ask them by `hexgate approvals`",
                terms.roles.join("`, `")
            )
        })
    }
}
