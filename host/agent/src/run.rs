//! A run: a model proposes calls, the policy decides them, tools run, until the model has an answer.

mod answer;
mod call;
mod calls;
mod counts;
mod decide;
mod facts;
mod guards;
mod hop;
mod parts;
mod result;
mod sink;
mod span;
mod talk;
mod work;

use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, OnceLock};

use hexgate_base::guarded::guarded_async;
use hexgate_enforce::{Caller, DecisionId};
use tokio::runtime::Handle;
use tokio::time::{Instant, timeout_at};

use crate::conversation::Conversation;
use crate::observe::{RunInfo, Work};
use crate::outcome::{Ended, RunOutcome};

pub(crate) use parts::{Entry, Parts, Target, Via};
pub(crate) use sink::Sink;

use counts::Counts;
use facts::Words;
use hop::Next;
use span::Span;
use talk::Talk;

/// What a run begins with.
pub(crate) struct Start<'a> {
    pub(crate) parts: &'a Arc<Parts>,
    pub(crate) caller: &'a Caller,
    pub(crate) input: Input,
    pub(crate) conversation: &'a mut Conversation,
    pub(crate) sink: &'a Sink,
    /// What is around it. None: it is the outermost run.
    pub(crate) around: Option<Around<'a>>,
}

/// What a run is asked.
pub(crate) enum Input {
    /// The user says this.
    User(String),
    /// A model above says this: it is not what the user said.
    Task(String),
    /// The conversation goes on with another agent.
    Handoff(String),
}

/// What is around a run.
pub(crate) struct Around<'a> {
    info: &'a RunInfo,
    /// The call that started it.
    call: Option<String>,
    counts: Arc<Counts>,
    words: Words,
    deadline: Instant,
    depth_limit: u32,
}

/// A run that goes on.
struct Run<'a> {
    parts: &'a Arc<Parts>,
    caller: &'a Caller,
    info: Arc<RunInfo>,
    sink: &'a Sink,
    counts: Arc<Counts>,
    words: Words,
    deadline: Instant,
    depth_limit: u32,
    /// The decision that let the run begin, if the policy was asked.
    admitted: OnceLock<DecisionId>,
}

