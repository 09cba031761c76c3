//! Conditions with names.

use std::{collections::BTreeMap, sync::Arc};

use super::{super::*, consts, refused::well_formed};
use crate::{
    budget::{Account, Allowance, Budget},
    expr::{Expr, ExprKind},
};

/// Conditions that stand beside each other, all of them sound.
fn defined(written: &[(&str, &str)]) -> Definitions {
    let mut definitions = Definitions::none();
    let outcomes = definitions.define(written.iter().copied(), &consts(), &Budget::default());
    for (outcome, (name, text)) in outcomes.iter().zip(written) {
        assert!(outcome.is_ok(), "{name}: {text}: {outcome:#?}");
    }
    definitions
}

fn read(text: &str, definitions: &Definitions) -> Result<Parsed, Vec<ConstraintError>> {
    parse_within(
        text,
        &consts(),
        definitions,
        &Budget::default(),
        Purpose::Requirement,
    )
}

fn day() -> Definitions {
    defined(&[
        ("iso_date", "matches(., \"^[0-9]{4}-[0-9]{2}-[0-9]{2}$\")"),
        ("past", "iso_date(.) and . < \"2026-01-01\""),
        ("office", "user.department == \"office\""),
        ("owned", ".owner == user.id and any(.tags, . == \"mine\")"),
        ("cheap", ". <= consts.max_refund"),
        ("either", ".a == 1 or .b == 2"),
    ])
}

/// What stands for a condition reads as if it were written out.
#[test]
fn a_named_condition_means_what_it_stands_for() {
    for (text, meaning) in [
        (
            "iso_date(args.day)",
            "matches(args.day, \"^[0-9]{4}-[0-9]{2}-[0-9]{2}$\")",
        ),
        (
            "past(args.list[0].day)",
            "matches(args.list[0].day, \"^[0-9]{4}-[0-9]{2}-[0-9]{2}$\") and args.list[0].day < \"2026-01-01\"",
        ),
        ("office()", "user.department == \"office\""),
        (
            "owned(args.file)",
            "args.file.owner == user.id and any(args.file.tags, . == \"mine\")",
        ),
        (
            "every(args.files, owned(.) and .size < 5)",
            "every(args.files, .owner == user.id and any(.tags, . == \"mine\") and .size < 5)",
        ),
        (
            "any_member(args.files, owned(.value))",
            "any_member(args.files, .value.owner == user.id and any(.value.tags, . == \"mine\"))",
        ),
        (
            "not either(args) and either(ctx)",
            "not (args.a == 1 or args.b == 2) and (ctx.a == 1 or ctx.b == 2)",
        ),
        ("cheap(args.amount)", "args.amount <= 500"),
        (
            "optional(args.amount, cheap(.))",
            "optional(args.amount, . <= 500)",
        ),
    ] {
        let parsed = read(text, &day()).unwrap_or_else(|errors| panic!("{text}: {errors:#?}"));
        assert_eq!(parsed.expr.to_string(), meaning, "{text}");
        assert!(parsed.warnings.is_empty(), "{text}: {:#?}", parsed.warnings);
    }
}

