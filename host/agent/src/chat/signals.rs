//! Ctrl-C, and what ends the program.

use std::io::{self, IsTerminal as _};
use std::time::Duration;

use tokio::runtime::Handle;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::task::AbortHandle;

/// What the program was told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Told {
    /// Ctrl-C: stop what goes on.
    Interrupt,
    /// End.
    Terminate,
}

/// How often it is looked whether the terminal is still there. A program in a session of its own gets no signal when it vanishes.
const LOOK: Duration = Duration::from_secs(1);

/// Listens to signals.
#[derive(Debug)]
pub(crate) struct Signals {
    interrupt: Signal,
    terminate: Signal,
    hangup: Signal,
    /// Whether a terminal was there at the beginning.
    has_terminal: bool,
}

impl Signals {
    /// Listens from now on. Needs a runtime.
    pub(crate) fn listen() -> io::Result<Self> {
        Ok(Self {
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
            hangup: signal(SignalKind::hangup())?,
            has_terminal: is_terminal(),
        })
    }

    /// Waits until the program is told something.
    pub(crate) async fn told(&mut self) -> Told {
        tokio::select! {
            _ = self.interrupt.recv() => Told::Interrupt,
            _ = self.terminate.recv() => Told::Terminate,
            _ = self.hangup.recv() => Told::Terminate,
            () = vanished(), if self.has_terminal => Told::Terminate,
        }
    }

    /// Forgets what was told so far.
    pub(super) fn forget(&mut self) {
        use std::task::{Context, Waker};
        let mut context = Context::from_waker(Waker::noop());
        while self.interrupt.poll_recv(&mut context).is_ready() {}
    }
}

fn is_terminal() -> bool {
    io::stdin().is_terminal()
}

/// Waits until the terminal is there no more.
async fn vanished() {
    loop {
        tokio::time::sleep(LOOK).await;
        if !is_terminal() {
            return;
        }
    }
}

/// While it lives, a program that waits for a key ends if it is told to: the line editor holds the thread, and the terminal has to be given
/// back as it was.
#[must_use]
pub(super) struct Watch(AbortHandle);

impl Drop for Watch {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// Watches from now on.
pub(super) fn end_when_told(runtime: &Handle) -> io::Result<Watch> {
    let _in = runtime.enter();
    let mut terminate = signal(SignalKind::terminate())?;
    let mut hangup = signal(SignalKind::hangup())?;
    let task = runtime.spawn(async move {
        // What a shell says of a program that ended so.
        let code = tokio::select! {
            _ = terminate.recv() => 128 + 15,
            _ = hangup.recv() => 128 + 1,
            () = vanished() => 128 + 1,
        };
        let _ = crossterm::terminal::disable_raw_mode();
        std::process::exit(code);
    });
    Ok(Watch(task.abort_handle()))
}
