//! `hexgate policy test`, one call.

use insta::assert_snapshot;

use crate::fixture::Fixture;

#[test]
fn shows_the_three_outcomes() {
    let fixture = Fixture::new();
    assert_snapshot!(fixture.call("refund_order", r#"{"amount": 200, "currency": "USD"}"#), @r#"
    exit 0
    ✓ ALLOW · billing → refund_order({"amount": 200, "currency": "USD"})
    "#);
    assert_snapshot!(fixture.call("wire_transfer", r#"{"amount": 200}"#), @r#"
    exit 0
    ⚠ APPROVAL_REQUIRED · billing → wire_transfer({"amount": 200})
      reason: Policy requires approval for tool "wire_transfer"
    "#);
    assert_snapshot!(fixture.call("refund_order", r#"{"amount": 700, "currency": "GBP"}"#), @r#"
    exit 1
    ✗ DENY · billing → refund_order({"amount": 700, "currency": "GBP"})
      reason: Policy denied tool "refund_order": args.amount <= consts.cap; args.currency in ["USD", "EUR"]
      violations:
        • args.amount <= consts.cap
        • args.currency in ["USD", "EUR"]
    "#);
    assert_snapshot!(fixture.call("drop_table", "{}"), @r#"
    exit 1
    ✗ DENY · billing → drop_table({})
      reason: Policy denied tool "drop_table"
    "#);
    assert_snapshot!(fixture.call("read_file", r#"{"file_path": "/etc/passwd"}"#), @r#"
    exit 1
    ✗ DENY · billing → read_file({"file_path": "/etc/passwd"})
      reason: Policy denied tool "read_file" for the requested path
      hint: {"allowed_paths":["src/**"],"denied_paths":[".env"]}
    "#);
}

#[test]
fn names_the_caller() {
    let fixture = Fixture::new();
    assert_snapshot!(fixture.run("test policy.yaml --tool refund_order"), @r#"
    exit 1
    ✗ DENY · default → refund_order({})
      reason: Policy denied tool "refund_order" (no allow rule matched for role "default")
    "#);
    assert_snapshot!(fixture.run("test policy.yaml --roles support,billing --tool view_orders"), @r"
    exit 0
    ✓ ALLOW · [support, billing] → view_orders({})
    ");
    assert_snapshot!(fixture.run("test policy.yaml --roles support,billing --tool nothing"), @r#"
    exit 1
    ✗ DENY · [support, billing] → nothing({})
      reason: denied for all roles ["support", "billing"]: support: Policy denied tool "nothing" (no allow rule matched for role "support"); billing: Policy denied tool "nothing" (no allow rule matched for role "billing")
    "#);
}

#[test]
fn a_role_that_the_policy_does_not_know_is_decided_as_the_runtime_would() {
    let fixture = Fixture::new();
    assert_snapshot!(fixture.run("test policy.yaml --role biling --tool view_orders"), @r#"
    exit 1
    ✗ DENY · biling → view_orders({})
      reason: Policy denied tool "view_orders" (no allow rule matched for role "default")
    --- stderr
    note: the policy does not know the role `biling`: the role `default` decides (known roles: `billing`, `default`, `support`)
    "#);
    assert_snapshot!(fixture.run("test policy.yaml --roles ghost,support --tool view_orders"), @r"
    exit 0
    ✓ ALLOW · [ghost, support] → view_orders({})
    --- stderr
    note: the policy does not know the role `ghost`: the caller's other roles decide (known roles: `billing`, `default`, `support`)
    ");
    let fixture = Fixture::empty().with(
        "policy.yaml",
        "roles:\n  support:\n    tools:\n      ping: { mode: allow }\n",
    );
    assert_snapshot!(fixture.run("test policy.yaml --role ghost --tool ping"), @r#"
    exit 1
    ✗ DENY · ghost → ping({})
      reason: Policy denied tool "ping" (no allow rule matched for role "default")
    --- stderr
    note: the policy does not know the role `ghost`: it has no role `default`, so everything is denied (known roles: `support`)
    "#);
}

#[test]
fn arguments_are_shown_sorted_and_decided_exactly() {
    let fixture = Fixture::new();
    let big = r#"{"currency":"USD",  "amount": 500.000000000000000000000000001}"#;
    assert_snapshot!(fixture.call("refund_order", big), @r#"
    exit 1
    ✗ DENY · billing → refund_order({"amount": 500.000000000000000000000000001, "currency": "USD"})
      reason: Policy denied tool "refund_order": args.amount <= consts.cap
      violations:
        • args.amount <= consts.cap
    "#);
    let json = fixture.json(&[
        "test",
        "policy.yaml",
        "--role",
        "billing",
        "--tool",
        "refund_order",
        "--args",
        big,
        "--json",
    ]);
    assert_eq!(json["arguments"], big);
}

#[test]
fn arguments_can_come_from_a_file_or_the_standard_input() {
    let fixture = Fixture::new()
        .with("call.json", "{\"amount\": 5,\n \"currency\": \"EUR\"}\n")
        .with("facts.json", "{\"ctx\": {}}");
    let allowed =
        "exit 0\n✓ ALLOW · billing → refund_order({\"amount\": 5, \"currency\": \"EUR\"})\n";
    assert_eq!(fixture.run("test policy.yaml --role billing --tool refund_order --args @call.json --facts @facts.json"), allowed);
    let input = r#"{"amount": 5, "currency": "EUR"}"#;
    assert_eq!(
        fixture.run_with_input(
            "test policy.yaml --role billing --tool refund_order --args -",
            input
        ),
        allowed
    );
    assert_snapshot!(fixture.run("test policy.yaml --role billing --tool refund_order --args @nothing.json"), @r"
    exit 2
    --- stderr
    error: cannot read `nothing.json` for `--args`: No such file or directory (os error 2); check the path
    ");
    assert_snapshot!(fixture.run("test policy.yaml --tool refund_order --args - --facts -"), @r"
    exit 2
    --- stderr
    error: `--args -` and `--facts -` both read the standard input; pass one of them as `@FILE`
    ");
}

#[test]
fn programs_get_json() {
    let fixture = Fixture::new();
    let shown = fixture.run_of(&[
        "test",
        "policy.yaml",
        "--role",
        "billing",
        "--tool",
        "read_file",
        "--args",
        r#"{"file_path": "src/.env"}"#,
        "--json",
    ]);
    assert_snapshot!(shown, @r#"
    exit 1
    {
      "outcome": "deny",
      "role": null,
      "reason": "Policy denied tool \"read_file\" for the requested path",
      "violations": [],
      "hint": {
        "allowed_paths": [
          "src/**"
        ],
        "denied_paths": [
          ".env"
        ]
      },
      "scope": null,
      "engine": "native",
      "roles": [
        "billing"
      ],
      "tool": "read_file",
      "arguments": "{\"file_path\": \"src/.env\"}",
      "facts": null
    }
    "#);
    let json = fixture.json(&[
        "test",
        "policy.yaml",
        "--role",
        "billing",
        "--tool",
        "read_file",
        "--args",
        r#"{"file_path": "src/a"}"#,
        "--json",
    ]);
    assert_eq!(json["outcome"], "allow");
    assert_eq!(json["scope"]["allowed_paths"][0], "src/**");
    let json = fixture.json(&[
        "test",
        "policy.yaml",
        "--role",
        "billing",
        "--tool",
        "wire_transfer",
        "--args",
        r#"{"amount": 1}"#,
        "--json",
    ]);
    assert_eq!(
        (&json["outcome"], &json["role"]),
        (&"needs_approval".into(), &"billing".into())
    );
}

#[test]
fn malformed_calls_are_misuse_and_say_where() {
    let fixture = Fixture::new();
    for args in [
        "",
        "{",
        "[]",
        "5",
        r#"{"amount": 1, "amount": 2}"#,
        r#"{"amount" 1}"#,
        "{amount: 1}",
        r#"{"amount": 01}"#,
        r#"{"a": "\ud800"}"#,
    ] {
        let shown = fixture.call("refund_order", args);
        assert!(
            shown
                .starts_with("exit 2\n--- stderr\nerror: `--args` is malformed at line 1, column "),
            "{args}: {shown}"
        );
    }
    assert_snapshot!(fixture.call("refund_order", r#"{"amount": 1, "amount": 2}"#), @r#"
    exit 2
    --- stderr
    error: `--args` is malformed at line 1, column 15, before `"amount": 2}`: a member name that stands twice; pass one JSON object, such as `{"amount": 200}`
    "#);
    assert_snapshot!(fixture.run("test policy.yaml --tool t --facts {\"env\":1}"), @r#"
    exit 2
    --- stderr
    error: `--facts` is malformed at line 1, column 3, before `env":1}`: facts other than `ctx`, `run`, `said`, `usage`, `user` and `user_usage`; pass one JSON object, such as `{"ctx": {"env": "prod"}}`
    "#);
    assert_snapshot!(fixture.run_of(&["test", "policy.yaml", "--tool", "a\u{7}b"]), @r"
    exit 2
    --- stderr
    error: `--tool` is malformed: a control character in a name
    ");
    assert_snapshot!(fixture.run_of(&["test", "policy.yaml", "--tool", "t", "--roles", &vec!["r"; 33].join(",")]), @r"
    exit 2
    --- stderr
    error: the roles are malformed at number 33: more than 32 roles
    ");
}

#[test]
fn calls_beyond_a_limit_are_misuse() {
    let fixture = Fixture::new();
    let deep = format!("{{\"a\": {}1{}}}", "[".repeat(64), "]".repeat(64));
    assert_snapshot!(fixture.call("refund_order", &deep), @r"
    exit 2
    --- stderr
    error: the call exceeds the limit `depth`, which is at most 64; an agent's host denies such a call
    ");
    assert_snapshot!(fixture.call("refund_order", &format!("{{\"amount\": {}}}", "9".repeat(101))), @r"
    exit 2
    --- stderr
    error: the call exceeds the limit `number-digits`, which is at most 100; an agent's host denies such a call
    ");
    let fixture = fixture.with(
        "long.json",
        format!("{{\"a\": \"{}\"}}", "x".repeat(1 << 20)),
    );
    assert_snapshot!(fixture.run("test policy.yaml --tool t --args @long.json"), @r"
    exit 2
    --- stderr
    error: the call exceeds the limit `arguments-bytes`, which is at most 1048576; an agent's host denies such a call
    ");
}

#[test]
fn text_from_outside_cannot_steer_the_terminal() {
    let fixture = Fixture::new();
    let shown = fixture.run_of(&[
        "test",
        "policy.yaml",
        "--tool",
        "t\u{202e}x",
        "--role",
        "r\u{200b}",
        "--args",
        "{\"a\": \"\u{feff}\"}",
    ]);
    assert!(
        !shown.contains(['\u{202e}', '\u{200b}', '\u{feff}']),
        "{shown}"
    );
    assert!(shown.contains("t\\u{202e}x"), "{shown}");
}

#[test]
fn colours_are_for_terminals() {
    let fixture = Fixture::new();
    assert!(!fixture.call("drop_table", "{}").contains('\u{1b}'));
}

#[test]
fn a_refused_policy_decides_nothing() {
    let fixture = Fixture::empty().with("policy.yaml", "tools:\n  t: { mode: alow }\n");
    let shown = fixture.run("test policy.yaml --tool t");
    assert!(
        shown.starts_with("exit 1\n--- stderr\nerror[") && !shown.contains("ALLOW"),
        "{shown}"
    );
}
