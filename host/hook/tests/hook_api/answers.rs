//! Every agent, every event, every verdict: the golden answers of `tests/events`.

use std::collections::BTreeSet;

use hexgate_hook::{Agent, Answer};
use serde_json::Value;

use crate::fixture::{self, Desk, Effect, claude, is_stopped};

pub(crate) fn data(name: &str) -> Value {
    let path = format!("{}/tests/events/{name}.json", env!("CARGO_MANIFEST_DIR"));
    serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
}

/// The events of an agent: `(event, input, tool)`.
fn events(agent: Agent) -> Vec<(String, Value, Option<String>)> {
    let cases = data(agent.name());
    let event = |case: &Value| {
        (
            case["event"].as_str().unwrap().to_owned(),
            case["input"].clone(),
            case["tool"].as_str().map(str::to_owned),
        )
    };
    cases.as_array().unwrap().iter().map(event).collect()
}

fn same(answer: &Answer, expected: &Value, case: &str) {
    assert_eq!(
        Value::from(answer.code),
        expected["code"],
        "{case}: {answer:?}"
    );
    assert_eq!(
        answer.stderr,
        expected["stderr"].as_str().unwrap(),
        "{case}"
    );
    if expected["stdout"].is_null() {
        assert_eq!(answer.stdout, "", "{case}");
    } else {
        let stdout: Value = serde_json::from_str(&answer.stdout).unwrap();
        assert_eq!(stdout, expected["stdout"], "{case}");
        assert!(
            answer.stdout.ends_with('\n') && answer.stdout.lines().count() == 1,
            "{case}"
        );
    }
}

#[test]
fn every_event_of_every_agent_has_its_answer() {
    let answers = data("answers");
    let mut seen = BTreeSet::new();
    for (mode, verdict) in [
        ("allow", "allow"),
        ("approval_required", "ask"),
        ("deny", "deny"),
    ] {
        let desk = Desk::of(mode);
        for agent in Agent::ALL {
            for (event, input, tool) in events(agent) {
                if event.eq_ignore_ascii_case("sessionstart")
                    && agent != Agent::Cursor
                    && agent != Agent::Copilot
                {
                    continue;
                }
                let case = format!("{agent} {event} {verdict}");
                let expected = &answers[agent.name()][&event][verdict];
                assert!(expected.is_object(), "{case} has no answer");
                let tool = tool.unwrap_or_default();
                let expected = expected.to_string().replace("TOOL", &tool).replace(
                    "REASON",
                    &format!("Policy requires approval for tool \\\"{tool}\\\""),
                );
                let expected: Value = serde_json::from_str(&expected).unwrap();
                let answer = desk.answer(agent, &event, &input);
                same(&answer, &expected, &case);
                seen.insert((agent.name(), event));
            }
        }
    }
    for agent in Agent::ALL {
        for event in answers[agent.name()].as_object().unwrap().keys() {
            assert!(
                seen.contains(&(agent.name(), event.clone())),
                "{agent} {event} was not sent"
            );
        }
    }
}

#[test]
fn the_user_is_told_which_policy_decides() {
    let desk = Desk::of("deny");
    for agent in [Agent::ClaudeCode, Agent::Codex, Agent::Gemini] {
        for (event, input, _) in events(agent)
            .iter()
            .filter(|(event, ..)| event == "SessionStart")
        {
            let answer = desk.answer(agent, event, input);
            let told: Value = serde_json::from_str(&answer.stdout).unwrap();
            let told = told["systemMessage"].as_str().unwrap();
            assert!(
                told.contains("policy.yaml") && told.contains("decides"),
                "{told}"
            );
            std::fs::write(desk.path("policy.yaml"), "tools: [").unwrap();
            let answer = desk.answer(agent, event, input);
            assert!(
                answer.stdout.contains("every call will be denied"),
                "{answer:?}"
            );
            assert_eq!(answer.code, 0);
            std::fs::write(desk.path("policy.yaml"), "{}").unwrap();
        }
    }
}

