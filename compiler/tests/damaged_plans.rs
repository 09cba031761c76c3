//! Plans with the grown conditions that were tampered with: what validates, decides; what could not be decided, does not validate.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

use hexgate_compiler::Compiler;
use hexgate_eval::{
    Error, Plan, Request, Workspace,
    plan::layout::{arithmetic, flags, header, literal, op, operand, over, root, trailer},
    trace::trace,
};

const CONSTRAINTS: &[&str] = &[
    r#"args.l[1].a[0] == 1"#,
    "contains(args.n, args.s) and endswith(args.n, args.s)",
    "any(args.l, contains(args.n, .) or endswith(lower(args.n), .))",
    r#"lower(args.n) == "x" and type(args.l) == "list""#,
    "sum(args.l, .) < 5 and every(args.l, . < sum(args.l, .a[0]))",
    "count(args.l, . == 1 and any(args.l, . == 2)) < 3",
    "args.a + args.b * 2 - count(args.l, . > 1) < sum(args.l, .)",
    r#"any([["a", ["b"]], "c"], anywhere(., . == args.n))"#,
    r#"every_member(args.o, .name in ctx.names and .value[0] == 1)"#,
    r#"anywhere(args, contains(., user.n))"#,
    "every(args.l, . in said.numbers) and args.a in args.l",
    "optional(args.a, . == 1 and optional(args.b, . in usage.tokens_1h))",
    "every(args.l, named(.) or named(args.a))",
];

fn plan_of(constraint: &str) -> Vec<u8> {
    let policy = format!(
        "define: {{named: '. == 1 and args.b > 2'}}\ntools: {{t: {{mode: allow, constraints: ['{constraint}']}}}}"
    );
    let outcome = Compiler::default().compile_str("policy.yaml", &policy);
    let diagnostics = outcome.diagnostics;
    outcome
        .policy
        .unwrap_or_else(|| panic!("{constraint}: {diagnostics:?}"))
        .plan
}

fn word(plan: &[u8], at: usize) -> u32 {
    u32::from_le_bytes(plan[at..at + 4].try_into().unwrap())
}

fn set(plan: &mut [u8], at: usize, value: u32) {
    plan[at..at + 4].copy_from_slice(&value.to_le_bytes());
}

fn refusal(plan: &[u8]) -> String {
    match Plan::open(plan).map(|plan| plan.validate()) {
        Ok(Ok(())) => "valid".to_owned(),
        Ok(Err(invalid)) => invalid.to_string(),
        Err(damaged) => damaged.to_string(),
    }
}

fn decide(plan: &Plan<'_>) {
    let mut workspace = Workspace::new();
    for arguments in [
        "{}",
        r#"{"a": 1, "b": 2.5, "n": "xyX\u0041", "s": "y", "l": [1, "y", {"a": [1]}, null, 2], "o": {"a": [1], "b": []}}"#,
    ] {
        let request = Request::new("t", arguments).facts(
            r#"{"ctx": {"names": ["a", "b"]}, "user": {"n": "b"}, "said": {"numbers": [2, 1]}, "usage": {"tokens_1h": [1]}}"#,
        );
        let first = workspace.decide(plan, &request);
        assert_eq!(first, workspace.decide(plan, &request));
        assert!(
            !matches!(first, Err(Error::Internal(_))),
            "a valid plan is damaged: {first:?}"
        );
        if first.is_ok() {
            let mut scratch = workspace.scratch(plan, &request).unwrap();
            trace(plan, &request, &mut scratch).unwrap();
        }
    }
}

