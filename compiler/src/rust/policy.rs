//! A policy in Rust, from its manifest to its component.

use std::{
    fs,
    path::{Path, PathBuf},
};

use hexgate_base::disk::Folder;
use hexgate_bundle::{Claims, Draft, Stem, StemError};

use super::{CargoError, cargo::Cargo, component, package::Package, report::Files};
use crate::{
    CONTRACT, Compiled, Compiler, MakeError, Outcome, Release,
    diagnostic::{Diagnostic, Severity, Sink},
    plan::COMPILER,
    source::{FileId, Sources, Span},
};

/// A compiled policy that is written in Rust.
#[derive(Debug, Clone)]
pub struct RustPolicy {
    /// The component.
    pub component: Vec<u8>,
    /// The package's name: names the files of the bundle.
    pub name: String,
    /// SHA-256 of the sources, which the component tells about itself.
    pub source_digest: [u8; 32],
    /// Whether its maker claims that it keeps nothing from one decision to the next.
    pub stateless: bool,
    /// The YAML policy that the code narrows. None: it decides alone.
    pub narrows: Option<Box<Compiled>>,
}

impl RustPolicy {
    /// The bundle's source file. A host that evaluates it instead of the component denies everything.
    pub const SOURCE: &str =
        "# The policy of this bundle is written in Rust. This one denies everything.\ntools: {}\n";

    /// What becomes the bundle of this policy: [`hexgate_bundle::write`] makes it.
    ///
    /// # Errors
    ///
    /// If the package's name cannot name the files of a bundle.
    pub fn draft(&self, release: &Release) -> Result<Draft<'_>, StemError> {
        let stem: Stem = self.name.parse()?;
        let claims = Claims {
            stateless: self.stateless,
            ..Claims::new(stem.source(), CONTRACT, "rust", COMPILER)
        };
        Ok(release.draft(stem, Self::SOURCE, "", &self.component, claims))
    }
}

impl Compiler {
    /// Builds a policy that is written in Rust with the user's cargo. The plan of a YAML policy that it narrows is written beside that
    /// if it is not there, or is another one's.
    ///
    /// # Errors
    ///
    /// If the package cannot be read, or cargo cannot be used. A policy that is refused is an [`Outcome`] without one.
    pub fn compile_rust(&self, manifest: &Path) -> Result<Outcome<RustPolicy>, MakeError> {
        let cargo = Cargo::find();
        let package = Package::read(manifest, &cargo)?;
        let narrowed = match &package.settings.policy {
            None if !self.has_default_limits() => {
                return Err(MakeError::Option(
                    "limits are compiled into a YAML policy, and this package narrows none: leave `--max-arguments-bytes` and `--max-facts-bytes` out",
                ));
            }
            None => None,
            Some(yaml) => Some(self.compile_path(&beside(manifest, yaml))?),
        };
        let mut outcome = Outcome {
            policy: None,
            diagnostics: Vec::new(),
            sources: Sources::default(),
        };
        let mut narrows = None;
        if let Some(narrowed) = narrowed {
            (outcome.diagnostics, outcome.sources) = (narrowed.diagnostics, narrowed.sources);
            let Some(compiled) = narrowed.policy else {
                return Ok(outcome);
            };
            keep_plan(&package, &compiled.plan)?;
            narrows = Some(Box::new(compiled));
        }
        let manifest = outcome.sources.add(manifest.display().to_string(), "");
        let mut sink = Sink::default();
        outcome.policy = build(
            &cargo,
            &package,
            manifest,
            narrows,
            &mut outcome.sources,
            &mut sink,
        )?;
        let refused = sink.has_errors();
        outcome.diagnostics.extend(sink.finish());
        let warned = |diagnostic: &Diagnostic| diagnostic.severity == Severity::Warning;
        if refused || self.denies_warnings() && outcome.diagnostics.iter().any(warned) {
            outcome.policy = None;
        }
        Ok(outcome)
    }
}

fn build(
    cargo: &Cargo,
    package: &Package,
    manifest: FileId,
    narrows: Option<Box<Compiled>>,
    sources: &mut Sources,
    sink: &mut Sink,
) -> Result<Option<RustPolicy>, CargoError> {
    let source_digest = package.source_digest()?;
    let built = cargo.build(package, &source_digest)?;
    let mut files = Files::default();
    for message in &built.messages {
        sink.extend(message.diagnostic(package, manifest, &mut files, sources));
    }
    let Some(module) = built.module else {
        return Ok(None);
    };
    let module = read(&module)?;
    let at = Span::whole(manifest);
    let component = match component::encode(&module) {
        Ok(component) => component,
        Err(fault) => {
            sink.push(Diagnostic::new(fault.code, fault.message, at, "").with_help(fault.help));
            return Ok(None);
        }
    };
    if let Some(narrowed) = &narrows
        && !holds(&module, &narrowed.plan)
    {
        let yaml = package.settings.policy.as_deref().unwrap_or_default();
        sink.push(
            Diagnostic::new(
                "rust-policy-unused",
                format!("the component does not hold `{yaml}`, which the package names as its policy"),
                at,
                "",
            )
            .with_help(format!(
                "export the check as `export!(NAME narrows \"{}\")`, or leave `policy` out of `[package.metadata.hexgate]`",
                yaml.trim_end_matches(".yaml")
            )),
        );
        return Ok(None);
    }
    Ok(Some(RustPolicy {
        component,
        name: package.name.clone(),
        source_digest,
        stateless: package.settings.stateless,
        narrows,
    }))
}

/// Puts the plan where the code includes it from.
fn keep_plan(package: &Package, plan: &[u8]) -> Result<(), CargoError> {
    let yaml = package.settings.policy.as_deref().unwrap_or_default();
    let path = package.folder.join(yaml).with_extension("plan");
    if fs::read(&path).is_ok_and(|known| known == plan) {
        return Ok(());
    }
    let failed = |source| CargoError::File {
        what: "write",
        path: path.clone(),
        source,
    };
    // Readable like any other file of the package, within the user's umask.
    let write = || {
        let (folder, name) = Folder::of(&path)?;
        folder.replace(name, 0o666, plan)
    };
    write().map_err(failed)
}

fn beside(manifest: &Path, name: &str) -> PathBuf {
    manifest.with_file_name(name)
}

fn read(path: &Path) -> Result<Vec<u8>, CargoError> {
    fs::read(path).map_err(|source| CargoError::File {
        what: "read",
        path: path.to_owned(),
        source,
    })
}

/// Whether a plan stands in a module, in one piece.
fn holds(module: &[u8], plan: &[u8]) -> bool {
    module.windows(plan.len()).any(|window| window == plan)
}
