//! `script:FILE`: a model that plays a file of turns, for demos, tests and replay without a key.
//!
//! ```yaml
//! turns:
//!   - text: I look it up.
//!     calls:
//!       - tool: read_file
//!         arguments: {file_path: notes.txt}
//!   - expect: {tool: "milk"}
//!     text: You need milk.
//! ```
//!
//! Each request plays the next turn, in whatever conversation it is made. The file is YAML or JSON:
//!
//! | member of a turn | what it is |
//! |---|---|
//! | `text` | the text for the user |
//! | `reasoning` | the thoughts that come before it |
//! | `calls` | the calls after it: `tool`, `arguments` (an object, or a text that is passed on as it is) and `id`, all but `tool` optional |
//! | `usage` | `input_tokens` and `output_tokens` |
//! | `stop` | why it ends: `finished`, `calls`, `length`, `filtered`, `other` |
//! | `expect` | `user`: what the last message of the user has to contain; `tool`: what the last result of a tool has to contain |
//! | `fail` | `break_off`: the answer breaks off after what the turn says; `garbage`: something follows that is no answer |
//! | `error` | instead of an answer, the HTTP status that a provider refuses with; `retry_after` is the wait in seconds that it asks for |

mod file;

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use async_trait::async_trait;

use self::file::{Fail, Turn};
use super::{
    Delta, Model, ModelError, ModelErrorKind, ModelId, ModelRequest, ModelStream, Stop, Usage,
};
use crate::message::{Message, ProposedCall};

/// A model that plays turns in their order, one for each request.
pub struct ScriptModel {
    id: ModelId,
    turns: Arc<[Turn]>,
    next: AtomicUsize,
}

impl ScriptModel {
    /// Reads a file of turns.
    ///
    /// # Errors
    ///
    /// The file cannot be read, is too large, or is no script; the message names the place.
    pub fn open(file: &Path) -> Result<Self, ModelError> {
        let shown = file.display();
        let text =
            file::read(file).map_err(|why| configuration(format!("the script {shown} {why}")))?;
        let name = file
            .file_name()
            .map_or_else(|| PathBuf::from(file), PathBuf::from);
        Self::parse(&name.to_string_lossy(), &text)
    }

    /// Reads turns. The name is for records and messages.
    ///
    /// # Errors
    ///
    /// The text is no script; the message names the place.
    pub fn parse(name: &str, text: &str) -> Result<Self, ModelError> {
        let turns = file::parse(text)
            .map_err(|why| configuration(format!("the script {name} cannot be read: {why}")))?;
        Ok(Self {
            id: ModelId {
                provider: "script".to_owned(),
                name: name.to_owned(),
            },
            turns: turns.into(),
            next: AtomicUsize::new(0),
        })
    }

    /// The same script from its first turn on.
    #[must_use]
    pub fn rewound(&self) -> Self {
        Self {
            id: self.id.clone(),
            turns: Arc::clone(&self.turns),
            next: AtomicUsize::new(0),
        }
    }

    /// How many turns have not been played.
    #[must_use]
    pub fn left(&self) -> usize {
        self.turns
            .len()
            .saturating_sub(self.next.load(Ordering::Relaxed))
    }

