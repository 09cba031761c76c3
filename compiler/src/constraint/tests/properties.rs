//! What holds for every text.

use proptest::prelude::*;

use super::{super::*, consts, refused::well_formed};
use crate::budget::Budget;
use crate::expr::{Expr, ExprKind, Members, Operand, OperandKind, Over, Path};

proptest! {
    #![proptest_config(ProptestConfig::with_cases(600))]

    #[test]
    fn no_text_panics(text in ".{0,200}") {
        examine(&text);
    }

    #[test]
    fn no_bytes_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        examine(&String::from_utf8_lossy(&bytes));
    }

    #[test]
    fn no_heap_of_tokens_panics(words in proptest::collection::vec(proptest::sample::select(TOKENS), 0..40), spaces in any::<u64>()) {
        examine(&heap(&words, spaces));
    }

    #[test]
    fn the_canonical_text_means_the_same(text in condition(true)) {
        let Ok(parsed) = parse(&text, &consts()) else { return Ok(()) };
        let canonical = parsed.expr.to_string();
        if canonical.len() <= MAX_BYTES {
            let again = parse(&canonical, &consts());
            prop_assert!(again.is_ok(), "{text} -> {canonical}: {again:#?}");
            let again = again.unwrap();
            prop_assert_eq!(bare(again.expr.clone()), bare(parsed.expr), "{} -> {}", text, canonical);
            prop_assert_eq!(again.expr.to_string(), canonical);
        }
    }

    #[test]
    fn a_part_read_alone_means_the_same(text in condition(true)) {
        let Ok(parsed) = parse(&text, &consts()) else { return Ok(()) };
        parts_read_alone(&text, &parsed.expr)?;
    }
}

#[test]
fn most_generated_texts_are_accepted() {
    use proptest::{strategy::ValueTree, test_runner::TestRunner};
    let mut runner = TestRunner::deterministic();
    let strategy = condition(true);
    let accepted = (0..500)
        .filter(|_| {
            let text = strategy.new_tree(&mut runner).unwrap().current();
            parse(&text, &consts()).is_ok()
        })
        .count();
    assert!(
        accepted > 350,
        "only {accepted} of 500: the properties above say little"
    );
}

/// Whatever a text is, the answer keeps its promises.
fn examine(text: &str) {
    let mut definitions = Definitions::none();
    definitions.define(
        [
            ("is_day", "any(., .x == 1) and text(.y)"),
            ("text", "type(.) == \"text\""),
        ],
        &consts(),
        &Budget::default(),
    );
    for purpose in [Purpose::Requirement, Purpose::Prohibition] {
        let parsed = parse_within(text, &consts(), &definitions, &Budget::default(), purpose);
        if let Ok(parsed) = parsed {
            // Expanded and printed it is a condition without names.
            let printed = parsed.expr.to_string();
            if printed.len() <= MAX_BYTES {
                let again = parse(&printed, &consts());
                assert!(again.is_ok(), "{text} -> {printed}: {again:#?}");
            }
        }
    }
    let _ = parse_definition(text, &consts(), &definitions, &Budget::default());
    match parse(text, &consts()) {
        Ok(parsed) => {
            assert_eq!(
                &text[parsed.expr.span.clone()],
                text.trim_matches([' ', '\t', '\n', '\r'])
            );
            for warning in &parsed.warnings {
                well_formed(text, warning);
            }
        }
        Err(errors) => {
            assert!(!errors.is_empty());
            for error in &errors {
                well_formed(text, error);
            }
        }
    }
    let _ = literal_from_json_text(text);
}

const TOKENS: &[&str] = &[
    "args",
    "args.x",
    ".y",
    ".",
    "role",
    "tool",
    "ctx",
    "consts",
    "consts.currencies",
    "consts.max_refund",
    "count",
    "count(",
    "any(",
    "every(",
    "present(",
    "only(",
    "matches(",
    "startswith(",
    "contains(",
    "(",
    ")",
    "[",
    "]",
    ",",
    "==",
    "!=",
    "<",
    "<=",
    "in",
    "not",
    "not in",
    "and",
    "or",
    "&&",
    "=",
    "!",
    "true",
    "null",
    "5",
    "-1",
    "05",
    ".5",
    "\"a\"",
    "\"",
    "'b'",
    "USD",
    "len(",
    "[\"k\"]",
    "[0]",
    "{",
    "}",
    "#",
    "-",
    "AND",
    "is",
    "like",
    "\\",
    "é",
    "1e9999",
    "+",
    "*",
    "-5",
    "[-1]",
    ".[1]",
    "lower(",
    "type(",
    "sum(",
    "any_member(",
    "every_member(",
    "anywhere(",
    "optional(",
    ".name",
    ".value",
    "said.emails",
    "run.tool_calls",
    "usage",
    "is_day(",
    "is_day",
];

fn heap(words: &[&str], spaces: u64) -> String {
    let mut text = String::new();
    for (index, word) in words.iter().enumerate() {
        text.push_str(word);
        if spaces >> (index % 64) & 1 == 1 {
            text.push(' ');
        }
    }
    text
}

