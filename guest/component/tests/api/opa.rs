//! Wrapping modules that OPA compiled.

use hexgate_component::{
    EmbedError, OpaquePlan, WrapError, embed_plan, opa_module_of, opaque_plan, plan_of, wrap,
};
use hexgate_eval::{
    Plan,
    contract::{Coverage, Limits},
};

use crate::{
    component::Policy,
    support::{POLICY, compiled, shaped},
};

/// Decides whatever `args.answer` says.
pub(crate) const ECHO: &[u8] = include_bytes!("../../../../tests/opa/echo.wasm");
const PLAIN: &[u8] = include_bytes!("../../../../tests/opa/plain.wasm");
const HOST: &[u8] = include_bytes!("../../../../tests/opa/host.wasm");

fn opaque() -> Vec<u8> {
    opaque_plan(&OpaquePlan::new([7; 32], "opa 1.22.2"))
}

#[test]
fn an_opaque_plan_holds_together_and_describes_nothing() {
    let data = r#"{"closed":{"drop":true}}"#;
    let bytes = opaque_plan(&OpaquePlan {
        data,
        limits: Limits {
            arguments_bytes: 100,
            ..Limits::DEFAULT
        },
        ..OpaquePlan::new([7; 32], "opa 1.22.2")
    });
    let plan = Plan::open(&bytes).unwrap();
    plan.validate().unwrap();
    let about = plan.about().unwrap();
    assert_eq!(about.coverage, Coverage::Opaque);
    assert_eq!(about.compiler, "opa 1.22.2");
    assert_eq!((about.roles, about.scopes), (0, 0));
    assert_eq!(
        (about.limits.arguments_bytes, about.limits.facts_bytes),
        (100, 1 << 20)
    );
    assert_eq!(about.source_digest, [7; 32]);
    assert_eq!(plan.data().unwrap(), data);
    assert!(plan.find_role("default").unwrap().is_none());
    let described = compiled(POLICY);
    let about = Plan::open(&described).unwrap().about().unwrap();
    assert_eq!(about.coverage, Coverage::Complete);
}

