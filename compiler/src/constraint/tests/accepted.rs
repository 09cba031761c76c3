//! What texts mean, as symbolic expressions.

use super::{super::*, consts};
use crate::expr::{CompareOp, Expr, ExprKind, Literal, Members, Operand, OperandKind, Over, Test};

const ACCEPTED: &[(&str, &str)] = &[
    ("args.amount <= 500", "(<= args.amount 500)"),
    ("args.amount<=500", "(<= args.amount 500)"),
    ("  args.x\n==\t1\r\n", "(== args.x 1)"),
    ("args.currency == \"USD\"", "(== args.currency \"USD\")"),
    ("\"USD\" == args.currency", "(== \"USD\" args.currency)"),
    ("args.max >= args.min", "(>= args.max args.min)"),
    ("args.x != null", "(!= args.x null)"),
    ("args.x == true", "(== args.x true)"),
    ("args.x == -0.5e+3", "(== args.x -0.5e+3)"),
    ("args.x<-5", "(< args.x -5)"),
    ("args.x == []", "(== args.x [])"),
    (
        "args.x == [1, \"a\", [null, true]]",
        "(== args.x [1, \"a\", [null, true]])",
    ),
    (
        "args.x == \"\\u0041\\n\\\"\\\\\\/\\ud83d\\ude00é\"",
        "(== args.x \"A\\n\\\"\\\\/😀é\")",
    ),
    ("args.x in [1, null, [2]]", "(in args.x [1, null, [2]])"),
    ("args.x in[1]", "(in args.x [1])"),
    ("args.x not in [\"a\"]", "(not-in args.x [\"a\"])"),
    ("args.x not\nin [\"a\"]", "(not-in args.x [\"a\"])"),
    (
        "args.x in consts.currencies",
        "(in args.x [\"USD\", \"EUR\"])",
    ),
    (
        "args.x == consts.currencies",
        "(== args.x [\"USD\", \"EUR\"])",
    ),
    ("args.amount <= consts.max_refund", "(<= args.amount 500)"),
    ("consts.owner == user.name", "(== \"alice\" user.name)"),
    ("args.x == consts.nothing", "(== args.x null)"),
    ("count(args.files) <= 2", "(<= (count args.files) 2)"),
    ("count ( args.files ) <= 2", "(<= (count args.files) 2)"),
    ("3 > count(args.x)", "(> 3 (count args.x))"),
    (
        "count(args.a) == count(args.b)",
        "(== (count args.a) (count args.b))",
    ),
    ("count(args) == 0", "(== (count args) 0)"),
    ("count(role) < 9", "(< (count role) 9)"),
    ("role == \"admin\"", "(== role \"admin\")"),
    ("startswith(tool, \"db_\")", "(startswith tool \"db_\")"),
    ("endswith(args.f, \".txt\")", "(endswith args.f \".txt\")"),
    ("contains(args.f, \"..\")", "(contains args.f \"..\")"),
    (
        "matches(args.id, \"^inv_[0-9]+$\")",
        "(matches args.id \"^inv_[0-9]+$\")",
    ),
    (
        "matches(args.id, \"^\\\\d+$\")",
        "(matches args.id \"^\\\\d+$\")",
    ),
    ("present(args.x)", "(present args.x)"),
    ("not present(args.x)", "(not (present args.x))"),
    (
        "only(args, [\"a\", \"b c\"])",
        "(only args [\"a\", \"b c\"])",
    ),
    ("only(args, [])", "(only args [])"),
    (
        "every(args.files, startswith(., \"/tmp/\"))",
        "(every args.files (startswith . \"/tmp/\"))",
    ),
    ("any(args.l, .a.b == 1)", "(any args.l (== .a.b 1))"),
    (
        "any(args.l, .a[\"b c\"] == 1)",
        "(any args.l (== .a[\"b c\"] 1))",
    ),
    ("any(args.l, . in [1])", "(any args.l (in . [1]))"),
    ("any(args.l, .in in [1])", "(any args.l (in .in [1]))"),
    (
        "any(args.l, .not not in [1])",
        "(any args.l (not-in .not [1]))",
    ),
    (
        "any(args.l, . == 1 or . == 2)",
        "(any args.l (or (== . 1) (== . 2)))",
    ),
    (
        "every(args.a, any(.b, . == args.c))",
        "(every args.a (any .b (== . args.c)))",
    ),
    (
        "every(args.a, any(., . == 1))",
        "(every args.a (any . (== . 1)))",
    ),
    ("any(args.l, .==1)", "(any args.l (== . 1))"),
    ("args.in == 1", "(== args.in 1)"),
    ("args.not == 1", "(== args.not 1)"),
    (
        "args.default.true.null.and.count == 1",
        "(== args.default.true.null.and.count 1)",
    ),
    ("ctx.args.consts == 1", "(== ctx.args.consts 1)"),
    ("args[\"odd name\"] == 1", "(== args[\"odd name\"] 1)"),
    (
        "args[ \"odd name\" ].x[\"\"] == 1",
        "(== args[\"odd name\"].x[\"\"] 1)",
    ),
    ("args[\"plain\"] == 1", "(== args.plain 1)"),
    ("args._x1 == 1", "(== args._x1 1)"),
    ("run.tool_calls < 3", "(< run.tool_calls 3)"),
    ("args.l[0] == 1", "(== args.l[0] 1)"),
    (
        "args.l[0][12].x[\"y z\"] == 1",
        "(== args.l[0][12].x[\"y z\"] 1)",
    ),
    ("args.l[ 0 ] == 1", "(== args.l[0] 1)"),
    ("any(args.l, .[0] == 1)", "(any args.l (== .[0] 1))"),
    (
        "any(args.l, .[0].x[1] == 1)",
        "(any args.l (== .[0].x[1] 1))",
    ),
    ("any(args.l, .x[0] == 1)", "(any args.l (== .x[0] 1))"),
    (
        "startswith(args.key, user.tenant)",
        "(startswith args.key user.tenant)",
    ),
    (
        "any(args.l, contains(args.x, .))",
        "(any args.l (contains args.x .))",
    ),
    (
        "endswith(lower(args.host), consts.owner)",
        "(endswith (lower args.host) \"alice\")",
    ),
    (
        "startswith(args.x, lower(args.y))",
        "(startswith args.x (lower args.y))",
    ),
    ("contains(args.x, role)", "(contains args.x role)"),
    (
        "any(consts.currencies, endswith(args.x, .))",
        "(any [\"USD\", \"EUR\"] (endswith args.x .))",
    ),
    (
        "every([1, [2]], . != args.x)",
        "(every [1, [2]] (!= . args.x))",
    ),
    ("lower(args.x) == \"usd\"", "(== (lower args.x) \"usd\")"),
    ("\"usd\" == lower(args.x)", "(== \"usd\" (lower args.x))"),
    ("lower(args.x) in [\"a\"]", "(in (lower args.x) [\"a\"])"),
    (
        "lower(args.x) == lower(\"USD\")",
        "(== (lower args.x) (lower \"USD\"))",
    ),
    (
        "lower(args.x) == lower(consts.owner)",
        "(== (lower args.x) (lower \"alice\"))",
    ),
    ("type(args.x) == \"text\"", "(== (type args.x) \"text\")"),
    (
        "type(args.x) not in [\"list\", \"object\"]",
        "(not-in (type args.x) [\"list\", \"object\"])",
    ),
    (
        "every_member(args.env, matches(.value, \"^a$\"))",
        "(every_member args.env (matches .value \"^a$\"))",
    ),
    (
        "any_member(args, .name == \"x\" and .value.y[0] == 1)",
        "(any_member args (and (== .name \"x\") (== .value.y[0] 1)))",
    ),
    (
        "not anywhere(args, matches(., \"sk-[a-z]\"))",
        "(not (anywhere args (matches . \"sk-[a-z]\")))",
    ),
    ("optional(args.x, . <= 5)", "(optional args.x (<= . 5))"),
    (
        "optional(args.x, optional(.y, every(.z, any(., . == 1))))",
        "(optional args.x (optional .y (every .z (any . (== . 1)))))",
    ),
    (
        "count(args.l, .x > 2) <= 3",
        "(<= (count args.l (> .x 2)) 3)",
    ),
    ("sum(args.l, .x.y[0]) < 9", "(< (sum args.l .x.y[0]) 9)"),
    ("sum(args.l, .) < 9", "(< (sum args.l .) 9)"),
    (
        "any(args.l, sum(.m, .x) < count(., . == 1))",
        "(any args.l (< (sum .m .x) (count . (== . 1))))",
    ),
    ("args.a + args.b <= 5", "(<= (+ args.a args.b) 5)"),
    (
        "args.a + args.b * 2 - 1 == 3 * args.c",
        "(== (- (+ args.a (* args.b 2)) 1) (* 3 args.c))",
    ),
    (
        "1 - 2 - args.x == 3 * 4 * args.y",
        "(== (- (- 1 2) args.x) (* (* 3 4) args.y))",
    ),
    ("args.a-5 < 0", "(< (- args.a 5) 0)"),
    ("args.a -5 < 0", "(< (- args.a 5) 0)"),
    ("args.a - -5 < 0", "(< (- args.a -5) 0)"),
    ("args.a--5 < 0", "(< (- args.a -5) 0)"),
    ("args.a-args.b<0", "(< (- args.a args.b) 0)"),
    ("args.a-consts.max_refund<0", "(< (- args.a 500) 0)"),
    ("args.a-count(args.b)<0", "(< (- args.a (count args.b)) 0)"),
    ("args.l[0]-5 < 0", "(< (- args.l[0] 5) 0)"),
    ("5-3 < args.x", "(< (- 5 3) args.x)"),
    ("1e5-3 < args.x", "(< (- 1e5 3) args.x)"),
    ("count(args.x)-1 in [1]", "(in (- (count args.x) 1) [1])"),
    ("any(args.l, .-1 == 2)", "(any args.l (== (- . 1) 2))"),
    ("any(args.l, .a-1 == 2)", "(any args.l (== (- .a 1) 2))"),
    ("args.x + 1 in args.l", "(in (+ args.x 1) args.l)"),
    ("args.to in said.emails", "(in args.to said.emails)"),
    ("\"a\" not in args.tags", "(not-in \"a\" args.tags)"),
    ("null in args.tags[0]", "(in null args.tags[0])"),
    (
        "every(args.to, . in said.emails)",
        "(every args.to (in . said.emails))",
    ),
    ("any(args.l, args.x in .)", "(any args.l (in args.x .))"),
    ("usage.tool_calls_24h < 5", "(< usage.tool_calls_24h 5)"),
    ("user_usage.tokens_5m < 5", "(< user_usage.tokens_5m 5)"),
    (
        "args.lower == 1 and args.type == 2",
        "(and (== args.lower 1) (== args.type 2))",
    ),
    ("user == \"alice\"", "(== user \"alice\")"),
    (
        "args.a == 1 and args.b == 2 and args.c == 3",
        "(and (== args.a 1) (== args.b 2) (== args.c 3))",
    ),
    (
        "args.a == 1 or args.b == 2 and args.c == 3",
        "(or (== args.a 1) (and (== args.b 2) (== args.c 3)))",
    ),
    (
        "(args.a == 1 or args.b == 2) and args.c == 3",
        "(and (or (== args.a 1) (== args.b 2)) (== args.c 3))",
    ),
    (
        "(args.a == 1 and args.b == 2) and args.c == 3",
        "(and (== args.a 1) (== args.b 2) (== args.c 3))",
    ),
    (
        "not args.a == 1 and args.b == 2",
        "(and (not (== args.a 1)) (== args.b 2))",
    ),
    (
        "not (args.a == 1 and args.b == 2)",
        "(not (and (== args.a 1) (== args.b 2)))",
    ),
    (
        "not(args.a==1)or(args.b==2)",
        "(or (not (== args.a 1)) (== args.b 2))",
    ),
    ("((args.a == 1))", "(== args.a 1)"),
];

