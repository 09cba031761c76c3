//! Running the user's cargo, with the user's environment: toolchain, mirrors and credentials are the user's business.

use std::{
    env,
    ffi::OsString,
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
};

use serde::{Deserialize, de::DeserializeOwned};

use super::{CargoError, TARGET, package::Package, report::Message};
use crate::opa::first_lines;

/// The digest of a policy's sources, for the macro that exports it.
const SOURCE_DIGEST: &str = "HEXGATE_SOURCE_DIGEST";

/// What an instance has to allocate from without making its memory grow: growing costs a call of the runtime, and an instance that grew is
/// not kept. Room for the working memory of arguments of some ten thousand bytes; untouched pages cost nothing.
const HEAP: u32 = 256 << 10;

/// The cargo to use.
#[derive(Debug)]
pub(super) struct Cargo {
    path: OsString,
}

/// What came of a build.
#[derive(Debug)]
pub(super) struct Built {
    /// The module, unless it was not built.
    pub(super) module: Option<PathBuf>,
    /// What rustc said about the package and its dependencies.
    pub(super) messages: Vec<Message>,
}

#[derive(Deserialize)]
#[serde(tag = "reason", rename_all = "kebab-case")]
enum Line {
    CompilerMessage {
        package_id: String,
        message: serde_json::Value,
    },
    CompilerArtifact {
        package_id: String,
        filenames: Vec<PathBuf>,
    },
    #[serde(other)]
    Other,
}

impl Cargo {
    /// The cargo that `CARGO` names, else the one on the path.
    pub(super) fn find() -> Self {
        let named = env::var_os("CARGO").filter(|path| !path.is_empty());
        Self {
            path: named.unwrap_or_else(|| "cargo".into()),
        }
    }

    /// What `cargo metadata` says about the package of a manifest and its workspace.
    pub(super) fn metadata<T: DeserializeOwned>(&self, manifest: &Path) -> Result<T, CargoError> {
        const COMMAND: &str = "metadata";
        let mut command = self.command(COMMAND, manifest);
        let output = run(command.args(["--format-version", "1"]))?;
        if !output.status.success() {
            return Err(failed(COMMAND, &output));
        }
        serde_json::from_slice(&output.stdout).map_err(|_| CargoError::Answer {
            command: COMMAND,
            expected: "a description of the package",
        })
    }

    /// Builds the module of a package.
    pub(super) fn build(
        &self,
        package: &Package,
        source_digest: &[u8; 32],
    ) -> Result<Built, CargoError> {
        const COMMAND: &str = "build";
        let manifest = package.folder.join("Cargo.toml");
        let digest: String = source_digest
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect();
        let mut command = self.command(COMMAND, &manifest);
        command
            .args(["--quiet", "--lib", "--release", "--target", TARGET])
            .args(["--message-format", "json"])
            .env(SOURCE_DIGEST, digest);
        // Flags of the user's own add to these, or take their place.
        let mut flags = vec![format!("-Clink-arg=--initial-heap={HEAP}")];
        // Places of panics hold the paths of dependencies, and the module must not depend on where those lie.
        if let Some(home) = cargo_home() {
            flags.push(format!("--remap-path-prefix={}=/cargo", home.display()));
        }
        let flags = serde_json::Value::from(flags);
        command.args(["--config", &format!("build.rustflags={flags}")]);
        let output = run(&mut command)?;
        let mut built = Built {
            module: None,
            messages: Vec::new(),
        };
        for line in output.stdout.split(|byte| *byte == b'\n') {
            match serde_json::from_slice(line) {
                Ok(Line::CompilerMessage {
                    package_id,
                    message,
                }) => built
                    .messages
                    .extend(Message::read(&message, package_id == package.id)),
                Ok(Line::CompilerArtifact {
                    package_id,
                    filenames,
                }) if package_id == package.id => {
                    let module = filenames
                        .into_iter()
                        .find(|file| file.extension().is_some_and(|ending| ending == "wasm"));
                    built.module = module.or(built.module);
                }
                _ => {}
            }
        }
        if !output.status.success() {
            built.module = None;
            if built.messages.iter().any(Message::lacks_target) {
                return Err(CargoError::MissingTarget);
            }
            if !built.messages.iter().any(Message::is_error) {
                return Err(failed(COMMAND, &output));
            }
        } else if built.module.is_none() {
            return Err(CargoError::Answer {
                command: COMMAND,
                expected: "a module",
            });
        }
        Ok(built)
    }

    /// Cargo, run where the package's own configuration counts.
    fn command(&self, command: &str, manifest: &Path) -> Command {
        let mut cargo = Command::new(&self.path);
        if let Some(folder) = manifest.parent() {
            cargo.current_dir(folder);
        }
        cargo
            .arg(command)
            .arg("--manifest-path")
            .arg(manifest)
            .stdin(Stdio::null());
        // What a cargo that runs us has set is about another package.
        for (name, _) in env::vars_os() {
            let text = name.to_string_lossy();
            if text.starts_with("CARGO_PKG_") || text.starts_with("CARGO_MANIFEST_") {
                cargo.env_remove(&name);
            }
        }
        cargo
    }
}

fn run(command: &mut Command) -> Result<Output, CargoError> {
    command.output().map_err(CargoError::Start)
}

fn cargo_home() -> Option<PathBuf> {
    let set = |name| env::var_os(name).filter(|value| !value.is_empty());
    set("CARGO_HOME")
        .map(PathBuf::from)
        .or_else(|| set("HOME").map(|home| Path::new(&home).join(".cargo")))
}

fn failed(command: &'static str, output: &Output) -> CargoError {
    let said = first_lines(&output.stderr);
    if said.contains("no matching package named `hexgate-guest`") {
        return CargoError::NoGuest;
    }
    CargoError::Failed {
        command,
        said: said.replace("; Caused by:;", ":"),
    }
}
