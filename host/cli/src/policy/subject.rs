//! The subject of a command: a policy's source, a bundle, or a component.

use std::{
    fs,
    io::{self, Read},
    path::{Path, PathBuf},
    time::SystemTime,
};

use anyhow::Context;
use hexgate_bundle::{
    Contents, DangerousUnsignedBundle, Expectation, Obligation, TrustedKeys, UnverifiedBundle,
    VerifiedBundle,
};
use hexgate_compiler::{Artifact, Compiled, Compiler, Engine, Options, model, opa::Opa};
use hexgate_eval::Plan;
use hexgate_host::Policy;

use crate::making::{self, Making};
use crate::{exit::Refused, output};

/// A policy that can be asked.
pub(crate) struct Subject {
    /// The path that the user gave.
    pub(super) name: String,
    /// What decides.
    pub(super) component: Vec<u8>,
    /// What the component evaluates, if its engine is the known one.
    pub(super) plan: Option<Vec<u8>>,
    /// The policy as the compiler sees it. None if there is no source that compiles to the very plan in the component.
    pub(super) compiled: Option<Box<Compiled>>,
    origin: Origin,
}

/// The keys that a bundle is verified with.
pub(crate) struct Keys<'a> {
    /// The files of public keys. None: it is not verified.
    pub(crate) files: &'a [PathBuf],
    /// The option that names them.
    pub(crate) option: &'static str,
}

enum Origin {
    Compiled,
    Component,
    Verified(Box<VerifiedBundle>),
    Unsigned(Box<DangerousUnsignedBundle>),
}

/// What is at a path.
pub(super) enum Found {
    /// A folder with a manifest.
    Bundle,
    /// A WebAssembly binary.
    Wasm,
    /// Anything else, so a policy's source.
    Source,
}

/// Tells what is at a path.
pub(super) fn look(path: &Path) -> anyhow::Result<Found> {
    let metadata =
        fs::metadata(path).with_context(|| format!("cannot read `{}`", path.display()))?;
    if metadata.is_dir() {
        return Ok(if hexgate_bundle::is_bundle(path) {
            Found::Bundle
        } else {
            Found::Source
        });
    }
    if !metadata.is_file() {
        return Ok(Found::Source);
    }
    let mut magic = Vec::new();
    let file = fs::File::open(path).with_context(|| format!("cannot read `{}`", path.display()))?;
    file.take(4)
        .read_to_end(&mut magic)
        .with_context(|| format!("cannot read `{}`", path.display()))?;
    Ok(if magic == b"\0asm" {
        Found::Wasm
    } else {
        Found::Source
    })
}

/// Reads a WebAssembly binary, at most as much as a bundle may hold.
pub(crate) fn read_wasm(path: &Path) -> anyhow::Result<Vec<u8>> {
    let read = || -> io::Result<Vec<u8>> {
        let mut bytes = Vec::new();
        fs::File::open(path)?
            .take(hexgate_bundle::MAX_WASM_BYTES + 1)
            .read_to_end(&mut bytes)?;
        Ok(bytes)
    };
    let bytes = read().with_context(|| format!("cannot read `{}`", path.display()))?;
    anyhow::ensure!(
        bytes.len() as u64 <= hexgate_bundle::MAX_WASM_BYTES,
        "`{}` is larger than {} bytes, which is the limit for a component",
        path.display(),
        hexgate_bundle::MAX_WASM_BYTES
    );
    Ok(bytes)
}

/// An expectation for tools that show and try bundles: any binding, any obligation.
pub(crate) fn any_bundle() -> Expectation {
    [
        Obligation::AgentGating,
        Obligation::Guards,
        Obligation::AgentUsage,
        Obligation::UserUsage,
        Obligation::Usage,
    ]
    .into_iter()
    .fold(Expectation::dangerous_any_binding(), Expectation::honours)
}

impl Subject {
    /// Opens the policy, bundle or component at `path`. None if it is a policy that the compiler refuses; that was reported.
    pub(crate) fn open(
        path: &Path,
        keys: &Keys<'_>,
        making: &Making,
    ) -> anyhow::Result<Option<Self>> {
        let found = look(path)?;
        anyhow::ensure!(
            keys.files.is_empty() || matches!(found, Found::Bundle),
            "`{}` verifies a bundle, and `{}` is not one; leave it out, or name the folder of a bundle",
            keys.option,
            path.display()
        );
        let subject = match found {
            Found::Bundle => Self::of_bundle(path, keys)?,
            Found::Wasm => Self::of_component(path)?,
            Found::Source => return Self::of_source(path, making),
        };
        anyhow::ensure!(
            making.rego.data.is_none() && making.rego.entrypoint.is_none(),
            "`--data` and `--entrypoint` are for policies in Rego, and the component in `{}` has its own: leave them out",
            path.display()
        );
        match making.engine {
            Some(engine) => subject.made_with(engine).map(Some),
            None => Ok(Some(subject)),
        }
    }

    /// The same policy, evaluated by the engine that the user asks for.
    fn made_with(self, engine: Engine) -> anyhow::Result<Self> {
        let is_rego = hexgate_component::opa_module_of(&self.component).is_some();
        if is_rego == (engine == Engine::Rego) {
            return Ok(self);
        }
        let Some(compiled) = self.compiled else {
            anyhow::bail!(
                "`{}` holds no source from which another engine could be given the same policy; leave `--engine` out, or name the policy that it was built from",
                self.name
            )
        };
        let component = match engine {
            Engine::Native => compiled.component.clone(),
            Engine::Rego => compiled.rego_component(&Opa::find()?)?,
        };
        Ok(Self {
            component,
            origin: Origin::Compiled,
            compiled: Some(compiled),
            ..self
        })
    }

