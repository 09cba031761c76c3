//! `hexgate serve`: decisions over HTTP.

use std::net::SocketAddr;
use std::path::PathBuf;

use hexgate_authzen::Config;
use hexgate_enforce::{ApprovalFiles, resolve::Environment};

use crate::exit::Exit;

/// Decide over HTTP, by the Authorization API of AuthZEN
///
/// Enforcement points ask at `/access/v1/evaluation` and `/access/v1/evaluations`; they say who is asking, and are believed. The policy is
/// what HEXGATE_LOCAL_POLICY and its like name, else `--policy`. With a database of approvals a denial that asks for one can be requested.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  hexgate serve --policy policy.yaml
  hexgate serve --policy policy.yaml --listen 0.0.0.0:8180 --clients clients.json --url https://pdp.example.com --audit audit
  hexgate serve --policy policy.yaml --approvals approvals.db --approvers approvers.json --approver-role lead")]
pub(crate) struct Args {
    /// The policy or the bundle, where the environment names none
    #[arg(long, value_name = "PATH")]
    policy: Option<PathBuf>,

    /// Where enforcement points ask
    #[arg(long, value_name = "ADDRESS:PORT", default_value = "127.0.0.1:8180")]
    listen: SocketAddr,

    /// The file that lists who may ask, with the digests of their tokens. Without it only this machine is listened to
    #[arg(long, value_name = "FILE")]
    clients: Option<PathBuf>,

    /// The address that clients know, such as `https://pdp.example.com` [default: the host that they ask for]
    #[arg(long, value_name = "URL")]
    url: Option<String>,

    /// A name of this machine that clients may ask for; again for more
    #[arg(long, value_name = "NAME")]
    host: Vec<String>,

    /// What policies, bundles and records call the decision point
    #[arg(long, value_name = "NAME", default_value = "authzen")]
    agent: String,

    /// Record each decision in this folder, for `hexgate audit`
    #[arg(long, value_name = "FOLDER")]
    audit: Option<PathBuf>,

    /// The database in which denials are requested, for `hexgate approvals`
    #[arg(long, value_name = "FILE", requires_all = ["approvers", "approver_role"])]
    approvals: Option<PathBuf>,

    /// The file that lists who may approve
    #[arg(long, value_name = "FILE", requires = "approvals")]
    approvers: Option<PathBuf>,

    /// A role of approvers, where the policy names none; again for more
    #[arg(long, value_name = "ROLE", requires = "approvals")]
    approver_role: Vec<String>,

    /// The file of used approvals
    #[arg(long, value_name = "FILE", requires = "approvals")]
    used: Option<PathBuf>,
}

pub(crate) fn run(args: Args) -> anyhow::Result<Exit> {
    let mut config = Config::new(args.agent, args.listen);
    config.policy = args.policy;
    config.clients = args.clients;
    config.url = args.url;
    config.hosts = args.host;
    config.audit = args.audit;
    config.approvals = args
        .approvals
        .zip(args.approvers)
        .map(|(database, approvers)| ApprovalFiles {
            database,
            approvers,
            used: args.used,
            roles: args.approver_role,
        });
    hexgate_authzen::run(&config, &Environment::from_env()?)?;
    Ok(Exit::Done)
}
