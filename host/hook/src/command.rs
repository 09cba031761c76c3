//! The command line: `hexgate hook run`, `hexgate hook install`.

mod install;
mod options;

use std::io::{self, Write as _};

use clap::Subcommand;
use hexgate_base::harmless;

pub use install::{CommandError, InstallArgs};
pub use options::{DecideArgs, RunArgs};

use crate::answer::Answer;
use crate::run::{run, stdin};

/// What the hook of coding agents can be told to do.
#[derive(Debug, Clone, Subcommand)]
#[non_exhaustive]
pub enum Command {
    /// Answer an event of an agent: read it from the standard input, decide, answer in the agent's form
    ///
    /// Whatever fails is a denial. Exit codes: 0 answered, 2 denied (by some agents' forms also 0), 1 failed where nothing can be denied.
    Run(RunArgs),
    /// Show a call as the policy sees it: its tool and its arguments in the form of all agents. Decides nothing
    ///
    /// Reads the event from the standard input, as `run` does. Exit codes: 0 done, 1 the event is denied before the policy is asked.
    Show(RunArgs),
    /// Make an agent run the hook, or no longer, and say what it cannot be kept from doing
    ///
    /// Exit codes: 0 done, 1 refused, 2 misuse or environment.
    Install(InstallArgs),
}

/// Carries a command out, and gives the exit code.
///
/// # Errors
///
/// A configuration is not changed. `run` has no error: it has answered.
pub fn carry_out(command: &Command) -> Result<u8, CommandError> {
    match command {
        Command::Run(args) => Ok(answer(args)),
        Command::Show(args) => Ok(show(args)),
        Command::Install(args) => install::install(args, &mut io::stdout().lock()),
    }
}

/// Shows what the policy sees of an event.
fn show(args: &RunArgs) -> u8 {
    let seen = args
        .hook()
        .and_then(|hook| hook.seen(&crate::run::read(stdin())?));
    let (text, code) = match seen {
        Ok(Some(seen)) => (
            format!("{}\n{}\n", harmless(&seen.tool), harmless(&seen.arguments)),
            0,
        ),
        Ok(None) => ("no call\n".to_owned(), 0),
        Err(failure) => (format!("denied: {}\n", harmless(&failure.to_string())), 1),
    };
    match io::stdout().lock().write_all(text.as_bytes()) {
        Ok(()) => code,
        Err(_) => 2,
    }
}

fn answer(args: &RunArgs) -> u8 {
    let (mut output, mut errors) = (io::stdout().lock(), io::stderr().lock());
    match args.hook() {
        Ok(hook) => run(&hook, stdin(), &mut output, &mut errors),
        Err(failure) => {
            let answer = Answer::denied(args.agent, args.event.as_deref(), &failure);
            answer.write(&mut output, &mut errors)
        }
    }
}
