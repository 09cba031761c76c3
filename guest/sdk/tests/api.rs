//! The crate as a policy's author sees it, beside the policy language that its conditions speak.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

use std::{collections::BTreeMap, fmt::Write as _, sync::OnceLock};

use hexgate_compiler::Compiler;
use hexgate_eval::{Error, Exceeded, Plan, Request, Verdict, Workspace};
use hexgate_guest::{
    Call, Check, Denial, Granted, Kind, Literal, Narrowed, Permit, Policy, Terms, Truth, Value,
    decimal, export, exported, require, testing::Ask,
};

/// What arguments can be: absent, and of every kind, with numbers and texts that are spelled in several ways.
const VALUES: &[&str] = &[
    "{}",
    r#"{"x": null}"#,
    r#"{"x": true}"#,
    r#"{"x": false}"#,
    r#"{"x": 0}"#,
    r#"{"x": -0.0}"#,
    r#"{"x": 5}"#,
    r#"{"x": 5.0}"#,
    r#"{"x": 0.5e1}"#,
    r#"{"x": 5.000000000000000000000000001}"#,
    r#"{"x": 9007199254740993}"#,
    r#"{"x": -1e1000}"#,
    r#"{"x": ""}"#,
    r#"{"x": "5"}"#,
    r#"{"x": "abc"}"#,
    r#"{"x": "\u0061bc"}"#,
    r#"{"x": "größe 😀"}"#,
    r#"{"x": []}"#,
    r#"{"x": [5, "abc", null]}"#,
    r#"{"x": [1, 2, 3]}"#,
    r#"{"x": {}}"#,
    r#"{"x": {"a": 1}}"#,
    r#"{"x": {"\u0061": 1, "b": {"a": 2}}}"#,
];

type Condition = fn(Value<'_>) -> Truth;

/// A constraint of the policy language, and the same in Rust.
const PAIRS: &[(&str, Condition)] = &[
    ("present(args.x)", |x| x.is_present()),
    ("args.x == null", |x| x.is(Literal::Null)),
    ("args.x != null", |x| x.is_not(Literal::Null)),
    ("args.x == true", |x| x.is(true)),
    ("args.x != true", |x| x.is_not(true)),
    ("args.x == 5", |x| x.is(5)),
    ("args.x != 5", |x| x.is_not(5)),
    ("args.x == 5.0", |x| x.is(decimal("5.0"))),
    ("args.x < 5", |x| x.less_than(5)),
    ("args.x <= 5", |x| x.at_most(5)),
    ("args.x > 5", |x| x.more_than(5)),
    ("args.x >= 5", |x| x.at_least(5)),
    ("args.x > 9007199254740992", |x| {
        x.more_than(9_007_199_254_740_992_i64)
    }),
    ("args.x < -0.5e0", |x| x.less_than(decimal("-0.5"))),
    ("args.x == \"abc\"", |x| x.is("abc")),
    ("args.x != \"abc\"", |x| x.is_not("abc")),
    ("args.x < \"abd\"", |x| x.less_than("abd")),
    ("args.x >= \"abc\"", |x| x.at_least("abc")),
    ("args.x in [\"abc\", \"5\"]", |x| x.one_of(["abc", "5"])),
    ("args.x not in [\"abc\", \"5\"]", |x| {
        x.none_of(["abc", "5"])
    }),
    ("args.x in [5, null]", |x| {
        x.one_of([Literal::from(5), Literal::Null])
    }),
    ("args.x not in [5, null]", |x| {
        x.none_of([Literal::from(5), Literal::Null])
    }),
    ("startswith(args.x, \"ab\")", |x| x.starts_with("ab")),
    ("endswith(args.x, \"bc\")", |x| x.ends_with("bc")),
    ("contains(args.x, \"b\")", |x| x.contains("b")),
    ("only(args.x, [\"a\"])", |x| x.only(&["a"])),
    ("count(args.x) == 3", |x| x.count().is(3)),
    ("count(args.x) <= 1", |x| x.count().at_most(1)),
    ("every(args.x, . > 0)", |x| {
        x.every(|element| element.more_than(0))
    }),
    ("any(args.x, . == 5)", |x| x.any(|element| element.is(5))),
    ("args.x.a == 1", |x| x.get("a").is(1)),
    ("args.x.b.a == 2", |x| x.get("b").get("a").is(2)),
    ("args.x > 0 and args.x < 6", |x| {
        x.more_than(0) & x.less_than(6)
    }),
    ("args.x > 5 or args.x == \"abc\"", |x| {
        x.more_than(5) | x.is("abc")
    }),
    ("not (args.x > 0 and args.x.a == 1)", |x| {
        !(x.more_than(0) & x.get("a").is(1))
    }),
];

/// What is being compared: the tool's name is the pair's index, and `not` before it its negation.
struct Conditions;

impl Policy for Conditions {
    fn decide<'c>(call: &Call<'c>) -> Result<Permit<'c>, Denial> {
        let (negated, index) = match call.tool().strip_prefix("not ") {
            Some(index) => (true, index),
            None => (false, call.tool()),
        };
        let (_, condition) = PAIRS[index.parse::<usize>().unwrap()];
        let truth = condition(call.arg("x"));
        require!(if negated { !truth } else { truth });
        Ok(Permit::allow())
    }
}

