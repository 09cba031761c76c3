//! Where things are, and how commands are run.

use std::{
    collections::BTreeMap,
    env,
    ffi::OsStr,
    fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail};
use serde::Deserialize;

/// A command that takes longer says how long it took.
const LONG: Duration = Duration::from_secs(10);

/// The folder of the workspace's `Cargo.toml`.
pub(crate) fn root() -> PathBuf {
    // Cargo says where it runs this from. What it was built from may be another checkout that shares the target folder.
    let here = env::var_os("CARGO_MANIFEST_DIR")
        .map_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")), PathBuf::from);
    here.ancestors().nth(2).unwrap_or(&here).to_path_buf()
}

/// Where tools are installed.
pub(crate) fn tools() -> PathBuf {
    env::var_os("HEXGATE_TOOLS").map_or_else(|| root().join("target/tools"), PathBuf::from)
}

/// Where cargo builds, and where temporary results of tasks go.
pub(crate) fn target() -> PathBuf {
    env::var_os("CARGO_TARGET_DIR").map_or_else(|| root().join("target"), PathBuf::from)
}

/// A program of the workspace, as a plain `cargo build` builds it.
pub(crate) fn binary(name: &str) -> PathBuf {
    // Cargo reads a relative path from the root, where it is run.
    root().join(target()).join("debug").join(name)
}

/// The cargo that runs this task.
pub(crate) fn cargo() -> Command {
    let mut command = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.current_dir(root());
    command
}

/// A package, as cargo describes it.
#[derive(Debug, Deserialize)]
pub(crate) struct Package {
    pub(crate) name: String,
    pub(crate) manifest_path: PathBuf,
    publish: Option<Vec<String>>,
    pub(crate) features: BTreeMap<String, Vec<String>>,
    targets: Vec<Target>,
}

#[derive(Debug, Deserialize)]
struct Target {
    kind: Vec<String>,
    name: String,
}

impl Package {
    /// Whether users get it.
    pub(crate) fn is_published(&self) -> bool {
        self.publish.is_none()
    }

    /// The name of its library.
    pub(crate) fn library(&self) -> Option<&str> {
        let library = self
            .targets
            .iter()
            .find(|target| target.kind.iter().any(|kind| kind == "lib"))?;
        Some(&library.name)
    }
}

/// The packages of the workspace.
pub(crate) fn packages() -> Result<Vec<Package>> {
    #[derive(Deserialize)]
    struct Metadata {
        packages: Vec<Package>,
    }
    let metadata =
        output(cargo().args(["metadata", "--format-version=1", "--no-deps", "--locked"]))?;
    let metadata: Metadata =
        serde_json::from_str(&metadata).context("cargo describes packages in another way")?;
    Ok(metadata.packages)
}

/// The names in a folder, in order.
pub(crate) fn names(folder: &Path) -> Result<Vec<String>> {
    let entries =
        fs::read_dir(folder).with_context(|| format!("cannot read `{}`", folder.display()))?;
    let mut names = Vec::new();
    for entry in entries {
        names.extend(entry?.file_name().into_string().ok());
    }
    names.sort();
    Ok(names)
}

/// The triple of this machine.
pub(crate) fn host() -> Result<String> {
    let verbose = output(Command::new("rustc").arg("-vV").current_dir(root()))?;
    let host = verbose.lines().find_map(|line| line.strip_prefix("host: "));
    host.map(str::to_owned).context("`rustc -vV` names no host")
}

/// Runs a command, saying which and how long it took, and fails if it does.
pub(crate) fn run(command: &mut Command) -> Result<()> {
    eprintln!("    $ {}", show(command));
    let started = Instant::now();
    let status = command
        .status()
        .with_context(|| format!("cannot run `{}`", show(command)))?;
    let took = started.elapsed();
    if took > LONG {
        eprintln!("    took {} s", took.as_secs());
    }
    if !status.success() {
        bail!("`{}` failed: {status}", show(command));
    }
    Ok(())
}

/// What a command prints. Fails, with what it says, if it fails.
pub(crate) fn output(command: &mut Command) -> Result<String> {
    let output = command
        .stdin(Stdio::null())
        .output()
        .with_context(|| format!("cannot run `{}`", show(command)))?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr);
        bail!(
            "`{}` failed: {}\n{}",
            show(command),
            output.status,
            said.trim_end()
        );
    }
    Ok(String::from_utf8(output.stdout)?)
}

fn show(command: &Command) -> String {
    let mut words = vec![command.get_program()];
    words.extend(command.get_args());
    words.join(OsStr::new(" ")).to_string_lossy().into_owned()
}
