//! The keyboard beside the line editor: while a turn runs what is typed is not shown, and a question is answered by a line that is typed
//! after it was asked.

use std::io::{self, IsTerminal};
use std::os::fd::AsFd;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;
use rustix::termios::{
    LocalModes, OptionalActions, QueueSelector, Termios, tcflush, tcgetattr, tcsetattr,
};

/// How long a reader waits before it looks whether it is still wanted.
const LOOK: Timespec = Timespec {
    tv_sec: 0,
    tv_nsec: 50_000_000,
};
/// The longest line, in bytes: the kernel's own limit is 4096.
const MAX_LINE: usize = 64 << 10;

/// What came of waiting for a line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Line {
    /// A line, without its end.
    Text(String),
    /// Nobody types any more: Ctrl-D, or the terminal is gone.
    End,
    /// The line is not wanted any more.
    Unwanted,
}

/// The terminal's keyboard. One at a time reads from it.
#[derive(Debug, Clone, Default)]
pub(super) struct Keyboard(Arc<Mutex<()>>);

impl Keyboard {
    /// Whether there is one.
    pub(super) fn is_there() -> bool {
        io::stdin().is_terminal()
    }

    /// Waits until nobody else reads.
    pub(super) fn own(&self) -> MutexGuard<'_, ()> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Forgets what was typed and not read: it was typed before the question.
    pub(super) fn forget(&self) {
        let _ = tcflush(io::stdin(), QueueSelector::IFlush);
    }

    /// Waits for a line. Dropping the future ends the wait, and what was typed by then is not lost.
    pub(super) async fn line(&self) -> Line {
        let unwanted = Unwanted::default();
        let (keyboard, flag) = (self.clone(), unwanted.0.clone());
        let reading = tokio::task::spawn_blocking(move || {
            let _own = keyboard.own();
            read_line(&flag)
        });
        reading.await.unwrap_or(Line::End)
    }
}

/// Ends a wait when it is dropped.
#[derive(Default)]
struct Unwanted(Arc<AtomicBool>);

impl Drop for Unwanted {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

fn read_line(unwanted: &AtomicBool) -> Line {
    let stdin = io::stdin();
    let fd = stdin.as_fd();
    let mut line = Vec::new();
    loop {
        // A line that is begun is read to its end: the kernel has all of it.
        if line.is_empty() && unwanted.load(Ordering::Relaxed) {
            return Line::Unwanted;
        }
        let mut fds = [PollFd::new(&fd, PollFlags::IN)];
        match poll(&mut fds, Some(&LOOK)) {
            Ok(0) | Err(Errno::INTR) => continue,
            Ok(_) => {}
            Err(_) => return Line::End,
        }
        // The kernel hands over whole lines, so that one byte at a time costs little and takes nothing of the next line.
        let mut byte = [0];
        match rustix::io::read(fd, &mut byte) {
            Ok(0) | Err(Errno::IO) => return Line::End,
            Ok(_) if byte == *b"\n" => {
                return Line::Text(String::from_utf8_lossy(&line).into_owned());
            }
            Ok(_) if line.len() < MAX_LINE => line.extend_from_slice(&byte),
            Ok(_) | Err(Errno::INTR | Errno::AGAIN) => {}
            Err(_) => return Line::End,
        }
    }
}

/// While it lives, what is typed is not shown. Ctrl-C stays a signal.
#[derive(Debug)]
pub(super) struct Quiet {
    before: Option<Termios>,
}

impl Quiet {
    pub(super) fn begin() -> Self {
        let before = tcgetattr(io::stdin()).ok();
        if let Some(before) = &before {
            let mut quiet = before.clone();
            quiet.local_modes.remove(LocalModes::ECHO);
            let _ = tcsetattr(io::stdin(), OptionalActions::Now, &quiet);
        }
        Self { before }
    }

    /// Shows what is typed, for a question.
    pub(super) fn pause(&self) -> Loud<'_> {
        self.restore();
        Loud(self)
    }

    fn restore(&self) {
        if let Some(before) = &self.before {
            let _ = tcsetattr(io::stdin(), OptionalActions::Now, before);
        }
    }

    fn again(&self) {
        if let Some(before) = &self.before {
            let mut quiet = before.clone();
            quiet.local_modes.remove(LocalModes::ECHO);
            let _ = tcsetattr(io::stdin(), OptionalActions::Now, &quiet);
        }
    }
}

impl Drop for Quiet {
    fn drop(&mut self) {
        self.restore();
    }
}

/// While it lives, what is typed is shown.
#[derive(Debug)]
pub(super) struct Loud<'q>(&'q Quiet);

impl Drop for Loud<'_> {
    fn drop(&mut self) {
        self.0.again();
    }
}
