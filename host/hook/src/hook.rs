//! From an event to an answer.

mod asking;
mod ends;
mod parts;

use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use hexgate_base::sentence;
use hexgate_enforce::resolve::Environment;
use hexgate_enforce::{Call, Caller};

use crate::agent::Agent;
use crate::answer::{self, Answer, Asked, Verdict};
use crate::event::{self, Event, Kind, Proposed};
use crate::failure::{self, Failure};
use crate::normal::{Normal, Place, normal};
use crate::session::{Session, seconds};

use asking::{nobodys, not_run};
pub use parts::{Approving, Auditing};

/// What a hook is told on its command line and by its environment. Nothing of it comes from the event.
#[derive(Debug, Clone)]
pub struct Options {
    /// The agent that sends the event.
    pub agent: Agent,
    /// The event for which the hook was installed. An event of another name is denied. None: whatever the event says.
    pub event: Option<String>,
    /// The name of the agent that bundles are bound to. None: the agent's.
    pub name: Option<String>,
    /// On whose behalf the agent acts.
    pub caller: String,
    /// The roles of that caller. Without one the policy's `default` decides.
    pub roles: Vec<String>,
    /// The folder in which relative paths of a policy begin. None: the one in which the conversation began.
    pub workspace: Option<PathBuf>,
    /// The folder in which conversations are kept.
    pub state: PathBuf,
    /// Where decisions are recorded. None: nowhere.
    pub audit: Option<Auditing>,
    /// Whether an agent asks a person when a hook says so, where its events do not tell: Copilot runs such a call where all tools are
    /// allowed, and in its app; Gemini CLI does not document it. If not, what needs approval is denied there.
    pub trust_ask: bool,
    /// How approvals are asked for and kept. None: the agent asks, where it can.
    pub approvals: Option<Approving>,
    /// The variables that say where the policy comes from.
    pub environment: Environment,
    /// How long a decision may take. After that it is a denial.
    pub limit: Duration,
}

/// A call as the policy sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seen {
    /// The name of the tool.
    pub tool: String,
    /// The arguments: one JSON object.
    pub arguments: String,
}

/// A hook: it turns an event into an answer. It has no state of its own.
#[derive(Debug, Clone)]
pub struct Hook(Options);

/// The most bytes of an event.
pub const MOST_EVENT_BYTES: usize = 16 << 20;

impl Hook {
    /// The default of [`Options::limit`].
    pub const LIMIT: Duration = Duration::from_secs(5);

    /// A hook with these options.
    #[must_use]
    pub fn new(options: Options) -> Self {
        Self(options)
    }

    /// The options.
    #[must_use]
    pub fn options(&self) -> &Options {
        &self.0
    }

    /// Answers an event. There is always an answer: what cannot be decided is denied in the agent's own form.
    #[must_use]
    pub fn answer(&self, event: &[u8]) -> Answer {
        if event.len() > MOST_EVENT_BYTES {
            return self.deny(&Failure::TooLarge {
                most: MOST_EVENT_BYTES,
            });
        }
        let options = &self.0;
        let event = match event::read(options.agent, options.event.as_deref(), event) {
            Ok(event) => event,
            Err(failure) => {
                self.note(&failure);
                return self.deny(&failure);
            }
        };
        let asked = Asked {
            name: event.name.clone(),
            kind: event.kind,
            attended: event.attended.unwrap_or(options.trust_ask),
        };
        let verdict = self.decide(event, &asked).unwrap_or_else(|failure| {
            // The others keep from recording, or have been recorded.
            if matches!(failure, Failure::Malformed(_) | Failure::State { .. }) {
                self.note(&failure);
            }
            Verdict::Deny(failure::told(&failure))
        });
        answer::answer(options.agent, &asked, verdict)
    }

    /// The denial for a failure, in the form of the event for which the hook was installed.
    #[must_use]
    pub fn deny(&self, failure: &Failure) -> Answer {
        Answer::denied(self.0.agent, self.0.event.as_deref(), failure)
    }

    /// The call of an event as the policy sees it, for whoever writes one. None: the event is no call.
    ///
    /// # Errors
    ///
    /// The event cannot be read.
    pub fn seen(&self, event: &[u8]) -> Result<Option<Seen>, Failure> {
        let options = &self.0;
        let mut event = event::read(options.agent, options.event.as_deref(), event)?;
        let Some(proposed) = event.call.take() else {
            return Ok(None);
        };
        let normal = self.normal(&event, proposed, None)?;
        Ok(Some(Seen {
            tool: normal.tool,
            arguments: normal.arguments,
        }))
    }

    /// Whether there is what decides: a policy, a log that can be written, a database of requests, each if it is asked for.
    ///
    /// # Errors
    ///
    /// There is not; every call would be denied.
    pub fn check(&self) -> Result<(), Failure> {
        self.enforcer().map(drop)
    }

    fn decide(&self, event: Event, asked: &Asked) -> Result<Verdict, Failure> {
        match event.kind {
            Kind::Observed => Ok(Verdict::Nothing(None)),
            Kind::End { .. } => self.end(&event),
            Kind::Start => self.begin(&event),
            Kind::Prompt => self.hear(&event),
            Kind::Call | Kind::Gate | Kind::Permission => self.call(event, asked),
        }
    }

