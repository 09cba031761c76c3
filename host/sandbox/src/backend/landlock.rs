//! Confined by the kernel, without another program: landlock, filters of system calls and, where they can be had, namespaces.

mod caller;
mod calls;
mod child;
mod filter;
mod launch;
mod lookup;
mod path;
mod rules;
mod setup;
mod step;
mod supervisor;
pub(crate) mod sys;
mod view;

use std::ffi::CString;
use std::io;
use std::os::fd::{AsRawFd, OwnedFd, RawFd};
use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use rustix::process::Resource;

use self::filter::{Filters, Sockets};
use self::launch::Launch;
use self::rules::Rules;
use self::step::Step;
use self::view::Plan;
use super::{Backend, Prepared, attempt};
use crate::environment;
use crate::error::SandboxError;
use crate::group::{Group, Groups};
use crate::guarantee::{Guarantee, Guarantees};
use crate::limits::Limits;
use crate::network::Network;
use crate::run::Running;
use crate::workspace::{Shield, Workspace};

pub(crate) use self::setup::{prepare, shell, system};

/// Landlock, ready for a workspace.
#[derive(Debug)]
pub(crate) struct Landlock {
    workspace: Workspace,
    abi: landlock::ABI,
    rules: Rules,
    /// None: without namespaces.
    plan: Option<Plan>,
    shell: PathBuf,
    shield: Shield,
    /// Where temporary files are, as commands see it.
    temporary: PathBuf,
    /// The folder that they are in. Removed with this.
    _folder: tempfile::TempDir,
    guarantees: Guarantees,
}

impl Backend for Landlock {
    fn name(&self) -> &'static str {
        if self.plan.is_some() {
            "landlock"
        } else {
            "landlock-alone"
        }
    }

    fn guarantees(&self) -> &Guarantees {
        &self.guarantees
    }

    fn start(&self, script: &str, network: Network) -> Result<Running, SandboxError> {
        if self.plan.is_none() && !network.is_none() {
            return Err(SandboxError::Network(self.name()));
        }
        let failed = |step| move |source: io::Error| SandboxError::Setup { step, source };
        let through = !network.is_none();
        let (report, to_report) = pipe().map_err(failed("make a pipe"))?;
        let (lifeline, held) = pipe().map_err(failed("make a pipe"))?;
        rustix::io::ioctl_fionbio(&report, true)
            .map_err(|error| failed("make a pipe")(error.into()))?;
        let channel = through
            .then(channel)
            .transpose()
            .map_err(failed("make a channel"))?;
        let create = |processes| {
            self.rules
                .create(self.abi, self.network_rule(through), processes)
                .map_err(failed("make the rules of landlock"))
        };
        let group = Groups::here()
            .make(self.workspace.limits())
            .map_err(failed("make a control group"))?;
        let (rules, supervisor) = (create(false)?, create(self.plan.is_none())?);
        let launch = Launch {
            report: to_report.as_raw_fd(),
            lifeline: lifeline.as_raw_fd(),
            network: channel.as_ref().map(|(_, child)| child.as_raw_fd()),
            loopback: through || self.workspace.0.local_binding,
            rules: rules.as_raw_fd(),
            supervisor: supervisor.as_raw_fd(),
            inside: self.inside(),
            plan: self.plan.clone(),
            maps: maps(),
            limits: resources(self.workspace.limits()),
            processes: self.processes().to_string().into_bytes(),
            filters: self
                .filters(through)
                .map_err(|error| failed("make filters")(io::Error::other(error.to_string())))?,
            shield: self.shield.clone(),
            groups: group.iter().flat_map(Group::entrances).collect(),
            root: CString::new(self.workspace.root().as_os_str().as_bytes())
                .map_err(|error| failed("name the workspace")(error.into()))?,
            parent: rustix::process::getpid(),
            scoped: self.abi >= landlock::ABI::V6,
        };
        let mut command = Command::new(&self.shell);
        command
            .env_clear()
            .envs(environment::of(
                &self.workspace.0,
                &self.temporary,
                &network,
            ))
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        if self.shell.ends_with("bash") {
            command.args(["--noprofile", "--norc"]);
        }
        command.arg("-c").arg(script);
        sys::before_exec(&mut command, move || child::run(&launch));
        let child = match command.spawn() {
            Ok(child) => child,
            Err(source) => {
                return Err(self
                    .reported(&report)
                    .unwrap_or_else(|| failed("start the shell")(source)));
            }
        };
        // The ends of the child.
        drop((to_report, lifeline, rules, supervisor));
        let mut running = Running {
            child,
            lifeline: Some(held),
            leads: false,
            group,
            first: None,
            report: Some(report),
            service: None,
        };
        if let (Network::Through { serve, .. }, Some((ours, _))) = (network, channel)
            && let Some(listener) = receive(&ours)
        {
            match serve(listener.into()) {
                Ok(service) => running.service = Some(service),
                Err(source) => {
                    drop(running.lifeline.take());
                    let _ = running.child.wait();
                    return Err(failed("serve the network")(source));
                }
            }
        }
        Ok(running)
    }

    fn reported(&self, report: &OwnedFd) -> Option<SandboxError> {
        let mut message = [0; 8];
        match rustix::io::read(report, &mut message) {
            Ok(8) => {
                let (step, error) = message.split_at(4);
                let number = |bytes: &[u8]| {
                    bytes
                        .first_chunk()
                        .map_or(0, |chunk| i32::from_ne_bytes(*chunk))
                };
                Some(SandboxError::Setup {
                    step: Step::text(number(step)),
                    source: io::Error::from_raw_os_error(number(error)),
                })
            }
            _ => None,
        }
    }
}

