//! One form for the calls of all agents.

use std::fs;
use std::os::unix::fs::symlink;

use hexgate_hook::{Agent, Hook, Options};
use serde_json::{Value, json};

use crate::answers::data;
use crate::fixture::{Desk, Effect, claude, effect};

fn seen(desk: &Desk, agent: Agent, event: &str, input: &Value) -> Result<(String, Value), String> {
    let hook = Hook::new(Options {
        event: Some(event.to_owned()),
        workspace: Some(desk.workspace()),
        ..desk.options(agent)
    });
    match hook.seen(desk.filled(&input.to_string()).as_bytes()) {
        Ok(Some(seen)) => Ok((seen.tool, serde_json::from_str(&seen.arguments).unwrap())),
        Ok(None) => Err("no call".to_owned()),
        Err(failure) => Err(failure.to_string()),
    }
}

#[test]
fn calls_of_all_agents_have_one_form() {
    let desk = Desk::of("allow");
    let mut calls = 0;
    for agent in Agent::ALL {
        for case in data(agent.name()).as_array().unwrap() {
            let event = case["event"].as_str().unwrap();
            let found = seen(&desk, agent, event, &case["input"]);
            match case["tool"].as_str() {
                Some(tool) => {
                    let (own, arguments) = found.unwrap();
                    assert_eq!(own, tool, "{agent} {event}");
                    assert_eq!(arguments, case["arguments"], "{agent} {event} {tool}");
                    calls += 1;
                }
                None => assert_eq!(found.unwrap_err(), "no call", "{agent} {event}"),
            }
        }
    }
    assert!(calls > 40, "{calls}");
}

#[test]
fn a_tool_that_is_called_like_another_ones_is_not_taken_for_it() {
    let desk = Desk::of("allow");
    for (agent, event, own, name) in [
        (
            Agent::ClaudeCode,
            "PreToolUse",
            "read_file",
            "other-read_file",
        ),
        (Agent::ClaudeCode, "PreToolUse", "bash", "other-bash"),
        (Agent::Gemini, "BeforeTool", "bash", "other-bash"),
        (Agent::Gemini, "BeforeTool", "Read", "Read"),
        (
            Agent::Codex,
            "PreToolUse",
            "mcp-docs-read",
            "other-mcp-docs-read",
        ),
        (Agent::Codex, "PreToolUse", "agent.run", "other-agent.run"),
        (Agent::Codex, "PreToolUse", "other-bash", "other-other-bash"),
        (Agent::ClaudeCode, "PreToolUse", "bash ", "bash "),
    ] {
        let input =
            json!({ "session_id": "1", "cwd": "/WORKSPACE", "tool_name": own, "tool_input": {} });
        assert_eq!(
            seen(&desk, agent, event, &input).unwrap().0,
            name,
            "{agent} {own}"
        );
    }
}

#[test]
fn whose_tool_it_is_has_to_be_told() {
    let desk = Desk::of("allow");
    let gemini = json!({ "session_id": "1", "cwd": "/WORKSPACE", "tool_name": "mcp_a_b_c", "tool_input": {} });
    let cursor = json!({ "conversation_id": "1", "workspace_roots": ["/WORKSPACE"], "tool_name": "t", "tool_input": "{}" });
    let claude =
        json!({ "session_id": "1", "cwd": "/WORKSPACE", "tool_name": "mcp__a", "tool_input": {} });
    for (agent, event, input) in [
        (Agent::Gemini, "BeforeTool", gemini),
        (Agent::Cursor, "beforeMCPExecution", cursor),
        (Agent::ClaudeCode, "PreToolUse", claude),
    ] {
        let refused = seen(&desk, agent, event, &input).unwrap_err();
        assert!(refused.contains("malformed"), "{agent}: {refused}");
    }
}

fn read(desk: &Desk, path: &str) -> Result<Value, String> {
    let input = claude("1", "Read", &json!({ "file_path": path }));
    seen(desk, Agent::ClaudeCode, "PreToolUse", &input)
        .map(|(_, arguments)| arguments["file_path"].clone())
}

#[test]
fn paths_are_those_of_the_files_behind_them() {
    let desk = Desk::of("allow");
    let work = desk.workspace();
    fs::write(desk.path("secret"), "x").unwrap();
    symlink(desk.path("secret"), work.join("inner")).unwrap();
    symlink("/etc", work.join("conf")).unwrap();
    symlink(work.join("src"), work.join("alias")).unwrap();
    symlink(&work, desk.path("other")).unwrap();
    symlink(desk.path("nothing"), work.join("dangling")).unwrap();
    let secret = desk.path("secret");
    let other = desk.path("other/src/main.rs");
    for (path, expected) in [
        ("/WORKSPACE/src/main.rs", "src/main.rs"),
        ("src/main.rs", "src/main.rs"),
        ("./src/../src//main.rs", "src/main.rs"),
        ("src/new/deep.rs", "src/new/deep.rs"),
        ("inner", secret.to_str().unwrap()),
        ("../secret", secret.to_str().unwrap()),
        ("conf/hosts", "/etc/hosts"),
        ("alias/main.rs", "src/main.rs"),
        (other.to_str().unwrap(), "src/main.rs"),
        ("/WORKSPACE", "."),
        // No scope accepts these.
        ("~/.ssh/id_rsa", "~/.ssh/id_rsa"),
        ("nowhere/../../x", "nowhere/../../x"),
        ("", ""),
    ] {
        assert_eq!(read(&desk, path).unwrap(), expected, "{path}");
    }
    assert!(
        read(&desk, "dangling")
            .unwrap_err()
            .contains("leads to nothing")
    );
    assert_eq!(
        seen(
            &desk,
            Agent::ClaudeCode,
            "PreToolUse",
            &claude("1", "Read", &json!({ "file_path": 7 }))
        )
        .unwrap()
        .1["file_path"],
        7
    );
}