fn path(in_quantifier: bool) -> BoxedStrategy<String> {
    let rooted = (
        prop_oneof![
            Just("args".to_owned()),
            Just("ctx".to_owned()),
            Just("user".to_owned())
        ],
        prop_oneof![
            Just(".x".to_owned()),
            "\\.[a-z_]{1,6}",
            Just("[\"odd \\u00e9\\\"\"]".to_owned()),
            Just(".x[0][17].y".to_owned()),
            Just(".in[\"\"].not".to_owned())
        ],
    )
        .prop_map(|(root, steps)| root + &steps)
        .boxed();
    if in_quantifier {
        prop_oneof![
            rooted,
            Just(".".to_owned()),
            Just(".in".to_owned()),
            Just(".a[\"b c\"].d".to_owned()),
            Just(".[3]".to_owned()),
            Just(".[0].x".to_owned())
        ]
        .boxed()
    } else {
        rooted
    }
}

fn literal() -> BoxedStrategy<String> {
    let scalar = prop_oneof![
        Just("null".to_owned()),
        Just("true".to_owned()),
        "-?(0|[1-9][0-9]{0,25})(\\.[0-9]{1,3})?([eE][+-]?[0-9]{1,2})?",
        any::<String>()
            .prop_map(
                |text| crate::expr::Literal::String(text.chars().take(12).collect()).to_string()
            ),
        Just("\"\\ud83d\\ude00\\b\\/\"".to_owned()),
    ]
    .boxed();
    prop_oneof![4 => scalar.clone(), 1 => proptest::collection::vec(scalar, 0..3).prop_map(|items| format!("[{}]", items.join(",")))].boxed()
}

fn condition(top: bool) -> BoxedStrategy<String> {
    let leaf = leaf(!top);
    leaf.prop_recursive(4, 24, 3, move |inner| {
        let mut choices = vec![
            (inner.clone(), inner.clone())
                .prop_map(|(a, b)| format!("{a} and {b}"))
                .boxed(),
            (inner.clone(), inner.clone())
                .prop_map(|(a, b)| format!("({a}) or ({b})"))
                .boxed(),
            (inner.clone(), inner.clone())
                .prop_map(|(a, b)| format!("({a} or {b}) and {a}"))
                .boxed(),
            inner.clone().prop_map(|a| format!("not ({a})")).boxed(),
            inner.prop_map(|a| format!("not {a}")).boxed(),
        ];
        if top {
            choices.push(
                (path(false), condition(false))
                    .prop_map(|(list, body)| format!("every({list}, {body})"))
                    .boxed(),
            );
            for (name, element) in [
                ("every_member", ".value"),
                ("any_member", ".name"),
                ("anywhere", "."),
            ] {
                choices.push(
                    (path(false), text_condition(element), condition_of("ctx.z"))
                        .prop_map(move |(over, body, other)| {
                            format!("{name}({over}, {body} or {other})")
                        })
                        .boxed(),
                );
            }
            choices.push(
                (path(false), condition(false))
                    .prop_map(|(of, body)| format!("optional({of}, {body})"))
                    .boxed(),
            );
            choices.push(
                (path(false), condition(false), "[1-9]")
                    .prop_map(|(of, body, most)| format!("count({of}, {body})<={most}"))
                    .boxed(),
            );
            choices.push(
                text_condition(".")
                    .prop_map(|body| format!("any(consts.currencies, {body})"))
                    .boxed(),
            );
            choices.push(
                (path(false), path(true), condition(false))
                    .prop_map(|(list, inner, body)| format!("any({list}, every({inner},{body}))"))
                    .boxed(),
            );
        }
        proptest::strategy::Union::new(choices)
    })
    .boxed()
}

/// Something about the text at a path.
fn text_condition(path: &'static str) -> BoxedStrategy<String> {
    prop_oneof![
        Just(format!("contains(args.x, {path})")),
        Just(format!("startswith({path}, lower(args.y[0]))")),
        Just(format!("matches({path}, \"^a+$\")")),
        Just(format!("{path} in ctx.l")),
        Just(format!("not {path} not in [\"a\"]")),
        Just(format!("lower({path}) == \"a\"")),
        Just(format!("type({path}) != \"object\"")),
    ]
    .boxed()
}

fn condition_of(path: &'static str) -> BoxedStrategy<String> {
    prop_oneof![
        text_condition(path),
        Just(format!("{path} >= 1 + count({path})*2")),
        Just(format!("present({path})")),
    ]
    .boxed()
}

/// Numbers that are calculated.
fn number(in_quantifier: bool) -> BoxedStrategy<String> {
    let term = prop_oneof![
        path(in_quantifier),
        "-?[1-9]{1,3}",
        path(in_quantifier).prop_map(|path| format!("count({path})")),
        path(in_quantifier).prop_map(|path| format!("sum({path}, .a[0])")),
        path(in_quantifier).prop_map(|path| format!("sum({path},.)")),
    ];
    let op = proptest::sample::select(&[" + ", " - ", "*", "+ ", " -"][..]);
    (term.clone(), proptest::collection::vec((op, term), 1..4))
        .prop_map(|(first, rest)| rest.iter().fold(first, |text, (op, term)| text + op + term))
        .boxed()
}

