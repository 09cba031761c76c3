//! The known engine, run in the short way, against the same component run like any other.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

use hexgate_compiler::Compiler;
use hexgate_host::{
    ApprovalTerms, Coverage, DecideError, Engine, ErrorKind, Exceeded, Field, Grant, Isolation,
    Limits, LoadError, Malformed, Mode, Policy, Request, Tools, TrapKind, Verdict,
};

const BILLING: &str = include_str!("../../../examples/policies/billing.yaml");

/// Scopes, hints, several roles, policy-level constraints: everything that an answer can carry.
const FILES: &str = r#"
version: 1
constraints:
  - not present(args.debug)
roles:
  default:
    default_policy: { mode: deny }
  reader:
    tools:
      read_file:
        mode: allow
        constraints: ["present(args.file_path)"]
        file_scope: { allowed_paths: ["docs/**", "src/**"], denied_paths: ["docs/secret"] }
      fetch:
        mode: approval_required
        constraints: ["startswith(args.url, \"https://\")", "user.id != \"\""]
"#;

/// What the language grew: several rules, patterns of names, forbids, messages, terms, descriptions, scopes of every kind.
const GROWN: &str = r#"
version: 1
description: Who may do what in a shop.
forbid:
  - { tools: [wire_transfer], constraints: [args.amount > 1000], message: "Never that much.", description: A ceiling. }
  - { tools: ["read_*"], file_scope: { argument: file_path, denied_paths: [".env*"], except_paths: [".env.example"] } }
roles:
  default: {}
  billing:
    description: Those who pay.
    default_policy: { mode: deny, message: "There is no such tool." }
    forbid:
      - { constraints: [present(args.debug)], message: "No debugging." }
    tools:
      refund_order:
        - { mode: allow, constraints: [args.amount <= 50], description: Small ones. }
        - mode: approval_required
          constraints: [args.amount <= 500]
          approval: { roles: [lead, chief], expires: "1h", approvers: 2, reason: required }
          message: "A lead is asked."
        - { mode: deny, constraints: ['args.currency == "EUR"'], message: "No euros." }
      wire_transfer: { mode: approval_required, approval: { reason: optional } }
      view_*: { mode: allow }
  reader:
    tools:
      read_file: { mode: allow, file_scope: { argument: file_path, allowed_paths: ["docs/**"] } }
      fetch: { mode: approval_required, constraints: [usage.tool_calls_24h < 5], message: "Ask." }
      copy: { mode: allow, file_scope: { arguments: [from, to], style: windows, denied_paths: ["C:/Windows/**"] } }
"#;

fn compile(text: &str) -> Vec<u8> {
    let outcome = Compiler::default().compile_str("policy.yaml", text);
    outcome
        .policy
        .unwrap_or_else(|| panic!("{:?}", outcome.diagnostics))
        .component
}

fn both(engine: &Engine, text: &str) -> (Policy, Policy) {
    let wasm = compile(text);
    let known = Policy::dangerous_from_unverified_bytes(engine, &wasm).unwrap();
    let other =
        Policy::dangerous_from_unverified_bytes_with(engine, &wasm, Isolation::Full).unwrap();
    assert!(known.is_of_known_engine() && !other.is_of_known_engine());
    (known, other)
}

