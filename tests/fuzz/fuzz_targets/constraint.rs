//! The text of a constraint, which may use a named condition that stands before it: what is printed is read as the same condition.
#![no_main]

use std::collections::BTreeMap;

use hexgate_compiler::{
    budget::Budget,
    constraint::{self, ConstraintError, Definitions, Purpose},
    expr::Literal,
};
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
    let (defined, text) = match text.split_once('\0') {
        Some((defined, text)) => (Some(defined), text),
        None => (None, text),
    };
    let budget = Budget::default();
    let mut definitions = Definitions::none();
    let mut is_refused = false;
    for outcome in definitions.define(defined.map(|text| ("d", text)), &consts, &budget) {
        if let (Some(defined), Err(errors)) = (defined, outcome) {
            is_refused = true;
            points_into(defined, &errors);
        }
    }
    let read = constraint::parse_within(text, &consts, &definitions, &budget, Purpose::Requirement);
    match read {
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
            // What uses a condition that was refused is refused without another error.
            assert!(is_refused || !errors.is_empty(), "refused without an error");
            points_into(text, &errors);
        }
    }
});

fn points_into(text: &str, errors: &[ConstraintError]) {
    for error in errors {
        assert!(
            text.get(error.span.clone()).is_some(),
            "{:?} lies outside of the text",
            error.span
        );
    }
}
