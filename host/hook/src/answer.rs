//! What each agent is told.

mod forms;

use std::io::Write;

use hexgate_base::{harmless, shortened};

use crate::agent::Agent;
use crate::event::{Kind, kind};
use crate::failure::{Failure, told};

/// What a hook prints and how it ends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// For the agent: one JSON object, or nothing.
    pub stdout: String,
    /// For the agent or for people. It ends with a line feed, or is empty.
    pub stderr: String,
    /// The exit code.
    pub code: u8,
}

impl Answer {
    /// The denial for a failure, in the form of the event for which the hook was installed.
    #[must_use]
    pub fn denied(agent: Agent, event: Option<&str>, failure: &Failure) -> Self {
        let asked = Asked::expected(agent, event);
        answer(agent, &asked, Verdict::Deny(told(failure)))
    }

    /// Writes the answer, and gives the exit code. An agent that did not get it has one that blocks.
    #[must_use]
    pub fn write(&self, output: &mut impl Write, errors: &mut impl Write) -> u8 {
        let written = output
            .write_all(self.stdout.as_bytes())
            .and_then(|()| output.flush());
        let told = errors
            .write_all(self.stderr.as_bytes())
            .and_then(|()| errors.flush());
        match (written, told) {
            (Ok(()), Ok(())) => self.code,
            _ => 2,
        }
    }
}

/// The most characters of a reason.
const MOST_CHARACTERS: usize = 2_000;

/// What was decided about an event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// It may happen.
    Allow,
    /// A person is to be asked.
    Ask {
        /// For the person.
        people: String,
        /// For the model, where there is no way to ask.
        model: String,
    },
    /// It must not happen, for this reason.
    Deny(String),
    /// There was nothing to decide. Perhaps with a notice for the user.
    Nothing(Option<String>),
}

/// The event that is answered: as it was read, or as it was to be expected.
#[derive(Debug, Clone)]
pub(crate) struct Asked {
    pub(crate) name: String,
    pub(crate) kind: Kind,
    /// Whether the agent would ask a person now.
    pub(crate) attended: bool,
}

impl Asked {
    /// The event under whose name the hook was installed, else the call that has to be stopped.
    pub(crate) fn expected(agent: Agent, name: Option<&str>) -> Self {
        let named = name.and_then(|name| Some((name, kind(agent, name)?)));
        let (name, kind) = named.unwrap_or((
            match agent {
                Agent::ClaudeCode | Agent::Codex => "PreToolUse",
                Agent::Gemini => "BeforeTool",
                Agent::Cursor | Agent::Copilot => "preToolUse",
            },
            Kind::Call,
        ));
        Self {
            name: name.to_owned(),
            kind,
            attended: false,
        }
    }
}

/// Whether an agent asks a person when a hook says so at this event. If not, what needs approval is denied.
pub(crate) fn asks(agent: Agent, asked: &Asked) -> bool {
    forms::asks(agent, asked)
}

/// Renders a verdict for an agent.
pub(crate) fn answer(agent: Agent, asked: &Asked, verdict: Verdict) -> Answer {
    let tidy = |text: String| shortened(&text, MOST_CHARACTERS);
    let verdict = match verdict {
        Verdict::Ask { model, .. } if !forms::asks(agent, asked) => Verdict::Deny(format!(
            "{model} This agent cannot ask a person here. {}",
            remedy(agent)
        )),
        other => other,
    };
    let verdict = match verdict {
        Verdict::Ask { people, model } => Verdict::Ask {
            people: tidy(people),
            model: tidy(model),
        },
        Verdict::Deny(reason) => Verdict::Deny(tidy(reason)),
        Verdict::Nothing(notice) => Verdict::Nothing(notice.map(tidy)),
        Verdict::Allow => Verdict::Allow,
    };
    forms::render(agent, asked, &verdict)
}

fn remedy(agent: Agent) -> &'static str {
    match agent {
        Agent::Codex | Agent::Gemini | Agent::Cursor | Agent::Copilot => {
            "Do not try another way: tell the user, who can run it themselves, allow it in the policy, or have it approved (`hexgate hook run --approvals`)."
        }
        Agent::ClaudeCode => {
            "Do not try another way: tell the user, who can leave the mode in which a hook cannot have them asked, allow it in the policy, or have it approved (`hexgate hook run --approvals`)."
        }
    }
}

/// A line for the standard error.
pub(crate) fn line(reason: &str) -> String {
    format!("hexgate: {}\n", harmless(reason))
}
