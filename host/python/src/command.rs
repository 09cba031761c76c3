//! The command line.

use std::ffi::OsString;

use pyo3::prelude::*;

/// Runs the program `hexgate` with these arguments, without its name. Gives the exit code. What it prints goes to the standard streams of the process.
#[pyfunction]
pub(crate) fn command_line(py: Python<'_>, arguments: Vec<OsString>) -> u8 {
    let line: Vec<OsString> = std::iter::once("hexgate".into()).chain(arguments).collect();
    py.detach(|| hexgate_cli::hexgate_with(line))
}

/// The version of the host.
#[pyfunction]
pub(crate) fn version() -> &'static str {
    env!("CARGO_PKG_VERSION")
}
