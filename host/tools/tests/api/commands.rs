//! `bash`, in whichever sandbox this machine has.

use std::fs;
use std::sync::Arc;
use std::time::Duration;

use hexgate_agent::tool::{Progress, Tool};
use hexgate_enforce::Enforcer;
use hexgate_sandbox::{Limits, Sandbox, Wanted, Workspace, WorkspaceBuilder};
use hexgate_tools::bash::Bash;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::fixture::{enforcer, permit, runtime};

const POLICY: &str = "
tools:
  bash: { mode: allow }
  net.http_request: { mode: allow, constraints: ['args.host == \"allowed.example\"'] }
";

struct Commands {
    folder: TempDir,
    enforcer: Enforcer,
    sandbox: Sandbox,
}

/// None: this machine has no sandbox, and that was said.
fn commands(options: impl FnOnce(WorkspaceBuilder) -> WorkspaceBuilder) -> Option<Commands> {
    let folder = tempfile::tempdir().unwrap();
    let workspace = options(Workspace::builder(folder.path()).home("/nonexistent"));
    match Sandbox::choose(&workspace.build().unwrap(), &Wanted::default()) {
        Ok(sandbox) => Some(Commands {
            folder,
            enforcer: enforcer(POLICY),
            sandbox,
        }),
        Err(unavailable) => {
            hexgate_test_support::skipped(&unavailable.to_string());
            None
        }
    }
}

impl Commands {
    fn run_by(&self, tool: &Arc<dyn Tool>, arguments: &Value) -> Value {
        let permit = permit(&self.enforcer, "bash", arguments).unwrap();
        runtime()
            .block_on(tool.call(permit, &Progress::default()))
            .unwrap()
            .value
    }

    fn run(&self, command: &str) -> Value {
        let tool: Arc<dyn Tool> = Arc::new(Bash::new(self.sandbox.clone()));
        self.run_by(&tool, &json!({ "command": command }))
    }
}

#[test]
fn a_command_answers_as_in_the_python_system() {
    let Some(commands) = commands(|it| it) else {
        return;
    };
    fs::write(commands.folder.path().join("a"), "x").unwrap();
    let answer = commands.run("ls; echo problem >&2; exit 3");
    let expected = json!({
        "ok": true,
        "command": "ls; echo problem >&2; exit 3",
        "exit_code": 3,
        "stdout": "a\n",
        "stderr": "problem\n",
        "stdout_truncated": false,
        "stderr_truncated": false,
        "policy_violation": false,
        "timed_out": false,
    });
    assert_eq!(answer, expected);
    let answer = commands.run("head -c 100000 /dev/zero | tr '\\0' x");
    assert_eq!(answer["stdout_truncated"], true);
    assert_eq!(answer["stdout"].as_str().unwrap().len(), 20_000);
}

#[test]
fn a_command_that_is_not_allowed_is_an_answer() {
    let Some(commands) = commands(|it| it.allowed_commands(["ls", "echo"])) else {
        return;
    };
    assert_eq!(commands.run("echo yes")["stdout"], "yes\n");
    let answer = commands.run("echo yes; rm -rf x");
    assert_eq!(answer["exit_code"], 126);
    assert_eq!(answer["policy_violation"], true);
    assert_eq!(answer["stdout"], "");
    assert!(
        answer["stderr"].as_str().unwrap().contains("rm"),
        "{answer}"
    );
    // The command's own 126 is not the workspace's.
    let answer = commands.run("exit 126");
    assert_eq!(
        (&answer["exit_code"], &answer["policy_violation"]),
        (&json!(126), &json!(false))
    );
}

#[test]
fn a_command_has_the_time_that_was_asked_for_up_to_the_longest() {
    let mut limits = Limits::default();
    limits.time = Duration::from_secs(1);
    limits.longest_time = Duration::from_secs(40);
    let Some(commands) = commands(|it| it.limits(limits)) else {
        return;
    };
    let tool: Arc<dyn Tool> = Arc::new(Bash::new(commands.sandbox.clone()));
    let schema = &tool.spec().input_schema;
    assert_eq!(schema["required"], json!(["command"]));
    let time = &schema["properties"]["timeout_seconds"];
    let says = [&time["minimum"], &time["default"], &time["maximum"]];
    assert_eq!(says, [&json!(1), &json!(1), &json!(40)]);
    let description = time["description"].as_str().unwrap();
    assert!(
        description.ends_with("1 if it is left out, 40 at most."),
        "{description}"
    );
    // Nothing said: the usual time.
    let answer = commands.run_by(&tool, &json!({ "command": "sleep 60" }));
    assert_eq!(
        (&answer["timed_out"], &answer["exit_code"]),
        (&json!(true), &json!(124))
    );
    // More than the usual time, and not cut to it.
    let answer = commands.run_by(
        &tool,
        &json!({ "command": "sleep 2; echo done", "timeout_seconds": 40 }),
    );
    assert_eq!(answer["stdout"], "done\n", "{answer}");
    // More than the longest is refused, and the command does not run.
    for seconds in [0, 41, u64::MAX] {
        let arguments = json!({ "command": "touch ran", "timeout_seconds": seconds });
        let permit = permit(&commands.enforcer, "bash", &arguments).unwrap();
        let error = runtime()
            .block_on(tool.call(permit, &Progress::default()))
            .unwrap_err();
        assert_eq!(error.kind, "invalid_arguments");
        assert!(error.message.contains("1 to 40"), "{error}");
    }
    assert!(!commands.folder.path().join("ran").exists());
}

#[test]
fn the_network_is_the_proxy_or_nothing() {
    let Some(commands) = commands(|it| it) else {
        return;
    };
    let ask = |host: &str| {
        format!(
            "exec 3<>/dev/tcp/127.0.0.1/3128 && printf 'GET http://{host}/ HTTP/1.1\\r\\nHost: {host}\\r\\n\\r\\n' >&3 && head -n 1 <&3"
        )
    };
    let refused = commands.run(&ask("denied.example"));
    assert_eq!(refused["stdout"], "");
    assert_ne!(refused["exit_code"], 0);

    let bash = Bash::new(commands.sandbox.clone()).egress(commands.enforcer.clone());
    let tool: Arc<dyn Tool> = Arc::new(bash);
    let answer = commands.run_by(&tool, &json!({ "command": ask("denied.example") }));
    assert!(
        answer["stdout"].as_str().unwrap().contains(" 403 "),
        "{answer}"
    );
    // Allowed, and then not found: there is no such host.
    let answer = commands.run_by(&tool, &json!({ "command": ask("allowed.example") }));
    assert!(
        answer["stdout"].as_str().unwrap().contains(" 502 "),
        "{answer}"
    );
}
