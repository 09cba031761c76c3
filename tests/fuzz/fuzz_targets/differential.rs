//! Random policies and calls, steered by coverage: the evaluator answers as the oracle does.
#![no_main]

use hexgate_tests::{
    case::Case,
    engines::{self, Reference},
    generate, oracle, shrink,
};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|choices: &[u8]| {
    let (policy, calls) = generate::steered(choices, 4);
    let resolved = oracle::resolve(&policy).unwrap_or_else(|error| panic!("{error}: {policy}"));
    let Ok(compiled) = engines::compile(&policy.to_string()) else {
        return;
    };
    let mut reference = Reference::open(&compiled).expect("the compiler's plans are valid");
    for call in calls {
        let (expected, got) = (oracle::decide(&resolved, &call), reference.answer(&call));
        if expected != got {
            let case = Case {
                policy: policy.clone(),
                call,
            };
            panic!(
                "the oracle says {expected:?}\nthe evaluator says {got:?}\n{}",
                shrink::as_vector(&case, "?")
            );
        }
    }
});
