//! The engine compiled for the machines that hosts ship it for: the files in `host/core/`. The compiler for all of these machines is a
//! workspace of its own, `tests/precompile`.

use std::{collections::BTreeMap, fmt::Write as _, fs, path::PathBuf};

use anyhow::{Context, Result, bail};

use super::files::{Files, sha256, write};
use crate::workspace;

/// What is committed in `host/core/`: `artifact/`, and as Rust what it is.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Precompiled {
    /// By name, `engine.ARCHITECTURE-SYSTEM.cwasm`.
    code: BTreeMap<String, Vec<u8>>,
    source: String,
}

/// Compiles the committed engine and writes the files to where they are committed.
pub(super) fn build() -> Result<()> {
    let made = Precompiled::make()?;
    for (name, code) in &made.code {
        write(&artifacts().join(name), code)?;
    }
    write(&source(), made.source.as_bytes())?;
    println!("engine compiled: {}", made.summary());
    Ok(())
}

/// Proves that the committed engine compiles to the committed files.
pub(super) fn check() -> Result<()> {
    let (made, committed) = (Precompiled::make()?, Precompiled::committed()?);
    if made != committed {
        bail!(
            "the engine compiles to other code ({}) than the committed one ({}): run `cargo xtask engine precompile` and commit the result",
            made.summary(),
            committed.summary()
        );
    }
    println!(
        "engine check: the engine compiles to the committed code ({})",
        made.summary()
    );
    Ok(())
}

impl Precompiled {
    fn make() -> Result<Self> {
        let target = workspace::root()
            .join(workspace::target())
            .join("precompile");
        let out = target.join("code");
        // What an earlier run wrote for a machine that is no longer among them.
        let _ = fs::remove_dir_all(&out);
        fs::create_dir_all(&out).with_context(|| format!("cannot create `{}`", out.display()))?;
        workspace::run(
            workspace::cargo()
                .args(["run", "--quiet", "--locked", "--"])
                .arg(&out)
                .current_dir(workspace::root().join("tests/precompile"))
                .env("CARGO_TARGET_DIR", &target),
        )?;
        let code = read(&out)?;
        let source = rust(&code, &Files::committed()?.engine())?;
        Ok(Self { code, source })
    }

    fn committed() -> Result<Self> {
        Ok(Self {
            code: read(&artifacts())?,
            source: fs::read_to_string(source())?,
        })
    }

    fn summary(&self) -> String {
        let files = self.code.iter().map(|(name, code)| {
            let digest = sha256(code);
            format!(
                "{name} {} bytes, sha256 {}…",
                code.len(),
                digest.get(..12).unwrap_or_default()
            )
        });
        files.collect::<Vec<_>>().join("; ")
    }
}

fn artifacts() -> PathBuf {
    workspace::root().join("host/core/artifact")
}

fn source() -> PathBuf {
    workspace::root().join("host/core/src/runtime/shipped/artifact.rs")
}

fn read(folder: &PathBuf) -> Result<BTreeMap<String, Vec<u8>>> {
    let entries =
        fs::read_dir(folder).with_context(|| format!("cannot read `{}`", folder.display()))?;
    entries
        .map(|entry| {
            let entry = entry?;
            let name = entry.file_name().to_string_lossy().into_owned();
            Ok((name, fs::read(entry.path())?))
        })
        .collect()
}

/// `artifact.rs`, as rustfmt would write it.
fn rust(code: &BTreeMap<String, Vec<u8>>, engine: &str) -> Result<String> {
    let mut text = format!(
        "//! The engine compiled, for each machine. Written by `cargo xtask engine precompile`; do not edit.

use super::Artifact;

/// SHA-256 of the engine's component without a plan, of which all of these were compiled.
const ENGINE: &str = \"{engine}\";
"
    );
    let mut all = String::new();
    for (name, code) in code {
        let (architecture, system) = name
            .strip_prefix("engine.")
            .and_then(|name| name.strip_suffix(".cwasm")?.split_once('-'))
            .with_context(|| format!("`{name}` names no machine"))?;
        let machine = format!("all(target_arch = \"{architecture}\", target_os = \"{system}\")");
        let _ = write!(
            text,
            "
#[cfg({machine})]
pub(super) const ARTIFACT: Option<Artifact> = Some(Artifact {{
    code: include_bytes!(\"../../../artifact/{name}\"),
    digest: \"{}\",
    engine: ENGINE,
}});
",
            sha256(code)
        );
        let _ = writeln!(all, "    {machine},");
    }
    let _ = write!(
        text,
        "
#[cfg(not(any(
{all})))]
pub(super) const ARTIFACT: Option<Artifact> = None;
"
    );
    Ok(text)
}
