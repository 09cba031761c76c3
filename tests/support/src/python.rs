//! The Python packages that bundles and tokens are exchanged with.
//!
//! `HEXGATE_INTEROP_PYTHON` names one or several interpreters, separated by `:`, in whose environments the packages are installed as
//! `tests/interop/requirements*.txt` say.

use std::{
    env,
    ffi::OsStr,
    io::Write,
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
};

/// The interpreters. Without any, says so.
///
/// # Panics
/// If there are none where all tools are required.
#[track_caller]
pub fn interpreters() -> Vec<PathBuf> {
    match env::var_os("HEXGATE_INTEROP_PYTHON") {
        Some(list) if !list.is_empty() => env::split_paths(&list).collect(),
        _ => {
            crate::skipped("HEXGATE_INTEROP_PYTHON names no interpreter with the packages");
            Vec::new()
        }
    }
}

/// Runs a script of `tests/interop` to its end.
///
/// # Panics
/// If it cannot be started, or does not take its input.
#[track_caller]
pub fn run(python: &Path, script: &str, arguments: &[impl AsRef<OsStr>], input: &[u8]) -> Output {
    let script = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../interop")
        .join(script);
    let output = Command::new(python)
        .arg("-B")
        .arg(script)
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .and_then(|mut child| {
            if let Some(mut stdin) = child.stdin.take() {
                stdin.write_all(input)?;
            }
            child.wait_with_output()
        });
    output.unwrap_or_else(|error| panic!("{}: {error}", python.display()))
}