#[test]
fn a_pattern_says_where_a_search_begins() {
    let desk = Desk::of("allow");
    for (arguments, path) in [
        (json!({ "pattern": "*.rs" }), "."),
        (json!({ "pattern": "*.rs", "path": "src" }), "src"),
        (json!({ "pattern": "/etc/**" }), "/etc"),
        (json!({ "pattern": "/*" }), "/"),
        (json!({ "pattern": "~/.ssh/*" }), "~/.ssh"),
        (json!({ "pattern": "../*", "path": "src" }), "."),
        (json!({ "pattern": "*/../../*" }), "./*/.."),
        // Alternatives begin elsewhere, or nobody can tell.
        (json!({ "pattern": "{/etc,/root}/**" }), "./*/.."),
        (json!({ "pattern": "{src,~}/**" }), "./*/.."),
        (json!({ "pattern": "{,src}/etc" }), "./*/.."),
        (json!({ "pattern": ".{.,}/**", "path": "src" }), "src/*/.."),
        (json!({ "pattern": "src/{a,.{.}}/x" }), "./*/.."),
        (json!({ "pattern": "a/{b/" }), "./*/.."),
        (json!({ "pattern": "a/\\{.,b}./" }), "./*/.."),
        (json!({ "pattern": "{a,b}".repeat(20) }), "./*/.."),
        (json!({ "pattern": "{src,docs}/**/*.{ts,tsx}" }), "."),
        (json!({ "pattern": "*.{rs,md}", "path": "src" }), "src"),
    ] {
        // A folder of this name makes no other place of it.
        fs::create_dir_all(desk.workspace().join("*")).unwrap();
        let input = claude("1", "Glob", &arguments);
        let (_, seen) = seen(&desk, Agent::ClaudeCode, "PreToolUse", &input).unwrap();
        assert_eq!(seen["path"], path, "{arguments}");
    }
}

#[test]
fn one_argument_does_not_have_two_names() {
    let desk = Desk::of("allow");
    for input in [
        json!({ "file_path": "src/main.rs", "path": "/etc/passwd" }),
        json!({ "path": "src/main.rs", "target_file": "/etc/passwd" }),
    ] {
        let answer = desk.answer(
            Agent::ClaudeCode,
            "PreToolUse",
            &claude("1", "Read", &input),
        );
        assert_eq!(effect(&answer), Effect::Stops, "{input}");
        assert!(answer.stderr.contains("two names"), "{answer:?}");
    }
    for input in [
        json!({ "command": "rm a", "programs": ["ls"] }),
        json!({ "command": "rm a", "redirects": [] }),
    ] {
        let answer = desk.answer(
            Agent::ClaudeCode,
            "PreToolUse",
            &claude("1", "Bash", &input),
        );
        assert_eq!(effect(&answer), Effect::Stops, "{input}");
    }
}

#[test]
fn the_folder_of_a_command_is_an_argument() {
    let desk = Desk::of("allow");
    let folder = |agent, event: &str, cwd: &str, input: Value| {
        let mut call = json!({
            "session_id": "1", "conversation_id": "1", "cwd": cwd, "tool_name": "x", "tool_input": input,
        });
        call["tool_name"] = match agent {
            Agent::Gemini => "run_shell_command",
            Agent::Cursor => "Shell",
            _ => "Bash",
        }
        .into();
        seen(&desk, agent, event, &call).map(|(_, arguments)| arguments["cwd"].clone())
    };
    let plain = || json!({ "command": "ls" });
    let in_etc = || json!({ "command": "ls", "workdir": "/etc" });
    for (agent, event) in [
        (Agent::ClaudeCode, "PreToolUse"),
        (Agent::Gemini, "BeforeTool"),
        (Agent::Cursor, "preToolUse"),
        (Agent::Copilot, "PreToolUse"),
    ] {
        for (cwd, input, expected) in [
            ("/WORKSPACE", plain(), "."),
            ("/WORKSPACE/src", plain(), "src"),
            ("/etc", plain(), "/etc"),
            ("/WORKSPACE", in_etc(), "/etc"),
            (
                "/WORKSPACE",
                json!({ "command": "ls", "dir_path": "src/.." }),
                ".",
            ),
        ] {
            assert_eq!(
                folder(agent, event, cwd, input.clone()).unwrap(),
                expected,
                "{agent} {cwd} {input}"
            );
        }
        folder(
            agent,
            event,
            "/WORKSPACE",
            json!({ "command": "ls", "cwd": 7 }),
        )
        .unwrap_err();
    }
    // Its event does not tell where the command runs.
    let codex = |input| folder(Agent::Codex, "PreToolUse", "/WORKSPACE", input).unwrap();
    assert_eq!(codex(plain()), Value::Null);
    assert_eq!(codex(in_etc()), "/etc");
}
