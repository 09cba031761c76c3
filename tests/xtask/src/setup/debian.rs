//! Packages of Debian, fetched and unpacked into a folder.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context, Result, bail};

use crate::workspace;

/// Fails with `by_hand` where packages cannot be fetched.
pub(super) fn require(by_hand: &str) -> Result<()> {
    for tool in ["apt-get", "apt-cache", "dpkg-deb"] {
        if workspace::output(Command::new(tool).arg("--version")).is_err() {
            bail!("there is no `{tool}` here: {by_hand}");
        }
    }
    Ok(())
}

/// Makes sure that the system knows a package, fetching its lists if it has none.
pub(super) fn find(package: &str, by_hand: &str) -> Result<()> {
    if !has_candidate(package) {
        println!("setup: fetching package lists");
        workspace::run(Command::new("apt-get").args(["update", "-qq"]))
            .with_context(|| format!("`apt-get update` needs to be run as root; or {by_hand}"))?;
        if !has_candidate(package) {
            bail!("this system has no package `{package}`: {by_hand}");
        }
    }
    Ok(())
}

/// A package that another one depends on, by the beginning of its name: such names carry versions that move on.
pub(super) fn dependency(package: &str, prefix: &str) -> Result<String> {
    let depends =
        workspace::output(Command::new("apt-cache").args(["depends", "--important", package]))?;
    let names = depends.lines().filter_map(|line| {
        line.trim()
            .split_once("Depends: ")
            .map(|(_, name)| name.trim())
    });
    let found = names.into_iter().find(|name| name.starts_with(prefix));
    found.map(str::to_owned).with_context(|| {
        format!("package `{package}` depends on nothing that begins with `{prefix}`")
    })
}

/// A package and all that it needs and this system does not have.
pub(super) fn missing(package: &str) -> Result<Vec<String>> {
    let plan = workspace::output(
        Command::new("apt-get")
            .args(["-qq", "--simulate", "--no-install-recommends", "install"])
            .arg(package),
    )?;
    let names = plan.lines().filter_map(|line| {
        line.strip_prefix("Inst ")?
            .split_whitespace()
            .next()
            .map(str::to_owned)
    });
    Ok(names.collect())
}

/// Unpacks packages into a folder, without installing them.
pub(super) fn unpack(packages: &[String], folder: &Path) -> Result<()> {
    let downloads = folder.join("packages");
    fs::create_dir_all(&downloads)?;
    // Without a sandbox user there is nobody who could not write here.
    workspace::run(
        Command::new("apt-get")
            .args(["-qq", "-o", "APT::Sandbox::User=root", "download"])
            .args(packages)
            .current_dir(&downloads),
    )?;
    let mut files: Vec<PathBuf> = fs::read_dir(&downloads)?
        .map(|entry| Ok(entry?.path()))
        .collect::<Result<_>>()?;
    files.sort();
    for file in files {
        workspace::run(Command::new("dpkg-deb").arg("-x").arg(&file).arg(folder))?;
    }
    Ok(fs::remove_dir_all(&downloads)?)
}

fn has_candidate(package: &str) -> bool {
    workspace::output(Command::new("apt-cache").args(["policy", package])).is_ok_and(|policy| {
        policy
            .lines()
            .any(|line| line.contains("Candidate:") && !line.contains("(none)"))
    })
}
