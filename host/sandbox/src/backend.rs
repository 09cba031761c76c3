//! The ways to confine a command.

#[cfg(target_os = "linux")]
pub(crate) mod bwrap;
#[cfg(target_os = "linux")]
pub(crate) mod landlock;
pub(crate) mod srt;

use std::fmt::Debug;
use std::os::fd::{AsFd, OwnedFd};
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::error::SandboxError;
use crate::executables::SEARCH_PATH;
#[cfg(target_os = "linux")]
use crate::group::{Controller, Groups};
#[cfg(target_os = "linux")]
use crate::guarantee::Guarantee;
use crate::guarantee::Guarantees;
use crate::network::Network;
use crate::run::{self, Running};
use crate::workspace::Workspace;

/// A way to confine a command, ready for one workspace.
pub(crate) trait Backend: Debug + Send + Sync {
    /// Its name.
    fn name(&self) -> &'static str;
    /// What it enforces here.
    fn guarantees(&self) -> &Guarantees;
    /// Starts a script in it.
    fn start(&self, script: &str, network: Network) -> Result<Running, SandboxError>;
    /// Why the setup failed, from where the command that ended could report it.
    fn reported(&self, _report: &OwnedFd) -> Option<SandboxError> {
        None
    }
}

/// How a control group bounds processes.
pub(crate) const PROCESSES_TOGETHER: &str = "as a whole by a control group";

/// What bounds processes and memory where resource limits are set: a control group if there is one.
#[cfg(target_os = "linux")]
fn bounded(all: &mut Guarantees) {
    processes_bounded(all);
    memory_bounded(all);
}

#[cfg(target_os = "linux")]
fn processes_bounded(all: &mut Guarantees) {
    if Groups::here().bound(Controller::Processes) {
        all.enforced(Guarantee::ProcessesBounded, PROCESSES_TOGETHER);
    } else if rustix::process::geteuid().is_root() {
        all.missing(
            Guarantee::ProcessesBounded,
            "limits do not count for root: use a control group, another user, or with namespaces Linux 6.14",
        );
    } else {
        all.enforced(
            Guarantee::ProcessesBounded,
            "those of the user, by a resource limit",
        );
    }
}

#[cfg(target_os = "linux")]
fn memory_bounded(all: &mut Guarantees) {
    let how = match Groups::here().bound(Controller::Memory) {
        true => "as a whole by a control group, each process by a resource limit",
        false => {
            "each process alone by a resource limit; as a whole it is not, there is no control group"
        }
    };
    all.enforced(Guarantee::MemoryBounded, how);
}

/// A backend that works, or why it does not, with the remedies.
pub(crate) type Prepared = Result<Box<dyn Backend>, Vec<String>>;

/// The names of the backends, the strongest first.
pub(crate) const NAMES: &[&str] = &["landlock", "landlock-alone", "bwrap", "srt"];

/// Makes a backend ready. Programs of backends are looked for in the search path of this program.
pub(crate) fn prepare(name: &str, workspace: &Workspace) -> Prepared {
    match name {
        #[cfg(target_os = "linux")]
        "landlock" => landlock::prepare(workspace, true),
        #[cfg(target_os = "linux")]
        "landlock-alone" => landlock::prepare(workspace, false),
        #[cfg(target_os = "linux")]
        "bwrap" => bwrap::prepare(workspace),
        "srt" => srt::prepare(workspace),
        #[cfg(not(target_os = "linux"))]
        "landlock" | "landlock-alone" | "bwrap" => Err(vec!["only Linux has it".to_owned()]),
        other => Err(vec![format!(
            "there is no backend `{other}`; there are {}",
            NAMES.join(", ")
        )]),
    }
}

/// The program of a backend: by the search path of this program, then by that of commands. Not one that a command could have written.
pub(crate) fn program(name: &str, workspace: &Workspace) -> Result<PathBuf, String> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let found = std::env::split_paths(&path)
        .chain(SEARCH_PATH.split(':').map(PathBuf::from))
        .filter(|folder| folder.is_absolute())
        .map(|folder| folder.join(name))
        .find(|path| path.is_file())
        .ok_or_else(|| format!("`{name}` is not installed"))?;
    let real = found.canonicalize().map_err(|error| error.to_string())?;
    let inside = |path: &Path| {
        path.starts_with(workspace.root())
            || workspace
                .extra_write_paths()
                .any(|write| path.starts_with(write))
    };
    if inside(&found) || inside(&real) {
        return Err(format!(
            "`{}` lies where commands may write",
            found.display()
        ));
    }
    Ok(found)
}

/// Runs a command that does nothing, to see whether a backend works.
pub(crate) fn trial(backend: &dyn Backend, workspace: &Workspace) -> Result<(), String> {
    let finished = attempt(backend, workspace, "echo works")?;
    if finished.exit_code == 0 && finished.stdout.trim() == "works" {
        return Ok(());
    }
    Err(format!(
        "a command does not work in it: exit code {}, {}",
        finished.exit_code,
        finished.stderr.trim().escape_debug()
    ))
}

/// Runs a script at once, to try a backend.
pub(crate) fn attempt(
    backend: &dyn Backend,
    workspace: &Workspace,
    script: &str,
) -> Result<run::Finished, String> {
    let (cancel, _held) = rustix::pipe::pipe().map_err(|error| error.to_string())?;
    let running = backend
        .start(script, Network::None)
        .map_err(|error| error.to_string())?;
    let report = running
        .report
        .as_ref()
        .map(OwnedFd::try_clone)
        .transpose()
        .map_err(|error| error.to_string())?;
    let finished = run::watch(
        running,
        workspace.limits(),
        Duration::from_secs(20),
        workspace.dir(),
        cancel.as_fd(),
    )
    .map_err(|error| error.to_string())?;
    match report.and_then(|report| backend.reported(&report)) {
        Some(error) => Err(error.to_string()),
        None => Ok(finished),
    }
}
