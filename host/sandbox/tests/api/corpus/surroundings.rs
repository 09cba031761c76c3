//! What a program has that commands must not get hold of: a terminal, open files, secrets and addresses in its environment.

use std::fs;
use std::process::{Command, Stdio};

/// Tells the program that it has them.
const HERE: &str = "HEXGATE_TEST_ATTACKED";
/// Runs its arguments with a terminal of their own, and passes on what they write.
const TERMINAL: &str =
    "import os, pty, sys; sys.exit(os.waitstatus_to_exitcode(pty.spawn(sys.argv[1:])))";

pub(crate) fn are_here() -> bool {
    std::env::var_os(HERE).is_some()
}

/// Runs a test of this test binary in them. What it said; none, with a notice, if there is nothing to make a terminal with.
pub(super) fn run(test: &str) -> Option<String> {
    let folder = tempfile::tempdir().unwrap();
    let secret = folder.path().join("secret");
    fs::write(&secret, "inherited-secret\n").unwrap();
    // File 9 stays open in whatever it starts.
    let output = Command::new("python3")
        .args(["-c", TERMINAL, "bash", "-c"])
        .arg("exec 9< \"$0\"; exec \"$@\"")
        .arg(&secret)
        .arg(std::env::current_exe().unwrap())
        .args(["--exact", test, "--nocapture"])
        .env(HERE, "1")
        .env("HOST_SECRET", "x")
        .env("SSH_AUTH_SOCK", folder.path().join("agent.sock"))
        .env("NOTIFY_SOCKET", folder.path().join("notify.sock"))
        .stdin(Stdio::null())
        .output();
    let Ok(output) = output else {
        hexgate_test_support::skipped("there is no `python3`");
        return None;
    };
    let said = format!(
        "{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
    assert!(output.status.success(), "{said}");
    assert!(said.contains("1 passed"), "{said}");
    Some(said)
}
