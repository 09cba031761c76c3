//! The agents of `examples/agents`: their policies have no warnings, and their suites pass.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

fn samples() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/agents");
    let folders = fs::read_dir(folder)
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

#[test]
fn the_policy_of_coding_agents_does_what_its_suite_says() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/policies");
    let (valid, said) = policy(&folder, &["validate", "hook.yaml", "--deny-warnings"]);
    assert!(valid, "{said}");
    let suite = ["test", "hook.yaml", "--suite", "hook.suite.yaml", "--coverage"];
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
