//! Agents as files: a folder with `agent.yaml`, the system prompt and the policy.
//!
//! ```yaml
//! name: support-bot
//! model: openai:gpt-5
//! system_prompt: system.md
//! policy: policy.yaml
//! tools: [read_file, grep]
//! ```
//!
//! Everything is read as a policy is: an unknown key, a key that stands twice, a value of another type and a file that is missing are errors
//! with their line, and nothing of an agent with an error runs.

mod beside;
mod codes;
mod known;
mod read;

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use hexgate_compiler::diagnostic::Diagnostic;
use hexgate_compiler::diagnostic::render::{Format, render};
use hexgate_compiler::source::Sources;

pub use codes::CODES;
pub use hexgate_compiler::diagnostic::CodeDoc;
pub use hexgate_compiler::document::Name;

/// The name of the file that makes a folder an agent.
pub const FILE: &str = "agent.yaml";
/// The file of the system prompt, unless `agent.yaml` names another.
pub const SYSTEM_PROMPT: &str = "system.md";
/// The JSON schema of `agent.yaml`, for editors: draft 2020-12.
pub const SCHEMA: &str = include_str!("definition/agent.schema.json");

/// The longest `agent.yaml`, in bytes.
pub const MAX_FILE: u64 = 64 << 10;
/// The longest system prompt, in bytes.
pub const MAX_SYSTEM_PROMPT: u64 = 256 << 10;
/// The most entries of a list.
pub const MAX_ENTRIES: usize = 256;

/// An agent as its folder describes it.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Definition {
    /// Its name.
    pub name: String,
    /// Its folder.
    pub folder: PathBuf,
    /// What it is for, for people and for the agents that call it.
    pub description: Option<String>,
    /// The model, as `openai:gpt-5`. None: the one that `HEXGATE_DEFAULT_MODEL` or the command line names.
    pub model: Option<String>,
    /// The text of the system prompt.
    pub system_prompt: Option<Arc<str>>,
    /// The policy, a file or a folder. None: every call is denied, unless the environment names a policy.
    pub policy: Option<PathBuf>,
    /// The tools.
    pub tools: Vec<Name>,
    /// The agents that it can call as tools.
    pub subagents: Vec<Name>,
    /// The agents that it can hand the conversation to.
    pub handoffs: Vec<Name>,
    /// How far a run may go.
    pub limits: Limits,
    /// Where its tools work.
    pub workspace: Workspace,
    /// What is doubtful about it, and nothing that keeps it from running.
    pub warnings: Vec<Diagnostic>,
    sources: Arc<Sources>,
}

/// How far a run may go. None: the runtime's default counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct Limits {
    /// How often the model may be asked.
    pub turns: Option<u64>,
    /// How many tokens all answers and requests may take.
    pub tokens: Option<u64>,
    /// How many seconds the run may take.
    pub seconds: Option<u64>,
    /// How deep agents may call each other.
    pub depth: Option<u64>,
    /// How many calls may run side by side.
    pub concurrent_calls: Option<u64>,
}

/// Where an agent's tools work. What is left out is the default of the tools.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct Workspace {
    /// The folder, below the agent's own. None: the folder in which the program was started.
    pub root: Option<PathBuf>,
    /// What can be read beside it, below the agent's folder.
    pub extra_read_paths: Vec<PathBuf>,
    /// What can be written beside it, below the agent's folder.
    pub extra_write_paths: Vec<PathBuf>,
    /// What in it cannot be written.
    pub deny_write_paths: Vec<String>,
    /// The commands that `bash` may start. None: the tools' default.
    pub allowed_commands: Option<Vec<String>>,
    /// Whether the policy may lie in a folder that tools can write.
    ///
    /// CAUTION: whatever writes there in another way than the tools decides what the agent may do.
    pub dangerous_policy_in_workspace: bool,
}

impl Definition {
    /// Reads the agent of a folder.
    ///
    /// # Errors
    ///
    /// Everything that is wrong with it, as diagnostics.
    pub fn read(folder: &Path) -> Result<Self, Refused> {
        read::read(folder)
    }

    /// Reads an agent that is part of the program: the text of its `agent.yaml` and of its prompt. Its policy is the program's.
    pub(crate) fn built_in(name: &str, text: &str, prompt: &'static str) -> Result<Self, Refused> {
        read::built_in(name, text, prompt)
    }

    /// Whether the program has the tools that the agent names.
    ///
    /// # Errors
    ///
    /// Each that it does not have, with the line that names it and the name that was probably meant.
    pub fn check_tools(&self, known: &[&str]) -> Result<(), Refused> {
        self.check(known::tools(&self.tools, known))
    }

    /// Whether the agents are there that the agent names.
    ///
    /// # Errors
    ///
    /// Each that is not, likewise.
    pub fn check_agents(&self, known: &[&str]) -> Result<(), Refused> {
        let mut found = known::agents(&self.name, &self.subagents, known);
        found.extend(known::agents(&self.name, &self.handoffs, known));
        self.check(found)
    }

    /// An error at a name: it leads back to the agent itself, by this way.
    pub(crate) fn circle(&self, at: &Name, way: &[String]) -> Refused {
        self.refused(vec![known::circle(at, way)])
    }

    /// The warnings as text for people; empty if there are none.
    #[must_use]
    pub fn warnings(&self, colour: bool) -> String {
        render(&self.warnings, &self.sources, Format::Human, colour)
    }

    fn check(&self, diagnostics: Vec<Diagnostic>) -> Result<(), Refused> {
        if diagnostics.is_empty() {
            Ok(())
        } else {
            Err(self.refused(diagnostics))
        }
    }

    fn refused(&self, diagnostics: Vec<Diagnostic>) -> Refused {
        Refused {
            name: Some(self.name.clone()),
            diagnostics,
            sources: self.sources.clone(),
        }
    }
}

/// Why an agent is refused: diagnostics, each with its line and a remedy.
#[derive(Debug, Clone)]
pub struct Refused {
    /// The name of the agent, if it has one.
    pub name: Option<String>,
    /// What is wrong, by place.
    pub diagnostics: Vec<Diagnostic>,
    sources: Arc<Sources>,
}

impl Refused {
    /// As text for people, with the lines of the files.
    #[must_use]
    pub fn human(&self, colour: bool) -> String {
        render(&self.diagnostics, &self.sources, Format::Human, colour)
    }

    /// The first error in one line, with its file and line.
    #[must_use]
    pub fn line(&self) -> String {
        let Some(first) = self
            .diagnostics
            .iter()
            .find(|diagnostic| diagnostic.is_error())
        else {
            return "it is refused".to_owned();
        };
        let span = first.primary.span;
        let file = hexgate_base::harmless(self.sources.name(span.file)).into_owned();
        let place = if span.start == span.end && span.start == 0 {
            file
        } else {
            let (line, column) = self.sources.position(span.file, span.start);
            format!("{file}:{line}:{column}")
        };
        let errors = self.diagnostics.iter().filter(|one| one.is_error()).count();
        let more = match errors {
            0 | 1 => String::new(),
            _ => format!(" (and {} more)", errors - 1),
        };
        format!("{place}: {}{more}", first.message)
    }
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.human(false).trim_end())
    }
}

impl std::error::Error for Refused {}
