//! What happens between `fork` and `exec`: three processes, of which the last one becomes the command.
//!
//! ```text
//! this program ── waits ── [first: in the namespaces' parent] ── init: first of the PID namespace ── the command
//!                                                               reaps, supervises, ends all
//! ```
//!
//! Without namespaces the first process is init. Nothing here allocates; everything was made before.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd, RawFd};

use rustix::fs::{CWD, Mode, OFlags};
use rustix::io::Errno;
use rustix::process::{DumpableBehavior, Pid, Resource, Rlimit, Signal, WaitOptions};
use rustix::thread::{CapabilitiesSecureBits, CapabilitySet, CapabilitySets, UnshareFlags};

use super::launch::{Launch, SETUP_FAILED};
use super::step::Step;
use super::supervisor;
use super::sys;
use super::view;
use crate::network::PROXY_PORT;

/// Runs in the child of `fork`. Returns only in the process that becomes the command.
pub(super) fn run(launch: &Launch) -> Result<(), Errno> {
    match steps(launch) {
        Ok(()) => Ok(()),
        Err((step, error)) => {
            report(launch, step, error);
            Err(error)
        }
    }
}

fn report(launch: &Launch, step: Step, error: Errno) {
    let mut message = [0; 8];
    for (to, from) in message.iter_mut().zip(
        (step as i32)
            .to_ne_bytes()
            .into_iter()
            .chain(error.raw_os_error().to_ne_bytes()),
    ) {
        *to = from;
    }
    let _ = rustix::io::write(sys::borrowed(launch.report), &message);
}

/// Gives up with a report, in a process that is not the command.
fn give_up(launch: &Launch, (step, error): (Step, Errno)) -> ! {
    report(launch, step, error);
    sys::exit(SETUP_FAILED)
}

fn at(step: Step) -> impl Fn(Errno) -> (Step, Errno) {
    move |error| (step, error)
}

fn steps(launch: &Launch) -> Result<(), (Step, Errno)> {
    // Init is not killed but told: it has others to end.
    let last = if launch.plan.is_some() {
        Signal::KILL
    } else {
        Signal::TERM
    };
    rustix::process::set_parent_process_death_signal(Some(last)).map_err(at(Step::Parent))?;
    if rustix::process::getppid() != Some(launch.parent) {
        return Err((Step::Parent, Errno::SRCH));
    }
    // Before anything else is started: all that is started later is in it too.
    enter(&launch.groups).map_err(at(Step::Group))?;
    if launch.plan.is_some() {
        namespaces(launch)?;
        if let Some(init) = sys::fork().map_err(at(Step::Fork))? {
            let _ = sys::close_range(0, u32::MAX, false);
            sys::exit(wait_for(init));
        }
        // From here on errors end this process: it is not the one that std waits for.
        if let Err(failed) = rustix::process::set_parent_process_death_signal(Some(Signal::KILL))
            .map_err(at(Step::Parent))
        {
            give_up(launch, failed);
        }
    }
    match init(launch) {
        Ok(()) => Ok(()),
        Err(failed) => give_up(launch, failed),
    }
}

/// Enters control groups.
pub(super) fn enter(groups: &[RawFd]) -> Result<(), Errno> {
    for group in groups {
        match rustix::io::write(sys::borrowed(*group), b"0")? {
            1 => {}
            _ => return Err(Errno::IO),
        }
    }
    Ok(())
}

fn namespaces(launch: &Launch) -> Result<(), (Step, Errno)> {
    // Fails for users without privileges, whose further groups then stay: the rules hold for them too.
    let _ = rustix::thread::set_thread_groups(&[]);
    sys::unshare(
        UnshareFlags::NEWUSER
            | UnshareFlags::NEWNS
            | UnshareFlags::NEWPID
            | UnshareFlags::NEWNET
            | UnshareFlags::NEWIPC
            | UnshareFlags::NEWUTS
            | UnshareFlags::NEWCGROUP,
    )
    .map_err(at(Step::Unshare))?;
    write_file(c"/proc/self/setgroups", b"deny").map_err(at(Step::Map))?;
    write_file(c"/proc/self/uid_map", &launch.maps.0).map_err(at(Step::Map))?;
    write_file(c"/proc/self/gid_map", &launch.maps.1).map_err(at(Step::Map))
}

fn write_file(path: &std::ffi::CStr, text: &[u8]) -> Result<(), Errno> {
    let file = rustix::fs::openat(CWD, path, OFlags::WRONLY | OFlags::CLOEXEC, Mode::empty())?;
    match rustix::io::write(&file, text) {
        Ok(written) if written == text.len() => Ok(()),
        Ok(_) => Err(Errno::IO),
        Err(error) => Err(error),
    }
}

/// Waits for init and passes its end on.
fn wait_for(init: Pid) -> i32 {
    loop {
        match rustix::process::waitpid(Some(init), WaitOptions::empty()) {
            Ok(Some((_, status))) => return supervisor::code(status),
            Ok(None) | Err(Errno::INTR) => {}
            Err(_) => return SETUP_FAILED,
        }
    }
}

