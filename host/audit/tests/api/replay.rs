//! Deciding again what was decided.

use std::{collections::HashMap, fs, sync::LazyLock};

use hexgate_audit::{
    Anchors, AuditLog, By, Change, Components, Effect, KeptAs, Outcome, Record, Redaction,
    ReplayError, Replayed, Shadow, replay,
};
use hexgate_bundle::Digest;
use hexgate_compiler::{Compiler, Options as CompilerOptions};
use hexgate_host::{Engine, Policy};
use proptest::prelude::*;

use crate::fixture::{ALLOW, Fixture, decision, now, options};

const LIVE: &str = r#"
roles:
  default: {}
  support:
    tools:
      view_order: { mode: allow }
      refund_order:
        mode: allow
        constraints: ["args.amount > 0", "args.amount <= 50"]
      close_account: { mode: approval_required }
      read_file:
        mode: allow
        file_scope: { allowed_paths: ["src/**"] }
      reply:
        mode: allow
        constraints: ["ctx.tenant == \"a\""]
"#;

const NEXT: &str = r#"
roles:
  default: {}
  support:
    tools:
      view_order: { mode: deny }
      refund_order:
        mode: allow
        constraints: ["args.amount > 0", "args.amount <= 100"]
      close_account: { mode: allow }
"#;

struct Compiled {
    component: Vec<u8>,
    policy: Policy,
}

static ENGINE: LazyLock<Engine> = LazyLock::new(|| Engine::new().unwrap());

fn compiled(source: &str) -> Compiled {
    let outcome = Compiler::new(CompilerOptions::default()).compile_str("policy.yaml", source);
    let component = outcome.policy.unwrap().component;
    let policy = Policy::dangerous_from_unverified_bytes(&ENGINE, &component).unwrap();
    Compiled { component, policy }
}

static LIVE_POLICY: LazyLock<Compiled> = LazyLock::new(|| compiled(LIVE));
static NEXT_POLICY: LazyLock<Compiled> = LazyLock::new(|| compiled(NEXT));

