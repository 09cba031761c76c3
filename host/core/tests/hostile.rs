//! Components that mean harm. Each ends in a named error within a bounded time, and leaves other policies unharmed.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

mod common;

use std::path::{Path, PathBuf};
use std::sync::mpsc;
use std::time::Duration;

use common::{FLOOR, component, expected};
use hexgate_host::{
    DecideError, Engine, ErrorKind, Isolation, Limits, LoadError, Policy, Request, TrapKind,
};

/// Nothing here takes a hundredth of this; without a bound it would take for ever.
const PATIENCE: Duration = Duration::from_secs(120);

fn engine() -> Engine {
    // Fuel for the slowest machine in a debug build to burn within seconds.
    let limits = Limits {
        fuel: 50_000_000,
        ..Limits::default()
    };
    Engine::builder().limits(limits).build().unwrap()
}

fn bounded<T: Send + 'static>(what: &str, work: impl FnOnce() -> T + Send + 'static) -> T {
    let (done, result) = mpsc::channel();
    std::thread::spawn(move || done.send(work()));
    result
        .recv_timeout(PATIENCE)
        .unwrap_or_else(|_| panic!("{what} did not end"))
}

fn cases(folder: &str) -> Vec<(String, PathBuf)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests")
        .join(folder);
    let mut cases: Vec<_> = folder
        .read_dir()
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "wat"))
        .map(|path| (path.file_stem().unwrap().to_str().unwrap().to_owned(), path))
        .collect();
    cases.sort();
    cases
}

