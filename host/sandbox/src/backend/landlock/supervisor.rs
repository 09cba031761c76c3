//! Init: reaps what ends, ends what is left, and makes the calls that change names or open files for writing.
//!
//! Landlock grants whole trees; it cannot keep one name out of a tree that may be written. So a command does not make such calls itself.
//! Its filter sends them here, where their paths are read once, looked up by descriptors, held against the protected names, and the call is
//! made on what was looked up. There is no second look at what the command could have changed meanwhile.
//!
//! Init stands under the same rules of landlock as the command, has its user and no capability, so it can do nothing for a command that
//! the command may not do. It allocates nothing: it is a copy of a program that may have had many threads.

use std::os::fd::{AsFd, BorrowedFd};

use rustix::event::{PollFd, PollFlags};
use rustix::io::Errno;
use rustix::process::{Pid, WaitOptions, WaitStatus};

use super::calls::{self, Done};
use super::launch::Launch;
use super::sys;

/// The exit code of a command that init was told to end.
const ENDED: i32 = 143;

/// Supervises until the command ends or has to. The exit code; what the command started is gone, or goes with this process.
pub(super) fn run(
    launch: &Launch,
    command: Pid,
    listener: BorrowedFd<'_>,
    signals: BorrowedFd<'_>,
    lifeline: BorrowedFd<'_>,
) -> i32 {
    let mut heard = true;
    let code = loop {
        if let Some(code) = reap(command) {
            break code;
        }
        let events = if heard {
            PollFlags::IN
        } else {
            PollFlags::empty()
        };
        let mut polled = [
            PollFd::from_borrowed_fd(signals, PollFlags::IN),
            PollFd::from_borrowed_fd(lifeline, PollFlags::IN),
            PollFd::from_borrowed_fd(listener, events),
        ];
        let waited = if heard {
            rustix::event::poll(&mut polled, None)
        } else {
            rustix::event::poll(polled.get_mut(..2).unwrap_or_default(), None)
        };
        match waited {
            Ok(_) | Err(Errno::INTR) => {}
            Err(_) => break ENDED,
        }
        let [signal, life, notice] = polled.map(|fd| fd.revents());
        if !life.is_empty() || (!signal.is_empty() && told_to_end(signals)) {
            break ENDED;
        }
        if notice.contains(PollFlags::IN) {
            serve(launch, listener);
        } else if !notice.is_empty() {
            // Nothing that could ask is left.
            heard = false;
        }
    };
    if launch.plan.is_none() {
        end_all(launch);
    }
    code
}

/// Reads the signals that came. Whether one of them says to end.
fn told_to_end(signals: BorrowedFd<'_>) -> bool {
    let mut end = false;
    let mut info = [0; 128];
    while let Ok(128) = rustix::io::read(signals, &mut info) {
        // The number of the signal is the first field.
        let number = info
            .first_chunk()
            .map_or(0, |first| u32::from_ne_bytes(*first));
        end |= number == libc::SIGTERM.unsigned_abs();
    }
    end
}

/// Takes leave of the dead. The exit code of the command, if it is among them.
fn reap(command: Pid) -> Option<i32> {
    loop {
        match rustix::process::wait(WaitOptions::NOHANG) {
            Ok(Some((pid, status))) if pid == command => return Some(code(status)),
            Ok(Some(_)) | Err(Errno::INTR) => {}
            Ok(None) => return None,
            // There is no child any more, not even the command.
            Err(_) => return Some(ENDED),
        }
    }
}

/// The exit code that a shell would give.
pub(super) fn code(status: WaitStatus) -> i32 {
    status
        .exit_status()
        .or_else(|| status.terminating_signal().map(|signal| 128 + signal))
        .unwrap_or(ENDED)
}

/// Without a PID namespace: ends all that is left, and waits until it is gone.
fn end_all(launch: &Launch) {
    if !launch.scoped {
        return;
    }
    loop {
        if sys::kill_all(Some(launch.parent)).is_err() {
            // Nothing is left that could be signalled, or signals are not confined.
            let _ = rustix::process::wait(WaitOptions::NOHANG);
        }
        match rustix::process::wait(WaitOptions::empty()) {
            Ok(_) | Err(Errno::INTR) => {}
            Err(_) => return,
        }
    }
}

fn serve(launch: &Launch, listener: BorrowedFd<'_>) {
    let Ok(notice) = sys::notice(listener) else {
        return;
    };
    match calls::make(&launch.shield, &notice, listener) {
        Ok(Done::Value(value)) => {
            let _ = sys::answer(listener, notice.id, Ok(value));
        }
        Ok(Done::File(file, close_on_exec)) => {
            if let Err(error) = sys::answer_file(listener, notice.id, file.as_fd(), close_on_exec) {
                let _ = sys::answer(listener, notice.id, Err(error));
            }
        }
        Ok(Done::Elsewhere) => {}
        Err(error) => {
            let _ = sys::answer(listener, notice.id, Err(error));
        }
    }
}
