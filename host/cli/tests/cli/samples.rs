//! The agents of `examples/agents`: their policies have no warnings, their suites pass, and their scripts end as they should.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use hexgate_test_support::skipped;
use serde_json::Value;

use crate::fixture::Fixture;

fn samples_folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/agents")
}

fn samples() -> Vec<PathBuf> {
    let folders = fs::read_dir(samples_folder())
        .unwrap()
        .map(|entry| entry.unwrap().path());
    let found: Vec<PathBuf> = folders.filter(|path| path.is_dir()).collect();
    assert!(found.len() >= 5, "{found:?}");
    found
}

/// What `hexgate policy` says in a folder, and whether it was content.
fn policy(folder: &Path, arguments: &[&str]) -> (bool, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_hexgate"))
        .current_dir(folder)
        .arg("policy")
        .args(arguments)
        .output()
        .unwrap();
    let said = [output.stdout, output.stderr].concat();
    (output.status.success(), String::from_utf8(said).unwrap())
}

#[test]
fn the_policies_of_the_sample_agents_do_what_their_suites_say() {
    for sample in samples() {
        let name = sample.display();
        let (valid, said) = policy(&sample, &["validate", "policy.yaml"]);
        assert!(valid && !said.contains("warning"), "{name}: {said}");
        let (passed, said) = policy(
            &sample,
            &["test", "policy.yaml", "--suite", "suite.yaml", "--coverage"],
        );
        assert!(passed && said.contains(" 0 failed"), "{name}: {said}");
    }
}

#[test]
fn no_rule_of_a_sample_agent_is_without_a_case() {
    for sample in samples() {
        let (_, said) = policy(
            &sample,
            &["test", "policy.yaml", "--suite", "suite.yaml", "--coverage"],
        );
        // A role that inherits is covered where it inherits from; tools that are not listed are one rule of each role.
        let missing = said.lines().filter(|line| {
            line.contains("no case came to this rule") && !line.contains("(unlisted tools)")
        });
        assert_eq!(
            missing.collect::<Vec<_>>(),
            Vec::<&str>::new(),
            "{}",
            sample.display()
        );
    }
}

/// A sample with its script: the role, what the user says, each call with its decision and how it ended, the answer.
type Played = (
    &'static str,
    &'static str,
    &'static str,
    &'static [(&'static str, &'static str, &'static str)],
    &'static str,
);

const PLAYED: &[Played] = &[
    (
        "customer_bot",
        "support",
        "Please refund 20 USD to ada@example.com, the cup came broken.",
        &[
            ("refund_order", "allow", "completed"),
            ("refund_order", "deny", "denied"),
            ("read_file", "allow", "completed"),
            ("refund_order", "needs_approval", "denied"),
        ],
        "I refunded 20 USD to ada@example.com.",
    ),
    (
        "example_agent",
        "default",
        "What do I need?",
        &[
            ("grep", "allow", "completed"),
            ("read_file", "deny", "denied"),
        ],
        "You need milk. I may not read `.env`.",
    ),
    (
        "repo_editor",
        "developer",
        "Correct the greeting.",
        &[
            ("read_file", "allow", "completed"),
            ("edit_file", "allow", "completed"),
            ("write_file", "deny", "denied"),
        ],
        "The greeting is corrected.",
    ),
    (
        "web_researcher",
        "researcher",
        "What is new?",
        &[("fetch", "needs_approval", "denied")],
        "I may not fetch a page that you did not name.",
    ),
    (
        "workspace_explorer",
        "reader",
        "What is here?",
        &[
            ("bash", "allow", "completed"),
            ("bash", "allow", "completed"),
            ("bash", "allow", "completed"),
            ("bash", "allow", "completed"),
        ],
        "None of that was possible.",
    ),
];

#[test]
fn the_sample_agents_run_with_their_scripts() {
    let played: Vec<&str> = PLAYED.iter().map(|(name, ..)| *name).collect();
    for sample in samples() {
        let name = sample.file_name().unwrap().to_str().unwrap();
        assert!(played.contains(&name), "nobody plays {name}");
    }
    for (name, role, says, calls, answer) in PLAYED {
        let fixture = Fixture::empty();
        let agent = fixture.path(&format!("agents/{name}"));
        copy(&samples_folder().join(name), &agent);
        let output = fixture
            .hexgate()
            .args(["agent", "run", "--agent", name, "--role", role, "--events"])
            .args(["--model", &format!("script:agents/{name}/script.yaml")])
            .args(["--caller", "grace", "--approval-mode", "auto-deny", says])
            .env("HOME", fixture.path("home"))
            // Nothing is searched for: the tool is made, and not called.
            .env("TAVILY_API_KEY", "none")
            .output()
            .unwrap();
        let (events, said) = (
            String::from_utf8(output.stdout).unwrap(),
            String::from_utf8(output.stderr).unwrap(),
        );
        if said.contains("no sandbox of this machine enforces") {
            skipped(&format!("{name}: {said}"));
            continue;
        }
        assert!(output.status.success(), "{name}: {said}");
        let events: Vec<Value> = events
            .lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect();
        let of = |kind: &str| {
            let found = events.iter().filter(|event| event["event_type"] == kind);
            found.cloned().collect::<Vec<Value>>()
        };
        let ends = of("tool_end");
        let found: Vec<(String, String, String)> = of("decision")
            .iter()
            .map(|decision| {
                let end = ends
                    .iter()
                    .find(|end| end["tool_id"] == decision["tool_id"])
                    .unwrap_or_else(|| panic!("{name}: no end of {decision}"));
                let text = |value: &Value| value.as_str().unwrap().to_owned();
                (
                    text(&decision["tool_name"]),
                    text(&decision["outcome"]),
                    text(&end["outcome"]),
                )
            })
            .collect();
        let expected: Vec<(String, String, String)> = calls
            .iter()
            .map(|(tool, outcome, end)| ((*tool).into(), (*outcome).into(), (*end).into()))
            .collect();
        assert_eq!(found, expected, "{name}: {ends:#?}");
        let end = of("run_end");
        let message = end[0]["result"]["message"].as_str().unwrap();
        assert!(message.starts_with(answer), "{name}: {message}");
        if *name == "repo_editor" {
            let greeting = fs::read_to_string(agent.join("workspace/src/greeting.txt")).unwrap();
            assert!(greeting.contains("Hello"), "{greeting}");
        }
    }
    assert!(!Path::new("/usr/outside-the-workspace").exists());
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy(&entry.path(), &target);
        } else {
            fs::copy(entry.path(), target).unwrap();
        }
    }
}

#[test]
fn the_policy_of_coding_agents_does_what_its_suite_says() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/policies");
    let (valid, said) = policy(&folder, &["validate", "hook.yaml", "--deny-warnings"]);
    assert!(valid, "{said}");
    let suite = [
        "test",
        "hook.yaml",
        "--suite",
        "hook.suite.yaml",
        "--coverage",
    ];
    let (passed, said) = policy(&folder, &suite);
    assert!(passed && said.contains(" 0 failed"), "{said}");
    assert!(said.contains("coverage: 20 of 20 rules"), "{said}");
}

#[test]
fn the_policy_about_what_the_user_said_does_what_its_suite_says() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/policies");
    let (valid, said) = policy(&folder, &["validate", "said.yaml", "--deny-warnings"]);
    assert!(valid, "{said}");
    let suite = ["test", "said.yaml", "--suite", "said.suite.yaml"];
    let (passed, said) = policy(&folder, &suite);
    assert!(passed && said.contains(" 0 failed"), "{said}");
}
