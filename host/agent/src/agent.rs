//! Agents: a model, tools, and the policy that decides what it may do with them.

mod builder;
mod events;

pub use builder::AgentBuilder;
pub use events::Events;

use std::fmt;
use std::sync::Arc;

use hexgate_enforce::{Caller, Enforcer};

use crate::conversation::Conversation;
use crate::limits::Limits;
use crate::model::ModelId;
use crate::outcome::{RunError, RunOutcome};
use crate::run::{Input, Parts, Sink, Start, run};
use crate::tool::ToolSpec;

/// An agent. Cloning is cheap and gives the same one; it serves any number of users at once.
///
/// Its runs need a runtime of tokio with time. Dropping the future or the stream of a run cancels it: requests and tools that go on are
/// dropped with it.
#[derive(Clone)]
pub struct Agent {
    parts: Arc<Parts>,
    notices: Arc<[String]>,
}

impl Agent {
    /// Options for an agent of this name.
    pub fn builder(name: impl Into<String>) -> AgentBuilder {
        AgentBuilder::new(name.into())
    }

    /// The name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.parts.name
    }

    /// The model.
    #[must_use]
    pub fn model(&self) -> &ModelId {
        self.parts.model.id()
    }

    /// The limits of its runs.
    #[must_use]
    pub fn limits(&self) -> &Limits {
        &self.parts.limits
    }

    /// What decides its calls. None: every call is denied.
    #[must_use]
    pub fn enforcer(&self) -> Option<&Enforcer> {
        self.parts.enforcer.as_ref()
    }

    /// All that it has, in the order in which it was given: tools, sub-agents, handoffs.
    pub fn tools(&self) -> impl Iterator<Item = &Arc<ToolSpec>> {
        self.parts.entries.iter().map(|entry| &entry.spec)
    }

    /// What its model is shown on behalf of a caller: what the policy could ever let it call, with some arguments and perhaps after approval.
    #[must_use]
    pub fn visible_tools(&self, caller: &Caller) -> Vec<Arc<ToolSpec>> {
        self.parts.visible(caller)
    }

    /// What the operator should know, such as that the agent has no policy.
    #[must_use]
    pub fn notices(&self) -> &[String] {
        &self.notices
    }

    /// Runs the agent on behalf of a caller, in a conversation of its own.
    ///
    /// # Errors
    ///
    /// There is no answer: a limit was reached, the model failed, the run was not let begin. What there is of it is in the error.
    pub async fn invoke(
        &self,
        caller: &Caller,
        input: impl Into<String>,
    ) -> Result<RunOutcome, RunError> {
        let mut conversation = Conversation::new();
        let mut outcome = self.run_in(&mut conversation, caller, input.into()).await;
        outcome.conversation = Some(conversation);
        outcome.answered()
    }

    /// Runs the agent on behalf of a caller, and goes on with a conversation.
    ///
    /// # Errors
    ///
    /// As for [`invoke`](Self::invoke). The conversation can be gone on with.
    pub async fn invoke_in(
        &self,
        conversation: &mut Conversation,
        caller: &Caller,
        input: impl Into<String>,
    ) -> Result<RunOutcome, RunError> {
        self.run_in(conversation, caller, input.into())
            .await
            .answered()
    }

    /// Runs the agent on behalf of a caller, in a conversation of its own, and tells what happens while it does. The run goes on as long as
    /// the stream is polled.
    pub fn stream(&self, caller: &Caller, input: impl Into<String>) -> Events<'static> {
        let (parts, caller, input) = (Arc::clone(&self.parts), caller.clone(), input.into());
        Events::new(&self.parts, |sink| {
            Box::pin(async move {
                let mut conversation = Conversation::new();
                let mut outcome = run(Start {
                    parts: &parts,
                    caller: &caller,
                    input: Input::User(input),
                    conversation: &mut conversation,
                    sink: &sink,
                    around: None,
                })
                .await;
                outcome.conversation = Some(conversation);
                outcome
            })
        })
    }

    /// As [`stream`](Self::stream), and goes on with a conversation.
    pub fn stream_in<'a>(
        &self,
        conversation: &'a mut Conversation,
        caller: &Caller,
        input: impl Into<String>,
    ) -> Events<'a> {
        let (parts, caller, input) = (Arc::clone(&self.parts), caller.clone(), input.into());
        Events::new(&self.parts, |sink| {
            Box::pin(async move {
                run(Start {
                    parts: &parts,
                    caller: &caller,
                    input: Input::User(input),
                    conversation,
                    sink: &sink,
                    around: None,
                })
                .await
            })
        })
    }

    async fn run_in(
        &self,
        conversation: &mut Conversation,
        caller: &Caller,
        input: String,
    ) -> RunOutcome {
        let sink = Sink::new(&self.parts.observers, false);
        run(Start {
            parts: &self.parts,
            caller,
            input: Input::User(input),
            conversation,
            sink: &sink,
            around: None,
        })
        .await
    }
}

impl fmt::Debug for Agent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let tools: Vec<&str> = self.tools().map(|spec| spec.name.as_str()).collect();
        f.debug_struct("Agent")
            .field("name", &self.parts.name)
            .field("model", self.model())
            .field("tools", &tools)
            .field("enforcer", &self.parts.enforcer)
            .finish_non_exhaustive()
    }
}
