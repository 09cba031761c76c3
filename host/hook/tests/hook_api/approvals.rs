//! Approvals that are kept, and the log.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::time::SystemTime;

use hexgate_base::{PrivateKey, Timestamp};
use hexgate_enforce::approvals::{Approvers, Decision, RequestStore};
use hexgate_hook::{Agent, Answer, Approving, Auditing, Hook, Options};
use serde_json::json;

use crate::fixture::{Desk, Effect, claude, effect, is_stopped};

fn with_approvers(desk: &Desk) -> (PrivateKey, Approving) {
    let carols = PrivateKey::from_bytes(&[7; 32]);
    let file = desk.path("approvers.json");
    let text = json!({ "version": 1, "approvers": [{ "id": "carol", "keys": [carols.public_key().to_text()], "roles": ["lead"], "users": [] }] });
    fs::write(&file, text.to_string()).unwrap();
    fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).unwrap();
    let approving = Approving {
        db: desk.path("approvals.db"),
        approvers: file,
        roles: vec!["lead".to_owned()],
        used: None,
    };
    (carols, approving)
}

#[test]
fn an_approval_is_kept_until_the_same_call_comes_again() {
    let desk = Desk::of("approval_required");
    let (carols, approving) = with_approvers(&desk);
    for agent in [Agent::ClaudeCode, Agent::Codex] {
        let hook = Hook::new(Options {
            event: Some("PreToolUse".to_owned()),
            approvals: Some(approving.clone()),
            ..desk.options(agent)
        });
        let call = |session: &str, command: &str| -> Answer {
            hook.answer(
                desk.filled(&claude(session, "Bash", &json!({ "command": command })).to_string())
                    .as_bytes(),
            )
        };
        let first = call("1", "make");
        assert!(is_stopped(agent, "PreToolUse", &first), "{first:?}");
        let store = RequestStore::open(&approving.db).unwrap();
        let open: Vec<_> = store.entries().unwrap();
        let request = first.stderr.split("as request ").nth(1).unwrap();
        let request = request.split(' ').next().unwrap().parse().unwrap();
        assert!(store.entry(&request).unwrap().is_some(), "{first:?}");
        // Asking again makes no second request.
        assert!(is_stopped(agent, "PreToolUse", &call("1", "make")));
        assert_eq!(store.entries().unwrap().len(), open.len());
        let approvers = Approvers::from_file(&approving.approvers).unwrap();
        let now = Timestamp::from_system_time(SystemTime::now()).unwrap();
        store
            .answer(
                &request,
                &approvers,
                &carols,
                Decision::Approve,
                "as agreed",
                now,
            )
            .unwrap();
        // Another call, another conversation.
        assert!(is_stopped(agent, "PreToolUse", &call("1", "make all")));
        assert!(is_stopped(agent, "PreToolUse", &call("2", "make")));
        let passed = call("1", "make");
        assert!(!is_stopped(agent, "PreToolUse", &passed), "{passed:?}");
        assert!(
            is_stopped(agent, "PreToolUse", &call("1", "make")),
            "it counts once"
        );
    }
}

#[test]
fn without_approvers_everything_that_needs_approval_is_denied() {
    let desk = Desk::of("approval_required");
    let (_, approving) = with_approvers(&desk);
    fs::remove_file(&approving.approvers).unwrap();
    let hook = Hook::new(Options {
        approvals: Some(approving),
        ..desk.options(Agent::ClaudeCode)
    });
    let event = desk.filled(&claude("1", "Bash", &json!({ "command": "ls" })).to_string());
    let answer = hook.answer(event.as_bytes());
    assert_eq!(effect(&answer), Effect::Stops);
    assert!(
        answer.stderr.contains("approvals cannot be asked for"),
        "{answer:?}"
    );
}

#[test]
fn decisions_are_recorded_before_the_agent_is_answered() {
    let desk = Desk::new("tools: { bash: { mode: allow }, fetch: { mode: approval_required } }");
    let auditing = Auditing {
        folder: desk.path("log"),
        key: desk.path("log.key"),
    };
    let hook = Hook::new(Options {
        audit: Some(auditing),
        ..desk.options(Agent::ClaudeCode)
    });
    let answer = |tool: &str| {
        hook.answer(
            desk.filled(&claude("s-1", tool, &json!({ "command": "ls" })).to_string())
                .as_bytes(),
        )
    };
    assert_eq!(effect(&answer("Bash")), Effect::Runs);
    assert_eq!(effect(&answer("WebFetch")), Effect::Asks);
    assert_eq!(effect(&answer("Read")), Effect::Stops);
    assert_eq!(effect(&hook.answer(b"{")), Effect::Stops);
    // What the policy is not asked about.
    let two = claude("s-1", "Read", &json!({ "file_path": "a", "path": "b" }));
    assert_eq!(
        effect(&hook.answer(desk.filled(&two.to_string()).as_bytes())),
        Effect::Stops
    );
    let lines = log(&desk);
    assert!(
        lines.iter().any(|line| line.contains("two names")),
        "{lines:?}"
    );
    for (tool, outcome) in [
        ("bash", "allow"),
        ("fetch", "needs_approval"),
        ("read_file", "deny"),
        ("hook-event", "malformed"),
    ] {
        let line = lines
            .iter()
            .find(|line| line.contains(&format!("\"{tool}\"")))
            .unwrap();
        assert!(line.contains(outcome), "{line}");
        assert!(line.contains("alice"), "{line}");
    }
    // A log that cannot be written denies.
    fs::set_permissions(desk.path("log"), fs::Permissions::from_mode(0o777)).unwrap();
    fs::remove_dir_all(desk.path("log")).unwrap();
    fs::write(desk.path("log"), "").unwrap();
    let denied = answer("Bash");
    assert_eq!(effect(&denied), Effect::Stops);
    assert!(denied.stderr.contains("audit log"), "{denied:?}");
}

fn log(desk: &Desk) -> Vec<String> {
    let mut lines = Vec::new();
    for entry in fs::read_dir(desk.path("log")).unwrap() {
        let path = entry.unwrap().path();
        if path.is_file() {
            let text = fs::read(path).unwrap();
            lines.extend(String::from_utf8_lossy(&text).lines().map(str::to_owned));
        }
    }
    lines
}