fn leaf(in_quantifier: bool) -> BoxedStrategy<String> {
    let path = path(in_quantifier);
    prop_oneof![
        (
            path.clone(),
            proptest::sample::select(&["==", "!="][..]),
            literal()
        )
            .prop_map(|(p, op, l)| format!("{p} {op} {l}")),
        (
            path.clone(),
            proptest::sample::select(&["<", "<=", ">", ">="][..]),
            "[1-9]{1,4}"
        )
            .prop_map(|(p, op, l)| format!("{p}{op}{l}")),
        (
            path.clone(),
            proptest::collection::vec(literal(), 1..4),
            any::<bool>()
        )
            .prop_map(|(p, l, n)| format!(
                "{p} {} [{}]",
                if n { "not in" } else { "in" },
                l.join(" , ")
            )),
        path.clone().prop_map(|p| format!("count({p}) > 3")),
        (number(in_quantifier), number(in_quantifier)).prop_map(|(a, b)| format!("{a} <= {b}")),
        (number(in_quantifier), path.clone()).prop_map(|(a, b)| format!("{a} in {b}")),
        (path.clone(), path.clone()).prop_map(|(a, b)| format!("{a} not in {b}")),
        (path.clone(), path.clone()).prop_map(|(a, b)| format!("endswith(lower({a}), {b})")),
        path.clone()
            .prop_map(|p| format!("type({p}) in [\"text\", \"null\"]")),
        (path.clone(), "[a-z/\\\\.]{1,5}")
            .prop_map(|(p, t)| format!("startswith({p}, \"{}\")", t.replace('\\', "\\\\"))),
        (path.clone(), "[a-c]{1,3}").prop_map(|(p, t)| format!("matches({p}, \"^{t}+\\\\d$\")")),
        path.clone().prop_map(|p| format!("present({p}.x)")),
        path.prop_map(|p| format!("only({p},[\"a\",\"b c\"])")),
    ]
    .boxed()
}

/// An expression with all spans at zero.
fn bare(mut expr: Expr) -> Expr {
    clear(&mut expr);
    expr
}

fn clear_path(path: &mut Path) {
    path.span = 0..0;
}

fn clear_operand(operand: &mut Operand) {
    operand.span = 0..0;
    match &mut operand.kind {
        OperandKind::Path(path)
        | OperandKind::Count(path)
        | OperandKind::Sum { path, .. }
        | OperandKind::TypeOf(path) => clear_path(path),
        OperandKind::CountIf { path, body } => {
            clear_path(path);
            clear(body);
        }
        OperandKind::Lower(of) => clear_operand(of),
        OperandKind::Arithmetic { left, right, .. } => {
            clear_operand(left);
            clear_operand(right);
        }
        OperandKind::Literal(_) => {}
    }
}

fn clear(expr: &mut Expr) {
    expr.span = 0..0;
    match &mut expr.kind {
        ExprKind::And(parts) | ExprKind::Or(parts) => parts.iter_mut().for_each(clear),
        ExprKind::Not(body) => clear(body),
        ExprKind::Compare {
            left: one,
            right: other,
            ..
        }
        | ExprKind::Text {
            subject: one,
            sought: other,
            ..
        } => {
            clear_operand(one);
            clear_operand(other);
        }
        ExprKind::In { value, list, .. } => {
            clear_operand(value);
            if let Members::Path(path) = list {
                clear_path(path);
            }
        }
        ExprKind::Test(path, _) => clear_path(path),
        ExprKind::Quantifier { over, body, .. } => {
            if let Over::Path(path) = over {
                clear_path(path);
            }
            clear(body);
        }
        // Printed it is what it means.
        ExprKind::Named { body, .. } => {
            let mut body = std::mem::replace(
                body.as_mut(),
                Expr {
                    kind: ExprKind::And(Vec::new()),
                    span: 0..0,
                },
            );
            clear(&mut body);
            *expr = body;
        }
    }
}

/// The text at the span of each part is that part; below quantifiers the element would be missing.
fn parts_read_alone(text: &str, expr: &Expr) -> Result<(), TestCaseError> {
    let own = &text[expr.span.clone()];
    let alone = parse(own, &consts());
    prop_assert!(alone.is_ok(), "{} in {}", own, text);
    prop_assert_eq!(
        bare(alone.unwrap().expr),
        bare(expr.clone()),
        "{} in {}",
        own,
        text
    );
    match &expr.kind {
        ExprKind::And(parts) | ExprKind::Or(parts) => parts
            .iter()
            .try_for_each(|part| parts_read_alone(text, part)),
        ExprKind::Not(body) => parts_read_alone(text, body),
        _ => Ok(()),
    }
}
