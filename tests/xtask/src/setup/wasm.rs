//! A compiler for wasm32: rustup's, or else Debian's, unpacked beside everything else and not installed (it would conflict).

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context, Result, bail};

use super::{fresh, replace};
use crate::{engine::compile, workspace};

const BY_HAND: &str = "install the target by hand with `rustup target add wasm32-unknown-unknown`";

/// Which packages to unpack, given what they depend on. Their names carry versions that move on, so they are looked up.
const COMPILER: &str = "rustc-web";
const SOURCE: &str = "rust-web-src";
const LIBRARY: &str = "libstd-rust-web-dev";

pub(super) fn install(tools: &Path) -> Result<()> {
    if compile::rustup_has_target() {
        println!("setup wasm: rustup has installed the target wasm32-unknown-unknown");
        return Ok(());
    }
    if compile::unpacked_rustc().is_file() {
        println!(
            "setup wasm: `{}` is there",
            compile::unpacked_rustc().display()
        );
        return Ok(());
    }
    for tool in ["apt-get", "apt-cache", "dpkg-deb"] {
        if workspace::output(Command::new(tool).arg("--version")).is_err() {
            bail!("there is no `{tool}` here to get a compiler with: {BY_HAND}");
        }
    }
    let packages = packages()?;
    println!(
        "setup wasm: unpacking {} into `{}`",
        packages.join(", "),
        tools.join("rust-web").display()
    );
    let partial = tools.join("rust-web.partial");
    fresh(&partial)?;
    unpack(&packages, &partial)?;
    write_wrapper(&partial)?;
    replace(&partial, &tools.join("rust-web"))?;
    let version = workspace::output(Command::new(compile::unpacked_rustc()).arg("--version"))?;
    println!("setup wasm: {}", version.trim());
    Ok(())
}

/// The packages with the compiler, its libraries and the standard library's source.
fn packages() -> Result<Vec<String>> {
    if !has_candidate(COMPILER) {
        println!("setup wasm: fetching package lists");
        workspace::run(Command::new("apt-get").args(["update", "-qq"]))
            .with_context(|| format!("`apt-get update` needs to be run as root; or {BY_HAND}"))?;
        if !has_candidate(COMPILER) {
            bail!("this system has no package `{COMPILER}`: {BY_HAND}");
        }
    }
    let runtime = dependency(LIBRARY, "libstd-rust-web-")?;
    let llvm = dependency(&runtime, "libllvm")?;
    Ok(vec![
        COMPILER.to_owned(),
        SOURCE.to_owned(),
        LIBRARY.to_owned(),
        runtime,
        llvm,
    ])
}

fn has_candidate(package: &str) -> bool {
    workspace::output(Command::new("apt-cache").args(["policy", package])).is_ok_and(|policy| {
        policy
            .lines()
            .any(|line| line.contains("Candidate:") && !line.contains("(none)"))
    })
}

fn dependency(package: &str, prefix: &str) -> Result<String> {
    let depends =
        workspace::output(Command::new("apt-cache").args(["depends", "--important", package]))?;
    let names = depends.lines().filter_map(|line| {
        line.trim()
            .split_once("Depends: ")
            .map(|(_, name)| name.trim())
    });
    let found = names.into_iter().find(|name| name.starts_with(prefix));
    found.map(str::to_owned).with_context(|| {
        format!("package `{package}` depends on nothing that begins with `{prefix}`: {BY_HAND}")
    })
}

fn unpack(packages: &[String], folder: &Path) -> Result<()> {
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

/// The compiler finds its libraries beside it only if told so.
fn write_wrapper(folder: &Path) -> Result<()> {
    let libraries = fs::read_dir(folder.join("usr/lib"))?
        .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
        .find(|name| name.contains("-linux-"))
        .context("the packages contain no libraries")?;
    let wrapper = folder.join("rustc");
    let script = format!(
        "#!/bin/sh\nhere=$(dirname \"$(readlink -f \"$0\")\")\n\
         export LD_LIBRARY_PATH=\"$here/usr/lib/{libraries}${{LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}}\"\n\
         exec \"$here/usr/bin/rustc\" \"$@\"\n"
    );
    fs::write(&wrapper, script)?;
    workspace::run(Command::new("chmod").arg("755").arg(&wrapper))
}