/// Calls: tool, arguments, facts.
const CALLS: [(&str, &str, Option<&str>); 12] = [
    ("view_order", "{}", None),
    ("refund_order", r#"{"amount": 12}"#, None),
    ("refund_order", r#"{ "amount" : 75 }"#, None),
    ("refund_order", r#"{"amount": 750}"#, None),
    ("refund_order", r#"{"amount": "12"}"#, None),
    ("refund_order", r#"{"amount": 1, "amount": 2}"#, None),
    ("refund_order", "{\"amount\": ", None),
    ("close_account", r#"{"id": "ö\n\u0001"}"#, None),
    ("read_file", r#"{"file_path": "etc/passwd"}"#, None),
    ("read_file", r#"{"file_path": "src/a"}"#, None),
    ("reply", "{}", Some(r#"{"ctx":{"tenant":"a"}}"#)),
    ("no such\u{7}tool", "{}", None),
];

/// Decides and records calls as a host does.
fn written(fixture: &Fixture, arguments: KeptAs, calls: &[(&str, &str, Option<&str>)]) {
    let mut options = options();
    options.arguments = arguments;
    options.redaction = Redaction {
        names: vec!["password".to_owned()],
        text_names: vec![],
        patterns: vec![],
    };
    let log = AuditLog::open(fixture.log(), options, now()).unwrap();
    let digest = log.keep_component(&LIVE_POLICY.component).unwrap();
    let shadow = Shadow::new(
        NEXT_POLICY.policy.clone(),
        None,
        Digest::of(&NEXT_POLICY.component),
    );
    for (tool, arguments, facts) in calls {
        let roles = ["support"];
        let outcome = Outcome::ask(&LIVE_POLICY.policy, &roles, tool, arguments, *facts);
        let asked = shadow.ask(&roles, tool, arguments, *facts);
        let record = Record {
            roles: &["support"],
            tool,
            arguments,
            facts: *facts,
            component: Some(digest),
            shadow: Some(&asked),
            ..decision(&outcome)
        };
        let _ = log.record(&record).unwrap();
    }
    log.close(now()).unwrap();
}

/// Replays by the components that were kept.
fn again(fixture: &Fixture) -> Result<Replayed, ReplayError> {
    let kept = Components::of_log(&fixture.log());
    let mut find = |digest: &Digest| {
        let found = kept.find(digest).map_err(|error| error.to_string())?;
        found
            .map(|bytes| Policy::dangerous_from_unverified_bytes(&ENGINE, &bytes))
            .transpose()
            .map_err(|error| error.to_string())
    };
    replay(fixture.log(), &Anchors::default(), By::Recorded(&mut find))
}

fn by_next(fixture: &Fixture) -> Replayed {
    replay(
        fixture.log(),
        &Anchors::default(),
        By::Candidate(&NEXT_POLICY.policy),
    )
    .unwrap()
}

#[test]
fn every_call_comes_out_as_it_did_to_the_letter() {
    for arguments in [KeptAs::Plain, KeptAs::Redacted] {
        let fixture = Fixture::new();
        written(&fixture, arguments, &CALLS);
        let replayed = again(&fixture).unwrap();
        assert!(replayed.verification.is_intact());
        assert_eq!(replayed.differences, []);
        assert_eq!((replayed.decisions, replayed.replayed), (12, 12));
    }
}

#[test]
fn a_record_that_says_something_else_is_found() {
    let fixture = Fixture::new();
    let log = fixture.open();
    let digest = log.keep_component(&LIVE_POLICY.component).unwrap();
    // A host that lies, or a component that decides otherwise than it did.
    let lie = Outcome::Allow {
        role: Some(0),
        scope: None,
    };
    let record = Record {
        roles: &["support"],
        arguments: r#"{"amount": 5000}"#,
        component: Some(digest),
        ..decision(&lie)
    };
    let _ = log.record(&record).unwrap();
    log.close(now()).unwrap();
    let replayed = again(&fixture).unwrap();
    assert_eq!(replayed.differences.len(), 1);
    assert_eq!(replayed.differences[0].recorded, lie);
    assert_eq!(replayed.differences[0].replayed.effect(), Effect::Deny);
}

#[test]
fn a_permission_that_names_no_policy_is_counted_apart() {
    let fixture = Fixture::new();
    let log = fixture.open();
    let record = Record {
        component: None,
        ..decision(&ALLOW)
    };
    let _ = log.record(&record).unwrap();
    log.close(now()).unwrap();
    let skipped = again(&fixture).unwrap().skipped;
    assert_eq!((skipped.without_component, skipped.not_by_policy), (1, 0));
}

#[test]
fn what_was_withheld_is_counted_and_not_decided_again() {
    let calls = [
        ("refund_order", r#"{"amount": 12, "password": "x"}"#, None),
        ("refund_order", r#"{"amount": 12}"#, None),
    ];
    let fixture = Fixture::new();
    written(&fixture, KeptAs::Redacted, &calls);
    let replayed = again(&fixture).unwrap();
    assert_eq!(replayed.replayed, 1);
    assert_eq!(replayed.skipped.withheld(), 1);
    assert_eq!(replayed.skipped.withheld["arguments redacted"], 1);

    let fixture = Fixture::new();
    written(&fixture, KeptAs::DigestOnly, &calls);
    let replayed = by_next(&fixture);
    assert_eq!((replayed.replayed, replayed.skipped.withheld()), (0, 2));
}

#[test]
fn another_policy_shows_who_wins_and_who_loses() {
    let fixture = Fixture::new();
    written(&fixture, KeptAs::Plain, &CALLS);
    let replayed = by_next(&fixture);
    let changes = &replayed.changes;
    let effects: HashMap<(Effect, Effect), u64> = changes
        .effects
        .iter()
        .map(|(Change { from, to, .. }, number)| ((*from, *to), *number))
        .collect();
    use Effect::{Allow, Deny, NeedsApproval};
    assert_eq!(
        effects,
        HashMap::from([
            ((Deny, Deny), 6),
            ((Deny, Allow), 1),
            ((NeedsApproval, Allow), 1),
            ((Allow, Allow), 1),
            ((Allow, Deny), 3),
        ])
    );
    assert_eq!((changes.same, changes.looser, changes.stricter), (7, 2, 3));
    assert_eq!(changes.tools.by_name["refund_order"], (1, 0));
    assert_eq!(changes.tools.by_name["view_order"], (0, 1));
    assert_eq!(changes.callers.top(5), [("ada", 2, 3)]);
    assert_eq!(changes.roles.top(5), [("support", 2, 3)]);
    assert_eq!(changes.examples.len(), 5);
    let example = &changes.examples[1];
    assert_eq!(example.arguments.as_deref(), Some(r#"{ "amount" : 75 }"#));
    assert!(example.change.is_looser());

    let verified = &replayed.verification;
    assert_eq!((verified.shadowed, verified.shadow_differs), (12, 5));

    // What the candidate said beside the live policy is the same, and needs neither component nor arguments.
    let shadow = replay(fixture.log(), &Anchors::default(), By::Shadow).unwrap();
    assert_eq!(shadow.changes, replayed.changes);
    let fixture = Fixture::new();
    written(&fixture, KeptAs::DigestOnly, &CALLS);
    let shadow = replay(fixture.log(), &Anchors::default(), By::Shadow).unwrap();
    assert_eq!(shadow.changes.effects, replayed.changes.effects);
}

#[test]
fn a_component_that_is_missing_or_another_is_said() {
    let fixture = Fixture::new();
    written(&fixture, KeptAs::Plain, &CALLS);
    let digest = Digest::of(&LIVE_POLICY.component);
    let path = fixture
        .log()
        .join("components")
        .join(format!("{digest}.wasm"));
    fs::write(&path, &NEXT_POLICY.component).unwrap();
    let error = again(&fixture).unwrap_err().to_string();
    assert!(
        error.contains("does not have the digest in its name"),
        "{error}"
    );
    fs::remove_file(&path).unwrap();
    let replayed = again(&fixture).unwrap();
    assert_eq!(replayed.replayed, 0);
    assert_eq!(replayed.skipped.missing_component[&digest], 12);
}

#[test]
fn what_no_policy_decided_is_left_out() {
    let fixture = Fixture::new();
    let log = fixture.open();
    let outcome = Outcome::Refused {
        code: "no_caller".to_owned(),
        reason: "there is no caller".to_owned(),
    };
    let _ = log.record(&decision(&outcome)).unwrap();
    log.close(now()).unwrap();
    let replayed = by_next(&fixture);
    assert_eq!((replayed.replayed, replayed.skipped.not_by_policy), (0, 1));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(10))]

    #[test]
    fn whatever_was_asked_is_decided_again_alike(
        calls in proptest::collection::vec(
            (
                r#"refund_order|close_account|read_file|[a-zö"\\\x00-\x1f]{0,6}"#,
                r#"\{\}|\{"amount": ?[0-9]{1,3}\}|\{"file_path":"[a-z./\\\\ö]{0,8}"\}|[\{\}":,0-9a\\\x00-\x1fö]{0,20}"#,
            ),
            100,
        ),
    ) {
        let fixture = Fixture::new();
        let calls: Vec<_> = calls
            .iter()
            .map(|(tool, arguments)| (tool.as_str(), arguments.as_str(), None))
            .collect();
        written(&fixture, KeptAs::Plain, &calls);
        let replayed = again(&fixture).unwrap();
        prop_assert_eq!(replayed.differences, []);
        prop_assert_eq!(replayed.replayed, 100);
    }
}
