//! One build: the policy and its data in, the module out.

use std::{
    fs::{self, File, Permissions},
    io::Read,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
};

use super::{
    Entrypoint, Opa, OpaError,
    archive::{self, Fault},
    capabilities, report,
};
use crate::{
    diagnostic::{Diagnostic, Sink, quoted},
    source::{FileId, Sources, Span},
};

/// What the files are called in the folder of a build. The module holds the policy's name, so it is the same for all: where a file
/// was does not change the module.
pub(super) const POLICY: &str = "policy.rego";
pub(super) const DATA: &str = "data.json";
/// These lie beside the folder in which OPA runs, so that it can be told to take that as a whole.
const CAPABILITIES: &str = "../capabilities.json";
const ARCHIVE: &str = "../bundle.tar.gz";

/// What is to be built.
#[derive(Debug, Clone, Copy)]
pub struct Program<'a> {
    /// The policy, in Rego v1.
    pub policy: FileId,
    /// What the policy sees as `data`: one JSON object. OPA's modules hold no data; here they are checked against the policy.
    pub data: Option<FileId>,
    /// The rule that is asked.
    pub entrypoint: &'a Entrypoint,
}

impl Opa {
    /// Builds a module. None: the policy is refused, and why stands in `sink`.
    ///
    /// # Errors
    ///
    /// If OPA cannot be run, or does not answer as OPA does.
    pub fn build(
        &self,
        program: &Program<'_>,
        sources: &Sources,
        sink: &mut Sink,
    ) -> Result<Option<Vec<u8>>, OpaError> {
        const COMMAND: &str = "build";
        let capabilities = capabilities::of(self)?;
        let folder = Folder::new()?;
        folder.put(CAPABILITIES, &capabilities.json)?;
        folder.put(POLICY, sources.text(program.policy).as_bytes())?;
        let entrypoint = format!("--entrypoint={}", program.entrypoint);
        let mut arguments = vec![
            "--target=wasm",
            "--capabilities",
            CAPABILITIES,
            "--output",
            ARCHIVE,
            &entrypoint,
            POLICY,
        ];
        if let Some(data) = program.data {
            folder.put(DATA, sources.text(data).as_bytes())?;
            arguments.push(DATA);
        }
        let context = report::Context {
            program,
            sources,
            refused: &capabilities.refused,
        };
        let bounded = ["--format=json", "--capabilities", CAPABILITIES];
        let ran = self.run(COMMAND, &arguments, Some(&folder.inner))?;
        let complaints = if ran.status.success() {
            match program.data {
                // `build` does not see that a rule and data stand in the same place. Evaluation does, for every question.
                Some(_) => {
                    let files = ["--data", POLICY, "--data", DATA, "true"];
                    let arguments = [&bounded[..], &files[..]].concat();
                    let evaluated = self.run("eval", &arguments, Some(&folder.inner))?;
                    match report::of_json(&evaluated, &context) {
                        None if !evaluated.status.success() => {
                            return Err(self.failed("eval", &evaluated));
                        }
                        complaints => complaints,
                    }
                }
                None => None,
            }
        } else {
            if ran.status.code() != Some(1) {
                return Err(self.failed(COMMAND, &ran));
            }
            // `build` tells lines; `check` tells columns, but does not look at the entrypoint.
            let arguments = [&bounded[..], &["--max-errors=100", POLICY]].concat();
            let checked = self.run("check", &arguments, Some(&folder.inner))?;
            let found =
                report::of_json(&checked, &context).or_else(|| report::of_build(&ran, &context));
            Some(found.ok_or_else(|| self.failed(COMMAND, &ran))?)
        };
        if let Some(complaints) = complaints {
            for diagnostic in complaints {
                sink.push(diagnostic);
            }
            return Ok(None);
        }
        let archive = read(&folder.inner.join(ARCHIVE)).ok_or_else(|| {
            self.answer(
                COMMAND,
                format!("an archive of at most {} bytes", archive::MAX_ARCHIVE),
            )
        })?;
        match archive::module_of(&archive, program.entrypoint) {
            Ok(module) => Ok(Some(module)),
            Err(Fault::Form(expected)) => Err(self.answer(COMMAND, expected)),
            Err(Fault::Entrypoints(others)) => {
                let names: Vec<String> = others.iter().map(|name| quoted(name)).collect();
                sink.push(
                    Diagnostic::new(
                        "rego-entrypoint",
                        format!("the policy declares further entrypoints: {}", names.join(", ")),
                        Span::whole(program.policy),
                        "",
                    )
                    .with_help("remove `entrypoint: true` from the annotations of these rules: a policy answers to one entrypoint"),
                );
                Ok(None)
            }
        }
    }
}

/// A place for one build, gone when it is over.
pub(super) struct Folder {
    /// Where OPA runs, and what it sees.
    inner: PathBuf,
    _outer: tempfile::TempDir,
}

impl Folder {
    pub(super) fn inner(&self) -> &Path {
        &self.inner
    }

    pub(super) fn new() -> Result<Self, OpaError> {
        let made = |source| folder_error("it cannot be made", source);
        let outer = tempfile::Builder::new()
            .prefix("hexgate-opa-")
            // Private under every umask: other users must not read the policy there, or put files beside it.
            .permissions(Permissions::from_mode(0o700))
            .tempdir()
            .map_err(made)?;
        let inner = outer.path().join("policy");
        fs::create_dir(&inner).map_err(made)?;
        Ok(Self {
            inner,
            _outer: outer,
        })
    }

    pub(super) fn put(&self, name: &str, bytes: &[u8]) -> Result<(), OpaError> {
        fs::write(self.inner.join(name), bytes)
            .map_err(|source| folder_error("a file cannot be written there", source))
    }
}

/// A file that is no longer than an archive may be.
fn read(path: &Path) -> Option<Vec<u8>> {
    let mut bytes = Vec::new();
    File::open(path)
        .ok()?
        .take(archive::MAX_ARCHIVE + 1)
        .read_to_end(&mut bytes)
        .ok()?;
    (bytes.len() as u64 <= archive::MAX_ARCHIVE).then_some(bytes)
}

fn folder_error(what: &'static str, source: std::io::Error) -> OpaError {
    OpaError::Folder { what, source }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_else_gets_at_the_folder_of_a_build() {
        let folder = Folder::new().unwrap();
        let outer = fs::metadata(folder._outer.path()).unwrap();
        assert_eq!(outer.permissions().mode() & 0o7777, 0o700);
    }
}
