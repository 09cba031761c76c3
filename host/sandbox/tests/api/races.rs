//! What a command, or a second one, changes while a call of its own is looked at: memory, links, descriptors, the working folder.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use hexgate_sandbox::Finished;
use rustix::fs::{CWD, RenameFlags, renameat_with};

use crate::{backend, folder, wait};

/// Makes calls whose free and protected names change meanwhile.
const ATTACK: &str = include_str!("races/attack.py");
/// What is changed, and the protected name that comes of it if a change gets between a look and the call.
const KINDS: &[(&str, &str)] = &[
    ("memory", ".envrc"),
    ("memory-of-a-target", ".envrc"),
    ("link", ".git/hooks/pre-commit"),
    ("link-from-outside", ".git/hooks/pre-commit"),
    ("descriptor", ".git/hooks/pre-commit"),
    ("folder", ".git/hooks/pre-commit"),
];
/// Rounds of each kind; of these, how many at least have to be seen on either side.
const ROUNDS: usize = 500;
const EITHER: usize = 20;
/// Seconds that the rounds of one kind may take, unless the machine is so busy that less than that was seen.
const SECONDS: usize = 2;

/// A workspace with a protected folder and a free one, and links to both that can be exchanged.
fn fill(root: &Path) {
    fs::create_dir_all(root.join(".git/hooks")).unwrap();
    fs::create_dir(root.join("free")).unwrap();
    symlink("free", root.join("here")).unwrap();
    symlink(".git/hooks", root.join("there")).unwrap();
    fs::write(root.join("attack.py"), ATTACK).unwrap();
}

/// Runs something while a program that stands outside exchanges the links. How often it did.
fn exchanging<T>(root: &Path, run: impl FnOnce() -> T) -> (T, usize) {
    let (stop, count) = (AtomicBool::new(false), AtomicUsize::new(0));
    std::thread::scope(|scope| {
        scope.spawn(|| {
            while !stop.load(Ordering::Relaxed) {
                let (here, there) = (root.join("here"), root.join("there"));
                renameat_with(CWD, here, CWD, there, RenameFlags::EXCHANGE).unwrap();
                count.fetch_add(1, Ordering::Relaxed);
            }
        });
        let came = run();
        stop.store(true, Ordering::Relaxed);
        (came, count.load(Ordering::Relaxed))
    })
}

/// What the attack counted: calls that went through, calls that were refused, protected names that it made.
fn counted(said: &str) -> (usize, usize, usize) {
    let numbers: Vec<usize> = said
        .split_whitespace()
        .map(|word| word.parse().unwrap_or_else(|_| panic!("{said}")))
        .collect();
    let [through, refused, broken] = numbers[..] else {
        panic!("{said}");
    };
    (through, refused, broken)
}

#[test]
fn nothing_protected_is_written_by_changing_what_is_looked_at() {
    for name in ["landlock", "landlock-alone"] {
        for (kind, protected) in KINDS {
            let (folder, builder) = folder();
            let root = folder.path();
            fill(root);
            let Some(sandbox) = backend(name, &builder.build().unwrap()) else {
                continue;
            };
            let script = format!("python3 attack.py {kind} {ROUNDS} {EITHER} {SECONDS}");
            let run =
                || -> Finished { wait(sandbox.run(&script, Duration::from_secs(200))).unwrap() };
            let (finished, exchanged) = match *kind {
                "link-from-outside" => exchanging(root, run),
                _ => (run(), ROUNDS),
            };
            if finished.stderr.contains("python3: command not found") {
                hexgate_test_support::skipped("there is no `python3`");
                return;
            }
            assert_eq!(finished.exit_code, 0, "{name} {kind}: {finished:?}");
            let (through, refused, broken) = counted(&finished.stdout);
            assert_eq!(broken, 0, "{name} {kind}: {finished:?}");
            assert!(
                !root.join(protected).exists(),
                "{name} {kind}: `{protected}` was made"
            );
            assert!(
                through >= EITHER && refused >= EITHER && exchanged >= EITHER,
                "{name} {kind}: {through} through, {refused} refused, {exchanged} exchanges: nothing was tried"
            );
            eprintln!("{name} {kind}: {through} through, {refused} refused");
        }
    }
}

#[test]
fn the_races_are_won_where_nothing_looks() {
    for (kind, _) in KINDS {
        let folder = tempfile::tempdir().unwrap();
        fill(folder.path());
        let run = || {
            Command::new("python3")
                .args(["attack.py", kind])
                .args([ROUNDS, EITHER, SECONDS].map(|number| number.to_string()))
                .current_dir(folder.path())
                .stdin(Stdio::null())
                .output()
        };
        let (output, _) = match *kind {
            "link-from-outside" => exchanging(folder.path(), run),
            _ => (run(), 0),
        };
        let Ok(output) = output else {
            hexgate_test_support::skipped("there is no `python3`");
            return;
        };
        assert!(output.status.success(), "{kind}: {output:?}");
        let (_, _, broken) = counted(&String::from_utf8_lossy(&output.stdout));
        assert!(broken > 0, "{kind}: {output:?}");
    }
}
