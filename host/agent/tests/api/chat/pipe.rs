//! The program without a terminal: the chat through a pipe, and single turns.

use super::desk::{Desk, text};

const CHAT: &[&str] = &[
    "chat", "--agent", "clerk", "--caller", "alice", "--role", "support",
];
const REFUND: &str = "turns:\n  - calls: [{tool: refund_order, arguments: {order: A-7, amount: 120}}]\n  - text: done\n";

#[test]
fn each_line_of_a_pipe_is_a_turn() {
    let desk = Desk::new(
        "turns:\n  - expect: {user: hi}\n    text: \"**one**\\e[31m\"\n  - expect: {user: there}\n    text: two\n",
    );
    let output = desk.piped(CHAT, "hi\n\nthere");
    assert_eq!(text(&output.stdout), "**one**\\u{1b}[31m\ntwo\n");
    assert!(output.status.success(), "{}", text(&output.stderr));
}

#[test]
fn nobody_approves_through_a_pipe_but_by_the_mode() {
    let run = |mode: &[&str]| {
        let desk = Desk::new(REFUND);
        let arguments: Vec<&str> = CHAT.iter().chain(mode).copied().collect();
        let output = desk.piped(&arguments, "refund A-7\ny\n");
        (text(&output.stdout), text(&output.stderr))
    };
    let (said, beside) = run(&[]);
    assert_eq!(said, "done\n");
    assert!(
        beside.contains("⏸ needs_approval · refund_order") && !beside.contains("✓ refund_order"),
        "{beside}"
    );
    let (_, warned) = run(&["--approval-mode", "auto-approve"]);
    assert!(warned.contains("✓ refund_order"), "{warned}");
    assert!(warned.contains("AUTO-APPROVE"), "{warned}");
    let (_, beside) = run(&["--approval-mode", "auto-deny"]);
    assert!(
        beside.contains("not approved · refund_order") && !beside.contains("✓ refund_order"),
        "{beside}"
    );
}

#[test]
fn a_failed_turn_of_a_pipe_is_the_exit_code() {
    let desk = Desk::new("turns:\n  - error: 401\n  - text: two\n");
    let output = desk.piped(CHAT, "hi\nthere\n");
    assert_eq!(output.status.code(), Some(1));
    assert!(text(&output.stdout).ends_with("two\n"));
}

#[test]
fn a_turn_prints_its_answer_or_its_events() {
    let run = [
        "run", "--agent", "clerk", "--caller", "alice", "--role", "support",
    ];
    let desk = Desk::new(REFUND);
    let output = desk
        .command(&[&run[..], &["refund A-7"]].concat())
        .output()
        .unwrap();
    assert_eq!(text(&output.stdout), "done\n");
    assert!(
        text(&output.stderr).contains("APPROVAL_REQUIRED"),
        "{}",
        text(&output.stderr)
    );
    assert!(output.status.success());

    let desk = Desk::new("turns:\n  - text: \"a\\x9bb\"\n");
    let output = desk.piped(&[&run[..], &["--events"]].concat(), "hi");
    let lines = text(&output.stdout);
    assert!(!lines.contains('\u{9b}'), "{lines:?}");
    let events: Vec<serde_json::Value> = lines
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(events[0]["event_type"], "run_start");
    assert_eq!(events.last().unwrap()["event_type"], "run_end");
    let said = events
        .iter()
        .find(|event| event["event_type"] == "block_delta")
        .unwrap();
    assert_eq!(said["text"], "a\u{9b}b");
    for (index, event) in events.iter().enumerate() {
        assert_eq!(event["sequence"], index + 1);
    }

    let desk = Desk::new("turns:\n  - error: 401\n");
    let output = desk
        .command(&[&run[..], &["hi"]].concat())
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(1), "{}", text(&output.stderr));
}

#[test]
fn misuse_is_told_with_the_remedy() {
    let desk = Desk::new("turns:\n  - text: hi\n");
    for (arguments, told) in [
        (vec!["chat", "--agent", "clrk"], "did you mean `clerk`"),
        (
            vec!["run", "--agent", "clerk", "--role", ""],
            "the role `` is empty",
        ),
        (
            vec!["run", "--agent", "clerk", " "],
            "there is nothing to say",
        ),
        (
            vec![
                "run",
                "--agent",
                "clerk",
                "--model",
                "script:none.yaml",
                "hi",
            ],
            "none.yaml",
        ),
        (vec!["show", "nobody"], "there is no agent `nobody`"),
        (vec!["show", "--explain", "x"], "there is no code `x`"),
    ] {
        let output = desk.command(&arguments).output().unwrap();
        let said = text(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}: {said}");
        assert!(said.contains(told), "{arguments:?}: {said}");
    }
    let output = desk
        .command(&["run", "--agent", "clerk", "hi"])
        .env_remove("HEXGATE_DEFAULT_MODEL")
        .output()
        .unwrap();
    assert!(
        text(&output.stderr).contains("set HEXGATE_DEFAULT_MODEL"),
        "{}",
        text(&output.stderr)
    );
    desk.write("clerk.yaml", "roles: { support: { tols: {} } }");
    let output = desk
        .command(&["run", "--agent", "clerk", "hi"])
        .output()
        .unwrap();
    let said = text(&output.stderr);
    assert!(
        said.contains("unknown key `tols`") && said.contains("clerk.yaml:1:"),
        "{said}"
    );
}

#[test]
fn a_reader_that_goes_away_ends_the_program_in_peace() {
    let turns = "  - text: a line that is said again and again\n".repeat(200);
    let desk = Desk::new(&format!("turns:\n{turns}"));
    let input = "hi\n".repeat(200);
    desk.write("input", &input);
    let program = super::desk::program();
    let line = format!(
        "'{}' {} < input | head -n 1",
        program.display(),
        CHAT.join(" ")
    );
    let mut command = std::process::Command::new("sh");
    command.args(["-c", &line]).current_dir(desk.path());
    for (name, value) in desk.environment() {
        command.env(name, value);
    }
    let output = command.output().unwrap();
    assert_eq!(
        text(&output.stdout),
        "a line that is said again and again\n"
    );
    assert!(
        !text(&output.stderr).contains("error"),
        "{}",
        text(&output.stderr)
    );
}
