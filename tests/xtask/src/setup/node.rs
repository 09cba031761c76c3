//! Packages of npm at the versions of a lock file: the JavaScript runtimes and tools of `tests/runtimes`, and the conformance suite of
//! `tests/mcp-conformance`, and the coding agents of `tests/coding-agents`.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context, Result, bail};

use super::{fresh, replace};
use crate::workspace;

/// What runs here: the oldest line that has all that the tests use.
const VERSION: u32 = 20;

const LOCK: &str = "package-lock.json";
const FILES: [&str; 2] = ["package.json", LOCK];
/// What was installed from: npm may add to its own copy of the lock file.
const NOTE: &str = "installed-lock.json";

/// A folder under `tests/` with a lock file of npm.
pub(crate) struct Packages {
    folder: &'static str,
}

pub(crate) const RUNTIMES: Packages = Packages { folder: "runtimes" };
/// With a Node of its own, because the suite needs a newer one than the rest.
pub(crate) const CONFORMANCE: Packages = Packages {
    folder: "mcp-conformance",
};
pub(crate) const CODING_AGENTS: Packages = Packages {
    folder: "coding-agents",
};

impl Packages {
    pub(super) fn install(&self, tools: &Path) -> Result<()> {
        let folder = self.folder;
        let place = tools.join(folder);
        if self.installed(tools).is_some() {
            println!("setup node: `{}` is there", place.display());
            return Ok(());
        }
        match version() {
            None => bail!("there is no `node` here: install Node {VERSION} or newer, with npm"),
            Some(found) if found < VERSION => {
                bail!("Node {found} is too old: install Node {VERSION} or newer")
            }
            Some(_) => {}
        }
        println!(
            "setup node: installing the packages of `tests/{folder}` into `{}`",
            place.display()
        );
        let partial = tools.join(format!("{folder}.partial"));
        fresh(&partial)?;
        for file in FILES {
            fs::copy(self.source().join(file), partial.join(file))
                .with_context(|| format!("cannot copy `{file}`"))?;
        }
        // Not `npm ci`: it wants an entry for every optional package of every platform, and registries differ in which they have. What
        // the lock file names is installed as it says; what packages would run on installation only looks after caches.
        workspace::run(
            Command::new("npm")
                .args(["install", "--ignore-scripts", "--no-audit", "--no-fund"])
                .args(["--loglevel", "error"])
                .current_dir(&partial),
        )?;
        fs::copy(self.source().join(LOCK), partial.join(NOTE))
            .with_context(|| format!("cannot write to `{}`", partial.display()))?;
        replace(&partial, &place)
    }

    /// The folder `node_modules`. None: it is not set up, or not for this lock file.
    pub(crate) fn installed(&self, tools: &Path) -> Option<PathBuf> {
        let place = tools.join(self.folder);
        let installed = fs::read(place.join(NOTE)).ok()?;
        (installed == fs::read(self.source().join(LOCK)).ok()?).then(|| place.join("node_modules"))
    }

    fn source(&self) -> PathBuf {
        workspace::root().join("tests").join(self.folder)
    }
}

fn version() -> Option<u32> {
    let said = workspace::output(Command::new("node").arg("--version")).ok()?;
    said.trim()
        .strip_prefix('v')?
        .split('.')
        .next()?
        .parse()
        .ok()
}
