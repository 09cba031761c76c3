//! A workspace, a policy, and hooks for it.

use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use hexgate_enforce::resolve::Environment;
use hexgate_hook::{Agent, Answer, Hook, Options};
use serde_json::Value;
use tempfile::TempDir;

/// What an agent does after an answer, by its documentation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Effect {
    Runs,
    Asks,
    Stops,
}

pub(crate) struct Desk {
    folder: TempDir,
}

impl Desk {
    /// A workspace, and a policy beside it.
    pub(crate) fn new(policy: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let desk = Self { folder };
        fs::create_dir_all(desk.workspace().join("src")).unwrap();
        fs::write(desk.workspace().join("src/main.rs"), "fn main() {}").unwrap();
        fs::write(desk.path("policy.yaml"), policy).unwrap();
        desk
    }

    /// A policy with this mode for every tool.
    pub(crate) fn of(mode: &str) -> Self {
        let message = match mode {
            "allow" => "",
            "deny" => ", message: No.",
            _ => ", message: A person is asked.",
        };
        Self::new(&format!("default_policy: {{ mode: {mode}{message} }}\n"))
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().canonicalize().unwrap().join(name)
    }

    pub(crate) fn workspace(&self) -> PathBuf {
        self.path("work")
    }

    pub(crate) fn options(&self, agent: Agent) -> Options {
        Options {
            agent,
            event: None,
            name: None,
            caller: "alice".to_owned(),
            roles: Vec::new(),
            workspace: None,
            state: self.path("state"),
            audit: None,
            trust_ask: false,
            approvals: None,
            environment: self.environment(),
            limit: Duration::from_secs(20),
        }
    }

    pub(crate) fn environment(&self) -> Environment {
        let policy = self.path("policy.yaml");
        [("HEXGATE_LOCAL_POLICY", policy.to_str().unwrap())]
            .into_iter()
            .collect()
    }

    pub(crate) fn hook(&self, agent: Agent) -> Hook {
        Hook::new(self.options(agent))
    }

    /// Answers an event with the workspace's path put in.
    pub(crate) fn answer(&self, agent: Agent, event: &str, input: &Value) -> Answer {
        let hook = Hook::new(Options {
            event: Some(event.to_owned()),
            ..self.options(agent)
        });
        hook.answer(self.filled(&input.to_string()).as_bytes())
    }

    /// Answers a command in Claude Code.
    pub(crate) fn bash(&self, session: &str, command: &str) -> Effect {
        let input = claude(session, "Bash", &serde_json::json!({ "command": command }));
        effect(&self.answer(Agent::ClaudeCode, "PreToolUse", &input))
    }

    pub(crate) fn filled(&self, text: &str) -> String {
        text.replace("/WORKSPACE", self.workspace().to_str().unwrap())
    }
}

/// A call of Claude Code.
pub(crate) fn claude(session: &str, tool: &str, input: &Value) -> Value {
    serde_json::json!({
        "session_id": session, "cwd": "/WORKSPACE", "hook_event_name": "PreToolUse",
        "permission_mode": "default", "tool_name": tool, "tool_input": input,
    })
}

/// What Claude Code does after the answer to a call.
pub(crate) fn effect(answer: &Answer) -> Effect {
    let decision = serde_json::from_str::<Value>(&answer.stdout)
        .ok()
        .and_then(|it| {
            Some(
                it["hookSpecificOutput"]["permissionDecision"]
                    .as_str()?
                    .to_owned(),
            )
        });
    match (answer.code, decision.as_deref()) {
        (2, _) => Effect::Stops,
        (0, Some("deny")) => Effect::Stops,
        (0, Some("ask")) => Effect::Asks,
        _ => Effect::Runs,
    }
}

/// Whether an agent stops a call after this answer: by its documentation and, where that is silent, its source.
pub(crate) fn is_stopped(agent: Agent, event: &str, answer: &Answer) -> bool {
    let value: Value = serde_json::from_str(&answer.stdout).unwrap_or_default();
    let by_code = answer.code == 2;
    match agent {
        Agent::ClaudeCode if event == "PermissionRequest" => {
            value["hookSpecificOutput"]["decision"]["behavior"] == "deny"
        }
        Agent::ClaudeCode => by_code,
        Agent::Codex if event == "PermissionRequest" => {
            value["hookSpecificOutput"]["decision"]["behavior"] == "deny"
        }
        // Without a reason Codex runs the call.
        Agent::Codex => by_code && !answer.stderr.trim().is_empty(),
        Agent::Gemini => value["decision"] == "deny",
        Agent::Cursor if event == "beforeSubmitPrompt" => value["continue"] == false,
        Agent::Cursor => answer.code == 0 && value["permission"] == "deny",
        _ => by_code,
    }
}
