//! The same policies on runtimes that are not ours: every vector, and each policy's description, as the host here says it.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a panic is how a test fails, in its helpers too"
)]

mod edge;
mod edge_guests;
mod edge_vectors;
mod example;
mod guests;
mod javascript;
mod server;

use std::{
    env,
    ffi::OsStr,
    fs,
    path::{Path, PathBuf},
    process::Command,
    sync::OnceLock,
};

use hexgate_tests::{
    case::Call,
    engines,
    runtimes::{answer, case, description, write_policy},
    vectors,
};
use serde_json::Value;

/// How many policies decide at least: a folder that is empty by mistake proves nothing.
const POLICIES: usize = 400;

/// The folder with all cases, and what has to come out.
struct Prepared {
    folder: PathBuf,
    answers: Vec<Value>,
    descriptions: Vec<Value>,
    /// What is asked, for messages.
    names: Vec<String>,
}

fn prepared() -> &'static Prepared {
    static PREPARED: OnceLock<Prepared> = OnceLock::new();
    PREPARED.get_or_init(|| {
        let folder = fresh("runtimes");
        let engine = hexgate_host::Engine::new().unwrap();
        let (mut cases, mut answers, mut descriptions, mut names) =
            (vec![], vec![], vec![], vec![]);
        let all = vectors::all().unwrap();
        let mut texts: Vec<String> = all.iter().map(|it| it.case.policy.to_string()).collect();
        texts.sort();
        texts.dedup();
        assert!(texts.len() >= POLICIES, "only {} policies", texts.len());
        for (number, text) in texts.iter().enumerate() {
            let compiled = engines::compile(text).unwrap();
            write_policy(&folder.join(format!("policies/{number}")), &compiled).unwrap();
            let policy =
                hexgate_host::Policy::dangerous_from_unverified_bytes(&engine, &compiled.component)
                    .unwrap();
            let of_this = all.iter().filter(|it| it.case.policy.to_string() == *text);
            let mut calls: Vec<(String, Call)> = of_this
                .map(|it| (it.id.clone(), it.case.call.clone()))
                .collect();
            if number == 0 {
                calls.extend(edges());
            }
            for (name, call) in calls {
                cases.push(case(number, &call));
                answers.push(answer(&policy, &call));
                names.push(name);
            }
            descriptions.push(description(&policy).unwrap());
        }
        let cases = serde_json::to_vec(&cases).unwrap();
        fs::write(folder.join("cases.json"), cases).unwrap();
        Prepared {
            folder,
            answers,
            descriptions,
            names,
        }
    })
}

/// Texts that glue passes on in different ways: long and short, ASCII and not, one after the other on one instance.
fn edges() -> Vec<(String, Call)> {
    let call = |roles: &[&str], tool: &str, args: String, facts: Option<String>| Call {
        roles: roles.iter().map(|&role| role.to_owned()).collect(),
        tool: tool.to_owned(),
        args,
        facts,
    };
    let text = |length: usize, with: &str| format!("{{\"a\":\"{}\"}}", with.repeat(length));
    let many: Vec<&str> = std::iter::repeat_n("r", 33).collect();
    let spaces = |length: usize| format!("{{}}{}", " ".repeat(length - 2));
    [
        (
            "empty texts",
            call(&[""], "", String::new(), Some(String::new())),
        ),
        ("short", call(&[], "t", text(3, "x"), None)),
        (
            "long",
            call(&["a", "b"], "t", text(3_000, "x"), Some(text(300, "y"))),
        ),
        (
            "longer than a page",
            call(&[], "t", text(100_000, "x"), None),
        ),
        (
            "two bytes each",
            call(&["ä"], "ö", text(2_000, "ü"), Some(text(9, "ß"))),
        ),
        (
            "three bytes each",
            call(&["€"], "t", text(90_000, "€"), None),
        ),
        ("four bytes each", call(&[], "😀", text(40, "😀"), None)),
        (
            "ASCII, then not",
            call(&["a"], "t", text(40, "x") + "é", None),
        ),
        (
            "a byte-order mark",
            call(&[], "t", "\u{feff}{}".to_owned(), None),
        ),
        ("a zero", call(&["\0"], "a\0b", "{}".to_owned(), None)),
        ("32 roles", call(&many[1..], "t", "{}".to_owned(), None)),
        ("33 roles", call(&many, "t", "{}".to_owned(), None)),
        (
            "the longest arguments",
            call(&[], "t", spaces(1 << 20), None),
        ),
        ("one byte more", call(&[], "t", spaces((1 << 20) + 1), None)),
        ("after all that", call(&[], "t", "{}".to_owned(), None)),
    ]
    .map(|(name, call)| (name.to_owned(), call))
    .into()
}

