//! This test program, started again as a process of its own that can be killed, starved of space or stripped of rights.

use std::{
    env,
    path::{Path, PathBuf},
    process::Command,
};

use hexgate_bundle::{Draft, Stem, generate, write};

use crate::fixture::*;

const TASK: &str = "HEXGATE_BUNDLE_CHILD";
const FOLDER: &str = "HEXGATE_BUNDLE_CHILD_FOLDER";

/// A child that does `task` in `folder`.
pub(crate) fn command(task: &str, folder: &Path) -> Command {
    child(Command::new(env::current_exe().unwrap()), task, folder)
}

/// A child that does `task` in `folder` after a shell did `setup`.
pub(crate) fn with_shell(setup: &str, task: &str, folder: &Path) -> Command {
    let mut shell = Command::new("sh");
    shell
        .arg("-c")
        .arg(format!("{setup}; exec \"$0\" \"$@\""))
        .arg(env::current_exe().unwrap());
    child(shell, task, folder)
}

/// Completes a command that ends in this program.
pub(crate) fn child(mut command: Command, task: &str, folder: &Path) -> Command {
    command
        .args(["--ignored", "--exact", "child::entry", "--nocapture"])
        .env(TASK, task)
        .env(FOLDER, folder);
    command
}

/// Two bundles that differ in every file. The component is large enough that writing it takes a while.
pub(crate) fn variant(second: bool, wasm: &[u8]) -> Draft<'_> {
    let (name, sequence) = if second { ("second", 2) } else { ("first", 1) };
    let mut draft = Draft {
        stem: name.parse::<Stem>().unwrap(),
        source: name.as_bytes(),
        rego: name,
        wasm,
        claims: claims(),
    };
    draft.claims.sequence = sequence;
    draft
}

pub(crate) fn wasm(second: bool) -> Vec<u8> {
    vec![u8::from(second); 100_000]
}

#[test]
#[ignore = "the other tests start it as a process of its own"]
fn entry() {
    let task = env::var(TASK).unwrap();
    let folder = PathBuf::from(env::var_os(FOLDER).unwrap());
    let bundle = folder.join("bundle");
    match task.as_str() {
        "generate" => {
            generate(folder.join("key"), true).unwrap();
        }
        // Prints the message, so that the other process can judge it.
        "write" => match write(&bundle, &variant(true, &wasm(true)), Some(&key())) {
            Ok(()) => println!("outcome: written"),
            Err(error) => println!("outcome: {error}"),
        },
        "generate-new" => match generate(folder.join("key"), false) {
            Ok(_) => println!("outcome: written"),
            Err(error) => println!("outcome: {error}"),
        },
        "replace-for-ever" => {
            let content = [wasm(false), wasm(true)];
            loop {
                for (second, wasm) in content.iter().enumerate() {
                    write(&bundle, &variant(second == 1, wasm), Some(&key())).unwrap();
                }
            }
        }
        other => panic!("no task `{other}`"),
    }
}
