//! `hexgate policy validate`

use std::path::PathBuf;

use hexgate_compiler::{Artifact, Options, model::Policy};

use crate::making::{self, Accepted, FormatName, Making};
use crate::{
    exit::Exit,
    output::{self, Style, Tone, count},
};

/// Check a policy, and report all errors and warnings
///
/// Exit codes: 0 valid, 1 refused, 2 misuse or environment.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  hexgate policy validate policy.yaml
  hexgate policy validate roles/ --deny-warnings
  hexgate policy validate policy.rego --data data.json \\
    --entrypoint shop/policy/decision
  hexgate policy validate policy.yaml --format sarif > policy.sarif")]
pub(crate) struct Args {
    /// The policy: a YAML file, a directory with a role in each `*.yaml` file, a file `*.rego`, the `Cargo.toml` of a package in Rust,
    /// or a component `*.wasm` that other tools have built
    policy: PathBuf,

    #[command(flatten)]
    making: Making,

    /// How to report
    #[arg(long, value_enum, value_name = "FORMAT", default_value = "human")]
    format: FormatName,

    /// Refuse a policy with warnings
    #[arg(long)]
    deny_warnings: bool,
}

pub(super) fn run(args: &Args) -> anyhow::Result<Exit> {
    let options = Options::default().with_denied_warnings(args.deny_warnings);
    let outcome = making::make(&args.policy, &args.making, options)?;
    making::report(&args.policy, &outcome, args.format, Accepted::Untold)?;
    let Some(artifact) = &outcome.policy else {
        return Ok(Exit::Failed);
    };
    if args.format == FormatName::Human {
        let path = args.policy.display().to_string();
        let found = match making::warnings(&outcome) {
            0 => String::new(),
            warnings => format!(", with {}", count(warnings, "warning")),
        };
        let mark = Style::stdout().paint(Tone::Good, "✓");
        output::print(&format!(
            "{mark} {} is valid: {}{found}\n",
            output::harmless(&path),
            match artifact {
                Artifact::Policy(policy) => extent(&policy.model),
                Artifact::Rego(_) => "Rego that OPA compiles".to_owned(),
                Artifact::Built(_) => "a component that imports nothing".to_owned(),
                Artifact::Rust(policy) => match &policy.narrows {
                    Some(narrowed) => format!("Rust that narrows {}", extent(&narrowed.model)),
                    None => "Rust that decides alone".to_owned(),
                },
            }
        ))?;
    }
    Ok(Exit::Done)
}

/// The size of a policy.
fn extent(policy: &Policy) -> String {
    let rules: usize = policy.roles.values().map(|role| role.tools.len()).sum();
    format!(
        "{}, {}",
        count(policy.roles.len(), "role"),
        count(rules, "tool rule")
    )
}
