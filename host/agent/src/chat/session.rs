//! A conversation, from the greeting to the end.

use hexgate_base::{Digest, sentence};
use hexgate_enforce::{Caller, Enforcer};
use tokio::runtime::Runtime;
use tokio::sync::mpsc;

use super::ApprovalMode;
use super::approvals::Request;
use super::commands::{self, Command, HELP};
use super::decisions::Decisions;
use super::keyboard::Keyboard;
use super::permits;
use super::prompt::{Input, Prompt};
use super::screen::{Screen, Tone};
use super::signals::Signals;
use super::turn::{Stage, Turn};
use crate::catalog::Loaded;
use crate::conversation::Conversation;

/// A conversation.
pub(super) struct Session {
    screen: Screen,
    prompt: Prompt,
    keyboard: Keyboard,
    signals: Signals,
    requests: mpsc::UnboundedReceiver<Request>,
    decisions: Decisions,
    loaded: Loaded,
    caller: Caller,
    talk: Conversation,
    asks: bool,
    /// The policy and the failure that were told last.
    policy: Option<Digest>,
    failure: Option<String>,
    failed: bool,
}

impl Session {
    #[allow(
        clippy::too_many_arguments,
        reason = "each is one thing that a conversation has"
    )]
    pub(super) fn begin(
        screen: Screen,
        prompt: Prompt,
        decisions: Decisions,
        requests: mpsc::UnboundedReceiver<Request>,
        loaded: Loaded,
        caller: Caller,
        asks: bool,
        runtime: &Runtime,
    ) -> anyhow::Result<Self> {
        let _in = runtime.enter();
        let policy = loaded
            .enforcer
            .as_ref()
            .map(|enforcer| enforcer.live().id().component);
        Ok(Self {
            screen,
            prompt,
            keyboard: Keyboard::default(),
            signals: Signals::listen()?,
            requests,
            decisions,
            loaded,
            caller,
            talk: Conversation::new(),
            asks,
            policy,
            failure: None,
            failed: false,
        })
    }

    /// Says who talks with whom, and everything that is less safe than it looks.
    pub(super) fn greet(&mut self, mode: ApprovalMode, problem: Option<&str>) {
        if mode == ApprovalMode::AutoApprove {
            self.aloud(&[
                "⚠ AUTO-APPROVE: calls that need a person's approval run without one.",
                "  Leave out `--approval-mode auto-approve` to be asked.",
            ]);
        }
        for notice in &self.loaded.notices {
            self.screen.say(Tone::Warn, notice);
        }
        if let Some(problem) = problem {
            self.screen.say(Tone::Warn, problem);
        }
        if !self.screen.is_terminal() {
            return;
        }
        let roles = self.caller.roles();
        let roles = if roles.is_empty() {
            "no role".to_owned()
        } else {
            format!("[{}]", roles.join(", "))
        };
        let agent = self.loaded.agent.name().to_owned();
        self.screen
            .say(Tone::Strong, &format!("{agent} · {}", self.loaded.model));
        let visible = self.loaded.agent.visible_tools(&self.caller);
        let tools: Vec<&str> = visible.iter().map(|tool| tool.name.as_str()).collect();
        let tools = if tools.is_empty() {
            "no tool that these roles could ever call".to_owned()
        } else {
            tools.join(", ")
        };
        self.screen.say(Tone::Dim, &tools);
        let approvals = match mode {
            ApprovalMode::Ask if self.asks => "you are asked",
            ApprovalMode::Ask => "denied: nobody can be asked here",
            ApprovalMode::AutoApprove => "AUTO-APPROVE",
            ApprovalMode::AutoDeny => "denied",
        };
        let line = format!(
            "{} {roles} · approvals: {approvals} · /help",
            self.caller.user_id()
        );
        self.screen.say(Tone::Dim, &line);
    }

    /// Talks until the user leaves. False: a turn of a pipe failed, or it was stopped.
    pub(super) fn talk(&mut self, runtime: &Runtime) -> anyhow::Result<bool> {
        loop {
            if self.screen.is_gone() {
                break;
            }
            self.signals.forget();
            let input = self.prompt.read(
                &self.keyboard,
                &mut self.screen,
                runtime.handle(),
                &mut self.signals,
            )?;
            let line = match input {
                Input::Line(line) => line,
                Input::Cleared => continue,
                Input::End => break,
                Input::Stopped => return Ok(false),
            };
            if line.trim().is_empty() {
                continue;
            }
            match commands::of(&line) {
                Some(Command::Exit) => break,
                Some(command) => self.command(&command),
                None => match self.turn(runtime, &line) {
                    Turn::Answered => {}
                    Turn::Failed => self.failed = true,
                    Turn::Stopped if self.prompt.is_person() => {}
                    // Nobody reads any more, and that is all that happened.
                    Turn::Ended if self.screen.is_gone() => break,
                    Turn::Stopped | Turn::Ended => return Ok(false),
                },
            }
        }
        // A person saw what failed; a program asks the exit code.
        Ok(self.prompt.is_person() || !self.failed)
    }

    fn turn(&mut self, runtime: &Runtime, line: &str) -> Turn {
        self.refresh();
        let mut stage = Stage {
            screen: &mut self.screen,
            keyboard: &self.keyboard,
            signals: &mut self.signals,
            requests: &mut self.requests,
            decisions: &self.decisions,
            asks: self.asks,
            is_person: self.prompt.is_person(),
        };
        let turn = stage.turn(&self.loaded.agent, &self.caller, &mut self.talk, line);
        runtime.block_on(turn)
    }

    /// Looks for another policy before the turn, and says what came of it. The turn looks again, at next to no cost.
    fn refresh(&mut self) {
        let Some(enforcer) = &self.loaded.enforcer else {
            return;
        };
        let _ = enforcer.begin_turn();
        let (policy, failure) = state(enforcer);
        if self.policy != Some(policy) {
            self.policy = Some(policy);
            self.screen.say(
                Tone::Good,
                "the policy was replaced: the new one decides from here on",
            );
        }
        if failure != self.failure {
            if let Some(failure) = &failure {
                let text = format!(
                    "the policy was edited and is refused; the former one still decides\n{failure}"
                );
                self.screen.say(Tone::Bad, &text);
            }
            self.failure = failure;
        }
    }

    fn command(&mut self, command: &Command) {
        match command {
            Command::Exit => {}
            Command::Clear => {
                self.talk.clear();
                self.screen.tell(Tone::Dim, "the conversation begins anew");
            }
            Command::Help => self.screen.plain(HELP),
            Command::Unknown(text) => self.screen.tell(Tone::Warn, text),
            Command::Why(before) => match self.decisions.last(*before) {
                Some(decision) => {
                    // It escapes what a terminal could act upon, and its lines are its own.
                    self.screen.plain(&decision.human());
                }
                None => self.screen.tell(Tone::Dim, "nothing was decided yet"),
            },
            Command::Policy => self.policy(),
        }
    }

    fn policy(&mut self) {
        self.refresh();
        let Some(enforcer) = &self.loaded.enforcer else {
            return self
                .screen
                .tell(Tone::Bad, "the agent has no policy: every call is denied");
        };
        let live = enforcer.live();
        match live.policy().describe() {
            Ok(description) => permits::show(
                &mut self.screen,
                &live.id().origin,
                &description,
                &self.caller,
            ),
            Err(error) => self.screen.tell(
                Tone::Bad,
                &format!("the policy cannot be described: {error}"),
            ),
        }
    }

    /// Says something that must not be overlooked.
    fn aloud(&mut self, lines: &[&str]) {
        let lines: Vec<(Option<Tone>, String)> = lines
            .iter()
            .map(|line| (Some(Tone::Bad), (*line).to_owned()))
            .collect();
        if let Some(((_, title), rest)) = lines.split_first() {
            self.screen.panel(Tone::Bad, title, rest);
        }
    }
}

/// The policy that decides, and why the last look for another one failed.
fn state(enforcer: &Enforcer) -> (Digest, Option<String>) {
    let live = enforcer.live();
    let failure = live.failure().map(|failure| sentence(&*failure));
    (live.id().component, failure)
}
