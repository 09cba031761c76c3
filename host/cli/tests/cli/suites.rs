//! `hexgate policy test --suite`

use insta::assert_snapshot;

use crate::{fixture::Fixture, grown::in_order};

const SUITE: &str = r#"- name: small refunds pass
  role: billing
  tool: refund_order
  args: { amount: 200, currency: USD }
  expect: allow
- name: large ones do not
  role: billing
  tool: refund_order
  args: { amount: 500.000000000000000000001, currency: USD }
  expect: deny
  violations: [args.amount <= consts.cap]
- roles: [support, billing]
  tool: wire_transfer
  args:
    amount: 5
  expect: needs_approval
- tool: refund_order
  expect: deny
"#;

#[test]
fn counts_what_passed() {
    let fixture = Fixture::new().with("suite.yaml", SUITE);
    assert_snapshot!(fixture.run("test policy.yaml --suite suite.yaml"), @r"
    exit 0
    4 passed, 0 failed
    ");
    assert_snapshot!(fixture.run("test policy.yaml --suite suite.yaml --engine reference"), @r"
    exit 0
    4 passed, 0 failed
    ");
}

#[test]
fn a_line_for_each_case_that_failed() {
    let suite = r#"- { name: approved, role: billing, tool: wire_transfer, args: { amount: 1 }, expect: allow }
- { role: billing, tool: refund_order, args: { amount: 900, currency: USD }, expect: allow }
- { role: billing, tool: refund_order, args: { amount: 900, currency: USD }, expect: deny, violations: [] }
- { role: billing, tool: refund_order, args: { amount: 1, currency: USD }, expect: deny }
- { role: support, tool: view_orders, expect: allow }
"#;
    let fixture = Fixture::new().with("suite.yaml", suite);
    assert_snapshot!(fixture.run("test policy.yaml --suite suite.yaml"), @r#"
    exit 1
    ✗ approved (suite.yaml:1): expected allow, came needs_approval: Policy requires approval for tool "wire_transfer"
    ✗ suite.yaml:2: expected allow, came deny: Policy denied tool "refund_order": args.amount <= consts.cap
    ✗ suite.yaml:3: expected no violations, came the violations `args.amount <= consts.cap`
    ✗ suite.yaml:4: expected deny, came allow
    1 passed, 4 failed
    "#);
    let json = fixture.json(&["test", "policy.yaml", "--suite", "suite.yaml", "--json"]);
    assert_eq!((&json["passed"], &json["failed"]), (&1.into(), &4.into()));
    assert_eq!(json["cases"][0]["outcome"], "needs_approval");
    assert_eq!(json["cases"][4]["passed"], true);
}

#[test]
fn every_format_says_the_same() {
    let list = r#"[
  {"role": "billing", "tool": "refund_order", "args": {"amount": 1e2, "currency": "USD"}, "expect": "allow"},
  {"role": "billing", "tool": "refund_order", "args": {"amount": 500.000000000000000000000001, "currency": "USD"}, "expect": "deny",
   "violations": ["args.amount <= consts.cap"]}
]"#;
    let lines = list
        .trim_matches(['[', ']', '\n'])
        .replace(",\n   ", ", ")
        .replace("},\n", "}\n");
    let fixture = Fixture::new()
        .with("suite.json", list)
        .with("suite.jsonl", lines.as_bytes())
        .with("suite", list)
        .with("lines.txt", lines);
    for suite in ["suite.json", "suite.jsonl", "suite", "lines.txt"] {
        assert_eq!(
            fixture.run(&format!("test policy.yaml --suite {suite}")),
            "exit 0\n2 passed, 0 failed\n",
            "{suite}"
        );
    }
}

#[test]
fn a_name_with_a_star_is_decided_as_it_stands_and_said_to_be() {
    let shown = Fixture::new().run("test policy.yaml --role team-* --tool mcp__shell__*");
    assert!(shown.starts_with("exit 1\n"), "{shown}");
    assert!(
        shown.contains("a `*` is not a wildcard: the decision is about a call with exactly the name `mcp__shell__*`"),
        "{shown}"
    );
}

#[test]
fn mistakes_in_a_suite_have_a_place() {
    let wrong = |name: &str, suite: &str| {
        Fixture::new()
            .with(name, suite)
            .run(&format!("test policy.yaml --suite {name}"))
    };
    assert_snapshot!(wrong("s.yaml", "- tool: t\n  expct: allow\n"), @r"
    exit 2
    --- stderr
    error: s.yaml:2:3: unknown key `expct`; did you mean `expect`?
    ");
    assert_snapshot!(wrong("s.yaml", "- tool: t\n  expect: alow\n"), @r"
    exit 2
    --- stderr
    error: s.yaml:2:11: `expect` is `alow`, and only `allow`, `deny` and `needs_approval` can be expected
    ");
    assert_snapshot!(wrong("s.yaml", "- tool: t\n"), @r"
    exit 2
    --- stderr
    error: s.yaml:1:3: `expect` is missing; it is `allow`, `deny` or `needs_approval`
    ");
    assert_snapshot!(wrong("s.yaml", "- { tool: 'mcp__*', expect: deny }\n"), @r"
    exit 2
    --- stderr
    error: s.yaml:1:3: the tool `mcp__*` has a `*`, which stands for nothing but itself; write a case for each tool that is meant
    ");
    assert_snapshot!(wrong("s.json", r#"[{"tool": "t", "roles": ["a", "team-*"], "expect": "deny"}]"#), @r"
    exit 2
    --- stderr
    error: s.json:1:2: the role `team-*` has a `*`, which stands for nothing but itself; write a case for each role that is meant
    ");
    assert_snapshot!(wrong("s.yaml", "- expect: allow\n"), @r"
    exit 2
    --- stderr
    error: s.yaml:1:3: `tool` is missing
    ");
    assert_snapshot!(wrong("s.yaml", "- { tool: t, expect: allow, role: a, roles: [b] }\n"), @r"
    exit 2
    --- stderr
    error: s.yaml:1:3: `role` and `roles` stand together; keep one of them
    ");
    assert_snapshot!(wrong("s.yaml", "- { tool: t, expect: allow, args: [1] }\n"), @r"
    exit 2
    --- stderr
    error: s.yaml:1:35: `args` is a list where a mapping is expected
    ");
    assert_snapshot!(wrong("s.yaml", "- { tool: t, expect: allow, args: { a: 010 } }\n"), @r"
    exit 2
    --- stderr
    error: s.yaml:1:40: some readers of YAML take this for a number; quote it if it is a text, or write it as JSON does
    ");
    assert_snapshot!(wrong("s.yaml", "- { tool: 5, expect: allow }\n"), @r"
    exit 2
    --- stderr
    error: s.yaml:1:11: `tool` is a number where a string is expected
    ");
    assert_snapshot!(wrong("s.yaml", "- { tool: t, expect: allow, violations: [x] }\n"), @r"
    exit 2
    --- stderr
    error: s.yaml:1:3: `violations` are listed although `allow` is expected: only a denial has any
    ");
    assert_snapshot!(wrong("s.yaml", "tool: t\nexpect: allow\n"), @r"
    exit 2
    --- stderr
    error: s.yaml:1:1: a suite is a list of cases, and this is a mapping
    ");
    assert_snapshot!(wrong("s.yaml", ""), @r"
    exit 2
    --- stderr
    error: the suite `s.yaml` holds no case; write a list of cases, each with `tool` and `expect`
    ");
    assert_snapshot!(wrong("s.yaml", "- tool: t\n\texpect: allow\n"), @r"
    exit 2
    --- stderr
    error[yaml-syntax]: this is not YAML: while scanning a plain scalar, found a tab
     --> s.yaml:1:9
      |
    1 | - tool: t
      |         ^ here

    error: the suite `s.yaml` is not valid YAML
    ");
    assert_snapshot!(wrong("s.json", "[{\"tool\": \"t\",\n  \"expct\": \"allow\"}]"), @r"
    exit 2
    --- stderr
    error: s.json:2:9: unknown key `expct`; did you mean `expect`?
    ");
    assert_snapshot!(wrong("s.json", "[{\"tool\": \"t\", \"expect\": \"allow\", \"args\": [1]}]"), @r"
    exit 2
    --- stderr
    error: s.json:1:43: `args` is not an object
    ");
    assert_snapshot!(wrong("s.json", "[{\"tool\": \"t\", \"expect\": \"allow\", \"tool\": \"u\"}]"), @r"
    exit 2
    --- stderr
    error: s.json:1:40: duplicate key `tool`
    ");
    assert_snapshot!(wrong("s.json", "[{\"tool\": 5, \"expect\": \"allow\"}]"), @r"
    exit 2
    --- stderr
    error: s.json:1:11: invalid type: integer `5`, expected a string
    ");
    assert_snapshot!(wrong("s.json", "[{\"tool\": \"t\""), @r"
    exit 2
    --- stderr
    error: s.json:1:13: EOF while parsing an object
    ");
    assert_snapshot!(wrong("s.jsonl", "{\"tool\": \"t\", \"expect\": \"deny\"}\n\n{\"tool\": \"t\", \"expect\": \"maybe\"}\n"), @r"
    exit 2
    --- stderr
    error: s.jsonl:3:32: `expect` is `maybe`, and only `allow`, `deny` and `needs_approval` can be expected
    ");
    assert_snapshot!(wrong("s.json", "[]"), @r"
    exit 2
    --- stderr
    error: the suite `s.json` holds no case; write a list of cases, each with `tool` and `expect`
    ");
    assert_snapshot!(Fixture::new().run("test policy.yaml --suite missing.yaml"), @r"
    exit 2
    --- stderr
    error: cannot read the suite `missing.yaml`: No such file or directory (os error 2); check the path
    ");
}

#[test]
fn a_call_beyond_a_limit_is_a_denial_for_a_suite() {
    let suite = format!(
        "- {{ tool: t, args: {{ a: {} }}, expect: allow }}\n",
        "9".repeat(101)
    );
    assert_snapshot!(Fixture::new().with("s.yaml", suite).run("test policy.yaml --suite s.yaml"), @r"
    exit 1
    ✗ s.yaml:1: expected allow, came deny: limit `number-digits` exceeded, at most 100
    0 passed, 1 failed
    ");
}

#[test]
fn coverage_names_what_no_case_exercised() {
    let fixture = Fixture::new().with("suite.yaml", SUITE);
    assert_snapshot!(fixture.run("test policy.yaml --suite suite.yaml --coverage"), @r#"
    exit 0
    coverage: 4 of 8 rules, 1 of 8 constraints, 0 of 1 file scopes exercised
      role     tool              not exercised
      billing  (unlisted tools)  no case came to this rule
      billing  drop_table        no case came to this rule
      billing  read_file         no case came to this rule
      billing  refund_order      only(args, ["amount", "currency"]): never anything but true
      billing  refund_order      args.amount > 0: never anything but true
      billing  refund_order      args.currency in ["USD", "EUR"]: never anything but true
      billing  wire_transfer     only(args, ["amount"]): never anything but true
      billing  wire_transfer     args.amount > 0: never anything but true
      billing  wire_transfer     args.amount <= 100000: never anything but true
      support  view_orders       no case came to this rule
    4 passed, 0 failed
    "#);
    let json = fixture.json(&[
        "test",
        "policy.yaml",
        "--suite",
        "suite.yaml",
        "--coverage",
        "--json",
    ]);
    assert_snapshot!(in_order(&json["coverage"]), @r#"
    {
      "constraints": {
        "exercised": 1,
        "total": 8
      },
      "file_scopes": {
        "exercised": 0,
        "total": 1
      },
      "missing": [
        {
          "missing": "call",
          "role": "billing",
          "tool": null,
          "what": "rule"
        },
        {
          "missing": "call",
          "role": "billing",
          "tool": "drop_table",
          "what": "rule"
        },
        {
          "missing": "call",
          "role": "billing",
          "tool": "read_file",
          "what": "rule"
        },
        {
          "missing": "both",
          "role": "billing",
          "text": "only(args, [\"file_path\"])",
          "tool": "read_file",
          "what": "constraint"
        },
        {
          "missing": "both",
          "role": "billing",
          "text": "file_path",
          "tool": "read_file",
          "what": "file_scope"
        },
        {
          "missing": "not_true",
          "role": "billing",
          "text": "only(args, [\"amount\", \"currency\"])",
          "tool": "refund_order",
          "what": "constraint"
        },
        {
          "missing": "not_true",
          "role": "billing",
          "text": "args.amount > 0",
          "tool": "refund_order",
          "what": "constraint"
        },
        {
          "missing": "not_true",
          "role": "billing",
          "text": "args.currency in [\"USD\", \"EUR\"]",
          "tool": "refund_order",
          "what": "constraint"
        },
        {
          "missing": "not_true",
          "role": "billing",
          "text": "only(args, [\"amount\"])",
          "tool": "wire_transfer",
          "what": "constraint"
        },
        {
          "missing": "not_true",
          "role": "billing",
          "text": "args.amount > 0",
          "tool": "wire_transfer",
          "what": "constraint"
        },
        {
          "missing": "not_true",
          "role": "billing",
          "text": "args.amount <= 100000",
          "tool": "wire_transfer",
          "what": "constraint"
        },
        {
          "missing": "call",
          "role": "support",
          "tool": "view_orders",
          "what": "rule"
        }
      ],
      "rules": {
        "exercised": 4,
        "total": 8
      }
    }
    "#);
}

#[test]
fn full_coverage_says_so() {
    let fixture = Fixture::empty().with("policy.yaml", "tools:\n  t:\n    mode: allow\n    constraints:\n      - only(args, [])\n").with(
        "suite.yaml",
        "- { tool: t, expect: allow }\n- { tool: t, args: { a: 1 }, expect: deny }\n- { tool: u, expect: deny }\n",
    );
    assert_eq!(
        fixture.run("test policy.yaml --suite suite.yaml --coverage"),
        "exit 0\ncoverage: 2 of 2 rules, 1 of 1 constraints exercised\n3 passed, 0 failed\n"
    );
}
