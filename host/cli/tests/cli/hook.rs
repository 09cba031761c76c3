//! `hexgate hook`: the real program as agents run it.

use std::{
    fs,
    io::Write as _,
    process::{Child, Command, Output, Stdio},
};

use serde_json::{Value, json};

use crate::fixture::Fixture;

const POLICY: &str = "
consts: { allowed: [ls, cat] }
tools:
  bash:
    - mode: allow
      constraints: ['every(args.programs, . in consts.allowed)', run.tool_calls < 6]
    - mode: approval_required
      constraints: ['any(args.programs, . == \"make\")']
  read_file: { mode: allow, file_scope: { allowed_paths: ['**'] } }
";

fn desk() -> Fixture {
    let desk = Fixture::empty()
        .with("rules/policy.yaml", POLICY)
        .with("work/src/main.rs", "");
    fs::create_dir_all(desk.path("home")).unwrap();
    desk
}

/// `hexgate hook` in the folder `work`, with a home of its own.
fn hook(desk: &Fixture, arguments: &[&str]) -> Command {
    let mut command = desk.hexgate();
    command
        .current_dir(desk.path("work"))
        .arg("hook")
        .args(arguments)
        .env_clear()
        .env("HOME", desk.path("home"))
        .env("USER", "ann")
        .env("PATH", std::env::var_os("PATH").unwrap_or_default());
    command
}

fn started(mut command: Command, input: &[u8]) -> Child {
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // A hook that has answered does not read on.
    let _ = child.stdin.take().unwrap().write_all(input);
    child
}

fn sent(command: Command, input: &[u8]) -> Output {
    started(command, input).wait_with_output().unwrap()
}

fn call(desk: &Fixture, command: &str) -> Vec<u8> {
    json!({
        "session_id": "s-1", "cwd": desk.path("work"), "hook_event_name": "PreToolUse",
        "permission_mode": "default", "tool_name": "Bash", "tool_input": { "command": command },
    })
    .to_string()
    .into_bytes()
}

fn run(desk: &Fixture, more: &[&str]) -> Command {
    let policy = desk.path("rules/policy.yaml");
    let mut arguments = vec![
        "run",
        "--agent",
        "claude-code",
        "--event",
        "PreToolUse",
        "--policy",
    ];
    arguments.push(policy.to_str().unwrap());
    arguments.extend(more);
    hook(desk, &arguments)
}

fn decision(output: &Output) -> String {
    let value: Value = serde_json::from_slice(&output.stdout).unwrap_or_default();
    let decision = value["hookSpecificOutput"]["permissionDecision"].as_str();
    format!(
        "{} {}",
        output.status.code().unwrap(),
        decision.unwrap_or("none")
    )
}

#[test]
fn it_allows_asks_and_denies() {
    let desk = desk();
    for (script, expected) in [
        ("ls | cat", "0 allow"),
        ("make", "0 ask"),
        ("rm a", "2 deny"),
        ("$X", "2 deny"),
    ] {
        let output = sent(run(&desk, &[]), &call(&desk, script));
        assert_eq!(decision(&output), expected, "{script}: {output:?}");
        assert_eq!(
            output.stderr.is_empty(),
            !expected.starts_with('2'),
            "{output:?}"
        );
    }
}

#[test]
fn the_environment_can_name_the_policy() {
    let desk = desk();
    let arguments = ["run", "--agent", "claude-code"];
    let none = sent(hook(&desk, &arguments), &call(&desk, "ls"));
    assert_eq!(decision(&none), "2 deny");
    assert!(
        String::from_utf8_lossy(&none.stderr).contains("HEXGATE_LOCAL_POLICY"),
        "{none:?}"
    );
    let mut named = hook(&desk, &arguments);
    named.env("HEXGATE_LOCAL_POLICY", desk.path("rules/policy.yaml"));
    assert_eq!(decision(&sent(named, &call(&desk, "ls"))), "0 allow");
    // A typing error turns nothing off.
    let mut other = hook(&desk, &arguments);
    other.env("HEXGATE_LOCAL_POLICIE", desk.path("rules/policy.yaml"));
    assert_eq!(decision(&sent(other, &call(&desk, "ls"))), "2 deny");
}