#[test]
fn whatever_one_word_becomes_the_plan_is_refused_or_decides() {
    let mut accepted = 0u32;
    for constraint in CONSTRAINTS {
        let plan = plan_of(constraint);
        assert_eq!(refusal(&plan), "valid", "{constraint}");
        for at in (header::VERSION..plan.len() - 3).step_by(4) {
            let old = word(&plan, at);
            for new in [
                0,
                1,
                2,
                3,
                27,
                u32::MAX,
                old ^ 1,
                old.wrapping_add(1),
                old.wrapping_sub(1),
                old.wrapping_add(4),
                old ^ 1 << 8,
                old ^ 1 << 9,
                old ^ 1 << 16,
                old ^ 1 << 20,
                old ^ 8 << 16,
                old ^ 1 << 10,
            ] {
                let mut changed = plan.clone();
                set(&mut changed, at, new);
                let Ok(opened) = Plan::open(&changed) else {
                    continue;
                };
                if opened.validate().is_ok() {
                    accepted += 1;
                    decide(&opened);
                }
            }
        }
    }
    assert!(accepted > 1000, "{accepted}");
}

/// The last record whose first word is that one: nodes stand behind what they refer to.
fn record(plan: &[u8], first: u32) -> usize {
    let trailer = plan.len() - trailer::SIZE;
    (header::SIZE..trailer)
        .step_by(4)
        .rfind(|at| word(plan, *at) == first)
        .unwrap()
}

/// A change to a plan, and what it is refused for.
type Change<'c> = (&'c str, fn(&mut [u8]), &'c str);

