//! The configuration of the agents.

use std::ffi::OsString;
use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;

use hexgate_hook::Agent;
use hexgate_hook::install::{Action, CommandLine, InstallError, Plan, Scope, cautions, plan};
use serde_json::{Value, json};

fn action() -> Action {
    Action::Install(CommandLine {
        program: "/opt/it's here/hexgate".into(),
        arguments: vec![
            "--policy=/etc/hexgate/policy.yaml".to_owned(),
            "--role=a b".to_owned(),
        ],
    })
}

fn planned(agent: Agent, folder: &Path, action: &Action) -> Result<Plan, InstallError> {
    plan(agent, &Scope::Project(folder.to_owned()), action, |_| None)
}

fn install(agent: Agent, folder: &Path) -> String {
    let plan = planned(agent, folder, &action()).unwrap();
    plan.apply().unwrap();
    fs::read_to_string(&plan.path).unwrap()
}

fn uninstall(agent: Agent, folder: &Path) -> Option<String> {
    let plan = planned(agent, folder, &Action::Uninstall).unwrap();
    plan.apply().unwrap();
    fs::read_to_string(&plan.path).ok()
}

#[test]
fn each_agent_is_told_for_which_events() {
    let run = |agent: &str, event: &str| {
        format!(
            "'/opt/it'\\''s here/hexgate' hook run --agent {agent} --event {event} --policy=/etc/hexgate/policy.yaml '--role=a b'"
        )
    };
    let or = " || { [ $? -eq 2 ] || echo 'hexgate: the hook did not run, so this is denied' >&2; exit 2; }";
    for agent in Agent::ALL {
        let folder = tempfile::tempdir().unwrap();
        let text = install(agent, folder.path());
        let value: Value = serde_json::from_str(&text).unwrap();
        let name = agent.name();
        let of = |event: &str| format!("{}{or}", run(name, event));
        let expected = match agent {
            Agent::ClaudeCode => {
                let group = |event: &str| json!([{ "hooks": [{ "type": "command", "command": of(event), "timeout": 30, "onFailure": "block" }] }]);
                json!({ "hooks": {
                    "PreToolUse": group("PreToolUse"), "PermissionRequest": group("PermissionRequest"), "UserPromptSubmit": group("UserPromptSubmit"),
                    "SessionStart": [{ "hooks": [{ "type": "command", "command": run(name, "SessionStart"), "timeout": 30 }] }],
                } })
            }
            Agent::Codex => {
                let group = |command: String| json!([{ "hooks": [{ "type": "command", "command": command, "timeout": 30 }] }]);
                json!({ "hooks": {
                    "PreToolUse": group(of("PreToolUse")), "PermissionRequest": group(of("PermissionRequest")),
                    "UserPromptSubmit": group(of("UserPromptSubmit")), "SessionStart": group(run(name, "SessionStart")),
                } })
            }
            Agent::Gemini => {
                let group = |command: String| json!([{ "hooks": [{ "name": "hexgate", "type": "command", "command": command, "timeout": 30000 }] }]);
                json!({ "hooks": {
                    "BeforeTool": group(of("BeforeTool")), "BeforeAgent": group(of("BeforeAgent")), "SessionStart": group(run(name, "SessionStart")),
                } })
            }
            Agent::Cursor => {
                let entry = |event: &str| json!([{ "command": of(event), "timeout": 30, "failClosed": true }]);
                json!({ "version": 1, "hooks": {
                    "preToolUse": [{ "command": of("preToolUse"), "timeout": 30, "failClosed": true, "matcher": "^(?!Shell$|MCP:)" }],
                    "beforeShellExecution": entry("beforeShellExecution"), "beforeMCPExecution": entry("beforeMCPExecution"),
                    "beforeReadFile": entry("beforeReadFile"), "beforeTabFileRead": entry("beforeTabFileRead"),
                    "subagentStart": entry("subagentStart"), "beforeSubmitPrompt": entry("beforeSubmitPrompt"),
                    "sessionStart": [{ "command": run(name, "sessionStart"), "timeout": 30, "failClosed": false }],
                } })
            }
            _ => {
                let entry = |command: String| json!([{ "type": "command", "bash": command, "timeoutSec": 30 }]);
                json!({ "version": 1, "hooks": {
                    "preToolUse": entry(of("preToolUse")), "permissionRequest": entry(of("permissionRequest")),
                    "userPromptSubmitted": entry(of("userPromptSubmitted")), "sessionStart": entry(run(name, "sessionStart")),
                } })
            }
        };
        assert_eq!(value, expected, "{agent}");
        assert!(cautions(agent).len() >= 3, "{agent}");
        // Again changes nothing, and removing it leaves nothing.
        assert!(
            !planned(agent, folder.path(), &action()).unwrap().changes,
            "{agent}"
        );
        let left = uninstall(agent, folder.path());
        match agent {
            Agent::Copilot => assert_eq!(left, None),
            Agent::Cursor => assert_eq!(left.unwrap(), "{\n  \"version\": 1\n}\n"),
            _ => assert_eq!(left.unwrap(), "{}\n"),
        }
        assert!(
            !planned(agent, folder.path(), &Action::Uninstall)
                .unwrap()
                .changes,
            "{agent}"
        );
    }
}

