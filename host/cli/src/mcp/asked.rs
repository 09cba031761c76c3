//! A server that is asked for its tools.

use std::path::PathBuf;

use anyhow::Context;
use hexgate_mcp::{
    Config,
    config::{Environment, Reach, ServerConfig},
    inspect::{self, Tool},
    names,
};

use crate::output::{harmless, list, shell_word};

/// Which server.
#[derive(Debug, clap::Args)]
pub(super) struct Asked {
    /// What policies call the server: its tools are `mcp-NAME-TOOL`
    #[arg(long, value_name = "NAME", default_value = "server")]
    name: String,

    /// The configuration of a gateway that has the server, in place of its command
    #[arg(long, value_name = "FILE", conflicts_with = "command")]
    config: Option<PathBuf>,

    /// The server's command and its arguments
    #[arg(last = true, required_unless_present = "config", num_args = 1.., value_name = "COMMAND")]
    command: Vec<String>,
}

/// A server that can be asked.
pub(super) struct Found {
    config: Config,
    server: ServerConfig,
}

impl Asked {
    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// What to run with a policy, as words for a shell.
    pub(super) fn next(&self, policy: &str) -> String {
        if let Some(config) = &self.config {
            let config = shell_word(&config.display().to_string());
            return format!("hexgate mcp run --config {config}");
        }
        let words: Vec<String> = self.command.iter().map(|word| shell_word(word)).collect();
        format!(
            "hexgate mcp wrap --name {} --policy {} -- {}",
            shell_word(&self.name),
            shell_word(policy),
            words.join(" ")
        )
    }

    /// The server that is meant.
    pub(super) fn find(&self) -> anyhow::Result<Found> {
        if !names::is_server(&self.name) {
            anyhow::bail!(
                "`{}` cannot be the name of a server: 1 to 32 lower-case letters, digits and `-`",
                harmless(&self.name)
            );
        }
        let config = match &self.config {
            Some(path) => Config::from_file(path)?,
            None => {
                let (command, args) = self
                    .command
                    .split_first()
                    .context("name the server's command")?;
                let reach = Reach::Process {
                    command: command.clone(),
                    args: args.to_vec(),
                    environment: Environment::Inherited,
                };
                Config::of([(self.name.clone(), ServerConfig::new(reach))].into())
            }
        };
        let server = config.servers.get(&self.name).cloned();
        let server = server.with_context(|| {
            format!(
                "the configuration has no server `{}`; `--name` names one of {}",
                self.name,
                list(config.servers.keys().map(String::as_str))
            )
        })?;
        Ok(Found { config, server })
    }

    /// Its tools, as it names them now.
    pub(super) fn tools(&self, found: &Found) -> anyhow::Result<Vec<Tool>> {
        Ok(inspect::tools_blocking(
            &self.name,
            &found.server,
            found.config.limits,
        )?)
    }
}

impl Found {
    /// The file of pins that the configuration names.
    pub(super) fn pins(&self) -> Option<PathBuf> {
        self.config.pins.clone()
    }
}