#[test]
fn what_a_new_record_says_wrongly_is_refused() {
    const COUNT_LESS: u32 = op::COMPARE | 2 << 8 | operand::LITERAL << 20;
    let changes: &[Change<'_>] = &[
        (
            "args.a + args.b < 2",
            |plan| {
                let node = record(plan, COUNT_LESS | operand::ARITHMETIC << 16);
                let terms = word(plan, node + 8) as usize;
                set(plan, terms + 4, arithmetic::SUBTRACT);
            },
            "operator",
        ),
        (
            "args.a + args.b < 2",
            |plan| {
                let node = record(plan, COUNT_LESS | operand::ARITHMETIC << 16);
                let terms = word(plan, node + 8) as usize;
                set(plan, terms + 12, arithmetic::ADD | operand::ARITHMETIC << 8);
            },
            "kind of operand",
        ),
        (
            "args.a + args.b < 2",
            |plan| {
                let node = record(plan, COUNT_LESS | operand::ARITHMETIC << 16);
                let terms = word(plan, node + 8) as usize;
                set(plan, terms, 0);
            },
            "number of terms",
        ),
        (
            "args.a + args.b < 2 or args.a - args.b < 2",
            |plan| {
                let first = COUNT_LESS | operand::ARITHMETIC << 16;
                let nodes: Vec<usize> = (header::SIZE..plan.len() - 3)
                    .step_by(4)
                    .filter(|at| word(plan, *at) == first)
                    .collect();
                let terms = word(plan, nodes[0] + 8);
                set(plan, nodes[1] + 8, terms);
            },
            "an operand with two parents",
        ),
        (
            "every(args.l, . in args.m)",
            |plan| {
                let node = record(plan, op::IN_PATH);
                let element = word(plan, node + 8);
                set(plan, node + 12, element);
            },
            "something that is prepared for each element",
        ),
        (
            "every(args.l, . in args.m)",
            |plan| {
                let node = record(plan, op::IN_PATH);
                set(plan, node + 16, 9);
            },
            "memo slots",
        ),
        (
            "every(args.l, . in args.m)",
            |plan| {
                let old = word(plan, header::FLAGS);
                set(plan, header::FLAGS, old & !flags::ORDERS_LISTS);
            },
            "a condition without the flag for its room",
        ),
        (
            "contains(args.a, args.b)",
            |plan| {
                let old = word(plan, header::FLAGS);
                set(plan, header::FLAGS, old & !flags::SEEKS_TEXTS);
            },
            "a condition without the flag for its room",
        ),
        (
            r#"anywhere(args.a, . == "x")"#,
            |plan| {
                let node = record(plan, op::ANY | over::TEXTS << 8);
                set(plan, node, op::EVERY | over::TEXTS << 8);
            },
            "what a quantifier goes over",
        ),
        (
            r#"anywhere(args.a, . == "x")"#,
            |plan| {
                let node = record(plan, op::ANY | over::TEXTS << 8);
                set(plan, node, op::ANY | 4 << 8);
            },
            "what a quantifier goes over",
        ),
        (
            r#"any(["a", "b"], . == args.a)"#,
            |plan| {
                let node = record(plan, op::ANY | over::LITERALS << 8);
                let list = word(plan, node + 8) as usize;
                let element = word(plan, list + 8);
                set(plan, node + 8, element);
            },
            "a literal list of a quantifier",
        ),
        (
            "count(args.l, . == 1) < 2",
            |plan| {
                let node = record(plan, COUNT_LESS | operand::COUNT_IF << 16);
                let count = word(plan, node + 8) as usize;
                set(plan, count + 8, node as u32);
            },
            "a condition with two parents",
        ),
        (
            "every(args.m, . < sum(args.l, .a))",
            |plan| {
                let node = record(plan, op::COMPARE | 2 << 8 | operand::SUM << 20);
                let sum = word(plan, node + 12) as usize;
                let slot = word(plan, sum + 4);
                set(plan, sum + 4, slot + 2);
            },
            "memo slots",
        ),
        (
            "sum(args.l, .a) < 2",
            |plan| {
                let node = record(plan, COUNT_LESS | operand::SUM << 16);
                let sum = word(plan, node + 8) as usize;
                let of = word(plan, sum + 8) as usize;
                set(plan, of, root::ARGS);
            },
            "root of a path",
        ),
        (
            "args.a[1] == 2",
            |plan| {
                let node = record(plan, op::COMPARE | operand::LITERAL << 20);
                let path = word(plan, node + 8) as usize;
                set(plan, path, root::ARGS);
            },
            "steps of a path",
        ),
        (
            "optional(args.a, . == 2)",
            |plan| {
                let node = record(plan, op::COMPARE | operand::LITERAL << 20);
                let path = word(plan, node + 8) as usize;
                set(plan, path, 10);
            },
            "root of a path",
        ),
        (
            "every(args.l, . == 2)",
            |plan| {
                let node = record(plan, op::EVERY);
                set(plan, node, op::EVERY | over::MEMBERS << 8);
            },
            "a condition of another version",
        ),
        (
            "every(args.l, . == 2)",
            |plan| {
                let node = record(plan, op::EVERY);
                set(plan, node, op::OPTIONAL);
            },
            "a condition of another version",
        ),
        (
            "args.a == 2",
            |plan| {
                let node = record(plan, op::COMPARE | operand::LITERAL << 20);
                set(
                    plan,
                    node,
                    op::COMPARE | operand::TYPE << 16 | operand::LITERAL << 20,
                );
            },
            "a condition of another version",
        ),
        (
            "args.a == 2",
            |plan| {
                set(plan, header::FLAGS, flags::ORDERS_LISTS);
            },
            "a flag of another version",
        ),
    ];
    for (constraint, change, refused) in changes {
        let mut plan = plan_of(constraint);
        assert_eq!(refusal(&plan), "valid", "{constraint}");
        change(&mut plan);
        let found = refusal(&plan);
        assert!(
            found.ends_with(refused),
            "{constraint}: {found}, not {refused}"
        );
    }
}

/// A list that stands in itself many times over is not gone through without end.
#[test]
fn a_literal_list_is_no_larger_than_a_plan_where_it_is_gone_through() {
    let grown = |levels: usize| {
        let mut plan = plan_of(r#"any(["a", "b"], anywhere(., . == args.a))"#);
        let node = record(&plan, op::ANY | over::LITERALS << 8);
        let mut inner = word(&plan, node + 8);
        let trailer = plan.split_off(plan.len() - trailer::SIZE);
        for _ in 0..levels {
            let at = plan.len() as u32;
            plan.extend(
                [literal::LIST, 2, inner, inner]
                    .iter()
                    .flat_map(|word| word.to_le_bytes()),
            );
            inner = at;
        }
        set(&mut plan, node + 8, inner);
        plan.extend(trailer);
        let len = plan.len() as u32;
        set(&mut plan, header::LEN, len);
        plan
    };
    assert_eq!(refusal(&grown(4)), "valid");
    assert!(refusal(&grown(40)).ends_with("a literal list of a quantifier"));
}
