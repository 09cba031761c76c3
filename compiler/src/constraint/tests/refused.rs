//! Every way in which a text is not a constraint: the codes, the places, and what the help of the first says.

mod form;
mod meaning;
mod value;

use super::{super::*, consts, unmark};

/// The text with the place of each error marked, the codes in the order of the places, a part of the first one's help.
type Row = (&'static str, &'static [&'static str], &'static str);

fn rows() -> impl Iterator<Item = &'static Row> {
    let form = [form::SYNTAX, form::CHARACTERS, form::OPERATORS];
    let value = [value::VALUES, value::PATHS];
    let meaning = [meaning::CALLS, meaning::LISTS, meaning::NEVER];
    form.into_iter().chain(value).chain(meaning).flatten()
}

#[test]
fn each_refused_text_is_refused_for_its_reason_at_its_place() {
    let mut wrong = Vec::new();
    let mut count = 0;
    for (marked, codes, help) in rows() {
        count += 1;
        let (text, spans) = unmark(marked);
        let errors = match parse(&text, &consts()) {
            Ok(parsed) => {
                wrong.push(format!("{text:?} is accepted as {}", parsed.expr));
                continue;
            }
            Err(errors) => errors,
        };
        let found: Vec<&str> = errors.iter().map(|error| error.code).collect();
        let places: Vec<_> = errors.iter().map(|error| error.span.clone()).collect();
        let first_help = errors[0].help.clone().unwrap_or_default();
        if found != *codes || places != spans || !first_help.contains(help) {
            wrong.push(format!(
                "{marked:?}\n  wanted {codes:?} at {spans:?} with {help:?}\n  found {errors:#?}"
            ));
        }
        for error in &errors {
            well_formed(&text, error);
        }
    }
    assert!(
        wrong.is_empty(),
        "{} of {count} rows:\n{}",
        wrong.len(),
        wrong.join("\n")
    );
    assert!(count >= 150, "only {count} rows");
}

/// What every finding has in common.
pub(super) fn well_formed(text: &str, error: &ConstraintError) {
    for span in [
        Some(&error.span),
        error.second.as_ref().map(|(span, _)| span),
    ]
    .into_iter()
    .flatten()
    {
        assert!(
            text.get(span.clone()).is_some(),
            "{span:?} is no place in {text:?}"
        );
    }
    assert!(
        codes::CODES.iter().any(|doc| doc.code == error.code),
        "`{}` is not documented",
        error.code
    );
    let texts = [
        Some(&error.message),
        Some(&error.label),
        error.help.as_ref(),
    ];
    for message in texts.into_iter().flatten() {
        assert!(
            !message.ends_with('.') && !message.contains('\n'),
            "{message:?}"
        );
        assert!(
            !message.chars().next().is_some_and(char::is_uppercase) || message.starts_with("YAML"),
            "{message:?}"
        );
    }
}

#[test]
fn every_error_is_produced() {
    let produced: Vec<&str> = rows()
        .flat_map(|(_, codes, _)| codes.iter().copied())
        .collect();
    // These have tests of their own, below and among named conditions.
    let elsewhere = [
        "constraint-too-long",
        "constraint-too-deep",
        "circular-definition",
    ];
    for doc in codes::CODES
        .iter()
        .filter(|doc| doc.severity == crate::diagnostic::Severity::Error)
    {
        assert!(
            produced.contains(&doc.code) || elsewhere.contains(&doc.code),
            "nothing produces `{}`",
            doc.code
        );
    }
}

#[test]
fn a_text_over_the_limit_is_refused_and_one_at_the_limit_is_not() {
    let padded = |length: usize| format!("args.x == \"{}\"", "é".repeat(length));
    let text = padded((MAX_BYTES - 12) / 2);
    assert_eq!(text.len(), MAX_BYTES);
    assert!(parse(&text, &consts()).is_ok());
    let text = padded(MAX_BYTES);
    let errors = parse(&text, &consts()).unwrap_err();
    assert_eq!(errors[0].code, "constraint-too-long");
    assert!(errors[0].message.contains("4096"), "{}", errors[0].message);
    well_formed(&text, &errors[0]);
}

