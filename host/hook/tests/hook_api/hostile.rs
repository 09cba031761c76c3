//! Events that are not what they should be. Each is a denial in the form of the event for which the hook was installed.

use hexgate_hook::{Agent, Hook, MOST_EVENT_BYTES, Options};
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::answers::data;
use crate::fixture::{Desk, Effect, claude, effect, is_stopped};

/// An example of each agent: the event of a call.
fn example(agent: Agent) -> (String, Value) {
    let cases = data(agent.name());
    (
        cases[0]["event"].as_str().unwrap().to_owned(),
        cases[0]["input"].clone(),
    )
}

fn answered(desk: &Desk, agent: Agent, event: Option<&str>, text: &[u8]) -> bool {
    let hook = Hook::new(Options {
        event: event.map(str::to_owned),
        ..desk.options(agent)
    });
    is_stopped(agent, event.unwrap_or("the call"), &hook.answer(text))
}

#[test]
fn what_is_no_event_is_denied() {
    let desk = Desk::of("allow");
    for agent in Agent::ALL {
        let (event, input) = example(agent);
        let whole = desk.filled(&input.to_string());
        // It passes as it is, so that what follows shows something.
        assert!(
            !answered(&desk, agent, Some(&event), whole.as_bytes()),
            "{agent}"
        );
        let mut texts: Vec<Vec<u8>> = [
            "",
            " ",
            "null",
            "[]",
            "7",
            "\"x\"",
            "{}",
            "{\"a\":}",
            "\u{feff}{}",
            "tool_name: Bash",
        ]
        .iter()
        .map(|text| text.as_bytes().to_vec())
        .collect();
        // Cut off at every byte.
        texts.extend((0..whole.len()).map(|end| whole.as_bytes()[..end].to_vec()));
        texts.push([whole.as_bytes(), b" {}"].concat());
        texts.push([b"\xff".as_slice(), whole.as_bytes()].concat());
        texts.push(whole.replacen(':', ":\u{0}", 1).into_bytes());
        // A name twice.
        texts.push(format!("{{\"cwd\":\"/\",{}", &whole[1..]).into_bytes());
        for text in texts {
            for expected in [Some(&*event), None] {
                assert!(
                    answered(&desk, agent, expected, &text),
                    "{agent} {expected:?} {}",
                    String::from_utf8_lossy(&text)
                );
            }
        }
    }
}

#[test]
fn members_of_another_type_are_denied() {
    let desk = Desk::of("allow");
    for agent in Agent::ALL {
        let (event, input) = example(agent);
        let needed: &[&str] = match agent {
            Agent::Copilot => &["toolName", "toolArgs"],
            Agent::Cursor => &["conversation_id", "tool_name", "tool_input"],
            _ => &["session_id", "tool_name", "tool_input"],
        };
        for name in needed {
            for value in [json!(7), json!([1]), json!(true), json!(["x"])] {
                let mut other = input.clone();
                other[*name] = value.clone();
                let text = desk.filled(&other.to_string());
                assert!(
                    answered(&desk, agent, Some(&event), text.as_bytes()),
                    "{agent} {name} {value}"
                );
            }
            let mut without = input.clone();
            without.as_object_mut().unwrap().remove(*name);
            if *name != "conversation_id" {
                let text = desk.filled(&without.to_string());
                assert!(
                    answered(&desk, agent, Some(&event), text.as_bytes()),
                    "{agent} without {name}"
                );
            }
        }
    }
}

#[test]
fn duplicates_within_the_arguments_are_denied() {
    let desk = Desk::of("allow");
    for input in [
        r#"{"command": "ls", "command": "rm -rf /"}"#,
        r#"{"command": "ls", "\u0063ommand": "rm -rf /"}"#,
        r#"{"command": "ls", "deep": {"a": [{"b": 1, "b": 2}]}}"#,
        r#"{"command": "ls", "text": "\ud800"}"#,
    ] {
        let text = format!(
            r#"{{"session_id": "1", "cwd": "/", "hook_event_name": "PreToolUse", "tool_name": "Bash", "tool_input": {input}}}"#
        );
        let answer = desk.hook(Agent::ClaudeCode).answer(text.as_bytes());
        assert_eq!(effect(&answer), Effect::Stops, "{input}: {answer:?}");
    }
}

#[test]
fn an_event_that_is_not_known_is_denied() {
    let desk = Desk::of("allow");
    for agent in Agent::ALL {
        let (event, mut input) = example(agent);
        for other in ["PreToolUsed", "pretooluse", "", "BeforeModel", "x\u{202e}"] {
            input["hook_event_name"] = other.into();
            let text = desk.filled(&input.to_string());
            assert!(
                answered(&desk, agent, Some(&event), text.as_bytes()),
                "{agent} {other}"
            );
            assert!(
                answered(&desk, agent, None, text.as_bytes()),
                "{agent} {other}"
            );
        }
    }
    // One that would not stop anything does not answer for one that does.
    let mut input = claude("1", "Bash", &json!({ "command": "ls" }));
    input["hook_event_name"] = "SessionStart".into();
    let answer = desk.answer(Agent::ClaudeCode, "PreToolUse", &input);
    assert_eq!(effect(&answer), Effect::Stops);
    // Without a name there is no event.
    let copilot = json!({ "sessionId": "1", "cwd": "/WORKSPACE", "toolName": "bash", "toolArgs": { "command": "ls" } });
    assert!(answered(
        &desk,
        Agent::Copilot,
        None,
        desk.filled(&copilot.to_string()).as_bytes()
    ));
}

