//! A bundle that is replaced: each reader sees the older or the newer one, whole.

use std::{
    fs,
    os::unix::fs::{MetadataExt, PermissionsExt, symlink},
    path::Path,
    process::Stdio,
    sync::atomic::{AtomicBool, AtomicUsize, Ordering},
    thread,
    time::{Duration, Instant},
};

use hexgate_bundle::{Draft, write};

use crate::{
    child::{command, variant, wasm},
    fixture::*,
};

/// Loads the bundle and checks that all of it is of one variant. Returns which.
fn whole(dir: &Path) -> Result<bool, String> {
    let bundle = load(dir)?;
    let contents = bundle.contents();
    let second = contents.manifest().sequence() == Some(2);
    let name = if second { &b"second"[..] } else { b"first" };
    assert_eq!(
        (contents.source(), contents.rego()),
        (Some(name), Some(name))
    );
    assert_eq!(contents.wasm(), wasm(second));
    Ok(second)
}

#[test]
fn readers_of_a_bundle_that_is_replaced_all_the_time_see_whole_ones() {
    const READS: usize = 4000;
    let root = tempfile::tempdir().unwrap();
    let dir = root.path().join("bundle");
    let content = [wasm(false), wasm(true)];
    write(&dir, &variant(false, &content[0]), Some(&key())).unwrap();
    let (stop, writes, seen) = (
        AtomicBool::new(false),
        AtomicUsize::new(0),
        [AtomicUsize::new(0), AtomicUsize::new(0)],
    );
    let begin = Instant::now();
    thread::scope(|scope| {
        // Two writers, so that they also meet each other.
        for writer in 0..2 {
            let (dir, content, stop, writes) = (&dir, &content, &stop, &writes);
            scope.spawn(move || {
                let mut second = writer == 1;
                while !stop.load(Ordering::Relaxed) {
                    write(
                        dir,
                        &variant(second, &content[usize::from(second)]),
                        Some(&key()),
                    )
                    .unwrap();
                    writes.fetch_add(1, Ordering::Relaxed);
                    second = !second;
                }
            });
        }
        let reader = scope.spawn(|| {
            while seen
                .iter()
                .map(|count| count.load(Ordering::Relaxed))
                .sum::<usize>()
                < READS
                && begin.elapsed() < Duration::from_secs(60)
            {
                match whole(&dir) {
                    Ok(second) => seen[usize::from(second)].fetch_add(1, Ordering::Relaxed),
                    Err(error) => {
                        stop.store(true, Ordering::Relaxed);
                        panic!("{error}")
                    }
                };
            }
        });
        let outcome = reader.join();
        stop.store(true, Ordering::Relaxed);
        outcome.unwrap();
    });
    let [first, second] = seen.map(AtomicUsize::into_inner);
    let writes = writes.into_inner();
    assert!(
        first > 0 && second > 0 && first + second >= 1000 && writes > 20,
        "{first} {second} {writes}"
    );
    assert_eq!(names(root.path()), ["bundle"]);
}

#[test]
fn a_killed_writer_leaves_the_older_or_the_newer_bundle() {
    let root = tempfile::tempdir().unwrap();
    let dir = root.path().join("bundle");
    write(&dir, &variant(false, &wasm(false)), Some(&key())).unwrap();
    let mut left = 0;
    for round in 0..60 {
        let mut child = command("replace-for-ever", root.path())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        // The steps of a replacement take milliseconds each; the rounds walk through them.
        thread::sleep(Duration::from_millis(8) + Duration::from_micros(round * 337));
        assert!(
            child.try_wait().unwrap().is_none(),
            "the writer ended by itself"
        );
        child.kill().unwrap();
        child.wait().unwrap();
        whole(&dir).unwrap();
        left += usize::from(names(root.path()).len() > 1);
    }
    assert!(left > 0, "no writer was killed in the middle of its work");
    // The next writer tidies up after the killed ones.
    write(&dir, &variant(false, &wasm(false)), Some(&key())).unwrap();
    assert_eq!(names(root.path()), ["bundle"]);
}

