//! `hexgate mcp wrap`.

use std::path::PathBuf;

use anyhow::Context as _;
use hexgate_enforce::resolve::Environment;
use hexgate_mcp::config::{CallerConfig, Environment as Seen, Reach, ServerConfig};
use hexgate_mcp::pins::{FirstUse, Pins};
use hexgate_mcp::{Config, Gateway};

use crate::exit::Exit;

/// Put one server behind a policy, for the configuration of any client
///
/// In place of `COMMAND ...` a client is given `hexgate mcp wrap --policy policy.yaml -- COMMAND ...`. It sees the tools by the server's own
/// names; the policy knows them as `mcp-NAME-TOOL`. The server gets the whole environment but for the variables of hexgate.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The policy or the bundle, where the environment names none
    #[arg(long, value_name = "PATH")]
    policy: Option<PathBuf>,
    /// What the policy calls the server
    #[arg(long, default_value = "server")]
    name: String,
    /// What policies, bundles and records call the gateway
    #[arg(long, default_value = "mcp")]
    agent: String,
    /// On whose behalf calls are made
    #[arg(long, value_name = "USER", default_value = "local")]
    caller: String,
    /// A role of the caller; again for more. Without one the policy's `default` decides
    #[arg(long, value_name = "ROLE")]
    role: Vec<String>,
    /// The file of tools that were accepted [default: beside the policy, as `policy.pins.json`]
    #[arg(long, value_name = "FILE")]
    pins: Option<PathBuf>,
    /// What happens to the tools at the first start, when none was accepted yet. Tools that change later are refused always
    #[arg(long, value_enum, default_value_t = First::Accept)]
    first_use: First,
    /// Record each decision and how each call ended in this folder, for `hexgate audit`
    #[arg(long, value_name = "FOLDER")]
    audit: Option<PathBuf>,
    /// Take what looks like keys of known issuers out of results
    #[arg(long)]
    scrub_secrets: bool,
    /// Write out in results what is not seen: control characters, direction marks, hidden text. In lists it always is
    #[arg(long)]
    visible_results: bool,
    /// The server
    #[arg(last = true, required = true, value_name = "COMMAND")]
    command: Vec<String>,
}

/// What happens to tools of which none was accepted yet.
#[derive(Debug, Clone, Copy, clap::ValueEnum)]
enum First {
    /// They are accepted unseen, and that is said
    Accept,
    /// They are refused until `hexgate mcp pin` accepts them
    Refuse,
}

pub(super) fn run(args: Args) -> anyhow::Result<Exit> {
    let mut words = args.command.into_iter();
    let command = words
        .next()
        .context("name the server's command behind `--`")?;
    let reach = Reach::Process {
        command,
        args: words.collect(),
        environment: Seen::Inherited,
    };
    let mut config = Config::of([(args.name, ServerConfig::new(reach))].into());
    config.agent = args.agent;
    config.pins = args
        .pins
        .or_else(|| args.policy.as_deref().map(Pins::beside));
    if config.pins.is_none() && matches!(args.first_use, First::Refuse) {
        anyhow::bail!(
            "`--first-use refuse` needs a file of tools that were accepted, and without `--policy` none is known: name it with `--pins`"
        );
    }
    config.first_use = match args.first_use {
        First::Accept => FirstUse::Accept,
        First::Refuse => FirstUse::Refuse,
    };
    config.policy = args.policy;
    config.plain_names = true;
    config.audit = args.audit;
    config.scrub_secrets = args.scrub_secrets;
    config.visible_results = args.visible_results;
    config.caller = Some(CallerConfig::new(args.caller, args.role));
    let builder = Gateway::open(config, &Environment::from_env()?)?;
    hexgate_mcp::run(builder, None, Default::default())?;
    Ok(Exit::Done)
}
