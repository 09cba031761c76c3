//! From a policy in any language to a component, for either engine.

use std::path::Path;

use hexgate_bundle::{Draft, StemError, V1Draft, is_bundle};

use crate::{
    BuiltPolicy, Compiled, Compiler, MakeError, OpaCoreError, Outcome, RegoOptions, RegoPolicy,
    Release, RustPolicy, is_built, is_rego, is_rust,
    opa::{Entrypoint, Opa},
    rego::Refusal,
};

/// What evaluates a policy inside its component.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[cfg_attr(feature = "clap", derive(clap::ValueEnum))]
pub enum Engine {
    /// The engine of hexgate
    #[default]
    Native,
    /// The policy as Rego, compiled by OPA: `opa` from `HEXGATE_OPA_BIN` or the path
    Rego,
}

/// A component and what it was made from.
#[derive(Debug, Clone)]
pub enum Artifact {
    /// From a policy in our language.
    Policy(Box<Compiled>),
    /// From a policy in Rego.
    Rego(Box<RegoPolicy>),
    /// From a policy in Rust.
    Rust(Box<RustPolicy>),
    /// From a component that other tools have built.
    Built(Box<BuiltPolicy>),
}

impl Compiler {
    /// Makes a component of the policy at `path`: a YAML file, a directory of roles, a file `*.rego`, which is always for
    /// [`Engine::Rego`], or the `Cargo.toml` of a package in Rust or a file `*.wasm`, which are for neither engine.
    ///
    /// # Errors
    ///
    /// If the policy cannot be read, OPA or cargo is needed and cannot be used, or an option does not fit. A policy that is refused is
    /// an [`Outcome`] without one.
    pub fn make(
        &self,
        path: &Path,
        engine: Option<Engine>,
        options: &RegoOptions,
    ) -> Result<Outcome<Artifact>, MakeError> {
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
            return Ok(outcome.map(|policy| Artifact::Rego(Box::new(policy))));
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
            return Ok(outcome.map(|policy| Artifact::Rust(Box::new(policy))));
        }
        if is_built(path) {
            if engine.is_some() {
                return Err(MakeError::Option(
                    "a component is its own engine: leave `--engine` out",
                ));
            }
            let outcome = self.take_built(path)?;
            return Ok(outcome.map(|policy| Artifact::Built(Box::new(policy))));
        }
        let mut outcome = self.compile_path(path)?;
        if engine == Some(Engine::Rego)
            && let Some(policy) = outcome.policy.take()
        {
            outcome = policy.through_opa(&Opa::at_or_find(options.opa.as_deref())?, outcome)?;
        }
        Ok(outcome.map(|policy| Artifact::Policy(Box::new(policy))))
    }
}

impl Artifact {
    /// The component.
    #[must_use]
    pub fn component(&self) -> &[u8] {
        match self {
            Self::Policy(policy) => &policy.component,
            Self::Rego(policy) => &policy.component,
            Self::Rust(policy) => &policy.component,
            Self::Built(policy) => &policy.component,
        }
    }

    /// The policy in our language. None: it is written in another one.
    #[must_use]
    pub fn policy(&self) -> Option<&Compiled> {
        match self {
            Self::Policy(policy) => Some(policy),
            Self::Rego(_) | Self::Rust(_) | Self::Built(_) => None,
        }
    }

    /// What becomes the bundle of this policy: [`hexgate_bundle::write`] makes it.
    ///
    /// # Errors
    ///
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
    ///
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
    ///
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
    ///
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
