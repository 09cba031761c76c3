//! What a user's words name: reading ends, each name is in its normal form, and turns name what their lines name.
#![no_main]

use std::collections::BTreeSet;

use hexgate_said::{Kind, Said};
use libfuzzer_sys::fuzz_target;

fn names(said: &Said) -> Vec<BTreeSet<&str>> {
    Kind::ALL
        .iter()
        .map(|kind| said.items(*kind).collect())
        .collect()
}

fuzz_target!(|text: &str| {
    let whole = Said::of([text]);
    for kind in Kind::ALL {
        for name in whole.items(kind) {
            assert_eq!(
                kind.normal_form(name).as_deref(),
                Some(name),
                "a {kind} that is not in its normal form"
            );
        }
        if let Some(normal) = kind.normal_form(text) {
            assert_eq!(kind.normal_form(&normal), Some(normal), "{kind}");
        }
    }
    let facts: serde_json::Value =
        serde_json::from_str(whole.to_json().get()).expect("facts are JSON");
    assert_eq!(
        facts.as_object().map(serde_json::Map::len),
        Some(Kind::ALL.len())
    );
    if !whole.is_cut() {
        let lines = Said::of(text.lines());
        assert_eq!(
            names(&whole),
            names(&lines),
            "lines name what their turn names"
        );
    }
});