#[test]
fn an_event_of_another_agent_is_denied() {
    let desk = Desk::of("allow");
    let (_, claude) = example(Agent::ClaudeCode);
    let (_, gemini) = example(Agent::Gemini);
    for (agent, event, input) in [
        (Agent::Gemini, "BeforeTool", &claude),
        (Agent::Cursor, "preToolUse", &claude),
        (Agent::Copilot, "preToolUse", &claude),
        (Agent::ClaudeCode, "PreToolUse", &gemini),
        (Agent::Codex, "PreToolUse", &gemini),
    ] {
        let text = desk.filled(&input.to_string());
        assert!(
            answered(&desk, agent, Some(event), text.as_bytes()),
            "{agent}"
        );
    }
}

#[test]
fn a_large_event_is_denied_and_a_large_file_is_decided() {
    let desk = Desk::of("allow");
    let content = "x".repeat(MOST_EVENT_BYTES);
    let input = claude(
        "1",
        "Write",
        &json!({ "file_path": "src/a", "content": content }),
    );
    let answer = desk.answer(Agent::ClaudeCode, "PreToolUse", &input);
    assert_eq!(effect(&answer), Effect::Stops);
    assert!(
        answer.stderr.contains("bytes") && answer.stderr.len() < 5_000,
        "{}",
        answer.stderr.len()
    );
    let small = claude(
        "1",
        "Write",
        &json!({ "file_path": "src/a", "content": "x".repeat(200_000) }),
    );
    assert_eq!(
        effect(&desk.answer(Agent::ClaudeCode, "PreToolUse", &small)),
        Effect::Runs
    );
}

#[test]
fn deep_nesting_is_denied() {
    let desk = Desk::of("allow");
    for depth in [200, 5_000, 200_000] {
        let deep = format!("{}1{}", "[".repeat(depth), "]".repeat(depth));
        let text = format!(
            r#"{{"session_id": "1", "cwd": "/", "hook_event_name": "PreToolUse", "tool_name": "x", "tool_input": {{"a": {deep}}}}}"#
        );
        let answer = desk.hook(Agent::ClaudeCode).answer(text.as_bytes());
        assert_eq!(effect(&answer), Effect::Stops, "{depth}");
    }
}

#[test]
fn ids_of_conversations_are_never_paths() {
    let desk = Desk::of("allow");
    for id in [
        "../../etc/passwd",
        "/etc/passwd",
        "a/b",
        ".",
        "..",
        "a b",
        "é",
        "%2e%2e",
        "$(id)",
        &"x".repeat(256),
    ] {
        assert_eq!(desk.bash(id, "ls"), Effect::Runs, "{id}");
    }
    for id in ["", "a\0b", "a\nb", "a\u{7f}", &"x".repeat(257)] {
        assert_eq!(desk.bash(id, "ls"), Effect::Stops, "{id:?}");
    }
    // Another spelling of the same letters: a policy compares bytes.
    assert_eq!(desk.bash("e\u{301}", "ls"), Effect::Stops);
    let names: Vec<String> = std::fs::read_dir(desk.path("state"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    assert_eq!(
        names.iter().filter(|name| name.ends_with(".json")).count(),
        10,
        "{names:?}"
    );
    for name in &names {
        let digest = name.split('.').next().unwrap();
        assert!(
            digest.len() == 64 && digest.bytes().all(|byte| byte.is_ascii_hexdigit()),
            "{name}"
        );
    }
    let mut outside: Vec<_> = std::fs::read_dir(desk.path(""))
        .unwrap()
        .map(|entry| entry.unwrap().file_name())
        .collect();
    outside.sort();
    assert_eq!(outside, ["policy.yaml", "state", "work"]);
}

#[test]
fn what_is_shown_cannot_steer_a_terminal() {
    let desk = Desk::of("deny");
    let input = claude("1", "a\u{1b}[31m\u{202e}b\n", &json!({}));
    let answer = desk.answer(Agent::ClaudeCode, "PreToolUse", &input);
    assert_eq!(effect(&answer), Effect::Stops);
    for shown in [&answer.stdout, &answer.stderr] {
        assert!(
            !shown.trim_end().contains(['\u{1b}', '\u{202e}', '\n']),
            "{shown:?}"
        );
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn whatever_is_sent_is_answered(text in "\\PC{0,200}", name in "[A-Za-z_]{1,20}", value in "\\PC{0,40}") {
        let desk = Desk::of("deny");
        for agent in Agent::ALL {
            let (event, mut input) = example(agent);
            let hook = Hook::new(Options { event: Some(event.clone()), ..desk.options(agent) });
            let answer = hook.answer(text.as_bytes());
            prop_assert!(is_stopped(agent, &event, &answer));
            input[&*name] = Value::from(&*value);
            let answer = hook.answer(desk.filled(&input.to_string()).as_bytes());
            prop_assert!(is_stopped(agent, &event, &answer));
        }
    }
}
