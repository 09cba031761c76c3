//! Why a policy in any language cannot be compiled. What is wrong with the policy itself is a diagnostic instead.

mod cargo;

use std::path::PathBuf;

use hexgate_bundle::{SealError, StemError};
use hexgate_component::WrapError;

use crate::{
    opa::{Entrypoint, OpaError},
    rego::Refusal,
    source::ReadError,
};

pub use cargo::{CargoError, TARGET};

/// A policy cannot be made. What is wrong with the policy itself is a diagnostic instead.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum MakeError {
    /// It cannot be read.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// OPA cannot be used.
    #[error(transparent)]
    Opa(#[from] OpaError),
    /// Cargo cannot be used.
    #[error(transparent)]
    Cargo(#[from] CargoError),
    /// It was made already.
    #[error(
        "`{}` is a bundle already: name the policy that it was built from; `hexgate policy inspect` shows what is in it, and `hexgate policy verify` who signed it",
        .0.display()
    )]
    Bundle(PathBuf),
    /// It is a part of a package, or its folder.
    #[error("`{}` is not a policy but of a package in Rust: name the package's `Cargo.toml`", .0.display())]
    OfPackage(PathBuf),
    /// An option does not fit the policy.
    #[error("{0}")]
    Option(&'static str),
}

/// A policy cannot be handed to a host that speaks OPA's own ABI.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OpaCoreError {
    /// OPA cannot be used.
    #[error(transparent)]
    Opa(#[from] OpaError),
    /// The policy cannot be printed as Rego.
    #[error("the policy cannot be printed as Rego: {0}")]
    Refusal(#[from] Refusal),
    /// OPA refuses what was printed.
    #[error("OPA refuses the policy as Rego: {0}; `--emit rego` writes it")]
    Refused(String),
    /// OPA's module cannot be made a component.
    #[error("OPA's module cannot be made a component: {0}")]
    Wrap(#[from] WrapError),
    /// The module alone would decide without the data.
    #[error(
        "OPA's module does not hold the data, and a host of OPA's ABI would decide without them: leave `--data` out, and write what the rules need into the policy"
    )]
    Data,
    /// The module alone would be asked another rule.
    #[error(
        "a host of OPA's ABI asks `{}`: name the package and rule so, and leave `--entrypoint` out",
        Entrypoint::DEFAULT
    )]
    Entrypoint,
    /// The policy's name cannot name a bundle.
    #[error(transparent)]
    Stem(#[from] StemError),
    /// The bundle breaks a rule.
    #[error(transparent)]
    Seal(#[from] SealError),
}
