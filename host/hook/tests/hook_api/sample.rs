//! The sample policy for coding agents, through the hook.

use hexgate_hook::Agent;
use serde_json::json;

use crate::fixture::{Desk, Effect, claude, effect};

#[test]
fn the_sample_policy_does_what_it_says() {
    let path = format!(
        "{}/../../examples/policies/hook.yaml",
        env!("CARGO_MANIFEST_DIR")
    );
    let desk = Desk::new(&std::fs::read_to_string(path).unwrap());
    let call = |tool: &str, input: serde_json::Value| {
        effect(&desk.answer(Agent::ClaudeCode, "PreToolUse", &claude("1", tool, &input)))
    };
    for (tool, input, expected) in [
        (
            "Read",
            json!({ "file_path": "/WORKSPACE/src/main.rs" }),
            Effect::Runs,
        ),
        (
            "Read",
            json!({ "file_path": "/WORKSPACE/.env" }),
            Effect::Stops,
        ),
        (
            "Read",
            json!({ "file_path": "/WORKSPACE/../work/.env.local" }),
            Effect::Stops,
        ),
        ("Read", json!({ "file_path": "/etc/hosts" }), Effect::Asks),
        (
            "Edit",
            json!({ "file_path": "src/main.rs", "old_string": "a", "new_string": "b" }),
            Effect::Asks,
        ),
        (
            "Write",
            json!({ "file_path": ".claude/settings.json", "content": "{}" }),
            Effect::Stops,
        ),
        ("Glob", json!({ "pattern": "**/*.rs" }), Effect::Runs),
        ("Glob", json!({ "pattern": "/etc/*" }), Effect::Stops),
        (
            "Grep",
            json!({ "pattern": "x", "path": "src" }),
            Effect::Runs,
        ),
        ("Grep", json!({ "pattern": "x" }), Effect::Asks),
        (
            "Bash",
            json!({ "command": "ls -la src", "description": "List" }),
            Effect::Runs,
        ),
        (
            "Bash",
            json!({ "command": "cat src/main.rs | head -5" }),
            Effect::Runs,
        ),
        ("Bash", json!({ "command": "cat .env" }), Effect::Asks),
        (
            "Bash",
            json!({ "command": "cat /etc/passwd" }),
            Effect::Asks,
        ),
        ("Bash", json!({ "command": "cat id_rsa" }), Effect::Asks),
        ("Bash", json!({ "command": "cat app/.ENV" }), Effect::Asks),
        ("Bash", json!({ "command": "cat .NpmRc" }), Effect::Asks),
        ("Bash", json!({ "command": "cat a.PEM" }), Effect::Asks),
        ("Bash", json!({ "command": "grep -r KEY" }), Effect::Asks),
        ("Bash", json!({ "command": "rg -uuu KEY" }), Effect::Asks),
        (
            "Bash",
            json!({ "command": "date -f/etc/passwd" }),
            Effect::Asks,
        ),
        ("Bash", json!({ "command": "date -s 12" }), Effect::Asks),
        (
            "Bash",
            json!({ "command": "du -X/etc/passwd" }),
            Effect::Asks,
        ),
        (
            "Bash",
            json!({ "command": "wc --files0-from=x" }),
            Effect::Asks,
        ),
        (
            "Bash",
            json!({ "command": "ls", "cwd": "src" }),
            Effect::Runs,
        ),
        (
            "Bash",
            json!({ "command": "cat config", "workdir": "/etc" }),
            Effect::Asks,
        ),
        (
            "Bash",
            json!({ "command": "cat config", "cwd": ".git" }),
            Effect::Asks,
        ),
        ("Bash", json!({ "command": "/bin/rm x" }), Effect::Stops),
        ("Bash", json!({ "command": "busybox rm x" }), Effect::Stops),
        ("Bash", json!({ "command": "flock f rm x" }), Effect::Stops),
        ("Bash", json!({ "command": "exec rm x" }), Effect::Stops),
        ("Bash", json!({ "command": "cargo test" }), Effect::Asks),
        ("Bash", json!({ "command": "ls; rm -rf x" }), Effect::Stops),
        ("Bash", json!({ "command": "find . -delete" }), Effect::Asks),
        (
            "Bash",
            json!({ "command": "$(echo rm) -rf x" }),
            Effect::Stops,
        ),
        (
            "WebFetch",
            json!({ "url": "https://example.com/", "prompt": "x" }),
            Effect::Asks,
        ),
        ("Agent", json!({ "prompt": "x" }), Effect::Runs),
        ("mcp__github__create_issue", json!({}), Effect::Asks),
        ("Unknown", json!({}), Effect::Asks),
    ] {
        assert_eq!(call(tool, input.clone()), expected, "{tool} {input}");
    }
    // Where the agent itself is elsewhere, so is the command.
    let mut elsewhere = claude("1", "Bash", &json!({ "command": "cat hosts" }));
    elsewhere["cwd"] = "/etc".into();
    let answer = desk.answer(Agent::ClaudeCode, "PreToolUse", &elsewhere);
    assert_eq!(effect(&answer), Effect::Asks);
}