/// What a policy denies is stopped at every event at which the agent can be stopped, whatever made it a denial.
#[test]
fn a_denial_is_one_in_the_agents_own_form() {
    let broken = Desk::new("tools: { secret_tool: { mode: alow } }");
    let missing = Desk::of("allow");
    std::fs::remove_file(missing.path("policy.yaml")).unwrap();
    let mut looked_at = 0;
    for desk in [&Desk::of("deny"), &broken, &missing] {
        for agent in Agent::ALL {
            for (event, input, tool) in events(agent) {
                if tool.is_some() {
                    let answer = desk.answer(agent, &event, &input);
                    assert!(
                        is_stopped(agent, &event, &answer),
                        "{agent} {event}: {answer:?}"
                    );
                    // Lines of a policy are not for models.
                    let shown = format!("{}{}", answer.stdout, answer.stderr);
                    assert!(!shown.contains("secret_tool"), "{shown}");
                    looked_at += 1;
                }
            }
        }
    }
    assert!(looked_at > 100, "{looked_at}");
}

/// Claude Code runs a call about which a hook says `ask` where permissions are bypassed.
#[test]
fn nobody_is_said_to_be_asked_where_nobody_would_be() {
    let desk = Desk::of("approval_required");
    for (mode, effect) in [
        (Value::from("default"), Effect::Asks),
        (Value::from("plan"), Effect::Stops),
        (Value::from("acceptEdits"), Effect::Asks),
        (Value::from("auto"), Effect::Asks),
        (Value::from("dontAsk"), Effect::Asks),
        (Value::from("bypassPermissions"), Effect::Stops),
        (Value::from("a mode of tomorrow"), Effect::Stops),
        (Value::Null, Effect::Stops),
        (Value::from(7), Effect::Stops),
    ] {
        let mut input = claude("1", "Bash", &serde_json::json!({ "command": "ls" }));
        input["permission_mode"] = mode.clone();
        let answer = desk.answer(Agent::ClaudeCode, "PreToolUse", &input);
        assert_eq!(fixture::effect(&answer), effect, "{mode}");
    }
}

#[test]
fn who_trusts_an_agent_to_ask_says_so() {
    let desk = Desk::of("approval_required");
    for (agent, event, asks) in [
        (Agent::Copilot, "preToolUse", true),
        (Agent::Gemini, "BeforeTool", true),
        (Agent::Codex, "PreToolUse", false),
        (Agent::Cursor, "preToolUse", false),
    ] {
        let (_, input, _) = events(agent).swap_remove(0);
        let hook = hexgate_hook::Hook::new(hexgate_hook::Options {
            event: Some(event.to_owned()),
            trust_ask: true,
            ..desk.options(agent)
        });
        let answer = hook.answer(desk.filled(&input.to_string()).as_bytes());
        assert_eq!(
            is_stopped(agent, event, &answer),
            !asks,
            "{agent}: {answer:?}"
        );
        assert_eq!(
            answer.stdout.contains("\"ask\""),
            asks,
            "{agent}: {answer:?}"
        );
    }
    // Where Claude Code tells that nobody would be asked, nobody is.
    let mut input = claude("1", "Bash", &serde_json::json!({ "command": "ls" }));
    input["permission_mode"] = "bypassPermissions".into();
    let hook = hexgate_hook::Hook::new(hexgate_hook::Options {
        trust_ask: true,
        ..desk.options(Agent::ClaudeCode)
    });
    let answer = hook.answer(desk.filled(&input.to_string()).as_bytes());
    assert_eq!(fixture::effect(&answer), Effect::Stops);
}

/// The golden answers keep to what Codex takes: an answer with another member is ignored, and the call runs.
#[test]
fn codex_gets_nothing_that_it_does_not_know() {
    let answers = data("answers");
    for (event, verdicts) in answers["codex"].as_object().unwrap() {
        for (verdict, answer) in verdicts.as_object().unwrap() {
            let stdout = &answer["stdout"];
            let known = stdout.is_null()
                || *stdout == serde_json::json!({})
                || (event == "PermissionRequest" && verdict == "deny");
            assert!(known, "{event} {verdict}: {answer}");
        }
    }
}
