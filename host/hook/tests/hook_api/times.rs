//! Time: an event that never ends, and a decision that does not come.

use std::io::{self, Read};
use std::time::{Duration, Instant};

use hexgate_base::disk::{Folder, Lock};
use hexgate_hook::{Agent, Hook, Options, run};
use serde_json::json;

use crate::fixture::{Desk, claude, is_stopped};

/// An input that never ends and never says anything.
struct Silent;

impl Read for Silent {
    fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
        loop {
            std::thread::sleep(Duration::from_secs(60));
        }
    }
}

/// An input that fails.
struct Failing;

impl Read for Failing {
    fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
        Err(io::Error::other("gone"))
    }
}

/// An input that panics.
struct Panicking;

impl Read for Panicking {
    fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
        panic!("on purpose")
    }
}

fn answered(agent: Agent, event: &str, input: impl Read + Send + 'static) -> hexgate_hook::Answer {
    let desk = Desk::of("allow");
    let hook = Hook::new(Options {
        event: Some(event.to_owned()),
        limit: Duration::from_millis(100),
        ..desk.options(agent)
    });
    let (mut output, mut errors) = (Vec::new(), Vec::new());
    let code = run(&hook, input, &mut output, &mut errors);
    hexgate_hook::Answer {
        stdout: String::from_utf8(output).unwrap(),
        stderr: String::from_utf8(errors).unwrap(),
        code,
    }
}

#[test]
fn no_event_in_time_is_a_denial_and_so_are_failures_to_read() {
    for (agent, event) in [
        (Agent::ClaudeCode, "PreToolUse"),
        (Agent::ClaudeCode, "PermissionRequest"),
        (Agent::Codex, "PreToolUse"),
        (Agent::Codex, "PermissionRequest"),
        (Agent::Gemini, "BeforeTool"),
        (Agent::Cursor, "preToolUse"),
        (Agent::Cursor, "beforeReadFile"),
        (Agent::Cursor, "beforeSubmitPrompt"),
        (Agent::Copilot, "preToolUse"),
        (Agent::Copilot, "permissionRequest"),
    ] {
        let silent = answered(agent, event, Silent);
        assert!(
            silent.stdout.contains("100 ms") || silent.stderr.contains("100 ms"),
            "{silent:?}"
        );
        for answer in [
            silent,
            answered(agent, event, Failing),
            answered(agent, event, Panicking),
            answered(agent, event, io::repeat(b' ')),
            answered(agent, event, io::empty()),
        ] {
            assert!(
                is_stopped(agent, event, &answer),
                "{agent} {event}: {answer:?}"
            );
        }
    }
}

#[test]
fn a_conversation_that_another_process_holds_is_a_denial_in_time() {
    let desk = Desk::of("allow");
    desk.bash("1", "ls");
    let lock = std::fs::read_dir(desk.path("state"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name())
        .find(|name| name.to_string_lossy().ends_with(".lock"))
        .unwrap();
    let folder = Folder::open(&desk.path("state")).unwrap();
    let held = Lock::take(&folder, &lock, Duration::ZERO).unwrap();
    let hook = Hook::new(Options {
        event: Some("PreToolUse".to_owned()),
        limit: Duration::from_millis(300),
        ..desk.options(Agent::ClaudeCode)
    });
    let event = desk.filled(&claude("1", "Bash", &json!({ "command": "ls" })).to_string());
    let begin = Instant::now();
    let answer = hook.answer(event.as_bytes());
    assert!(
        is_stopped(Agent::ClaudeCode, "PreToolUse", &answer),
        "{answer:?}"
    );
    assert!(answer.stderr.contains("another process"), "{answer:?}");
    assert!(begin.elapsed() < Duration::from_secs(20));
    drop(held);
    let answer = hook.answer(event.as_bytes());
    assert!(
        !is_stopped(Agent::ClaudeCode, "PreToolUse", &answer),
        "{answer:?}"
    );
}

#[test]
fn an_answer_that_cannot_be_written_ends_with_the_code_that_blocks() {
    struct Closed;
    impl io::Write for Closed {
        fn write(&mut self, _: &[u8]) -> io::Result<usize> {
            Err(io::ErrorKind::BrokenPipe.into())
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }
    let desk = Desk::of("allow");
    let event = desk.filled(&claude("1", "Bash", &json!({ "command": "ls" })).to_string());
    let input = io::Cursor::new(event.into_bytes());
    assert_eq!(
        run(
            &desk.hook(Agent::ClaudeCode),
            input,
            &mut Closed,
            &mut Vec::new()
        ),
        2
    );
}