export!(Conditions);

fn compiled(yaml: &str) -> Vec<u8> {
    let outcome = Compiler::default().compile_str("policy.yaml", yaml);
    outcome
        .policy
        .unwrap_or_else(|| panic!("{:?}", outcome.diagnostics))
        .plan
}

#[test]
fn conditions_mean_what_they_mean_in_the_policy_language() {
    let mut yaml = "tools:\n".to_owned();
    for (index, (constraint, _)) in PAIRS.iter().enumerate() {
        for (tool, constraint) in [
            (index.to_string(), (*constraint).to_owned()),
            (format!("not {index}"), format!("not ({constraint})")),
        ] {
            writeln!(
                yaml,
                "  {tool:?}: {{ mode: allow, constraints: [{constraint:?}] }}"
            )
            .unwrap();
        }
    }
    let plan = compiled(&yaml);
    let plan = Plan::open(&plan).unwrap();
    let mut workspace = Workspace::new();
    let ask = Ask::new::<Conditions>();
    let mut seen = BTreeMap::new();
    for (index, (constraint, _)) in PAIRS.iter().enumerate() {
        for arguments in VALUES {
            for tool in [index.to_string(), format!("not {index}")] {
                let request = Request::new(&tool, arguments);
                let verdict = workspace.decide(&plan, &request).unwrap();
                let allowed = matches!(verdict, Verdict::Allow(_));
                assert_eq!(
                    ask.call(&tool, arguments).is_allowed(),
                    allowed,
                    "{constraint}, {tool}, {arguments}"
                );
                *seen.entry(allowed).or_insert(0) += 1;
            }
        }
    }
    assert!(seen[&true] > 250 && seen[&false] > 1000, "{seen:?}");
}

#[test]
fn a_condition_about_something_else_or_nothing_is_never_true_and_neither_is_its_negation() {
    let ask = Ask::new::<Conditions>();
    for (index, (constraint, _)) in PAIRS.iter().enumerate() {
        if constraint.starts_with("present") {
            continue;
        }
        for tool in [index.to_string(), format!("not {index}")] {
            assert!(ask.call(&tool, "{}").is_denied(), "{tool}: {constraint}");
        }
    }
}

/// Says what it was asked to.
struct Narrows;

impl Check for Narrows {
    fn check(call: &Call<'_>, granted: &Granted<'_>) -> Result<Narrowed, Denial> {
        assert!(
            !call.tool().starts_with("deny"),
            "the check was asked about a call that the policy denies"
        );
        assert_eq!(
            granted.needs_approval(),
            call.tool().starts_with("approval")
        );
        assert_eq!(granted.role(), call.arg("role").text()?);
        match call.arg("say").text()?.as_ref() {
            "keep" => Ok(Narrowed::Keep),
            "approval" => Ok(Narrowed::NeedsApproval),
            other => Err(Denial::because(other)),
        }
    }
}

