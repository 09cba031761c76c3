//! The text of a policy: compiling ends, and is a function of the text.
#![no_main]

use hexgate_compiler::Compiler;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    let compiler = Compiler::default();
    let outcome = compiler.compile_str("policy.yaml", text);
    let errors = outcome
        .diagnostics
        .iter()
        .filter(|diagnostic| diagnostic.is_error())
        .count();
    let Some(policy) = outcome.policy else {
        assert!(errors > 0, "refused without an error");
        return;
    };
    assert_eq!(errors, 0, "compiled in spite of an error");
    let plan = hexgate_eval::Plan::open(&policy.plan).expect("the compiler's plans open");
    plan.validate().expect("the compiler's plans are valid");
    let again = compiler
        .compile_str("policy.yaml", text)
        .policy
        .expect("what compiled once compiles again");
    assert_eq!(policy.plan, again.plan);
});
