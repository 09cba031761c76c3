//! The Open Policy Agent, which compiles Rego: built from its released source by Go, at the version that the tests know.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Result, bail};

use super::{fresh, replace};
use crate::workspace;

const MODULE: &str = "github.com/open-policy-agent/opa";
const VERSION: &str = "1.22.2";

const BY_HAND: &str = "install Go, or put an `opa` of this version into the path by hand and pass it as `HEXGATE_OPA_BIN`";

pub(super) fn install(tools: &Path) -> Result<()> {
    let place = tools.join("opa");
    if let Some(opa) = binary(tools) {
        println!("setup opa: `{}` is there", opa.display());
        return Ok(());
    }
    if workspace::output(Command::new("go").arg("version")).is_err() {
        bail!("there is no `go` here to build OPA {VERSION} with: {BY_HAND}");
    }
    println!(
        "setup opa: building {MODULE} {VERSION} into `{}`",
        place.display()
    );
    let partial = tools.join("opa.partial");
    fresh(&partial)?;
    workspace::run(
        Command::new("go")
            .args(["install", &format!("{MODULE}@v{VERSION}")])
            .env("GOBIN", fs::canonicalize(&partial)?)
            .env("GOFLAGS", "-mod=mod")
            // One file that runs anywhere. The compiler of Rego to WebAssembly is Go; only OPA's own evaluation of the result is not.
            .env("CGO_ENABLED", "0")
            // Nothing of a workspace around this folder.
            .env("GOWORK", "off"),
    )?;
    if version(&partial.join("opa")).as_deref() != Some(VERSION) {
        bail!("what was built does not say that it is OPA {VERSION}: {BY_HAND}");
    }
    replace(&partial, &place)
}

/// The installed binary. None: it is not set up.
pub(crate) fn binary(tools: &Path) -> Option<PathBuf> {
    let opa = tools.join("opa/opa");
    (version(&opa).as_deref() == Some(VERSION)).then_some(opa)
}

fn version(opa: &Path) -> Option<String> {
    let said = workspace::output(Command::new(opa).arg("version")).ok()?;
    let version = said
        .lines()
        .find_map(|line| line.strip_prefix("Version: "))?;
    Some(version.trim().to_owned())
}
