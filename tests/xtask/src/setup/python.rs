//! The Python environment for the tests against the Python system.

use std::{
    env, fs,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context, Result, bail};

use super::fresh;
use crate::workspace;

/// What the Python system requires.
const VERSION: (u32, u32) = (3, 13);

pub(super) fn install(tools: &Path) -> Result<()> {
    let requirements = workspace::root().join("tests/interop/requirements.txt");
    if !requirements.is_file() {
        println!("setup python: nothing is required");
        return Ok(());
    }
    let wanted = fs::read_to_string(&requirements)?;
    let place = tools.join("python");
    // Written last: what is there without it was cut off.
    let installed = place.join("installed-requirements.txt");
    if fs::read_to_string(&installed).is_ok_and(|installed| installed == wanted) {
        println!("setup python: `{}` is there", place.display());
        return Ok(());
    }
    let python = find()?;
    println!(
        "setup python: installing {} packages into `{}`",
        wanted.lines().count(),
        place.display()
    );
    fresh(&place)?;
    workspace::run(Command::new(&python).args(["-m", "venv"]).arg(&place))?;
    workspace::run(
        Command::new(place.join("bin/python"))
            .args([
                "-m",
                "pip",
                "install",
                "--quiet",
                "--disable-pip-version-check",
                "-r",
            ])
            .arg(&requirements),
    )?;
    fs::write(&installed, wanted).with_context(|| format!("cannot write `{}`", installed.display()))
}

/// A Python that is new enough.
fn find() -> Result<PathBuf> {
    let mut candidates: Vec<PathBuf> =
        vec!["python3.13".into(), "python3.14".into(), "python3".into()];
    if let Some(home) = env::home_dir() {
        let mut versions: Vec<PathBuf> = fs::read_dir(home.join(".pyenv/versions"))
            .into_iter()
            .flatten()
            .filter_map(|entry| Some(entry.ok()?.path()))
            .collect();
        versions.sort();
        candidates.extend(
            versions
                .into_iter()
                .map(|version| version.join("bin/python")),
        );
    }
    match candidates
        .into_iter()
        .find(|candidate| version(candidate).is_some_and(|version| version >= VERSION))
    {
        Some(python) => Ok(python),
        None => bail!(
            "no Python {}.{} or newer here: install one, as `python3.13` on the path or with pyenv",
            VERSION.0,
            VERSION.1
        ),
    }
}

fn version(python: &Path) -> Option<(u32, u32)> {
    let said = workspace::output(Command::new(python).arg("--version")).ok()?;
    let mut parts = said.trim().strip_prefix("Python ")?.split('.');
    Some((parts.next()?.parse().ok()?, parts.next()?.parse().ok()?))
}
