//! The command line of a program with agents.
//!
//! ```no_run
//! use hexgate_agent::{Program, catalog::Registered};
//!
//! fn main() -> std::process::ExitCode {
//!     let agent = Registered::new("support-bot", |agent| agent.system_prompt("You help customers."));
//!     hexgate_agent::main(Program::new().agent(agent.policy("policy.yaml")))
//! }
//! ```
//!
//! That program has `chat`, `run`, `agents`, `show` and `schema`. It also finds agents in folders, as `hexgate` does.

mod list;
mod one_turn;
mod show;

use std::fmt;
use std::io::{self, Write};
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use clap::{Parser, Subcommand};

use crate::catalog::{Catalog, Registered, ToolSource};
use crate::chat::{self, ChatArgs};
use crate::definition::SCHEMA;
use crate::tool::Tool;

pub use list::ListArgs;
pub use one_turn::RunArgs;
pub use show::ShowArgs;

/// A program with agents and tools of its own.
#[derive(Default)]
#[must_use = "a program does something once it is run"]
pub struct Program {
    agents: Vec<Registered>,
    tools: Vec<Arc<dyn Tool>>,
    sources: Vec<Arc<dyn ToolSource>>,
    folder: Option<PathBuf>,
}

/// How a command ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    /// Done.
    Done,
    /// A run had no answer, an agent is refused.
    Failed,
}

/// Why a command cannot be carried out: misuse, or the environment.
#[derive(Debug)]
pub struct ProgramError(anyhow::Error);

impl fmt::Display for ProgramError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hexgate_base::sentence(self.0.as_ref()))
    }
}

impl std::error::Error for ProgramError {}

impl From<anyhow::Error> for ProgramError {
    fn from(error: anyhow::Error) -> Self {
        Self(error)
    }
}

impl Program {
    /// A program that has nothing but the built-in agents.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds an agent of its own.
    pub fn agent(mut self, agent: Registered) -> Self {
        self.agents.push(agent);
        self
    }

    /// Adds a tool that agents in files can name.
    pub fn tool(mut self, tool: impl Tool + 'static) -> Self {
        self.tools.push(Arc::new(tool));
        self
    }

    /// Adds tools that are made for each agent that names them.
    pub fn tools_from(mut self, source: impl ToolSource + 'static) -> Self {
        self.sources.push(Arc::new(source));
        self
    }

    /// Looks for agents in this folder. Default: the current one.
    pub fn folder(mut self, folder: impl Into<PathBuf>) -> Self {
        self.folder = Some(folder.into());
        self
    }

    /// Talks with an agent, the platform left out.
    ///
    /// # Errors
    ///
    /// The agent cannot be loaded, or the terminal cannot be used.
    pub fn chat(&self, args: &ChatArgs) -> Result<Exit, ProgramError> {
        let catalog = self.catalog()?.local_mode();
        if args.list_agents {
            return self.list(&ListArgs::default());
        }
        Ok(exit(chat::run(&catalog, args)?))
    }

    /// Runs one turn.
    ///
    /// # Errors
    ///
    /// The agent cannot be loaded.
    pub fn run(&self, args: &RunArgs) -> Result<Exit, ProgramError> {
        Ok(exit(one_turn::run(&self.catalog()?, args)?))
    }

    /// Lists the agents.
    ///
    /// # Errors
    ///
    /// The environment cannot be read.
    pub fn list(&self, args: &ListArgs) -> Result<Exit, ProgramError> {
        list::run(&self.catalog()?, args)?;
        Ok(Exit::Done)
    }

    /// Shows what an agent is made of.
    ///
    /// # Errors
    ///
    /// There is no such agent.
    pub fn show(&self, args: &ShowArgs) -> Result<Exit, ProgramError> {
        Ok(exit(show::run(&self.catalog()?, args)?))
    }

    /// Prints the JSON schema of `agent.yaml`.
    ///
    /// # Errors
    ///
    /// It cannot be written.
    pub fn schema(&self) -> Result<Exit, ProgramError> {
        print(SCHEMA)?;
        Ok(Exit::Done)
    }

    fn catalog(&self) -> anyhow::Result<Catalog> {
        let folder = self.folder.clone().unwrap_or_else(|| PathBuf::from("."));
        let mut catalog = Catalog::open(folder)?;
        if !self.tools.is_empty() {
            catalog.register_tools(Arc::new(self.tools.clone()))?;
        }
        for source in &self.sources {
            catalog.register_tools(Arc::clone(source))?;
        }
        for agent in &self.agents {
            catalog.register_agent(agent.clone())?;
        }
        Ok(catalog)
    }
}

impl fmt::Debug for Program {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Program")
            .field("agents", &self.agents)
            .field("folder", &self.folder)
            .finish_non_exhaustive()
    }
}

/// Talk with agents, each call decided by a policy.
///
/// Exit codes: 0 done, 1 refused or failed, 2 misuse or environment.
#[derive(Debug, Parser)]
#[command(name = "agent")]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Chat(ChatArgs),
    Run(RunArgs),
    Agents(ListArgs),
    Show(ShowArgs),
    /// Print the JSON schema of `agent.yaml`, for editors
    Schema,
}

/// Reads the command line, does what it says, and says how to end: `fn main() -> ExitCode { hexgate_agent::main(Program::new()) }`.
pub fn main(program: Program) -> ExitCode {
    let outcome = match Cli::parse().command {
        Command::Chat(args) => program.chat(&args),
        Command::Run(args) => program.run(&args),
        Command::Agents(args) => program.list(&args),
        Command::Show(args) => program.show(&args),
        Command::Schema => program.schema(),
    };
    match outcome {
        Ok(Exit::Done) => ExitCode::SUCCESS,
        Ok(Exit::Failed) => ExitCode::from(1),
        Err(error) => {
            chat::aside(&format!("error: {}\n", chat::shown(&error.to_string())));
            ExitCode::from(2)
        }
    }
}

fn exit(fine: bool) -> Exit {
    if fine { Exit::Done } else { Exit::Failed }
}

/// Writes to the standard output. A reader that went away is no error.
fn print(text: &str) -> anyhow::Result<()> {
    let mut out = io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            Err(anyhow::Error::new(error).context("cannot write to the standard output"))
        }
        _ => Ok(()),
    }
}

/// JSON without characters that a terminal acts upon. It says the same: outside of texts there are only line breaks.
fn harmless_json(json: &str) -> String {
    let mut out = String::with_capacity(json.len());
    let mut units = [0; 2];
    for character in json.chars() {
        if character == '\n' || hexgate_base::is_printable(character) {
            out.push(character);
        } else {
            for unit in character.encode_utf16(&mut units) {
                out.push_str(&format!("\\u{unit:04x}"));
            }
        }
    }
    out
}
