//! A policy that other tools have built: `cargo component build`, or any compiler that makes components of the world.

use std::{
    io,
    path::{Path, PathBuf},
};

use hexgate_bundle::{Claims, Draft, MAX_WASM_BYTES, Stem, StemError};

use crate::{
    CONTRACT, Compiler, MakeError, Outcome, Release,
    diagnostic::{Diagnostic, Sink},
    plan::COMPILER,
    rust::component,
    source::{ReadError, Sources, Span, read_bytes},
};

/// A policy that was a component already, or the module of one.
#[derive(Debug, Clone)]
pub struct BuiltPolicy {
    /// The component.
    pub component: Vec<u8>,
    /// What it was read from, without the folders that lead there: names the files of its bundle.
    pub file_name: PathBuf,
}

impl BuiltPolicy {
    /// The bundle's source file. A host that evaluates it instead of the component denies everything.
    pub const SOURCE: &str = "# The policy of this bundle is a component that was built elsewhere. This one denies everything.\ntools: {}\n";

    /// What becomes the bundle of this policy: [`hexgate_bundle::write`] makes it.
    ///
    /// # Errors
    ///
    /// If the file's name cannot name the files of a bundle.
    pub fn draft(&self, release: &Release) -> Result<Draft<'_>, StemError> {
        let stem = Stem::from_path(&self.file_name.with_extension(""))?;
        // Whether it keeps state is not known, so the manifest does not claim that it keeps none.
        let claims = Claims::new(stem.source(), CONTRACT, "component", COMPILER);
        Ok(release.draft(stem, Self::SOURCE, "", &self.component, claims))
    }
}

/// Whether the policy at `path` was built already: its name ends in `.wasm`.
pub fn is_built(path: &Path) -> bool {
    path.extension().is_some_and(|ending| ending == "wasm") && !path.is_dir()
}

impl Compiler {
    /// Takes a component that other tools have built, or makes one of a module that `cargo build` made. Either is refused unless it is of
    /// the world of policies and imports nothing.
    ///
    /// # Errors
    ///
    /// If it cannot be read, or this compiler made it. A policy that is refused is an [`Outcome`] without one.
    pub fn take_built(&self, path: &Path) -> Result<Outcome<BuiltPolicy>, MakeError> {
        if !self.has_default_limits() {
            return Err(MakeError::Option(
                "limits are compiled into a policy, and this one is a component already: leave `--max-arguments-bytes` and `--max-facts-bytes` out",
            ));
        }
        let bytes = read(path)?;
        let is_ours = hexgate_component::plan_of(&bytes).is_some()
            || hexgate_component::opa_module_of(&bytes).is_some();
        if is_ours {
            return Err(MakeError::Option(
                "the component was made of a policy by this compiler: name that policy instead, so that the bundle holds it too",
            ));
        }
        let mut sources = Sources::default();
        let at = Span::whole(sources.add(path.display().to_string(), ""));
        let mut sink = Sink::default();
        let policy = match component::of_policy(&bytes) {
            Ok(component) => Some(BuiltPolicy {
                component,
                file_name: path.file_name().unwrap_or_default().into(),
            }),
            Err(fault) => {
                sink.push(Diagnostic::new(fault.code, fault.message, at, "").with_help(fault.help));
                None
            }
        };
        Ok(Outcome {
            policy,
            diagnostics: sink.finish(),
            sources,
        })
    }
}

/// At most as much as a bundle may hold.
fn read(path: &Path) -> Result<Vec<u8>, ReadError> {
    read_bytes(path, MAX_WASM_BYTES)?.ok_or_else(|| ReadError {
        path: path.to_owned(),
        error: io::Error::new(
            io::ErrorKind::FileTooLarge,
            format!("it is larger than {MAX_WASM_BYTES} bytes, which is the limit for a component"),
        ),
    })
}
