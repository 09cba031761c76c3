//! A registry for OCI artifacts, as Debian packages it, for the tests that push and pull.

use std::path::{Path, PathBuf};

use anyhow::{Result, ensure};

use super::{debian, fresh, replace};

const PACKAGE: &str = "docker-registry";

const BY_HAND: &str = "install the registry of the CNCF's project `distribution` by hand, and pass its binary as `HEXGATE_TEST_REGISTRY`";

pub(super) fn install(tools: &Path) -> Result<()> {
    if let Some(registry) = binary(tools) {
        println!("setup registry: `{}` is there", registry.display());
        return Ok(());
    }
    debian::require(BY_HAND)?;
    debian::find(PACKAGE, BY_HAND)?;
    let place = tools.join("registry");
    println!(
        "setup registry: unpacking {PACKAGE} into `{}`",
        place.display()
    );
    let partial = tools.join("registry.partial");
    fresh(&partial)?;
    debian::unpack(&[PACKAGE.to_owned()], &partial)?;
    replace(&partial, &place)?;
    ensure!(
        binary(tools).is_some(),
        "the package `{PACKAGE}` holds no such binary: {BY_HAND}"
    );
    Ok(())
}

/// The unpacked binary. None: it is not set up.
pub(crate) fn binary(tools: &Path) -> Option<PathBuf> {
    let registry = tools.join("registry/usr/bin/docker-registry");
    registry.is_file().then_some(registry)
}
