//! The main job on an example policy: make keys, compile and sign, verify, decide three calls; build everything; and run agents.

mod agents;

use std::{fs, path::Path, process::Command};

use anyhow::{Context, Result, bail};

use crate::{setup::fresh, workspace};

/// The policy of the demo, from the root of the workspace.
const POLICY: &str = "examples/policies/billing.yaml";

/// What is done, and the exit code that belongs to it.
const STEPS: &[(&[&str], i32)] = &[
    (&["keygen", "--out", "release"], 0),
    (
        &[
            "build",
            "billing.yaml",
            "--out",
            "billing.bundle",
            "--sign-key",
            "release.private",
            "--agent",
            "support-bot",
            "--sequence",
            "1",
        ],
        0,
    ),
    (
        &[
            "verify",
            "billing.bundle",
            "--pubkey",
            "release.public",
            "--agent",
            "support-bot",
        ],
        0,
    ),
    (
        &decision(
            "billing",
            "refund_order",
            r#"{"amount": 200, "currency": "USD"}"#,
        ),
        0,
    ),
    (
        &decision(
            "support",
            "refund_order",
            r#"{"amount": 200, "currency": "USD", "note": "now"}"#,
        ),
        1,
    ),
    (
        &decision("billing", "wire_transfer", r#"{"amount": 90000}"#),
        0,
    ),
];

const fn decision<'a>(role: &'a str, tool: &'a str, arguments: &'a str) -> [&'a str; 10] {
    [
        "test",
        "billing.bundle",
        "--pubkey",
        "release.public",
        "--role",
        role,
        "--tool",
        tool,
        "--args",
        arguments,
    ]
}

pub(crate) fn run() -> Result<()> {
    // What the main job needs comes first: no compiler of machine code, network, TLS or database. The rest takes longer than the job.
    workspace::run(workspace::cargo().args([
        "build",
        "--package",
        "hexgate-cli",
        "--no-default-features",
        "--features",
        "hexgate",
    ]))?;
    let folder = workspace::target().join("demo");
    fresh(&folder)?;
    let policy = workspace::root().join(POLICY);
    fs::copy(&policy, folder.join("billing.yaml"))
        .with_context(|| format!("cannot copy `{}`", policy.display()))?;
    for (arguments, code) in STEPS {
        step(&folder, arguments, *code)?;
    }
    println!(
        "\nthe bundle and the keys are in `{}`; now the rest is built",
        folder.display()
    );
    workspace::run(workspace::cargo().args(["build", "--workspace"]))?;
    agents::run()
}

fn step(folder: &Path, arguments: &[&str], expected: i32) -> Result<()> {
    let words: Vec<String> = arguments.iter().map(|word| quoted(word)).collect();
    println!("\n$ hexgate policy {}", words.join(" "));
    let status = Command::new(workspace::binary("hexgate"))
        .current_dir(folder)
        .arg("policy")
        .args(arguments)
        .status()
        .context("cannot run `hexgate`")?;
    if status.code() != Some(expected) {
        bail!("the command ended with {status}, expected exit code {expected}");
    }
    Ok(())
}

/// A word as a shell takes it.
fn quoted(word: &str) -> String {
    if word.contains(['{', '"', ' ']) {
        format!("'{word}'")
    } else {
        word.to_owned()
    }
}