/// In init: sets everything up, starts the command and supervises it. Returns in the command.
fn init(launch: &Launch) -> Result<(), (Step, Errno)> {
    if let Some(plan) = &launch.plan {
        plan.enter()?;
        // Before Linux 6.14 this counts for the whole machine and cannot be written here; then the resource limit counts.
        if write_file(c"/proc/sys/kernel/pid_max", &launch.processes).is_ok() {
            // The first 300 numbers are given once and never again: they are passed over, so that the rest is the limit. A kernel without
            // checkpoints has no such file; then there may be 300 processes more.
            let _ = write_file(c"/proc/sys/kernel/ns_last_pid", b"300");
        }
        if launch.loopback {
            sys::loopback_up().map_err(at(Step::Network))?;
        }
        if let Some(network) = launch.network {
            listener(sys::borrowed(network)).map_err(at(Step::Network))?;
        }
    } else {
        rustix::process::set_child_subreaper(Some(rustix::process::getpid()))
            .map_err(at(Step::Parent))?;
    }
    // If memory runs out, these processes go first.
    let _ = write_file(c"/proc/self/oom_score_adj", b"1000");
    if launch.plan.is_some() {
        view::close_processes().map_err(at(Step::Processes))?;
    }
    set_limits(launch, |resource| !is_of_command(resource))?;
    drop_privileges().map_err(at(Step::Privileges))?;
    for (path, access) in &launch.inside {
        let place = rustix::fs::openat(
            CWD,
            path.as_c_str(),
            OFlags::PATH | OFlags::CLOEXEC,
            Mode::empty(),
        )
        .map_err(at(Step::Landlock))?;
        for rules in [launch.rules, launch.supervisor] {
            sys::landlock_allow(sys::borrowed(rules), place.as_fd(), *access)
                .map_err(at(Step::Landlock))?;
        }
    }
    sys::landlock_restrict(sys::borrowed(launch.supervisor)).map_err(at(Step::Landlock))?;

    let (from_command, to_init) =
        rustix::pipe::pipe_with(rustix::pipe::PipeFlags::CLOEXEC).map_err(at(Step::Supervise))?;
    let (from_init, to_command) =
        rustix::pipe::pipe_with(rustix::pipe::PipeFlags::CLOEXEC).map_err(at(Step::Supervise))?;
    match sys::fork().map_err(at(Step::Fork))? {
        None => match command(launch, to_init.as_fd(), from_init.as_fd()) {
            Ok(()) => {
                // `exec` closes what is left; these would be closed twice.
                for pipe in [from_command, to_init, from_init, to_command] {
                    std::mem::forget(pipe);
                }
                Ok(())
            }
            Err(failed) => give_up(launch, failed),
        },
        Some(command) => {
            drop(to_init);
            let prepared = hand_over(command, from_command.as_fd());
            // This is a copy of the memory of this program. Not before: the copy that becomes the command would not be open to init.
            let closed = rustix::process::set_dumpable_behavior(DumpableBehavior::NotDumpable);
            if let Err(error) = closed {
                give_up(launch, (Step::Privileges, error));
            }
            match prepared {
                Ok(listener) => {
                    let code = match sys::signals(&[libc::SIGCHLD, libc::SIGTERM]) {
                        Ok(signals) => {
                            let _ = rustix::io::write(&to_command, &[1]);
                            keep(&[
                                listener.as_fd(),
                                signals.as_fd(),
                                sys::borrowed(launch.lifeline),
                            ]);
                            supervisor::run(
                                launch,
                                command,
                                listener.as_fd(),
                                signals.as_fd(),
                                sys::borrowed(launch.lifeline),
                            )
                        }
                        Err(error) => give_up(launch, (Step::Supervise, error)),
                    };
                    sys::exit(code)
                }
                // The command reports itself what went wrong, and has ended.
                Err(Errno::PIPE) => sys::exit(wait_for(command)),
                Err(error) => give_up(launch, (Step::Supervise, error)),
            }
        }
    }
}

/// Sets a limit that is not raised again; one that was lower stays.
pub(super) fn limit(resource: Resource, limit: u64) -> Result<(), Errno> {
    let current = rustix::process::getrlimit(resource);
    let limit = current.maximum.map_or(limit, |most| most.min(limit));
    rustix::process::setrlimit(
        resource,
        Rlimit {
            current: Some(limit),
            maximum: Some(limit),
        },
    )
}

/// Takes the listener for notices from the command.
fn hand_over(command: Pid, pipe: BorrowedFd<'_>) -> Result<OwnedFd, Errno> {
    let mut number = [0; 4];
    match rustix::io::read(pipe, &mut number)? {
        4 => {}
        _ => return Err(Errno::PIPE),
    }
    let process = rustix::process::pidfd_open(command, rustix::process::PidfdFlags::empty())?;
    rustix::process::pidfd_getfd(
        &process,
        i32::from_ne_bytes(number),
        rustix::process::PidfdGetfdFlags::empty(),
    )
}

