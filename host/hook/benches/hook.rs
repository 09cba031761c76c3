//! What a call costs a coding agent: the program `hexgate` is started, decides one event, and ends. `cargo bench --workspace --bench hook`.
//!
//! Each line is one case: the median and the 99th percentile of a thousand starts, in milliseconds, and the same for `true`, which only
//! starts and ends. The program is `target/release/hexgate`, or what `HEXGATE_BIN` names; build it first (`cargo build --release`).
#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::print_stderr,
    clippy::indexing_slicing,
    reason = "a panic is how a benchmark fails"
)]

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// Starts for each case.
const STARTS: usize = 1_000;
/// Starts before them, which are not measured.
const WARM_UP: usize = 20;
/// Calls of one conversation.
const CALLS_OF_CONVERSATION: usize = 100;

const LEAST: &str = "tools: { bash: { mode: allow } }\n";
const KEY: &[&str] = &["--pubkey", "release.public"];
const SAMPLE: &str = include_str!("../../../examples/policies/hook.yaml");

fn main() {
    let Some(program) = program() else {
        eprintln!(
            "skipped: there is no release build of `hexgate`; run `cargo build --release` first"
        );
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path().canonicalize().unwrap();
    std::fs::write(folder.join("least.yaml"), LEAST).unwrap();
    std::fs::write(folder.join("sample.yaml"), SAMPLE).unwrap();
    let run = |arguments: &[&str]| {
        let mut command = Command::new(&program);
        let done = command
            .current_dir(&folder)
            .args(arguments)
            .output()
            .unwrap();
        assert!(done.status.success(), "{arguments:?}: {done:?}");
    };
    run(&["policy", "keygen", "--out", "release"]);
    let mut bundles = vec![("native", "sample.bundle")];
    // A component with code of its own is compiled once, and then taken from the compile cache.
    match std::env::var_os("HEXGATE_OPA_BIN") {
        Some(_) => bundles.push(("rego", "rego.bundle")),
        None => {
            eprintln!("skipped: a policy with code of its own, since HEXGATE_OPA_BIN is not set")
        }
    }
    for (engine, bundle) in bundles {
        let mut build = vec!["policy", "build", "sample.yaml", "--out", bundle];
        build.extend(["--sign-key", "release.private", "--agent", "claude-code"]);
        build.extend(["--sequence", "1", "--engine", engine]);
        run(&build);
    }
    println!("{:<44} {:>8} {:>8}", "ms", "p50", "p99");
    measure("true", || Command::new("true"), |_| Vec::new(), Some(0));
    let call = |start| event(&folder, start, "\"ls -la src | head -5\"");
    for (name, policy, more) in [
        ("the least policy", "least.yaml", &[][..]),
        ("the sample policy", "sample.yaml", &[]),
        (
            "the sample policy, with a log",
            "sample.yaml",
            &["--audit", "log", "--audit-key", "log.key"],
        ),
        ("the sample policy, a signed bundle", "sample.bundle", KEY),
        ("the same with code of its own (Rego)", "rego.bundle", KEY),
    ] {
        if !folder.join(policy).exists() {
            continue;
        }
        let command = || {
            let mut command = Command::new(&program);
            command
                .current_dir(&folder)
                .args([
                    "hook",
                    "run",
                    "--agent",
                    "claude-code",
                    "--event",
                    "PreToolUse",
                ])
                .args(["--state", "state", "--policy", policy])
                .args(more);
            command
        };
        measure(name, command, call, Some(0));
    }
    let nothing = || {
        let mut command = Command::new(&program);
        command.args([
            "hook",
            "run",
            "--agent",
            "claude-code",
            "--state",
            "/nowhere",
        ]);
        command
    };
    measure("no policy, denied", nothing, call, Some(2));
}

/// A call, with the command as JSON. The sample policy bounds the calls of a conversation.
fn event(folder: &Path, start: usize, command: &str) -> Vec<u8> {
    let conversation = start / CALLS_OF_CONVERSATION;
    let cwd = serde_json::to_string(folder.to_str().unwrap()).unwrap();
    format!(
        r#"{{"session_id": "bench-{conversation}", "cwd": {cwd}, "hook_event_name": "PreToolUse", "tool_name": "Bash", "tool_input": {{"command": {command}}}}}"#
    )
    .into_bytes()
}

fn program() -> Option<PathBuf> {
    let named = std::env::var_os("HEXGATE_BIN").map(PathBuf::from);
    let built = || {
        // The benchmark lies in `target/release/deps`.
        let own = std::env::current_exe().ok()?;
        Some(own.parent()?.parent()?.join("hexgate"))
    };
    named.or_else(built).filter(|path| path.is_file())
}

fn measure(
    name: &str,
    command: impl Fn() -> Command,
    input: impl Fn(usize) -> Vec<u8>,
    code: Option<i32>,
) {
    let mut times: Vec<Duration> = (0..WARM_UP + STARTS)
        .map(|start| {
            let (mut command, input) = (command(), input(start));
            command
                .stdin(Stdio::piped())
                .stdout(Stdio::piped())
                .stderr(Stdio::piped());
            let begin = Instant::now();
            let mut child = command.spawn().unwrap();
            // `true` does not read.
            let _ = child.stdin.take().unwrap().write_all(&input);
            let output = child.wait_with_output().unwrap();
            let took = begin.elapsed();
            assert_eq!(output.status.code(), code, "{output:?}");
            took
        })
        .skip(WARM_UP)
        .collect();
    times.sort_unstable();
    let at = |percent: usize| {
        times[(times.len() * percent / 100).min(times.len() - 1)].as_secs_f64() * 1e3
    };
    println!("{name:<44} {:>8.2} {:>8.2}", at(50), at(99));
}