#[test]
fn each_accepted_text_means_what_it_says() {
    for (text, wanted) in ACCEPTED {
        let parsed = parse(text, &consts()).unwrap_or_else(|errors| panic!("{text}: {errors:#?}"));
        assert_eq!(symbolic(&parsed.expr), *wanted, "{text}");
    }
}

#[test]
fn the_canonical_text_is_stable() {
    for (text, canonical) in [
        ("args.a==1", "args.a == 1"),
        (
            "((args.a == 1)) or (args.b == 2 and args.c == 3)",
            "args.a == 1 or args.b == 2 and args.c == 3",
        ),
        (
            "(args.a == 1 or args.b == 2) and not (args.c == 3 and args.d == 4)",
            "(args.a == 1 or args.b == 2) and not (args.c == 3 and args.d == 4)",
        ),
        ("not (present(args.a))", "not present(args.a)"),
        (
            "args[\"a\"][\"b c\"]  in consts.currencies",
            "args.a[\"b c\"] in [\"USD\", \"EUR\"]",
        ),
        (
            "every( args.l,.x==\"\\u0009\\u007f\" )",
            "every(args.l, .x == \"\\t\\u007f\")",
        ),
        ("only(args , [ \"a\",\"b\" ])", "only(args, [\"a\", \"b\"])"),
    ] {
        assert_eq!(parse(text, &consts()).unwrap().expr.to_string(), canonical);
    }
}

