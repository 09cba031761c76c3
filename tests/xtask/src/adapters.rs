//! The adapters of agent frameworks, which are a workspace of their own: form, lints, tests, examples.

use anyhow::Result;

use crate::workspace;

pub(crate) fn run() -> Result<()> {
    let folder = workspace::root().join("host/adapters");
    // What both workspaces build alike is built once.
    let target = workspace::root().join(workspace::target());
    let steps: [&[&str]; 3] = [
        &["fmt", "--all", "--check"],
        &[
            "clippy",
            "--workspace",
            "--all-targets",
            "--quiet",
            "--locked",
            "--",
            "--deny",
            "warnings",
        ],
        // One build with one set of features; examples have a test that runs them.
        &["test", "--workspace", "--quiet", "--locked"],
    ];
    for step in steps {
        println!("adapters: cargo {}", step.first().unwrap_or(&""));
        workspace::run(
            workspace::cargo()
                .args(step)
                .current_dir(&folder)
                .env("CARGO_TARGET_DIR", &target),
        )?;
    }
    Ok(())
}