#[test]
fn where_decisions_are_recorded_agents_tell_how_calls_end() {
    for agent in Agent::ALL {
        let folder = tempfile::tempdir().unwrap();
        let Action::Install(mut line) = action() else {
            panic!("it installs");
        };
        line.arguments.push("--audit=/var/log/hook".to_owned());
        let recorded = planned(agent, folder.path(), &Action::Install(line)).unwrap();
        recorded.apply().unwrap();
        let text = fs::read_to_string(&recorded.path).unwrap();
        let value: Value = serde_json::from_str(&text).unwrap();
        let ends: &[&str] = match agent {
            Agent::ClaudeCode => &["PostToolUse", "PostToolUseFailure"],
            Agent::Codex => &["PostToolUse"],
            Agent::Gemini => &["AfterTool"],
            Agent::Cursor => &[
                "postToolUse",
                "postToolUseFailure",
                "afterShellExecution",
                "afterMCPExecution",
            ],
            _ => &["postToolUse", "postToolUseFailure"],
        };
        for event in ends {
            let entry = value["hooks"][event].to_string();
            assert!(
                entry.contains(&format!("--event {event} ")),
                "{agent}: {text}"
            );
            // The call has run by then: nothing is blocked.
            assert!(!entry.contains("exit 2"), "{agent}: {text}");
        }
        // Without a log they are not asked for, so that no process is started for each.
        let text = install(agent, folder.path());
        for event in ends {
            assert!(!text.contains(&format!("\"{event}\"")), "{agent}: {text}");
        }
    }
}

const SETTINGS: &str = r#"{
  "zebra": { "b": 1,   "a": [ 1, 2 ] },
  "hooks": {
    "PostToolUse": [ { "matcher": "Edit", "hooks": [ { "type": "command", "command": "fmt" } ] } ],
    "PreToolUse": [
      { "matcher": "Bash", "hooks": [ { "type": "command", "command": "./mine.sh", "own": 1e2 } ] }
    ]
  },
  "permissions": { "deny": [ "Read(.env)" ] },
  "unknown-key": null
}
"#;

#[test]
fn what_is_there_already_stays() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(".claude/settings.json");
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(&path, SETTINGS).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
    let text = install(Agent::ClaudeCode, folder.path());
    for kept in [
        r#"  "zebra": { "b": 1,   "a": [ 1, 2 ] },"#,
        r#"{ "matcher": "Edit", "hooks": [ { "type": "command", "command": "fmt" } ] }"#,
        r#"      { "matcher": "Bash", "hooks": [ { "type": "command", "command": "./mine.sh", "own": 1e2 } ] }"#,
        r#"  "permissions": { "deny": [ "Read(.env)" ] },"#,
        r#"  "unknown-key": null"#,
    ] {
        assert!(text.contains(kept), "{kept}\n{text}");
    }
    let order = |text: &str| {
        ["zebra", "hooks", "permissions", "unknown-key"]
            .map(|name| text.find(&format!("\"{name}\"")).unwrap())
    };
    assert!(order(&text).is_sorted());
    assert_eq!(
        fs::metadata(&path).unwrap().permissions().mode() & 0o777,
        0o600
    );
    let value: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(value["hooks"]["PreToolUse"].as_array().unwrap().len(), 2);
    let before: Value = serde_json::from_str(SETTINGS).unwrap();
    let after: Value =
        serde_json::from_str(&uninstall(Agent::ClaudeCode, folder.path()).unwrap()).unwrap();
    assert_eq!(after, before);
}

#[test]
fn a_hook_that_somebody_put_beside_ours_stays() {
    let folder = tempfile::tempdir().unwrap();
    let text = install(Agent::ClaudeCode, folder.path());
    let mut value: Value = serde_json::from_str(&text).unwrap();
    let mine = json!({ "type": "command", "command": "mine" });
    value["hooks"]["PreToolUse"][0]["hooks"]
        .as_array_mut()
        .unwrap()
        .push(mine.clone());
    fs::write(
        folder.path().join(".claude/settings.json"),
        value.to_string(),
    )
    .unwrap();
    let left: Value =
        serde_json::from_str(&uninstall(Agent::ClaudeCode, folder.path()).unwrap()).unwrap();
    assert_eq!(
        left,
        json!({ "hooks": { "PreToolUse": [{ "hooks": [mine] }] } })
    );
}

