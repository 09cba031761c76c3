//! How the commands reach registries.

use std::{
    env,
    io::{self, Read},
    time::Duration,
};

use anyhow::{Context, bail, ensure};
use hexgate_registry::{Access, Credentials, Reference, Transport};

/// The longest password that is read, in bytes.
const MAX_PASSWORD: u64 = 64 << 10;

/// Credentials come from `--username` with `--password-stdin`, else from the environment, else from Docker's configuration.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Registry")]
pub(super) struct Options {
    /// Log in as this user, with the password from the standard input or `HEXGATE_REGISTRY_PASSWORD`
    #[arg(long, value_name = "NAME")]
    username: Option<String>,

    /// Read the password from the standard input
    #[arg(long, requires = "username")]
    password_stdin: bool,

    /// Do without TLS; for registries on this machine
    #[arg(long)]
    plain_http: bool,

    /// Do without TLS wherever the registry is: an attacker on the way reads credentials and policies
    #[arg(long, conflicts_with = "plain_http")]
    dangerous_plain_http: bool,

    /// How long it may take, in seconds
    #[arg(long, value_name = "SECONDS", default_value_t = 300, value_parser = clap::value_parser!(u64).range(1..=3600))]
    timeout: u64,
}

impl Options {
    pub(super) fn access(&self, reference: &Reference) -> anyhow::Result<Access> {
        ensure!(
            !self.plain_http || reference.is_loopback(),
            "`--plain-http` is for registries on this machine, and `{}` is not: an attacker on the way would read credentials and policies; pass `--dangerous-plain-http` to accept that",
            reference.registry()
        );
        let mut access = Access::with(self.credentials(reference)?);
        if self.plain_http || self.dangerous_plain_http {
            access.transport = Transport::Plain;
        }
        access.timeout = Duration::from_secs(self.timeout);
        Ok(access)
    }

    fn credentials(&self, reference: &Reference) -> anyhow::Result<Credentials> {
        let user = self
            .username
            .clone()
            .or(variable("HEXGATE_REGISTRY_USERNAME")?);
        if let Some(user) = user {
            let password = match self.password_stdin {
                true => Some(password()?),
                false => variable("HEXGATE_REGISTRY_PASSWORD")?,
            };
            let password = password.with_context(|| {
                format!("there is no password for `{user}`: pass it with `--password-stdin` or in `HEXGATE_REGISTRY_PASSWORD`")
            })?;
            return Ok(Credentials::password(user, password));
        }
        if let Some(token) = variable("HEXGATE_REGISTRY_TOKEN")? {
            return Ok(Credentials::token(token));
        }
        Ok(Credentials::of_docker(reference)?)
    }
}

fn variable(name: &str) -> anyhow::Result<Option<String>> {
    match env::var(name) {
        Ok(value) if value.is_empty() => Ok(None),
        Ok(value) => Ok(Some(value)),
        Err(env::VarError::NotPresent) => Ok(None),
        Err(env::VarError::NotUnicode(_)) => bail!("`{name}` is not UTF-8"),
    }
}

/// The first line of the standard input.
fn password() -> anyhow::Result<String> {
    let mut text = String::new();
    io::stdin()
        .take(MAX_PASSWORD)
        .read_to_string(&mut text)
        .context("cannot read the password from the standard input")?;
    let line = text.lines().next().unwrap_or_default();
    ensure!(!line.is_empty(), "the standard input holds no password");
    Ok(line.to_owned())
}
