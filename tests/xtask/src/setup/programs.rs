//! Programs from the registry of crates, at the versions that the tests know, built by cargo.

use std::path::{Path, PathBuf};

use anyhow::{Result, bail};

use super::{fresh, replace};
use crate::workspace;

/// A program of a crate of the same name.
#[derive(Debug)]
pub(crate) struct Program {
    name: &'static str,
    version: &'static str,
}

/// Builds components of packages in Rust, as their authors may.
pub(crate) const CARGO_COMPONENT: Program = Program {
    name: "cargo-component",
    version: "0.21.1",
};

/// Looks at what dependencies bring along.
pub(crate) const CARGO_DENY: Program = Program {
    name: "cargo-deny",
    version: "0.20.2",
};

/// Fetches components from registries.
pub(crate) const WKG: Program = Program {
    name: "wkg",
    version: "0.16.1",
};

impl Program {
    pub(super) fn install(&self, tools: &Path) -> Result<()> {
        let Self { name, version } = self;
        if let Some(program) = self.binary(tools) {
            println!("setup {name}: `{}` is there", program.display());
            return Ok(());
        }
        let place = self.place(tools);
        println!(
            "setup {name}: building {name} {version} into `{}`",
            place.display()
        );
        let partial = tools.join(format!("{name}.partial"));
        fresh(&partial)?;
        workspace::run(
            workspace::cargo()
                // Not optimised: each runs a few times, and building it so takes a third of the time.
                .args(["install", "--locked", "--debug", "--quiet", "--root"])
                .arg(&partial)
                .arg(format!("{name}@{version}"))
                // What one of them has compiled the next need not.
                .env("CARGO_TARGET_DIR", build_folder())
                .env("CARGO_PROFILE_DEV_DEBUG", "0")
                .env("CARGO_INCREMENTAL", "0"),
        )?;
        replace(&partial, &place)?;
        if self.binary(tools).is_none() {
            bail!("the crate `{name}` {version} holds no program of that name");
        }
        Ok(())
    }

    /// The installed program. None: it is not set up, or in another version.
    pub(crate) fn binary(&self, tools: &Path) -> Option<PathBuf> {
        let program = self.place(tools).join("bin").join(self.name);
        program.is_file().then_some(program)
    }

    fn place(&self, tools: &Path) -> PathBuf {
        tools.join(format!("{}-{}", self.name, self.version))
    }
}

/// Where all of them are built: much larger than what comes of it.
pub(super) fn build_folder() -> PathBuf {
    workspace::root()
        .join(workspace::target())
        .join("setup-programs")
}