#[test]
fn what_is_written_is_kept() {
    let parsed = read("args.x == 1 and past( args.day )", &day()).unwrap();
    let ExprKind::And(parts) = &parsed.expr.kind else {
        panic!("{}", parsed.expr)
    };
    let ExprKind::Named {
        name,
        argument,
        definition,
        body,
    } = &parts[1].kind
    else {
        panic!("{}", parsed.expr)
    };
    assert_eq!(name, "past");
    assert_eq!(parts[1].span, 16..32);
    let argument = argument.as_ref().unwrap();
    assert_eq!(
        (argument.to_string().as_str(), argument.span.clone()),
        ("args.day", 22..30)
    );
    assert_eq!(&**definition, "iso_date(.) and . < \"2026-01-01\"");
    // Places are those in the definition, and in the definition that it uses.
    let ExprKind::And(inner) = &body.kind else {
        panic!("{body}")
    };
    assert_eq!(&definition[inner[1].span.clone()], ". < \"2026-01-01\"");
    let ExprKind::Named {
        argument: Some(argument),
        definition: deeper,
        ..
    } = &inner[0].kind
    else {
        panic!("{body}")
    };
    assert_eq!(
        (
            argument.to_string().as_str(),
            &definition[argument.span.clone()]
        ),
        ("args.day", ".")
    );
    assert!(deeper.starts_with("matches("));
    assert_eq!(parsed.definitions_used.iter().collect::<Vec<_>>(), ["past"]);
    let definitions = day();
    let past = definitions.get("past").unwrap();
    assert_eq!(
        past.definitions_used.iter().collect::<Vec<_>>(),
        ["iso_date"]
    );
    assert_eq!(
        definitions
            .get("cheap")
            .unwrap()
            .consts_used
            .iter()
            .collect::<Vec<_>>(),
        ["max_refund"]
    );
    assert!(past.asks() && !definitions.get("office").unwrap().asks());
}

#[test]
fn a_use_is_refused_where_it_is_wrong() {
    let definitions = {
        let mut definitions = defined(&[
            ("iso_date", "matches(., \"^[0-9]{4}$\")"),
            ("office", "user.department == \"office\""),
            ("owned", ".owner == user.id"),
            ("pairs", "any(., any(., . == 1))"),
            ("inner", "any(.l, . == 1)"),
            (
                "deep",
                &format!("{}. == 1{}", "(".repeat(30), ")".repeat(30)),
            ),
        ]);
        definitions.refuse("broken");
        definitions
    };
    for (marked, code, part) in [
        ("iso_date⟦()⟧", "wrong-arguments", "`iso_date(args.x)`"),
        (
            "iso_date⟦(args.x, args.y)⟧",
            "wrong-arguments",
            "`iso_date(args.x)`",
        ),
        ("office⟦(args.x)⟧", "wrong-arguments", "`office()`"),
        ("iso_date(⟦\"2026\"⟧)", "wrong-arguments", "path such as"),
        (
            "iso_date(⟦lower(args.x)⟧)",
            "wrong-arguments",
            "path such as",
        ),
        ("⟦iso_date⟧ == true", "wrong-arguments", "`iso_date(path)`"),
        (
            "iso_date(args.x) ⟦==⟧ true",
            "condition-expected",
            "leave out",
        ),
        (
            "args.x == ⟦iso_date⟧(args.y)",
            "condition-expected",
            "joined",
        ),
        ("⟦iso_dat⟧(args.x)", "unknown-function", "`iso_date(…)`"),
        ("iso_date(⟦.⟧)", "element-outside-quantifier", ""),
        (
            "any(args.l, any(., ⟦inner⟧(.)))",
            "quantifiers-too-deep",
            "outside",
        ),
        ("any(args.l, ⟦pairs⟧(.))", "quantifiers-too-deep", "outside"),
        ("((⟦deep⟧(args.x)))", "constraint-too-deep", "less deeply"),
        ("anywhere(args, owned(⟦.⟧))", "invalid-path", "has them"),
        (
            "any_member(args, owned(⟦.name⟧))",
            "invalid-path",
            "has them",
        ),
        ("any_member(args, owned(⟦.⟧))", "invalid-path", "`.value`"),
        ("iso_date(args.x ⟦args⟧.y)", "constraint-syntax", ""),
        ("⟦iso_date(args)⟧", "never-holds", "iso_date(args.x)"),
        (
            "args.x == 1 or not ⟦pairs(role)⟧",
            "never-holds",
            "pairs(args.x)",
        ),
    ] {
        let (text, spans) = super::unmark(marked);
        let errors = read(&text, &definitions).unwrap_err();
        assert_eq!(errors.len(), 1, "{marked}: {errors:#?}");
        assert_eq!(
            (errors[0].code, vec![errors[0].span.clone()]),
            (code, spans),
            "{marked}: {errors:#?}"
        );
        assert!(
            errors[0].help.clone().unwrap_or_default().contains(part),
            "{marked}: {errors:#?}"
        );
        well_formed(&text, &errors[0]);
    }
    // What was refused where it stands is not refused again, and what else is wrong is.
    assert_eq!(read("broken(args.x)", &definitions), Err(vec![]));
    let errors = read("broken(args.x) and arg.y == 1", &definitions).unwrap_err();
    assert_eq!((errors.len(), errors[0].code), (1, "unknown-root"));
}

