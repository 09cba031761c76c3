//! From whatever a policy is written in to a component, whichever engine evaluates it.

use std::path::{Path, PathBuf};

use hexgate_bundle::{Draft, SealError, StemError, V1Draft, is_bundle};
use hexgate_component::WrapError;

use crate::{
    BuiltPolicy, CargoError, Compiled, Compiler, Outcome, RegoPolicy, Release, RustPolicy,
    is_built, is_rust,
    opa::{Entrypoint, Opa, OpaError},
    rego::Refusal,
    source::ReadError,
};

/// What evaluates a policy inside its component.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[cfg_attr(feature = "cli", derive(clap::ValueEnum))]
pub enum Engine {
    /// The engine of hexgate
    #[default]
    Native,
    /// The policy as Rego, compiled by OPA: `opa` from `HEXGATE_OPA_BIN` or the path
    Rego,
}

/// What only policies that are written in Rego have.
///
/// With the feature `cli` these are options of command lines; what is documented here is their help.
#[derive(Debug, Clone, Default)]
#[cfg_attr(feature = "cli", derive(clap::Args))]
pub struct RegoOptions {
    /// What a policy in Rego sees as `data`: a file with one JSON object
    #[cfg_attr(feature = "cli", arg(long, value_name = "FILE"))]
    pub data: Option<PathBuf>,

    /// The rule of a policy in Rego that is asked [default: hexgate/policy/decision]
    #[cfg_attr(feature = "cli", arg(long, value_name = "PATH"))]
    pub entrypoint: Option<Entrypoint>,

    /// The Open Policy Agent. None: the one that `HEXGATE_OPA_BIN` names, else the one on the path.
    #[cfg_attr(feature = "cli", arg(skip))]
    pub opa: Option<PathBuf>,
}

/// A component and what it was made from.
#[derive(Debug, Clone)]
pub enum Product {
    /// From a policy in our language.
    Policy(Box<Compiled>),
    /// From a policy in Rego.
    Rego(Box<RegoPolicy>),
    /// From a policy in Rust.
    Rust(Box<RustPolicy>),
    /// From a component that other tools have built.
    Built(Box<BuiltPolicy>),
}

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

impl Compiler {
    /// Makes a component of the policy at `path`: a YAML file, a directory of roles, a file `*.rego`, which is always for
    /// [`Engine::Rego`], or the `Cargo.toml` of a package in Rust or a file `*.wasm`, which are for neither engine.
    ///
    /// # Errors
    /// If the policy cannot be read, OPA or cargo is needed and cannot be used, or an option does not fit. A policy that is refused is
    /// an [`Outcome`] without one.
    pub fn make(
        &self,
        path: &Path,
        engine: Option<Engine>,
        options: &RegoOptions,
    ) -> Result<Outcome<Product>, MakeError> {
        if is_bundle(path) {
            return Err(MakeError::Bundle(path.to_owned()));
        }
        if path.extension().is_some_and(|ending| ending == "rs")
            || path.join("Cargo.toml").is_file()
        {
            return Err(MakeError::OfPackage(path.to_owned()));
        }
        if is_rego(path) {
            if engine == Some(Engine::Native) {
                return Err(MakeError::Option(
                    "a policy in Rego is evaluated by OPA's module: leave `--engine native` out",
                ));
            }
            let opa = Opa::at_or_find(options.opa.as_deref())?;
            let outcome = self.compile_rego(path, options, &opa)?;
            return Ok(outcome.map(|policy| Product::Rego(Box::new(policy))));
        }
        if options.data.is_some() || options.entrypoint.is_some() {
            return Err(MakeError::Option(
                "`--data` and `--entrypoint` are for policies in Rego, whose file names end in `.rego`: leave them out",
            ));
        }
        if is_rust(path) {
            if engine.is_some() {
                return Err(MakeError::Option(
                    "a policy in Rust is its own engine: leave `--engine` out",
                ));
            }
            let outcome = self.compile_rust(path)?;
            return Ok(outcome.map(|policy| Product::Rust(Box::new(policy))));
        }
        if is_built(path) {
            if engine.is_some() {
                return Err(MakeError::Option(
                    "a component is its own engine: leave `--engine` out",
                ));
            }
            let outcome = self.take_built(path)?;
            return Ok(outcome.map(|policy| Product::Built(Box::new(policy))));
        }
        let mut outcome = self.compile_path(path)?;
        if engine == Some(Engine::Rego)
            && let Some(policy) = outcome.policy.take()
        {
            outcome = policy.through_opa(&Opa::at_or_find(options.opa.as_deref())?, outcome)?;
        }
        Ok(outcome.map(|policy| Product::Policy(Box::new(policy))))
    }
}