    /// A conversation begins: its folder is noted, and the user is told which policy decides.
    fn begin(&self, event: &Event) -> Result<Verdict, Failure> {
        if let Some(session) = self.session(event)? {
            session.save()?;
        }
        let notice = match self.policy() {
            Ok(found) => {
                let origin = &found.live.id().origin;
                let mut notice = format!("`{origin}` decides what this agent may do");
                for more in &found.notices {
                    notice.push_str("; ");
                    notice.push_str(more);
                }
                notice
            }
            Err(failure) => format!("every call will be denied: {}", failure::told(&failure)),
        };
        Ok(Verdict::Nothing(Some(notice)))
    }

    fn hear(&self, event: &Event) -> Result<Verdict, Failure> {
        // Claude Code and others send texts of their own as prompts: what a command or another agent said.
        let own_words = event.prompt.as_deref().filter(|it| !event::is_injected(it));
        if let (Some(mut session), Some(prompt)) = (self.session(event)?, own_words) {
            session.kept.hear(prompt);
            session.save()?;
        }
        Ok(Verdict::Allow)
    }

    fn call(&self, mut event: Event, asked: &Asked) -> Result<Verdict, Failure> {
        let proposed = event
            .call
            .take()
            .ok_or_else(|| Failure::Broken("there is no call".to_owned()))?;
        let mut session = self.session(&event)?;
        let normal = self.normal(&event, proposed, session.as_ref())?;
        let enforcer = self.enforcer()?;
        let caller = match self.caller(&event) {
            Ok(caller) => caller,
            Err(failure) => return Ok(nobodys(&enforcer, &failure, normal)),
        };
        let mut call = Call::of(&caller, &normal.tool, normal.arguments.clone());
        if let Some(session) = &session {
            if let Some(run) =
                session
                    .kept
                    .run(enforcer.agent(), &normal.tool, seconds(SystemTime::now()))
            {
                call = call.run(run);
            }
            if enforcer.uses_fact("said")
                && let Some(said) = session.kept.said()
            {
                call = call.said(said);
            }
        }
        let (verdict, decision) = self.ask(&enforcer, call, event.kind);
        if event.kind == Kind::Call
            && let Some(session) = &mut session
        {
            // The place is taken before the agent has the answer, so that calls side by side cannot pass a limit together.
            let counted = match &verdict {
                Verdict::Deny(_) => {
                    session.kept.denied();
                    true
                }
                // It becomes a denial where the agent would not ask.
                Verdict::Ask { .. } if !answer::asks(self.0.agent, asked) => {
                    session.kept.denied();
                    true
                }
                Verdict::Ask { .. } => {
                    session.kept.needed_approval();
                    session.kept.reserve(&normal.tool)
                }
                _ => session.kept.reserve(&normal.tool),
            };
            let may_run = counted && self.may_run(&verdict, asked);
            if let (true, Some(key)) = (may_run, event.call_key.take()) {
                self.note_running(session, key, decision, &normal.tool);
            }
            let saved = session.save();
            if !counted || saved.is_err() {
                not_run(&enforcer, &verdict, decision, &normal.tool);
            }
            saved?;
            if !counted {
                return Ok(Verdict::Deny(
                    "this conversation has called more different tools than are counted".to_owned(),
                ));
            }
        }
        Ok(verdict)
    }

    /// What is kept of the conversation of this event, with the folder in which it began.
    fn session(&self, event: &Event) -> Result<Option<Session>, Failure> {
        let Some(id) = &event.session else {
            return Ok(None);
        };
        let options = &self.0;
        // Half of the time is left for the decision.
        let patience = options.limit / 2;
        let mut session = Session::open(&options.state, options.agent, id, patience)?;
        if session.kept.workspace.is_none() {
            session.kept.workspace = event.root.clone().or_else(|| event.cwd.clone());
        }
        Ok(Some(session))
    }

    fn normal(
        &self,
        event: &Event,
        proposed: Proposed,
        session: Option<&Session>,
    ) -> Result<Normal, Failure> {
        let began = session.and_then(|session| session.kept.workspace.as_deref());
        let named = self.0.workspace.as_deref();
        let workspace = named
            .or(began.map(Path::new))
            .or(event.root.as_deref().map(Path::new))
            .or(event.cwd.as_deref().map(Path::new))
            .ok_or_else(|| {
                Failure::malformed(
                    "nobody says in which folder the agent works; name it (`--workspace`)",
                )
            })?;
        let cwd = event.cwd.as_deref().map_or(workspace, Path::new);
        let commands_in = match self.0.agent {
            // Its event has the folder of the conversation, and a command can run in another one.
            Agent::Codex => None,
            _ => event.cwd.as_deref().map(Path::new),
        };
        let place = Place {
            workspace,
            cwd,
            commands_in,
        };
        normal(self.0.agent, proposed, place)
    }

    fn caller(&self, event: &Event) -> Result<Caller, Failure> {
        let mut caller = Caller::builder(&*self.0.caller).roles(&self.0.roles);
        if let Some(session) = &event.session {
            caller = caller.session(&**session);
        }
        caller
            .build()
            .map_err(|error| Failure::Caller(sentence(&error)))
    }
}
