//! The text of a constraint: what is printed is read as the same condition.
#![no_main]

use std::collections::BTreeMap;

use hexgate_compiler::{constraint, expr::Literal};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    let consts = BTreeMap::from([
        ("n".to_owned(), Literal::Number("5".to_owned())),
        ("s".to_owned(), Literal::String("a".to_owned())),
        (
            "l".to_owned(),
            Literal::List(vec![
                Literal::Null,
                Literal::Bool(true),
                Literal::String(String::new()),
            ]),
        ),
    ]);
    match constraint::parse(text, &consts) {
        Ok(parsed) => {
            let printed = parsed.expr.to_string();
            let again = constraint::parse(&printed, &BTreeMap::new());
            // What is printed may be longer than what was written, and too long to be read.
            if printed.len() <= 4_096 {
                let again =
                    again.unwrap_or_else(|errors| panic!("`{printed}` is refused: {errors:?}"));
                assert_eq!(again.expr.to_string(), printed);
            }
        }
        Err(errors) => {
            assert!(!errors.is_empty(), "refused without an error");
            for error in errors {
                assert!(
                    text.get(error.span.clone()).is_some(),
                    "{:?} lies outside of the text",
                    error.span
                );
            }
        }
    }
});
