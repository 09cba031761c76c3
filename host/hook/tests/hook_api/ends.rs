//! How permitted calls ended, as far as the agents tell.

use std::fs;

use hexgate_enforce::audit::{EndState, EndedEntry, Entry};
use hexgate_hook::{Agent, Answer, Auditing, Hook, Options};
use serde_json::{Value, json};

use crate::fixture::Desk;

const POLICY: &str = "default_policy: { mode: allow }\ntools: { fetch: { mode: approval_required }, write_file: { mode: deny } }\n";

struct Recorded {
    desk: Desk,
    agent: Agent,
}

impl Recorded {
    fn new(agent: Agent) -> Self {
        let desk = Desk::new(POLICY);
        Self { desk, agent }
    }

    fn options(&self, event: &str) -> Options {
        Options {
            event: Some(event.to_owned()),
            audit: Some(Auditing {
                folder: self.desk.path("log"),
                key: self.desk.path("log.key"),
            }),
            ..self.desk.options(self.agent)
        }
    }

    fn send(&self, event: &str, input: &Value) -> Answer {
        let hook = Hook::new(self.options(event));
        let (session, cwd) = match self.agent {
            Agent::Copilot => ("sessionId", "cwd"),
            Agent::Cursor => ("conversation_id", "cwd"),
            _ => ("session_id", "cwd"),
        };
        let mut whole = input.clone();
        whole[session] = json!("s-1");
        whole[cwd] = json!("/WORKSPACE");
        hook.answer(self.desk.filled(&whole.to_string()).as_bytes())
    }

    /// The decisions by id and tool, and the ends.
    fn log(&self) -> (Vec<(String, String)>, Vec<EndedEntry>) {
        let text = fs::read_to_string(self.desk.path("log/segment-000000.jsonl")).unwrap();
        let (mut decisions, mut ends) = (Vec::new(), Vec::new());
        for line in text.lines() {
            match Entry::parse(line.as_bytes()).unwrap() {
                Entry::Decision(it) => decisions.push((it.id.unwrap(), it.tool)),
                Entry::Ended(it) => ends.push(it),
                _ => {}
            }
        }
        (decisions, ends)
    }
}

#[test]
fn each_agent_tells_how_a_call_ended() {
    let command = json!({ "command": "ls" });
    let cases = [
        (
            Agent::ClaudeCode,
            "PreToolUse",
            json!({ "tool_name": "Bash", "tool_input": command, "tool_use_id": "t-1", "permission_mode": "default" }),
            "PostToolUse",
            json!({ "tool_name": "Bash", "tool_input": command, "tool_use_id": "t-1", "tool_response": { "stdout": "a" }, "duration_ms": 12 }),
            EndState::Completed,
        ),
        (
            Agent::ClaudeCode,
            "PreToolUse",
            json!({ "tool_name": "Bash", "tool_input": command, "tool_use_id": "t-1", "permission_mode": "default" }),
            "PostToolUseFailure",
            json!({ "tool_name": "Bash", "tool_input": command, "tool_use_id": "t-1", "error": "exit code 1" }),
            EndState::Failed,
        ),
        (
            Agent::Codex,
            "PreToolUse",
            json!({ "tool_name": "Bash", "tool_input": command, "tool_use_id": "call-1" }),
            "PostToolUse",
            json!({ "tool_name": "Bash", "tool_input": command, "tool_use_id": "call-1", "tool_response": "a" }),
            EndState::Completed,
        ),
        (
            Agent::Gemini,
            "BeforeTool",
            json!({ "tool_name": "run_shell_command", "tool_input": command }),
            "AfterTool",
            json!({ "tool_name": "run_shell_command", "tool_input": command, "tool_response": { "llmContent": "a" } }),
            EndState::Completed,
        ),
        (
            Agent::Gemini,
            "BeforeTool",
            json!({ "tool_name": "run_shell_command", "tool_input": command }),
            "AfterTool",
            json!({ "tool_name": "run_shell_command", "tool_input": command, "tool_response": { "llmContent": "a", "error": { "message": "no" } } }),
            EndState::Failed,
        ),
        (
            Agent::Cursor,
            "beforeShellExecution",
            json!({ "command": "ls", "sandbox": false }),
            "afterShellExecution",
            json!({ "command": "ls", "output": "a", "duration": 7 }),
            EndState::Completed,
        ),
        (
            Agent::Cursor,
            "preToolUse",
            json!({ "tool_name": "Grep", "tool_input": { "pattern": "x" }, "tool_use_id": "t" }),
            "postToolUse",
            json!({ "tool_name": "Grep", "tool_input": { "pattern": "x" }, "tool_use_id": "t", "tool_output": "a" }),
            EndState::Completed,
        ),
        (
            Agent::Copilot,
            "preToolUse",
            json!({ "toolName": "bash", "toolArgs": command }),
            "postToolUse",
            json!({ "toolName": "bash", "toolArgs": "{\"command\":\"ls\"}", "toolResult": { "resultType": "success", "textResultForLlm": "a" } }),
            EndState::Completed,
        ),
        (
            Agent::Copilot,
            "preToolUse",
            json!({ "toolName": "bash", "toolArgs": command }),
            "postToolUse",
            json!({ "toolName": "bash", "toolArgs": command, "toolResult": { "resultType": "failure", "textResultForLlm": "a" } }),
            EndState::Failed,
        ),
    ];
    for (agent, before, call, after, end, state) in cases {
        let what = format!("{agent} {after}");
        let log = Recorded::new(agent);
        assert_eq!(log.send(before, &call).code, 0, "{what}");
        assert_eq!(log.send(after, &end).code, 0, "{what}");
        // A second event about the same call is none of another one.
        assert_eq!(log.send(after, &end).code, 0, "{what}");
        let (decisions, ends) = log.log();
        assert_eq!((decisions.len(), ends.len()), (1, 1), "{what}");
        assert_eq!(ends[0].decision, decisions[0].0, "{what}");
        assert_eq!(ends[0].tool, decisions[0].1, "{what}");
        assert_eq!((ends[0].ran, ends[0].state), (true, state), "{what}");
        assert!(ends[0].result_digest.is_some(), "{what}");
        if end.get("duration_ms").is_some() {
            assert_eq!(ends[0].took_ns, 12_000_000, "{what}");
        }
    }
}

