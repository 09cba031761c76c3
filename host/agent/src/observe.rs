//! Who is told of what a run does.

use hexgate_enforce::Caller;

use crate::event::Event;
use crate::model::{ModelError, ModelId, ModelRequest, Stop, Usage};

/// Is told of what a run does, for spans, metrics, or a page. It cannot change anything: it returns nothing, and a panic in it is caught.
///
/// The observers of the outermost agent are told of the runs of its sub-agents, too. They are told of the end of a run also if it was
/// cancelled, which a stream of events cannot say to those who dropped it. What they are told has what users and tools said in it.
pub trait RunObserver: Send + Sync {
    /// Something happened. Events of one run come in their order.
    fn event(&self, run: &RunInfo, event: &Event);

    /// A model is asked. The number counts the answers of this run, from 1 on.
    fn model_asked(&self, run: &RunInfo, turn: u32, request: &ModelRequest) {
        let _ = (run, turn, request);
    }

    /// A model answered, or did not.
    fn model_answered(&self, run: &RunInfo, turn: u32, answer: Result<&ModelAnswer, &ModelError>) {
        let _ = (run, turn, answer);
    }

    /// A call ended, and the model will read this.
    fn tool_answered(&self, run: &RunInfo, tool_id: &str, content: &str) {
        let _ = (run, tool_id, content);
    }

    /// The context in which a piece of a run goes on, asked for when it begins: spans that others make meanwhile lie in it. Default: none.
    #[cfg(feature = "opentelemetry")]
    fn context(&self, run: &RunInfo, work: Work<'_>) -> Option<opentelemetry::Context> {
        let _ = (run, work);
        None
    }
}

/// A piece of a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Work<'a> {
    /// All of it.
    Run,
    /// A model is asked.
    Model {
        /// The number of its answer in this run, from 1 on.
        turn: u32,
    },
    /// A permitted call runs.
    Tool {
        /// The call, as its events name it.
        tool_id: &'a str,
    },
}

/// A run.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct RunInfo {
    /// Its name: a UUID.
    pub run_id: String,
    /// The outermost run.
    pub root_run_id: String,
    /// The run that started this one.
    pub parent_run_id: Option<String>,
    /// How many runs are around this one.
    pub depth: u32,
    /// The agent.
    pub agent: String,
    /// Its model.
    pub model: ModelId,
    /// On whose behalf it acts.
    pub caller: Caller,
}

/// What a model answered.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct ModelAnswer {
    /// The text.
    pub text: String,
    /// What it thought, as far as the provider tells.
    pub reasoning: String,
    /// The calls that it proposes.
    pub calls: Vec<crate::message::ProposedCall>,
    /// Why it ended.
    pub stop: Stop,
    /// What it took.
    pub usage: Usage,
}
