//! Policies in Rust, compiled by `hexgate-compile` as users call it, and what they come to as ES modules.

use std::{
    io::Write,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::OnceLock,
};

use hexgate_test_support::{guest_package, wasm_environment};
use serde_json::{Value, json};

use crate::{binary, fresh, printed, programs};

/// What a guest is compiled to: the folder with `NAME.http.wasm`, and `NAME.js` and what belongs to it. None: it cannot be built here.
fn guest(name: &str) -> Option<PathBuf> {
    let environment = wasm_environment()?;
    let folder = fresh(&format!("guest-{name}"));
    let manifest = guest_package(&folder.join("package"), name, "").unwrap();
    let compile = |arguments: &[&str]| {
        let mut command = Command::new(binary("hexgate-compile"));
        command
            .arg(&manifest)
            .args(arguments)
            .arg("--out")
            .arg(&folder)
            .envs(environment.iter().map(|(name, value)| (name, value)))
            // What the packages have in common is built once, for the other tests too.
            .env(
                "CARGO_TARGET_DIR",
                concat!(env!("CARGO_TARGET_TMPDIR"), "/guests"),
            )
            .stdin(Stdio::null());
        printed(&mut command);
    };
    compile(&["--target", "http"]);
    compile(&["--emit", "component,js"]);
    Some(folder)
}

/// The guest that does what the tool is called.
pub(crate) fn hostile() -> Option<&'static Path> {
    static HOSTILE: OnceLock<Option<PathBuf>> = OnceLock::new();
    HOSTILE.get_or_init(|| guest("hostile")).as_deref()
}

/// The guest that keeps what it sees.
pub(crate) fn remembers() -> Option<&'static Path> {
    static REMEMBERS: OnceLock<Option<PathBuf>> = OnceLock::new();
    REMEMBERS.get_or_init(|| guest("remembers")).as_deref()
}

/// What the ES module of a policy answers, one call after the other. None: there is no Node here.
pub(crate) fn asked(module: &Path, role: &str, calls: &[(&str, &str)]) -> Option<Value> {
    let requests: Vec<Value> = calls
        .iter()
        .map(
            |(tool, arguments)| json!({"roles": ["ä", role], "tool": tool, "arguments": arguments}),
        )
        .collect();
    let mut child = Command::new("node")
        .arg(programs()?.join("ask.mjs"))
        .arg(module)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    stdin
        .write_all(json!(requests).to_string().as_bytes())
        .unwrap();
    drop(stdin);
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "{output:?}");
    Some(serde_json::from_slice(&output.stdout).unwrap())
}

/// All but a loop, which nothing ends in JavaScript, and growth, for which there are four gigabytes.
#[test]
fn an_es_module_of_a_policy_in_rust_never_allows_when_it_misbehaves() {
    let Some(folder) = hostile() else { return };
    let calls = [
        ("honest", "{}", "allow"),
        ("trap", "{}", "trap"),
        ("panic", "{}", "trap"),
        ("index", "{}", "trap"),
        ("recurse", "{}", "trap"),
        ("huge reason", "{}", "bad-output"),
        ("invalid text", "{}", "bad-output"),
        ("else", "{}", "deny"),
        ("honest", r#"{"a": "€😀"}"#, "allow"),
        ("honest", "", "malformed"),
        ("honest", "{", "malformed"),
        ("honest", "{}", "allow"),
    ];
    let asking = calls.map(|(tool, arguments, _)| (tool, arguments));
    if let Some(report) = asked(&folder.join("hostile.js"), "r", &asking) {
        assert_eq!(
            report["outcomes"],
            json!(calls.map(|(.., expected)| expected))
        );
        assert_eq!(report["coverage"], "opaque");
    }
}

/// The component alone, as other tools hand it over.
#[test]
fn a_component_that_is_built_already_becomes_an_es_module() {
    let Some(folder) = hostile() else { return };
    let out = fresh("guest-built");
    let mut compile = Command::new(binary("hexgate-compile"));
    compile
        .arg(folder.join("hostile.component.wasm"))
        .args(["--emit", "js", "--out"])
        .arg(&out);
    printed(&mut compile);
    let calls = [("honest", "{}"), ("panic", "{}"), ("honest", "{}")];
    if let Some(report) = asked(&out.join("hostile.component.js"), "r", &calls) {
        assert_eq!(report["outcomes"], json!(["allow", "trap", "allow"]));
    }
}

/// Each call has an instance of its own: nobody learns what another passed.
#[test]
fn an_es_module_of_a_policy_in_rust_remembers_nothing() {
    let Some(folder) = remembers() else { return };
    let secret = r#"{"secret": "one"}"#;
    let calls = ["static", "static", "heap", "heap", "memory", "memory"].map(|tool| (tool, secret));
    if let Some(report) = asked(&folder.join("remembers.js"), "r", &calls) {
        assert_eq!(report["outcomes"], json!(vec!["allow"; 6]));
    }
}