    fn of_source(path: &Path, making: &Making) -> anyhow::Result<Option<Self>> {
        let Some(artifact) = making::made(path, making)? else {
            return Ok(None);
        };
        let component = artifact.component().to_vec();
        let compiled = match artifact {
            Artifact::Policy(policy) => Some(policy),
            Artifact::Rego(_) | Artifact::Rust(_) | Artifact::Built(_) => None,
        };
        Ok(Some(Self {
            name: path.display().to_string(),
            component,
            // If the component holds Rego, this compiler made it from this plan.
            plan: compiled.as_ref().map(|compiled| compiled.plan.clone()),
            compiled,
            origin: Origin::Compiled,
        }))
    }

    fn of_component(path: &Path) -> anyhow::Result<Self> {
        let component = read_wasm(path)?;
        output::note(&format!(
            "`{}` is a bare component: nothing about its origin was verified",
            path.display()
        ));
        let plan = known_plan(&component)?;
        Ok(Self {
            name: path.display().to_string(),
            component,
            plan,
            compiled: None,
            origin: Origin::Component,
        })
    }

    fn of_bundle(path: &Path, keys: &Keys<'_>) -> anyhow::Result<Self> {
        let trusted = TrustedKeys::from_files(keys.files)?;
        let unverified = UnverifiedBundle::read(path)?;
        // A bundle with obligations is refused: deciding without them would answer another question.
        let expectation = Expectation::dangerous_any_binding();
        let origin = if keys.files.is_empty() {
            let signature = if unverified.is_signed() {
                format!(
                    "its signature was not verified: pass `{} FILE`",
                    keys.option
                )
            } else {
                "it is not signed".to_owned()
            };
            let bundle = unverified
                .dangerous_without_signature(&expectation, SystemTime::now())
                .map_err(Refused::error)?;
            output::note(&format!(
                "the files of `{}` match its manifest, but {signature}",
                path.display()
            ));
            Origin::Unsigned(Box::new(bundle))
        } else {
            Origin::Verified(Box::new(
                unverified
                    .verify(&trusted, &expectation, SystemTime::now())
                    .map_err(Refused::error)?,
            ))
        };
        let contents = match &origin {
            Origin::Verified(bundle) => bundle.contents(),
            Origin::Unsigned(bundle) => bundle.contents(),
            Origin::Compiled | Origin::Component => {
                anyhow::bail!("`{}` has no contents", path.display())
            }
        };
        let component = hexgate_host::component_of(contents)
            .map_err(|error| Refused::error(format!("`{}` is refused: {error}", path.display())))?
            .into_owned();
        let plan = known_plan(&component)?;
        let compiled = compiled_from(contents).map(Box::new);
        Ok(Self {
            name: path.display().to_string(),
            component,
            plan,
            compiled,
            origin,
        })
    }

    /// Whether the manifest claims that the component keeps nothing from one decision to the next.
    pub(super) fn claims_stateless(&self) -> bool {
        match &self.origin {
            Origin::Verified(bundle) => bundle.contents().manifest().stateless(),
            Origin::Unsigned(bundle) => bundle.contents().manifest().stateless(),
            Origin::Compiled | Origin::Component => false,
        }
    }

    /// The policy, loaded by the host.
    pub(crate) fn load(&self, engine: &hexgate_host::Engine) -> anyhow::Result<Policy> {
        let loaded = match &self.origin {
            Origin::Verified(bundle) => Policy::load(engine, bundle),
            Origin::Unsigned(bundle) => Policy::dangerous_load_unsigned(engine, bundle),
            Origin::Compiled | Origin::Component => {
                Policy::dangerous_from_unverified_bytes(engine, &self.component)
            }
        };
        loaded.map_err(|error| match error.kind() {
            hexgate_host::ErrorKind::Host => {
                anyhow::Error::new(error).context(format!("cannot load `{}`", self.name))
            }
            _ => Refused::error(format!("`{}` is refused: {error}", self.name)),
        })
    }

    /// The plan, for what only the known engine can tell; `what` is that.
    pub(super) fn known(&self, what: &str) -> anyhow::Result<Plan<'_>> {
        let Some(plan) = &self.plan else {
            anyhow::bail!(
                "{what} needs a policy of the known engine, and the component in `{}` is of another one, which tells its verdict and nothing else",
                self.name
            );
        };
        Ok(Plan::open(plan)?)
    }
}

/// The plan in a component of the known engine, checked.
pub(super) fn known_plan(component: &[u8]) -> anyhow::Result<Option<Vec<u8>>> {
    let Some(bytes) = hexgate_component::plan_of(component) else {
        return Ok(None);
    };
    let refused = |error: &dyn std::fmt::Display| {
        Refused::error(format!(
            "the plan in the component is damaged: {error}; compile the policy again"
        ))
    };
    let plan = Plan::open(bytes).map_err(|error| refused(&error))?;
    plan.validate().map_err(|error| refused(&error))?;
    Ok(Some(bytes.to_vec()))
}

/// The policy in a bundle, if its source compiles to exactly the plan in the component.
pub(super) fn compiled_from(contents: &Contents) -> Option<Compiled> {
    let wasm = contents.wasm();
    let of_rego = || hexgate_component::opa_module_of(wasm).map(|(_, plan)| plan);
    let plan = hexgate_component::plan_of(wasm).or_else(of_rego)?;
    let source = std::str::from_utf8(contents.source()?).ok()?;
    let opened = Plan::open(plan).ok()?;
    let limits = model::Limits {
        arguments_bytes: opened.arguments_bytes().ok()?,
        facts_bytes: opened.facts_bytes().ok()?,
    };
    let outcome = Compiler::new(Options::default().with_limits(limits))
        .compile_str(contents.manifest().source(), source);
    outcome.policy.filter(|compiled| compiled.plan == plan)
}
