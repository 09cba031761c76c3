//! `hexgate policy test --explain`

use insta::assert_snapshot;

use crate::fixture::Fixture;

/// A policy with one tool `t` of one constraint, and what the explanation asks for.
fn needs(constraint: &str, args: &str) -> String {
    needs_with(constraint, args, &[])
}

fn needs_with(constraint: &str, args: &str, more: &[&str]) -> String {
    let quoted = constraint.replace('\'', "''");
    let policy = format!("tools:\n  t:\n    mode: allow\n    constraints:\n      - '{quoted}'\n");
    let fixture = Fixture::empty().with("policy.yaml", policy);
    let mut arguments = vec![
        "test",
        "policy.yaml",
        "--tool",
        "t",
        "--args",
        args,
        "--explain",
    ];
    arguments.extend(more);
    let shown = fixture.run_of(&arguments);
    let needs = shown
        .split_once("  to pass:\n")
        .unwrap_or_else(|| panic!("{shown}"))
        .1;
    let lines: Vec<&str> = needs
        .lines()
        .map(|line| line.strip_prefix("    ").unwrap())
        .collect();
    lines.join("\n")
}

#[test]
fn shows_the_value_of_every_part() {
    let fixture = Fixture::new();
    assert_snapshot!(fixture.explain("refund_order", r#"{"amount": 700, "currency": "USD", "note": 1}"#), @r#"
    role `billing`: the tool is listed, mode allow
      ✗ false      only(args, ["amount", "currency"])
                   args = {"amount": 700, "currency": "USD", "note": 1}
      ✓ true       args.amount > 0
                   args.amount = 700
      ✗ false      args.amount <= consts.cap
                   args.amount = 700
      ✓ true       args.currency in ["USD", "EUR"]
                   args.currency = "USD"
      to pass:
        • `args` may have no members but `amount`, `currency`: leave out `note`
        • `args.amount` must be at most 500 (it is 700)
    "#);
    assert_snapshot!(fixture.explain("refund_order", r#"{"amount": 20, "currency": "USD"}"#), @r#"
    role `billing`: the tool is listed, mode allow
      ✓ true       only(args, ["amount", "currency"])
                   args = {"amount": 20, "currency": "USD"}
      ✓ true       args.amount > 0
                   args.amount = 20
      ✓ true       args.amount <= consts.cap
                   args.amount = 20
      ✓ true       args.currency in ["USD", "EUR"]
                   args.currency = "USD"
    "#);
    assert_snapshot!(fixture.explain("drop_table", "{}"), @r"
    role `billing`: the tool is listed, mode deny
      to pass:
        • the mode of the rule is `deny`, for all arguments; no role of this policy permits the tool
    ");
    assert_snapshot!(fixture.explain("unknown_tool", "{}"), @r"
    role `billing`: the tool is not listed, the rule for unlisted tools applies, mode deny
      to pass:
        • the role does not list this tool, and denies unlisted tools; no role of this policy permits the tool
    ");
    assert_snapshot!(fixture.explain("read_file", r#"{"file_path": "src/.env"}"#), @r#"
    role `billing`: the tool is listed, mode allow
      ✓ true       only(args, ["file_path"])
                   args = {"file_path": "src/.env"}
      ✗ false      file scope on `file_path`
                   args.file_path = "src/.env"
                   allowed: src/**
                   denied: .env
      to pass:
        • the argument `file_path` must not be covered by the denied `.env` (it is "src/.env")
    "#);
    assert_snapshot!(fixture.explain("wire_transfer", r#"{"amount": "5"}"#), @r#"
    role `billing`: the tool is listed, mode approval_required
      ✓ true       only(args, ["amount"])
                   args = {"amount": "5"}
      ? undefined  args.amount > 0
                   args.amount = "5"
      ? undefined  args.amount <= 100000
                   args.amount = "5"
      to reach approval:
        • `args.amount` must be a number, more than 0 (it is "5")
        • `args.amount` must be a number, at most 100000 (it is "5")
    "#);
}

#[test]
fn shows_trees_of_conditions() {
    let policy = "tools:\n  t:\n    mode: allow\n    constraints:\n      - args.a == 1 and (args.b == 2 or not (args.c == 3 and present(args.d)))\n      - every(args.items, .price <= 10 and any(.tags, . == \"ok\"))\n";
    let fixture = Fixture::empty().with("policy.yaml", policy);
    let args = r#"{"a": 1, "c": 3, "d": 0, "items": [{"price": 5, "tags": ["ok"]}, {"price": 20, "tags": []}]}"#;
    let shown = fixture.run_of(&[
        "test",
        "policy.yaml",
        "--tool",
        "t",
        "--args",
        args,
        "--explain",
    ]);
    assert_snapshot!(shown, @r#"
    exit 1
    ✗ DENY · default → t({"a": 1, "c": 3, "d": 0, "items": [{"price": 5, "tags": ["ok"]}, {"price": 20, "tags": []}]})
      reason: Policy denied tool "t": args.a == 1 and (args.b == 2 or not (args.c == 3 and present(args.d))); every(args.items, .price <= 10 and any(.tags, . == "ok"))
      violations:
        • args.a == 1 and (args.b == 2 or not (args.c == 3 and present(args.d)))
        • every(args.items, .price <= 10 and any(.tags, . == "ok"))

    role `default`: the tool is listed, mode allow
      ? undefined  args.a == 1 and (args.b == 2 or not (args.c == 3 and present(args.d)))
        ✓ true       args.a == 1
                     args.a = 1
        ? undefined  (args.b == 2 or not (args.c == 3 and present(args.d)))
          ? undefined  args.b == 2
                       args.b = absent
          ✗ false      not (args.c == 3 and present(args.d))
            ✓ true       (args.c == 3 and present(args.d))
              ✓ true       args.c == 3
                           args.c = 3
              ✓ true       present(args.d)
                           args.d = 0
      ✗ false      every(args.items, .price <= 10 and any(.tags, . == "ok"))
                   args.items = [{"price": 5, "tags": ["ok"]}, {"price": 20, "tags": []}]
        ✓ true       .price <= 10 and any(.tags, . == "ok")
          ✓ true       .price <= 10
                       .price = 5
          ✓ true       any(.tags, . == "ok")
                       .tags = ["ok"]
            ✓ true       . == "ok"
                         . = "ok"
        ✗ false      .price <= 10 and any(.tags, . == "ok")
          ✗ false      .price <= 10
                       .price = 20
          ✗ false      any(.tags, . == "ok")
                       .tags = []
      to pass:
        • one of:
          • `args.b` must be 2 (it is absent)
          • one of:
            • `args.c` must be a number other than 3 (it is 3)
            • `args.d` must be left out (it is 0)
        • for each element of `args.items`, `.price <= 10 and any(.tags, . == "ok")` must be true
          • all of:
            • `.price` of element 2 must be at most 10 (it is 20)
            • add an element to `.tags` of element 2 for which `. == "ok"` is true
    "#);
}

#[test]
fn comparisons_say_what_the_value_must_be() {
    assert_snapshot!(needs("args.a <= 5", r#"{"a": 7}"#), @"• `args.a` must be at most 5 (it is 7)");
    assert_snapshot!(needs("5 > args.a", r#"{"a": 7}"#), @"• `args.a` must be less than 5 (it is 7)");
    assert_snapshot!(needs("args.a <= 5", r#"{"a": "7"}"#), @r#"• `args.a` must be a number, at most 5 (it is "7")"#);
    assert_snapshot!(needs("args.a <= 5", "{}"), @"• `args.a` must be a number, at most 5 (it is absent)");
    assert_snapshot!(needs("args.a == \"x\"", r#"{"a": 1.50}"#), @r#"• `args.a` must be "x" (it is 1.50)"#);
    assert_snapshot!(needs("args.a != \"x\"", r#"{"a": "x"}"#), @r#"• `args.a` must be a string other than "x" (it is "x")"#);
    assert_snapshot!(needs("args.a != true", "{}"), @"• `args.a` must be false (it is absent)");
    assert_snapshot!(needs("args.a == null", r#"{"a": 1}"#), @"• `args.a` must be null (it is 1)");
    assert_snapshot!(needs("args.a != null", r#"{"a": null}"#), @"• `args.a` must be given and not be null (it is null)");
    assert_snapshot!(needs("args.a < \"m\"", r#"{"a": "z"}"#), @r#"• `args.a` must be sorted before "m" (it is "z")"#);
    assert_snapshot!(needs("args.a == args.b", r#"{"a": 1}"#), @"• `args.a` must be equal to `args.b`, both of one type (they are 1 and absent)");
    assert_snapshot!(needs("args.a < args.b", r#"{"a": 2, "b": 1}"#), @"• `args.a` must be less than `args.b`, both numbers or both strings (they are 2 and 1)");
    assert_snapshot!(needs("count(args.a) <= 2", r#"{"a": [1, 2, 3]}"#), @"• `args.a` must have at most 2 elements (it is [1, 2, 3])");
    assert_snapshot!(needs("count(args.a) <= 2", r#"{"a": "größe"}"#), @r#"• `args.a` must have at most 2 characters (it is "größe")"#);
    assert_snapshot!(needs("count(args.a) <= 2", r#"{"a": 5}"#), @"• `args.a` must be a list, an object or a string whose count is at most 2 (it is 5)");
    assert_snapshot!(needs("count(args.a) == args.n", r#"{"a": [], "n": 1}"#), @"• the count of `args.a` must be equal to `args.n`, both of one type (they are 0 and 1)");
    assert_snapshot!(needs("role == \"admin\"", "{}"), @r#"• `role` must be "admin" (it is "default", and no argument changes that)"#);
}

#[test]
fn calls_say_what_the_value_must_be() {
    assert_snapshot!(needs("args.a in [\"x\", \"y\"]", r#"{"a": "z"}"#), @r#"• `args.a` must be one of "x", "y" (it is "z")"#);
    assert_snapshot!(needs("args.a not in [\"x\", 1]", r#"{"a": true}"#), @r#"• `args.a` must be a string or a number other than "x", 1 (it is true)"#);
    assert_snapshot!(needs("startswith(args.a, \"/tmp/\")", r#"{"a": "/etc"}"#), @r#"• `args.a` must begin with "/tmp/" (it is "/etc")"#);
    assert_snapshot!(needs("not contains(args.a, \"..\")", "{}"), @r#"• `args.a` must be a string, and not contain ".." (it is absent)"#);
    assert_snapshot!(needs("not endswith(args.a, \".exe\")", r#"{"a": "x.exe"}"#), @r#"• `args.a` must not end with ".exe" (it is "x.exe")"#);
    assert_snapshot!(needs("matches(args.a, \"^[a-z]+$\")", r#"{"a": "A"}"#), @r#"• `args.a` must match `^[a-z]+$` (it is "A")"#);
    assert_snapshot!(needs("present(args.a.b)", r#"{"a": 1}"#), @"• `args.a.b` must be given (it is absent)");
    assert_snapshot!(needs("not present(args.a)", r#"{"a": null}"#), @"• `args.a` must be left out (it is null)");
    assert_snapshot!(needs("only(args, [\"a\"])", r#"{"a": 1, "b": 2, "c\"d": 3}"#), @r#"• `args` may have no members but `a`: leave out `b`, `c"d`"#);
    assert_snapshot!(needs("only(args.o, [\"a\"])", r#"{"o": []}"#), @"• `args.o` must be an object with no members but `a` (it is [])");
    assert_snapshot!(needs("args[\"two words\"] == 1", "{}"), @r#"• `args["two words"]` must be 1 (it is absent)"#);
}

#[test]
fn alternatives_and_negations_ask_for_no_more_than_needed() {
    assert_snapshot!(needs("args.a == 1 or args.b == 2", "{}"), @r"
    • one of:
      • `args.a` must be 1 (it is absent)
      • `args.b` must be 2 (it is absent)
    ");
    assert_snapshot!(needs("args.a == 1 and args.b == 2", r#"{"a": 1}"#), @"• `args.b` must be 2 (it is absent)");
    assert_snapshot!(needs("not (args.a == 1 and args.b == 2)", r#"{"a": 1, "b": 2}"#), @r"
    • one of:
      • `args.a` must be a number other than 1 (it is 1)
      • `args.b` must be a number other than 2 (it is 2)
    ");
    assert_snapshot!(needs("not (args.a == 1 or args.b == 2)", r#"{"a": 1, "b": 3}"#), @"• `args.a` must be a number other than 1 (it is 1)");
    assert_snapshot!(needs("(args.a == 1 and args.b == 2) or args.c == 3", r#"{"c": 4}"#), @r"
    • one of:
      • all of:
        • `args.a` must be 1 (it is absent)
        • `args.b` must be 2 (it is absent)
      • `args.c` must be 3 (it is 4)
    ");
}

#[test]
fn lists_are_explained_element_by_element() {
    assert_snapshot!(needs("every(args.l, . <= 2)", r#"{"l": [1, 3, "x"]}"#), @r"
    • for each element of `args.l`, `. <= 2` must be true
      • `.` of element 2 must be at most 2 (it is 3)
    ");
    assert_snapshot!(needs("every(args.l, . <= 2)", r#"{"l": ["x", 1]}"#), @r#"
    • for each element of `args.l`, `. <= 2` must be true
      • `.` of element 1 must be a number, at most 2 (it is "x")
    "#);
    assert_snapshot!(needs("any(args.l, .k == 2)", r#"{"l": [{"k": 1}, {}]}"#), @r"
    • one of:
      • `.k` of element 1 must be 2 (it is 1)
      • `.k` of element 2 must be 2 (it is absent)
      • add an element to `args.l` for which `.k == 2` is true
    ");
    assert_snapshot!(needs("any(args.l, .k == 2)", r#"{"l": []}"#), @"• add an element to `args.l` for which `.k == 2` is true");
    assert_snapshot!(needs("not any(args.l, . == 2)", r#"{"l": [1, 2]}"#), @r"
    • for each element of `args.l`, `. == 2` must be false
      • `.` of element 2 must be a number other than 2 (it is 2)
    ");
    assert_snapshot!(needs("not every(args.l, . == 2)", r#"{"l": [2, 2]}"#), @r"
    • one of:
      • `.` of element 1 must be a number other than 2 (it is 2)
      • `.` of element 2 must be a number other than 2 (it is 2)
      • add an element to `args.l` for which `. == 2` is false
    ");
    assert_snapshot!(needs("every(args.l, . <= 2)", "{}"), @"• `args.l` must be a list; for each element `. <= 2` must be true (it is absent)");
    assert_snapshot!(needs("any(args.l, . <= 2)", r#"{"l": {}}"#), @"• `args.l` must be a list with an element for which `. <= 2` is true (it is {})");
    let many = format!("{{\"l\": [{}9]}}", "1, ".repeat(20));
    assert_snapshot!(needs("every(args.l, . <= 2)", &many), @r"
    • for each element of `args.l`, `. <= 2` must be true
      • in an element behind the first 16 of `args.l`, `. <= 2` must be true
    ");
}

#[test]
fn facts_are_explained_too() {
    assert_snapshot!(needs_with("ctx.env == \"dev\"", "{}", &["--facts", r#"{"ctx": {"env": "prod"}}"#]), @r#"• `ctx.env` must be "dev" (it is "prod")"#);
    assert_snapshot!(needs("user.mfa == true", "{}"), @"• `user.mfa` must be true (it is absent)");
}

#[test]
fn several_roles_are_explained_one_by_one() {
    let fixture = Fixture::new();
    assert_snapshot!(fixture.run("test policy.yaml --roles support,billing --tool refund_order --explain"), @r#"
    exit 1
    ✗ DENY · [support, billing] → refund_order({})
      reason: denied for all roles ["support", "billing"]: support: Policy denied tool "refund_order" (no allow rule matched for role "support"); billing: Policy denied tool "refund_order": args.amount > 0; args.amount <= consts.cap; args.currency in ["USD", "EUR"]
      violations:
        • args.amount > 0
        • args.amount <= consts.cap
        • args.currency in ["USD", "EUR"]

    role `support`: the tool is not listed, the rule for unlisted tools applies, mode deny
      to pass:
        • the role does not list this tool, and denies unlisted tools; call with one of the roles that permit it: `billing` (allow)

    role `billing`: the tool is listed, mode allow
      ✓ true       only(args, ["amount", "currency"])
                   args = {}
      ? undefined  args.amount > 0
                   args.amount = absent
      ? undefined  args.amount <= consts.cap
                   args.amount = absent
      ? undefined  args.currency in ["USD", "EUR"]
                   args.currency = absent
      to pass:
        • `args.amount` must be a number, more than 0 (it is absent)
        • `args.amount` must be a number, at most 500 (it is absent)
        • `args.currency` must be one of "USD", "EUR" (it is absent)
    "#);
}

#[test]
fn a_caller_for_whom_no_role_decides_is_told() {
    let fixture = Fixture::empty().with(
        "policy.yaml",
        "roles:\n  support:\n    tools:\n      ping: { mode: allow }\n",
    );
    assert_snapshot!(fixture.run("test policy.yaml --tool ping --explain"), @r#"
    exit 1
    ✗ DENY · default → ping({})
      reason: Policy denied tool "ping" (no allow rule matched for role "default")

    the caller has no role, and there is no role `default`, so no rule applies; call with one of `support`
    "#);
}

#[test]
fn closed_names_are_explained() {
    let fixture = Fixture::empty().with("policy.yaml", "roles:\n  default:\n    default_policy: { mode: allow }\n  runner:\n    tools:\n      agent.run: { mode: allow }\n");
    assert_snapshot!(fixture.run("test policy.yaml --tool agent.run --explain"), @r#"
    exit 1
    ✗ DENY · default → agent.run({})
      reason: Policy denied tool "agent.run" (no allow rule matched for role "default")

    role `default`: the tool is not listed, and its name is closed, mode deny
      to pass:
        • the role does not list this tool, and a name with this prefix is denied unless it is listed; call with one of the roles that permit it: `runner` (allow)
    "#);
}

#[test]
fn a_bundle_is_explained_as_its_policy_is() {
    let fixture = Fixture::new().with_bundle();
    let explain = |subject: &str| {
        let args = r#"{"amount": 700}"#;
        let output = fixture
            .command_of(&[
                "test",
                subject,
                "--role",
                "billing",
                "--tool",
                "refund_order",
                "--args",
                args,
                "--explain",
            ])
            .output()
            .unwrap();
        String::from_utf8(output.stdout).unwrap()
    };
    assert_eq!(explain("policy.yaml"), explain("dist"));
    // A bare component has no source: constants are known by their names only.
    std::fs::copy(fixture.path("dist/policy.wasm"), fixture.path("bare.wasm")).unwrap();
    let bare = explain("bare.wasm");
    assert!(
        bare.contains("`args.amount <= consts.cap` must be true")
            && bare.contains("`args.currency` must be one of"),
        "{bare}"
    );
}

#[test]
fn programs_get_the_explanation_as_json() {
    let fixture = Fixture::new();
    let json = fixture.json(&[
        "test",
        "policy.yaml",
        "--role",
        "billing",
        "--tool",
        "refund_order",
        "--args",
        r#"{"amount": 700, "currency": "USD"}"#,
        "--explain",
        "--json",
    ]);
    let role = &json["explanation"]["roles"][0];
    assert_eq!(
        (&role["role"], &role["rule"], &role["holds"]),
        (&"billing".into(), &"listed".into(), &false.into())
    );
    assert_eq!(role["constraints"][2]["value"], "false");
    assert_eq!(role["constraints"][2]["operands"][0]["value"], "700");
    assert_eq!(
        role["needs"][0]["do"],
        "`args.amount` must be at most 500 (it is 700)"
    );
}

/// A call that is changed as the explanation asks passes, and then nothing is asked for.
#[test]
fn what_is_asked_for_is_enough() {
    for (constraint, fails, passes) in [
        (
            "args.a > 5 and args.b == \"x\"",
            r#"{"a": 5, "b": "y"}"#,
            r#"{"a": 6, "b": "x"}"#,
        ),
        ("args.a in [1, null]", r#"{"a": "x"}"#, r#"{"a": null}"#),
        ("args.a not in [\"x\"]", r#"{"a": 5}"#, r#"{"a": "y"}"#),
        (
            "count(args.a) >= 2",
            r#"{"a": {"x": 1}}"#,
            r#"{"a": {"x": 1, "y": 2}}"#,
        ),
        ("not (args.a < 5)", r#"{"a": 4}"#, r#"{"a": 5}"#),
        ("every(args.l, . != 3)", r#"{"l": [3]}"#, r#"{"l": [4]}"#),
        ("not present(args.a)", r#"{"a": 1}"#, "{}"),
    ] {
        let asked = needs(constraint, fails);
        assert!(asked.starts_with("• "), "{constraint}: {asked}");
        let policy =
            format!("tools:\n  t:\n    mode: allow\n    constraints:\n      - '{constraint}'\n");
        let shown = Fixture::empty().with("policy.yaml", policy).run_of(&[
            "test",
            "policy.yaml",
            "--tool",
            "t",
            "--args",
            passes,
            "--explain",
        ]);
        assert!(
            shown.starts_with("exit 0\n✓ ALLOW") && !shown.contains("to pass"),
            "{constraint}: {shown}"
        );
    }
}