#[test]
fn definitions_are_read_in_the_order_in_which_they_use_each_other() {
    let mut definitions = Definitions::none();
    let written = [
        ("c", "b(.) or a(.x)"),
        ("b", "a(.)"),
        ("a", ". == 1"),
        ("odd", ". == "),
        ("uses_odd", "odd(.) and a(.)"),
        ("round", "about(.x)"),
        ("about", "a(.) and round(.y)"),
        ("alone", "alone(.)"),
        ("uses_round", "round(.)"),
    ];
    let outcomes = definitions.define(written, &consts(), &Budget::default());
    let shown = |at: usize| match &outcomes[at] {
        Ok(definition) => definition.expr().to_string(),
        Err(errors) => errors
            .iter()
            .map(|error| error.code)
            .collect::<Vec<_>>()
            .join(" "),
    };
    assert_eq!(shown(0), ". == 1 or .x == 1");
    assert_eq!(shown(1), ". == 1");
    assert_eq!(shown(3), "constraint-syntax");
    assert_eq!(shown(4), "");
    // Each circle is told once, where it closes.
    assert_eq!(
        (shown(5).as_str(), shown(6).as_str()),
        ("", "circular-definition")
    );
    assert_eq!(shown(7), "circular-definition");
    assert_eq!(shown(8), "");
    let Err(errors) = &outcomes[6] else { panic!() };
    assert_eq!(errors[0].span, 9..14);
    assert_eq!(definitions.get("round"), None);
    assert_eq!(definitions.names().count(), written.len());
}

/// What may be absent is not known to be there.
#[test]
fn in_a_definition_the_value_may_be_absent() {
    let definitions = defined(&[("given", "present(.) and present(.x)")]);
    assert!(definitions.get("given").unwrap().warnings.is_empty());
    let parsed = read("any(args.l, given(.))", &definitions).unwrap();
    assert!(parsed.warnings.is_empty());
}

/// Advice about a definition is given where it is used, and only where it opens nothing.
#[test]
fn advice_about_a_definition_depends_on_its_use() {
    let definitions = defined(&[
        ("secret", "matches(., \"sk-[a-z]\")"),
        ("clean", "not matches(., \"sk-[a-z]\")"),
        ("kept", "secret(.)"),
        ("empty", "contains(., \"\")"),
    ]);
    for (text, purpose, advised) in [
        ("secret(args.x)", Purpose::Requirement, true),
        ("not secret(args.x)", Purpose::Requirement, false),
        ("secret(args.x)", Purpose::Prohibition, false),
        ("not secret(args.x)", Purpose::Prohibition, true),
        ("clean(args.x)", Purpose::Requirement, false),
        ("not clean(args.x)", Purpose::Requirement, true),
        ("kept(args.x)", Purpose::Requirement, true),
        ("not kept(args.x)", Purpose::Requirement, false),
        ("count(args.l, secret(.)) == 0", Purpose::Requirement, false),
    ] {
        let parsed = parse_within(text, &consts(), &definitions, &Budget::default(), purpose);
        let warnings = parsed.unwrap().warnings;
        assert_eq!(!warnings.is_empty(), advised, "{text}: {warnings:#?}");
        for warning in &warnings {
            assert_eq!(warning.code, "unanchored-regex");
            well_formed(text, warning);
        }
    }
    let of_its_own = &definitions.get("empty").unwrap().warnings;
    assert_eq!(of_its_own.len(), 1, "{of_its_own:#?}");
}

