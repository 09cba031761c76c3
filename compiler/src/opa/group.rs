//! Processes that end when this one does.
//!
//! Each runs in a group of its own, so that what a script has started ends with it. So a terminal's Ctrl-C does not reach it, and a
//! program that is told to stop has to end it: [`end_all`].

use std::{
    io,
    os::unix::process::CommandExt,
    process::{Child, Command, ExitStatus},
    sync::{Mutex, MutexGuard, PoisonError},
};

use rustix::process::{Pid, Signal, kill_process_group};

/// What runs, and whether anything may still be started.
struct Running {
    groups: Vec<Pid>,
    ended: bool,
}

static RUNNING: Mutex<Running> = Mutex::new(Running {
    groups: Vec::new(),
    ended: false,
});

fn running() -> MutexGuard<'static, Running> {
    RUNNING.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A process and what it starts. Ended when dropped.
pub(super) struct Group {
    pub(super) child: Child,
    /// None once it has been waited for.
    group: Option<Pid>,
}

impl Group {
    pub(super) fn start(command: &mut Command) -> io::Result<Self> {
        // Nothing is started between the end of all groups and the end of this process.
        let mut running = running();
        if running.ended {
            return Err(io::ErrorKind::Interrupted.into());
        }
        let child = command.process_group(0).spawn()?;
        let group = i32::try_from(child.id()).ok().and_then(Pid::from_raw);
        running.groups.extend(group);
        Ok(Self { child, group })
    }

    /// How the process has ended. None: it has not.
    pub(super) fn try_wait(&mut self) -> io::Result<Option<ExitStatus>> {
        let mut running = running();
        let status = self.child.try_wait()?;
        // Once it has been waited for, its number may be that of another.
        if status.is_some()
            && let Some(group) = self.group.take()
        {
            running.groups.retain(|other| *other != group);
        }
        Ok(status)
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        let Some(group) = self.group.take() else {
            return;
        };
        let mut running = running();
        // It was not waited for, so its number is still its own.
        let _ = kill_process_group(group, Signal::KILL);
        running.groups.retain(|other| *other != group);
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Whether [`end_all`] was called.
pub(super) fn is_ended() -> bool {
    running().ended
}

/// Ends every `opa` that this process has started, and starts no more: for programs that are told to stop. What waits for one gets
/// [`OpaError::Interrupted`](super::OpaError::Interrupted).
///
/// Tells whether there was one.
pub fn end_all() -> bool {
    let mut running = running();
    running.ended = true;
    let any = !running.groups.is_empty();
    for group in running.groups.drain(..) {
        let _ = kill_process_group(group, Signal::KILL);
    }
    any
}