/// Runs an agent to an end. Dropping the future cancels the run: tools that run are dropped, and the conversation is left usable.
pub(crate) fn run(start: Start<'_>) -> Pin<Box<dyn Future<Output = RunOutcome> + Send + '_>> {
    // A run can have others within it, so its future has to have a known size.
    Box::pin(go(start))
}

async fn go(start: Start<'_>) -> RunOutcome {
    let Start {
        parts,
        caller,
        input,
        conversation,
        sink,
        around,
    } = start;
    let info = Arc::new(parts.info(sink, caller, around.as_ref().map(|around| around.info)));
    let began = Instant::now();
    // A clock that cannot say when the time is over must not give a run without an end.
    let own = began.checked_add(parts.limits.time).unwrap_or(began);
    let (text, words) = match &input {
        Input::User(text) => (text, Words::of(conversation, text)),
        Input::Task(text) | Input::Handoff(text) => (text, Words::default()),
    };
    let run = Run {
        parts,
        caller,
        info: Arc::clone(&info),
        sink,
        counts: Counts::below(
            began,
            around.as_ref().map(|around| &around.counts),
            parts.limits.tokens,
        ),
        words: around.as_ref().map_or(words, |around| around.words.clone()),
        deadline: around
            .as_ref()
            .map_or(own, |around| own.min(around.deadline)),
        depth_limit: around
            .as_ref()
            .map_or(parts.limits.depth, |around| around.depth_limit),
        admitted: OnceLock::new(),
    };
    let parent = around.as_ref().and_then(|around| around.call.clone());
    let mut span = Span::begin(&run, text.clone(), parent);
    let mut reached = Reached::default();
    let ended = match Handle::try_current() {
        Err(_) => Ended::Failed {
            reason: "it needs a runtime of tokio; call it from one".to_owned(),
        },
        Ok(_) => {
            let going = async {
                let going = run.to_the_end(input, conversation, &mut reached);
                timeout_at(run.deadline, run.within(Work::Run, going)).await
            };
            match guarded_async(going).await {
                Ok(Ok(ended)) => ended,
                Ok(Err(_)) => Ended::Time {
                    limit: parts.limits.time,
                },
                Err(reason) => Ended::Failed { reason },
            }
        }
    };
    if let Ended::Failed { reason } = &ended {
        tracing::error!(run = %info.run_id, agent = %info.agent, %reason, "a run failed");
    }
    span.end(&ended, &reached.message);
    let totals = run.counts.totals();
    RunOutcome {
        run_id: info.run_id.clone(),
        agent: reached.by.unwrap_or_else(|| info.agent.clone()),
        message: reached.message,
        ended,
        usage: totals.usage(),
        tool_calls: totals.tool_calls,
        denials: totals.denials,
        conversation: None,
    }
}

/// What there is of an answer.
#[derive(Default)]
struct Reached {
    message: String,
    /// Another agent that answered.
    by: Option<String>,
}

impl Run<'_> {
    async fn to_the_end(
        &self,
        input: Input,
        conversation: &mut Conversation,
        reached: &mut Reached,
    ) -> Ended {
        if let Err(ended) = self.enter().await {
            return ended;
        }
        let mut talk = Talk::new(conversation);
        match input {
            Input::User(text) | Input::Task(text) => talk.user_says(text),
            Input::Handoff(_) => {}
        }
        let mut turn = 0;
        loop {
            if let Some(ended) = self.is_over(turn) {
                return ended;
            }
            turn += 1;
            let asking = self.ask(turn, &mut talk);
            let answer = match self.within(Work::Model { turn }, asking).await {
                Ok(answer) => answer,
                Err(error) => return Ended::Model(error),
            };
            reached.message = answer.text.clone();
            let stop = answer.stop;
            if !talk.answered(answer) {
                return stop_of(stop);
            }
            match self.calls(&mut talk).await {
                Next::Answer => {}
                Next::Handoff(handoff) => {
                    drop(talk);
                    return self.hand_off(handoff, conversation, reached).await;
                }
            }
        }
    }

    fn is_outermost(&self) -> bool {
        self.info.depth == 0
    }

    /// Whether the run may begin.
    async fn enter(&self) -> Result<(), Ended> {
        let Some(enforcer) = &self.parts.enforcer else {
            // Every call will be denied, and the model may still say something.
            return Ok(());
        };
        let looking = enforcer.clone();
        // Looks at the file system. What became of it the enforcer records and traces; the last accepted policy decides.
        if let Err(error) = tokio::task::spawn_blocking(move || looking.begin_turn()).await {
            return Err(Ended::Failed {
                reason: format!("looking for another policy failed: {error}"),
            });
        }
        let admitted = enforcer
            .admit(self.caller, |call| self.with_facts(call, ADMISSION))
            .await;
        match admitted {
            Ok(permit) => {
                if let Some(permit) = permit {
                    self.told(None, permit.decision());
                    // How the run ends is recorded with it.
                    let _ = self.admitted.set(permit.decision().id());
                }
                Ok(())
            }
            Err(decision) => {
                self.told(None, &decision);
                Err(self.not_admitted(&decision))
            }
        }
    }

    /// Why there must not be another answer.
    fn is_over(&self, turn: u32) -> Option<Ended> {
        let limits = &self.parts.limits;
        if turn >= limits.turns {
            let limit = limits.turns;
            return Some(Ended::Turns { limit });
        }
        // A run below may have come to its end at that very time.
        if Instant::now() >= self.deadline {
            let limit = limits.time;
            return Some(Ended::Time { limit });
        }
        if let Some(limit) = self.counts.spent() {
            return Some(Ended::Tokens { limit });
        }
        // The calls would be denied; what the model is asked costs, too.
        let enforcer = self.parts.enforcer.as_ref()?;
        let stop = enforcer
            .kill_switch()
            .stops(enforcer.agent(), Some(self.caller.user_id()))?;
        Some(Ended::Stopped {
            reason: stop.to_string(),
        })
    }
}

/// The closed name that is decided when a run begins.
const ADMISSION: &str = "agent.run";

fn stop_of(stop: crate::model::Stop) -> Ended {
    match stop {
        crate::model::Stop::Length => Ended::Cut,
        crate::model::Stop::Filtered => Ended::Filtered,
        _ => Ended::Finished,
    }
}
