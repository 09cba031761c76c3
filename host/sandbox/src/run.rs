//! Watching a command: output, time, disk, and its end.

use std::any::Any;
use std::io::{self, Read};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::process::{Child, ChildStderr, ChildStdout};
use std::time::{Duration, Instant};

use hexgate_base::beginning;
use rustix::event::{PollFd, PollFlags, Timespec};

use crate::group::{Group, Used};
use crate::limits::Limits;

/// What came of a command.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Finished {
    /// The exit code: 126 if it was refused, 124 if its time was over, 128 and the number of the signal that ended it.
    pub exit_code: i32,
    /// What it wrote, with whatever escape sequences it contains; bytes that are no UTF-8 are replaced.
    pub stdout: String,
    /// What it wrote to its error stream.
    pub stderr: String,
    /// Whether `stdout` is only the beginning.
    pub stdout_truncated: bool,
    /// Whether `stderr` is only the beginning.
    pub stderr_truncated: bool,
    /// Whether its time was over.
    pub timed_out: bool,
    /// Why it was not run, or ended: a rule of the workspace. The same text stands in `stderr`.
    pub refused: Option<String>,
}

impl Finished {
    /// A command that was not run.
    pub(crate) fn refused(message: String) -> Self {
        Self {
            exit_code: 126,
            stdout: String::new(),
            stderr: message.clone(),
            stdout_truncated: false,
            stderr_truncated: false,
            timed_out: false,
            refused: Some(message),
        }
    }
}

/// A command that runs.
pub(crate) struct Running {
    pub(crate) child: Child,
    /// Closed to tell the sandbox that it has to end. None: the process is killed.
    pub(crate) lifeline: Option<OwnedFd>,
    /// Whether the process leads a process group that is to be killed with it.
    pub(crate) leads: bool,
    /// The control group of all of its processes.
    pub(crate) group: Option<Group>,
    /// Where bubblewrap says which process is the first of its namespace: the one to end.
    pub(crate) first: Option<OwnedFd>,
    /// Where a setup that failed says so.
    pub(crate) report: Option<OwnedFd>,
    /// What serves its network.
    pub(crate) service: Option<Box<dyn Any + Send>>,
}

/// Why a command was ended before it ended itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum End {
    Itself,
    Time,
    Disk,
    Cancelled,
}

/// How often free disk is looked at.
const TICK: Duration = Duration::from_millis(100);
/// How long what was told to end may take before it is killed.
const GRACE: Duration = Duration::from_secs(2);
/// How long the rest of the output is waited for after the command has ended.
const REST: Duration = Duration::from_secs(1);

/// Whether nobody wants a command any more.
pub(crate) fn is_cancelled(cancel: BorrowedFd<'_>) -> io::Result<bool> {
    Ok(wait(&[Some(cancel)], Duration::ZERO)?.first() == Some(&true))
}

/// Watches a command until it has ended and nothing of it is left. `cancel` is closed if nobody wants it any more.
pub(crate) fn watch(
    mut running: Running,
    limits: &Limits,
    timeout: Duration,
    workspace: BorrowedFd<'_>,
    cancel: BorrowedFd<'_>,
) -> io::Result<Finished> {
    let mut out = Stream::new(running.child.stdout.take(), limits.output_chars)?;
    let mut err = Stream::new(running.child.stderr.take(), limits.output_chars)?;
    let watched = attend(
        &mut running,
        limits,
        timeout,
        workspace,
        cancel,
        &mut out,
        &mut err,
    );
    let code = end(&mut running);
    let used = running
        .group
        .take()
        .map_or_else(Used::default, Group::finish);
    let end = watched?;
    let code = code?;
    // Whatever held the streams is gone, or goes now.
    let until = Instant::now() + REST;
    while (out.open() || err.open()) && Instant::now() < until {
        wait(&[out.fd(), err.fd()], Duration::from_millis(20))?;
        out.take()?;
        err.take()?;
    }
    drop(running.service.take());
    let refused = (end == End::Disk).then(|| {
        format!(
            "hexgate: command ended: fewer than {} bytes are free on the disk of the workspace",
            limits.free_disk
        )
    });
    let (stdout, stdout_truncated) = out.text();
    let (mut stderr, stderr_truncated) = err.text();
    for message in exceeded(used, limits).iter().chain(&refused) {
        if !stderr.is_empty() && !stderr.ends_with('\n') {
            stderr.push('\n');
        }
        stderr.push_str(message);
    }
    Ok(Finished {
        exit_code: if end == End::Time { 124 } else { code },
        stdout,
        stderr,
        stdout_truncated,
        stderr_truncated,
        timed_out: end == End::Time,
        refused,
    })
}