fn narrowed(roles: &[&str], tool: &str, arguments: &str) -> Result<Verdict, Error> {
    static PLAN: OnceLock<Vec<u8>> = OnceLock::new();
    let plan = PLAN.get_or_init(|| {
        compiled(
            "roles:\n  default:\n    tools:\n      allow it: { mode: allow }\n      deny it: { mode: deny }\n  \
             clerk:\n    tools:\n      allow it: { mode: allow }\n      approval first: { mode: approval_required }\n      deny it: { mode: deny }\n",
        )
    });
    exported::narrowed::<Narrows>(plan, &Request::new(tool, arguments).roles(roles))
}

#[test]
fn a_check_narrows_and_never_widens() {
    // What the policy says, what the check says, what comes of it.
    for (tool, say, expected) in [
        ("allow it", "keep", "allow"),
        ("allow it", "approval", "approval"),
        ("allow it", "no", "deny"),
        ("approval first", "keep", "approval"),
        ("approval first", "approval", "approval"),
        ("approval first", "no", "deny"),
        ("deny it", "keep", "deny"),
        ("deny it", "approval", "deny"),
        ("deny it", "no", "deny"),
        ("unheard of", "keep", "deny"),
    ] {
        let arguments = format!(r#"{{"say": "{say}", "role": "clerk"}}"#);
        let verdict = narrowed(&["stranger", "clerk"], tool, &arguments).unwrap();
        let outcome = match &verdict {
            Verdict::Allow(grant) => {
                assert_eq!(grant.role, Some(1));
                "allow"
            }
            Verdict::NeedsApproval(needed) => {
                assert_eq!(needed.grant.role, Some(1));
                "approval"
            }
            Verdict::Deny(denial) => {
                assert!(
                    denial.reason.starts_with("Policy denied tool \""),
                    "{denial:?}"
                );
                "deny"
            }
        };
        assert_eq!(outcome, expected, "{tool} {say}");
    }
    let verdict = narrowed(&[], "allow it", r#"{"say": "keep", "role": "default"}"#).unwrap();
    assert!(matches!(verdict, Verdict::Allow(grant) if grant.role.is_none()));
}

#[test]
fn a_request_is_refused_as_every_engine_refuses_it() {
    for arguments in [
        "",
        "[]",
        "{\"a\":1,\"a\":2}",
        "{} {}",
        "{\"a\":01}",
        "\u{feff}{}",
    ] {
        assert!(matches!(
            narrowed(&[], "allow it", arguments),
            Err(Error::Malformed { .. })
        ));
        let answer = Ask::new::<Conditions>().call("0", arguments);
        assert!(matches!(answer.verdict(), Err(Error::Malformed { .. })));
        assert!(answer.is_denied() && !answer.is_allowed() && !answer.needs_approval());
    }
    let long = format!("{{\"a\": \"{}\"}}", "x".repeat(1 << 20));
    for verdict in [
        narrowed(&[], "allow it", &long),
        Ask::new::<Conditions>().call("0", &long).verdict().cloned(),
    ] {
        assert!(
            matches!(
                verdict,
                Err(Error::Exceeded(Exceeded {
                    limit: "arguments-bytes",
                    ..
                }))
            ),
            "{verdict:?}"
        );
    }
    assert!(matches!(
        Ask::new::<Conditions>()
            .facts(r#"{"other": 1}"#)
            .call("0", "{}")
            .verdict(),
        Err(Error::Malformed { .. })
    ));
    let damaged = exported::narrowed::<Narrows>(b"no plan", &Request::new("t", "{}"));
    assert!(matches!(damaged, Err(Error::Internal(_))));
}

/// Looks at everything that a call has.
struct Looks;

impl Policy for Looks {
    fn decide<'c>(call: &Call<'c>) -> Result<Permit<'c>, Denial> {
        let names: Vec<&str> = call.roles().map(|role| role.name()).collect();
        require!(names == ["a", "b", "a"], call.role("c").is_none());
        let arguments = call.args();
        require!(arguments.kind() == Kind::Object);
        let members: Vec<String> = arguments
            .members()?
            .map(|(name, _)| name.into_owned())
            .collect();
        require!(members == ["text", "list", "whole"]);
        require!(
            call.arg("text").text()? == "a\nb",
            call.arg("whole").number()? == "1.50e1"
        );
        require!(
            call.arg("whole").integer()? == 15,
            !call.user().get("blocked").boolean()?
        );
        let sum: i64 = call
            .arg("list")
            .elements()?
            .flat_map(|element| element.integer())
            .sum();
        require!(
            sum == 6,
            call.ctx().get("env").is("prod"),
            call.run().kind() == Kind::Absent
        );
        require!(
            call.usage().get("tool_calls_24h").at_most(9),
            call.user_usage().get("tokens_1h").at_most(9),
            call.said().get("emails").any(|it| it.is("a@b.c"))
        );
        let role = call.role("b").ok_or_else(|| Denial::because("b"))?;
        Ok(Permit::needs_approval().by(role))
    }
}

export!(Looks);

#[test]
fn everything_in_a_call_can_be_asked() {
    let answer = Ask::new::<Looks>()
        .role("a")
        .role("b")
        .role("a")
        .facts(
            r#"{"user": {"blocked": false}, "ctx": {"env": "prod"}, "usage": {"tool_calls_24h": 9},
                "user_usage": {"tokens_1h": 1}, "said": {"emails": ["a@b.c"]}}"#,
        )
        .call(
            "t",
            r#"{"text": "a\nb", "list": [1, 2, 3], "whole": 1.50e1}"#,
        );
    match answer.verdict() {
        Ok(Verdict::NeedsApproval(needed)) => assert_eq!(needed.grant.role, Some(1)),
        other => panic!("{other:?}"),
    }
    let denied = Ask::new::<Looks>().role("a").call("t", "{}");
    assert_eq!(
        denied.reason(),
        r#"Policy denied tool "t": names == ["a", "b", "a"]"#
    );
}