#[test]
fn the_constants_that_are_used_are_known() {
    let parsed = parse("args.a <= consts.max_refund and args.b in consts.currencies or args.c == consts.max_refund", &consts()).unwrap();
    assert_eq!(
        parsed.consts_used.into_iter().collect::<Vec<_>>(),
        ["currencies", "max_refund"]
    );
}

#[test]
fn spans_are_the_places_in_the_text() {
    let text =
        " (args.a[\"x\"] == count( args.b )) and not every(args.l, .y in consts.currencies) ";
    let expr = parse(text, &consts()).unwrap().expr;
    assert_eq!(&text[expr.span.clone()], text.trim());
    let ExprKind::And(parts) = &expr.kind else {
        panic!("{expr}")
    };
    assert_eq!(
        &text[parts[0].span.clone()],
        "(args.a[\"x\"] == count( args.b ))"
    );
    let ExprKind::Compare {
        op: CompareOp::Equal,
        left,
        right,
    } = &parts[0].kind
    else {
        panic!("{expr}")
    };
    assert_eq!(&text[left.span.clone()], "args.a[\"x\"]");
    assert_eq!(&text[right.span.clone()], "count( args.b )");
    let OperandKind::Count(path) = &right.kind else {
        panic!("{expr}")
    };
    assert_eq!(&text[path.span.clone()], "args.b");
    let ExprKind::Not(body) = &parts[1].kind else {
        panic!("{expr}")
    };
    let ExprKind::Quantifier {
        over: Over::Path(path),
        body,
        ..
    } = &body.kind
    else {
        panic!("{expr}")
    };
    assert_eq!(&text[path.span.clone()], "args.l");
    assert_eq!(&text[body.span.clone()], ".y in consts.currencies");
}