/// What a command is told of the limits of its control group that it came to.
fn exceeded(used: Used, limits: &Limits) -> Vec<String> {
    let memory = used.memory_ran_out.then(|| {
        format!(
            "hexgate: processes were ended: all together used more than {} bytes of memory",
            limits.total_memory
        )
    });
    let processes = used.too_many_processes.then(|| {
        format!(
            "hexgate: processes were not started: there were {} already",
            limits.processes
        )
    });
    memory.into_iter().chain(processes).collect()
}

#[allow(clippy::too_many_arguments, reason = "all that is watched")]
fn attend(
    running: &mut Running,
    limits: &Limits,
    timeout: Duration,
    workspace: BorrowedFd<'_>,
    cancel: BorrowedFd<'_>,
    out: &mut Stream<ChildStdout>,
    err: &mut Stream<ChildStderr>,
) -> io::Result<End> {
    let until = Instant::now().checked_add(timeout);
    let ended = ended(&running.child)?;
    let mut looked = Instant::now();
    let before = free(workspace);
    loop {
        let left = until.map_or(TICK, |until| {
            until.saturating_duration_since(Instant::now())
        });
        if left.is_zero() {
            return Ok(End::Time);
        }
        let tick = if ended.is_some() {
            TICK
        } else {
            Duration::from_millis(10)
        };
        let woken = wait(
            &[
                Some(cancel),
                ended.as_ref().map(AsFd::as_fd),
                out.fd(),
                err.fd(),
            ],
            left.min(tick),
        )?;
        if woken.first() == Some(&true) {
            return Ok(End::Cancelled);
        }
        out.take()?;
        err.take()?;
        if (ended.is_none() || woken.get(1) == Some(&true)) && running.child.try_wait()?.is_some() {
            return Ok(End::Itself);
        }
        if looked.elapsed() >= TICK {
            looked = Instant::now();
            // A disk that was full before is not the doing of this command.
            if before > limits.free_disk && free(workspace) < limits.free_disk {
                return Ok(End::Disk);
            }
        }
    }
}

/// Free bytes of the file system of the workspace; none if it cannot be told.
fn free(workspace: BorrowedFd<'_>) -> u64 {
    rustix::fs::fstatvfs(workspace).map_or(0, |found| found.f_bavail.saturating_mul(found.f_frsize))
}

/// What tells that the process has ended.
#[cfg(target_os = "linux")]
fn ended(child: &Child) -> io::Result<Option<OwnedFd>> {
    let pid = rustix::process::Pid::from_child(child);
    let ended = rustix::process::pidfd_open(pid, rustix::process::PidfdFlags::empty())?;
    Ok(Some(ended))
}

#[cfg(not(target_os = "linux"))]
#[allow(
    clippy::unnecessary_wraps,
    reason = "the other system has something to return"
)]
fn ended(_: &Child) -> io::Result<Option<OwnedFd>> {
    Ok(None)
}

/// Ends the process if it has not ended, and waits for it. Its exit code.
fn end(running: &mut Running) -> io::Result<i32> {
    use std::os::unix::process::ExitStatusExt;
    let told = running.lifeline.take().is_some();
    let until = Instant::now() + if told { GRACE } else { Duration::ZERO };
    let status = loop {
        if let Some(status) = running.child.try_wait()? {
            break status;
        }
        if Instant::now() >= until {
            let all = running.group.as_ref().is_some_and(Group::kill);
            if let Some(first) = running.first.take()
                && !all
            {
                kill_first(&first);
            }
            kill(running);
            break running.child.wait()?;
        }
        std::thread::sleep(Duration::from_millis(1));
    };
    if running.leads {
        kill(running);
    }
    Ok(status
        .code()
        .or_else(|| status.signal().map(|signal| 128 + signal))
        .unwrap_or(1))
}