/// Asks for what is not there.
struct Mistaken;

impl Policy for Mistaken {
    fn decide<'c>(call: &Call<'c>) -> Result<Permit<'c>, Denial> {
        let x = call.arg("x");
        match call.tool() {
            "text" => x.text().map(drop)?,
            "number" => x.number().map(drop)?,
            "integer" => x.integer().map(drop)?,
            "boolean" => x.boolean().map(drop)?,
            "elements" => x.elements().map(drop)?,
            "members" => x.members().map(drop)?,
            _ => {}
        }
        Ok(Permit::allow())
    }
}

export!(Mistaken);

#[test]
fn what_is_absent_or_of_another_kind_is_a_denial_that_says_so() {
    let ask = Ask::new::<Mistaken>();
    for (tool, arguments, expected) in [
        ("text", "{}", "`x` must be a text (it is absent)"),
        (
            "number",
            r#"{"x": "5"}"#,
            "`x` must be a number (it is a text)",
        ),
        (
            "integer",
            r#"{"x": 0.5}"#,
            "`x` must be a whole number of 64 bits (it is a number)",
        ),
        (
            "boolean",
            r#"{"x": null}"#,
            "`x` must be a boolean (it is null)",
        ),
        (
            "elements",
            r#"{"x": {}}"#,
            "`x` must be a list (it is an object)",
        ),
        (
            "members",
            r#"{"x": [true]}"#,
            "`x` must be an object (it is a list)",
        ),
    ] {
        let reason = format!("Policy denied tool \"{tool}\": {expected}");
        assert_eq!(ask.call(tool, arguments).reason(), reason);
    }
}

#[test]
fn a_long_reason_is_cut_and_control_over_it_gives_no_verdict() {
    struct Long;
    impl Policy for Long {
        fn decide<'c>(_: &Call<'c>) -> Result<Permit<'c>, Denial> {
            Err(Denial::because("ä".repeat(10_000)))
        }
    }
    export!(Long);
    let answer = Ask::new::<Long>().call("t", "{}");
    assert!(answer.is_denied() && answer.reason().len() <= 4096);
}

