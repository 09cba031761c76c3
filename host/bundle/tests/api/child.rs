//! This test program, started again as a process of its own that can be killed, starved of space or stripped of rights.

use std::{
    env, fs,
    os::unix::{
        fs::{PermissionsExt, symlink},
        process::CommandExt,
    },
    path::{Path, PathBuf},
    process::Command,
    time::{Duration, Instant},
};

use hexgate_bundle::{Draft, PrivateKey, PublicKey, Stem, generate, write};
use rustix::fs::{CWD, RenameFlags, renameat_with};

use crate::fixture::*;

const TASK: &str = "HEXGATE_BUNDLE_CHILD";
const FOLDER: &str = "HEXGATE_BUNDLE_CHILD_FOLDER";

/// The names of what another user swaps: such as writers of bundles give to what they build.
pub(crate) const SWAPPED: [&str; 4] = [
    ".hexgate-bundle-a",
    ".hexgate-bundle-b",
    ".hexgate-bundle-c",
    ".hexgate-bundle-d",
];

/// A child that permissions bind: root is somebody else in it, with a copy of this program that others can reach.
pub(crate) fn as_somebody_else(task: &str, folder: &Path) -> (tempfile::TempDir, Command) {
    let tools = tempfile::tempdir().unwrap();
    fs::set_permissions(tools.path(), fs::Permissions::from_mode(0o755)).unwrap();
    let program = tools.path().join("child");
    // Not copied in this process: a child that another test starts meanwhile would inherit the open file and keep it from being run.
    let copied = Command::new("cp")
        .arg(env::current_exe().unwrap())
        .arg(&program)
        .status();
    assert!(copied.unwrap().success());
    let mut command = child(Command::new(&program), task, folder);
    command.current_dir("/");
    if rustix::process::geteuid().is_root() {
        command.uid(SOMEBODY).gid(SOMEBODY);
    }
    (tools, command)
}

/// The number of a user who is not root.
pub(crate) const SOMEBODY: u32 = 65_534;

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
        // What somebody does who can write to the same folder: a name is a folder, and in the next moment a link.
        "swap-for-ever" => {
            let begun = Instant::now();
            let names =
                SWAPPED.map(|name| (folder.join(name), folder.join(format!("aside{name}"))));
            // Whoever started this may be gone.
            while begun.elapsed() < Duration::from_secs(300) {
                for (name, aside) in &names {
                    let _ = fs::create_dir(name);
                    let _ = fs::write(name.join("policy.yaml"), "bait");
                    let _ = symlink("../victim", aside);
                }
                for _ in 0..51 {
                    for (name, aside) in &names {
                        let _ = renameat_with(CWD, name, CWD, aside, RenameFlags::EXCHANGE);
                    }
                }
            }
        }
        "read-keys" => {
            let public = PublicKey::from_file(folder.join("k.public")).map(|key| key.id());
            let private = PrivateKey::from_file(folder.join("k.private"));
            match (public, private) {
                (Ok(_), Ok(key)) => println!("outcome: read, warning: {}", key.warning.is_some()),
                failed => println!("outcome: {failed:?}"),
            }
        }
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