#[test]
fn no_file_of_the_older_bundle_stays() {
    let fixture = Fixture::new();
    write(
        &fixture.dir,
        &Draft {
            stem: "other".parse().unwrap(),
            ..draft()
        },
        None,
    )
    .unwrap();
    assert_eq!(
        names(&fixture.dir),
        [
            "other.bundle.json",
            "other.rego",
            "other.wasm",
            "other.yaml"
        ]
    );
    says(&fixture.refusal(), &["is not signed"]);
    write(&fixture.dir, &draft(), Some(&key())).unwrap();
    load(&fixture.dir).unwrap();
    assert_eq!(names(fixture.root.path()), ["bundle"]);
}

#[test]
fn a_bundle_goes_into_a_new_folder_an_empty_one_or_through_a_link() {
    let root = tempfile::tempdir().unwrap();
    let (new, empty, link) = (
        root.path().join("a/b/new"),
        root.path().join("empty"),
        root.path().join("link"),
    );
    fs::create_dir(&empty).unwrap();
    fs::set_permissions(&empty, fs::Permissions::from_mode(0o700)).unwrap();
    symlink("a/b/new", &link).unwrap();
    says(
        &write(&link, &draft(), Some(&key()))
            .unwrap_err()
            .to_string(),
        &["a symbolic link to nothing"],
    );
    for dir in [&new, &empty, &link] {
        write(dir, &draft(), Some(&key())).unwrap();
        load(dir).unwrap();
    }
    assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
    assert_eq!(names(root.path()), ["a", "empty", "link"]);
    assert_eq!(names(&root.path().join("a/b")), ["new"]);
    // The permissions of a folder that was there are kept, also by a replacement.
    write(&empty, &draft(), Some(&key())).unwrap();
    assert_eq!(fs::metadata(&empty).unwrap().mode() & 0o7777, 0o700);
}

#[test]
fn what_is_not_a_bundle_is_left_alone() {
    let root = tempfile::tempdir().unwrap();
    let dir = root.path().join("src");
    fs::create_dir(&dir).unwrap();
    fs::write(dir.join("policy.yaml"), SOURCE).unwrap();
    let refused = |dir: &Path| {
        let before = (names(dir), names(root.path()));
        let message = write(dir, &draft(), Some(&key())).unwrap_err().to_string();
        assert_eq!((names(dir), names(root.path())), before);
        message
    };
    says(
        &refused(&dir),
        &[
            "holds `policy.yaml` and is not a bundle",
            "new or empty folder",
        ],
    );
    for name in ["a", "b", "c", "d", "e", "f"] {
        fs::write(dir.join(name), "").unwrap();
    }
    says(&refused(&dir), &["and 2 more"]);
    fs::remove_dir_all(&dir).unwrap();

    write(&dir, &draft(), Some(&key())).unwrap();
    fs::write(dir.join("notes.txt"), "x").unwrap();
    says(
        &refused(&dir),
        &["holds `notes.txt` beside the bundle", "move that away"],
    );
    fs::remove_file(dir.join("notes.txt")).unwrap();
    fs::create_dir(dir.join("sub")).unwrap();
    says(&refused(&dir), &["`sub`"]);
    fs::remove_dir(dir.join("sub")).unwrap();
    fs::copy(dir.join("policy.bundle.json"), dir.join("b.bundle.json")).unwrap();
    says(&refused(&dir), &["is not a bundle"]);
    fs::remove_file(dir.join("b.bundle.json")).unwrap();
    fs::remove_file(dir.join("policy.rego")).unwrap();
    symlink("/etc/passwd", dir.join("policy.rego")).unwrap();
    says(&refused(&dir), &["`policy.rego`"]);
}

#[test]
fn a_place_that_cannot_be_a_folder_is_named() {
    let root = tempfile::tempdir().unwrap();
    let file = root.path().join("file");
    fs::write(&file, "x").unwrap();
    let refused = |dir: &Path| write(dir, &draft(), Some(&key())).unwrap_err().to_string();
    says(&refused(&file), &["it is a file", "name a folder"]);
    says(
        &refused(&file.join("bundle")),
        &["a part of the path is a file"],
    );
    says(&refused(Path::new("/")), &["root of the file system"]);
    says(&refused(Path::new(".")), &["current directory"]);
    says(
        &refused(&root.path().join("no/..")),
        &["does not end in a name"],
    );
    assert_eq!(names(root.path()), ["file"]);
}
