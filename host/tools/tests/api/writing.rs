//! `write_file`.

use std::fs::{self, Permissions};
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::Command;

use hexgate_test_support::announce;
use hexgate_tools::files::HardLinks;
use serde_json::json;

use crate::fixture::{OPEN, Place, as_no_superuser};

#[test]
fn files_are_made_and_overwritten() {
    let place = Place::open();
    let answer = place.write("a/b/c.txt", "one\ntwo").unwrap();
    let expected =
        json!({ "ok": true, "file_path": "a/b/c.txt", "operation": "create", "num_lines": 2 });
    assert_eq!(answer, expected);
    assert_eq!(place.text("a/b/c.txt"), "one\ntwo");
    let answer = place.write("a/b/c.txt", "").unwrap();
    assert_eq!(answer["operation"], "update");
    assert_eq!(place.text("a/b/c.txt"), "");
    // Nothing else is left.
    assert_eq!(place.everything(), ["a", "a/b", "a/b/c.txt"]);
    let absolute = place.path("d.txt").display().to_string();
    assert_eq!(place.write(&absolute, "x").unwrap()["file_path"], "d.txt");
}

#[test]
fn permissions_stay_and_rights_of_the_owner_are_not_lent() {
    let place = Place::open();
    for (name, before, after) in [
        ("script", 0o755, 0o755),
        ("set", 0o6755, 0o755),
        ("own", 0o600, 0o600),
    ] {
        place.put(name, "old");
        fs::set_permissions(place.path(name), Permissions::from_mode(before)).unwrap();
        place.write(name, "new").unwrap();
        let mode = fs::metadata(place.path(name)).unwrap().mode() & 0o7777;
        assert_eq!(mode, after, "{name} {mode:o}");
    }
    place.write("fresh", "x").unwrap();
    fs::write(place.path("other"), "x").unwrap();
    let mode = |name: &str| fs::metadata(place.path(name)).unwrap().mode();
    assert_eq!(mode("fresh"), mode("other"));
}

#[test]
fn nothing_is_written_through_links() {
    let place = Place::open();
    place.put("docs/a", "inside");
    place.link("docs", "folder");
    place.link("docs/a", "file");
    place.link(place.outside("new"), "dangling");
    place.link(place.outside(""), "out");
    for path in [
        "folder/a",
        "folder/new",
        "file",
        "dangling",
        "out/secret.txt",
        "out/x/y",
        "folder/x/y",
    ] {
        assert_eq!(place.write(path, "x").unwrap_err().kind, "link", "{path}");
        assert_eq!(
            place.edit(path, "inside", "x").unwrap_err().kind,
            "link",
            "{path}"
        );
    }
    assert_eq!(place.text("docs/a"), "inside");
    assert_eq!(
        fs::read_to_string(place.outside("secret.txt")).unwrap(),
        "the secret\n"
    );
    assert!(!place.outside("new").exists() && !place.outside("x").exists());
    assert_eq!(
        place.everything(),
        ["dangling", "docs", "docs/a", "file", "folder", "out"]
    );
}

#[test]
fn protected_names_are_not_written_in_any_spelling() {
    let place = Place::open();
    for path in [
        ".git/config",
        ".GIT/config",
        ".Git/hooks/pre-commit",
        ".git",
        "sub/.git/config",
        ".env",
        ".ENV",
        ".env.local",
        "agent.yaml",
        "Agent.YAML",
        "a/policy.yaml",
        "SYSTEM.md",
        ".vscode/settings.json",
        ".VSCode/x",
        ".hexgate/keys",
        ".hexgate-x",
        ".claude/settings.json",
        // What some file systems take for the same.
        ".g\u{131}t/config",
        ".g\u{200b}it/config",
        ".git./config",
        ".git /config",
        ".git\u{feff}/x",
        ".env::$DATA",
        "GIT~1/config",
        "git~1",
        "\u{ff0e}git/config",
        ".en\u{ad}v",
        "poli\u{200d}cy.yaml",
        ".\u{17f}ettings/../.git",
    ] {
        let error = place.write(path, "x").unwrap_err();
        let expected = if path.contains("..") {
            "invalid_path"
        } else {
            "protected"
        };
        assert_eq!(error.kind, expected, "{}", path.escape_unicode());
    }
    place.put(".git/config", "[core]");
    assert_eq!(
        place.edit(".git/config", "core", "x").unwrap_err().kind,
        "protected"
    );
    assert_eq!(place.everything(), [".git", ".git/config"]);
    // Reading is for the policy to decide.
    assert_eq!(place.read(".git/config").unwrap()["content"], "[core]");
    for path in [
        ".gitignore",
        "env",
        "git",
        "policy.yaml.md",
        ".env.example",
        "a~b",
    ] {
        place.write(path, "x").unwrap();
    }
}

