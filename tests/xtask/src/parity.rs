//! Oracle, evaluator, native component and the component that OPA compiled, side by side on random policies and calls.

use anyhow::Result;

use crate::{setup::opa, workspace};

/// What every full test run compares.
const CASES: u64 = 150_000;

/// The fewest policies. More cases than [`CALLS`] for each of them take more policies.
const POLICIES: u64 = 750;

/// The most calls of one policy.
const CALLS: u64 = 1_000;

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// How many calls to compare
    #[arg(long, value_name = "N", default_value_t = CASES)]
    cases: u64,
    /// Of how many policies [default: 750, or as many as it takes for 1,000 calls each]
    #[arg(long, value_name = "N")]
    policies: Option<u64>,
    /// The seed of the first policy
    #[arg(long, value_name = "S", default_value_t = 0)]
    seed: u64,
    /// Build with all optimisations first: pays off from some million cases on
    #[arg(long)]
    release: bool,
}

impl Default for Args {
    fn default() -> Self {
        Self {
            cases: CASES,
            policies: None,
            seed: 0,
            release: false,
        }
    }
}

pub(crate) fn run(args: &Args) -> Result<()> {
    let policies = args
        .policies
        .unwrap_or_else(|| args.cases.div_ceil(CALLS).max(POLICIES));
    let mut command = workspace::cargo();
    // Without `--package`: with the features of the whole workspace, as everything else is built.
    command.args(["run", "--quiet", "--bin", "parity"]);
    if args.release {
        command.arg("--release");
    }
    command.arg("--");
    command.args([args.cases, policies, args.seed].map(|number| number.to_string()));
    // Without one that was set up, the user's own is found.
    if let Some(opa) = opa::binary(&workspace::tools()) {
        command.env("HEXGATE_OPA_BIN", opa);
    }
    workspace::run(&mut command)
}
