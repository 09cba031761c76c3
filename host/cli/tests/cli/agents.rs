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
        .env("HOME", fixture.path("agents/home"))
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
    assert_snapshot!(shown(&["agent", "list"]), @r#"
    exit 0
    ✗ broken      ./agents/broken
        ./agents/broken/agent.yaml:2:1: unknown key `tols` in an agent
      helper      ./agents/helper · Says hello.
      researcher  built in · Answers questions from the web, and names its sources.
    "#);
    assert_snapshot!(shown(&["agent", "show", "helper"]), @r#"
    exit 0
    name: helper
    description: Says hello.
    folder: ./agents/helper
    model: script:turns.yaml
    system prompt: 0 characters
    policy: ./agents/helper/policy.yaml
    "#);
    assert_snapshot!(shown(&["agent", "show", "broken"]), @r#"
    exit 1
    --- stderr
    error[unknown-key]: unknown key `tols` in an agent
     --> ./agents/broken/agent.yaml:2:1
      |
    2 | tols: []
      | ^^^^ not a key here
      |
      = help: did you mean `tools`

    the agent is refused; `--explain CODE` tells more about a code
    "#);
    assert_snapshot!(shown(&["agent", "show", "helpr"]), @r#"
    exit 2
    --- stderr
    error: there is no agent `helpr`; did you mean `helper`
    "#);
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
    assert_snapshot!(fixture.shown(&output), @r#"
    exit 2
    --- stderr
    error: the agent is refused
    error[unknown-key]: unknown key `tols` in an agent
     --> ./agents/broken/agent.yaml:2:1
      |
    2 | tols: []
      | ^^^^ not a key here
      |
      = help: did you mean `tools`
    "#);
}

/// An agent that reads `notes.txt` in the folder in which the program is started.
fn reader(tools: &str, workspace: &str) -> Fixture {
    agents()
        .with("notes.txt", "buy milk\n")
        .with("secret.txt", "1234\n")
        .with(
            "agents/reader/agent.yaml",
            format!("name: reader\nmodel: script:turns.yaml\npolicy: rules.yaml\ntools: [{tools}]\n{workspace}"),
        )
        .with(
            "agents/reader/rules.yaml",
            "tools:\n  read_file:\n    mode: allow\n    file_scope: { allowed_paths: ['notes.txt'], argument: file_path }\n",
        )
        .with(
            "agents/reader/turns.yaml",
            "turns:
  - calls:
      - {tool: read_file, arguments: {file_path: notes.txt}}
      - {tool: read_file, arguments: {file_path: secret.txt}}
  - expect: {tool: policy_denied}
    text: done
",
        )
}

#[test]
fn built_in_tools_work_in_the_folder_of_the_program_within_the_policy() {
    let fixture = reader("read_file", "");
    let run = ["agent", "run", "--agent", "reader", "--events", "hi"];
    let output = hexgate(&fixture, &run, "");
    assert!(output.status.success(), "{}", fixture.shown(&output));
    let events: Vec<serde_json::Value> = std::str::from_utf8(&output.stdout)
        .unwrap()
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let mut ends: Vec<&str> = events
        .iter()
        .filter(|event| event["event_type"] == "tool_end")
        .map(|event| event["outcome"].as_str().unwrap())
        .collect();
    // A call may run while the next one is decided.
    ends.sort_unstable();
    assert_eq!(ends, ["completed", "denied"]);
    assert!(events.last().unwrap().to_string().contains("buy milk"));
    assert!(!String::from_utf8_lossy(&output.stdout).contains("1234"));
}

#[test]
fn a_policy_that_tools_could_write_is_refused_unless_danger_is_accepted() {
    let run = ["agent", "run", "--agent", "reader", "hi"];
    let fixture = reader("read_file, write_file", "");
    let output = hexgate(&fixture, &run, "");
    assert_eq!(output.status.code(), Some(2), "{}", fixture.shown(&output));
    assert!(
        fixture.shown(&output).contains("rules.yaml"),
        "{}",
        fixture.shown(&output)
    );
    let danger = "workspace: { dangerous_policy_in_workspace: true }\n";
    let fixture = reader("read_file, write_file", danger);
    let output = hexgate(&fixture, &run, "");
    assert_eq!(output.stdout, b"done\n", "{}", fixture.shown(&output));
    // A workspace of its own, beside the policy.
    let fixture = reader("read_file, write_file", "workspace: { root: files }\n")
        .with("agents/reader/files/notes.txt", "buy bread\n");
    let output = hexgate(&fixture, &run, "");
    assert_eq!(output.stdout, b"done\n", "{}", fixture.shown(&output));
}

#[test]
fn the_researcher_is_built_in_and_says_what_it_lacks() {
    let fixture = agents();
    let mut command = fixture.hexgate();
    for name in ["LINKUP_API_KEY", "TAVILY_API_KEY", "BRAVE_API_KEY"] {
        command.env_remove(name);
    }
    let output = command
        .args([
            "agent",
            "run",
            "--agent",
            "researcher",
            "--model",
            "script:agents/helper/turns.yaml",
            "hi",
        ])
        .output()
        .unwrap();
    let shown = fixture.shown(&output);
    assert_eq!(output.status.code(), Some(2), "{shown}");
    assert!(
        shown.contains("the tools of the agent `researcher` cannot be made")
            && shown.contains("LINKUP_API_KEY"),
        "{shown}"
    );
}
