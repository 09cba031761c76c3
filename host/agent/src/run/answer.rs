//! One answer of the model.

use std::collections::BTreeSet;

use futures_util::StreamExt;
use hexgate_base::guarded::guarded_async;

use super::{Run, Talk};
use crate::conversation::MAX_ID_BYTES;
use crate::event::{BlockType, EventKind};
use crate::message::ProposedCall;
use crate::model::{Delta, ModelError, ModelErrorKind, ModelRequest, Stop, Usage};
use crate::observe::ModelAnswer;

/// A complete answer.
pub(super) struct Answer {
    pub(super) text: String,
    pub(super) reasoning: String,
    pub(super) calls: Vec<Proposal>,
    pub(super) stop: Stop,
}

/// A call that the model proposes.
#[derive(Clone)]
pub(super) struct Proposal {
    pub(super) call: ProposedCall,
    /// Another call of the answer had its name already.
    pub(super) is_repeated: bool,
}

impl Run<'_> {
    /// Asks the model for its next answer.
    pub(super) async fn ask(&self, turn: u32, talk: &mut Talk<'_>) -> Result<Answer, ModelError> {
        let request = ModelRequest {
            system: self.parts.system.clone(),
            messages: talk.messages(),
            tools: self.parts.visible(self.caller),
        };
        self.counts.asked();
        self.sink
            .tell(|observer| observer.model_asked(&self.info, turn, &request));
        let mut asked = Asked {
            run: self,
            turn,
            is_told: false,
        };
        let answer = guarded_async(self.read(request, talk)).await;
        let answer = answer.unwrap_or_else(|panic| {
            tracing::error!(run = %self.info.run_id, %panic, "a model panicked");
            Err(error(ModelErrorKind::Garbage, "the model panicked"))
        });
        if let Ok(answer) = &answer {
            self.counts.took(answer.usage);
        }
        asked.tell(answer.as_ref());
        let answer = answer?;
        Ok(Answer {
            calls: proposals(answer.calls),
            text: answer.text,
            reasoning: answer.reasoning,
            stop: answer.stop,
        })
    }

    async fn read(
        &self,
        request: ModelRequest,
        talk: &mut Talk<'_>,
    ) -> Result<ModelAnswer, ModelError> {
        let limits = &self.parts.limits;
        let mut stream = self.parts.model.respond(request).await?;
        let mut blocks = Blocks {
            run: self,
            open: None,
        };
        let mut answer = ModelAnswer {
            text: String::new(),
            reasoning: String::new(),
            calls: Vec::new(),
            stop: Stop::Other,
            usage: Usage::default(),
        };
        let mut bytes = 0_usize;
        while let Some(delta) = stream.next().await {
            let delta = delta?;
            bytes = bytes.saturating_add(length(&delta));
            if bytes > limits.answer_bytes {
                let most = limits.answer_bytes;
                return Err(garbage(format!("its answer is longer than {most} bytes")));
            }
            match delta {
                Delta::Text(text) => {
                    talk.says(&text);
                    answer.text.push_str(&text);
                    blocks.more(BlockType::Text, text);
                }
                Delta::Reasoning(text) => {
                    answer.reasoning.push_str(&text);
                    blocks.more(BlockType::Reasoning, text);
                }
                Delta::Call(call) => {
                    if answer.calls.len() >= limits.calls_per_turn {
                        let most = limits.calls_per_turn;
                        return Err(garbage(format!(
                            "it proposes more than {most} calls at once"
                        )));
                    }
                    answer.calls.push(call);
                }
                Delta::End { stop, usage } => {
                    (answer.stop, answer.usage) = (stop, usage);
                    return Ok(answer);
                }
            }
        }
        Err(error(
            ModelErrorKind::Interrupted,
            "the model's answer broke off; try again",
        ))
    }
}

/// A model that was asked. That it did not answer is told also if it is dropped.
struct Asked<'a> {
    run: &'a Run<'a>,
    turn: u32,
    is_told: bool,
}

impl Asked<'_> {
    fn tell(&mut self, answer: Result<&ModelAnswer, &ModelError>) {
        self.is_told = true;
        let (run, turn) = (self.run, self.turn);
        run.sink
            .tell(|observer| observer.model_answered(&run.info, turn, answer));
    }
}

impl Drop for Asked<'_> {
    fn drop(&mut self) {
        if !self.is_told {
            let cancelled = error(ModelErrorKind::Interrupted, "the run was cancelled");
            self.tell(Err(&cancelled));
        }
    }
}

/// The blocks of an answer, one open at a time. An open one is closed also if it is dropped.
struct Blocks<'a> {
    run: &'a Run<'a>,
    open: Option<(String, BlockType)>,
}

impl Blocks<'_> {
    fn more(&mut self, block_type: BlockType, text: String) {
        if text.is_empty() || !self.run.sink.is_heard() {
            return;
        }
        if self
            .open
            .as_ref()
            .is_some_and(|(_, open)| *open != block_type)
        {
            self.close();
        }
        let (sink, info) = (self.run.sink, &self.run.info);
        let (block_id, _) = self.open.get_or_insert_with(|| {
            let block_id = sink.next_block();
            let id = block_id.clone();
            sink.emit(
                info,
                EventKind::BlockStart {
                    block_id,
                    block_type,
                },
            );
            (id, block_type)
        });
        let block_id = block_id.clone();
        let kind = EventKind::BlockDelta {
            block_id,
            block_type,
            text,
        };
        sink.emit(info, kind);
    }

    fn close(&mut self) {
        if let Some((block_id, block_type)) = self.open.take() {
            let kind = EventKind::BlockEnd {
                block_id,
                block_type,
            };
            self.run.sink.emit(&self.run.info, kind);
        }
    }
}

impl Drop for Blocks<'_> {
    fn drop(&mut self) {
        self.close();
    }
}

/// Gives each call of an answer a name of its own.
fn proposals(calls: Vec<ProposedCall>) -> Vec<Proposal> {
    let mut names = BTreeSet::new();
    let mut proposals = Vec::with_capacity(calls.len());
    for (index, mut call) in calls.into_iter().enumerate() {
        let is_usable = !call.id.is_empty() && call.id.len() <= MAX_ID_BYTES;
        let is_repeated = is_usable && names.contains(&call.id);
        if !is_usable || is_repeated {
            let mut name = format!("call_{index}");
            while names.contains(&name) {
                name.push('_');
            }
            call.id = name;
        }
        names.insert(call.id.clone());
        // Some models write nothing where a tool has no arguments.
        if call.arguments.trim().is_empty() {
            call.arguments = "{}".to_owned();
        }
        proposals.push(Proposal { call, is_repeated });
    }
    proposals
}

fn length(delta: &Delta) -> usize {
    match delta {
        Delta::Text(text) | Delta::Reasoning(text) => text.len(),
        Delta::Call(call) => {
            let texts = [&call.id, &call.tool, &call.arguments];
            let texts = texts.into_iter().chain(&call.signatures);
            texts.map(String::len).fold(0, usize::saturating_add)
        }
        Delta::End { .. } => 0,
    }
}

fn garbage(what: String) -> ModelError {
    error(
        ModelErrorKind::Garbage,
        &format!("the model answers what is no answer: {what}"),
    )
}

fn error(kind: ModelErrorKind, message: &str) -> ModelError {
    ModelError {
        kind,
        message: message.to_owned(),
        retry_after: None,
    }
}
