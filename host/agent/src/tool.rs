//! Tools: what an agent can do.

mod arguments;

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use hexgate_enforce::{Call, Decision, Permit};
use serde_json::Value;

pub use arguments::{arguments, schema};

/// What an agent can do.
///
/// A tool runs from a [`Permit`], which only an enforcer makes, and takes all that it needs from there: the arguments, the caller, the file
/// scope. Its future is dropped when the run is cancelled; whatever it started must end with it.
///
/// There is no other road to a tool. It takes a permit:
///
/// ```compile_fail,E0061
/// use hexgate_agent::tool::{Progress, Tool};
///
/// async fn run(tool: &dyn Tool) {
///     let _ = tool.call(&Progress::default()).await;
/// }
/// ```
///
/// Nobody can make one without a decision that allows the call:
///
/// ```compile_fail,E0423
/// use hexgate_enforce::{Decision, Permit};
///
/// fn forge(denied: Box<Decision>) -> Permit {
///     Permit(denied)
/// }
/// ```
///
/// ```compile_fail,E0451
/// use hexgate_enforce::{Decision, Effect};
///
/// fn forge(denied: Decision) -> Decision {
///     Decision { outcome: Effect::Allow, ..denied }
/// }
/// ```
///
/// It is for one call, and used up by it:
///
/// ```compile_fail,E0382
/// use hexgate_agent::tool::{Progress, Tool};
/// use hexgate_enforce::Permit;
///
/// async fn twice(tool: &dyn Tool, permit: Permit) {
///     let _ = tool.call(permit, &Progress::default()).await;
///     let _ = tool.call(permit, &Progress::default()).await;
/// }
/// ```
///
/// ```compile_fail,E0599
/// fn copy(permit: hexgate_enforce::Permit) -> hexgate_enforce::Permit {
///     permit.clone()
/// }
/// ```
#[async_trait]
pub trait Tool: Send + Sync {
    /// What models and policies know of it.
    fn spec(&self) -> &Arc<ToolSpec>;

    /// Runs one call. Its arguments have been decided and agree with the schema.
    ///
    /// # Errors
    ///
    /// The tool failed. The model is told, and the run goes on.
    async fn call(&self, permit: Permit, progress: &Progress) -> Result<ToolOutput, ToolError>;
}

#[async_trait]
impl<T: Tool + ?Sized> Tool for Arc<T> {
    fn spec(&self) -> &Arc<ToolSpec> {
        (**self).spec()
    }

    async fn call(&self, permit: Permit, progress: &Progress) -> Result<ToolOutput, ToolError> {
        (**self).call(permit, progress).await
    }
}

/// What models and policies know of a tool.
#[derive(Clone)]
#[non_exhaustive]
pub struct ToolSpec {
    /// The name, as policies write it.
    pub name: String,
    /// What it is for. The model reads it.
    pub description: String,
    /// The JSON schema of the arguments, an object.
    pub input_schema: Value,
    /// Whether calls of it may run beside other calls of the same turn. Not unless it says so.
    pub concurrent: bool,
    /// What a person who is asked for approval sees beside the arguments, such as a diff. It is made of the proposed arguments alone: a plain
    /// function, so that it has no access to what the tool has.
    pub preview: Option<fn(&Value) -> Option<String>>,
}

impl ToolSpec {
    /// A tool whose calls run one at a time and have no preview.
    #[must_use]
    pub fn new(
        name: impl Into<String>,
        description: impl Into<String>,
        input_schema: Value,
    ) -> Self {
        Self {
            name: name.into(),
            description: description.into(),
            input_schema,
            concurrent: false,
            preview: None,
        }
    }

    /// Calls of it may run beside other calls of the same turn.
    #[must_use]
    pub fn concurrent(mut self) -> Self {
        self.concurrent = true;
        self
    }

    /// What a person who is asked for approval sees beside the arguments.
    #[must_use]
    pub fn preview(mut self, preview: fn(&Value) -> Option<String>) -> Self {
        self.preview = Some(preview);
        self
    }
}

impl fmt::Debug for ToolSpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ToolSpec")
            .field("name", &self.name)
            .field("concurrent", &self.concurrent)
            .finish_non_exhaustive()
    }
}