impl Landlock {
    /// What landlock says about connections. With a network of its own and listeners allowed, nothing.
    fn network_rule(&self, through: bool) -> Option<bool> {
        (self.plan.is_none() || !self.workspace.0.local_binding).then_some(through)
    }

    fn filters(&self, through: bool) -> Result<Filters, seccompiler::Error> {
        let own = self.plan.is_some();
        filter::filters(
            Sockets {
                internet: own && (through || self.workspace.0.local_binding),
                unix: own && !self.workspace.0.sockets.is_empty(),
            },
            !own,
        )
    }

    /// Rules for what is made with the namespaces.
    fn inside(&self) -> Vec<(CString, u64)> {
        use landlock::{Access, AccessFs};
        if self.plan.is_none() {
            return Vec::new();
        }
        let read = AccessFs::ReadFile | AccessFs::ReadDir;
        let memory = AccessFs::from_all(self.abi)
            & !(AccessFs::Execute
                | AccessFs::MakeChar
                | AccessFs::MakeBlock
                | AccessFs::MakeSock
                | AccessFs::IoctlDev);
        vec![
            (CString::from(c"/proc"), read.bits()),
            (CString::from(c"/dev/shm"), memory.bits()),
        ]
    }

    /// The highest number of a process. The kernel takes none below 301, and does not use the first 300 again.
    fn processes(&self) -> u32 {
        self.workspace
            .limits()
            .processes
            .saturating_add(300)
            .max(301)
    }
}

fn resources(limits: &Limits) -> Vec<(Resource, u64)> {
    vec![
        (Resource::As, limits.memory),
        (Resource::Cpu, limits.cpu_seconds),
        (Resource::Fsize, limits.file_size),
        (Resource::Nofile, limits.open_files),
        (Resource::Nproc, limits.processes.into()),
        (Resource::Core, 0),
        (Resource::Memlock, 64 << 10),
        (Resource::Msgqueue, 0),
    ]
}

/// Limits for a command of another backend, which inherits these files and no others, and its control group.
pub(crate) fn limited(
    command: &mut Command,
    limits: &Limits,
    inherited: Vec<RawFd>,
    group: Option<&Group>,
) {
    let limits = resources(limits);
    let groups = group.map(Group::entrances).unwrap_or_default();
    sys::before_exec(command, move || {
        child::enter(&groups)?;
        for (resource, limit) in &limits {
            child::limit(*resource, *limit)?;
        }
        // Files of this program that were opened without care.
        sys::close_range(3, u32::MAX, true)?;
        for fd in &inherited {
            rustix::io::fcntl_setfd(sys::borrowed(*fd), rustix::io::FdFlags::empty())?;
        }
        Ok(())
    });
}

/// No open file of this program is left to a command, which runs in a control group.
pub(crate) fn inheriting_nothing(command: &mut Command, group: Option<&Group>) {
    let groups = group.map(Group::entrances).unwrap_or_default();
    sys::before_exec(command, move || {
        child::enter(&groups)?;
        sys::close_range(3, u32::MAX, true)
    });
}

/// The filters that need no supervisor, as bytes.
pub(crate) fn plain_filters(internet: bool) -> io::Result<Vec<Vec<u8>>> {
    let sockets = Sockets {
        internet,
        unix: false,
    };
    let filters =
        filter::filters(sockets, false).map_err(|error| io::Error::other(error.to_string()))?;
    Ok([filter::native(), filters.absent, filters.refuse]
        .iter()
        .map(|filter| filter.iter().flat_map(|step| step.bytes()).collect())
        .collect())
}

/// Maps of this user and group to themselves.
fn maps() -> (Vec<u8>, Vec<u8>) {
    let (user, group) = (
        rustix::process::geteuid().as_raw(),
        rustix::process::getegid().as_raw(),
    );
    (
        format!("{user} {user} 1").into_bytes(),
        format!("{group} {group} 1").into_bytes(),
    )
}

fn pipe() -> io::Result<(OwnedFd, OwnedFd)> {
    Ok(rustix::pipe::pipe_with(rustix::pipe::PipeFlags::CLOEXEC)?)
}

fn channel() -> io::Result<(OwnedFd, OwnedFd)> {
    Ok(rustix::net::socketpair(
        rustix::net::AddressFamily::UNIX,
        rustix::net::SocketType::DGRAM,
        rustix::net::SocketFlags::CLOEXEC | rustix::net::SocketFlags::NONBLOCK,
        None,
    )?)
}

/// The listener that the child made in its network. None: it could not, which the report says.
fn receive(channel: &OwnedFd) -> Option<OwnedFd> {
    use std::mem::MaybeUninit;

    use rustix::net::{RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags};
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
    let mut control = RecvAncillaryBuffer::new(&mut space);
    let mut byte = [0];
    rustix::net::recvmsg(
        channel,
        &mut [io::IoSliceMut::new(&mut byte)],
        &mut control,
        RecvFlags::CMSG_CLOEXEC,
    )
    .ok()?;
    control.drain().find_map(|message| match message {
        RecvAncillaryMessage::ScmRights(mut fds) => fds.next(),
        _ => None,
    })
}
