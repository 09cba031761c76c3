//! Rego through a real `opa`, and through programs that are none.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

use std::{
    fmt::Write as _,
    fs, io,
    os::unix::fs::PermissionsExt,
    path::PathBuf,
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use hexgate_compiler::{
    Compiler,
    diagnostic::{
        Sink,
        render::{Format, render},
    },
    opa::{Entrypoint, NATIVE_BUILTINS, Opa, OpaError, Program},
    source::Sources,
};

const MINUTES: Duration = Duration::from_secs(120);

/// The real one. Without any, says so loudly, or fails where tools are required.
fn opa() -> Option<Opa> {
    hexgate_test_support::tool(
        Opa::find(),
        |error| matches!(error, OpaError::NotFound),
        "there is no `opa`; run `cargo xtask setup opa`",
    )
}

/// What a build gives: the module, or the diagnostics as people see them.
fn build(opa: &Opa, rego: &str, data: Option<&str>, entrypoint: &str) -> Result<Vec<u8>, String> {
    let (mut sources, mut sink) = (Sources::default(), Sink::default());
    let policy = sources.add("mine.rego", rego);
    let data = data.map(|data| sources.add("mine.json", data));
    let entrypoint: Entrypoint = entrypoint.parse().unwrap();
    let program = Program {
        policy,
        data,
        entrypoint: &entrypoint,
    };
    let module = opa.build(&program, &sources, &mut sink).unwrap();
    let shown = render(&sink.finish(), &sources, Format::Human, false);
    assert_eq!(module.is_none(), !shown.is_empty(), "{shown}");
    module.ok_or(shown)
}

fn refused(opa: &Opa, rego: &str) -> String {
    build(opa, rego, None, Entrypoint::DEFAULT).expect_err("this is to be refused")
}

const GOOD: &str = "package hexgate.policy\n\ndefault decision := {\"allow\": false, \"requires_approval\": false, \"violations\": [\"no\"]}\n\ndecision := {\"allow\": true, \"requires_approval\": false, \"violations\": []} if input.tool in data.open\n";

#[test]
fn builds_the_same_module_each_time() {
    let Some(opa) = opa() else { return };
    let data = Some("{\"open\": [\"search\"]}");
    let module = build(&opa, GOOD, data, Entrypoint::DEFAULT).unwrap();
    assert!(module.starts_with(b"\0asm\x01\0\0\0"));
    assert!(build(&opa, GOOD, data, Entrypoint::DEFAULT).unwrap() == module);
    let elsewhere = GOOD.replace("hexgate.policy", "a.b");
    assert!(build(&opa, &elsewhere, data, "a/b/decision").is_ok());
}

#[test]
fn says_where_a_policy_is_wrong() {
    let Some(opa) = opa() else { return };
    let shown = refused(
        &opa,
        "package hexgate.policy\n\ndecision := {\"größe\": 1, \"x\": nosuch(1)}\n",
    );
    assert_eq!(
        shown.trim_end(),
        "error[rego-compile]: opa: undefined function nosuch\n --> mine.rego:3:31\n  |\n3 | decision := {\"größe\": 1, \"x\": nosuch(1)}\n  |                               ^^^^^^"
    );
    for (rego, code, place) in [
        (
            "package hexgate.policy\n\ndecision := {{\n",
            "rego-syntax",
            "mine.rego:4:1",
        ),
        (
            "package hexgate.policy\ndecision { input.x }\n",
            "rego-syntax",
            "mine.rego:2:1",
        ),
        (
            "package hexgate.policy\ndecision := x if input.y\n",
            "rego-compile",
            "mine.rego:2:",
        ),
        (
            "package hexgate.policy\ndecision := decision\n",
            "rego-compile",
            "mine.rego:2:1",
        ),
        ("", "rego-syntax", "mine.rego"),
        (
            "tools:\n  search: { mode: allow }\n",
            "rego-syntax",
            "mine.rego:1:6",
        ),
    ] {
        let shown = refused(&opa, rego);
        assert!(
            shown.contains(&format!("error[{code}]")) && shown.contains(place),
            "{rego}\n{shown}"
        );
    }
}

#[test]
fn says_which_rule_is_not_there_or_one_too_many() {
    let Some(opa) = opa() else { return };
    let shown = refused(&opa, "package hexgate.policy\n\nallow := true\n");
    assert!(
        shown.contains("error[rego-entrypoint]: there is no rule `hexgate/policy/decision`"),
        "{shown}"
    );
    assert!(shown.contains("--entrypoint"), "{shown}");
    let shown = refused(
        &opa,
        &format!("{GOOD}\n# METADATA\n# entrypoint: true\nother := 1\n"),
    );
    assert!(shown.contains("error[rego-entrypoint]: the policy declares further entrypoints: `hexgate/policy/other`"), "{shown}");
}

#[test]
fn says_what_is_wrong_with_data() {
    let Some(opa) = opa() else { return };
    for data in ["[1]", "{\"open\": ", "1 2", ""] {
        let shown = build(&opa, GOOD, Some(data), Entrypoint::DEFAULT).unwrap_err();
        assert!(
            shown.contains("error[rego-data]") && shown.contains("mine.json"),
            "{data}: {shown}"
        );
    }
}

#[test]
fn data_must_not_stand_where_a_rule_does() {
    let Some(opa) = opa() else { return };
    for data in [
        "{\"hexgate\": 1}",
        "{\"hexgate\": {\"policy\": {\"decision\": {\"allow\": true}}}}",
    ] {
        let shown = build(&opa, GOOD, Some(data), Entrypoint::DEFAULT).unwrap_err();
        assert!(
            shown.contains("conflicting rule for data path") && shown.contains("mine.rego:3:1"),
            "{shown}"
        );
    }
    build(
        &opa,
        GOOD,
        Some("{\"hexgate\": {\"policy\": {\"more\": 1}}}"),
        Entrypoint::DEFAULT,
    )
    .unwrap();
}

#[test]
fn what_needs_a_host_is_refused_by_name() {
    let Some(opa) = opa() else { return };
    for (call, name) in [
        (
            "http.send({\"method\": \"get\", \"url\": \"http://localhost\"})",
            "http.send",
        ),
        ("time.now_ns()", "time.now_ns"),
        ("sprintf(\"%d\", [1])", "sprintf"),
        ("opa.runtime()", "opa.runtime"),
        ("rand.intn(\"a\", 5)", "rand.intn"),
        ("io.jwt.decode(\"x\")", "io.jwt.decode"),
    ] {
        let shown = refused(
            &opa,
            &format!("package hexgate.policy\n\ndecision := {{\"x\": {call}}}\n"),
        );
        assert!(
            shown.contains(&format!(
                "error[rego-builtin]: the builtin `{name}` is not available in a component"
            )) && shown.contains("mine.rego:3:19"),
            "{shown}"
        );
    }
}

/// OPA's own list of builtins, each with its declaration.
fn builtins(opa: &Opa) -> Vec<serde_json::Value> {
    let output = Command::new(opa.path())
        .args(["capabilities", "--current"])
        .stderr(Stdio::inherit())
        .output()
        .unwrap();
    let list: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    list["builtins"].as_array().unwrap().clone()
}

/// A call of a builtin whose operands are members of the input, so that nothing is known about them.
fn call(builtin: &serde_json::Value) -> String {
    let count = builtin["decl"]["args"].as_array().map_or(0, Vec::len);
    let operands: Vec<String> = (0..count).map(|index| format!("input.a{index}")).collect();
    format!(
        "{}({})",
        builtin["name"].as_str().unwrap(),
        operands.join(", ")
    )
}

#[test]
fn every_builtin_of_the_list_is_within_the_module() {
    let Some(opa) = opa() else { return };
    let builtins = builtins(&opa);
    let deprecated = |builtin: &serde_json::Value| builtin["deprecated"] == true;
    let internal = |name: &str| name.starts_with("internal.");
    let mut rego = "package hexgate.policy\n\ndecision := {\"x\": x}\n".to_owned();
    for name in NATIVE_BUILTINS {
        let Some(builtin) = builtins.iter().find(|builtin| builtin["name"] == **name) else {
            // An older release has fewer.
            continue;
        };
        if !deprecated(builtin) && !internal(name) && *name != "walk" {
            writeln!(rego, "x contains {}", call(builtin)).unwrap();
        }
    }
    rego.push_str("x contains y if walk(input, y)\n");
    rego.push_str(
        "x contains y if { y := 1; y in input.list; \"k\", y in input.object; print(y) }\n",
    );
    let module = build(&opa, &rego, None, Entrypoint::DEFAULT).unwrap();
    // A module names each builtin that it expects from a host.
    for builtin in &builtins {
        let name = builtin["name"].as_str().unwrap();
        let zero_terminated = [&[0], name.as_bytes(), &[0]].concat();
        let named = module
            .windows(zero_terminated.len())
            .any(|window| window == zero_terminated);
        assert!(!named, "{name}");
    }
}

#[test]
fn every_builtin_outside_of_the_list_is_refused() {
    let Some(opa) = opa() else { return };
    // Compiled away, or not callable from a policy.
    let special = [
        "eq",
        "assign",
        "print",
        "rego.metadata.chain",
        "rego.metadata.rule",
    ];
    let mut names = Vec::new();
    for builtin in builtins(&opa) {
        let name = builtin["name"].as_str().unwrap().to_owned();
        if NATIVE_BUILTINS.contains(&name.as_str())
            || special.contains(&name.as_str())
            || name.starts_with("internal.")
        {
            continue;
        }
        names.push((name, call(&builtin)));
    }
    assert!(names.len() > 50);
    // OPA stops after a hundred complaints.
    for some in names.chunks(50) {
        let mut rego = "package hexgate.policy\n\ndecision := {\"x\": x}\n".to_owned();
        for (_, call) in some {
            writeln!(rego, "x contains {call}").unwrap();
        }
        let shown = refused(&opa, &rego);
        for (name, _) in some {
            assert!(
                shown.contains(&format!("error[rego-builtin]: the builtin `{name}`")),
                "{name}\n{shown}"
            );
        }
    }
}

/// A program that is not OPA: a script, beside nothing else.
struct Fake {
    folder: tempfile::TempDir,
}

impl Fake {
    fn new(script: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let fake = Self { folder };
        fs::write(fake.path(), format!("#!/bin/sh\n{script}\n")).unwrap();
        fs::set_permissions(fake.path(), fs::Permissions::from_mode(0o755)).unwrap();
        fake
    }

    fn path(&self) -> PathBuf {
        self.folder.path().join("opa")
    }

    fn at(&self, timeout: Duration) -> Result<Opa, OpaError> {
        loop {
            match Opa::at(self.path(), timeout) {
                // Another test forked while the script was being written.
                Err(OpaError::Start { source, .. })
                    if source.kind() == io::ErrorKind::ExecutableFileBusy => {}
                other => return other,
            }
        }
    }

    fn build(&self) -> String {
        let (mut sources, mut sink) = (Sources::default(), Sink::default());
        let program = Program {
            policy: sources.add("mine.rego", GOOD),
            data: None,
            entrypoint: &Entrypoint::default(),
        };
        let built = self
            .at(MINUTES)
            .unwrap()
            .build(&program, &sources, &mut sink);
        built
            .expect_err("this is no OPA")
            .to_string()
            .replace(&self.folder.path().display().to_string(), "DIR")
    }
}

const VERSION: &str = "[ \"$1\" = version ] && echo 'Version: 1.22.2' && exit\n[ \"$1\" = capabilities ] && echo '{\"builtins\": [{\"name\": \"count\"}]}' && exit\n";

#[test]
fn programs_that_are_not_opa_are_refused_at_once() {
    for (script, expected) in [
        (
            "",
            "`DIR/opa version` answered with something that is not the version of OPA; check that it is the binary of Open Policy Agent",
        ),
        (
            "echo hello",
            "`DIR/opa version` answered with something that is not the version of OPA; check that it is the binary of Open Policy Agent",
        ),
        (
            "echo 'Version: 1.2.3'; exit 1",
            "`DIR/opa version` answered with something that is not the version of OPA; check that it is the binary of Open Policy Agent",
        ),
        (
            "head -c 20000000 /dev/zero",
            "`DIR/opa version` answered with something that is not the version of OPA; check that it is the binary of Open Policy Agent",
        ),
        (
            "echo 'Version: 0.70.0'",
            "`DIR/opa` is version 0.70.0, and Rego needs 1.0.0 or newer; install Open Policy Agent from https://www.openpolicyagent.org/docs#1-download-opa, or name its binary in `HEXGATE_OPA_BIN`",
        ),
    ] {
        let fake = Fake::new(script);
        let error = fake.at(MINUTES).unwrap_err().to_string();
        assert_eq!(
            error.replace(&fake.folder.path().display().to_string(), "DIR"),
            expected
        );
    }
    let fake = Fake::new("");
    fs::set_permissions(fake.path(), fs::Permissions::from_mode(0o644)).unwrap();
    assert!(
        fake.at(MINUTES)
            .unwrap_err()
            .to_string()
            .contains("which is not executable")
    );
    assert!(
        Opa::at(fake.folder.path().into(), MINUTES)
            .unwrap_err()
            .to_string()
            .contains("which is not a file")
    );
    assert!(
        Opa::at("/nowhere/opa".into(), MINUTES)
            .unwrap_err()
            .to_string()
            .contains("which is not there")
    );
}

#[test]
fn answers_that_are_not_opas_are_refused() {
    for (script, expected) in [
        (
            "exit 3",
            "`DIR/opa build` failed (exit status: 3) and said nothing",
        ),
        (
            "echo 'no licence' >&2; exit 1",
            "`DIR/opa build` failed (exit status: 1): no licence",
        ),
        (
            "printf '\\033[31m\\n\\nred\\n' >&2; exit 2",
            "`DIR/opa build` failed (exit status: 2): \\u{1b}[31m; red",
        ),
        (
            "kill -9 $$",
            "`DIR/opa build` failed (signal: 9 (SIGKILL)) and said nothing",
        ),
        (
            "exit 0",
            "`DIR/opa build` answered with something that is not an archive of at most 134217728 bytes; check that it is the binary of Open Policy Agent",
        ),
        (
            "echo garbage > ../bundle.tar.gz",
            "`DIR/opa build` answered with something that is not a gzipped tar archive; check that it is the binary of Open Policy Agent",
        ),
        (
            "printf '' | gzip > ../bundle.tar.gz",
            "`DIR/opa build` answered with something that is not an archive with a file `/.manifest` that lists its modules; check that it is the binary of Open Policy Agent",
        ),
    ] {
        assert_eq!(
            Fake::new(&format!("{VERSION}{script}")).build(),
            expected,
            "{script}"
        );
    }
    let garbage = Fake::new("[ \"$1\" = version ] && echo 'Version: 1.22.2' && exit\necho garbage");
    assert!(garbage.build().contains(
        "opa capabilities` answered with something that is not a list of OPA's builtins"
    ));
}

#[test]
fn a_program_that_does_not_end_is_ended_with_all_that_it_started() {
    for script in [
        "sleep 600",
        "sleep 600 & wait",
        "exec >&- 2>&-; sleep 600",
        "sleep 600 & exit 0",
    ] {
        let fake = Fake::new(&format!("echo $$ > \"$0.pid\"; {script}"));
        let begin = Instant::now();
        let error = fake.at(Duration::from_secs(1)).unwrap_err();
        assert!(
            matches!(error, OpaError::TimedOut { seconds: 1, .. }),
            "{script}: {error}"
        );
        assert!(begin.elapsed() < Duration::from_secs(30), "{script}");
        let pid = fs::read_to_string(fake.folder.path().join("opa.pid")).unwrap();
        let begin = Instant::now();
        while is_alive(pid.trim()) {
            assert!(begin.elapsed() < Duration::from_secs(10), "{script}");
        }
    }
}

#[test]
fn a_thousand_roles_with_a_thousand_tools_are_one_module() {
    /// What a host compiles unless it is told otherwise.
    const COMPILED: usize = 4 << 20;
    let Some(opa) = opa() else { return };
    let mut policy = "roles:\n  default: {}\n  base:\n    is_mixin: true\n    tools:\n".to_owned();
    for tool in 0..1000 {
        let constraints = format!("['only(args, [\"n\"])', 'args.n >= 0', 'args.n <= {tool}']");
        writeln!(
            policy,
            "      tool_{tool}: {{ mode: allow, constraints: {constraints} }}"
        )
        .unwrap();
    }
    for role in 0..1000 {
        writeln!(policy, "  role_{role}: {{ inherits: [base] }}").unwrap();
    }
    let outcome = Compiler::default().compile_str("policy.yaml", &policy);
    let component = outcome.policy.unwrap().rego_component(&opa).unwrap();
    assert!(component.len() < COMPILED, "{} bytes", component.len());
}

/// Whether a process of this group still runs. One that has ended and was not waited for does not.
fn is_alive(group: &str) -> bool {
    let Ok(processes) = fs::read_dir("/proc") else {
        return false;
    };
    processes
        .filter_map(|process| fs::read_to_string(process.ok()?.path().join("stat")).ok())
        .filter_map(|stat| {
            // The name, in parentheses, may hold anything.
            let (_, rest) = stat.rsplit_once(") ")?;
            let mut fields = rest.split(' ').map(str::to_owned);
            Some((fields.next()?, fields.nth(1)?))
        })
        .any(|(state, of)| of == group && state != "Z")
}

#[test]
fn the_environment_does_not_reach_opa() {
    let Some(opa) = opa() else { return };
    // An option of OPA's own that would change what is built, if it were seen.
    let script = format!(
        "[ \"$1\" = version ] && env | cut -d= -f1 | sort > \"$0.env\"\nexec {} \"$@\"",
        opa.path().display()
    );
    let fake = Fake::new(&script);
    fake.at(MINUTES).unwrap();
    let seen = fs::read_to_string(fake.folder.path().join("opa.env")).unwrap();
    let seen: Vec<&str> = seen
        .lines()
        .filter(|name| !["_", "PWD", "SHLVL", "OLDPWD"].contains(name))
        .collect();
    assert_eq!(seen, ["HOME", "PATH"]);
}
