//! Workspaces that somebody made to do harm.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::net::UnixListener;
use std::time::{Duration, Instant};

use rustix::fs::{CWD, Mode, mkfifoat};
use serde_json::json;

use crate::fixture::Place;

#[test]
fn pipes_sockets_and_devices_do_not_hang_a_tool() {
    let place = Place::open();
    place.put("a", "needle");
    mkfifoat(CWD, place.path("pipe"), Mode::RWXU).unwrap();
    let _socket = UnixListener::bind(place.path("socket")).unwrap();
    place.link("/dev/zero", "zero");
    place.link("pipe", "to_pipe");
    let begin = Instant::now();
    for (path, kind) in [
        ("pipe", "not_a_file"),
        ("socket", "not_a_file"),
        ("to_pipe", "not_a_file"),
        ("zero", "outside"),
    ] {
        assert_eq!(place.read(path).unwrap_err().kind, kind, "{path}");
    }
    for path in ["pipe", "socket"] {
        assert_eq!(place.write(path, "x").unwrap_err().kind, "not_a_file");
        assert_eq!(place.edit(path, "x", "y").unwrap_err().kind, "not_a_file");
        let at = json!({ "pattern": "x", "path": path });
        assert_eq!(place.fails("grep", at), "not_a_file");
    }
    assert_eq!(place.glob("**/*"), ["a"]);
    assert_eq!(place.grep("needle"), ["a"]);
    assert!(
        begin.elapsed() < Duration::from_secs(20),
        "{:?}",
        begin.elapsed()
    );
}

#[test]
fn names_are_not_what_they_seem() {
    let place = Place::open();
    let strange = [
        "new\nline",
        "esc\u{1b}]0;x\u{7}",
        "-rf",
        "a b ",
        "x\u{202e}y",
        "…",
        "*",
        "[a]",
        "\"",
        "a\\b",
    ];
    for name in strange {
        place.put(name, "needle");
    }
    // Not UTF-8: no call can name it, and no policy can be asked.
    let bytes = OsStr::from_bytes(b"not\xffutf8");
    fs::write(place.path(bytes), "needle").unwrap();
    fs::create_dir(place.path(OsStr::from_bytes(b"d\xff"))).unwrap();
    fs::write(place.path(OsStr::from_bytes(b"d\xff/inner")), "needle").unwrap();
    let mut expected: Vec<String> = strange.map(str::to_owned).to_vec();
    expected.sort();
    assert_eq!(place.glob("**/*"), expected);
    assert_eq!(place.grep("needle"), expected);
    for name in strange {
        assert_eq!(place.read(name).unwrap()["content"], "needle", "{name:?}");
    }
    assert_eq!(place.glob("[[]a]"), ["[a]"]);
}

#[test]
fn deep_trees_and_many_loops_end() {
    let place = Place::open();
    // Deeper than a path can be long.
    let mut folder = fs::File::open(place.path("")).unwrap();
    let name = "d".repeat(100);
    for depth in 0..60 {
        rustix::fs::mkdirat(&folder, &name, Mode::RWXU).unwrap();
        let flags = rustix::fs::OFlags::DIRECTORY;
        let file = rustix::fs::OFlags::CREATE | rustix::fs::OFlags::WRONLY;
        folder = rustix::fs::openat(&folder, &name, flags, Mode::empty())
            .unwrap()
            .into();
        if depth % 10 == 0 {
            let mut file: fs::File = rustix::fs::openat(&folder, "f", file, Mode::RWXU)
                .unwrap()
                .into();
            std::io::Write::write_all(&mut file, b"needle").unwrap();
        }
    }
    for number in 0..50 {
        place.link("..", &format!("loops/{number}"));
        place.link(".", &format!("loops/self{number}"));
    }
    let found = place.grep("needle");
    // 40 folders of 101 characters are what fits into a path.
    assert_eq!(found.len(), 4, "{found:?}");
    assert_eq!(place.glob("**/f").len(), 4);
    let deepest = found.iter().max_by_key(|path| path.len()).unwrap();
    assert_eq!(place.read(deepest).unwrap()["content"], "needle");
}

#[test]
fn rules_of_a_workspace_cost_no_more_than_they_are_worth() {
    let place = Place::open();
    place.put("a", "needle");
    // Too many to be compiled: passed over.
    let rules: String = (0..100_000)
        .map(|number| format!("**/x{number}*[a-z]?/**\n"))
        .collect();
    place.put("big/.gitignore", rules + "*\n");
    place.put("big/b", "needle");
    place.put("odd/.gitignore", b"\xff\xfe\n[\n{a,b\n\\\n!\n/\n**\\\nc\n");
    place.put("odd/c", "needle");
    place.link(place.outside("secret.txt"), "linked/.gitignore");
    place.put("linked/the secret", "needle");
    let begin = Instant::now();
    assert_eq!(place.grep("needle"), ["a", "big/b", "linked/the secret"]);
    assert!(
        begin.elapsed() < Duration::from_secs(20),
        "{:?}",
        begin.elapsed()
    );
}

#[test]
fn a_folder_with_many_files_is_searched_and_cut() {
    let place = Place::open();
    fs::create_dir(place.path("many")).unwrap();
    for number in 0..5000 {
        fs::write(place.path(format!("many/{number:04}")), "needle\n").unwrap();
    }
    let answer = place.answer(
        "grep",
        json!({ "pattern": "needle", "output_mode": "content", "head_limit": 3 }),
    );
    assert_eq!(answer["num_files"], 5000);
    assert_eq!(
        answer["content"],
        "many/0000:1:needle\nmany/0001:1:needle\nmany/0002:1:needle"
    );
    let answer = place.answer("glob", json!({ "pattern": "many/*", "limit": 2 }));
    assert_eq!(answer["filenames"], json!(["many/0000", "many/0001"]));
    assert_eq!(answer["truncated"], true);
}