/// Closes everything but these. Others would be kept open for as long as the command runs: pipes whose end somebody waits for.
fn keep(wanted: &[BorrowedFd<'_>; 3]) {
    use std::os::fd::AsRawFd;
    let mut numbers = wanted.map(|fd| fd.as_raw_fd().unsigned_abs());
    numbers.sort_unstable();
    let mut first = 0;
    for number in numbers {
        if number > first {
            let _ = sys::close_range(first, number - 1, false);
        }
        first = number + 1;
    }
    let _ = sys::close_range(first, u32::MAX, false);
}

/// In the process that becomes the command.
fn command(
    launch: &Launch,
    to_init: BorrowedFd<'_>,
    from_init: BorrowedFd<'_>,
) -> Result<(), (Step, Errno)> {
    use std::os::fd::AsRawFd;
    rustix::process::set_parent_process_death_signal(Some(Signal::KILL))
        .map_err(at(Step::Parent))?;
    rustix::process::setsid().map_err(at(Step::Enter))?;
    rustix::process::umask(Mode::from(0o022));
    rustix::process::chdir(launch.root.as_c_str()).map_err(at(Step::Enter))?;
    // A domain of its own beneath that of init: it cannot trace init, signal it or read its memory.
    sys::landlock_restrict(sys::borrowed(launch.rules)).map_err(at(Step::Landlock))?;
    sys::close_range(3, u32::MAX, true).map_err(at(Step::Enter))?;
    let listener = sys::filter_with_listener(&launch.filters.ask).map_err(at(Step::Filter))?;
    rustix::io::write(to_init, &listener.as_raw_fd().to_ne_bytes()).map_err(at(Step::Filter))?;
    let mut ready = [0];
    match rustix::io::read(from_init, &mut ready) {
        Ok(1) => {}
        Ok(_) => return Err((Step::Filter, Errno::PIPE)),
        Err(error) => return Err((Step::Filter, error)),
    }
    drop(listener);
    set_limits(launch, is_of_command)?;
    sys::filter(&launch.filters.absent).map_err(at(Step::Filter))?;
    sys::filter(&launch.filters.refuse).map_err(at(Step::Filter))
}

/// Whether a limit holds for the command alone. What is forked here has the address space and the open files of this program, which may exceed
/// the limit already: its stack could not grow, and it could open nothing.
fn is_of_command(resource: Resource) -> bool {
    matches!(resource, Resource::As | Resource::Nofile)
}

fn set_limits(launch: &Launch, wanted: impl Fn(Resource) -> bool) -> Result<(), (Step, Errno)> {
    for (resource, most) in &launch.limits {
        if wanted(*resource) {
            limit(*resource, *most).map_err(at(Step::Limits))?;
        }
    }
    Ok(())
}

/// No capability is left, none comes back, also not for the superuser and not by a program with the bit for it.
fn drop_privileges() -> Result<(), Errno> {
    // Without namespaces a user has no right to the first two, and nothing to lose by them.
    for number in 0..64 {
        if let Some(capability) = CapabilitySet::from_bits(1 << number)
            && rustix::thread::remove_capability_from_bounding_set(capability).is_err()
        {
            break;
        }
    }
    let _ = rustix::thread::set_capabilities_secure_bits(
        CapabilitiesSecureBits::NO_ROOT
            | CapabilitiesSecureBits::NO_ROOT_LOCKED
            | CapabilitiesSecureBits::NO_SETUID_FIXUP
            | CapabilitiesSecureBits::NO_SETUID_FIXUP_LOCKED
            | CapabilitiesSecureBits::KEEP_CAPS_LOCKED
            | CapabilitiesSecureBits::NO_CAP_AMBIENT_RAISE
            | CapabilitiesSecureBits::NO_CAP_AMBIENT_RAISE_LOCKED,
    );
    let _ = rustix::thread::clear_ambient_capability_set();
    rustix::thread::set_capabilities(
        None,
        CapabilitySets {
            effective: CapabilitySet::empty(),
            permitted: CapabilitySet::empty(),
            inheritable: CapabilitySet::empty(),
        },
    )?;
    rustix::thread::set_no_new_privs(true)
}

/// A listener in this network, sent to this program.
fn listener(to: BorrowedFd<'_>) -> Result<(), Errno> {
    use std::mem::MaybeUninit;
    let socket = rustix::net::socket_with(
        rustix::net::AddressFamily::INET,
        rustix::net::SocketType::STREAM,
        rustix::net::SocketFlags::CLOEXEC,
        None,
    )?;
    let address = std::net::SocketAddrV4::new(std::net::Ipv4Addr::LOCALHOST, PROXY_PORT);
    rustix::net::bind(&socket, &address)?;
    rustix::net::listen(&socket, 128)?;
    let sent = [socket.as_fd()];
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
    let mut control = rustix::net::SendAncillaryBuffer::new(&mut space);
    if !control.push(rustix::net::SendAncillaryMessage::ScmRights(&sent)) {
        return Err(Errno::NOBUFS);
    }
    rustix::net::sendmsg(
        to,
        &[std::io::IoSlice::new(b"L")],
        &mut control,
        rustix::net::SendFlags::NOSIGNAL,
    )
    .map(drop)
}
