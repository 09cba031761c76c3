//! Events of coding agents: reading and bringing into one form end, and whatever is not understood is stopped in a form that the agent knows.
#![no_main]

use std::path::Path;

use hook::agent::Agent;
use hook::answer::{Answer, Asked, Verdict, answer};
use hook::event::{self, Kind, kind};
use hook::failure::{Failure, told};
use hook::normal::{Place, normal};
use hook::{agent, failure, json};
use libfuzzer_sys::fuzz_target;
use sandbox::{command, executables};
use serde_json::Value;

// Commands are read by another package, which brings the runtime of policies along.
extern crate self as hexgate_sandbox;

/// The readers and the answers alone. Their package brings the runtime of policies along.
#[path = "../../../host/hook/src"]
#[allow(dead_code, unused_imports, reason = "the hook around them is missing")]
mod hook {
    pub mod agent;
    pub mod answer;
    pub mod event;
    pub mod failure;
    pub mod json;
    pub mod normal;
}

#[path = "../../../host/sandbox/src"]
#[allow(
    dead_code,
    unused_imports,
    reason = "the sandbox around them is missing"
)]
mod sandbox {
    pub mod command;
    pub mod executables;
}

/// The names under which hooks are installed, and none.
const EXPECTED: [Option<&str>; 12] = [
    None,
    Some("PreToolUse"),
    Some("PermissionRequest"),
    Some("UserPromptSubmit"),
    Some("SessionStart"),
    Some("BeforeTool"),
    Some("BeforeAgent"),
    Some("preToolUse"),
    Some("beforeShellExecution"),
    Some("beforeReadFile"),
    Some("permissionRequest"),
    Some("nothing"),
];

fuzz_target!(|bytes: &[u8]| {
    let [choice, name, text @ ..] = bytes else {
        return;
    };
    let agent = Agent::ALL[usize::from(*choice) % Agent::ALL.len()];
    let expected = EXPECTED[usize::from(*name) % EXPECTED.len()];
    let event = match event::read(agent, expected, text) {
        Ok(event) => event,
        Err(failure) => {
            let kind = expected.and_then(|name| kind(agent, name));
            return stopped(agent, kind, &Answer::denied(agent, expected, &failure));
        }
    };
    let whole: Value = serde_json::from_slice(text).expect("what is read is JSON");
    let said = whole.get("hook_event_name").and_then(Value::as_str);
    assert!(said.is_none_or(|said| said == event.name));
    assert!(expected.is_none_or(|expected| expected == event.name));
    let asked = Asked {
        name: event.name.clone(),
        kind: event.kind,
        attended: event.attended.unwrap_or(false),
    };
    let denial = |failure: &Failure| answer(agent, &asked, Verdict::Deny(told(failure)));
    let broken = Failure::Broken("it is a test".to_owned());
    stopped(agent, Some(event.kind), &denial(&broken));
    let Some(proposed) = event.call else {
        assert!(!matches!(
            event.kind,
            Kind::Call | Kind::Gate | Kind::Permission
        ));
        return;
    };
    let place = Place {
        workspace: Path::new("/usr"),
        cwd: Path::new("/usr/lib"),
        commands_in: (agent != Agent::Codex).then_some(Path::new("/usr/lib")),
    };
    match normal(agent, proposed, place) {
        Err(failure) => stopped(agent, Some(event.kind), &denial(&failure)),
        Ok(call) => {
            assert!(!call.tool.is_empty());
            let arguments: Value =
                serde_json::from_str(&call.arguments).expect("arguments are JSON");
            assert!(arguments.is_object());
        }
    }
});

/// By the documentation of the agents, not by what the answers are written with.
fn stopped(agent: Agent, kind: Option<Kind>, answer: &Answer) {
    if matches!(kind, Some(Kind::Start | Kind::Observed)) {
        // Nothing happens then that could be stopped. It is a failure all the same.
        assert_ne!(answer.code, 0, "{agent}: {answer:?}");
        return;
    }
    let object: Value = serde_json::from_str(&answer.stdout).unwrap_or(Value::Null);
    let is_refused = object["hookSpecificOutput"]["decision"]["behavior"] == "deny";
    let is_told = !answer.stderr.trim().is_empty();
    let is_stopped = match agent {
        Agent::ClaudeCode => answer.code == 2 || is_refused,
        Agent::Codex => answer.code == 2 && is_told || is_refused,
        Agent::Gemini | Agent::Copilot => answer.code == 2 && is_told,
        Agent::Cursor => {
            answer.code == 0 && (object["permission"] == "deny" || object["continue"] == false)
        }
    };
    assert!(is_stopped, "{agent}: {answer:?}");
}
