//! The command line.

use std::path::PathBuf;

use clap::{Parser, ValueEnum, value_parser};
use hexgate_compiler::{Release, model::Limits};

use crate::making::{FormatName, Making};

/// Compile an authorization policy for AI agents into a signed WebAssembly component.
///
/// Exit codes: 0 done, 1 the policy is refused, 2 misuse or environment.
#[derive(Debug, Parser)]
#[command(name = "hexgate-compile", version)]
pub(crate) struct Args {
    /// The policy: a YAML file, a directory with a role in each `*.yaml` file, a file `*.rego`, the `Cargo.toml` of a package in Rust,
    /// or a component `*.wasm` that other tools have built
    #[arg(required_unless_present_any = ["explain", "schema"])]
    pub(crate) policy: Option<PathBuf>,

    /// Where to write. For a bundle alone this is the bundle's folder [default: `NAME.bundle` here]; with other outputs the folder
    /// for all of them, the bundle in `NAME.bundle` within [default: here]
    #[arg(short, long, value_name = "DIR")]
    pub(crate) out: Option<PathBuf>,

    /// Sign the bundle with this private key
    #[arg(long, value_name = "FILE")]
    pub(crate) sign_key: Option<PathBuf>,

    #[command(flatten)]
    pub(crate) release: Release,

    #[command(flatten)]
    pub(crate) making: Making,

    /// Make something else of the policy than a bundle; for `http` write `NAME.http.wasm`
    #[arg(
        long,
        value_enum,
        value_name = "TARGET",
        conflicts_with_all = ["emit", "sign_key", "Release"]
    )]
    pub(crate) target: Option<Target>,

    /// What to write
    #[arg(
        long,
        value_enum,
        value_delimiter = ',',
        value_name = "KIND",
        default_value = "bundle"
    )]
    pub(crate) emit: Vec<Emit>,

    /// The longest arguments of a call that are decided, in bytes
    #[arg(long, value_name = "BYTES", value_parser = value_parser!(u32).range(2..=i64::from(Limits::MAX_BYTES)))]
    max_arguments_bytes: Option<u32>,

    /// The longest facts of a call that are decided, in bytes
    #[arg(long, value_name = "BYTES", value_parser = value_parser!(u32).range(2..=i64::from(Limits::MAX_BYTES)))]
    max_facts_bytes: Option<u32>,

    /// Report only, and write nothing
    #[arg(long, conflicts_with_all = ["out", "sign_key", "Release", "target", "emit"])]
    pub(crate) check: bool,

    /// Refuse a policy with warnings
    #[arg(long)]
    pub(crate) deny_warnings: bool,

    /// How to report: `human` on stderr, the others on stdout
    #[arg(long, value_enum, value_name = "FORMAT", default_value = "human")]
    pub(crate) format: FormatName,

    /// Do not say what was written
    #[arg(short, long)]
    pub(crate) quiet: bool,

    /// Explain a code of an error or a warning
    #[arg(long, value_name = "CODE", exclusive = true)]
    pub(crate) explain: Option<String>,

    /// Print the JSON schema of policies, for editors
    #[arg(long, exclusive = true)]
    pub(crate) schema: bool,
}

/// What can be made of a policy.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Target {
    /// A decision point: one component that every runtime of `wasi:http` serves
    Http,
}

/// What can be written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, ValueEnum)]
pub(crate) enum Emit {
    /// The bundle: policy, component, manifest and signature
    Bundle,
    /// The component
    Component,
    /// The core module within the component
    Core,
    /// An ES module for Node, browsers and workerd, with its types and the core modules beside it
    Js,
    /// The plan that the engine evaluates
    Plan,
    /// The policy as Rego
    Rego,
    /// OPA's module as a bundle of its own, for hosts that speak OPA's ABI; needs `opa`
    OpaCore,
    /// The policy as one document
    Source,
    /// The JSON schema of policies
    Schema,
}

impl Emit {
    /// As it is written on the command line.
    pub(crate) fn name(self) -> String {
        self.to_possible_value()
            .map(|value| value.get_name().to_owned())
            .unwrap_or_default()
    }
}

impl Args {
    pub(crate) fn limits(&self) -> Limits {
        let default = Limits::default();
        Limits {
            arguments_bytes: self.max_arguments_bytes.unwrap_or(default.arguments_bytes),
            facts_bytes: self.max_facts_bytes.unwrap_or(default.facts_bytes),
        }
    }
}