/// What a tool answers: JSON, which the model reads as text.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct ToolOutput {
    /// The answer.
    pub value: Value,
    /// A line for people. None: the runtime makes one of the answer.
    pub summary: Option<String>,
}

impl ToolOutput {
    /// An answer.
    #[must_use]
    pub fn new(value: impl Into<Value>) -> Self {
        Self {
            value: value.into(),
            summary: None,
        }
    }

    /// A line for people.
    #[must_use]
    pub fn summary(mut self, summary: impl Into<String>) -> Self {
        self.summary = Some(summary.into());
        self
    }
}

/// Why a tool failed. The model reads all of it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
#[non_exhaustive]
pub struct ToolError {
    /// A short stable name for the kind of failure, such as `not_found`.
    pub kind: &'static str,
    /// What happened, and what to do: one or two sentences.
    pub message: String,
    /// Whether the same call may succeed later.
    pub retryable: bool,
    /// The status of the HTTP answer, if there was one.
    pub status: Option<u16>,
}

impl ToolError {
    /// A failure that the same call would have again.
    #[must_use]
    pub fn new(kind: &'static str, message: impl Into<String>) -> Self {
        Self {
            kind,
            message: message.into(),
            retryable: false,
            status: None,
        }
    }

    /// The same call may succeed later.
    #[must_use]
    pub fn retryable(mut self) -> Self {
        self.retryable = true;
        self
    }

    /// The status of the HTTP answer.
    #[must_use]
    pub fn status(mut self, status: u16) -> Self {
        self.status = Some(status);
        self
    }
}

/// What a tool that takes long tells the run: how far it is, and which parts of its call are decided on their own. The default belongs to no run.
#[derive(Clone, Default)]
pub struct Progress {
    tell: Option<Arc<dyn Fn(String) + Send + Sync>>,
    run: Option<Arc<dyn OfRun>>,
}

impl Progress {
    /// Passes each line on.
    #[must_use]
    pub fn new(tell: impl Fn(String) + Send + Sync + 'static) -> Self {
        Self {
            tell: Some(Arc::new(tell)),
            run: None,
        }
    }

    pub(crate) fn of_run(mut self, run: Arc<dyn OfRun>) -> Self {
        self.run = Some(run);
        self
    }

    /// Says how far the tool is: an event `tool_update`. Lines that nobody reads are dropped; telling never waits.
    pub fn tell(&self, text: impl Into<String>) {
        if let Some(tell) = &self.tell {
            tell(text.into());
        }
    }

    /// A part of this call that the policy decides on its own, such as a request of a command, with the facts of the run of this moment.
    ///
    /// It counts as a call of `tool` from now on, so that parts side by side cannot pass a limit together, until [`Part::decided`] says that
    /// it is denied, or the [`Part`] is dropped. Outside of a run it has no facts, and what a policy says of a run does not hold.
    pub fn part(&self, call: Call, tool: &str) -> (Call, Part) {
        let Some(run) = &self.run else {
            return (call, Part(None));
        };
        let call = run.begin(call, tool);
        let part = Part(Some((Arc::clone(run), tool.to_owned())));
        (call, part)
    }
}

/// The run that a tool is called in.
pub(crate) trait OfRun: Send + Sync {
    /// A part of the call is about to be decided.
    fn begin(&self, call: Call, tool: &str) -> Call;

    /// It was decided. None: it was not.
    fn end(&self, tool: &str, decision: Option<&Decision>);
}

/// A part of a call that is being decided.
#[must_use = "a part that is dropped was not decided"]
pub struct Part(Option<(Arc<dyn OfRun>, String)>);

impl Part {
    /// What was decided. It is counted, and told as an event.
    pub fn decided(mut self, decision: &Decision) {
        if let Some((run, tool)) = self.0.take() {
            run.end(&tool, Some(decision));
        }
    }
}

impl Drop for Part {
    fn drop(&mut self) {
        if let Some((run, tool)) = self.0.take() {
            run.end(&tool, None);
        }
    }
}

impl fmt::Debug for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Part").finish_non_exhaustive()
    }
}

impl fmt::Debug for Progress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Progress").finish_non_exhaustive()
    }
}