fn request() -> Request<'static> {
    Request::new("tool", r#"{"amount": 1}"#)
        .roles(&["one"])
        .facts(r#"{"ctx": {}}"#)
}

#[test]
fn decisions_of_hostile_components_end_in_named_errors() {
    let engine = engine();
    let bystander = Policy::dangerous_from_unverified_bytes(&engine, &component("")).unwrap();
    let cases = cases("hostile");
    assert!(cases.len() > 20, "{}", cases.len());
    for (name, path) in cases {
        let text = std::fs::read_to_string(path).unwrap();
        let wasm = component(&text);
        let policy = Policy::dangerous_from_unverified_bytes(&engine, &wasm)
            .unwrap_or_else(|e| panic!("{name}: {e}"));
        for _ in 0..2 {
            let policy = policy.clone();
            let error = bounded(&name, move || policy.decide(&request())).expect_err(&name);
            assert!(
                error.to_string().to_lowercase().contains(expected(&text)),
                "{name}: {error}"
            );
            assert_eq!(error.kind(), ErrorKind::Guest, "{name}: {error}");
            assert!(
                bystander.decide(&request()).unwrap().is_allowed(),
                "after {name}"
            );
        }
    }
}

#[test]
fn components_that_must_not_load_end_in_named_errors() {
    let engine = engine();
    for (name, path) in cases("hostile/load") {
        let text = std::fs::read_to_string(path).unwrap();
        let (wasm, its) = (component(&text), engine.clone());
        let error = bounded(&name, move || {
            Policy::dangerous_from_unverified_bytes(&its, &wasm)
        })
        .expect_err(&name);
        assert!(
            error.to_string().to_lowercase().contains(expected(&text)),
            "{name}: {error}"
        );
        let bystander = Policy::dangerous_from_unverified_bytes(&engine, &component("")).unwrap();
        assert!(
            bystander.decide(&request()).unwrap().is_allowed(),
            "after {name}"
        );
    }
}

/// The second call within an instance would be denied.
const COUNTER: &str = r#"
;; part decide
(global $calls (mut i32) (i32.const 0))
(data (i32.const 16) "\00\00\00\00\00\00\00\00\02")
(data (i32.const 64) "\00\00\00\00\00\00\00\00\00")
(func (export "decide") (param i32 i32 i32 i32 i32 i32 i32 i32 i32) (result i32)
  (global.set $calls (i32.add (global.get $calls) (i32.const 1)))
  (select (i32.const 16) (i32.const 64) (i32.eq (global.get $calls) (i32.const 1))))
"#;

#[test]
fn a_component_keeps_nothing_from_one_decision_to_the_next() {
    let engine = engine();
    for isolation in [Isolation::AsKnown, Isolation::Full] {
        let policy =
            Policy::dangerous_from_unverified_bytes_with(&engine, &component(COUNTER), isolation)
                .unwrap();
        for _ in 0..5 {
            assert!(policy.decide(&request()).unwrap().is_allowed());
        }
    }
    // That it would, were it let: without isolation the same component answers differently.
    let trusted = Policy::dangerous_from_unverified_bytes_with(
        &engine,
        &component(COUNTER),
        Isolation::DangerousNone,
    );
    let trusted = trusted.unwrap();
    assert!(trusted.decide(&request()).unwrap().is_allowed());
    assert!(trusted.decide(&request()).unwrap().is_denied());
}

#[test]
fn a_kept_instance_is_dropped_when_it_grew_or_failed() {
    const GROWS: &str = r#"
;; part decide
(data (i32.const 16) "\00\00\00\00\00\00\00\00\02")
(data (i32.const 64) "\00\00\00\00\00\00\00\00\00")
(func (export "decide") (param i32 i32 i32 i32 i32 i32 i32 i32 i32) (result i32)
  (if (i32.ne (memory.size) (i32.const 2)) (then (return (i32.const 64))))
  (drop (memory.grow (i32.const 1)))
  (i32.const 16))
"#;
    const FAILS: &str = r#"
;; part decide
(global $calls (mut i32) (i32.const 0))
(data (i32.const 16) "\00\00\00\00\00\00\00\00\02")
(func (export "decide") (param i32 i32 i32 i32 i32 i32 i32 i32 i32) (result i32)
  (global.set $calls (i32.add (global.get $calls) (i32.const 1)))
  (if (i32.eq (global.get $calls) (i32.const 2)) (then (return (i32.const 17))))
  (if (i32.eq (global.get $calls) (i32.const 3)) (then unreachable))
  (i32.const 16))
"#;
    let engine = engine();
    let load = |text| {
        Policy::dangerous_from_unverified_bytes_with(
            &engine,
            &component(text),
            Isolation::DangerousNone,
        )
        .unwrap()
    };
    let grows = load(GROWS);
    let fails = load(FAILS);
    for _ in 0..3 {
        assert!(grows.decide(&request()).unwrap().is_allowed());
        assert!(fails.decide(&request()).unwrap().is_allowed());
        assert!(matches!(
            fails.decide(&request()),
            Err(DecideError::BadOutput { .. })
        ));
    }
}

#[test]
fn imports_are_refused_and_named() {
    let engine = engine();
    let import = r#"(component
        (import "wasi:clocks/wall-clock@0.2.0" (instance (export "now" (func (result u64)))))
        (import "clock" (func))
        (import "unlocked-dep=<a:b>" (component))"#;
    for (text, names) in [
        (
            FLOOR.replacen("(component", import, 1),
            vec!["wasi:clocks/wall-clock@0.2.0", "clock"],
        ),
        (
            FLOOR.replacen("(component", "(component (import \"m\" (core module))", 1),
            vec!["m"],
        ),
    ] {
        let Ok(wasm) = wat::parse_str(&text) else {
            panic!("{names:?}")
        };
        let error = Policy::dangerous_from_unverified_bytes(&engine, &wasm).unwrap_err();
        let text = error.to_string();
        match error {
            LoadError::Imports { names: found } => {
                assert!(
                    names
                        .iter()
                        .all(|name| found.iter().any(|found| found == name)),
                    "{found:?}"
                );
            }
            // A dependency by name is not something that the runtime compiles at all.
            LoadError::Compile { .. } => assert!(names.len() == 2, "{text}"),
            other => panic!("{other:?}"),
        }
    }
}

#[test]
fn other_worlds_and_versions_are_refused_and_named() {
    let engine = engine();
    let load = |from: &str, to: &str| {
        assert!(FLOOR.contains(from), "{from}");
        let wasm = wat::parse_str(FLOOR.replace(from, to)).unwrap();
        Policy::dangerous_from_unverified_bytes(&engine, &wasm).unwrap_err()
    };
    let error = load(
        "hexgate:policy/decision@0.2.0",
        "hexgate:policy/decision@0.2.1",
    );
    assert!(
        matches!(&error, LoadError::OtherVersion { found, .. } if found.ends_with("@0.2.1")),
        "{error:?}"
    );
    let error = load(
        "hexgate:policy/description@0.2.0",
        "hexgate:policy/description@1.0.0",
    );
    assert!(
        matches!(&error, LoadError::OtherVersion { found, .. } if found.ends_with("@1.0.0")),
        "{error:?}"
    );
    let error = load(
        "hexgate:policy/decision@0.2.0",
        "hexgate:policy/decide@0.2.0",
    );
    assert!(
        matches!(&error, LoadError::MissingExport { name } if name.contains("decision")),
        "{error:?}"
    );
    let error = load("(export \"rules\" (func $rules))", "");
    assert!(
        matches!(&error, LoadError::MissingExport { name } if name.ends_with("#rules")),
        "{error:?}"
    );
    let error = load(
        "(export \"rules\" (func $rules))",
        "(export \"rules\" (func $roles))",
    );
    assert!(
        matches!(&error, LoadError::OtherType { name, .. } if name.ends_with("#rules")),
        "{error:?}"
    );
    let error = load(
        "(case \"needs-approval\" $needed-approval) (case \"allow\" $grant)",
        "(case \"allow\" $grant) (case \"needs-approval\" $needed-approval)",
    );
    assert!(
        matches!(&error, LoadError::OtherType { name, .. } if name.ends_with("#decide")),
        "{error:?}"
    );
    // Of two versions neither is whole.
    let error = load(
        "hexgate:policy/decision@0.2.0",
        "hexgate:policy/decision@0.1.0",
    );
    assert!(
        matches!(&error, LoadError::OtherVersion { found, wanted } if found.ends_with("@0.2.0") && wanted.ends_with("@0.1.0")),
        "{error:?}"
    );
    let error = load(
        "hexgate:policy/description@0.2.0",
        "hexgate:policy/description@0.1.0",
    );
    assert!(
        matches!(&error, LoadError::OtherVersion { found, .. } if found.ends_with("@0.1.0")),
        "{error:?}"
    );
    let error = load("(instance $decision))\n", "(func $covers))\n");
    assert!(
        matches!(
            &error,
            LoadError::OtherType { .. } | LoadError::MissingExport { .. }
        ),
        "{error:?}"
    );
}

#[test]
fn what_is_not_a_component_is_refused() {
    let engine = engine();
    let core = wat::parse_str("(module)").unwrap();
    let mut garbage = component("");
    garbage.truncate(64);
    for bytes in [&b""[..], b"\0asm", b"version: 1\n", &core] {
        let error = Policy::dangerous_from_unverified_bytes(&engine, bytes).unwrap_err();
        assert!(
            matches!(error, LoadError::NotAComponent { .. }),
            "{error:?}"
        );
    }
    let error = Policy::dangerous_from_unverified_bytes(&engine, &garbage).unwrap_err();
    assert!(matches!(error, LoadError::Compile { .. }), "{error:?}");
    let error =
        Policy::dangerous_from_unverified_bytes(&engine, &wat::parse_str("(component)").unwrap())
            .unwrap_err();
    assert!(
        matches!(error, LoadError::MissingExport { .. }),
        "{error:?}"
    );
}

#[test]
fn too_large_components_are_refused_before_they_are_read() {
    let limits = Limits {
        component_bytes: 100,
        ..Limits::default()
    };
    let small = Engine::builder().limits(limits).build().unwrap();
    let error = Policy::dangerous_from_unverified_bytes(&small, &component("")).unwrap_err();
    assert!(
        matches!(
            error,
            LoadError::TooLarge {
                limit: "component-bytes",
                allowed: 100,
                ..
            }
        ),
        "{error:?}"
    );
    let limits = Limits {
        compiled_bytes: 100,
        ..Limits::default()
    };
    let small = Engine::builder().limits(limits).build().unwrap();
    let error = Policy::dangerous_from_unverified_bytes(&small, &component("")).unwrap_err();
    assert!(
        matches!(
            error,
            LoadError::TooLarge {
                limit: "compiled-bytes",
                allowed: 100,
                ..
            }
        ),
        "{error:?}"
    );
}

#[test]
fn a_description_without_end_ends() {
    // Four thousand million roles, and as many scopes; a page of roles is always empty, a scope never missing.
    const ENDLESS: &str = r#"
;; part about
(data (i32.const 128) "\00\00\00\00\00\01\00\00\40\00\00\00\40\01\00\00\05\00\00\00\00\00\00\00\ff\ff\ff\ff\00\00\00\00\00\00\10\00\00\00\10\00")
(data (i32.const 256) "0000000000000000000000000000000000000000000000000000000000000000floor")
(func (export "about") (result i32) (i32.const 128))
;; part rest
(data (i32.const 1024) "\01")
(data (i32.const 640) "\01")
(func (export "roles") (param i32 i32) (result i32) (i32.const 512))
(func (export "rules") (param i32 i32 i32 i32) (result i32) (i32.const 512))
(func (export "forbids") (param i32 i32 i32 i32 i32) (result i32) (i32.const 640))
(func (export "scope") (param i32) (result i32) (i32.const 1024))
(func (export "terms") (param i32) (result i32) (i32.const 1024))
(func (export "covers") (param i32 i32 i32) (result i32) (i32.const 0))
"#;
    let engine = Engine::builder()
        .limits(Limits {
            description_bytes: 100_000,
            ..Limits::default()
        })
        .build()
        .unwrap();
    for text in [
        ENDLESS.to_owned(),
        ENDLESS.replace("\\00\\00\\00\\00\\ff\\ff", "\\ff\\ff\\ff\\ff\\ff\\ff"),
    ] {
        let policy = Policy::dangerous_from_unverified_bytes(&engine, &component(&text)).unwrap();
        let error = bounded("describe", move || policy.describe()).unwrap_err();
        assert!(matches!(error, DecideError::BadOutput { .. }), "{error:?}");
    }
}

#[test]
fn many_core_instances_are_refused() {
    let engine = engine();
    let more: String = (0..40)
        .map(|n| format!("(core instance $more{n} (instantiate $policy))"))
        .collect();
    let text = FLOOR.replace(
        "(core instance $i (instantiate $policy))",
        &format!("(core instance $i (instantiate $policy)){more}"),
    );
    let wasm = wat::parse_str(text).unwrap();
    assert!(Policy::dangerous_from_unverified_bytes(&engine, &wasm).is_err());
}

#[test]
fn fuel_is_the_same_for_every_decision() {
    let policy = Policy::dangerous_from_unverified_bytes(
        &Engine::builder()
            .limits(Limits {
                fuel: 1,
                ..Limits::default()
            })
            .build()
            .unwrap(),
        &component(""),
    );
    // One instruction is not enough to start and to answer; and it never becomes more.
    match policy {
        Err(LoadError::Start(DecideError::Trap {
            kind: TrapKind::Fuel,
        })) => {}
        other => panic!("{other:?}"),
    }
}
