//! The component on a component runtime.

use hexgate_component::embed_plan;
use wasmtime::{
    Engine, Store,
    component::{Component, Instance, Linker, Val},
};
use wasmtime::{Result, error::Context as _};

use crate::support::{POLICY, compiled, shaped};

pub(crate) struct Policy {
    store: Store<()>,
    instance: Instance,
}

impl Policy {
    fn new(plan: &[u8]) -> Result<Self> {
        Self::of(&embed_plan(plan)?)
    }

    pub(crate) fn of(component: &[u8]) -> Result<Self> {
        let engine = Engine::default();
        let component = Component::new(&engine, component)?;
        let mut store = Store::new(&engine, ());
        let instance = Linker::new(&engine).instantiate(&mut store, &component)?;
        Ok(Self { store, instance })
    }

    fn call(&mut self, interface: &str, function: &str, params: &[Val]) -> Result<Val> {
        let interface = format!("hexgate:policy/{interface}@0.2.0");
        let (_, interface) = self
            .instance
            .get_export(&mut self.store, None, &interface)
            .context("no such interface")?;
        let (_, function) = self
            .instance
            .get_export(&mut self.store, Some(&interface), function)
            .context("no such function")?;
        let function = self
            .instance
            .get_func(&mut self.store, function)
            .context("not a function")?;
        let mut results = [Val::Bool(false)];
        function.call(&mut self.store, params, &mut results)?;
        let [result] = results;
        Ok(result)
    }

    pub(crate) fn decide(&mut self, roles: &[&str], tool: &str, arguments: &str) -> Result<Val> {
        let request = Val::Record(vec![
            (
                "roles".into(),
                Val::List(roles.iter().map(|role| text(role)).collect()),
            ),
            ("tool".into(), text(tool)),
            ("arguments".into(), text(arguments)),
            ("facts".into(), Val::Option(None)),
        ]);
        self.call("decision", "decide", &[request])
    }
}

/// A verdict in a few words.
pub(crate) fn said(result: &Val) -> String {
    let Val::Result(result) = result else {
        return format!("{result:?}");
    };
    match result {
        Ok(Some(verdict)) => match &**verdict {
            Val::Variant(case, Some(payload)) => match &**payload {
                Val::Record(fields) if case == "deny" => match &fields[0].1 {
                    Val::String(reason) => format!("ok deny `{reason}`"),
                    other => format!("{other:?}"),
                },
                Val::Record(fields) => {
                    // What a human has to agree to is a grant, and what else is said of it.
                    let grant = match &fields[0].1 {
                        Val::Record(grant) => grant,
                        _ => fields,
                    };
                    match &grant[0].1 {
                        Val::Option(Some(role)) => match **role {
                            Val::U32(role) => format!("ok {case} {role}"),
                            ref other => format!("{other:?}"),
                        },
                        _ => format!("ok {case} -"),
                    }
                }
                other => format!("{other:?}"),
            },
            other => format!("{other:?}"),
        },
        Err(Some(error)) => match &**error {
            Val::Variant(case, _) => format!("error {case}"),
            other => format!("{other:?}"),
        },
        other => format!("{other:?}"),
    }
}

fn text(text: &str) -> Val {
    Val::String(text.into())
}

fn list(texts: &[&str]) -> Val {
    Val::List(texts.iter().map(|item| text(item)).collect())
}

fn some(value: Val) -> Val {
    Val::Option(Some(Box::new(value)))
}

fn index(index: Option<u32>) -> Val {
    Val::Option(index.map(|index| Box::new(Val::U32(index))))
}

fn grant(case: &str, role: Option<u32>, scope: Option<u32>) -> Val {
    let mut grant = Val::Record(vec![
        ("role".into(), index(role)),
        ("scope".into(), index(scope)),
    ]);
    if case == "needs-approval" {
        grant = Val::Record(vec![
            ("grant".into(), grant),
            ("terms".into(), Val::Option(None)),
            ("message".into(), Val::Option(None)),
        ]);
    }
    Val::Result(Ok(Some(Box::new(Val::Variant(
        case.into(),
        Some(Box::new(grant)),
    )))))
}

fn lists([allowed, denied]: [&[&str]; 2]) -> Val {
    Val::Record(vec![
        ("allowed".into(), list(allowed)),
        ("denied".into(), list(denied)),
        ("except".into(), list(&[])),
    ])
}

fn denial(reason: &str, violations: &[&str], hint: Option<[&[&str]; 2]>) -> Val {
    let denial = Val::Record(vec![
        ("reason".into(), text(reason)),
        ("violations".into(), list(violations)),
        (
            "hint".into(),
            Val::Option(hint.map(|hint| Box::new(lists(hint)))),
        ),
        ("message".into(), Val::Option(None)),
    ]);
    Val::Result(Ok(Some(Box::new(Val::Variant(
        "deny".into(),
        Some(Box::new(denial)),
    )))))
}