    fn answer(
        &self,
        at: usize,
        turn: &Turn,
        request: &ModelRequest,
    ) -> Result<Vec<Item>, ModelError> {
        let place = || {
            format!(
                "turn {} (line {}) of the script {}",
                at + 1,
                turn.line,
                self.id.name
            )
        };
        self.check(turn, request, &place)?;
        if let Some(status) = turn.error {
            return Err(ModelError {
                kind: kind_of(status),
                message: format!("{} fails with status {status}", place()),
                retry_after: turn.retry_after.map(Duration::from_secs),
            });
        }
        let mut items = Vec::new();
        if !turn.reasoning.is_empty() {
            items.push(Ok(Delta::Reasoning(turn.reasoning.clone())));
        }
        if !turn.text.is_empty() {
            items.push(Ok(Delta::Text(turn.text.clone())));
        }
        for (nth, call) in turn.calls.iter().enumerate() {
            items.push(Ok(Delta::Call(ProposedCall {
                id: call
                    .id
                    .clone()
                    .unwrap_or_else(|| format!("call_{}_{}", at + 1, nth + 1)),
                tool: call.tool.clone(),
                arguments: call.arguments.clone(),
                signatures: Vec::new(),
            })));
        }
        match turn.fail {
            Some(Fail::BreakOff) => {}
            Some(Fail::Garbage) => items.push(Err(ModelError::new(
                ModelErrorKind::Garbage,
                format!("{} goes on with something that is no answer", place()),
            ))),
            None => items.push(Ok(Delta::End {
                stop: turn.stop.unwrap_or(match turn.calls.is_empty() {
                    true => Stop::Finished,
                    false => Stop::Calls,
                }),
                usage: Usage {
                    input_tokens: turn.usage.input_tokens,
                    output_tokens: turn.usage.output_tokens,
                },
            })),
        }
        Ok(items)
    }

    fn check(
        &self,
        turn: &Turn,
        request: &ModelRequest,
        place: &dyn Fn() -> String,
    ) -> Result<(), ModelError> {
        let said = |of_tool: bool| {
            request
                .messages
                .iter()
                .rev()
                .find_map(|message| match message {
                    Message::Tool { content, .. } if of_tool => Some(content.as_str()),
                    Message::User { text } if !of_tool => Some(text.as_str()),
                    _ => None,
                })
        };
        for (what, expected, said) in [
            ("message of the user", &turn.expect.user, said(false)),
            ("result of a tool", &turn.expect.tool, said(true)),
        ] {
            let Some(expected) = expected else { continue };
            let why = match said {
                Some(said) if said.contains(expected.as_str()) => continue,
                Some(said) => format!("the last {what} is {:?}", start(said)),
                None => format!("there is no {what}"),
            };
            return Err(ModelError::new(
                ModelErrorKind::Refused,
                format!("{} expects {expected:?}, but {why}", place()),
            ));
        }
        Ok(())
    }
}

type Item = Result<Delta, ModelError>;

#[async_trait]
impl Model for ScriptModel {
    fn id(&self) -> &ModelId {
        &self.id
    }

    async fn respond(&self, request: ModelRequest) -> Result<ModelStream, ModelError> {
        let at = self
            .next
            .try_update(Ordering::Relaxed, Ordering::Relaxed, |at| {
                (at < self.turns.len()).then_some(at + 1)
            });
        let turn = at.ok().and_then(|at| Some((at, self.turns.get(at)?)));
        let Some((at, turn)) = turn else {
            return Err(ModelError::new(
                ModelErrorKind::Refused,
                format!(
                    "the script {} has no turn left: all {} have been played; write another one",
                    self.id.name,
                    self.turns.len()
                ),
            ));
        };
        let items = self.answer(at, turn, &request)?;
        Ok(Box::pin(futures_util::stream::iter(items)))
    }
}

impl fmt::Debug for ScriptModel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ScriptModel")
            .field("id", &self.id)
            .field("left", &self.left())
            .finish_non_exhaustive()
    }
}

fn kind_of(status: u16) -> ModelErrorKind {
    match status {
        401 | 403 => ModelErrorKind::Unauthorized,
        429 => ModelErrorKind::RateLimited,
        408 | 500.. => ModelErrorKind::Unavailable,
        _ => ModelErrorKind::Refused,
    }
}

fn configuration(message: String) -> ModelError {
    ModelError::new(ModelErrorKind::Configuration, message)
}

fn start(text: &str) -> String {
    let mut start: String = text.chars().take(200).collect();
    if start.len() < text.len() {
        start.push('…');
    }
    start
}
