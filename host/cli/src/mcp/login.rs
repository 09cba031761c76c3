//! `hexgate mcp login`.

use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::Context as _;
use hexgate_mcp::Config;
use hexgate_mcp::login::{LoggedIn, Login};

use crate::exit::Exit;
use crate::output::{self, Style, Tone, harmless, list};

/// Log in at a server of a gateway that wants an authorization, and keep the token
///
/// Prints the address at which a person agrees, and waits for the browser to come back to this machine. The token is kept in the private file
/// that the configuration names; a gateway that runs uses it from then on.
/// Exit codes: 0 logged in, 2 misuse, environment, or no login.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  hexgate mcp login tickets --config gateway.yaml
  hexgate mcp login tickets --config gateway.yaml --browser xdg-open")]
pub(crate) struct Args {
    /// The server, as the configuration calls it
    #[arg(value_name = "SERVER")]
    server: String,
    /// What the gateway is made of: `gateway.yaml`
    #[arg(long, value_name = "FILE")]
    config: PathBuf,
    /// A program that opens the address, which it gets as its argument. Without one the address is printed alone
    #[arg(long, value_name = "PROGRAM")]
    browser: Option<PathBuf>,
    /// How long the browser is waited for
    #[arg(long, value_name = "SECONDS", default_value_t = 300, value_parser = clap::value_parser!(u64).range(1..=3600))]
    wait: u64,
}

pub(super) fn run(args: &Args) -> anyhow::Result<Exit> {
    let config = Config::from_file(&args.config)?;
    let server = config.servers.get(&args.server).with_context(|| {
        format!(
            "the configuration has no server `{}`; it has {}",
            harmless(&args.server),
            list(config.servers.keys().map(String::as_str))
        )
    })?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let done = runtime.block_on(async {
        let login = Login::begin(&args.server, server, config.limits).await?;
        output::print(&asked(&args.server, &login))?;
        if let Some(browser) = &args.browser {
            open(browser, login.address())?;
        }
        Ok::<_, anyhow::Error>(login.finish(Duration::from_secs(args.wait)).await?)
    })?;
    output::print(&report(&args.server, &done))?;
    Ok(Exit::Done)
}

fn asked(server: &str, login: &Login) -> String {
    format!(
        "{} is to be used through {}\n  scopes: {}\nOpen this address in a browser on this machine:\n  {}\n",
        harmless(server),
        harmless(login.issuer()),
        scopes(login.scopes()),
        harmless(login.address()),
    )
}

fn report(server: &str, done: &LoggedIn) -> String {
    let mark = Style::stdout().paint(Tone::Good, "✓");
    format!(
        "{mark} Logged in at {} for {}\n  scopes: {}\n  token: {}\n",
        harmless(&done.issuer),
        harmless(server),
        scopes(&done.scopes),
        harmless(&done.tokens.display().to_string()),
    )
}

fn scopes(scopes: &[String]) -> String {
    match scopes {
        [] => "as the authorization server chooses".to_owned(),
        scopes => harmless(&scopes.join(" ")).into_owned(),
    }
}

/// Starts the browser, and does not wait for it. The address is one word for it, and no shell reads it.
fn open(browser: &PathBuf, address: &str) -> anyhow::Result<()> {
    Command::new(browser)
        .arg(address)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .spawn()
        .map(drop)
        .with_context(|| format!("`{}` cannot be started", browser.display()))
}
