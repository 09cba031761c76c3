//! Confined by `srt`, the sandbox runtime of npm: the one that the Python system uses. The weakest; it works on macOS too.

use std::io::{self, Write};
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use serde_json::json;

use super::{Backend, PROCESSES_TOGETHER, Prepared, program, trial};
use crate::environment;
use crate::error::SandboxError;
use crate::group::{Controller, Groups};
use crate::guarantee::{Guarantee, Guarantees};
use crate::network::Network;
use crate::run::Running;
use crate::workspace::{PROTECTED_NAMES, Workspace};

/// srt, ready for a workspace.
#[derive(Debug)]
struct Srt {
    program: PathBuf,
    workspace: Workspace,
    settings: tempfile::NamedTempFile,
    temporary: tempfile::TempDir,
    guarantees: Guarantees,
}

/// srt for a workspace.
pub(crate) fn prepare(workspace: &Workspace) -> Prepared {
    let program = program("srt", workspace).map_err(|reason| {
        vec![format!(
            "{reason}: install `@anthropic-ai/sandbox-runtime` of npm, with Node 20.11 or later and on Linux bubblewrap, socat and ripgrep"
        )]
    })?;
    let srt =
        build(program, workspace).map_err(|error| vec![format!("cannot prepare: {error}")])?;
    trial(&srt, workspace).map_err(|reason| vec![reason])?;
    Ok(Box::new(srt))
}

fn build(program: PathBuf, workspace: &Workspace) -> io::Result<Srt> {
    let inner = &workspace.0;
    let temporary = tempfile::Builder::new().prefix("hexgate-").tempdir()?;
    let path = |path: &std::path::Path| path.to_string_lossy().into_owned();
    let write: Vec<_> = [&inner.root]
        .into_iter()
        .chain(&inner.write)
        .map(|place| path(&place.path))
        .chain([path(temporary.path())])
        .collect();
    let read: Vec<_> = write
        .iter()
        .cloned()
        .chain(inner.read.iter().map(|place| path(&place.path)))
        .collect();
    let denied: Vec<_> = inner
        .shield
        .denied
        .iter()
        .map(|denied| String::from_utf8_lossy(denied).into_owned())
        .chain(PROTECTED_NAMES.iter().flat_map(|(name, _)| {
            inner
                .write
                .iter()
                .chain([&inner.root])
                .filter_map(move |place| {
                    let protected = place.path.join(name);
                    protected
                        .exists()
                        .then(|| protected.to_string_lossy().into_owned())
                })
        }))
        .collect();
    let home = inner.home.as_deref().map(path);
    let settings = json!({
        "network": {
            "allowedDomains": [],
            "deniedDomains": [],
            "strictAllowlist": true,
            "allowUnixSockets": inner.sockets.iter().map(|socket| path(socket)).collect::<Vec<_>>(),
            "allowLocalBinding": inner.local_binding,
        },
        "filesystem": {
            "denyRead": home.into_iter().collect::<Vec<_>>(),
            "allowRead": read,
            "allowWrite": write,
            "denyWrite": denied,
        },
    });
    let mut file = tempfile::Builder::new()
        .prefix("hexgate-")
        .suffix(".json")
        .tempfile()?;
    file.write_all(settings.to_string().as_bytes())?;
    file.flush()?;
    Ok(Srt {
        program,
        workspace: workspace.clone(),
        settings: file,
        temporary,
        guarantees: guarantees(),
    })
}

fn guarantees() -> Guarantees {
    let mut all = Guarantees::default();
    all.enforced(Guarantee::WritesConfined, "its mounts or profile");
    all.missing(
        Guarantee::ReadsConfined,
        "it hides the home folder alone, not the rest of the machine",
    );
    all.missing(
        Guarantee::NamesProtected,
        "it knows some names, where they are; not all of ours",
    );
    all.enforced(
        Guarantee::NetworkConfined,
        "its own proxy, which allows nothing",
    );
    all.missing(
        Guarantee::SocketsHidden,
        "its filter of sockets is optional",
    );
    all.missing(Guarantee::CommandsEnforced, "it has no list of commands");
    all.missing(
        Guarantee::PrivilegesDropped,
        "it filters no system calls but sockets",
    );
    let groups = Groups::here();
    let mut by_group = |what, controller, how, reason| match groups.bound(controller) {
        true => all.enforced(what, how),
        false => all.missing(what, reason),
    };
    by_group(
        Guarantee::ProcessesEnded,
        Controller::Processes,
        "all of a control group are ended",
        "what runs beside it while it is killed may stay; in a control group it would not",
    );
    by_group(
        Guarantee::ProcessesBounded,
        Controller::Processes,
        PROCESSES_TOGETHER,
        "it sets no limit, and there is no control group",
    );
    by_group(
        Guarantee::MemoryBounded,
        Controller::Memory,
        "as a whole by a control group",
        "it sets no limit, and there is no control group",
    );
    all.missing(
        Guarantee::ResourcesBounded,
        "it limits neither processor nor files",
    );
    if cfg!(target_os = "linux") {
        all.enforced(Guarantee::EnvironmentClean, "made anew");
    } else {
        all.missing(Guarantee::EnvironmentClean, "open files may be inherited");
    }
    all
}

impl Backend for Srt {
    fn name(&self) -> &'static str {
        "srt"
    }

    fn guarantees(&self) -> &Guarantees {
        &self.guarantees
    }

    fn start(&self, script: &str, network: Network) -> Result<Running, SandboxError> {
        if !network.is_none() {
            return Err(SandboxError::Network("srt"));
        }
        let mut environment = environment::of(&self.workspace.0, self.temporary.path(), &network);
        // It finds Node and its helpers by the search path of this program, and leaves its own to the command.
        if let Some(path) = std::env::var_os("PATH") {
            environment.push(("PATH".into(), path));
        }
        let group = Groups::here()
            .make(self.workspace.limits())
            .map_err(|source| SandboxError::Setup {
                step: "make a control group",
                source,
            })?;
        let mut command = Command::new(&self.program);
        command
            .arg("--settings")
            .arg(self.settings.path())
            .arg("-c")
            .arg(script)
            .env_clear()
            .envs(environment)
            .current_dir(self.workspace.root())
            .process_group(0)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        #[cfg(target_os = "linux")]
        super::landlock::inheriting_nothing(&mut command, group.as_ref());
        let child = command.spawn().map_err(|source| SandboxError::Setup {
            step: "start srt",
            source,
        })?;
        Ok(Running {
            child,
            lifeline: None,
            leads: true,
            group,
            first: None,
            report: None,
            service: None,
        })
    }
}
