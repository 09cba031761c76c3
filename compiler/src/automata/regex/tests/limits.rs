//! Hostile patterns end.

use crate::automata::{Dfa, regex::compile};

#[test]
fn refuses_a_table_over_the_limit() {
    for pattern in [
        "(a|b)*a(a|b){20}$",
        "(a|b)*a(a|b){20}",
        ".*a.{200}$",
        "[a-q][^u-z]{13}x",
        "(.{1,30}x){30}",
        "x.{900}y.{90}z",
        "(.*a){20}.{15}$",
    ] {
        let error = compile(pattern)
            .err()
            .map(|error| (error.span, error.message));
        let expected = "the pattern needs a table of more than 65536 bytes".to_owned();
        assert_eq!(error, Some((0..pattern.len(), expected)), "`{pattern}`");
    }
}

#[test]
fn refuses_long_texts_and_deep_nesting() {
    let long = "a".repeat(super::super::MAX_PATTERN_BYTES + 1);
    assert_eq!(
        compile(&long).unwrap_err().message,
        "the pattern is longer than 16384 bytes"
    );
    for deep in [
        format!("{}a{}", "(".repeat(5000), ")".repeat(5000)),
        "(".repeat(16_000),
        "[".repeat(16_000),
        "(?:a|".repeat(3000),
        format!(
            "{}a{}",
            "(?:".repeat(1000),
            "{1})".repeat(1000).replace("{1})", "){1}")
        ),
    ] {
        let message = compile(&deep).unwrap_err().message;
        assert!(
            message.contains("nests deeper than 100 levels") || message.contains("not closed"),
            "{message}"
        );
    }
}

#[test]
fn long_patterns_of_small_meaning_are_accepted() {
    let words: Vec<String> = (0..500).map(|n| format!("w{n:03}")).collect();
    let regex = compile(&format!("^(?:{})$", words.join("|"))).unwrap();
    assert!(regex.dfa.accepts("w499") && !regex.dfa.accepts("w500"));
    assert!(
        regex.dfa.table_bytes() < 1024,
        "{}",
        regex.dfa.table_bytes()
    );
}

#[test]
fn lengths_of_any_text_stay_small() {
    let regex = compile("^.{1,1000}$").unwrap();
    assert!(regex.dfa.accepts(&"日".repeat(1000)) && !regex.dfa.accepts(&"日".repeat(1001)));
    assert!(
        regex.dfa.table_bytes() < 8 << 10,
        "{}",
        regex.dfa.table_bytes()
    );
}

#[test]
fn tables_are_well_formed() {
    for pattern in [
        "",
        "a",
        r"^\d+$",
        "é|日",
        r"[^\s\S]",
        r"\b\w{20}\b",
        "^.{300}$",
    ] {
        let Dfa {
            classes,
            class_count,
            transitions,
            accepting,
            start,
        } = Dfa::clone(&compile(pattern).unwrap().dfa);
        let width = usize::from(class_count);
        assert_eq!(transitions.len(), width * accepting.len());
        assert!(classes.iter().all(|&class| u16::from(class) < class_count));
        assert!(
            transitions
                .iter()
                .all(|&state| usize::from(state) < accepting.len())
        );
        assert!(usize::from(start) < accepting.len());
        assert!(transitions.iter().take(width).all(|&state| state == 0));
        assert!(
            transitions
                .iter()
                .skip(width)
                .take(width)
                .all(|&state| state == 1)
        );
        assert_eq!(accepting.get(..2), Some(&[false, true][..]));
    }
}
