//! Choosing a backend and running commands in it.

use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::sync::Arc;
use std::time::Duration;

use crate::backend::{self, Backend};
use crate::command;
use crate::error::{Lacking, SandboxError, Unavailable};
use crate::guarantee::{Guarantee, Guarantees, Wanted};
use crate::network::Network;
use crate::run::{self, Finished};
use crate::workspace::Workspace;

/// Where commands of one workspace run. Clones share it.
///
/// ```no_run
/// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
/// use std::time::Duration;
///
/// use hexgate_sandbox::{Sandbox, Wanted, Workspace};
///
/// let workspace = Workspace::builder("/home/alice/project").build()?;
/// let sandbox = Sandbox::choose(&workspace, &Wanted::default())?;
/// let finished = sandbox.run("ls | wc -l", Duration::from_secs(5)).await?;
/// println!("{}", finished.stdout);
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone)]
pub struct Sandbox {
    workspace: Workspace,
    backend: Arc<dyn Backend>,
}

impl Sandbox {
    /// The strongest backend of this machine, if it enforces all that is wanted. A weaker one is never used instead.
    ///
    /// # Errors
    ///
    /// None does: each with what it lacks and the remedy. Commands must then not run.
    pub fn choose(workspace: &Workspace, wanted: &Wanted) -> Result<Self, Unavailable> {
        let mut tried = Vec::new();
        for name in backend::NAMES {
            match Self::only(name, workspace, wanted) {
                Ok(sandbox) => return Ok(sandbox),
                Err(unavailable) => tried.extend(unavailable.backends),
            }
        }
        Err(Unavailable { backends: tried })
    }

    /// The backend with this name (`landlock`, `landlock-alone`, `bwrap`, `srt`), if it enforces all that is wanted.
    ///
    /// # Errors
    ///
    /// It does not.
    pub fn backend(
        name: &str,
        workspace: &Workspace,
        wanted: &Wanted,
    ) -> Result<Self, Unavailable> {
        Self::only(name, workspace, wanted)
    }

    fn only(name: &str, workspace: &Workspace, wanted: &Wanted) -> Result<Self, Unavailable> {
        let known = backend::NAMES
            .iter()
            .find(|known| **known == name)
            .copied()
            .unwrap_or("unknown");
        let refused = |broken, lacking| Unavailable {
            backends: vec![Lacking {
                backend: known,
                broken,
                lacking,
            }],
        };
        let backend =
            backend::prepare(name, workspace).map_err(|broken| refused(broken, Vec::new()))?;
        let mut lacking = backend.guarantees().lacking(wanted);
        if workspace.allowed_commands().is_none() {
            // Nothing is asked of it.
            lacking.retain(|(what, _)| *what != Guarantee::CommandsEnforced);
        }
        if !lacking.is_empty() {
            return Err(refused(Vec::new(), lacking));
        }
        Ok(Self {
            workspace: workspace.clone(),
            backend: backend.into(),
        })
    }

    /// The backend.
    #[must_use]
    pub fn name(&self) -> &'static str {
        self.backend.name()
    }

    /// What it enforces.
    #[must_use]
    pub fn enforces(&self) -> &Guarantees {
        self.backend.guarantees()
    }

    /// The workspace.
    #[must_use]
    pub fn workspace(&self) -> &Workspace {
        &self.workspace
    }

    /// Runs a script without network. See [`run_with`](Self::run_with).
    ///
    /// # Errors
    ///
    /// See [`SandboxError`]. That a command fails, is refused or takes too long is no error but what came of it.
    pub async fn run(&self, script: &str, timeout: Duration) -> Result<Finished, SandboxError> {
        self.run_with(script, timeout, Network::None).await
    }

    /// Runs a script in the shell of the workspace, with the workspace as its working folder and nothing to read on its input.
    ///
    /// A script that is too long, that contains a zero byte, or that names a command that is not allowed does not run: exit code 126. If
    /// the future is dropped, or this program ends, everything that the script started is ended. Needs the runtime of tokio.
    ///
    /// # Errors
    ///
    /// See [`SandboxError`].
    pub async fn run_with(
        &self,
        script: &str,
        timeout: Duration,
        network: Network,
    ) -> Result<Finished, SandboxError> {
        let unread =
            self.workspace.0.kernel_alone && self.enforces().holds(Guarantee::CommandsEnforced);
        let rules = command::Rules {
            allowed: self.workspace.allowed_commands().filter(|_| !unread),
            substitution: self.workspace.0.substitution,
            bytes: self.workspace.limits().script_bytes,
        };
        if let Err(refused) = command::check(script, &rules) {
            return Ok(Finished::refused(refused.to_string()));
        }
        let (cancel, held) = pipe().map_err(SandboxError::Lost)?;
        let sandbox = self.clone();
        let script = script.to_owned();
        // One thread starts the command and stays with it: the kernel ends a command with the thread that started it.
        let finished = tokio::task::spawn_blocking(move || {
            sandbox.blocking(&script, timeout, network, &cancel)
        })
        .await
        .map_err(|error| SandboxError::Lost(io::Error::other(error)))?;
        // Closed when this future is dropped, which the thread sees.
        drop(held);
        finished
    }

    fn blocking(
        &self,
        script: &str,
        timeout: Duration,
        network: Network,
        cancel: &OwnedFd,
    ) -> Result<Finished, SandboxError> {
        // It may have waited for a thread for so long that nobody wants it any more.
        if run::is_cancelled(cancel.as_fd()).map_err(SandboxError::Lost)? {
            return Err(SandboxError::Lost(io::ErrorKind::Interrupted.into()));
        }
        let running = self.backend.start(script, network)?;
        let report = running.report.as_ref().map(OwnedFd::try_clone).transpose();
        let finished = run::watch(
            running,
            self.workspace.limits(),
            timeout,
            self.workspace.dir(),
            cancel.as_fd(),
        )
        .map_err(SandboxError::Lost)?;
        match report.map_err(SandboxError::Lost)? {
            Some(report) => match self.backend.reported(&report) {
                Some(error) => Err(error),
                None => Ok(finished),
            },
            None => Ok(finished),
        }
    }
}

fn pipe() -> io::Result<(OwnedFd, OwnedFd)> {
    let (read, write) = rustix::pipe::pipe()?;
    for end in [&read, &write] {
        rustix::io::fcntl_setfd(end, rustix::io::FdFlags::CLOEXEC)?;
    }
    Ok((read, write))
}