#[test]
fn a_wrapped_module_decides() {
    let plan = opaque_plan(&OpaquePlan {
        data: r#"{"closed":{"drop":true}}"#,
        ..OpaquePlan::new([7; 32], "opa 1.22.2")
    });
    let mut policy = Policy::of(&wrap(PLAIN, &plan).unwrap()).unwrap();
    for (roles, tool, arguments, expected) in [
        (&["clerk"][..], "refund", r#"{"amount": 500}"#, "ok allow 0"),
        (
            &["clerk"],
            "refund",
            r#"{"amount": 500.01}"#,
            "ok deny `Policy denied tool \"refund\": args.amount <= 500`",
        ),
        (&["chief"], "refund", "{}", "ok needs-approval 0"),
        (
            &["", "x", "chief", "clerk"],
            "refund",
            r#"{"amount": 1}"#,
            "ok allow 3",
        ),
        (&["x", "chief"], "refund", "{}", "ok needs-approval 1"),
        (&[], "ping", "{}", "ok allow -"),
        (&[""], "ping", "{}", "ok allow -"),
        (
            &["clerk"],
            "ping",
            "{}",
            "ok deny `Policy denied tool \"ping\" (no allow rule matched for role \"clerk\")`",
        ),
        (
            &["a", "b", "a"],
            "drop",
            "{}",
            "ok deny `denied for all roles [\"a\", \"b\"]: a: Policy denied tool \"drop\": data.closed; b: Policy denied tool \"drop\": data.closed`",
        ),
        (
            &["clerk"],
            "refund",
            r#"{"amount": 1, "amount": 2}"#,
            "error malformed",
        ),
        (
            &["clerk"],
            "refund",
            r#"{"amount": set()}"#,
            "error malformed",
        ),
    ] {
        let said = policy.decide(roles, tool, arguments).unwrap();
        assert_eq!(
            crate::component::said(&said),
            expected,
            "{roles:?} {tool} {arguments}"
        );
    }
}

#[test]
fn a_wrapped_module_is_found_again() {
    let plans = [opaque(), compiled(POLICY)];
    for (module, plan) in [(PLAIN, &plans[0]), (ECHO, &plans[0]), (ECHO, &plans[1])] {
        let component = wrap(module, plan).unwrap();
        assert_eq!(opa_module_of(&component), Some((module, plan.as_slice())));
        assert_eq!(plan_of(&component), None);
        for at in [9, 60, component.len() - 1] {
            let mut other = component.clone();
            other[at] ^= 1;
            assert_eq!(opa_module_of(&other), None, "{at}");
        }
        for len in [0, 8, 9, component.len() - 1] {
            assert_eq!(opa_module_of(&component[..len]), None, "{len}");
        }
    }
    assert_eq!(opa_module_of(&embed_plan(&plans[1]).unwrap()), None);
    assert_eq!(opa_module_of(PLAIN), None);
}

#[test]
fn builtins_of_a_host_are_refused_by_name() {
    assert_eq!(
        wrap(HOST, &opaque()),
        Err(WrapError::HostBuiltins {
            names: vec!["http.send".into(), "time.now_ns".into()]
        })
    );
}

/// What wrapping a changed module says.
fn refused(module: &[u8]) -> String {
    wrap(module, &opaque()).unwrap_err().to_string()
}

/// `PLAIN` with the only occurrence of some bytes replaced.
fn patched(from: &[u8], to: &[u8]) -> Vec<u8> {
    let at = PLAIN.windows(from.len()).position(|bytes| bytes == from);
    let mut module = PLAIN.to_vec();
    module[at.unwrap()..][..to.len()].copy_from_slice(to);
    module
}

#[test]
fn what_is_not_a_whole_module_is_refused() {
    for bytes in [&b""[..], b"package x", &PLAIN[..4], b"\0asm\x0d\0\x01\0"] {
        assert!(refused(bytes).contains("not a WebAssembly module"));
    }
    for len in (8..PLAIN.len()).step_by(4999) {
        assert!(wrap(&PLAIN[..len], &opaque()).is_err(), "{len}");
    }
    let mut broken = PLAIN.to_vec();
    broken[PLAIN.len() / 4] ^= 0xff;
    assert!(wrap(&broken, &opaque()).is_err());
}

#[test]
fn another_abi_is_refused() {
    for (name, other, said) in [
        (
            &b"opa_wasm_abi_version"[..],
            &b"opa_wasm_abi_Version"[..],
            "`opa_wasm_abi_version`",
        ),
        (
            b"opa_wasm_abi_minor_version",
            b"opa_wasm_abi_Minor_version",
            "`opa_wasm_abi_version`",
        ),
        (b"\x08opa_eval\0", b"\x08opa_Eval\0", "`opa_eval`"),
        (b"entrypoints\0", b"entrypointS\0", "`entrypoints`"),
        (
            b"opa_builtin3",
            b"opa_builtin9",
            "`opa_builtin9` from `env`",
        ),
        (
            b"\x03env\x06memory",
            b"\x03eNv\x06memory",
            "`memory` from `eNv`",
        ),
    ] {
        let error = refused(&patched(name, other));
        assert!(error.contains(said), "{error}");
    }
    // The two versions are the only immutable globals: `i32.const 1` and `i32.const 3`.
    let error = refused(&patched(
        b"\x7f\0\x41\x01\x0b\x7f\0\x41",
        b"\x7f\0\x41\x02\x0b\x7f\0\x41",
    ));
    assert!(error.contains("version 2 of OPA's ABI"), "{error}");
}

#[test]
fn a_module_that_begins_with_too_much_memory_is_refused() {
    let module = |pages: &str| {
        wat::parse_str(format!(
            r#"(module (import "env" "memory" (memory {pages})))"#
        ))
        .unwrap()
    };
    assert!(matches!(
        wrap(&module("769"), &opaque()),
        Err(WrapError::MemoryTooLarge {
            pages: 769,
            allowed: 768
        })
    ));
    assert!(matches!(
        wrap(&module("768"), &opaque()),
        Err(WrapError::AbiVersion { found: None })
    ));
    assert!(refused(&module("i64 1")).contains("`memory` from `env`"));
}

#[test]
fn a_module_of_several_entrypoints_needs_the_usual_one() {
    let several = |names: &[(&str, u32)]| wrap(&listing("entrypoints", names), &opaque());
    assert_eq!(
        several(&[("mine/one", 0), ("mine/two", 1)]),
        Err(WrapError::Entrypoints {
            names: vec!["mine/one".into(), "mine/two".into()]
        })
    );
    assert!(several(&[("mine/one", 0)]).is_ok());
    let usual = several(&[("mine/one", 0), ("hexgate/policy/decision", 1)]).unwrap();
    let only = several(&[("mine/one", 1)]).unwrap();
    // The number of the entrypoint stands in the first module.
    assert_eq!(usual[..290], only[..290]);
    assert!(matches!(several(&[]), Err(WrapError::Entrypoints { .. })));
}

#[test]
fn lists_that_opa_did_not_write_are_refused() {
    for body in [
        "i32.const 7",
        "call $object i32.const 1024 call $one drop",
        "loop br 0 end i32.const 0",
        "i32.const 0 i32.load",
    ] {
        let module = abi(
            &format!("(func (export \"builtins\") (result i32) {body})"),
            "",
        );
        let error = refused(&module);
        assert!(error.contains("`builtins`"), "{body}: {error}");
    }
}

#[test]
fn a_plan_that_is_none_is_refused() {
    assert_eq!(
        wrap(PLAIN, b"HXPL"),
        Err(WrapError::Plan(EmbedError::NotAPlan))
    );
    assert!(wrap(PLAIN, &shaped(64)).is_ok());
}

/// A module of OPA's ABI by its outer form only, one of whose lists has these entries.
fn listing(list: &str, entries: &[(&str, u32)]) -> Vec<u8> {
    let mut body = String::from("(local i32) call $object local.set 0 ");
    let mut data = String::new();
    for (at, (name, id)) in entries.iter().enumerate() {
        let address = 1024 + 64 * at;
        body += &format!(
            "local.get 0 i32.const {address} call $one i64.const {id} call $number call $insert "
        );
        data += &format!("(data (i32.const {address}) \"{name}\\00\")");
    }
    abi(
        &format!("(func (export \"{list}\") (result i32) {body} local.get 0)"),
        &data,
    )
}

fn abi(list: &str, data: &str) -> Vec<u8> {
    let other = ["builtins", "entrypoints"].map(|name| {
        if list.contains(&format!("\"{name}\"")) {
            String::new()
        } else {
            format!("(func (export \"{name}\") (result i32) call $object)")
        }
    });
    let module = format!(
        r#"(module
            (import "env" "memory" (memory 2))
            (global (export "opa_wasm_abi_version") i32 (i32.const 1))
            (global (export "opa_wasm_abi_minor_version") i32 (i32.const 3))
            (func $object (export "opa_heap_ptr_get") (result i32) i32.const 0)
            (func $one (export "opa_malloc") (param i32) (result i32) local.get 0)
            (func $number (param i64) (result i32) i32.const 0)
            (func $insert (param i32 i32 i32))
            (func (export "opa_heap_ptr_set") (param i32))
            (func (export "opa_json_parse") (param i32 i32) (result i32) i32.const 0)
            (func (export "opa_eval") (param i32 i32 i32 i32 i32 i32 i32) (result i32) i32.const 0)
            {list} {} {} {data})"#,
        other[0], other[1]
    );
    wat::parse_str(module).unwrap()
}
