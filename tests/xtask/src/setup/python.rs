//! The Python environments: for the tests against the Python system, and with the security tests of others for the gateway.

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
/// The oldest that our own wheel is for.
const WHEEL_VERSION: (u32, u32) = (3, 11);

/// An environment for each list of requirements: `requirements.txt` goes to `python`, `requirements-X.txt` to `python-X`.
pub(super) fn install(tools: &Path) -> Result<()> {
    for requirements in requirements()? {
        let name = requirements
            .file_stem()
            .and_then(|stem| stem.to_str())
            .unwrap_or_default();
        install_one(
            &requirements,
            &tools.join(name.replacen("requirements", "python", 1)),
        )?;
    }
    install_one(&harness_requirements(), &tools.join(HARNESS))?;
    wheel(tools).map(drop)
}

/// The interpreter that builds and tests our own wheel, set up if it is not.
pub(crate) fn wheel(tools: &Path) -> Result<PathBuf> {
    let place = tools.join(WHEEL);
    install_for(&wheel_requirements(), &place, WHEEL_VERSION)?;
    Ok(place.join("bin/python"))
}

/// Whether that interpreter is set up.
pub(crate) fn wheel_is_installed(tools: &Path) -> bool {
    fs::read_to_string(wheel_requirements())
        .is_ok_and(|wanted| is_installed(&tools.join(WHEEL), &wanted))
}

/// What builds and tests our own wheel: a folder of the tools.
const WHEEL: &str = "python-wheel";

/// What it needs.
pub(crate) fn wheel_requirements() -> PathBuf {
    workspace::root().join("host/python/tests/requirements.txt")
}

/// The security tests of others that the gateway is run against: a folder of `tests`, and of the tools.
const HARNESS: &str = "mcp-harness";

fn harness_requirements() -> PathBuf {
    workspace::root()
        .join("tests")
        .join(HARNESS)
        .join("requirements.txt")
}

/// The interpreter that has the security tests of others. None: it is not set up.
pub(crate) fn harness(tools: &Path) -> Option<PathBuf> {
    let wanted = fs::read_to_string(harness_requirements()).ok()?;
    let place = tools.join(HARNESS);
    is_installed(&place, &wanted).then(|| place.join("bin/python"))
}

/// The interpreters of all environments. None: they are not all set up.
pub(crate) fn interpreters(tools: &Path) -> Option<Vec<PathBuf>> {
    let mut interpreters = Vec::new();
    for requirements in requirements().ok()? {
        let name = requirements.file_stem()?.to_str()?;
        let place = tools.join(name.replacen("requirements", "python", 1));
        if !is_installed(&place, &fs::read_to_string(&requirements).ok()?) {
            return None;
        }
        interpreters.push(place.join("bin/python"));
    }
    Some(interpreters)
}

fn requirements() -> Result<Vec<PathBuf>> {
    let folder = workspace::root().join("tests/interop");
    let names = workspace::names(&folder)?;
    let lists = names
        .iter()
        .filter(|name| name.starts_with("requirements") && name.ends_with(".txt"));
    Ok(lists.map(|name| folder.join(name)).collect())
}

/// Where the requirements are noted once they are all installed: what is there without the note was cut off.
const NOTE: &str = "installed-requirements.txt";

fn is_installed(place: &Path, wanted: &str) -> bool {
    // It is a link, and the Python that it leads to may be gone.
    let has_interpreter = place.join("bin/python").exists();
    has_interpreter
        && fs::read_to_string(place.join(NOTE)).is_ok_and(|installed| installed == wanted)
}

fn install_one(requirements: &Path, place: &Path) -> Result<()> {
    install_for(requirements, place, VERSION)
}

fn install_for(requirements: &Path, place: &Path, least: (u32, u32)) -> Result<()> {
    let wanted = fs::read_to_string(requirements)?;
    if is_installed(place, &wanted) {
        println!("setup python: `{}` is there", place.display());
        return Ok(());
    }
    let python = find(least)?;
    let packages = wanted
        .lines()
        .filter(|line| !line.starts_with('#') && !line.trim().is_empty());
    println!(
        "setup python: installing {} packages into `{}`",
        packages.count(),
        place.display()
    );
    fresh(place)?;
    workspace::run(Command::new(&python).args(["-m", "venv"]).arg(place))?;
    // The lists are complete, so nothing that they do not name comes along.
    workspace::run(
        Command::new(place.join("bin/python"))
            .args([
                "-m",
                "pip",
                "install",
                "--quiet",
                "--disable-pip-version-check",
                "--no-deps",
                "-r",
            ])
            .arg(requirements),
    )?;
    fs::write(place.join(NOTE), wanted)
        .with_context(|| format!("cannot write to `{}`", place.display()))
}

/// A Python that is new enough, the oldest one first.
fn find(least: (u32, u32)) -> Result<PathBuf> {
    let mut candidates: Vec<PathBuf> = (least.1..=14)
        .map(|minor| format!("python3.{minor}").into())
        .chain(["python3".into()])
        .collect();
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
        .find(|candidate| version(candidate).is_some_and(|version| version >= least))
    {
        Some(python) => Ok(python),
        None => bail!(
            "no Python {0}.{1} or newer here: install one, as `python{0}.{1}` on the path or with pyenv",
            least.0,
            least.1
        ),
    }
}

fn version(python: &Path) -> Option<(u32, u32)> {
    let said = workspace::output(Command::new(python).arg("--version")).ok()?;
    let mut parts = said.trim().strip_prefix("Python ")?.split('.');
    Some((parts.next()?.parse().ok()?, parts.next()?.parse().ok()?))
}