#[test]
fn failures_are_denials() {
    let desk = desk();
    for (input, what) in [
        (b"".as_slice(), "nothing"),
        (b"{", "half an event"),
        (b"\xff\xfe", "no text"),
    ] {
        assert_eq!(decision(&sent(run(&desk, &[]), input)), "2 deny", "{what}");
    }
    let missing = sent(run(&desk, &["--policy=/nowhere.yaml"]), &call(&desk, "ls"));
    assert_eq!(missing.status.code(), Some(2), "{missing:?}");
    fs::write(desk.path("rules/policy.yaml"), "tools: [").unwrap();
    assert_eq!(
        decision(&sent(run(&desk, &[]), &call(&desk, "ls"))),
        "2 deny"
    );
    let mut homeless = run(&desk, &[]);
    homeless.env_remove("HOME");
    assert_eq!(decision(&sent(homeless, &call(&desk, "ls"))), "2 deny");
    // What clap refuses ends with the code that blocks, too.
    for arguments in [
        &["run"][..],
        &["run", "--agent", "nobody"],
        &["run", "--agent", "codex", "--unknown"],
        &["run", "--agent", "codex", "--audit", "x"],
    ] {
        let output = sent(hook(&desk, arguments), b"{}");
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
        assert!(
            !output.stderr.is_empty() && output.stdout.is_empty(),
            "{output:?}"
        );
    }
}

#[test]
fn an_event_that_never_ends_is_denied_in_time() {
    let desk = desk();
    let mut command = run(&desk, &["--limit", "200"]);
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    stdin.write_all(b"{\"session_id\": \"").unwrap();
    let output = child.wait_with_output().unwrap();
    drop(stdin);
    assert_eq!(decision(&output), "2 deny");
    assert!(
        String::from_utf8_lossy(&output.stderr).contains("200 ms"),
        "{output:?}"
    );
}

#[test]
fn processes_side_by_side_do_not_pass_a_limit_together() {
    let desk = desk();
    let event = call(&desk, "ls");
    let children: Vec<Child> = (0..12).map(|_| started(run(&desk, &[]), &event)).collect();
    let mut allowed = 0;
    for child in children {
        let output = child.wait_with_output().unwrap();
        match &*decision(&output) {
            "0 allow" => allowed += 1,
            other => assert_eq!(other, "2 deny", "{output:?}"),
        }
    }
    assert_eq!(allowed, 6);
}

#[test]
fn a_call_is_shown_as_the_policy_sees_it() {
    let desk = desk();
    let event = json!({ "session_id": "1", "cwd": desk.path("work"), "tool_name": "read_file", "tool_input": { "file_path": "src/../src/main.rs" } });
    let output = sent(
        hook(
            &desk,
            &["show", "--agent", "gemini", "--event", "BeforeTool"],
        ),
        event.to_string().as_bytes(),
    );
    let shown = String::from_utf8(output.stdout).unwrap();
    assert_eq!(shown, "read_file\n{\"file_path\":\"src/main.rs\"}\n");
    let refused = sent(hook(&desk, &["show", "--agent", "gemini"]), b"{");
    assert_eq!(refused.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&refused.stdout).starts_with("denied: "));
}

/// The command that an agent was told, run as it runs it.
#[test]
fn what_is_installed_decides() {
    let desk = desk();
    let policy = desk.path("rules/policy.yaml");
    let install = |more: &[&str]| {
        let mut arguments = vec![
            "install",
            "claude-code",
            "--policy",
            policy.to_str().unwrap(),
        ];
        arguments.extend(more);
        sent(hook(&desk, &arguments), b"")
    };
    let file = desk.path("work/.claude/settings.json");
    let dry = install(&["--dry-run"]);
    let told = String::from_utf8(dry.stdout).unwrap();
    assert!(
        dry.status.success() && told.contains("would be installed for PreToolUse"),
        "{told}"
    );
    assert!(told.contains("hook run --agent claude-code"), "{told}");
    assert!(!file.exists());
    let done = install(&["--role", "dev"]);
    let told = String::from_utf8(done.stdout).unwrap();
    assert!(
        done.status.success() && told.contains("cannot be kept from doing"),
        "{told}"
    );
    assert!(!told.contains("caution"), "{told}");
    let settings: Value = serde_json::from_slice(&fs::read(&file).unwrap()).unwrap();
    let command = settings["hooks"]["PreToolUse"][0]["hooks"][0]["command"]
        .as_str()
        .unwrap();
    let shell = |command: &str| {
        let mut shell = Command::new("sh");
        shell
            .args(["-c", command])
            .current_dir(desk.path("work/src"))
            .env("HOME", desk.path("home"));
        shell
    };
    assert_eq!(
        decision(&sent(shell(command), &call(&desk, "ls"))),
        "0 allow"
    );
    let denied = sent(shell(command), &call(&desk, "rm a"));
    assert_eq!(decision(&denied), "2 deny");
    assert!(
        !String::from_utf8_lossy(&denied.stderr).contains("did not run"),
        "{denied:?}"
    );
    let gone = command.replacen("hexgate", "hexgate-that-is-gone", 1);
    let blocked = sent(shell(&gone), &call(&desk, "ls"));
    assert_eq!(blocked.status.code(), Some(2), "{blocked:?}");
    let again = install(&["--role", "dev"]);
    assert!(
        String::from_utf8(again.stdout)
            .unwrap()
            .contains("installed already")
    );
    let removed = sent(hook(&desk, &["install", "claude-code", "--uninstall"]), b"");
    assert!(
        String::from_utf8(removed.stdout)
            .unwrap()
            .contains("removed from")
    );
    assert_eq!(fs::read_to_string(&file).unwrap(), "{}\n");
}

