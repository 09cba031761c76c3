//! The wheel for Python, which is a workspace of its own: form, lints, the wheel, its types and its tests where it is installed.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context, Result, ensure};

use crate::{
    setup::{fresh, python},
    workspace,
};

pub(crate) fn run() -> Result<()> {
    let folder = workspace::root().join("host/python");
    // What both workspaces build alike is built once.
    let target = workspace::root().join(workspace::target());
    let tools = workspace::tools();
    fs::create_dir_all(&tools).with_context(|| format!("cannot create `{}`", tools.display()))?;
    let python = python::wheel(&tools)?;
    for step in [
        &["fmt", "--all", "--check"][..],
        &[
            "clippy",
            "--all-targets",
            "--quiet",
            "--locked",
            "--",
            "--deny",
            "warnings",
        ],
    ] {
        println!("python: cargo {}", step.first().unwrap_or(&""));
        workspace::run(
            workspace::cargo()
                .args(step)
                .current_dir(&folder)
                // An extension links against no Python.
                .env("PYO3_PYTHON", &python)
                .env("CARGO_TARGET_DIR", &target),
        )?;
    }
    let wheel = build(&folder, &python, &target)?;
    let clean = install(&python, &wheel)?;
    println!("python: types");
    workspace::run(
        Command::new(&python)
            .args(["-m", "mypy", "--python-executable"])
            .arg(&clean)
            .current_dir(&folder),
    )?;
    println!("python: tests");
    workspace::run(
        Command::new(&clean)
            .args(["-m", "pytest", "-p", "no:cacheprovider"])
            .current_dir(folder.join("tests")),
    )
}

/// Builds the wheel into an empty folder. Where it is.
fn build(folder: &Path, python: &Path, target: &Path) -> Result<PathBuf> {
    println!("python: the wheel");
    let wheels = target.join("wheels");
    fresh(&wheels)?;
    workspace::run(
        Command::new(python)
            .args(["-m", "maturin", "build", "--quiet", "--locked", "--out"])
            .arg(&wheels)
            .arg("--interpreter")
            .arg(python)
            .current_dir(folder)
            .env("CARGO_TARGET_DIR", target),
    )?;
    let mut found: Vec<PathBuf> = fs::read_dir(&wheels)?
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|path| path.extension().is_some_and(|ending| ending == "whl"))
        .collect();
    ensure!(
        found.len() == 1,
        "expected one wheel in `{}`, found {}",
        wheels.display(),
        found.len()
    );
    found.pop().context("no wheel was built")
}

/// Installs the wheel, and nothing else but the tools of its tests, in an empty environment. Its interpreter.
fn install(python: &Path, wheel: &Path) -> Result<PathBuf> {
    let place = workspace::root()
        .join(workspace::target())
        .join("python-wheel");
    fresh(&place)?;
    workspace::run(Command::new(python).args(["-m", "venv"]).arg(&place))?;
    let clean = place.join("bin/python");
    for what in [wheel, &python::wheel_requirements()] {
        let mut pip = Command::new(&clean);
        pip.args(["-m", "pip", "install", "--quiet"])
            .args(["--disable-pip-version-check", "--no-deps"]);
        if what.extension().is_some_and(|ending| ending == "txt") {
            pip.arg("-r");
        }
        workspace::run(pip.arg(what))?;
    }
    Ok(clean)
}