#[test]
fn every_kind_of_verdict_reaches_the_host() -> Result<()> {
    let mut policy = Policy::new(&compiled(POLICY))?;
    assert_eq!(
        policy.decide(&[], "ping", "{}")?,
        grant("allow", None, None)
    );
    assert_eq!(
        policy.decide(&["x", "clerk"], "mail", "{}")?,
        grant("needs-approval", Some(1), None)
    );
    let refund = r#"{"amount": 100, "currency": "EUR"}"#;
    assert_eq!(
        policy.decide(&["clerk"], "refund", refund)?,
        grant("allow", Some(0), None)
    );
    let broken = policy.decide(
        &["clerk"],
        "refund",
        r#"{"amount": 100.5, "currency": "GBP"}"#,
    )?;
    let violations = ["args.amount <= 100", r#"args.currency in ["EUR", "USD"]"#];
    let reason = format!(
        r#"Policy denied tool "refund": {}; {}"#,
        violations[0], violations[1]
    );
    assert_eq!(broken, denial(&reason, &violations, None));
    assert_eq!(
        policy.decide(&["clerk"], "wipe", "{}")?,
        denial(r#"Policy denied tool "wipe""#, &[], None)
    );
    let inside = policy.decide(&["clerk"], "read_file", r#"{"file_path": "docs/a.md"}"#)?;
    assert_eq!(inside, grant("allow", Some(0), Some(0)));
    let outside = policy.decide(
        &["clerk"],
        "read_file",
        r#"{"file_path": "docs/secret/a.md"}"#,
    )?;
    let hint: [&[&str]; 2] = [&["docs/**"], &["docs/secret/**"]];
    assert_eq!(
        outside,
        denial(
            r#"Policy denied tool "read_file" for the requested path"#,
            &[],
            Some(hint)
        )
    );

    Ok(())
}

#[test]
fn what_cannot_be_understood_is_an_error_that_says_where() -> Result<()> {
    let mut policy = Policy::new(&compiled(POLICY))?;
    let Val::Result(Err(Some(error))) = policy.decide(&[], "ping", r#"{"a": 1, "a": 2}"#)? else {
        panic!("no error")
    };
    let Val::Variant(case, Some(malformed)) = *error else {
        panic!("no variant")
    };
    assert_eq!(case, "malformed");
    let Val::Record(malformed) = *malformed else {
        panic!("no record")
    };
    assert_eq!(malformed[0].1, Val::Enum("arguments".into()));
    assert_eq!(malformed[1].1, Val::U32(9));

    let long = format!(r#"{{"a": "{}"}}"#, "x".repeat(1 << 20));
    let exceeded = Val::Record(vec![
        ("limit".into(), text("arguments-bytes")),
        ("allowed".into(), Val::U64(1 << 20)),
    ]);
    let exceeded = Val::Variant("exceeded".into(), Some(Box::new(exceeded)));
    assert_eq!(
        policy.decide(&[], "ping", &long)?,
        Val::Result(Err(Some(Box::new(exceeded))))
    );
    assert_eq!(
        policy.decide(&[], "ping", "{}")?,
        grant("allow", None, None),
        "the instance goes on"
    );

    let crowd = vec!["clerk"; 33];
    assert!(matches!(
        policy.decide(&crowd, "ping", "{}")?,
        Val::Result(Err(_))
    ));
    assert_eq!(
        policy.decide(&crowd[1..], "refund", r#"{"amount":1,"currency":"EUR"}"#)?,
        grant("allow", Some(0), None)
    );

    Ok(())
}

#[test]
fn arguments_at_the_limit_are_read_whatever_they_consist_of() -> Result<()> {
    let limit = 1 << 20;
    let many = format!(r#"{{"a":[{}1]}}"#, "1,".repeat((limit - 10) / 2));
    let plain = format!(r#"{{"a":"{}"}}"#, "x".repeat(limit - 8));
    assert!(many.len() <= limit && plain.len() == limit);
    let mut policy = Policy::new(&compiled(POLICY))?;
    for arguments in [&many, &plain] {
        assert_eq!(
            policy.decide(&[], "ping", arguments)?,
            grant("allow", None, None)
        );
    }

    Ok(())
}

#[test]
fn the_policy_describes_itself() -> Result<()> {
    let mut policy = Policy::new(&compiled(POLICY))?;
    let Val::Record(about) = policy.call("description", "about", &[])? else {
        panic!("no record")
    };
    assert_eq!(about[0].1, Val::Enum("complete".into()));
    assert!(
        matches!(&about[1].1, Val::String(digest) if digest.len() == 64 && digest.bytes().all(|b| b.is_ascii_hexdigit()))
    );
    assert_eq!([&about[3].1, &about[4].1], [&Val::U32(2), &Val::U32(1)]);

    let mut roles =
        |start, count| policy.call("description", "roles", &[Val::U32(start), Val::U32(count)]);
    let named = |names: &[&str]| {
        let role = |name: &&str| {
            Val::Record(vec![
                ("name".into(), text(name)),
                ("description".into(), Val::Option(None)),
            ])
        };
        Val::List(names.iter().map(role).collect())
    };
    assert_eq!(roles(0, u32::MAX)?, named(&["clerk", "default"]));
    assert_eq!(roles(1, 1)?, named(&["default"]));
    assert_eq!(roles(2, 1)?, list(&[]));
    assert_eq!(roles(u32::MAX, u32::MAX)?, list(&[]));

    let mut rules = |role, start, count| {
        policy.call(
            "description",
            "rules",
            &[text(role), Val::U32(start), Val::U32(count)],
        )
    };
    let rule = |tool: Option<&str>, mode: &str, constraints: &[&str], scope: Option<u32>| {
        let tools = match tool {
            None => Val::Variant("unlisted".into(), None),
            Some(tool) => Val::Variant("exact".into(), Some(Box::new(text(tool)))),
        };
        Val::Record(vec![
            ("tools".into(), tools),
            ("mode".into(), Val::Enum(mode.into())),
            ("constraints".into(), list(constraints)),
            ("scope".into(), index(scope)),
            ("terms".into(), Val::Option(None)),
            ("message".into(), Val::Option(None)),
            ("description".into(), Val::Option(None)),
        ])
    };
    let all = vec![
        rule(None, "needs-approval", &[], None),
        rule(Some("read_file"), "allow", &[], Some(0)),
        rule(
            Some("refund"),
            "allow",
            &["args.amount <= 100", r#"args.currency in ["EUR", "USD"]"#],
            None,
        ),
        rule(Some("wipe"), "deny", &[], None),
    ];
    assert_eq!(rules("clerk", 0, 100)?, some(Val::List(all.clone())));
    assert_eq!(rules("clerk", 2, 1)?, some(Val::List(all[2..3].to_vec())));
    assert_eq!(rules("clerk", 4, 9)?, some(list(&[])));
    assert_eq!(rules("nobody", 0, 9)?, Val::Option(None));

    let scope = Val::Record(vec![
        ("arguments".into(), list(&["file_path"])),
        ("search".into(), Val::Bool(false)),
        ("paths".into(), lists([&["docs/**"], &["docs/secret/**"]])),
        ("style".into(), Val::Enum("posix".into())),
        ("exclusions".into(), list(&[])),
    ]);
    assert_eq!(
        policy.call("description", "scope", &[Val::U32(0)])?,
        some(scope)
    );
    assert_eq!(
        policy.call("description", "scope", &[Val::U32(1)])?,
        Val::Option(None)
    );
    assert_eq!(
        policy.call("description", "terms", &[Val::U32(0)])?,
        Val::Option(None)
    );
    let mut forbids = |role| {
        let role: Option<&str> = role;
        let role = Val::Option(role.map(|role| Box::new(text(role))));
        policy.call("description", "forbids", &[role, Val::U32(0), Val::U32(9)])
    };
    assert_eq!(forbids(None)?, some(list(&[])));
    assert_eq!(forbids(Some("clerk"))?, some(list(&[])));
    assert_eq!(forbids(Some("nobody"))?, Val::Option(None));
    for (scope, path, covered) in [
        (0, "docs/a", true),
        (0, "docs/secret/a", false),
        (0, "src/a", false),
        (1, "docs/a", false),
    ] {
        let answer = policy.call("decision", "covers", &[Val::U32(scope), text(path)])?;
        assert_eq!(answer, Val::Bool(covered), "{scope} {path}");
    }

    Ok(())
}

#[test]
fn a_damaged_plan_permits_nothing_and_is_called_opaque() -> Result<()> {
    for len in [12, 64, 4096] {
        let mut policy = Policy::new(&shaped(len))?;
        let Val::Result(Err(Some(error))) = policy.decide(&["clerk"], "refund", "{}")? else {
            panic!("no error")
        };
        assert!(matches!(*error, Val::Variant(case, _) if case == "internal"));
        let Val::Record(about) = policy.call("description", "about", &[])? else {
            panic!("no record")
        };
        assert_eq!(about[0].1, Val::Enum("opaque".into()));
        assert_eq!(
            policy.call("description", "roles", &[Val::U32(0), Val::U32(9)])?,
            list(&[])
        );
        assert_eq!(
            policy.call("description", "scope", &[Val::U32(0)])?,
            Val::Option(None)
        );
        assert_eq!(
            policy.call("decision", "covers", &[Val::U32(0), text("docs/a")])?,
            Val::Bool(false)
        );
    }
    Ok(())
}