fn fresh(name: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    if folder.exists() {
        fs::remove_dir_all(&folder).unwrap();
    }
    fs::create_dir_all(&folder).unwrap();
    // What ends in `.js` is a module.
    fs::write(folder.join("package.json"), r#"{"type": "module"}"#).unwrap();
    folder
}

/// What `cargo xtask test` passes on of the tools that are set up. None: it is not, and the test that asks is skipped.
fn tool(variable: &str, what: &str) -> Option<PathBuf> {
    let found = env::var_os(variable).map(PathBuf::from);
    if found.is_none() {
        hexgate_test_support::skipped(&format!(
            "{what} is not set up; run `cargo xtask setup`, then `cargo xtask test`"
        ));
    }
    found
}

/// The programs of `tests/runtimes`, beside the packages that they import.
fn programs() -> Option<&'static Path> {
    static PROGRAMS: OnceLock<Option<PathBuf>> = OnceLock::new();
    let programs = PROGRAMS.get_or_init(|| {
        let packages = tool("HEXGATE_RUNTIMES", "Node")?;
        let folder = fresh("programs");
        let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("../runtimes");
        for entry in fs::read_dir(source).unwrap() {
            let path = entry.unwrap().path();
            if path.extension() == Some(OsStr::new("mjs")) {
                fs::copy(&path, folder.join(path.file_name().unwrap())).unwrap();
            }
        }
        std::os::unix::fs::symlink(packages, folder.join("node_modules")).unwrap();
        Some(folder)
    });
    programs.as_deref()
}

/// Whatever a program prints.
fn printed(command: &mut Command) -> String {
    let output = command.output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{command:?}: {said}");
    String::from_utf8(output.stdout).unwrap()
}

fn node(program: &str, folder: &Path, glue: &str) -> Option<String> {
    let program = programs()?.join(program);
    let mut command = Command::new("node");
    command.arg(program).arg(folder).arg(glue);
    Some(printed(&mut command))
}

/// Every answer and every description is the host's.
fn check(runtime: &str, report: &str) {
    let report: Value = serde_json::from_str(report).unwrap();
    let prepared = prepared();
    for (what, expected) in [
        ("answers", &prepared.answers),
        ("descriptions", &prepared.descriptions),
    ] {
        let given = report[what].as_array().unwrap();
        assert_eq!(given.len(), expected.len(), "{runtime}: {what}");
        for (number, (given, expected)) in given.iter().zip(expected).enumerate() {
            let name = prepared.names.get(number).filter(|_| what == "answers");
            assert_eq!(given, expected, "{runtime}: {what} {number} {name:?}");
        }
    }
}

/// The folder, with what jco makes of the components.
fn transpiled() -> Option<&'static Path> {
    static TRANSPILED: OnceLock<Option<()>> = OnceLock::new();
    let folder = &prepared().folder;
    TRANSPILED
        .get_or_init(|| node("transpile.mjs", folder, "").map(drop))
        .map(|()| folder.as_path())
}

#[test]
fn node_decides_by_our_module_as_the_host_does() {
    if let Some(report) = node("node.mjs", &prepared().folder, "own") {
        check("Node, our module", &report);
    }
}

#[test]
fn node_decides_by_jco_as_the_host_does() {
    if let Some(report) = transpiled().and_then(|folder| node("node.mjs", folder, "jco")) {
        check("Node, jco", &report);
    }
}

#[test]
fn workerd_decides_by_our_module_as_the_host_does() {
    if let Some(report) = node("workerd.mjs", &prepared().folder, "own") {
        check("workerd, our module", &report);
    }
}

#[test]
fn workerd_decides_by_jco_as_the_host_does() {
    if let Some(report) = transpiled().and_then(|folder| node("workerd.mjs", folder, "jco")) {
        check("workerd, jco", &report);
    }
}

#[test]
fn a_page_in_chromium_decides_by_our_module_as_the_host_does() {
    if tool("HEXGATE_CHROMIUM", "Chromium").is_some()
        && let Some(report) = node("chromium.mjs", &prepared().folder, "own")
    {
        check("Chromium, our module", &report);
    }
}

#[test]
fn a_page_in_chromium_decides_by_jco_as_the_host_does() {
    if tool("HEXGATE_CHROMIUM", "Chromium").is_some()
        && let Some(report) = transpiled().and_then(|folder| node("chromium.mjs", folder, "jco"))
    {
        check("Chromium, jco", &report);
    }
}

/// A program that was built along with this test.
fn binary(name: &str) -> PathBuf {
    let here = env::current_exe().unwrap();
    let path = here.parent().unwrap().parent().unwrap().join(name);
    assert!(path.is_file(), "`{}` is not built", path.display());
    path
}

#[test]
fn python_decides_as_the_host_does() {
    let Some(interpreters) = tool("HEXGATE_INTEROP_PYTHON", "Python") else {
        return;
    };
    let python = env::split_paths(&interpreters).next().unwrap();
    let program = Path::new(env!("CARGO_MANIFEST_DIR")).join("../runtimes/decide.py");
    let report = printed(Command::new(python).arg(program).arg(&prepared().folder));
    check("Python", &report);
}
