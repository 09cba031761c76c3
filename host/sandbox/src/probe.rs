//! What this machine can enforce, for whoever sets it up.

use crate::backend;
use crate::group::Groups;
use crate::guarantee::Guarantees;
use crate::machine;
use crate::workspace::Workspace;

/// What one backend can do here.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Probe {
    /// Its name.
    pub backend: &'static str,
    /// What it enforces, tried with a command. None: it does not work.
    pub enforces: Option<Guarantees>,
    /// Why it does not work, each with the remedy.
    pub missing: Vec<String>,
}

/// What the machine is.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Machine {
    /// The name and version of the kernel.
    pub kernel: String,
    /// The version of landlock. Zero: none.
    pub landlock: i32,
    /// The kind of container that this runs in.
    pub container: Option<&'static str>,
    /// Why namespaces may not be had, each with the remedy.
    pub namespaces: Vec<String>,
    /// Where control groups of commands are made, which bound memory and processes as a whole. Empty: nowhere.
    pub control_groups: Vec<String>,
    /// What control groups cannot bound here and why, each with the remedy.
    pub control_groups_missing: Vec<String>,
}

/// What the machine is.
#[must_use]
pub fn machine() -> Machine {
    Machine {
        kernel: machine::kernel(),
        #[cfg(target_os = "linux")]
        landlock: backend::landlock::sys::landlock_abi(),
        #[cfg(not(target_os = "linux"))]
        landlock: 0,
        container: machine::container(),
        namespaces: machine::namespace_hints(),
        control_groups: Groups::here().folders(),
        control_groups_missing: Groups::here().missing().to_vec(),
    }
}

/// Tries each backend with a command in an empty workspace, the strongest first. Takes as long as that: a second where `srt` is installed.
#[must_use]
pub fn probe() -> Vec<Probe> {
    let workspace = tempfile::tempdir()
        .map_err(|error| error.to_string())
        .and_then(|folder| {
            Workspace::builder(folder.path())
                .allowed_commands(["true"])
                .build()
                .map(|workspace| (folder, workspace))
                .map_err(|error| error.to_string())
        });
    backend::NAMES
        .iter()
        .map(|name| {
            let prepared = match &workspace {
                Ok((_, workspace)) => backend::prepare(name, workspace),
                Err(error) => Err(vec![format!("no folder to try it in: {error}")]),
            };
            match prepared {
                Ok(backend) => Probe {
                    backend: name,
                    enforces: Some(backend.guarantees().clone()),
                    missing: Vec::new(),
                },
                Err(missing) => Probe {
                    backend: name,
                    enforces: None,
                    missing,
                },
            }
        })
        .collect()
}
