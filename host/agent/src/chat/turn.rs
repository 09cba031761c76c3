//! One turn: the user says something, events come, a person may be asked, Ctrl-C stops it.

use std::collections::VecDeque;

use futures_util::StreamExt;
use tokio::sync::mpsc;

use super::approvals::{Reply, Request};
use super::decisions::Decisions;
use super::keyboard::{Keyboard, Line, Quiet};
use super::screen::{Screen, Tone};
use super::signals::{Signals, Told};
use super::view::View;
use crate::agent::Agent;
use crate::conversation::Conversation;
use crate::event::Event;
use hexgate_enforce::Caller;

/// How many events are kept while a question is open. More wait in the run.
const WAITING: usize = 10_000;

/// How a turn ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Turn {
    /// The run ended with an answer.
    Answered,
    /// The run ended without one, which was said.
    Failed,
    /// The user stopped it.
    Stopped,
    /// The program is to end.
    Ended,
}

/// What a turn works with.
pub(super) struct Stage<'s> {
    pub(super) screen: &'s mut Screen,
    pub(super) keyboard: &'s Keyboard,
    pub(super) signals: &'s mut Signals,
    pub(super) requests: &'s mut mpsc::UnboundedReceiver<Request>,
    pub(super) decisions: &'s Decisions,
    /// Whether a person sits at the terminal and is asked.
    pub(super) asks: bool,
    /// Whether the keyboard is a terminal's.
    pub(super) is_person: bool,
}

impl Stage<'_> {
    /// Runs one turn. Whatever ends it, the conversation can go on.
    pub(super) async fn turn(
        &mut self,
        agent: &Agent,
        caller: &Caller,
        talk: &mut Conversation,
        input: &str,
    ) -> Turn {
        let mut view = View::new(self.asks);
        let quiet = self.is_person.then(Quiet::begin);
        let mut events = agent.stream_in(talk, caller, input);
        let mut waiting: VecDeque<Event> = VecDeque::new();
        let turn = loop {
            // Events come first: the one that announces a question stands before it.
            tokio::select! {
                biased;
                told = self.signals.told() => break told.into(),
                event = events.next() => match event {
                    Some(event) => view.show(self.screen, self.decisions, &event),
                    None if view.has_failed() => break Turn::Failed,
                    None => break Turn::Answered,
                },
                Some(request) = self.requests.recv() => {
                    let asking = Asking { stage: self, view: &mut view, quiet: quiet.as_ref() };
                    let ended = asking.ask(request, &mut events, &mut waiting).await;
                    for event in waiting.drain(..) {
                        view.show(self.screen, self.decisions, &event);
                    }
                    if let Some(told) = ended {
                        break told.into();
                    }
                }
            }
            if self.screen.is_gone() {
                break Turn::Ended;
            }
        };
        // Cancels the run, if it goes on.
        drop(events);
        drop(quiet);
        while self.requests.try_recv().is_ok() {}
        match turn {
            Turn::Stopped | Turn::Ended => view.stop(self.screen),
            Turn::Answered | Turn::Failed => self.screen.fresh_line(),
        }
        turn
    }
}

impl From<Told> for Turn {
    fn from(told: Told) -> Self {
        match told {
            Told::Interrupt => Self::Stopped,
            Told::Terminate => Self::Ended,
        }
    }
}

/// A question that is open.
struct Asking<'a, 's> {
    stage: &'a mut Stage<'s>,
    view: &'a mut View,
    quiet: Option<&'a Quiet>,
}

impl Asking<'_, '_> {
    /// Shows the card and waits for the answer. The run goes on meanwhile; its events wait. Some: the turn is to end.
    async fn ask(
        self,
        request: Request,
        events: &mut (impl StreamExt<Item = Event> + Unpin),
        waiting: &mut VecDeque<Event>,
    ) -> Option<Told> {
        let Request { card, mut answer } = request;
        let preview = self.view.preview(&card.decision);
        let title = format!("⏸ needs_approval · {}", card.tool);
        let screen = &mut *self.stage.screen;
        screen.panel(Tone::Warn, &title, &card.lines(preview.as_deref()));
        let _loud = self.quiet.map(Quiet::pause);
        // What was typed before the card was there does not answer it.
        self.stage.keyboard.forget();
        let mut approved = false;
        let question = screen.paint(Tone::Warn, "Approve? [y/N] ");
        screen.write(&question);
        let typed = self.stage.keyboard.line();
        tokio::pin!(typed);
        loop {
            let line = tokio::select! {
                biased;
                told = self.stage.signals.told() => {
                    screen.write("\n");
                    return Some(told);
                }
                () = answer.closed() => {
                    screen.write("\n");
                    screen.say(Tone::Warn, "the question is over: nobody answered in time");
                    return None;
                }
                line = &mut typed => line,
                Some(event) = events.next(), if waiting.len() < WAITING => {
                    waiting.push_back(event);
                    continue;
                }
            };
            let Line::Text(line) = line else {
                screen.write("\n");
                let _ = answer.send(Reply::No("nobody answered".to_owned()));
                return None;
            };
            screen.line_was_typed();
            let line = line.trim();
            if approved {
                if line.is_empty() {
                    let _ = answer.send(Reply::No("no reason was given".to_owned()));
                } else {
                    let _ = answer.send(Reply::Yes(Some(line.to_owned())));
                }
                return None;
            }
            match line.to_ascii_lowercase().as_str() {
                "y" | "yes" if card.needs_reason() => {
                    approved = true;
                    let question = screen.paint(Tone::Warn, "Reason: ");
                    screen.write(&question);
                    typed.set(self.stage.keyboard.line());
                }
                "y" | "yes" => {
                    let _ = answer.send(Reply::Yes(None));
                    return None;
                }
                _ => {
                    let _ = answer.send(Reply::No("the approval was refused".to_owned()));
                    return None;
                }
            }
        }
    }
}