#[test]
fn a_plan_of_another_source_is_told_from_the_right_one() {
    let yaml = "tools: {}\n";
    let plan = compiled(yaml);
    assert!(exported::is_compiled_from(&plan, yaml.as_bytes()));
    assert!(exported::is_compiled_from(
        &plan,
        "\u{feff}tools: {}\n".as_bytes()
    ));
    assert!(!exported::is_compiled_from(&plan, b"tools: {} \n"));
    assert!(!exported::is_compiled_from(&plan[..60], yaml.as_bytes()));
    assert!(!exported::is_compiled_from(b"", yaml.as_bytes()));
}

const LEAD: Terms = Terms::new().roles(&["lead"]).expires(3600).approvers(2);
const OTHER: Terms = Terms::new().reason_required(true);

/// Asks and denies with words for the model.
struct Tells;

impl Policy for Tells {
    const TERMS: &'static [Terms] = &[OTHER, LEAD];

    fn decide<'c>(call: &Call<'c>) -> Result<Permit<'c>, Denial> {
        const UNLISTED: Terms = Terms::new().approvers(3);
        match call.tool() {
            "ask" => Ok(Permit::needs_approval()
                .on(&LEAD)
                .message("A lead\nis asked.")),
            "ask on others" => Ok(Permit::needs_approval().on(&UNLISTED)),
            "allow" => Ok(Permit::allow().on(&LEAD).message("unheard")),
            _ => Err(Denial::because("why").message(&"ö".repeat(300))),
        }
    }
}

export!(Tells);

#[test]
fn a_policy_tells_the_model_and_says_who_has_to_agree() {
    let ask = Ask::new::<Tells>();
    let answer = ask.call("ask", "{}");
    assert_eq!(answer.message(), Some("A lead is asked."));
    let Ok(Verdict::NeedsApproval(needed)) = answer.verdict() else {
        panic!("{answer:?}");
    };
    assert_eq!(needed.terms, Some(1));
    // Terms that nobody can look up are not asked on.
    let others = ask.call("ask on others", "{}");
    assert!(others.is_denied() && !others.needs_approval());
    assert!(others.reason().contains("`TERMS`"), "{}", others.reason());
    let allowed = ask.call("allow", "{}");
    assert!(allowed.is_allowed() && allowed.message().is_none());
    let denied = ask.call("no", "{}");
    assert_eq!(denied.message(), Some("ö".repeat(250).as_str()));
    assert_eq!(denied.reason(), r#"Policy denied tool "no": why"#);
}

#[test]
fn terms_that_nobody_can_fulfil_do_not_compile() {
    assert!(exported::are_possible(&[
        LEAD,
        OTHER,
        Terms::new().approvers(8)
    ]));
    for impossible in [
        Terms::new().approvers(0),
        Terms::new().approvers(9),
        Terms::new().expires(0),
    ] {
        assert!(!exported::are_possible(&[LEAD, impossible]));
    }
}

/// Asks for every call.
struct AsksToo;

impl Check for AsksToo {
    const TERMS: &'static [Terms] = &[LEAD];

    fn check(_: &Call<'_>, _: &Granted<'_>) -> Result<Narrowed, Denial> {
        Ok(Narrowed::NeedsApprovalWith {
            terms: Some(&LEAD),
            message: Some("by the check"),
        })
    }
}

#[test]
fn the_terms_of_the_yaml_policy_go_before_those_of_a_check() {
    let policy = Compiler::default()
        .compile_str(
            "p.yaml",
            r#"
tools:
  own: { mode: approval_required, approval: { approvers: 3 }, message: "by the policy" }
  plain: { mode: approval_required }
  open: { mode: allow }
"#,
        )
        .policy
        .unwrap();
    let ask = |tool| {
        let request = Request::new(tool, "{}");
        match exported::narrowed::<AsksToo>(&policy.plan, &request) {
            Ok(Verdict::NeedsApproval(needed)) => (needed.terms, needed.message.unwrap()),
            other => panic!("{other:?}"),
        }
    };
    assert_eq!(ask("own"), (Some(0), "by the policy".into()));
    assert_eq!(ask("plain"), (Some(1), "by the check".into()));
    assert_eq!(ask("open"), (Some(1), "by the check".into()));
}
