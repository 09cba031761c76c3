//! Disks that refuse: nothing is changed, nothing is left behind, and the message says so.

use std::{
    env, fs,
    os::unix::fs::{PermissionsExt, chown},
    path::Path,
    process::Command,
};

use hexgate_bundle::write;

use crate::{
    child::{SOMEBODY, as_somebody_else, child, variant, wasm, with_shell},
    fixture::*,
};

/// Runs a child and returns what it says about its outcome.
fn outcome(mut command: Command) -> String {
    let output = command.output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    let outcome = text.lines().find_map(|line| line.split_once("outcome: "));
    outcome.map_or_else(|| panic!("{output:?}"), |(_, outcome)| outcome.to_owned())
}

/// The bundle that was there before is still there, and nothing else.
fn unchanged(root: &Path) {
    assert_eq!(names(root), ["bundle"]);
    let bundle = load(&root.join("bundle")).unwrap();
    assert_eq!(bundle.contents().wasm(), wasm(false));
}

fn older() -> tempfile::TempDir {
    let root = tempfile::tempdir().unwrap();
    write(
        root.path().join("bundle"),
        &variant(false, &wasm(false)),
        Some(&key()),
    )
    .unwrap();
    root
}

#[test]
fn a_file_that_grows_too_large_for_the_system_changes_nothing() {
    // Half of the component fits. Without the trap the signal would end the process: that is the case of a killed writer.
    let limits = "trap '' XFSZ; ulimit -f 100";
    let root = older();
    says(
        &outcome(with_shell(limits, "write", root.path())),
        &["cannot write", "nothing was changed", "free some space"],
    );
    unchanged(root.path());
    let empty = tempfile::tempdir().unwrap();
    says(
        &outcome(with_shell(limits, "write", empty.path())),
        &["nothing was changed"],
    );
    assert!(names(empty.path()).is_empty());
    says(
        &outcome(with_shell(
            "trap '' XFSZ; ulimit -f 0",
            "generate-new",
            empty.path(),
        )),
        &["no key was made"],
    );
    assert!(names(empty.path()).is_empty());
}

#[test]
fn a_full_disk_changes_nothing() {
    // A file system of its own in a mount namespace of its own, which goes with the process. It holds the older bundle and no second one.
    let root = tempfile::tempdir().unwrap();
    let (disk, older) = (root.path().join("disk"), older());
    fs::create_dir(&disk).unwrap();
    let script = format!(
        "set -e; mount -t tmpfs -o size=160k none '{disk}'; cp -r '{older}/bundle' '{disk}/'; \"$0\" \"$@\"; ls -A '{disk}'; cp -r '{disk}/bundle' '{root}/after'",
        disk = disk.display(),
        older = older.path().display(),
        root = root.path().display(),
    );
    let mut unshare = Command::new("unshare");
    unshare
        .args(["--user", "--map-root-user", "--mount", "sh", "-c", &script])
        .arg(env::current_exe().unwrap());
    let output = child(unshare, "write", &disk).output();
    match output {
        Ok(output) if output.status.success() => {
            let text = String::from_utf8(output.stdout).unwrap();
            let outcome = text
                .lines()
                .find_map(|line| line.split_once("outcome: "))
                .unwrap()
                .1;
            says(
                outcome,
                &["cannot write", "nothing was changed", "free some space"],
            );
            assert_eq!(text.lines().last(), Some("bundle"), "{text}");
            assert_eq!(
                load(&root.path().join("after")).unwrap().contents().wasm(),
                wasm(false)
            );
        }
        // Some systems forbid mounting. The limit on file sizes fails the same call, and is tested above on every system.
        other => hexgate_test_support::announce(&format!(
            "a file system cannot be mounted here: {other:?}"
        )),
    }
}

#[test]
fn a_folder_that_may_not_be_written_to_changes_nothing() {
    let root = older();
    let writable = |writable| {
        fs::set_permissions(
            root.path(),
            fs::Permissions::from_mode(if writable { 0o755 } else { 0o555 }),
        )
    };
    writable(false).unwrap();
    for task in ["write", "generate-new"] {
        let (_tools, command) = as_somebody_else(task, root.path());
        says(&outcome(command), &["cannot write", "ermission denied"]);
    }
    writable(true).unwrap();
    unchanged(root.path());
}

#[test]
fn a_bundle_in_a_folder_that_nobody_may_write_to_is_replaced_and_stays_so() {
    let root = older();
    let bundle = root.path().join("bundle");
    fs::set_permissions(&bundle, fs::Permissions::from_mode(0o555)).unwrap();
    if rustix::process::geteuid().is_root() {
        chown(&bundle, Some(SOMEBODY), Some(SOMEBODY)).unwrap();
        chown(root.path(), Some(SOMEBODY), Some(SOMEBODY)).unwrap();
    }
    let (_tools, command) = as_somebody_else("write", root.path());
    assert_eq!(outcome(command), "written");
    assert_eq!(names(root.path()), ["bundle"]);
    assert_eq!(load(&bundle).unwrap().contents().wasm(), wasm(true));
    assert_eq!(
        fs::metadata(&bundle).unwrap().permissions().mode() & 0o7777,
        0o555
    );
    fs::set_permissions(&bundle, fs::Permissions::from_mode(0o755)).unwrap();
}
