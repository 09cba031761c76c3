//! `hexgate policy show-rego`

use std::path::PathBuf;

use crate::making::{self, Making};
use crate::{exit::Exit, output};

/// Print a policy as Rego
///
/// A bundle holds this text beside the component, and `opa` compiles it. Exit codes: 0 printed, 1 the policy is refused or has no Rego
/// form, 2 misuse or environment.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  hexgate policy show-rego policy.yaml
  hexgate policy show-rego roles/ > policy.rego")]
pub(crate) struct Args {
    /// The policy: a YAML file, or a directory with a role in each `*.yaml` file
    policy: PathBuf,
}

pub(super) fn run(args: &Args) -> anyhow::Result<Exit> {
    let Some(artifact) = making::made(&args.policy, &Making::default())? else {
        return Ok(Exit::Failed);
    };
    match artifact.rego() {
        Ok(rego) => {
            output::print(rego)?;
            Ok(Exit::Done)
        }
        Err(refusal) => {
            output::note(&refusal.to_string());
            Ok(Exit::Failed)
        }
    }
}
