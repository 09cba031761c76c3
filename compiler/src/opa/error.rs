//! Why OPA could not be used. What is wrong with a policy is a diagnostic instead.

use std::{io, path::PathBuf};

use super::find::{LOWEST, Version};

/// How to get what is needed.
const GET: &str = "install Open Policy Agent from https://www.openpolicyagent.org/docs#1-download-opa, or name its binary in `HEXGATE_OPA_BIN`";

/// OPA could not be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OpaError {
    /// There is none.
    #[error("Rego needs `opa`, version {LOWEST} or newer, and there is none on the path; {GET}")]
    NotFound,
    /// `HEXGATE_OPA_BIN` names something that cannot be run.
    #[error("`HEXGATE_OPA_BIN` names `{}`, which {reason}; name the binary of Open Policy Agent, or unset the variable to use the one on the path", .path.display())]
    NotExecutable {
        /// What it names.
        path: PathBuf,
        /// Why it cannot be run.
        reason: &'static str,
    },
    /// `HEXGATE_OPA_TIMEOUT` is no time.
    #[error("`HEXGATE_OPA_TIMEOUT` must be a number of seconds from 1 to 3600")]
    Timeout,
    /// It does not start.
    #[error("cannot run `{}`; check that it is the binary of Open Policy Agent for this machine", .path.display())]
    Start {
        /// The binary.
        path: PathBuf,
        /// The cause.
        source: io::Error,
    },
    /// It is too old.
    #[error("`{}` is version {found}, and Rego needs {LOWEST} or newer; {GET}", .path.display())]
    TooOld {
        /// The binary.
        path: PathBuf,
        /// Its version.
        found: Version,
    },
    /// It ended as OPA does not end, or without saying why.
    #[error("`{} {command}` failed ({status}){}", .path.display(), what_it_said(.said))]
    Failed {
        /// The binary.
        path: PathBuf,
        /// Its subcommand.
        command: &'static str,
        /// How it ended.
        status: String,
        /// What it said, shortened.
        said: String,
    },
    /// It did not end.
    #[error("`{} {command}` did not end within {seconds} s; for a policy that takes longer raise `HEXGATE_OPA_TIMEOUT`", .path.display())]
    TimedOut {
        /// The binary.
        path: PathBuf,
        /// Its subcommand.
        command: &'static str,
        /// The limit.
        seconds: u64,
    },
    /// This program was told to stop.
    #[error("interrupted; nothing was written")]
    Interrupted,
    /// It did not answer as OPA does.
    #[error("`{} {command}` answered with something that is not {expected}; check that it is the binary of Open Policy Agent", .path.display())]
    Answer {
        /// The binary.
        path: PathBuf,
        /// Its subcommand.
        command: &'static str,
        /// What the answer should have been.
        expected: String,
    },
    /// There is no place to work in.
    #[error("cannot work in a temporary folder: {what}")]
    Folder {
        /// What failed.
        what: &'static str,
        /// The cause.
        source: io::Error,
    },
}

fn what_it_said(text: &str) -> String {
    if text.is_empty() {
        " and said nothing".to_owned()
    } else {
        format!(": {text}")
    }
}
