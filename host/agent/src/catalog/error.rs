//! Why agents cannot be found, registered or loaded.

use std::path::PathBuf;

use hexgate_base::harmless;
use hexgate_enforce::RandomError;
use hexgate_enforce::host::EngineError;
use hexgate_enforce::resolve::{ResolveError, SettingsError};

use super::ToolSourceError;
use crate::definition::Refused;
use crate::error::BuildError;
use crate::model::ModelError;

/// The most agents that name one another in a row. A run goes less deep by default, and loading them takes memory of the stack.
pub(super) const MOST_IN_A_ROW: usize = 32;

/// A name is taken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RegisterError {
    /// Two tools have one name.
    #[error("two tools have the name `{}`; rename one of them", harmless(name))]
    Tool {
        /// The name.
        name: String,
    },
    /// Two agents of the program have one name.
    #[error(
        "the program registers two agents with the name `{}`; rename one of them",
        harmless(name)
    )]
    Agent {
        /// The name.
        name: String,
    },
}

/// An agent is not loaded.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LoadError {
    /// There is none of this name.
    #[error("there is no agent `{}`; {help}", harmless(name))]
    Unknown {
        /// The name.
        name: String,
        /// The name that was probably meant, or those that there are.
        help: String,
    },
    /// Several folders of one place have agents of this name.
    #[error(
        "several agents have the name `{}`: {}; rename all but one",
        harmless(name),
        paths(folders)
    )]
    Several {
        /// The name.
        name: String,
        /// Their folders.
        folders: Vec<PathBuf>,
    },
    /// The agents that name one another are too many in a row.
    #[error(
        "more than {MOST_IN_A_ROW} agents name one another in a row, up to `{}`; shorten the way to it",
        harmless(name)
    )]
    TooDeep {
        /// The agent that is too far away.
        name: String,
    },
    /// Its files are refused: diagnostics.
    #[error("the agent is refused\n{0}")]
    Refused(Refused),
    /// Its policy is refused, or cannot be read.
    #[error(
        "the policy of the agent `{}` cannot be used: {source}",
        harmless(agent)
    )]
    Policy {
        /// The agent.
        agent: String,
        /// Why.
        source: Box<ResolveError>,
    },
    /// It has no model.
    #[error(
        "the agent `{}` names no model; write `model: PROVIDER:NAME` into its `agent.yaml`, pass `--model`, or set HEXGATE_DEFAULT_MODEL",
        harmless(agent)
    )]
    NoModel {
        /// The agent.
        agent: String,
    },
    /// Its model cannot be opened.
    #[error(
        "the model of the agent `{}` cannot be used: {source}",
        harmless(agent)
    )]
    Model {
        /// The agent.
        agent: String,
        /// Why.
        source: ModelError,
    },
    /// Its tools cannot be made.
    #[error(
        "the tools of the agent `{}` cannot be made: {source}",
        harmless(agent)
    )]
    Tools {
        /// The agent.
        agent: String,
        /// Why.
        source: ToolSourceError,
    },
    /// It cannot be built.
    #[error(transparent)]
    Build(#[from] BuildError),
    /// The environment cannot be read.
    #[error(transparent)]
    Settings(SettingsError),
    /// `HEXGATE_DEFAULT_MODEL` is no text.
    #[error("HEXGATE_DEFAULT_MODEL: it is not UTF-8")]
    DefaultModel,
    /// The engine of policies cannot be made.
    #[error("the engine of policies cannot be made: {0}")]
    Engine(EngineError),
    /// No enforcer can be made.
    #[error(transparent)]
    Random(#[from] RandomError),
}

fn paths(folders: &[PathBuf]) -> String {
    let names: Vec<String> = folders
        .iter()
        .map(|folder| format!("`{}`", harmless(&folder.display().to_string())))
        .collect();
    names.join(", ")
}
