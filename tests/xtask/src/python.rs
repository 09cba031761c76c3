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
    let parts = parts(&folder)?;
    for part in &parts {
        println!("python: {}", part.name);
        let clean = install(&python, &wheel, part, &target)?;
        let mut types = Command::new(&python);
        types
            .args(["-m", "mypy", "--python-executable"])
            .arg(&clean);
        for module in &part.modules {
            types.args(["-m", module]);
        }
        workspace::run(types.current_dir(&folder))?;
        workspace::run(
            Command::new(&clean)
                .args(["-m", "pytest", "-p", "no:cacheprovider"])
                .args(&part.tests)
                .current_dir(folder.join("tests")),
        )?;
    }
    Ok(())
}

/// What is tested in an environment of its own: the package alone, and the adapter of each framework, since frameworks do not agree on what they need.
struct Part {
    name: String,
    /// The lists of what is installed beside the wheel.
    requirements: Vec<PathBuf>,
    /// Whose types are checked, with all that they use.
    modules: Vec<String>,
    /// The files of its tests.
    tests: Vec<String>,
}

/// An adapter is a list `requirements-NAME.txt`, a module `NAME.py` and tests `test_NAME*.py`, with `_` for `-`.
fn parts(folder: &Path) -> Result<Vec<Part>> {
    let tests = workspace::names(&folder.join("tests"))?;
    let base = python::wheel_requirements();
    let adapters: Vec<String> = tests
        .iter()
        .filter_map(|name| {
            let name = name.strip_prefix("requirements-")?.strip_suffix(".txt")?;
            Some(name.to_owned())
        })
        .collect();
    ensure!(!adapters.is_empty(), "there are no adapters");
    let module = |adapter: &str| adapter.replace('-', "_");
    // Of no adapter: of the package.
    let tests_of = |adapter: Option<&String>| -> Vec<String> {
        let is_of =
            |test: &str, adapter: &String| test.starts_with(&format!("test_{}", module(adapter)));
        let own = tests.iter().filter(|test| {
            let is_test = test.starts_with("test_") && test.ends_with(".py");
            is_test && adapters.iter().find(|it| is_of(test, it)) == adapter
        });
        own.cloned().collect()
    };
    let mut parts = vec![Part {
        name: "the package alone".to_owned(),
        requirements: vec![base.clone()],
        modules: ["", ".__main__", ".audit", ".opentelemetry"]
            .map(|module| format!("hexgate_host{module}"))
            .to_vec(),
        tests: tests_of(None),
    }];
    for adapter in &adapters {
        let own = tests_of(Some(adapter));
        ensure!(!own.is_empty(), "the adapter `{adapter}` has no tests");
        let list = folder.join(format!("tests/requirements-{adapter}.txt"));
        parts.push(Part {
            name: format!("the adapter `{adapter}`"),
            requirements: vec![base.clone(), list],
            modules: vec![format!("hexgate_host.{}", module(adapter))],
            tests: own,
        });
    }
    Ok(parts)
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

/// Installs the wheel, and nothing else but what its tests need, in an empty environment. Its interpreter.
fn install(python: &Path, wheel: &Path, part: &Part, target: &Path) -> Result<PathBuf> {
    let place = target.join("python-wheel");
    fresh(&place)?;
    workspace::run(Command::new(python).args(["-m", "venv"]).arg(&place))?;
    let clean = place.join("bin/python");
    let mut pip = Command::new(&clean);
    pip.args(["-m", "pip", "install", "--quiet"])
        .args(["--disable-pip-version-check", "--no-deps"])
        .arg(wheel);
    for list in &part.requirements {
        pip.arg("-r").arg(list);
    }
    workspace::run(&mut pip)?;
    Ok(clean)
}
