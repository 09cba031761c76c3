//! What a decision leaves in the memory of an instance that is kept: nothing of the request.

use std::collections::BTreeSet;

use hexgate_compiler::Compiler;

use super::*;
use crate::Engine;

const POLICY: &str = r#"
roles:
  default:
    default_policy: { mode: allow, constraints: ["args.free == \"yes\""] }
    tools:
      read_file:
        mode: allow
        file_scope: { allowed_paths: ["docs/**"], denied_paths: [".env", "se?ret*"] }
      ask: { mode: approval_required }
      never: { mode: deny }
      pay:
        mode: allow
        constraints:
          - args.amount <= 50.25
          - 'matches(args.note, "^[a-z]+$")'
          - contains(args.note, "abc")
          - every(args.list, . != "x")
          - user.id == args.user
          - count(args.list) > 0
  second:
    tools: { pay: { mode: deny } }
    constraints: [role != "x"]
"#;

/// Texts that stand in requests alone, each in one place.
const MARKS: [&str; 6] = [
    "rolemarkrole",
    "toolmarktool",
    "namemarkname",
    "valuemarkvalue",
    "factmarkfact",
    "31415926535897932",
];

/// What the language grew: a message, several rules, forbids, a scope that searches, facts in which something is sought.
const GROWN: &str = r#"
forbid:
  - { tools: [pay], constraints: ["anywhere(args, matches(., \"^sk-\"))"], message: "no" }
roles:
  default:
    default_policy: { mode: allow, constraints: ["args.free == \"yes\""], message: "paid" }
    tools:
      read_file:
        - { mode: allow, file_scope: { allowed_paths: ["docs/**"], denied_paths: [".env", "se?ret*"], except_paths: [".env"] } }
        - { mode: deny, file_scope: { denied_paths: ["*.key"] } }
      ask: { mode: approval_required, message: "A colleague is asked.", approval: { approvers: 2 } }
      never: { mode: deny, message: "never" }
      pay: { mode: allow, constraints: ["args.user in said.handles", "lower(args.note) == \"abc\""] }
  second: {}
"#;

/// Without scopes there is no room for a path, which would lie where names are that nobody looks at.
const WITHOUT_SCOPES: &str = "tools: { never: { mode: deny } }";

fn instance(engine: &Engine, policy: &str) -> Box<KnownInstance> {
    let policy = Compiler::default()
        .compile_str("policy.yaml", policy)
        .policy;
    Known::new(
        engine.code().unwrap(),
        &policy.unwrap().plan,
        engine.limits(),
    )
    .unwrap()
    .instantiate()
    .unwrap()
}