#[test]
fn the_hook_of_another_agent_is_not_ours() {
    let folder = tempfile::tempdir().unwrap();
    let text = install(Agent::Codex, folder.path());
    let path = folder.path().join(".codex/hooks.json");
    let other = text.replace("--agent codex", "--agent claude-code");
    fs::write(&path, &other).unwrap();
    assert_eq!(uninstall(Agent::Codex, folder.path()).unwrap(), other);
}

#[test]
fn another_version_of_the_hook_is_replaced() {
    let folder = tempfile::tempdir().unwrap();
    let text = install(Agent::Gemini, folder.path());
    let path = folder.path().join(".gemini/settings.json");
    let old = text
        .replace("/opt/it", "/old/it")
        .replace("BeforeAgent", "BeforeModel");
    fs::write(&path, old).unwrap();
    let new: Value = serde_json::from_str(&install(Agent::Gemini, folder.path())).unwrap();
    assert_eq!(new, serde_json::from_str::<Value>(&text).unwrap());
}

#[test]
fn what_is_not_read_without_doubt_is_left() {
    for (agent, file, text) in [
        (Agent::ClaudeCode, ".claude/settings.json", "{ // mine\n}"),
        (Agent::ClaudeCode, ".claude/settings.json", "/* x */ {}"),
        (Agent::ClaudeCode, ".claude/settings.json", "{\"a\": 1,}"),
        (
            Agent::ClaudeCode,
            ".claude/settings.json",
            "{\"hooks\": {}, \"hooks\": {}}",
        ),
        (Agent::ClaudeCode, ".claude/settings.json", "[]"),
        (
            Agent::ClaudeCode,
            ".claude/settings.json",
            "{\"hooks\": []}",
        ),
        (
            Agent::ClaudeCode,
            ".claude/settings.json",
            "{\"hooks\": {\"PreToolUse\": {}}}",
        ),
        (
            Agent::ClaudeCode,
            ".claude/settings.json",
            "{\"disableAllHooks\": true}",
        ),
        (
            Agent::Codex,
            ".codex/hooks.json",
            "{\"hooks\": {\"PreToolUse\": 7}}",
        ),
        (
            Agent::Gemini,
            ".gemini/settings.json",
            "{\"hooksConfig\": {\"enabled\": false}}",
        ),
        (
            Agent::Gemini,
            ".gemini/settings.json",
            "{\"hooksConfig\": {\"disabled\": [\"hexgate\"]}}",
        ),
        (
            Agent::Cursor,
            ".cursor/hooks.json",
            "{\"version\": 2, \"hooks\": {}}",
        ),
        (
            Agent::Copilot,
            ".github/hooks/hexgate.json",
            "{\"version\": 1, \"disableAllHooks\": true, \"hooks\": {}}",
        ),
    ] {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(file);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, text).unwrap();
        let refused = planned(agent, folder.path(), &action()).unwrap_err();
        assert!(
            matches!(refused, InstallError::Refused { .. }),
            "{text}: {refused}"
        );
        assert_eq!(fs::read_to_string(&path).unwrap(), text);
    }
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(".claude/settings.json");
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(folder.path().join("real.json"), "{}").unwrap();
    symlink("../real.json", &path).unwrap();
    assert!(
        planned(Agent::ClaudeCode, folder.path(), &action()).is_err(),
        "a link is not followed"
    );
    fs::remove_file(&path).unwrap();
    fs::write(&path, b"{\"a\": \"\xff\"}").unwrap();
    assert!(planned(Agent::ClaudeCode, folder.path(), &action()).is_err());
}

#[test]
fn hooks_that_another_file_switches_off_are_not_installed() {
    for (agent, file, text) in [
        (
            Agent::ClaudeCode,
            "work/.claude/settings.local.json",
            "{\"disableAllHooks\": true}",
        ),
        (
            Agent::ClaudeCode,
            "work/.claude/settings.local.json",
            "{ // mine\n \"disableAllHooks\": true}",
        ),
        (
            Agent::ClaudeCode,
            "home/.claude/settings.json",
            "{\"disableAllHooks\": true}",
        ),
        (
            Agent::Gemini,
            "home/.gemini/settings.json",
            "{\"hooksConfig\": {\"enabled\": false}}",
        ),
        (
            Agent::Copilot,
            "work/.github/copilot/settings.json",
            "{\"disableAllHooks\": true}",
        ),
    ] {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(file);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        let home = folder.path().join("home");
        let variable = |name: &str| (name == "HOME").then(|| home.clone().into_os_string());
        let scope = Scope::Project(folder.path().join("work"));
        // Other settings are no reason, with comments or without.
        for (text, refused) in [
            (text, true),
            ("{ \"disableAllHooks\": false }", false),
            ("{ // mine\n}", false),
        ] {
            fs::write(&path, text).unwrap();
            let planned = plan(agent, &scope, &action(), variable);
            assert_eq!(planned.is_err(), refused, "{agent} {file} {text}");
            if let Err(error) = planned {
                assert!(error.to_string().contains(file), "{error}");
            }
        }
        fs::write(&path, text).unwrap();
        assert!(plan(agent, &scope, &Action::Uninstall, variable).is_ok());
    }
}