#[test]
fn names_that_cannot_be_defined() {
    for name in [
        "any",
        "lower",
        "args",
        "consts",
        "not",
        "in",
        "true",
        "user_usage",
    ] {
        let (message, _) = definition_name_fault(name).unwrap();
        assert!(message.contains(name), "{message}");
    }
    for name in ["a-b", "1st", "", "a b", "größe"] {
        assert!(definition_name_fault(name).unwrap().1.contains("letters"));
    }
    for name in ["iso_date", "len", "_x1", "Any", "IsDate"] {
        assert_eq!(definition_name_fault(name), None);
    }
}

/// Each doubles the one before: what the last stands for would have 2^60 conditions.
#[test]
fn what_doubles_ends_with_the_budget() {
    let names: Vec<String> = (0..60).map(|at| format!("d{at}")).collect();
    let texts: Vec<String> = (0..60)
        .map(|at| match at {
            0 => ". == 1".to_owned(),
            at => format!("d{0}(.) and d{0}(.x)", at - 1),
        })
        .collect();
    let written = names
        .iter()
        .map(String::as_str)
        .zip(texts.iter().map(String::as_str));
    let budget = Budget::new(&Allowance::default().with(Account::Expanded, 10_000));
    let outcomes = Definitions::none().define(written, &BTreeMap::new(), &budget);
    let first = outcomes.iter().position(Result::is_err).unwrap();
    assert!((8..14).contains(&first), "{first}");
    let Err(errors) = &outcomes[first] else {
        panic!()
    };
    assert_eq!(errors[0].code, "policy-too-large");
    // Told once.
    for outcome in &outcomes[first + 1..] {
        assert_eq!(*outcome, Err(vec![]));
    }
    assert!(budget.spent(Account::Expanded) < 30_000);
}

#[test]
fn ten_thousand_definitions_are_read_in_any_order() {
    let names: Vec<String> = (0..10_000).map(|at| format!("d{at}")).collect();
    // Each uses the next: the last is read first. Deeper than conditions may be nested they are refused.
    let chain: Vec<String> = (0..10_000)
        .map(|at| match at {
            9_999 => ". == 1".to_owned(),
            at => format!("d{}(.)", at + 1),
        })
        .collect();
    let wide: Vec<String> = (0..10_000)
        .map(|at| format!(".x{at} == 1 or .y < {at}"))
        .collect();
    for (texts, sound) in [(chain, MAX_NESTING + 1), (wide, 10_000)] {
        let written = names
            .iter()
            .map(String::as_str)
            .zip(texts.iter().map(String::as_str));
        let mut definitions = Definitions::none();
        let outcomes = definitions.define(written, &BTreeMap::new(), &Budget::default());
        assert_eq!(
            outcomes.iter().filter(|outcome| outcome.is_ok()).count(),
            sound
        );
        let told = outcomes
            .iter()
            .filter(|outcome| outcome.as_ref().is_err_and(|errors| !errors.is_empty()));
        assert_eq!(told.count(), usize::from(sound < 10_000));
    }
}

/// As deep as it may be, with everything that counts in it.
#[test]
fn the_deepest_condition_is_read_printed_and_read_again() {
    let mut definitions = Definitions::none();
    for at in 0..20 {
        let text = match at {
            0 => "any(., not (. == 1))".to_owned(),
            at => format!("not d{}(.a)", at - 1),
        };
        let read = parse_definition(&text, &BTreeMap::new(), &definitions, &Budget::default());
        match read {
            Ok(definition) => definitions.insert(format!("d{at}"), Arc::new(definition)),
            Err(errors) => {
                assert_eq!(errors[0].code, "constraint-too-deep");
                break;
            }
        }
    }
    let deepest = definitions.names().count() - 1;
    assert_eq!(deepest, 14);
    let parsed = read(&format!("d{deepest}(args)"), &definitions);
    let expr: Expr = parsed.unwrap().expr;
    let again = parse(&expr.to_string(), &BTreeMap::new()).unwrap().expr;
    assert_eq!(again.to_string(), expr.to_string());
    assert_eq!(
        read(&format!("not d{deepest}(args)"), &definitions).unwrap_err()[0].code,
        "constraint-too-deep"
    );
}
