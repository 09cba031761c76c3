//! One bounded run of OPA: an environment of nothing that it needs, a time limit, and an answer of limited length.

use std::{
    env,
    io::Read,
    path::Path,
    process::{Command, ExitStatus, Stdio},
    sync::mpsc,
    thread,
    time::{Duration, Instant},
};

use super::{
    OpaError,
    group::{self, Group},
};

/// More than OPA ever prints: its capabilities take a fifth of a MiB.
const MAX_OUTPUT: u64 = 8 << 20;

/// How often a process that has closed its outputs is asked whether it has ended.
const POLL: Duration = Duration::from_millis(2);

/// What came of a run.
pub(super) struct Ran {
    pub(super) status: ExitStatus,
    pub(super) stdout: Vec<u8>,
    pub(super) stderr: Vec<u8>,
}

/// Runs `path command arguments` in a folder.
pub(super) fn run(
    path: &Path,
    command: &'static str,
    arguments: &[&str],
    folder: Option<&Path>,
    timeout: Duration,
) -> Result<Ran, OpaError> {
    let begin = Instant::now();
    let mut process = Command::new(path);
    process.arg(command).args(arguments);
    // OPA does not get the caller's environment: neither credentials nor options. A script that starts the
    // real binary needs a path, and tools that manage versions look into the home folder.
    process.env_clear();
    for name in ["PATH", "HOME"] {
        if let Some(value) = env::var_os(name) {
            process.env(name, value);
        }
    }
    if let Some(folder) = folder {
        process.current_dir(folder).env("TMPDIR", folder);
    }
    process
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let start = |source| OpaError::Start {
        path: path.to_owned(),
        source,
    };
    let mut group = Group::start(&mut process).map_err(start)?;
    let outputs = [
        reader(group.child.stdout.take()),
        reader(group.child.stderr.take()),
    ];
    let left = || timeout.saturating_sub(begin.elapsed());
    let texts = outputs.map(|output| output.recv_timeout(left()).ok());
    // Every early return from here ends the group.
    let [Some(stdout), Some(stderr)] = texts else {
        return Err(timed_out(path, command, timeout));
    };
    loop {
        match group.try_wait().map_err(start)? {
            Some(_) if group::is_ended() => return Err(OpaError::Interrupted),
            Some(status) => {
                return Ok(Ran {
                    status,
                    stdout,
                    stderr,
                });
            }
            None if left().is_zero() => return Err(timed_out(path, command, timeout)),
            None => thread::sleep(POLL),
        }
    }
}

/// Reads an output to its end, or to the limit; then the closed pipe tells the process.
fn reader(output: Option<impl Read + Send + 'static>) -> mpsc::Receiver<Vec<u8>> {
    let (sender, receiver) = mpsc::channel();
    thread::spawn(move || {
        let mut text = Vec::new();
        if let Some(output) = output {
            // What cannot be read is missing from the answer, which is then not what OPA answers.
            let _ = output.take(MAX_OUTPUT).read_to_end(&mut text);
        }
        let _ = sender.send(text);
    });
    receiver
}

fn timed_out(path: &Path, command: &'static str, timeout: Duration) -> OpaError {
    OpaError::TimedOut {
        path: path.to_owned(),
        command,
        seconds: timeout.as_secs(),
    }
}

impl Ran {
    /// What it said: OPA complains on either output.
    pub(super) fn said(&self) -> &[u8] {
        if self.stderr.trim_ascii().is_empty() {
            &self.stdout
        } else {
            &self.stderr
        }
    }
}

/// The beginning of what a process said, fit for a message.
pub(crate) fn first_lines(said: &[u8]) -> String {
    const LINES: usize = 5;
    const CHARACTERS: usize = 500;
    let text = String::from_utf8_lossy(said);
    let lines: Vec<&str> = text
        .lines()
        .map(str::trim)
        .filter(|line| !line.is_empty())
        .take(LINES)
        .collect();
    crate::diagnostic::in_one_line(&lines.join("; "))
        .chars()
        .take(CHARACTERS)
        .collect()
}