#[test]
fn calls_that_are_alike_and_have_no_id_end_once_each() {
    let log = Recorded::new(Agent::Gemini);
    let call = json!({ "tool_name": "glob", "tool_input": { "pattern": "*.rs" } });
    let mut end = call.clone();
    end["tool_response"] = json!({});
    log.send("BeforeTool", &call);
    log.send("BeforeTool", &call);
    for _ in 0..3 {
        log.send("AfterTool", &end);
    }
    let (decisions, ends) = log.log();
    let ids: Vec<_> = ends.iter().map(|end| &end.decision).collect();
    assert_eq!(ids, [&decisions[0].0, &decisions[1].0]);
}

#[test]
fn what_was_denied_has_no_end_and_what_a_person_agreed_to_has_one() {
    let log = Recorded::new(Agent::ClaudeCode);
    for (tool, id) in [("Write", "t-1"), ("WebFetch", "t-2")] {
        let input =
            json!({ "file_path": "/WORKSPACE/a", "content": "x", "url": "https://example.com" });
        let call = json!({ "tool_name": tool, "tool_input": input, "tool_use_id": id, "permission_mode": "default" });
        log.send("PreToolUse", &call);
        let mut end = call.clone();
        end["tool_response"] = json!("done");
        assert_eq!(log.send("PostToolUse", &end).code, 0);
    }
    let (decisions, ends) = log.log();
    assert_eq!(decisions.len(), 2);
    let ids: Vec<_> = ends.iter().map(|end| &end.decision).collect();
    assert_eq!(ids, [&decisions[1].0]);
}

#[test]
fn a_call_of_nobodys_is_denied_and_recorded() {
    let log = Recorded::new(Agent::ClaudeCode);
    let hook = Hook::new(Options {
        caller: String::new(),
        ..log.options("PreToolUse")
    });
    let call = json!({ "session_id": "s-1", "cwd": log.desk.workspace(), "hook_event_name": "PreToolUse", "tool_name": "Bash",
        "tool_input": { "command": "ls" }, "permission_mode": "default" });
    let answer = hook.answer(call.to_string().as_bytes());
    assert_eq!(answer.code, 2);
    assert!(answer.stderr.contains("[policy_denied]"), "{answer:?}");
    assert!(answer.stderr.contains("there is no caller"), "{answer:?}");
    let (decisions, ends) = log.log();
    assert_eq!(
        (decisions[0].1.as_str(), decisions.len(), ends.len()),
        ("bash", 1, 0)
    );
}

#[test]
fn an_end_that_cannot_be_recorded_is_said_and_blocks_nothing() {
    let log = Recorded::new(Agent::ClaudeCode);
    let call = json!({ "tool_name": "Bash", "tool_input": { "command": "ls" }, "tool_use_id": "t", "permission_mode": "default" });
    log.send("PreToolUse", &call);
    fs::remove_file(log.desk.path("log.key")).unwrap();
    fs::create_dir(log.desk.path("log.key")).unwrap();
    let mut end = call;
    end["tool_response"] = json!("done");
    let answer = log.send("PostToolUse", &end);
    assert_eq!(answer.code, 1);
    assert!(answer.stderr.contains("audit log"), "{answer:?}");
}