#[test]
fn nesting_ends_at_the_limit() {
    let parentheses =
        |depth: usize| format!("{}args.x == 1{}", "(".repeat(depth), ")".repeat(depth));
    let negations = |depth: usize| format!("{}args.x == 1", "not ".repeat(depth));
    let lists = |depth: usize| format!("args.x == {}1{}", "[".repeat(depth), "]".repeat(depth));
    let mixed = |depth: usize| {
        let pairs = depth / 2;
        format!(
            "{}{}args.x == 1{}",
            "not (".repeat(pairs),
            "not ".repeat(depth % 2),
            ")".repeat(pairs)
        )
    };
    for build in [
        &parentheses as &dyn Fn(usize) -> String,
        &negations,
        &lists,
        &mixed,
    ] {
        assert!(
            parse(&build(MAX_NESTING), &consts()).is_ok(),
            "{}",
            build(MAX_NESTING)
        );
        for depth in [MAX_NESTING + 1, 200, 700] {
            let text = build(depth);
            let errors = parse(&text, &consts()).unwrap_err();
            assert_eq!(errors.len(), 1, "{errors:#?}");
            assert_eq!(errors[0].code, "constraint-too-deep");
            assert!(errors[0].message.contains("32"));
        }
    }
    let inside = "any(args.a, not (. == ";
    let text = format!("{inside}{}1{}))", "[".repeat(40), "]".repeat(40));
    assert_eq!(
        parse(&text, &consts()).unwrap_err()[0].code,
        "constraint-too-deep"
    );
}

#[test]
fn a_deep_constant_counts_where_it_is_used() {
    assert!(parse("args.x == consts.deep", &consts()).is_ok());
    assert!(parse("((args.x == consts.deep))", &consts()).is_ok());
    let errors = parse("(((args.x == consts.deep)))", &consts()).unwrap_err();
    assert_eq!(errors[0].code, "constraint-too-deep");
    assert_eq!(errors[0].span, 13..24);
}

#[test]
fn a_value_has_so_many_operations_and_no_more() {
    let chain = |operations: usize, between: &str| {
        format!("args.x{} == 1", format!("{between}1").repeat(operations))
    };
    for between in ["+", "*", "-", " + args.x * "] {
        let each = 1 + usize::from(between.len() > 1);
        let most = MAX_OPERATIONS / each;
        assert!(parse(&chain(most, between), &consts()).is_ok(), "{between}");
        let longest = (MAX_BYTES - 11) / (between.len() + 1);
        for operations in [most + 1, longest] {
            let errors = parse(&chain(operations, between), &consts()).unwrap_err();
            assert_eq!(errors.len(), 1, "{errors:#?}");
            assert_eq!(errors[0].code, "constraint-too-deep");
            assert!(errors[0].message.contains("32 operations"));
        }
    }
    // Each side has its own.
    let side = |text: &str| text.replace(" == 1", "");
    let sides = format!("{} <= {}", side(&chain(32, "+")), side(&chain(32, "-")));
    assert!(parse(&sides, &consts()).is_ok());
}

#[test]
fn forms_that_stand_in_each_other_end_at_the_limit() {
    let lowers = |depth: usize| {
        format!(
            "{}args.x{} == \"a\"",
            "lower(".repeat(depth),
            ")".repeat(depth)
        )
    };
    let optionals = |depth: usize| {
        format!(
            "{}. == 1{}",
            "optional(args.x, ".repeat(depth),
            ")".repeat(depth)
        )
    };
    for build in [&lowers as &dyn Fn(usize) -> String, &optionals] {
        assert!(parse(&build(MAX_NESTING), &consts()).is_ok());
        for depth in [MAX_NESTING + 1, 200] {
            let errors = parse(&build(depth), &consts()).unwrap_err();
            assert_eq!(errors.len(), 1, "{errors:#?}");
            assert_eq!(errors[0].code, "constraint-too-deep");
        }
    }
}

#[test]
fn a_hopeless_text_is_not_answered_with_thousands_of_errors() {
    for text in [
        "\\".repeat(MAX_BYTES),
        "- ".repeat(2_000),
        ".".repeat(MAX_BYTES),
        "5 and ".repeat(600),
    ] {
        assert_eq!(parse(&text, &consts()).unwrap_err().len(), MAX_FINDINGS);
    }
    let many = format!("args.x in [{}1]", "1,".repeat(2_000));
    assert_eq!(
        parse(&many, &consts()).unwrap().warnings.len(),
        MAX_FINDINGS
    );
}

#[test]
fn second_places_lead_to_the_cause() {
    for (marked, label) in [
        ("⟦1 < args.x⟧ < 5", "already"),
        ("any(args.l, any(.m, any(.n, . == 1)))", "inside of another"),
        ("⟦(⟧args.x == 1 args.y", "open here"),
        ("args.x in ⟦[⟧1 2]", "open here"),
        ("args.x ⟦in⟧ 5", "list"),
    ] {
        let (text, spans) = unmark(marked);
        let errors = parse(&text, &consts()).unwrap_err();
        let (span, text) = errors[0].second.clone().unwrap();
        if let Some(wanted) = spans.first() {
            assert_eq!(span, *wanted, "{marked}");
        }
        assert!(text.contains(label), "{marked}: {text}");
    }
}
