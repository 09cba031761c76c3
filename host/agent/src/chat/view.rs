//! The events of a turn, as a person sees them.

use std::collections::{BTreeMap, BTreeSet};

use hexgate_enforce::Effect;

use super::decisions::Decisions;
use super::markdown::Markdown;
use super::screen::{Screen, Tone};
use super::text::shown;
use crate::event::{ApprovalResolution, BlockType, DecisionOutcome, Event, EventKind};
use crate::message::CallState;

/// The longest line about a call, in characters.
const SHORT: usize = 200;

/// Shows the events of one turn.
#[derive(Debug)]
pub(super) struct View {
    /// Whether a person is asked for approval.
    asks: bool,
    /// The block that is being written.
    block: Option<Block>,
    /// Calls whose end was told by a panel.
    told: BTreeSet<String>,
    /// What calls would change, by the id of their decision.
    previews: BTreeMap<String, String>,
    /// Whether the turn failed.
    failed: bool,
}

/// A block of the answer, or of what the model thinks.
#[derive(Debug)]
struct Block {
    id: String,
    kind: BlockType,
    text: Markdown,
}

impl Block {
    /// Thoughts are pale: nobody takes them for the answer.
    fn write(&self, screen: &mut Screen, text: &str) {
        match self.kind {
            BlockType::Reasoning => screen.write_in(Tone::Dim, text),
            _ => screen.write(text),
        }
    }
}

impl View {
    pub(super) fn new(asks: bool) -> Self {
        Self {
            asks,
            block: None,
            told: BTreeSet::new(),
            previews: BTreeMap::new(),
            failed: false,
        }
    }

    /// Whether the turn failed.
    pub(super) fn has_failed(&self) -> bool {
        self.failed
    }

    /// What a call would change, if its tool can say, by the decision that needs approval.
    pub(super) fn preview(&mut self, decision: &str) -> Option<String> {
        self.previews.remove(decision)
    }

    /// Ends what is begun: the turn was stopped.
    pub(super) fn stop(&mut self, screen: &mut Screen) {
        self.end_block(screen);
        screen.say(Tone::Warn, "⏹ stopped");
    }

    pub(super) fn show(&mut self, screen: &mut Screen, decisions: &Decisions, event: &Event) {
        match &event.kind {
            EventKind::BlockDelta {
                block_id,
                block_type,
                text,
            } => self.text(screen, block_id, *block_type, text),
            EventKind::BlockEnd { .. } => self.end_block(screen),
            other => self.beside(screen, decisions, event.depth, other),
        }
    }

    fn text(&mut self, screen: &mut Screen, id: &str, kind: BlockType, text: &str) {
        if kind == BlockType::ToolCall {
            return;
        }
        if !screen.is_terminal() {
            // A pipe gets the text and nothing of what the model thinks.
            if kind == BlockType::Text {
                screen.write(&shown(text));
            }
            return;
        }
        if self.block.as_ref().is_none_or(|open| open.id != id) {
            self.end_block(screen);
            screen.fresh_line();
            if kind == BlockType::Reasoning {
                screen.say(Tone::Dim, "thinking:");
            }
            let styled = screen.has_colour() && kind == BlockType::Text;
            self.block = Some(Block {
                id: id.to_owned(),
                kind,
                text: Markdown::new(styled, screen.width()),
            });
        }
        if let Some(block) = &mut self.block {
            block.text.resize(screen.width());
            let text = block.text.push(text);
            block.write(screen, &text);
        }
    }

    fn end_block(&mut self, screen: &mut Screen) {
        if let Some(mut block) = self.block.take() {
            let text = block.text.end();
            block.write(screen, &text);
        }
        screen.fresh_line();
    }