#[test]
fn folders_that_are_not_to_be_written_are_not() {
    let place = Place::with(OPEN, |workspace| {
        workspace
            .deny_write_path("keep")
            .deny_write_path("a/Straße.txt")
    });
    for path in [
        "keep",
        "keep/x",
        "KEEP/x/y",
        "a/Straße.txt",
        "a/STRASSE.TXT",
        "a/straße.txt",
    ] {
        assert_eq!(
            place.write(path, "x").unwrap_err().kind,
            "protected",
            "{path}"
        );
    }
    place.write("keeper", "x").unwrap();
    place.write("a/Strand.txt", "x").unwrap();
}

#[test]
fn further_folders_are_named_by_absolute_paths() {
    let folder = tempfile::tempdir().unwrap();
    let above = folder.path().canonicalize().unwrap();
    for name in ["read", "write", "read/inner"] {
        fs::create_dir(above.join(name)).unwrap();
    }
    fs::write(above.join("read/a"), "needle").unwrap();
    fs::write(above.join("one"), "needle one").unwrap();
    fs::write(above.join("two"), "needle two").unwrap();
    let at = |name: &str| above.join(name).display().to_string();
    let (one, read, write) = (above.join("one"), above.join("read"), above.join("write"));
    let place = Place::reaching(
        OPEN,
        folder,
        |workspace| {
            workspace
                .extra_read_path(read)
                .extra_read_path(one)
                .extra_write_path(write)
        },
        |reach| reach,
    );
    assert_eq!(
        place.read(&at("read/a")).unwrap()["file_path"],
        at("read/a")
    );
    assert_eq!(place.read(&at("one")).unwrap()["content"], "needle one");
    assert_eq!(place.read(&at("two")).unwrap_err().kind, "outside");
    assert_eq!(
        place.write(&at("read/a"), "x").unwrap_err().kind,
        "read_only"
    );
    assert_eq!(place.write(&at("one"), "x").unwrap_err().kind, "read_only");
    place.write(&at("write/b/c"), "x").unwrap();
    assert_eq!(
        place.write(&at("write/.git/c"), "x").unwrap_err().kind,
        "protected"
    );
    let found = place.answer("grep", json!({ "pattern": "needle", "path": at("read") }));
    assert_eq!(found["filenames"], json!([at("read/a")]));
    let found = place.answer("grep", json!({ "pattern": "needle", "path": at("one") }));
    assert_eq!(found["filenames"], json!([at("one")]));
    let found = place.answer("glob", json!({ "pattern": "**/*", "path": at("write") }));
    assert_eq!(found["filenames"], json!([at("write/b/c")]));
    // A link from the workspace into one of them.
    symlink(at("read"), place.path("link")).unwrap();
    assert_eq!(place.read("link/a").unwrap()["file_path"], at("read/a"));
}

#[test]
fn a_further_folder_around_the_workspace_is_no_way_around_its_paths() {
    let policy = "
tools:
  read_file: { mode: allow, file_scope: { denied_paths: ['src/secret/**', '/etc/**'] } }
  grep: { mode: allow, file_scope: { denied_paths: ['src/secret/**', '/etc/**'] } }
";
    let folder = tempfile::tempdir().unwrap();
    let above = folder.path().canonicalize().unwrap();
    let around = above.clone();
    let place = Place::reaching(
        policy,
        folder,
        |it| it.extra_read_path(around),
        |reach| reach,
    );
    place.put("src/secret/key", "needle");
    place.put("src/open", "needle");
    let key = place.path("src/secret/key").display().to_string();
    // The policy sees no more than an absolute path that it does not name.
    assert!(place.permits("read_file", &json!({ "file_path": key })));
    assert_eq!(place.read(&key).unwrap_err().kind, "not_covered");
    let open = place.path("src/open").display().to_string();
    assert_eq!(place.read(&open).unwrap()["file_path"], "src/open");
    fs::write(above.join("beside"), "needle").unwrap();
    let above = above.display().to_string();
    let found = place.answer("grep", json!({ "pattern": "needle", "path": above }));
    assert_eq!(found["filenames"], json!([format!("{above}/beside")]));
}

#[test]
fn other_names_of_a_file_keep_their_content() {
    let place = Place::open();
    fs::hard_link(place.outside("secret.txt"), place.path("hard")).unwrap();
    let answer = place.write("hard", "mine").unwrap();
    assert_eq!(answer["had_other_names"], true);
    assert_eq!(place.text("hard"), "mine");
    assert_eq!(
        fs::read_to_string(place.outside("secret.txt")).unwrap(),
        "the secret\n"
    );

    let folder = tempfile::tempdir().unwrap();
    let refuse = |reach: hexgate_tools::files::Reach| reach.hard_links(HardLinks::Refuse);
    let place = Place::reaching(OPEN, folder, |it| it, refuse);
    fs::hard_link(place.outside("secret.txt"), place.path("hard")).unwrap();
    place.put("soft", "the secret");
    assert_eq!(place.read("hard").unwrap_err().kind, "hard_link");
    assert_eq!(place.write("hard", "x").unwrap_err().kind, "hard_link");
    assert_eq!(
        place.edit("hard", "secret", "x").unwrap_err().kind,
        "hard_link"
    );
    assert_eq!(place.grep("secret"), ["soft"]);
}

