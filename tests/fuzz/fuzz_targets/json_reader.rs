//! The text of arguments: the evaluator's reader and the oracle's accept and refuse the same.
#![no_main]

use std::sync::LazyLock;

use hexgate_compiler::Compiled;
use hexgate_tests::{
    case::{Answer, Call},
    engines::{self, Reference},
    json,
    oracle::{self, Policy},
};
use libfuzzer_sys::fuzz_target;

const POLICY: &str = r#"{"tools": {"t": {"mode": "allow", "constraints": ["args == args", "count(args) >= 2 or args.a == args.b or true == args.c"]}}}"#;
static COMPILED: LazyLock<Compiled> =
    LazyLock::new(|| engines::compile(POLICY).expect("the policy compiles"));
static RESOLVED: LazyLock<Policy> = LazyLock::new(|| {
    oracle::resolve(&json::parse(POLICY).expect("the policy is JSON")).expect("the policy is right")
});

fuzz_target!(|text: &str| {
    let call = Call {
        roles: Vec::new(),
        tool: "t".to_owned(),
        args: text.to_owned(),
        facts: None,
    };
    let got = Reference::open(&COMPILED)
        .expect("the plan opens")
        .answer(&call);
    let expected = oracle::decide(&RESOLVED, &call);
    // Of several faults in one text either may be told first; that there is one is what counts.
    let fault =
        |answer: &Answer| matches!(answer, Answer::Malformed("arguments") | Answer::Exceeded(_));
    assert!(
        got == expected || (fault(&got) && fault(&expected)),
        "the oracle says {expected:?}, the evaluator {got:?}"
    );
});