    fn beside(&mut self, screen: &mut Screen, decisions: &Decisions, depth: u32, kind: &EventKind) {
        let indent = "  ".repeat(usize::try_from(depth).unwrap_or_default().min(8));
        match kind {
            EventKind::AgentStart {
                query, agent_name, ..
            } => screen.say(
                Tone::Dim,
                &format!("{indent}→ {agent_name}: {}", short(query)),
            ),
            EventKind::AgentEnd { agent_name, .. } => {
                screen.say(Tone::Dim, &format!("{indent}← {agent_name}"));
            }
            EventKind::ToolStart {
                tool_name,
                arguments,
                malformed_arguments,
                ..
            } => {
                self.end_block(screen);
                let arguments = match malformed_arguments {
                    Some(text) => text.clone(),
                    None => serde_json::Value::Object(arguments.clone()).to_string(),
                };
                let line = format!("{indent}● {tool_name} {}", short(&arguments));
                screen.say(Tone::Dim, &line);
            }
            EventKind::Decision {
                tool_id,
                tool_name,
                decision_id,
                outcome,
                message,
                ..
            } => {
                let decision = decisions.find(decision_id);
                let reason = decision
                    .as_ref()
                    .map(|decision| decision.reason().to_owned())
                    .filter(|reason| !reason.is_empty())
                    .or_else(|| message.clone())
                    .unwrap_or_default();
                match outcome {
                    DecisionOutcome::Deny => {
                        let mut lines = vec![(None, reason)];
                        if let Some(said) = decision.as_ref().and_then(|one| one.message()) {
                            lines.push((Some(Tone::Strong), said.to_owned()));
                        }
                        lines.push((Some(Tone::Dim), "/why tells more".to_owned()));
                        screen.panel(Tone::Bad, &format!("⛔ deny · {tool_name}"), &lines);
                        self.told.extend(tool_id.clone());
                    }
                    // The card follows, with the whole operation.
                    DecisionOutcome::NeedsApproval if self.asks => {}
                    DecisionOutcome::NeedsApproval => {
                        let lines = [(None, reason)];
                        screen.panel(
                            Tone::Warn,
                            &format!("⏸ needs_approval · {tool_name}"),
                            &lines,
                        );
                        self.told.extend(tool_id.clone());
                    }
                    DecisionOutcome::Allow => {
                        let by = decision
                            .filter(|decision| decision.outcome() == Effect::Allow)
                            .and_then(|decision| decision.approved_by().map(str::to_owned));
                        if let Some(by) = by {
                            screen.say(
                                Tone::Good,
                                &format!("{indent}✓ approved · {tool_name} · {by}"),
                            );
                        }
                    }
                }
            }
            EventKind::ApprovalRequested {
                decision_id,
                preview: Some(preview),
                ..
            } => {
                self.previews.insert(decision_id.clone(), preview.clone());
            }
            EventKind::ApprovalResolved {
                tool_id,
                tool_name,
                decision_id,
                approved,
                resolution,
                by,
                reason,
                ..
            } => {
                if *approved {
                    let by = by.as_deref().unwrap_or("somebody");
                    let why = reason.as_deref().map(|why| format!(": {why}"));
                    let why = why.unwrap_or_default();
                    let line = format!("{indent}✓ approved · {tool_name} · {by}{why}");
                    return screen.say(Tone::Good, &line);
                }
                let reason = decisions
                    .after(decision_id)
                    .map(|decision| decision.reason().to_owned())
                    .filter(|reason| !reason.is_empty())
                    .unwrap_or_else(|| resolved(*resolution));
                let line = format!("{indent}✗ not approved · {tool_name} · {reason}");
                screen.say(Tone::Bad, &line);
                self.told.insert(tool_id.clone());
            }
            EventKind::ToolUpdate {
                tool_name, text, ..
            } => screen.say(
                Tone::Dim,
                &format!("{indent}… {tool_name}: {}", short(text)),
            ),
            EventKind::ToolEnd {
                tool_id,
                tool_name,
                outcome,
                output_summary,
                ..
            } => {
                let summary = output_summary.as_deref().map(short).unwrap_or_default();
                let (tone, mark) = match outcome {
                    CallState::Completed => (Tone::Dim, "✓"),
                    CallState::Denied if self.told.contains(tool_id) => return,
                    CallState::Denied => (Tone::Bad, "⛔"),
                    CallState::Cancelled => (Tone::Warn, "⏹"),
                    CallState::Failed => (Tone::Bad, "✗"),
                };
                let line = format!("{indent}{mark} {tool_name} · {summary}");
                screen.say(tone, line.trim_end_matches(" · "));
            }
            EventKind::Error { message, .. } => {
                self.end_block(screen);
                self.failed = true;
                screen.say(Tone::Bad, &format!("✗ {message}"));
            }
            EventKind::RunEnd { .. } => self.end_block(screen),
            _ => {}
        }
    }
}

fn resolved(resolution: ApprovalResolution) -> String {
    match serde_json::to_value(resolution) {
        Ok(serde_json::Value::String(name)) => name,
        _ => String::new(),
    }
}

/// One line, shortened.
fn short(text: &str) -> String {
    let line = text.replace(['\n', '\r', '\t'], " ");
    let mut short: String = line.chars().take(SHORT).collect();
    if short.len() < line.len() {
        short.push('…');
    }
    short
}
