//! The binary as its users meet it.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

use std::{
    fs::{self, File},
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
};

use hexgate_compiler::bundle::{self, Expectation, TrustedKeys, UnverifiedBundle};

const POLICY: &str = "tools:\n  search: { mode: allow }\n";

/// A folder with a policy, and the binary run within it.
struct Fixture(tempfile::TempDir);

impl Fixture {
    fn new() -> Self {
        let fixture = Self(tempfile::tempdir().unwrap());
        fixture.put("policy.yaml", POLICY);
        fixture
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn put(&self, name: &str, text: impl AsRef<[u8]>) {
        let path = self.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_hexgate-compile"));
        command
            .args(arguments)
            .current_dir(self.0.path())
            .env_remove("NO_COLOR");
        command
    }

    fn run(&self, arguments: &[&str]) -> Ran {
        Ran::from(self.command(arguments).output().unwrap())
    }

    /// What lies in the folder, in order.
    fn names(&self, folder: &str) -> Vec<String> {
        let mut names: Vec<String> = fs::read_dir(self.path(folder))
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }
}

struct Ran {
    code: i32,
    stdout: String,
    stderr: String,
}

impl From<Output> for Ran {
    fn from(output: Output) -> Self {
        let text = |bytes| String::from_utf8(bytes).unwrap();
        Self {
            code: output.status.code().expect("not killed"),
            stdout: text(output.stdout),
            stderr: text(output.stderr),
        }
    }
}

#[test]
fn writes_a_bundle_that_verifies() {
    let fixture = Fixture::new();
    let pair = bundle::generate(fixture.path("release"), false).unwrap();
    let key = pair.private.to_str().unwrap();
    let ran = fixture.run(&[
        "policy.yaml",
        "-o",
        "out",
        "--sign-key",
        key,
        "--agent",
        "bot",
        "--project",
        "shop",
        "--sequence",
        "7",
    ]);
    assert_eq!((ran.code, ran.stdout.as_str()), (0, ""), "{}", ran.stderr);
    assert!(
        ran.stderr.starts_with("wrote `out` (signed with "),
        "{}",
        ran.stderr
    );
    assert_eq!(
        fixture.names("out"),
        [
            "policy.bundle.json",
            "policy.bundle.json.sig",
            "policy.rego",
            "policy.wasm",
            "policy.yaml"
        ]
    );

    let trusted = TrustedKeys::from_file(&pair.public).unwrap();
    let expectation = Expectation::agent("bot").in_project("shop");
    let verified = UnverifiedBundle::read(fixture.path("out"))
        .unwrap()
        .verify(&trusted, &expectation, std::time::SystemTime::now())
        .unwrap();
    assert_eq!(verified.contents().source(), Some(POLICY.as_bytes()));
    assert_eq!(verified.contents().manifest().sequence(), Some(7));
    let plan = hexgate_component::plan_of(verified.contents().wasm()).expect("the known engine");
    let compiled = hexgate_compiler::Compiler::default()
        .compile_str("policy.yaml", POLICY)
        .policy
        .unwrap();
    assert_eq!(plan, compiled.plan);
}

#[test]
fn says_once_that_a_signed_bundle_has_no_sequence_number() {
    let fixture = Fixture::new();
    let pair = bundle::generate(fixture.path("release"), false).unwrap();
    let key = pair.private.to_str().unwrap();
    let signed = ["policy.yaml", "--sign-key", key, "--agent", "bot"];
    let run = |more: &[&str]| fixture.run(&[&signed[..], more].concat());
    // It is no warning of the policy, so pipelines that deny those go on.
    let ran = run(&["--deny-warnings"]);
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    assert_eq!(ran.stderr.matches("no sequence number").count(), 1);
    assert!(ran.stderr.contains("note: ") && ran.stderr.contains("`--sequence N`"));
    for more in [
        ["--sequence", "1"].as_slice(),
        &["--quiet"],
        &["--emit", "component", "-o", "out"],
    ] {
        let ran = run(more);
        assert_eq!(ran.code, 0, "{}", ran.stderr);
        assert!(!ran.stderr.contains("sequence number"), "{}", ran.stderr);
    }
}

#[test]
fn writes_next_to_where_it_is_called_by_default() {
    let fixture = Fixture::new();
    let ran = fixture.run(&["policy.yaml"]);
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    assert_eq!(ran.stderr, "wrote `policy.bundle` (not signed)\n");
    assert_eq!(
        fixture.names("policy.bundle"),
        [
            "policy.bundle.json",
            "policy.rego",
            "policy.wasm",
            "policy.yaml"
        ]
    );
    // And again: the older bundle is replaced, and the bytes are the same.
    let before = fs::read(fixture.path("policy.bundle/policy.bundle.json")).unwrap();
    assert_eq!(fixture.run(&["policy.yaml", "--quiet"]).stderr, "");
    assert_eq!(
        fs::read(fixture.path("policy.bundle/policy.bundle.json")).unwrap(),
        before
    );
    assert_eq!(fixture.names("."), ["policy.bundle", "policy.yaml"]);
}

#[test]
fn compiles_a_directory_of_roles_even_from_within() {
    let fixture = Fixture::new();
    fixture.put("support/default.yaml", "{}\n");
    fixture.put("support/admin.yaml", "tools: { t: { mode: allow } }\n");
    assert_eq!(fixture.run(&["support", "-q"]).code, 0);
    assert_eq!(
        fs::read_to_string(fixture.path("support.bundle/support.yaml")).unwrap(),
        "roles:\n  admin:\n    tools:\n      t:\n        mode: allow\n  default: {}\n"
    );
    let mut command = fixture.command(&[".", "-q", "-o", "../again"]);
    assert_eq!(
        Ran::from(
            command
                .current_dir(fixture.path("support"))
                .output()
                .unwrap()
        )
        .code,
        0
    );
    assert_eq!(
        fs::read(fixture.path("again/support.wasm")).unwrap(),
        fs::read(fixture.path("support.bundle/support.wasm")).unwrap()
    );
}

#[test]
fn an_es_module_comes_with_its_core_and_its_types() {
    let fixture = Fixture::new();
    let ran = fixture.run(&["policy.yaml", "-o", "out", "--emit", "js"]);
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    let names = ["policy.core.wasm", "policy.d.ts", "policy.js"];
    assert_eq!(fixture.names("out"), names);
    let said: Vec<&str> = ran.stderr.lines().collect();
    assert_eq!(said, names.map(|name| format!("wrote `out/{name}`")));
}

#[test]
fn a_decision_point_is_one_component_and_nothing_else() {
    let fixture = Fixture::new();
    let ran = fixture.run(&["policy.yaml", "--target", "http", "-o", "out"]);
    assert_eq!(
        (ran.code, ran.stderr.as_str()),
        (0, "wrote `out/policy.http.wasm`\n")
    );
    assert_eq!(fixture.names("out"), ["policy.http.wasm"]);
    let component = fs::read(fixture.path("out/policy.http.wasm")).unwrap();
    assert!(component.starts_with(b"\0asm\x0d\0\x01\0"));
    // Nothing of it is signed, and so nothing may look as if it were.
    for refused in [
        ["--sign-key", "key"],
        ["--emit", "bundle"],
        ["--agent", "bot"],
        ["--sequence", "7"],
    ] {
        let ran = fixture.run(&["policy.yaml", "--target", "http", refused[0], refused[1]]);
        assert_eq!(ran.code, 2, "{refused:?}: {}", ran.stderr);
        assert!(ran.stderr.contains("cannot be used with"), "{}", ran.stderr);
    }
}

#[test]
fn emits_each_kind() {
    let fixture = Fixture::new();
    let ran = fixture.run(&[
        "policy.yaml",
        "-o",
        "out",
        "--emit",
        "bundle,component,core,js,plan,source,schema",
    ]);
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    let names = [
        "policy.bundle",
        "policy.component.wasm",
        "policy.core.wasm",
        "policy.d.ts",
        "policy.js",
        "policy.plan",
        "policy.policy.yaml",
        "policy.schema.json",
    ];
    assert_eq!(fixture.names("out"), names);
    let component = fs::read(fixture.path("out/policy.component.wasm")).unwrap();
    assert_eq!(
        component,
        fs::read(fixture.path("out/policy.bundle/policy.wasm")).unwrap()
    );
    assert_eq!(
        hexgate_component::plan_of(&component).unwrap(),
        fs::read(fixture.path("out/policy.plan")).unwrap()
    );
    assert!(
        fs::read(fixture.path("out/policy.core.wasm"))
            .unwrap()
            .starts_with(b"\0asm\x01\0\0\0")
    );
    let mode = fs::metadata(fixture.path("out/policy.plan"))
        .unwrap()
        .permissions()
        .mode();
    assert_ne!(
        mode & 0o044,
        0,
        "others may read what is no secret: {mode:o}"
    );
}

#[test]
fn refuses_a_policy_with_1_and_writes_nothing() {
    let fixture = Fixture::new();
    fixture.put("policy.yaml", "tools:\n  search: { mod: allow }\n");
    let ran = fixture.run(&["policy.yaml"]);
    assert_eq!((ran.code, ran.stdout.as_str()), (1, ""));
    assert!(
        ran.stderr.starts_with(
            "error[unknown-key]: unknown key `mod` in the entry of a tool\n --> policy.yaml:2:13\n"
        ),
        "{}",
        ran.stderr
    );
    assert!(
        ran.stderr.contains("`policy.yaml` is refused: 1 error\n"),
        "{}",
        ran.stderr
    );
    assert!(
        ran.stderr.contains("hexgate-compile --explain unknown-key"),
        "{}",
        ran.stderr
    );
    assert_eq!(fixture.names("."), ["policy.yaml"]);
}

#[test]
fn a_refused_policy_leaves_the_older_bundle_alone() {
    let fixture = Fixture::new();
    assert_eq!(fixture.run(&["policy.yaml", "-q"]).code, 0);
    let before = fs::read(fixture.path("policy.bundle/policy.wasm")).unwrap();
    fixture.put("policy.yaml", "tools: [\n");
    assert_eq!(fixture.run(&["policy.yaml"]).code, 1);
    assert_eq!(
        fs::read(fixture.path("policy.bundle/policy.wasm")).unwrap(),
        before
    );
}

#[test]
fn checks_without_writing() {
    let fixture = Fixture::new();
    assert_eq!(fixture.run(&["policy.yaml", "--check"]).code, 0);
    assert_eq!(fixture.names("."), ["policy.yaml"]);
}

#[test]
fn what_would_be_written_is_not_asked_for_where_nothing_is() {
    let fixture = Fixture::new();
    for option in [
        "--out=dist",
        "--emit=plan",
        "--target=http",
        "--sign-key=release.private",
        "--agent=bot",
        "--sequence=7",
    ] {
        let ran = fixture.run(&["policy.yaml", "--check", option]);
        let (name, _) = option.split_once('=').unwrap();
        assert_eq!(ran.code, 2, "{option}: {}", ran.stderr);
        assert!(
            ran.stderr
                .contains("the argument '--check' cannot be used with")
                && ran.stderr.contains(name),
            "{option}: {}",
            ran.stderr
        );
    }
    assert_eq!(fixture.names(""), ["policy.yaml"]);
}

#[test]
fn a_bundle_is_not_compiled_again() {
    let fixture = Fixture::new();
    assert_eq!(fixture.run(&["policy.yaml"]).code, 0);
    let ran = fixture.run(&["policy.bundle"]);
    assert_eq!(ran.code, 2);
    assert_eq!(
        ran.stderr,
        "error: `policy.bundle` is a bundle already: name the policy that it was built from; `hexgate policy inspect` shows what is in it, and `hexgate policy verify` who signed it\n"
    );
}

#[test]
fn a_package_is_named_by_its_manifest() {
    let fixture = Fixture::new();
    fixture.put("refunds/Cargo.toml", "[package]\n");
    fixture.put("refunds/src/lib.rs", "#![no_std]\n");
    for path in ["refunds", "refunds/src/lib.rs"] {
        let ran = fixture.run(&[path]);
        assert_eq!(ran.code, 2);
        assert_eq!(
            ran.stderr,
            format!(
                "error: `{path}` is not a policy but of a package in Rust: name the package's `Cargo.toml`\n"
            )
        );
    }
}

#[test]
fn more_is_said_about_the_worst() {
    let fixture = Fixture::new();
    fixture.put("roles/notes.txt", "");
    fixture.put("roles/default.yaml", "tols: {}\n");
    let ran = fixture.run(&["roles"]);
    assert_eq!(ran.code, 1);
    assert!(
        ran.stderr.contains("note[skipped-entry]")
            && ran
                .stderr
                .ends_with("run `hexgate-compile --explain unknown-key`\n"),
        "{}",
        ran.stderr
    );
}

#[test]
fn components_of_others_are_taken_only_if_they_are_policies() {
    let fixture = Fixture::new();
    let decision = "(export \"hexgate:policy/decision@0.2.0\" (instance $i))";
    let description = "(export \"hexgate:policy/description@0.2.0\" (instance $i))";
    for (text, code, said) in [
        ("(module)", "rust-world", "it exports nothing"),
        ("(component)", "rust-world", "it exports nothing"),
        (
            "(component (import \"wasi:clocks/monotonic-clock@0.2.0\" (instance)))",
            "rust-imports",
            "on the targets of WASI the standard library imports these",
        ),
        (
            "(component (import \"clock\" (func)))",
            "rust-imports",
            "the policy imports `clock`",
        ),
        (
            "(component (component (import \"clock\" (func))))",
            "rust-world",
            "it exports nothing",
        ),
        (
            &format!("(component (instance $i) {decision})"),
            "rust-world",
            "it exports `hexgate:policy/decision@0.2.0`",
        ),
        (
            &format!(
                "(component (instance $i) {decision} {description} (export \"more\" (instance $i)))"
            ),
            "rust-world",
            "`more`",
        ),
        // Of the right names, and with nothing in them.
        (
            &format!("(component (instance $i) {decision} {description})"),
            "rust-world",
            "missing expected export `request`",
        ),
    ] {
        fixture.put("other.wasm", wat::parse_str(text).unwrap());
        let ran = fixture.run(&["other.wasm", "-o", "out"]);
        assert_eq!(ran.code, 1, "{text}: {}", ran.stderr);
        assert!(
            ran.stderr.starts_with(&format!("error[{code}]: ")) && ran.stderr.contains(said),
            "{text}: {}",
            ran.stderr
        );
        assert!(!fixture.path("out").exists(), "{text}");
    }
    for (bytes, said) in [
        (&b""[..], "cannot be made a component"),
        (b"tools: {}\n", "cannot be made a component"),
        (b"\0asm\x0d\0\x01\0\x0b\xff", "the component is not valid"),
    ] {
        fixture.put("other.wasm", bytes);
        let ran = fixture.run(&["other.wasm", "--check"]);
        assert_eq!(ran.code, 1, "{said}: {}", ran.stderr);
        assert!(
            ran.stderr.starts_with("error[rust-module]: ") && ran.stderr.contains(said),
            "{said}: {}",
            ran.stderr
        );
    }

    // Ours has a policy that the bundle is to hold, and no engine is put into a component.
    assert_eq!(fixture.run(&["policy.yaml", "--emit", "component"]).code, 0);
    for (arguments, said) in [
        (
            &["policy.component.wasm"][..],
            "made of a policy by this compiler",
        ),
        (
            &["other.wasm", "--engine", "native"],
            "leave `--engine` out",
        ),
        (
            &["other.wasm", "--max-facts-bytes", "10"],
            "leave `--max-arguments-bytes` and",
        ),
        (&["absent.wasm"], "cannot read `absent.wasm`"),
    ] {
        let ran = fixture.run(arguments);
        assert_eq!(ran.code, 2, "{said}: {}", ran.stderr);
        assert!(ran.stderr.contains(said), "{said}: {}", ran.stderr);
    }
}

#[test]
fn denies_warnings_when_asked() {
    let fixture = Fixture::new();
    fixture.put("policy.yaml", "default_policy: { mode: allow }\n");
    let ran = fixture.run(&["policy.yaml", "--check"]);
    assert_eq!(ran.code, 0);
    assert!(
        ran.stderr
            .contains("`policy.yaml` is accepted: 1 warning\n"),
        "{}",
        ran.stderr
    );
    let ran = fixture.run(&["policy.yaml", "--deny-warnings"]);
    assert_eq!(ran.code, 1);
    assert!(
        ran.stderr.contains("`policy.yaml` is refused: 1 warning\n"),
        "{}",
        ran.stderr
    );
    assert_eq!(fixture.names("."), ["policy.yaml"]);
}

#[test]
fn reports_to_programs_on_stdout() {
    let fixture = Fixture::new();
    fixture.put("policy.yaml", "tools:\n  search: { mod: allow }\n");
    let ran = fixture.run(&["policy.yaml", "--format", "json"]);
    assert_eq!((ran.code, ran.stderr.as_str()), (1, ""));
    let json: serde_json::Value = serde_json::from_str(&ran.stdout).unwrap();
    assert_eq!(json["diagnostics"][0]["code"], "unknown-key");
    assert_eq!(json["diagnostics"][0]["primary"]["line"], 2);
    assert_eq!(json["diagnostics"][0]["primary"]["column"], 13);
    assert_eq!(json["errors"], 1);

    let ran = fixture.run(&["policy.yaml", "--format", "github"]);
    let expected = "::error file=policy.yaml,line=2,endLine=2,col=13,endColumn=16,title=unknown-key::unknown key `mod` in the entry of a tool%0Ahelp: did you mean `mode`\n";
    assert_eq!(ran.stdout, expected);

    let ran = fixture.run(&["policy.yaml", "--format", "sarif"]);
    let sarif: serde_json::Value = serde_json::from_str(&ran.stdout).unwrap();
    let location = &sarif["runs"][0]["results"][0]["locations"][0]["physicalLocation"];
    assert_eq!(location["artifactLocation"]["uri"], "policy.yaml");
    assert_eq!(location["region"]["startColumn"], 13);

    fixture.put("policy.yaml", POLICY);
    let json: serde_json::Value = serde_json::from_str(
        &fixture
            .run(&["policy.yaml", "--check", "--format", "json"])
            .stdout,
    )
    .unwrap();
    assert_eq!(json["diagnostics"].as_array().unwrap().len(), 0);
}

#[test]
fn a_name_in_a_policy_cannot_forge_a_workflow_command() {
    let fixture = Fixture::new();
    fixture.put("policy.yaml", "\"x\\n::error::forged\\r\": 1\n");
    let ran = fixture.run(&["policy.yaml", "--format", "github"]);
    assert_eq!(ran.stdout.lines().count(), 1, "{}", ran.stdout);
    assert!(!ran.stdout.contains('\r'));
}

#[test]
fn explains_codes() {
    let fixture = Fixture::new();
    let ran = fixture.run(&["--explain", "no-only"]);
    assert_eq!(ran.code, 0);
    assert!(
        ran.stdout.starts_with("no-only (warning): ")
            && ran
                .stdout
                .contains("only(args, [\"amount\", \"currency\"])"),
        "{}",
        ran.stdout
    );
    let ran = fixture.run(&["--explain", "no-onyl"]);
    assert_eq!(
        (ran.code, ran.stderr.as_str()),
        (
            2,
            "error: unknown code `no-onyl`; did you mean `no-only`?\n"
        )
    );
    assert_eq!(fixture.run(&["--explain", "\u{1b}[2K"]).code, 2);
}

#[test]
fn prints_the_schema() {
    let ran = Fixture::new().run(&["--schema"]);
    assert_eq!(ran.code, 0);
    assert_eq!(ran.stdout, hexgate_compiler::schema::POLICY_SCHEMA);
}

#[test]
fn misuse_ends_with_2() {
    let fixture = Fixture::new();
    for arguments in [
        &[][..],
        &["nowhere.yaml"],
        &["policy.yaml", "--nonsense"],
        &["policy.yaml", "--emit", "nonsense"],
        &["policy.yaml", "--format", "nonsense"],
        &["policy.yaml", "--sequence", "-1"],
        &["policy.yaml", "--expires-at", "tomorrow"],
        &[
            "policy.yaml",
            "--not-before",
            "2026-01-01T00:00:00Z",
            "--expires-at",
            "2025-01-01T00:00:00Z",
        ],
        &["policy.yaml", "--max-arguments-bytes", "0"],
        &["policy.yaml", "--max-facts-bytes", "99999999999"],
        &["policy.yaml", "--sign-key", "nowhere.private"],
        &["policy.yaml", "--sign-key", "policy.yaml"],
        &["policy.yaml", "--sign-key", "."],
        &["policy.yaml", "--agent", ""],
        &["policy.yaml", "--agent", "a\nb"],
        &["policy.yaml", "extra.yaml"],
    ] {
        let ran = fixture.run(arguments);
        assert_eq!(ran.code, 2, "{arguments:?}: {}", ran.stderr);
        assert!(
            ran.stderr.starts_with("error: "),
            "{arguments:?}: {}",
            ran.stderr
        );
        assert!(!ran.stderr.contains("panicked"), "{}", ran.stderr);
        assert_eq!(fixture.names("."), ["policy.yaml"], "{arguments:?}");
    }
}

#[test]
fn says_what_is_wrong_with_the_wrong_file() {
    let fixture = Fixture::new();
    let ran = fixture.run(&["nowhere.yaml"]);
    assert_eq!(
        ran.stderr,
        "error: cannot read `nowhere.yaml`: No such file or directory (os error 2); check the path\n"
    );
    fixture.put("empty/README.md", "nothing here");
    let ran = fixture.run(&["empty"]);
    assert_eq!(ran.code, 1);
    assert!(
        ran.stderr
            .contains("error[no-roles]: no role stands in this directory\n"),
        "{}",
        ran.stderr
    );
}

#[test]
fn leaves_foreign_folders_and_files_alone() {
    let fixture = Fixture::new();
    fixture.put("docs/readme.txt", "mine");
    let ran = fixture.run(&["policy.yaml", "-o", "docs"]);
    assert_eq!(ran.code, 2);
    assert!(ran.stderr.contains("readme.txt"), "{}", ran.stderr);
    assert_eq!(fixture.names("docs"), ["readme.txt"]);
    assert_eq!(fixture.run(&["policy.yaml", "-o", "policy.yaml"]).code, 2);
    assert_eq!(
        fs::read_to_string(fixture.path("policy.yaml")).unwrap(),
        POLICY
    );
}

#[test]
fn an_output_that_cannot_be_written_ends_with_2() {
    let fixture = Fixture::new();
    for arguments in [
        ["-o", "/proc/nowhere/out", "--emit", "bundle"],
        ["-o", "/proc/nowhere/out", "--emit", "plan"],
    ] {
        let ran = fixture.run(&[&["policy.yaml"], &arguments[..]].concat());
        assert_eq!(ran.code, 2, "{}", ran.stderr);
        assert!(ran.stderr.starts_with("error: cannot "), "{}", ran.stderr);
    }
    // A full disk behind a redirection is an error; it must not look like an empty report.
    let full = File::options().write(true).open("/dev/full").unwrap();
    let ran = Ran::from(
        fixture
            .command(&["--schema"])
            .stdout(full)
            .output()
            .unwrap(),
    );
    assert_eq!(ran.code, 2, "{}", ran.stderr);
    assert!(
        ran.stderr.contains("No space left on device"),
        "{}",
        ran.stderr
    );
}

#[test]
fn a_reader_that_goes_away_is_no_error() {
    let fixture = Fixture::new();
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    let mut child = fixture
        .command(&["--schema"])
        .stdout(writer)
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    assert!(child.wait().unwrap().success());
    // Nor where stderr is what went away.
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    let status = fixture
        .command(&["policy.yaml"])
        .stderr(writer)
        .status()
        .unwrap();
    assert_eq!(status.code(), Some(0));
    assert!(fixture.path("policy.bundle/policy.wasm").exists());
}

#[test]
fn warns_of_a_key_that_others_can_read() {
    let fixture = Fixture::new();
    let pair = bundle::generate(fixture.path("release"), false).unwrap();
    fs::set_permissions(&pair.private, fs::Permissions::from_mode(0o644)).unwrap();
    let ran = fixture.run(&["policy.yaml", "--sign-key", pair.private.to_str().unwrap()]);
    assert_eq!(ran.code, 0);
    assert!(
        ran.stderr.starts_with("warning: ") && ran.stderr.contains("chmod 600"),
        "{}",
        ran.stderr
    );
    // A missing line end is no reason to refuse a key.
    let key = fs::read_to_string(&pair.private).unwrap();
    fs::write(&pair.private, key.trim_end()).unwrap();
    assert_eq!(
        fixture
            .run(&["policy.yaml", "--sign-key", pair.private.to_str().unwrap()])
            .code,
        0
    );
}

#[test]
fn the_same_policy_gives_the_same_bytes_anywhere() {
    let (one, other) = (Fixture::new(), Fixture::new());
    let example =
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/policies/billing.yaml");
    for fixture in [&one, &other] {
        fs::copy(&example, fixture.path("billing.yaml")).unwrap();
        assert_eq!(
            fixture
                .run(&["billing.yaml", "-o", "out", "-q", "--deny-warnings"])
                .code,
            0
        );
    }
    for name in one.names("out") {
        assert_eq!(
            fs::read(one.path("out").join(&name)).unwrap(),
            fs::read(other.path("out").join(&name)).unwrap(),
            "{name}"
        );
    }
}

#[test]
fn errors_of_the_system_are_said_once_and_name_what_the_user_knows() {
    let fixture = Fixture::new();
    let ran = fixture.run(&["nowhere.yaml"]);
    assert_eq!(
        (ran.code, ran.stderr.as_str()),
        (
            2,
            "error: cannot read `nowhere.yaml`: No such file or directory (os error 2); check the path\n"
        )
    );
    if Path::new("/proc/self").exists() {
        let ran = fixture.run(&["policy.yaml", "--emit", "component", "-o", "/proc/self"]);
        assert_eq!(
            (ran.code, ran.stderr.as_str()),
            (
                2,
                "error: cannot write `/proc/self/policy.component.wasm`; nothing was changed: No such file or directory (os error 2)\n"
            )
        );
    }
}

#[test]
fn names_of_files_cannot_steer_a_terminal_or_a_pipeline() {
    let fixture = Fixture::new();
    let name = "\u{1b}[2Jx\r\u{202e}";
    let (good, bad) = (format!("{name}.yaml"), format!("{name}bad.yaml"));
    fixture.put(&good, POLICY);
    fixture.put(&bad, "tools: [");
    let missing = format!("{name}missing.yaml");
    for arguments in [
        vec![good.as_str()],
        vec![&good, "--out", "x\n::warning::y"],
        vec![&bad],
        vec![&bad, "--format", "github"],
        vec![&missing],
        vec![&good, "--sign-key", &missing],
    ] {
        let ran = fixture.run(&arguments);
        let said = format!("{}{}", ran.stdout, ran.stderr);
        assert!(!said.is_empty());
        let wild = said
            .chars()
            .find(|c| (c.is_control() && *c != '\n') || *c == '\u{202e}');
        assert_eq!(wild, None, "{arguments:?}: {said:?}");
        assert!(
            !said.lines().any(|line| line.starts_with("::warning::y")),
            "{said}"
        );
    }
}
