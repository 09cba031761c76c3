//! A server that is asked for its tools.

use anyhow::Context;
use hexgate_mcp::{
    Limits,
    config::{Environment, Reach, ServerConfig},
    inspect::{self, Tool},
    names,
};

use crate::output::shell_word;

/// Which server.
#[derive(Debug, clap::Args)]
pub(super) struct Asked {
    /// What policies call the server: its tools are `mcp-NAME-TOOL`
    #[arg(long, value_name = "NAME", default_value = "server")]
    name: String,

    /// The server's command and its arguments
    #[arg(last = true, required = true, num_args = 1.., value_name = "COMMAND")]
    command: Vec<String>,
}

impl Asked {
    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// The command as words for a shell.
    pub(super) fn words(&self) -> String {
        let words: Vec<String> = self.command.iter().map(|word| shell_word(word)).collect();
        words.join(" ")
    }

    /// Its tools, as it names them now.
    pub(super) fn tools(&self) -> anyhow::Result<Vec<Tool>> {
        if !names::is_server(&self.name) {
            anyhow::bail!(
                "`{}` cannot be the name of a server: 1 to 32 lower-case letters, digits and `-`",
                crate::output::harmless(&self.name)
            );
        }
        let (command, args) = self
            .command
            .split_first()
            .context("name the server's command")?;
        let config = ServerConfig::new(Reach::Process {
            command: command.clone(),
            args: args.to_vec(),
            environment: Environment::Inherited,
        });
        Ok(inspect::tools_blocking(
            &self.name,
            &config,
            Limits::default(),
        )?)
    }
}