/// Whether the policy at `path` is written in Rego: its name says so.
pub fn is_rego(path: &Path) -> bool {
    path.extension().is_some_and(|ending| ending == "rego") && !path.is_dir()
}

impl Product {
    /// The component.
    pub fn component(&self) -> &[u8] {
        match self {
            Self::Policy(policy) => &policy.component,
            Self::Rego(policy) => &policy.component,
            Self::Rust(policy) => &policy.component,
            Self::Built(policy) => &policy.component,
        }
    }

    /// The policy in our language. None: it is written in another one.
    pub fn policy(&self) -> Option<&Compiled> {
        match self {
            Self::Policy(policy) => Some(policy),
            Self::Rego(_) | Self::Rust(_) | Self::Built(_) => None,
        }
    }

    /// What becomes the bundle of this policy: [`hexgate_bundle::write`] makes it.
    ///
    /// # Errors
    /// If the policy's file name cannot name the files of a bundle.
    pub fn draft(&self, release: &Release) -> Result<Draft<'_>, StemError> {
        match self {
            Self::Policy(policy) => policy.draft(release),
            Self::Rego(policy) => policy.draft(release),
            Self::Rust(policy) => policy.draft(release),
            Self::Built(policy) => policy.draft(release),
        }
    }

    /// The policy as Rego.
    ///
    /// # Errors
    /// If it cannot be printed.
    pub fn rego(&self) -> Result<&str, Refusal> {
        match self {
            Self::Policy(policy) => policy.rego(),
            Self::Rego(policy) => Ok(&policy.rego),
            Self::Rust(_) => Err(Refusal::Rust),
            Self::Built(_) => Err(Refusal::Built),
        }
    }

    /// OPA's own module in a bundle of the Python system, made by OPA if it is not in the component.
    ///
    /// # Errors
    /// If there is no OPA, or the module alone would not decide as the component does.
    pub fn opa_core(&self) -> Result<OpaCore<'_>, OpaCoreError> {
        match self {
            Self::Policy(policy) => Ok(OpaCore {
                file_name: &policy.file_name,
                source: &policy.source,
                rego: policy.rego()?,
                module: match policy.opa_module() {
                    Some(module) => module.to_vec(),
                    None => policy.build_module(&Opa::find()?)?,
                },
            }),
            Self::Rust(_) => Err(Refusal::Rust.into()),
            Self::Built(_) => Err(Refusal::Built.into()),
            Self::Rego(policy) if policy.has_data => Err(OpaCoreError::Data),
            Self::Rego(policy) if policy.entrypoint != Entrypoint::default() => {
                Err(OpaCoreError::Entrypoint)
            }
            Self::Rego(policy) => Ok(OpaCore {
                file_name: &policy.file_name,
                source: RegoPolicy::SOURCE,
                rego: &policy.rego,
                module: policy.module.clone(),
            }),
        }
    }
}

/// What a bundle of the Python system is made of.
#[derive(Debug)]
pub struct OpaCore<'a> {
    file_name: &'a Path,
    source: &'a str,
    rego: &'a str,
    module: Vec<u8>,
}

impl OpaCore<'_> {
    /// The bundle, of version 1 of the manifest.
    ///
    /// # Errors
    /// If the policy's file name cannot name the files of a bundle.
    pub fn draft(&self) -> Result<V1Draft<'_>, StemError> {
        Ok(V1Draft {
            stem: hexgate_bundle::Stem::from_path(self.file_name)?,
            source: self.source.as_bytes(),
            rego: self.rego,
            wasm: &self.module,
        })
    }
}