fn requests() -> Vec<Request<'static>> {
    let mut requests = Vec::new();
    let roles: [&'static [&'static str]; 7] = [
        &[],
        &["billing"],
        &["reader"],
        &["nobody", "support"],
        &["support", "billing", "reader"],
        &[""; 33],
        &["a\u{1}"],
    ];
    let tools = [
        "refund_order",
        "view_orders",
        "wire_transfer",
        "read_file",
        "fetch",
        "agent.x",
        "",
        "übung",
        "a\nb",
    ];
    let arguments = [
        "{}",
        r#"{"amount": 20, "currency": "USD"}"#,
        r#"{"amount": 500.0, "currency": "USD"}"#,
        r#"{"amount": 5000, "currency": "EUR", "recipient": "x"}"#,
        r#"{"amount": 1e2000, "currency": "USD"}"#,
        r#"{"file_path": "docs/a.md"}"#,
        r#"{"file_path": "docs/secret/a.md", "debug": true}"#,
        r#"{"file_path": "/etc/passwd"}"#,
        r#"{"url": "https://example.org/ä€😀"}"#,
        r#"{"a": 1, "a": 2}"#,
        r#"{"a": "#,
        "[]",
        "",
        "\u{feff}{}",
    ];
    for roles in roles {
        for tool in tools {
            for arguments in arguments {
                let request = Request::new(tool, arguments).roles(roles);
                requests.push(request);
                requests.push(request.facts(r#"{"user": {"id": "u"}}"#));
            }
        }
    }
    requests.push(Request::new("fetch", "{}").facts(r#"{"other": 1}"#));
    requests.push(Request::new("fetch", "{}").facts("x"));
    requests
}

#[test]
fn the_short_way_and_the_long_way_give_the_same_answers() {
    let engine = Engine::new().unwrap();
    for text in [BILLING, FILES, GROWN, "{}"] {
        let (known, other) = both(&engine, text);
        let (mut allowed, mut denied, mut asked, mut failed) = (0, 0, 0, 0);
        for request in requests() {
            let answer = known.decide(&request);
            assert_eq!(answer, other.decide(&request), "{request:?}");
            match answer {
                Ok(Verdict::Allow(_)) => allowed += 1,
                Ok(Verdict::NeedsApproval(_)) => asked += 1,
                Ok(Verdict::Deny(_)) => denied += 1,
                Err(error) => {
                    assert!(
                        matches!(error.kind(), ErrorKind::Malformed | ErrorKind::Exceeded),
                        "{error}"
                    );
                    failed += 1;
                }
            }
        }
        assert!(denied > 0 && failed > 0);
        assert!(
            text == "{}" || (allowed > 0 && asked > 0),
            "{allowed} {asked}"
        );
    }
}

#[test]
fn the_short_way_and_the_long_way_describe_the_same() {
    let engine = Engine::new().unwrap();
    for text in [BILLING, FILES, GROWN, "{}"] {
        let (known, other) = both(&engine, text);
        let description = known.describe().unwrap();
        assert_eq!(description, other.describe().unwrap());
        assert_eq!(description.about.coverage, Coverage::Complete);
        assert_eq!(description.about.source_digest.len(), 64);
        for id in 0..description.about.scopes + 1 {
            assert_eq!(known.scope(id).unwrap(), other.scope(id).unwrap());
            for path in PATHS {
                let covers = known.covers(id, path).unwrap();
                assert_eq!(covers, other.covers(id, path).unwrap(), "{id} {path}");
                assert!(!covers || id < description.about.scopes);
            }
        }
        for id in 0..description.about.terms + 1 {
            assert_eq!(known.terms(id).unwrap(), other.terms(id).unwrap());
        }
    }
    let description = both(&engine, FILES).0.describe().unwrap();
    let reader = description
        .roles
        .iter()
        .find(|role| role.name == "reader")
        .unwrap();
    let fetch = reader
        .rules
        .iter()
        .find(|rule| rule.tools == Tools::Exact("fetch".into()))
        .unwrap();
    assert_eq!(
        (fetch.mode, fetch.constraints.len()),
        (Mode::NeedsApproval, 3)
    );
    assert!(
        description.may_ever_call(&["reader"], "fetch")
            && !description.may_ever_call(&["reader"], "delete")
    );
    assert_eq!(description.scopes[0].paths.denied, ["docs/secret"]);
}

const PATHS: [&str; 9] = [
    "docs/a.md",
    "docs/.env",
    "docs/.env.example",
    "docs/secret/a",
    "../docs/a.md",
    "/docs/a.md",
    "C:/Windows/x",
    "größe",
    "",
];

#[test]
fn what_the_language_grew_is_told() {
    let engine = Engine::new().unwrap();
    let (policy, _) = both(&engine, GROWN);
    let description = policy.describe().unwrap();
    let about = &description.about;
    assert_eq!(about.facts, ["usage.tool_calls_24h"]);
    assert_eq!(
        about.description.as_deref(),
        Some("Who may do what in a shop.")
    );
    let [billing, _, reader] = description.roles.as_slice() else {
        panic!("{:?}", description.roles);
    };
    assert_eq!(billing.description.as_deref(), Some("Those who pay."));
    assert_eq!(billing.forbids.len(), 1);
    assert_eq!(description.forbids.len(), 2);
    assert_eq!(
        description.forbids[0].description.as_deref(),
        Some("A ceiling.")
    );
    let tools: Vec<&Tools> = billing.rules.iter().map(|rule| &rule.tools).collect();
    let exact = |name: &str| Tools::Exact(name.into());
    assert_eq!(
        tools,
        [
            &Tools::Unlisted,
            &exact("refund_order"),
            &exact("refund_order"),
            &exact("refund_order"),
            &exact("wire_transfer"),
            &Tools::Pattern("view_*".into()),
        ]
    );
    let terms = policy.terms(billing.rules[2].terms.unwrap()).unwrap();
    assert_eq!(
        terms,
        Some(ApprovalTerms {
            roles: vec!["lead".into(), "chief".into()],
            expires: Some(3600),
            approvers: Some(2),
            reason_required: Some(true),
        })
    );
    assert_eq!(policy.terms(about.terms).unwrap(), None);

    let ask = |role: &'static str, tool: &'static str, arguments: &'static str| {
        let request = Request::new(tool, arguments);
        policy.decide(&request.roles(&[role])).unwrap()
    };
    match ask(
        "billing",
        "refund_order",
        r#"{"amount": 100, "currency": "USD"}"#,
    ) {
        Verdict::NeedsApproval(needed) => {
            assert_eq!(needed.message.as_deref(), Some("A lead is asked."));
            assert_eq!(needed.terms, billing.rules[2].terms);
        }
        other => panic!("{other:?}"),
    }
    for (tool, arguments, message) in [
        (
            "refund_order",
            r#"{"amount": 1, "currency": "EUR"}"#,
            "No euros.",
        ),
        ("wire_transfer", r#"{"amount": 1001}"#, "Never that much."),
        ("view_orders", r#"{"debug": 1}"#, "No debugging."),
        ("other", "{}", "There is no such tool."),
    ] {
        match ask("billing", tool, arguments) {
            Verdict::Deny(denial) => assert_eq!(denial.message.as_deref(), Some(message), "{tool}"),
            other => panic!("{tool}: {other:?}"),
        }
    }
    assert!(description.may_ever_call(&["billing"], "view_orders"));
    assert!(!description.may_ever_call(&["billing"], "other"));
    assert!(reader.rules.len() == 4);

    // A scope stands for the rule's own patterns and for what is forbidden besides.
    match ask("reader", "read_file", r#"{"file_path": "docs/a.md"}"#) {
        Verdict::Allow(Grant {
            scope: Some(scope), ..
        }) => {
            let covered = PATHS.map(|path| policy.covers(scope, path).unwrap());
            let expected = [true, false, true, true, false, false, false, false, false];
            assert_eq!(covered, expected);
            assert!(
                policy
                    .covers(scope, &"docs/".repeat(2000))
                    .is_ok_and(|it| !it)
            );
            let shown = policy.scope(scope).unwrap().unwrap();
            assert_eq!(shown.exclusions[0].paths.except, [".env.example"]);
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn grants_name_the_deciding_role() {
    let engine = Engine::new().unwrap();
    let (policy, _) = both(&engine, BILLING);
    let request = Request::new("refund_order", r#"{"amount": 200, "currency": "USD"}"#);
    let verdict = policy
        .decide(&request.roles(&["support", "billing"]))
        .unwrap();
    assert_eq!(
        verdict,
        Verdict::Allow(Grant {
            role: Some(1),
            scope: None
        })
    );
    let Verdict::Deny(denial) = policy.decide(&request.roles(&["support"])).unwrap() else {
        panic!("allowed")
    };
    assert_eq!(denial.violations, ["args.amount <= 50"]);
}

#[test]
fn a_kept_instance_answers_as_a_fresh_one_whatever_came_before() {
    let engine = Engine::new().unwrap();
    let limits = Limits {
        warm_instances: 0,
        ..Limits::default()
    };
    let fresh = Engine::builder().limits(limits).build().unwrap();
    let (kept, _) = both(&engine, FILES);
    let (fresh, _) = both(&fresh, FILES);
    let requests = requests();
    let answers: Vec<_> = requests
        .iter()
        .map(|request| fresh.decide(request))
        .collect();
    // Steps of several sizes, so that each request follows many others.
    for step in [1, 7, 31, 101] {
        for n in 0..requests.len() {
            let index = n * step % requests.len();
            assert_eq!(
                kept.decide(&requests[index]),
                answers[index],
                "{:?}",
                requests[index]
            );
        }
    }
}

#[test]
fn long_arguments_pass_and_longer_ones_are_refused_by_the_policy() {
    let engine = Engine::new().unwrap();
    let (known, other) = both(&engine, BILLING);
    let text = |length: usize| {
        format!(
            r#"{{"amount": 20, "currency": "USD", "note": "{}"}}"#,
            "x".repeat(length)
        )
    };
    let most = 1 << 20;
    let frame = text(0).len();
    for (length, fits) in [
        (most - frame, true),
        (most - frame + 1, false),
        (2 * most, false),
    ] {
        let arguments = text(length);
        let request = Request::new("refund_order", &arguments).roles(&["billing"]);
        let answer = known.decide(&request);
        assert_eq!(answer, other.decide(&request));
        match answer {
            Ok(verdict) => assert!(
                fits && verdict.is_denied(),
                "`note` is not among the names that `only` lists"
            ),
            Err(error) => {
                assert!(!fits);
                assert_eq!(
                    error,
                    DecideError::Exceeded(Exceeded {
                        limit: "arguments-bytes".into(),
                        allowed: most as u64
                    })
                );
            }
        }
        // And the instance that follows is as good as any.
        assert!(
            known
                .decide(&Request::new("view_orders", "{}").roles(&["billing"]))
                .unwrap()
                .is_allowed()
        );
    }
}

#[test]
fn the_deepest_nesting_fits_the_stack() {
    let engine = Engine::new().unwrap();
    let accepted = |depth: usize| {
        let mut constraint = "every(args.list, any(., . == 1))".to_owned();
        for level in 0..depth {
            let operator = if level % 2 == 0 { "or" } else { "and" };
            constraint = format!("not (({constraint}) {operator} args.n == {level})");
        }
        let policy = format!(
            "tools: {{t: {{mode: allow, constraints: ['({constraint}) or true == args.yes', 'args.one == args.other']}}}}"
        );
        Compiler::default()
            .compile_str("policy.yaml", &policy)
            .policy
    };
    let deepest = (0..64).rev().find_map(accepted);
    let component = deepest.expect("some depth is accepted").component;
    let policy = Policy::dangerous_from_unverified_bytes(&engine, &component).unwrap();
    assert!(policy.is_of_known_engine());
    // The object outside is the first level.
    let value = format!("{}{}", r#"[{"a":"#.repeat(31), "1e5") + &"}]".repeat(31);
    for (other, allowed) in [
        (value.clone(), true),
        (value.replace("1e5", "100001"), false),
    ] {
        let arguments = format!(
            r#"{{"list": [[0, 1], [1]], "n": 70, "yes": true, "one": {value}, "other": {other}}}"#
        );
        let verdict = policy.decide(&Request::new("t", &arguments)).unwrap();
        assert_eq!(verdict.is_allowed(), allowed);
    }
}

#[test]
fn malformed_requests_say_where() {
    let engine = Engine::new().unwrap();
    let (policy, _) = both(&engine, BILLING);
    let field = |request: &Request<'_>| match policy.decide(request) {
        Err(DecideError::Malformed(Malformed { field, .. })) => field,
        other => panic!("{other:?}"),
    };
    assert_eq!(field(&Request::new("t", "{")), Field::Arguments);
    assert_eq!(field(&Request::new("a\nb", "{}")), Field::Tool);
    assert_eq!(field(&Request::new("t", "{}").facts("[]")), Field::Facts);
    assert_eq!(
        field(&Request::new("t", "{}").roles(&["x"; 33])),
        Field::Roles
    );
}

#[test]
fn a_changed_component_is_not_of_the_known_engine() {
    let engine = Engine::new().unwrap();
    let wasm = compile(BILLING);
    let mut custom = wasm.clone();
    custom.extend_from_slice(b"\0\x05\x04note");
    let policy = Policy::dangerous_from_unverified_bytes(&engine, &custom).unwrap();
    assert!(!policy.is_of_known_engine());
    let request = Request::new("view_orders", "{}").roles(&["billing"]);
    assert!(policy.decide(&request).unwrap().is_allowed());
}

#[test]
fn threads_share_a_policy() {
    let engine = Engine::new().unwrap();
    let (policy, _) = both(&engine, BILLING);
    std::thread::scope(|scope| {
        for thread in 0..4 {
            let policy = &policy;
            scope.spawn(move || {
                for n in 0..300 {
                    let amount = (thread * 7 + n) % 100;
                    let arguments = format!(r#"{{"amount": {amount}, "currency": "USD"}}"#);
                    let verdict = policy
                        .decide(&Request::new("refund_order", &arguments).roles(&["support"]))
                        .unwrap();
                    assert_eq!(verdict.is_allowed(), amount > 0 && amount <= 50, "{amount}");
                }
            });
        }
    });
}

#[test]
fn a_damaged_plan_is_refused_before_it_runs() {
    let engine = Engine::new().unwrap();
    let wasm = compile(BILLING);
    let plan = hexgate_component::plan_of(&wasm).unwrap();
    let mut refused = 0;
    for place in 16..plan.len() {
        let mut changed = plan.to_vec();
        changed[place] ^= 0xFF;
        let component = hexgate_component::embed_plan(&changed).unwrap();
        match Policy::dangerous_from_unverified_bytes(&engine, &component) {
            Err(LoadError::DamagedPlan { .. }) => refused += 1,
            Err(other) => panic!("{other:?}"),
            // A change of a text or a number is another policy, not a damaged one.
            Ok(policy) => {
                let request = Request::new("refund_order", "{\"amount\": 20}").roles(&["support"]);
                assert!(
                    !matches!(policy.decide(&request), Err(error) if error.kind() == ErrorKind::Guest)
                );
            }
        }
    }
    assert!(refused > plan.len() / 4, "{refused} of {}", plan.len());
}

#[test]
fn a_policy_without_room_to_work_in_denies() {
    let limits = Limits {
        memory_bytes: 2 << 20,
        ..Limits::default()
    };
    let engine = Engine::builder().limits(limits).build().unwrap();
    let (policy, _) = both(&engine, BILLING);
    let arguments = format!("[{}1]", "1,".repeat(500_000));
    let error = policy
        .decide(&Request::new("refund_order", &arguments))
        .unwrap_err();
    assert_eq!(
        error,
        DecideError::Trap {
            kind: TrapKind::Memory
        }
    );
    assert!(
        policy
            .decide(&Request::new("view_orders", "{}").roles(&["billing"]))
            .unwrap()
            .is_allowed()
    );
}

#[test]
fn a_component_of_which_one_byte_differs_is_run_like_any_other_or_not_at_all() {
    let engine = Engine::new().unwrap();
    let wasm = compile(BILLING);
    let plan = hexgate_component::plan_of(&wasm).unwrap();
    let plan_at = wasm.windows(plan.len()).position(|at| at == plan).unwrap();
    let (mut run, mut refused) = (0, 0);
    // In the module's code, its data, and the component around it.
    for place in (3000..plan_at)
        .step_by(7001)
        .chain([plan_at - 30, wasm.len() - 5])
    {
        let mut changed = wasm.clone();
        changed[place] ^= 1;
        match Policy::dangerous_from_unverified_bytes(&engine, &changed) {
            Ok(policy) => {
                assert!(!policy.is_of_known_engine(), "byte {place}");
                run += 1;
            }
            Err(_) => refused += 1,
        }
    }
    assert!(run > 0 && refused > 0, "{run} {refused}");
}

#[cfg(all(
    target_os = "linux",
    any(target_arch = "x86_64", target_arch = "aarch64")
))]
#[test]
fn nothing_is_kept_on_disk_of_an_engine_that_is_shipped_compiled() {
    let root = tempfile::tempdir().unwrap();
    let folder = root.path().join("cache");
    let engine = Engine::builder()
        .cache(&folder, root.path().join("key"))
        .build()
        .unwrap();
    let policy = Policy::dangerous_from_unverified_bytes(&engine, &compile(BILLING)).unwrap();
    let request = Request::new("view_orders", "{}").roles(&["billing"]);
    assert!(policy.is_of_known_engine() && policy.decide(&request).unwrap().is_allowed());
    assert_eq!(folder.read_dir().unwrap().count(), 0);
}

#[test]
fn plans_of_every_size_decide_as_their_components_do() {
    let engine = Engine::new().unwrap();
    let mut pages = Vec::new();
    for count in [1, 100, 300, 3000] {
        let long = "y".repeat(200);
        let role = |n: usize| {
            format!(
                "  r{n}: {{tools: {{t: {{mode: allow, constraints: ['args.a == \"{n}{long}\"']}}}}}}\n"
            )
        };
        let text = format!("roles:\n{}", (0..count).map(role).collect::<String>());
        let plan = hexgate_component::plan_of(&compile(&text)).map(<[u8]>::to_vec);
        pages.push(hexgate_component::memory_pages(&plan.unwrap()).unwrap());
        let (known, other) = both(&engine, &text);
        for n in [0, count / 2, count - 1] {
            let (role, arguments) = (format!("r{n}"), format!(r#"{{"a": "{n}{long}"}}"#));
            let roles = [role.as_str()];
            let request = Request::new("t", &arguments).roles(&roles);
            let verdict = known.decide(&request).unwrap();
            assert!(verdict.is_allowed(), "{count} roles, the {n}th");
            assert_eq!(Ok(verdict), other.decide(&request));
        }
    }
    // Within the engine's own pages, a page more, and far beyond what is kept of an instance's memory.
    assert!(
        pages.is_sorted() && pages[0] == 1 && pages[3] > 9,
        "{pages:?}"
    );
}

#[test]
fn what_a_large_request_left_is_not_there_for_the_next_one() {
    let engine = |kept_bytes| {
        let limits = Limits {
            kept_bytes,
            warm_instances: 1,
            ..Limits::default()
        };
        Engine::builder().limits(limits).build().unwrap()
    };
    let wasm = compile(FILES);
    let load =
        |kept_bytes| Policy::dangerous_from_unverified_bytes(&engine(kept_bytes), &wasm).unwrap();
    let (keeps, drops) = (load(64 << 20), load(0));
    let mut large = vec![];
    for length in [1_000, 30_000, 70_000, 200_000, 900_000, 1_100_000] {
        let text = "docs/".repeat(length / 5);
        let members: String = (0..length / 8)
            .map(|number| format!(r#""{number:06}":1,"#))
            .collect();
        large.push(format!(r#"{{"file_path": "{text}"}}"#));
        large.push(format!(r#"{{{members}"url": "https://x"}}"#));
        large.push(format!(r#"{{{members}"url": "https://x""#));
    }
    for (number, large) in large.iter().chain(large.iter().rev()).enumerate() {
        let small = [
            Request::new("read_file", r#"{"file_path": "docs/a.md"}"#),
            Request::new("fetch", r#"{"url": "https://x"}"#).facts(r#"{"user": {"id": "u"}}"#),
            Request::new("fetch", r#"{"url": "#),
        ];
        let tool = if number % 3 == 0 {
            "read_file"
        } else {
            "fetch"
        };
        let request = Request::new(tool, large).facts(r#"{"user": {"id": "u"}}"#);
        for request in [request].iter().chain(&small) {
            let request = request.roles(&["reader"]);
            assert_eq!(keeps.decide(&request), drops.decide(&request));
        }
    }
}

/// The limits that a policy counts are met before those of the host: the longest arguments and facts are decided with the defaults, by a
/// policy that orders lists, looks texts up in an index and seeks one in another, which takes the most memory. A larger plan needs more, and
/// so does one whose instructions are counted.
#[test]
fn the_longest_requests_are_decided_within_the_limits_of_the_host() {
    const LONGEST: usize = 1 << 20;
    let policy_with = |bytes: usize| {
        let large = "x".repeat(bytes);
        compile(&format!(
            "consts: {{ large: \"{large}\" }}\ntools:\n  t:\n    mode: allow\n    constraints:\n      - every(args.list, . in said.quoted)\n      \
             - every(args.list, contains(ctx.text, .))\n      - contains(args.text, ctx.part)\n      - args.text != consts.large\n"
        ))
    };
    // Nearly half of each text is a list of short words; the rest is a text that has them all, or repeats itself.
    let words: Vec<String> = (0..50_000).map(|i| format!("\"w{i:05}\"")).collect();
    let list = words.join(",");
    let all = list.replace(['"', ','], "");
    let padded = |begin: &str, end: &str| {
        let room = LONGEST - begin.len() - end.len();
        format!("{begin}{}{end}", &"ab".repeat(room)[..room])
    };
    let arguments = padded(&format!(r#"{{"list":[{list}],"text":""#), r#""}"#);
    let facts = |part: &str| {
        let begin =
            format!(r#"{{"said":{{"quoted":[{list}]}},"ctx":{{"part":"{part}","text":"{all}"#);
        padded(&begin, r#""}}"#)
    };
    let load = |wasm: &[u8], isolation, limits| {
        let engine = Engine::builder().limits(limits).build().unwrap();
        Policy::dangerous_from_unverified_bytes_with(&engine, wasm, isolation).unwrap()
    };
    let decide = |policy: &Policy, arguments: &str, facts: &str| {
        policy.decide(&Request::new("t", arguments).facts(facts))
    };
    let fits = policy_with(1 << 20);
    let counted = Limits {
        fuel: Limits::default().fuel * 100,
        ..Limits::default()
    };
    for (isolation, limits) in [
        (Isolation::AsKnown, Limits::default()),
        (Isolation::Full, counted),
    ] {
        let policy = load(&fits, isolation, limits);
        let answer = decide(&policy, &arguments, &facts("ababababab")).unwrap();
        assert!(
            matches!(answer, Verdict::Allow(_)),
            "{isolation:?}: {answer:?}"
        );
        let answer = decide(&policy, &arguments, &facts("abababababb")).unwrap();
        let Verdict::Deny(denial) = &answer else {
            panic!("{isolation:?}: {answer:?}")
        };
        assert_eq!(
            denial.violations,
            ["contains(args.text, ctx.part)"],
            "{isolation:?}"
        );
        let longer = (format!("{arguments} "), format!("{} ", facts("ab")));
        for (arguments, facts, limit) in [
            (&longer.0, &facts("ab"), "arguments-bytes"),
            (&arguments, &longer.1, "facts-bytes"),
        ] {
            let exceeded = decide(&policy, arguments, facts).unwrap_err();
            assert!(
                matches!(&exceeded, DecideError::Exceeded(it) if it.limit == limit),
                "{isolation:?}: {exceeded:?}"
            );
        }
    }
    let large = load(&policy_with(3 << 20), Isolation::AsKnown, Limits::default());
    let denied = decide(&large, &arguments, &facts("ab")).unwrap_err();
    assert!(
        matches!(
            denied,
            DecideError::Trap {
                kind: TrapKind::Memory
            }
        ),
        "{denied:?}"
    );
}
