//! Policies in Rust that something else than `hexgate-compile` builds: what comes of it becomes a bundle, or is refused.

use std::fs;

use hexgate_host::{Engine, Request, Verdict};

use super::packages::{Packages, shown, succeeds};

/// How a policy may be built, and for which target.
const BUILDS: [(&str, &str); 4] = [
    (
        "build --release --target wasm32-unknown-unknown",
        "wasm32-unknown-unknown",
    ),
    ("build --release --target wasm32-wasip2", "wasm32-wasip2"),
    // As the guide of cargo-component has it.
    ("component build --release", "wasm32-wasip1"),
    (
        "component build --release --target wasm32-unknown-unknown",
        "wasm32-unknown-unknown",
    ),
];

#[test]
fn whatever_builds_a_policy_it_decides_the_same() {
    let Some(packages) = Packages::with_all_targets() else {
        return;
    };
    packages.begin("returns", "");
    for (command, target) in BUILDS {
        let built = packages.build("returns", command, target);

        let validated = packages.run(&format!("policy validate {built}"));
        assert_eq!(
            validated,
            format!("exit 0\n✓ {built} is valid: a component that imports nothing\n"),
            "{command}"
        );
        let bundle = packages.bundle(&built);
        let suite = format!(
            "policy test {} --pubkey release.public --suite returns/suite.yaml",
            bundle.display()
        );
        let suite = packages.run(&suite);
        assert!(
            suite.starts_with("exit 0\n") && suite.contains("6 passed, 0 failed"),
            "{command}: {suite}"
        );

        let policy = packages.load(&Engine::new().unwrap(), &bundle);
        let described = policy.describe().unwrap();
        assert_eq!(described.about.compiler, "hexgate-guest 0.1.0", "{command}");
        assert_eq!(described.roles.len(), 2, "{command}");
        let request = Request::new(
            "refund_order",
            r#"{"amount": 26, "items": [{"price": 20}, {"price": 5}]}"#,
        );
        match policy.decide(&request.roles(&["support"])).unwrap() {
            Verdict::Deny(denial) => assert_eq!(denial.violations, ["amount <= total"]),
            other => panic!("{command}: {other:?}"),
        }
    }
    // What cargo-component leaves where cargo builds is not in the way of the next build.
    let suite = packages.run("policy test returns/Cargo.toml --suite returns/suite.yaml");
    assert!(suite.contains("6 passed, 0 failed"), "{suite}");
}

#[test]
fn what_the_standard_library_wants_of_wasi_is_refused_by_name() {
    let Some(packages) = Packages::with_all_targets() else {
        return;
    };
    let packages = packages.with_std();
    packages.begin("lavish", ", features = [\"std\"]");
    let lib = packages.path("lavish/src/lib.rs");
    let text = fs::read_to_string(&lib).unwrap();
    fs::write(&lib, text.replace("no_std", "allow(unused)")).unwrap();
    for (command, target) in [
        ("component build --release", "wasm32-wasip1"),
        ("build --release --target wasm32-wasip2", "wasm32-wasip2"),
    ] {
        let built = packages.build("lavish", command, target);
        let refused = packages.run(&format!("policy validate {built}"));
        for part in [
            "exit 1\nerror[rust-imports]: the policy imports `wasi:",
            "`wasi:cli/environment@",
            "= help: on the targets of WASI the standard library imports these: build the policy with `#![no_std]`",
        ] {
            assert!(refused.contains(part), "{command}: {part}: {refused}");
        }
        // A host refuses it as well.
        let suite = packages.run(&format!("policy test {built} --suite lavish/suite.yaml"));
        assert!(
            suite.starts_with("exit 1\n") && suite.contains("the component imports `wasi:"),
            "{command}: {suite}"
        );
    }
    // The same package is a policy where the standard library has no system to ask.
    let suite = packages.run("policy test lavish/Cargo.toml --suite lavish/suite.yaml");
    assert!(suite.contains("6 passed, 0 failed"), "{suite}");
}

impl Packages {
    /// With an environment in which cargo builds for WASI too, and cargo-component. None: it is not there, which was said.
    fn with_all_targets() -> Option<Self> {
        let component = hexgate_test_support::tool(
            std::env::var_os("HEXGATE_CARGO_COMPONENT")
                .ok_or("`HEXGATE_CARGO_COMPONENT` names no program"),
            |_| true,
            "there is no cargo-component; run `cargo xtask setup cargo-component`",
        )?;
        let mut packages = Self::in_environment(hexgate_test_support::wasi_environment()?);
        packages.find_programs_beside(component.as_ref());
        Some(packages)
    }

    /// What `hexgate new` writes, with more about the crate that it depends on.
    fn begin(&self, name: &str, about_guest: &str) {
        let guest = super::workspace().join("guest/sdk");
        succeeds(
            self.hexgate(&format!("new {name} --guest-path"))
                .arg(&guest),
        );
        let manifest = self.path(name).join("Cargo.toml");
        let text = fs::read_to_string(&manifest).unwrap();
        let text = text.replace("guest/sdk\" }", &format!("guest/sdk\"{about_guest} }}"));
        fs::write(&manifest, text).unwrap();
        self.lock(name);
    }

    /// Builds a package with cargo. A copy of what came of it.
    fn build(&self, name: &str, command: &str, target: &str) -> String {
        let mut cargo = self.command("cargo", name);
        cargo.args(command.split_whitespace());
        let output = cargo.output().unwrap();
        assert!(output.status.success(), "{command}: {}", shown(&output));
        let built = Self::target_folder()
            .join(target)
            .join("release")
            .join(format!("{name}.wasm"));
        let copy = format!("{}-{name}.wasm", command.replace(' ', ""));
        fs::copy(&built, self.path(&copy)).unwrap_or_else(|error| {
            panic!("{command}: {}: {error}", built.display());
        });
        copy
    }
}