/// Ends the first process of a namespace, and with it all others. Its number is its own as long as its parent, which is still there, has not
/// taken leave of it.
fn kill_first(said: &OwnedFd) {
    let mut text = Vec::new();
    let until = Instant::now() + GRACE;
    // It is said when the namespace is made, a moment after the start.
    while Instant::now() < until && !text.ends_with(b"}\n") && !text.ends_with(b"}") {
        let Ok(woken) = wait(&[Some(said.as_fd())], Duration::from_millis(20)) else {
            return;
        };
        if woken.first() == Some(&true) {
            let mut buffer = [0; 256];
            match rustix::io::read(said, &mut buffer) {
                Ok(0) | Err(_) => break,
                Ok(read) => text.extend_from_slice(buffer.get(..read).unwrap_or_default()),
            }
        }
    }
    let first = serde_json::from_slice::<serde_json::Value>(&text)
        .ok()
        .and_then(|said| said.get("child-pid")?.as_i64())
        .and_then(|pid| i32::try_from(pid).ok())
        .filter(|pid| *pid > 1)
        .and_then(rustix::process::Pid::from_raw);
    if let Some(first) = first {
        let _ = rustix::process::kill_process(first, rustix::process::Signal::KILL);
    }
}

fn kill(running: &mut Running) {
    if running.leads {
        let pid = rustix::process::Pid::from_child(&running.child);
        let _ = rustix::process::kill_process_group(pid, rustix::process::Signal::KILL);
    }
    let _ = running.child.kill();
}

/// Waits until one of these can be read or has been closed. Which.
fn wait(fds: &[Option<BorrowedFd<'_>>], most: Duration) -> io::Result<Vec<bool>> {
    let mut polled: Vec<_> = fds
        .iter()
        .flatten()
        .map(|fd| PollFd::from_borrowed_fd(*fd, PollFlags::IN))
        .collect();
    let most = Timespec {
        tv_sec: i64::try_from(most.as_secs()).unwrap_or(i64::MAX),
        tv_nsec: most.subsec_nanos().into(),
    };
    match rustix::event::poll(&mut polled, Some(&most)) {
        Ok(_) | Err(rustix::io::Errno::INTR) => {}
        Err(error) => return Err(error.into()),
    }
    let mut woken = polled.iter().map(|fd| !fd.revents().is_empty());
    Ok(fds
        .iter()
        .map(|fd| fd.is_some() && woken.next().unwrap_or(false))
        .collect())
}

/// One of the output streams: its beginning is kept, the rest is read and dropped.
struct Stream<T> {
    from: Option<T>,
    kept: Vec<u8>,
    most: usize,
    dropped: bool,
}

impl<T: Read + AsFd> Stream<T> {
    fn new(from: Option<T>, most: usize) -> io::Result<Self> {
        if let Some(from) = &from {
            rustix::io::ioctl_fionbio(from, true)?;
        }
        Ok(Self {
            from,
            kept: Vec::new(),
            most,
            dropped: false,
        })
    }

    fn fd(&self) -> Option<BorrowedFd<'_>> {
        self.from.as_ref().map(AsFd::as_fd)
    }

    fn open(&self) -> bool {
        self.from.is_some()
    }

    /// Takes what is there.
    fn take(&mut self) -> io::Result<()> {
        let mut buffer = [0; 16 << 10];
        // Not more than this at once: others are waited for too.
        for _ in 0..16 {
            let Some(from) = &mut self.from else {
                return Ok(());
            };
            match from.read(&mut buffer) {
                Ok(0) => self.from = None,
                Ok(read) => {
                    // A character has four bytes at most.
                    let room = (self.most * 4 + 4).saturating_sub(self.kept.len());
                    let read = buffer.get(..read).unwrap_or_default();
                    let kept = read.get(..room.min(read.len())).unwrap_or_default();
                    self.kept.extend_from_slice(kept);
                    self.dropped |= kept.len() < read.len();
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(()),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// The text, and whether it is only the beginning.
    fn text(self) -> (String, bool) {
        let whole = String::from_utf8_lossy(&self.kept);
        match beginning(&whole, self.most) {
            Some(begin) => (begin.to_owned(), true),
            None => (whole.into_owned(), self.dropped),
        }
    }
}