#[test]
fn a_folder_of_a_project_that_is_a_link_is_not_followed() {
    for (agent, link) in [
        (Agent::ClaudeCode, ".claude"),
        (Agent::Copilot, ".github"),
        (Agent::Copilot, ".github/hooks"),
    ] {
        let folder = tempfile::tempdir().unwrap();
        let (work, other) = (folder.path().join("work"), folder.path().join("other"));
        let link = work.join(link);
        fs::create_dir_all(link.parent().unwrap()).unwrap();
        fs::create_dir_all(&other).unwrap();
        symlink(&other, &link).unwrap();
        for action in [action(), Action::Uninstall] {
            let refused = planned(agent, &work, &action).unwrap_err();
            assert!(refused.to_string().contains("is a link"), "{refused}");
        }
        assert_eq!(fs::read_dir(&other).unwrap().count(), 0);
    }
}

#[test]
fn the_users_configuration_is_where_the_agent_looks() {
    let variables = |name: &str| match name {
        "HOME" => Some(OsString::from("/home/ann")),
        "CODEX_HOME" => Some(OsString::from("/codex")),
        "COPILOT_HOME" => Some(OsString::from("relative")),
        _ => None,
    };
    for (agent, path) in [
        (Agent::ClaudeCode, "/home/ann/.claude/settings.json"),
        (Agent::Codex, "/codex/hooks.json"),
        (Agent::Gemini, "/home/ann/.gemini/settings.json"),
        (Agent::Cursor, "/home/ann/.cursor/hooks.json"),
        (Agent::Copilot, "/home/ann/.copilot/hooks/hexgate.json"),
    ] {
        let plan = plan(agent, &Scope::User, &action(), variables).unwrap();
        assert_eq!(plan.path, Path::new(path));
    }
    let nowhere = plan(Agent::Gemini, &Scope::User, &action(), |_| None);
    assert!(matches!(nowhere, Err(InstallError::NoHome)));
}

/// The command does what it says where the program is missing: the shell ends with the code that blocks, and says why.
#[test]
fn a_program_that_is_missing_blocks() {
    for agent in Agent::ALL {
        let folder = tempfile::tempdir().unwrap();
        let value: Value = serde_json::from_str(&install(agent, folder.path())).unwrap();
        let mut commands = Vec::new();
        collect(&value, &mut commands);
        assert!(commands.len() >= 3);
        for command in commands {
            let output = std::process::Command::new("sh")
                .args(["-c", &command])
                .output()
                .unwrap();
            if command.to_lowercase().contains("sessionstart") {
                assert_eq!(output.status.code(), Some(127), "{command}");
                continue;
            }
            assert_eq!(output.status.code(), Some(2), "{command}");
            let told = String::from_utf8(output.stderr).unwrap();
            assert!(told.contains("the hook did not run"), "{told}");
            // One that was killed, and one that denied.
            for (instead, told) in [
                ("sh -c 'kill -9 $$'", true),
                ("exit 2", false),
                ("true", false),
            ] {
                let (_, rest) = command.split_once(" || ").unwrap();
                let output = std::process::Command::new("sh")
                    .args(["-c", &format!("({instead}) || {rest}")])
                    .output()
                    .unwrap();
                assert_eq!(
                    output.status.code(),
                    Some(if instead == "true" { 0 } else { 2 }),
                    "{instead}"
                );
                assert_eq!(
                    String::from_utf8(output.stderr)
                        .unwrap()
                        .contains("did not run"),
                    told,
                    "{instead}"
                );
            }
        }
    }
}

fn collect(value: &Value, commands: &mut Vec<String>) {
    match value {
        Value::Object(members) => {
            for value in members.values() {
                match value.as_str() {
                    Some(text) if text.contains("hook run") => commands.push(text.to_owned()),
                    _ => collect(value, commands),
                }
            }
        }
        Value::Array(list) => list.iter().for_each(|value| collect(value, commands)),
        _ => {}
    }
}