/// The settings of a project can set variables for hooks. What is installed does not go by them.
#[test]
fn what_is_installed_pins_what_the_environment_could_change() {
    let desk = desk();
    let policy = desk.path("rules/policy.yaml");
    let output = sent(
        hook(
            &desk,
            &[
                "install",
                "claude-code",
                "--policy",
                policy.to_str().unwrap(),
            ],
        ),
        b"",
    );
    assert!(output.status.success(), "{output:?}");
    let file = desk.path("work/.claude/settings.json");
    let settings: Value = serde_json::from_slice(&fs::read(&file).unwrap()).unwrap();
    let command = settings["hooks"]["PreToolUse"][0]["hooks"][0]["command"]
        .as_str()
        .unwrap();
    let state = desk.path("home/.local/state/hexgate/hook");
    assert!(command.contains("--caller=ann "), "{command}");
    assert!(
        command.contains(&format!("--state={}", state.display())),
        "{command}"
    );
    // The counts are not begun anew in another folder.
    for (at, expected) in (0..7).map(|at| (at, if at < 6 { "0 allow" } else { "2 deny" })) {
        let mut shell = Command::new("sh");
        shell
            .args(["-c", command])
            .env("XDG_STATE_HOME", desk.path(&format!("other{at}")));
        assert_eq!(decision(&sent(shell, &call(&desk, "ls"))), expected, "{at}");
    }
    assert!(state.exists());
}

#[test]
fn with_a_key_a_variable_cannot_name_another_or_none() {
    let desk = desk();
    fs::write(desk.path("rules/key.pub"), "no key").unwrap();
    let key = desk.path("rules/key.pub");
    let key = format!("--pubkey={}", key.display());
    // The source of a policy has no signature.
    for required in ["false", "true"] {
        let mut command = run(&desk, &[&key]);
        command
            .env("HEXGATE_BUNDLE_REQUIRE_SIGNATURE", required)
            .env("HEXGATE_BUNDLE_PUBKEY_PATH", "");
        let output = sent(command, &call(&desk, "ls"));
        assert_eq!(decision(&output), "2 deny", "{output:?}");
    }
    let output = sent(run(&desk, &[]), &call(&desk, "ls"));
    assert_eq!(decision(&output), "0 allow", "{output:?}");
}

#[test]
fn a_hook_that_would_deny_everything_is_not_installed() {
    let desk = desk();
    fs::write(desk.path("rules/policy.yaml"), "tools: [").unwrap();
    let policy = desk.path("rules/policy.yaml");
    let output = sent(
        hook(
            &desk,
            &["install", "codex", "--policy", policy.to_str().unwrap()],
        ),
        b"",
    );
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    assert!(
        String::from_utf8_lossy(&output.stderr).contains("every call would be denied"),
        "{output:?}"
    );
    assert!(!desk.path("work/.codex").exists());
    // A policy where the agent can write is said aloud.
    fs::write(desk.path("work/policy.yaml"), POLICY).unwrap();
    let output = sent(
        hook(&desk, &["install", "cursor", "--policy", "policy.yaml"]),
        b"",
    );
    assert!(
        String::from_utf8_lossy(&output.stdout).contains("caution: "),
        "{output:?}"
    );
    // What cannot be read is left, and said.
    fs::create_dir_all(desk.path("work/.gemini")).unwrap();
    fs::write(desk.path("work/.gemini/settings.json"), "{ // mine\n}").unwrap();
    let output = sent(
        hook(&desk, &["install", "gemini", "--policy", "policy.yaml"]),
        b"",
    );
    assert_eq!(output.status.code(), Some(1));
    assert!(
        String::from_utf8_lossy(&output.stderr).contains("left as it is"),
        "{output:?}"
    );
}
