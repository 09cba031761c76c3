//! `hexgate agent` and `hexgate chat`.

use std::{
    io::Write as _,
    process::{Output, Stdio},
};

use insta::assert_snapshot;

use crate::fixture::Fixture;

fn agents() -> Fixture {
    Fixture::empty()
        .with(
            "agents/helper/agent.yaml",
            "name: helper\ndescription: Says hello.\nmodel: script:turns.yaml\npolicy: policy.yaml\n",
        )
        .with("agents/helper/policy.yaml", "roles: { default: {} }\n")
        .with(
            "agents/helper/turns.yaml",
            "turns:\n  - text: hello\n  - text: goodbye\n",
        )
        .with("agents/broken/agent.yaml", "name: broken\ntols: []\n")
}

fn hexgate(fixture: &Fixture, arguments: &[&str], input: &str) -> Output {
    let mut child = fixture
        .hexgate()
        .args(arguments)
        .env("HOME", fixture.path(""))
        .env_remove("HEXGATE_DEFAULT_MODEL")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // A command that does not read closes the pipe.
    let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
    child.wait_with_output().unwrap()
}

#[test]
fn agents_are_listed_shown_and_refused() {
    let fixture = agents();
    let shown = |arguments: &[&str]| fixture.shown(&hexgate(&fixture, arguments, ""));
    assert_snapshot!(shown(&["agent", "list"]), @"");
    assert_snapshot!(shown(&["agent", "show", "helper"]), @"");
    assert_snapshot!(shown(&["agent", "show", "broken"]), @"");
    assert_snapshot!(shown(&["agent", "show", "helpr"]), @"");
    let schema = hexgate(&fixture, &["agent", "schema"], "");
    let schema: serde_json::Value = serde_json::from_slice(&schema.stdout).unwrap();
    assert_eq!(schema["$id"], "urn:hexgate:agent:1");
}

#[test]
fn a_turn_and_a_chat_through_a_pipe() {
    let fixture = agents();
    let output = hexgate(&fixture, &["agent", "run", "--agent", "helper", "hi"], "");
    assert_eq!(output.stdout, b"hello\n", "{}", fixture.shown(&output));
    let output = hexgate(&fixture, &["chat"], "hi\nbye\n/exit\nunheard\n");
    assert_eq!(
        output.stdout,
        b"hello\ngoodbye\n",
        "{}",
        fixture.shown(&output)
    );
    assert!(output.status.success());
    let output = hexgate(&fixture, &["chat", "--agent", "broken"], "hi\n");
    assert_snapshot!(fixture.shown(&output), @"");
}
