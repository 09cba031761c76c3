//! Policies in Rust: begun by `hexgate new`, built with cargo, and run as an agent's host runs them; and packages that mean harm.

mod elsewhere;
mod packages;

use std::{
    fs,
    path::{Path, PathBuf},
    sync::OnceLock,
};

use hexgate_host::{DecideError, Engine, ErrorKind, Limits, Policy, Request, TrapKind, Verdict};

use packages::{Packages, shown, succeeds, workspace};

/// The packages that are run, each built once.
fn built(name: &'static str) -> Option<&'static (Packages, PathBuf)> {
    static HOSTILE: OnceLock<Option<(Packages, PathBuf)>> = OnceLock::new();
    static REMEMBERS: OnceLock<Option<(Packages, PathBuf)>> = OnceLock::new();
    let (once, metadata) = match name {
        "hostile" => (&HOSTILE, ""),
        _ => (&REMEMBERS, "stateless = true"),
    };
    once.get_or_init(|| {
        let packages = Packages::new()?;
        let manifest = packages.guest(name, metadata);
        let bundle = packages.bundle(&manifest);
        Some((packages, bundle))
    })
    .as_ref()
}

#[test]
fn a_new_policy_builds_and_decides_and_is_tested_natively() {
    let Some(packages) = Packages::new() else {
        return;
    };
    let guest = workspace().join("guest/sdk");
    succeeds(packages.hexgate("new refunds --guest-path").arg(&guest));
    packages.lock("refunds");
    let ignored = fs::read_to_string(packages.path("refunds/.gitignore")).unwrap();
    assert!(ignored.lines().any(|line| line == "*.private"), "{ignored}");
    let again = packages.run("new refunds");
    assert!(
        again.starts_with("exit 2\n") && again.contains("`refunds` exists already"),
        "{again}"
    );

    for (folder, said) in [
        (Path::new("/nonexistent"), "cannot read `/nonexistent`"),
        (
            packages.path("refunds").as_path(),
            "is not the folder of the crate `hexgate-guest`, which is `guest/sdk`",
        ),
    ] {
        let output = packages
            .hexgate("new other --guest-path")
            .arg(folder)
            .output();
        let shown = shown(&output.unwrap());
        assert!(
            shown.starts_with("exit 2\n") && shown.contains(said),
            "{shown}"
        );
        assert!(!packages.path("other").exists());
    }

    insta::assert_snapshot!(packages.run("policy validate refunds/Cargo.toml --deny-warnings"), @r"
    exit 0
    ✓ refunds/Cargo.toml is valid: Rust that narrows 2 roles, 2 tool rules
    ");
    let suite = packages.run("policy test refunds/Cargo.toml --suite refunds/suite.yaml");
    assert!(suite.contains("6 passed, 0 failed"), "{suite}");

    // Its own tests, natively. The release profile shares what runs while it is compiled with the builds for WebAssembly.
    let test = |packages: &Packages| {
        let mut cargo = packages.command("cargo", "refunds");
        cargo.env_remove("CARGO_UNSTABLE_BUILD_STD");
        cargo
            .args(["test", "--release", "--quiet"])
            .output()
            .unwrap()
    };
    let tested = test(&packages);
    assert!(shown(&tested).contains("3 passed"), "{}", shown(&tested));

    // The same sources give the same bundle, and it decides as a host asks it.
    let bundle = packages.bundle("refunds/Cargo.toml");
    let wasm = fs::read(bundle.join("refunds.wasm")).unwrap();
    let bundle = packages.bundle("refunds/Cargo.toml");
    assert!(fs::read(bundle.join("refunds.wasm")).unwrap() == wasm);
    let policy = packages.load(&Engine::new().unwrap(), &bundle);
    let ask = |arguments: &str| {
        policy
            .decide(&Request::new("refund_order", arguments).roles(&["nobody", "support"]))
            .unwrap()
    };
    match ask(r#"{"amount": 25, "items": [{"price": 20}, {"price": 5}]}"#) {
        Verdict::Allow(grant) => assert_eq!((grant.role, grant.scope), (Some(1), None)),
        other => panic!("{other:?}"),
    }
    match ask(r#"{"amount": 26, "items": [{"price": 20}, {"price": 5}]}"#) {
        Verdict::Deny(denial) => assert_eq!(denial.violations, ["amount <= total"]),
        other => panic!("{other:?}"),
    }
    assert!(matches!(
        policy.decide(&Request::new(
            "refund_order",
            r#"{"amount": 25, "amount": 2}"#
        )),
        Err(DecideError::Malformed { .. })
    ));
    let described = policy.describe().unwrap();
    assert_eq!(described.roles.len(), 2);
    assert_eq!(described.about.compiler, "hexgate-guest 0.1.0");

    // What the component has is always what the YAML says.
    let yaml = packages.path("refunds/policy.yaml");
    let changed = fs::read_to_string(&yaml)
        .unwrap()
        .replace("<= 500\n", "<= 10\n");
    fs::write(&yaml, changed).unwrap();
    let stale = shown(&test(&packages));
    assert!(
        stale.contains("`policy.plan` is not compiled from `policy.yaml`: run `hexgate-compile policy.yaml --emit plan`"),
        "{stale}"
    );
    let suite = packages.run("policy test refunds/Cargo.toml --suite refunds/suite.yaml");
    assert!(
        suite.starts_with("exit 1\n") && suite.contains("args.amount <= 10"),
        "{suite}"
    );

    // A policy that is named and not used would be believed to hold.
    let lib = packages.path("refunds/src/lib.rs");
    let alone = "
        #![no_std]
        use hexgate_guest::{Call, Denial, Permit, Policy, export};
        struct Alone;
        impl Policy for Alone {
            fn decide<'c>(_: &Call<'c>) -> Result<Permit<'c>, Denial> {
                Ok(Permit::allow())
            }
        }
        export!(Alone);
    ";
    fs::write(lib, alone).unwrap();
    insta::assert_snapshot!(packages.run("policy validate refunds/Cargo.toml"), @r#"
    exit 1
    error[rust-policy-unused]: the component does not hold `policy.yaml`, which the package names as its policy
    --> refunds/Cargo.toml
     = help: export the check as `export!(NAME narrows "policy")`, or leave `policy` out of `[package.metadata.hexgate]`

    `refunds/Cargo.toml` is refused: 1 error
    for more about a code run `hexgate-compile --explain rust-policy-unused`
    "#);

    // Without a policy it decides alone, and a warning of rustc's is one of ours.
    let manifest = packages.path("refunds/Cargo.toml");
    let text = fs::read_to_string(&manifest).unwrap();
    fs::write(&manifest, text.replace("policy = \"policy.yaml\"\n", "")).unwrap();
    let lib = packages.path("refunds/src/lib.rs");
    fs::write(lib, format!("{alone}\nfn unheard() {{}}\n")).unwrap();
    let accepted = packages.run("policy validate refunds/Cargo.toml");
    for part in [
        "exit 0\n",
        "valid: Rust that decides alone, with 1 warning",
        "warning[rust-warning]: ",
        "--> refunds/src/lib.rs:",
    ] {
        assert!(accepted.contains(part), "{part}: {accepted}");
    }
    let refused = packages.run("policy validate refunds/Cargo.toml --deny-warnings");
    assert!(refused.starts_with("exit 1\n"), "{refused}");
}

#[test]
fn what_is_wrong_with_a_package_is_said_with_its_remedy() {
    let Some(packages) = Packages::new() else {
        return;
    };
    let validate = |manifest: &str| packages.run(&format!("policy validate {manifest}"));
    insta::assert_snapshot!(validate(&packages.guest("imports", "")), @r#"
    exit 1
    error[rust-imports]: the policy imports `clock now`
    --> imports/Cargo.toml
     = help: a policy imports nothing: leave out what needs a clock, randomness, files or the network, and pass what it has to know in the facts of the request

    `imports/Cargo.toml` is refused: 1 error
    for more about a code run `hexgate-compile --explain rust-imports`
    "#);
    insta::assert_snapshot!(validate(&packages.guest("other_version", "")), @r#"
    exit 1
    error[rust-world]: the policy is of another world: it exports `hexgate:policy/decision@0.2.0`
    --> other_version/Cargo.toml
     = help: a policy exports `hexgate:policy/decision@0.2.0` and `hexgate:policy/description@0.2.0`, as `hexgate_guest::export!` does; use the version of `hexgate-guest` that belongs to this compiler

    `other_version/Cargo.toml` is refused: 1 error
    for more about a code run `hexgate-compile --explain rust-world`
    "#);
    insta::assert_snapshot!(validate(&packages.guest("exports_nothing", "")), @r#"
    exit 1
    error[rust-world]: the policy is of another world: it exports nothing
    --> exports_nothing/Cargo.toml
     = help: a policy exports `hexgate:policy/decision@0.2.0` and `hexgate:policy/description@0.2.0`, as `hexgate_guest::export!` does; use the version of `hexgate-guest` that belongs to this compiler

    `exports_nothing/Cargo.toml` is refused: 1 error
    for more about a code run `hexgate-compile --explain rust-world`
    "#);
    // The wording is rustc's. Nothing that a check can answer means *allow*.
    let refused = validate(&packages.guest("does_not_compile", ""));
    for part in [
        "exit 1\nerror[rust-error]: no ",
        "`Allow` found for enum `Narrowed`",
        "--> does_not_compile/src/lib.rs:10:22\n",
        "10 |         Ok(Narrowed::Allow)\n",
        "`does_not_compile/Cargo.toml` is refused: 2 errors",
    ] {
        assert!(refused.contains(part), "{part}: {refused}");
    }
    insta::assert_snapshot!(validate(&packages.guest("exports_nothing", "statless = true")), @r#"
    exit 2
    error: `[package.metadata.hexgate]` of the package `exports-nothing` is not understood: unknown field `statless`, expected `policy` or `stateless`; its keys are `policy`, the name of a YAML file, and `stateless`, true or false
    "#);
    let elsewhere = validate(&packages.guest("exports_nothing", "policy = \"../policy.yaml\""));
    assert!(
        elsewhere
            .contains("`policy = \"../policy.yaml\"` does not name a `*.yaml` beside `Cargo.toml`"),
        "{elsewhere}"
    );

    let manifest = packages.guest("exports_nothing", "");
    let path = packages.path(&manifest);
    let text = fs::read_to_string(&path).unwrap();
    fs::write(&path, text.replace("cdylib", "rlib")).unwrap();
    insta::assert_snapshot!(validate(&manifest), @r#"
    exit 2
    error: the package `exports-nothing` makes no module; add `crate-type = ["cdylib"]` to `[lib]` in its `Cargo.toml`
    "#);
    insta::assert_snapshot!(packages.run(&format!("policy validate {manifest} --engine rego")), @r#"
    exit 2
    error: a policy in Rust is its own engine: leave `--engine` out
    "#);
}

#[test]
fn a_missing_target_is_an_error_with_the_command_that_installs_it() {
    let Some(packages) = Packages::new() else {
        return;
    };
    let manifest = packages.guest("imports", "");
    // A compiler that finds no standard library for the target, as one without the target does not.
    let output = packages
        .hexgate(&format!("policy validate {manifest}"))
        .env_remove("CARGO_UNSTABLE_BUILD_STD")
        .env(
            "CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_RUSTFLAGS",
            "--sysroot=/nonexistent",
        )
        .output()
        .unwrap();
    insta::assert_snapshot!(shown(&output), @r#"
    exit 2
    error: the Rust target wasm32-unknown-unknown is not installed; run `rustup target add wasm32-unknown-unknown`
    "#);
}

#[test]
fn a_check_that_panics_denies_and_leaves_other_calls_alone() {
    let Some(packages) = Packages::new() else {
        return;
    };
    let manifest = packages.guest("panics", "policy = \"policy.yaml\"");
    let yaml = "tools:\n  refund_order: { mode: allow }\n  view_order: { mode: allow }\n";
    fs::write(packages.path("panics/policy.yaml"), yaml).unwrap();
    let policy = packages.load(&Engine::new().unwrap(), &packages.bundle(&manifest));
    for _ in 0..2 {
        let error = policy
            .decide(&Request::new("refund_order", "{}"))
            .unwrap_err();
        assert!(
            matches!(
                error,
                DecideError::Trap {
                    kind: TrapKind::Unreachable
                }
            ),
            "{error}"
        );
        assert!(
            policy
                .decide(&Request::new("view_order", "{}"))
                .unwrap()
                .is_allowed()
        );
        assert!(
            policy
                .decide(&Request::new("close_order", "{}"))
                .unwrap()
                .is_denied()
        );
    }
}

#[test]
fn a_hostile_guest_ends_in_named_errors_and_harms_nobody() {
    let Some((packages, bundle)) = built("hostile") else {
        return;
    };
    let limits = Limits {
        fuel: 50_000_000,
        ..Limits::default()
    };
    let engine = Engine::builder().limits(limits).build().unwrap();
    let hostile = packages.load(&engine, bundle);
    let bystander = packages.load(&engine, bundle);
    let request = |tool: &'static str| Request::new(tool, "{}").roles(&["one"]);
    for (tool, expected) in [
        ("trap", "the policy was stopped: it executed `unreachable`"),
        ("panic", "the policy was stopped: it executed `unreachable`"),
        ("index", "the policy was stopped: it executed `unreachable`"),
        ("loop", "the policy was stopped: it ran out of fuel"),
        ("grow", "the policy was stopped: it ran out of memory"),
        ("recurse", "the policy was stopped: it ran out of stack"),
        (
            "huge reason",
            "the policy gave an answer that the contract does not allow: more than `output-bytes` allows, which is 1048576",
        ),
        (
            "invalid text",
            "the policy gave an answer that the contract does not allow: invalid utf-8",
        ),
    ] {
        for _ in 0..2 {
            let error = hostile.decide(&request(tool)).expect_err(tool);
            assert!(error.to_string().starts_with(expected), "{tool}: {error}");
            assert_eq!(error.kind(), ErrorKind::Guest, "{tool}: {error}");
            assert_eq!(error.to_denial().reason, error.to_string());
        }
        for policy in [&hostile, &bystander] {
            assert!(
                policy.decide(&request("honest")).unwrap().is_allowed(),
                "after {tool}"
            );
        }
    }
}

#[test]
fn nothing_passes_from_one_decision_or_caller_to_the_next() {
    let Some((packages, bundle)) = built("remembers") else {
        return;
    };
    // The claim to be stateless, which is a lie, counts for nothing where nobody accepts it.
    let engine = Engine::new().unwrap();
    let (policy, other) = (
        packages.load(&engine, bundle),
        packages.load(&engine, bundle),
    );
    for tool in ["static", "heap", "memory"] {
        for caller in ["alice", "bob", "carol"] {
            for policy in [&policy, &other] {
                let arguments = format!(r#"{{"secret": "of {caller}"}}"#);
                let roles = [caller];
                let request = Request::new(tool, &arguments).roles(&roles);
                let verdict = policy.decide(&request).unwrap();
                assert!(verdict.is_allowed(), "{tool}, {caller}: {verdict:?}");
            }
        }
    }
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                for _ in 0..50 {
                    for tool in ["static", "heap", "memory"] {
                        let request = Request::new(tool, r#"{"secret": "x"}"#);
                        assert!(policy.decide(&request).unwrap().is_allowed(), "{tool}");
                    }
                }
            });
        }
    });
}

#[test]
fn a_guest_that_lies_about_being_stateless_shows_what_an_operator_risks() {
    let Some((packages, bundle)) = built("remembers") else {
        return;
    };
    let engine = Engine::builder()
        .accept_stateless_claims(true)
        .build()
        .unwrap();
    let ask = |policy: &Policy, tool: &str, secret: &str| {
        let arguments = format!(r#"{{"secret": "{secret}"}}"#);
        policy.decide(&Request::new(tool, &arguments)).unwrap()
    };
    let policy = packages.load(&engine, bundle);
    assert!(ask(&policy, "static", "a").is_allowed());
    assert!(ask(&policy, "static", "b").is_denied());
    let policy = packages.load(&engine, bundle);
    assert!(ask(&policy, "heap", "of alice").is_allowed());
    match ask(&policy, "heap", "of bob") {
        Verdict::Deny(denial) => assert_eq!(denial.violations, ["of alice"]),
        other => panic!("{other:?}"),
    }
    // An instance whose memory grew is dropped even then.
    let policy = packages.load(&engine, bundle);
    for _ in 0..3 {
        assert!(ask(&policy, "memory", "a").is_allowed());
    }
    // Without the claim in the signed manifest the operator's word alone changes nothing.
    let manifest = packages.path("remembers/Cargo.toml");
    let text = fs::read_to_string(&manifest).unwrap();
    let honest = packages.path("honest");
    fs::create_dir_all(honest.join("src")).unwrap();
    fs::copy(
        packages.path("remembers/src/lib.rs"),
        honest.join("src/lib.rs"),
    )
    .unwrap();
    fs::write(
        honest.join("Cargo.toml"),
        text.replace("stateless = true", "stateless = false"),
    )
    .unwrap();
    packages.lock("honest");
    let policy = packages.load(&engine, &packages.bundle("honest/Cargo.toml"));
    for _ in 0..3 {
        assert!(ask(&policy, "static", "a").is_allowed());
    }
}

#[test]
fn the_price_of_a_decision_is_told_with_and_without_kept_instances() {
    let Some((packages, bundle)) = built("remembers") else {
        return;
    };
    for (consent, kept) in [("", false), (" --accept-stateless", true)] {
        let output = succeeds(&mut packages.hexgate(&format!(
            "policy bench {} --pubkey release.public --tool nothing --json{consent}",
            bundle.display()
        )));
        let told: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
        assert_eq!(told["keeps_instances"], kept, "{told}");
        assert_eq!(told["known_engine"], false, "{told}");
        assert_eq!(told["outcome"], "deny", "{told}");
    }
}
