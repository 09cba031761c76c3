//! `hexgate mcp run`.

use std::net::SocketAddr;
use std::path::PathBuf;

use hexgate_enforce::resolve::Environment;
use hexgate_mcp::{Config, Gateway};

use crate::exit::Exit;

/// Stand between a client and the servers of a configuration
///
/// The client is at the standard streams, or over HTTP where an address is named. The policy is what HEXGATE_LOCAL_POLICY and its like name,
/// else what the configuration does.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// What the gateway is made of: `gateway.yaml`
    #[arg(long, value_name = "FILE")]
    config: PathBuf,
    /// Listen here, in place of what the configuration says
    #[arg(long, value_name = "ADDRESS:PORT")]
    listen: Option<SocketAddr>,
}

pub(super) fn run(args: &Args) -> anyhow::Result<Exit> {
    let config = Config::from_file(&args.config)?;
    let listen = args.listen.or(config.listen);
    let builder = Gateway::open(config, &Environment::from_env()?)?;
    let public = builder.public_routes();
    hexgate_mcp::run(builder, listen, public)?;
    Ok(Exit::Done)
}
