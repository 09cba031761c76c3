//! The sandbox as its users see it.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    missing_docs,
    reason = "a panic is how a test fails"
)]

mod choosing;
mod commands;
mod corpus;
mod ends;
mod fixture;
mod groups;
mod network;
mod python_system;
mod races;
mod workspaces;

use std::time::Duration;

use hexgate_sandbox::{Finished, Guarantee, Sandbox, Wanted, Workspace, WorkspaceBuilder};

/// Nothing is asked for: whatever a backend enforces.
fn anything() -> Wanted {
    Guarantee::ALL
        .into_iter()
        .fold(Wanted::default(), Wanted::dangerous_without)
}

/// A backend for a workspace. None, with a notice, if this machine does not have it.
fn backend(name: &str, workspace: &Workspace) -> Option<Sandbox> {
    match Sandbox::backend(name, workspace, &anything()) {
        Ok(sandbox) => Some(sandbox),
        Err(unavailable) => {
            let installed = name != "srt" && std::env::var_os("CI").is_some();
            assert!(!installed, "CI has to have `{name}`: {unavailable}");
            // No setup installs the weakest one.
            let say = match name {
                "srt" => hexgate_test_support::announce,
                _ => hexgate_test_support::skipped,
            };
            say(&format!("`{name}`: {unavailable}"));
            None
        }
    }
}

fn wait<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap()
        .block_on(future)
}

fn run(sandbox: &Sandbox, script: &str) -> Finished {
    wait(sandbox.run(script, Duration::from_secs(20))).unwrap()
}

/// A folder that is a workspace, and its builder.
fn folder() -> (tempfile::TempDir, WorkspaceBuilder) {
    let folder = tempfile::tempdir().unwrap();
    let builder = Workspace::builder(folder.path());
    (folder, builder)
}