#[test]
fn what_is_in_the_way_is_said() {
    let place = Place::open();
    place.put("folder/file", "x");
    for (path, kind) in [
        ("folder", "is_directory"),
        (".", "is_directory"),
        ("folder/file/x", "not_a_directory"),
        ("folder/file/x/y", "not_a_directory"),
        ("../x", "invalid_path"),
        ("/tmp/x", "outside"),
    ] {
        assert_eq!(place.write(path, "x").unwrap_err().kind, kind, "{path}");
    }
    let long = format!("new/{}", "n".repeat(300));
    assert_eq!(place.write(&long, "x").unwrap_err().kind, "invalid_path");
    // Folders that were made for it are gone again.
    assert_eq!(place.everything(), ["folder", "folder/file"]);
}

const FULL: &str = "HEXGATE_TOOLS_TEST_FULL";

/// The other half of the next test, in a process whose files must not become large.
#[test]
fn as_a_child_on_a_full_disk() {
    if std::env::var_os(FULL).is_none() {
        return;
    }
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let place = Place::open();
    place.put("old", "old content\n");
    place.put("edited", "x".repeat(900) + "y");
    let limit = Rlimit {
        current: Some(1000),
        ..getrlimit(Resource::Fsize)
    };
    setrlimit(Resource::Fsize, limit).unwrap();
    let much = "z".repeat(100_000);
    assert_eq!(place.write("old", &much).unwrap_err().kind, "disk_full");
    assert_eq!(place.write("new/a/b", &much).unwrap_err().kind, "disk_full");
    assert_eq!(
        place.edit("edited", "y", &much).unwrap_err().kind,
        "disk_full"
    );
    assert_eq!(place.text("old"), "old content\n");
    assert_eq!(place.text("edited").len(), 901);
    assert_eq!(place.everything(), ["edited", "old"]);
    place.write("new/a/b", "little").unwrap();
    println!("all was as before");
}

#[test]
fn on_a_full_disk_everything_stays_as_it_was() {
    let child = Command::new("sh")
        // Without the trap the process would be ended by a signal.
        .args(["-c", "trap '' XFSZ; exec \"$0\" \"$@\""])
        .arg(std::env::current_exe().unwrap())
        .args([
            "--exact",
            "writing::as_a_child_on_a_full_disk",
            "--nocapture",
            "--quiet",
        ])
        .env(FULL, "1")
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&child.stdout);
    assert!(said.contains("all was as before"), "{child:?}");
}

#[test]
fn a_file_that_may_not_be_written_is_not_replaced() {
    as_no_superuser(
        "writing::a_file_that_may_not_be_written_is_not_replaced",
        || {
            let place = Place::open();
            place.put("fixed", "x");
            fs::set_permissions(place.path("fixed"), Permissions::from_mode(0o444)).unwrap();
            assert_eq!(
                place.write("fixed", "y").unwrap_err().kind,
                "permission_denied"
            );
            assert_eq!(place.text("fixed"), "x");
        },
    );
}

#[test]
fn an_approver_sees_what_will_be_written() {
    let place = Place::open();
    let preview = place.tool("write_file").spec().preview.unwrap();
    let shown = preview(&json!({ "file_path": "a\u{202e}b", "content": "one\n\u{1b}[31mtwo" }));
    assert_eq!(
        shown.unwrap(),
        "+++ a\\u{202e}b\n+one\n+\\u{1b}[31mtwo\n\\ no newline at the end\n"
    );
    assert_eq!(preview(&json!({ "file_path": 1 })), None);
}

/// A small file system, until this is dropped.
struct SmallDisk(PathBuf);

impl SmallDisk {
    /// None: who runs this may not mount any.
    fn mount(place: &Path) -> Option<Self> {
        let mut mount = Command::new("mount");
        mount.args(["-t", "tmpfs", "-o", "size=256k", "tmpfs"]);
        let mounted = mount.arg(place).output().ok()?.status.success();
        mounted.then(|| Self(place.to_owned()))
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        // Files in it may still be open.
        let _ = Command::new("umount").arg("--lazy").arg(&self.0).status();
    }
}

#[test]
fn a_full_disk_is_an_error_and_nothing_is_lost() {
    let folder = tempfile::tempdir().unwrap();
    let Some(disk) = SmallDisk::mount(folder.path()) else {
        announce("a full disk: only the superuser may mount a small one");
        return;
    };
    let place = Place::reaching(OPEN, folder, |workspace| workspace, |reach| reach);
    place.put("kept", "one\n");
    let before = place.everything();
    let long = "x".repeat(300 * 1024);
    for error in [
        place.write("kept", &long).unwrap_err(),
        place.edit("kept", "one", &long).unwrap_err(),
        place.write("new", &long).unwrap_err(),
        place.write("folder/of/new", &long).unwrap_err(),
    ] {
        assert_eq!(error.kind, "disk_full", "{error:?}");
        assert!(error.message.contains("nothing was changed"), "{error:?}");
    }
    // No part of a file stays, and no folder that was made for one.
    assert_eq!(place.everything(), before);
    assert_eq!(place.text("kept"), "one\n");
    place.write("kept", "two\n").unwrap();
    assert_eq!(place.text("kept"), "two\n");
    drop(disk);
}