/// Requests with every kind of answer. What is in `{}` stands for a text with marks.
fn requests() -> Vec<(&'static str, Vec<&'static str>, String, Option<String>)> {
    let mut requests = Vec::new();
    let mut ask = |tool, roles: &[&'static str], arguments: &str, facts: Option<&str>| {
        let marked = |text: &str| text.replace("{}", MARKS[3]);
        requests.push((tool, roles.to_vec(), marked(arguments), facts.map(marked)));
    };
    let facts =
        Some(r#"{"user": {"id": "factmarkfact", "n": [1, {"namemarkname": "{}"}]}, "ctx": "{}"}"#);
    // Allowed, to be approved, denied by mode, by unlisted tool, by constraints.
    ask(
        "toolmarktool",
        &["rolemarkrole"],
        r#"{"free": "yes", "namemarkname": "{}"}"#,
        facts,
    );
    ask(
        "toolmarktool",
        &["rolemarkrole"],
        r#"{"free": "{}", "namemarkname": 31415926535897932}"#,
        facts,
    );
    ask(
        "ask",
        &[],
        r#"{"namemarkname": ["{}", 31415926535897932, {"namemarkname": {}}]}"#
            .replace("{}}", "[]}")
            .as_str(),
        facts,
    );
    ask(
        "never",
        &["rolemarkrole", "default"],
        r#"{"a": "{}"}"#,
        None,
    );
    ask(
        "toolmarktool",
        &["second", "default", "rolemarkrole"],
        r#"{"a": "{}"}"#,
        None,
    );
    let note =
        r#"{"amount": 3.1415926535897932e1, "note": "{}", "list": ["{}"], "user": "factmarkfact"}"#;
    ask("pay", &[], note, facts);
    ask(
        "pay",
        &["second", "default"],
        &note.replace("{}", "abc"),
        facts,
    );
    // Paths: within the scope, outside, refused, of every form.
    for path in [
        "docs/{}",
        "docs/./{}//x",
        "{}",
        "docs/{}/.env",
        "/docs/{}",
        r"a/b\u0000{}",
        r"\u0000{}",
        r"{}\u0000",
        r"docs/{}\u0000\u0000{}",
        r"docs/\u0001{}",
        r"{}\\{}",
        "../{}",
        "docs/{}/..",
        "~{}",
        "{}:x",
        "docs/{}.",
        "docs/{}~1",
        r"docs/\u200b{}",
        r"docs/{}é\u0301",
        "",
    ] {
        ask(
            "read_file",
            &[],
            &format!(r#"{{"file_path": "{path}"}}"#),
            facts,
        );
    }
    let long = "{}/".repeat(600);
    ask(
        "read_file",
        &[],
        &format!(r#"{{"file_path": "{long}"}}"#),
        None,
    );
    ask(
        "read_file",
        &[],
        r#"{"file_path": ["{}"], "namemarkname": "{}"}"#,
        None,
    );
    // Malformed, at every place.
    let whole = r#"{"namemarkname": ["{}", {"b": "\u0041{}"}, -1.5e3, true], "namemarkname2": {"{}": null}}"#.replace("{}", MARKS[3]);
    for end in 0..whole.len() {
        ask("pay", &["rolemarkrole"], &whole[..end], facts);
        ask("toolmarktool", &[], "{}", Some(&whole[..end]));
    }
    ask(
        "pay",
        &[],
        r#"{"namemarkname": "{}", "namemarkn\u0061me": "{}"}"#,
        facts,
    );
    ask("pay", &[], r#"{"a": "{}\ud800"}"#, facts);
    ask("pay", &[], r#"{"a": "{}"} {}"#, facts);
    ask(
        "pay",
        &[],
        r#"{"a": "{}"}"#,
        Some(r#"{"namemarkname": "{}"}"#),
    );
    let many: String = (0..50)
        .map(|n| format!(r#""namemarkname{n}": "{{}}", "#))
        .collect();
    ask(
        "pay",
        &[],
        &format!(r#"{{{many}"namemarkname7": 1}}"#),
        facts,
    );
    ask("pay", &[], &format!(r#"{{{many}"z": 1}}"#), facts);
    // Beyond a limit.
    ask(
        "pay",
        &[],
        &format!(r#"{{"a": {}"{{}}"{}}}"#, "[".repeat(70), "]".repeat(70)),
        facts,
    );
    ask(
        "pay",
        &[],
        &format!(r#"{{"a": "{{}}", "b": {}}}"#, MARKS[5].repeat(7)),
        facts,
    );
    ask(
        "pay",
        &[],
        r#"{"a": "{}", "b": 31415926535897932e31415}"#,
        facts,
    );
    // Names that cannot be.
    ask("tool\nmark{}", &["rolemarkrole"], r#"{"a": "{}"}"#, facts);
    ask("pay", &["rolemarkrole\n"], r#"{"a": "{}"}"#, facts);
    ask("pay", &["rolemarkrole"; 33], r#"{"a": "{}"}"#, facts);
    ask("pay", &["rolemarkrole"; 200], r#"{"a": "{}"}"#, None);
    ask("", &["rolemarkrole"; 200], "", None);
    ask(
        "toolmarktool",
        &["rolemarkrole"; 32],
        r#"{"free": "yes"}"#,
        None,
    );
    requests
}

#[test]
fn nothing_of_a_request_is_left_in_an_instance_that_is_kept() {
    let engine = Engine::new().unwrap();
    let kinds = left_by(&mut instance(&engine, POLICY));
    assert_eq!(kinds.len(), 5, "{kinds:?}");
    let kinds = left_by(&mut instance(&engine, GROWN));
    assert_eq!(kinds.len(), 5, "{kinds:?}");
    let kinds = left_by(&mut instance(&engine, WITHOUT_SCOPES));
    assert_eq!(kinds.len(), 3, "{kinds:?}");
}

#[test]
fn nothing_of_a_path_is_left_that_was_held_against_a_scope() {
    let engine = Engine::new().unwrap();
    for policy in [POLICY, GROWN] {
        let mut instance = instance(&engine, policy);
        for path in [
            "docs/valuemarkvalue",
            "docs/./valuemarkvalue//x",
            "../valuemarkvalue",
            "",
        ] {
            for scope in 0..3 {
                instance.covers(scope, path).unwrap();
                let memory = instance.memory.data(&instance.store);
                let left = memory.windows(9).position(|window| window == b"valuemark");
                assert_eq!(left, None, "{path}");
            }
        }
    }
}

/// Asks everything, and says which kinds of answers there were.
fn left_by(instance: &mut Box<KnownInstance>) -> BTreeSet<&'static str> {
    let count = |memory: &[u8], text: &str| {
        memory
            .windows(text.len())
            .filter(|window| *window == text.as_bytes())
            .count()
    };
    let mut kinds = BTreeSet::new();
    let mut wrong = Vec::new();
    for (tool, roles, arguments, facts) in requests() {
        let mut request = Request::new(tool, &arguments).roles(&roles);
        if let Some(facts) = &facts {
            request = request.facts(facts);
        }
        let answer = instance.decide(&request);
        kinds.insert(match &answer {
            Ok(Verdict::Allow(_)) => "allow",
            Ok(Verdict::NeedsApproval(_)) => "needs approval",
            Ok(Verdict::Deny(_)) => "deny",
            Err(DecideError::Malformed { .. }) => "malformed",
            Err(DecideError::Exceeded { .. }) => "exceeded",
            Err(error) => panic!("{error}"),
        });
        let memory = instance.memory.data(&instance.store);
        let base = instance.base.unwrap() as usize;
        let (below, arena) = memory.split_at(base);
        if let Some(at) = arena.iter().position(|byte| *byte != 0) {
            let end = arena.len().min(at + 40);
            let left = String::from_utf8_lossy(&arena[at..end]).into_owned();
            wrong.push(format!(
                "{tool} {arguments:.60}: {left:?} at {at} of the arena ({answer:?})"
            ));
        }
        for mark in MARKS {
            // Pieces too: what lies on the stack may be cut.
            for piece in [&mark[..mark.len() / 2], &mark[mark.len() / 2..]] {
                if count(below, piece) != 0 {
                    wrong.push(format!(
                        "{tool} {arguments:.60}: `{piece}` below the arena ({answer:?})"
                    ));
                }
            }
        }
    }
    assert!(
        wrong.is_empty(),
        "{} times:\n{}",
        wrong.len(),
        wrong.join("\n")
    );
    kinds
}