#[test]
fn a_pattern_accepts_what_it_matches() {
    let expr = parse("matches(args.x, \"^\\\\d{2}$\")", &consts())
        .unwrap()
        .expr;
    let ExprKind::Test(_, Test::Matches { dfa, .. }) = &expr.kind else {
        panic!("{expr}")
    };
    assert!(dfa.accepts("12"));
    assert!(!dfa.accepts("1"));
    assert!(!dfa.accepts("123"));
}

#[test]
fn literals_are_read_from_json_text() {
    for (text, literal) in [
        ("5", Literal::Number("5".to_owned())),
        (" \"a\\n\" ", Literal::String("a\n".to_owned())),
        ("null", Literal::Null),
        (
            "[true, [1e3]]",
            Literal::List(vec![
                Literal::Bool(true),
                Literal::List(vec![Literal::Number("1e3".to_owned())]),
            ]),
        ),
        ("[]", Literal::List(vec![])),
    ] {
        assert_eq!(literal_from_json_text(text), Ok(literal));
    }
    for (text, code) in [
        ("", "constraint-syntax"),
        ("1 2", "constraint-syntax"),
        ("args.x", "list-element"),
        ("05", "invalid-number"),
        ("yes", "unquoted-text"),
        ("{}", "object-literal"),
        ("1e1001", "number-limit"),
        ("consts.x", "unknown-constant"),
    ] {
        assert_eq!(
            literal_from_json_text(text).unwrap_err()[0].code,
            code,
            "{text}"
        );
    }
    assert!(literal_from_json_text(&format!("{}{}", "[".repeat(40), "]".repeat(40))).is_err());
}

/// An expression without its spans and tables.
fn symbolic(expr: &Expr) -> String {
    let parts = |name: &str, parts: &[Expr]| {
        let parts: Vec<String> = parts.iter().map(symbolic).collect();
        format!("({name} {})", parts.join(" "))
    };
    let text = |text: &str| Literal::String(text.to_owned());
    match &expr.kind {
        ExprKind::And(items) => parts("and", items),
        ExprKind::Or(items) => parts("or", items),
        ExprKind::Not(body) => format!("(not {})", symbolic(body)),
        ExprKind::Compare { op, left, right } => format!("({op} {} {})", value(left), value(right)),
        ExprKind::In {
            value: sought,
            list,
            negated,
        } => {
            let name = if *negated { "not-in" } else { "in" };
            let list = match list {
                Members::Listed(list) => Literal::List(list.clone()).to_string(),
                Members::Path(path) => path.to_string(),
            };
            format!("({name} {} {list})", value(sought))
        }
        ExprKind::Text {
            call,
            subject,
            sought,
        } => format!("({} {} {})", call.function(), value(subject), value(sought)),
        ExprKind::Test(path, Test::Matches { pattern, .. }) => {
            format!("(matches {path} {})", text(pattern))
        }
        ExprKind::Test(path, Test::Present) => format!("(present {path})"),
        ExprKind::Test(path, Test::Only(names)) => {
            format!(
                "(only {path} {})",
                Literal::List(names.iter().map(|name| text(name)).collect())
            )
        }
        ExprKind::Quantifier {
            quantifier,
            over,
            body,
        } => {
            let over = match over {
                Over::Listed(list) => Literal::List(list.clone()).to_string(),
                Over::Path(path) => path.to_string(),
            };
            format!("({} {over} {})", quantifier.function(), symbolic(body))
        }
        ExprKind::Named {
            name,
            argument,
            body,
            ..
        } => {
            let argument = argument.as_ref().map(|path| format!(" {path}"));
            format!(
                "({name}{} {})",
                argument.unwrap_or_default(),
                symbolic(body)
            )
        }
    }
}

fn value(operand: &Operand) -> String {
    match &operand.kind {
        OperandKind::Count(path) => format!("(count {path})"),
        OperandKind::CountIf { path, body } => format!("(count {path} {})", symbolic(body)),
        OperandKind::Sum { path, of } => {
            let element = crate::expr::Path {
                root: crate::expr::Root::Element,
                steps: of.clone(),
                span: 0..0,
            };
            format!("(sum {path} {element})")
        }
        OperandKind::Lower(of) => format!("(lower {})", value(of)),
        OperandKind::TypeOf(path) => format!("(type {path})"),
        OperandKind::Arithmetic { op, left, right } => {
            format!("({op} {} {})", value(left), value(right))
        }
        OperandKind::Path(_) | OperandKind::Literal(_) => operand.to_string(),
    }
}
