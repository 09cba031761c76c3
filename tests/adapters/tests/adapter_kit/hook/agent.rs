//! An agent that asks its hooks as Claude Code documents it: before a call, and after it.

use std::fs;
use std::io::Cursor;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, SystemTime};

use futures_util::future::{BoxFuture, join_all};
use hexgate_adapter_kit::{AgentSpec, CallSpec, Fault, Kind, Play, ToolSpec, Verdict};
use hexgate_enforce::approvals::{Approvers, Decision, RequestStore};
use hexgate_enforce::host::bundle::{PrivateKey, Timestamp};
use hexgate_enforce::resolve::Environment;
use hexgate_hook::{Agent, Approving, Auditing, Hook, Options};
use serde_json::{Value, json};

pub(super) struct Claude {
    play: Play,
    keeps: bool,
    calls: AtomicUsize,
    asked_again: AtomicUsize,
}

/// What the agent does after its hooks answered.
enum Answer {
    Runs,
    Asks,
    /// With what its model reads.
    Stops(String),
}

impl Claude {
    pub(super) fn new(play: &Play, keeps: bool) -> Self {
        let claude = Self {
            play: play.clone(),
            keeps: keeps && play.approver().is_some(),
            calls: AtomicUsize::new(0),
            asked_again: AtomicUsize::new(0),
        };
        if claude.keeps {
            let text = json!({ "version": 1, "approvers": [{ "id": "carol", "keys": [carols().public_key().to_text()], "roles": ["lead"], "users": [] }] });
            fs::write(claude.path("approvers.json"), text.to_string()).unwrap();
            let private = fs::Permissions::from_mode(0o600);
            fs::set_permissions(claude.path("approvers.json"), private).unwrap();
        }
        if play.scenario().gate == Fault::RecorderFails {
            claude.break_log();
        }
        claude
    }

    /// Whether the hook has what decides.
    pub(super) fn check(&self) -> Result<(), String> {
        self.hook("PreToolUse")
            .check()
            .map_err(|failure| failure.to_string())
    }

    /// The file of the log.
    pub(super) fn log(&self) -> PathBuf {
        self.path("log/segment-000000.jsonl")
    }

    /// How many calls were proposed a second time, because their approval was kept.
    pub(super) fn asked_again(&self) -> usize {
        self.asked_again.load(Ordering::SeqCst)
    }

    /// The calls of an answer: side by side where their tools may run so.
    pub(super) async fn turn(&self, calls: &[CallSpec]) -> Result<Vec<String>, String> {
        self.of(self.play.tools(), calls).await
    }

    async fn of(&self, tools: &[ToolSpec], calls: &[CallSpec]) -> Result<Vec<String>, String> {
        let tool = |call: &CallSpec| {
            let found = tools.iter().find(|tool| tool.name == call.tool);
            found.ok_or_else(|| format!("there is no tool `{}`", call.tool))
        };
        let mut side_by_side = Vec::new();
        let mut read = Vec::new();
        for call in calls {
            let tool = tool(call)?;
            match tool.parallel {
                true => side_by_side.push(self.call(tool, call)),
                false => read.push(self.call(tool, call).await?),
            }
        }
        if !side_by_side.is_empty() {
            read.extend(
                join_all(side_by_side)
                    .await
                    .into_iter()
                    .collect::<Result<Vec<_>, _>>()?,
            );
        }
        Ok(read)
    }

    /// One call. What the model reads of it.
    fn call<'a>(
        &'a self,
        tool: &'a ToolSpec,
        call: &'a CallSpec,
    ) -> BoxFuture<'a, Result<String, String>> {
        Box::pin(async move {
            let id = format!("toolu_{}", self.calls.fetch_add(1, Ordering::SeqCst));
            // Where nobody can be asked.
            let mode = match self.play.approver() {
                Some(_) => "default",
                None => "bypassPermissions",
            };
            let event = |name: &str| event(name, &id, mode, tool, call);
            let mut answer = self.ask(&event("PreToolUse")).await?;
            if self.play.around().wrapped_twice {
                answer = match (answer, self.ask(&event("PreToolUse")).await?) {
                    (Answer::Stops(told), _) | (_, Answer::Stops(told)) => Answer::Stops(told),
                    (first, _) => first,
                };
            }
            if let (Answer::Stops(told), true) = (&answer, self.keeps)
                && let Some(request) = told.split("as request ").nth(1)
            {
                let request = request.split(' ').next().unwrap();
                tokio::select! {
                    () = self.approve(request) => {}
                    () = self.play.cancelled() => return Ok(String::new()),
                }
                // The model proposes it again.
                self.asked_again.fetch_add(1, Ordering::SeqCst);
                answer = self.ask(&event("PreToolUse")).await?;
            }
            match answer {
                Answer::Stops(told) => return Ok(told),
                Answer::Asks if !self.user_agrees(tool, call).await => {
                    return Ok("The user doesn't want to proceed with this tool use.".to_owned());
                }
                Answer::Asks | Answer::Runs => {}
            }
            let rewrite = self.play.around().rewrite_after.as_ref();
            let arguments = match rewrite.filter(|it| it.tool == tool.name) {
                Some(rewrite) => &rewrite.arguments,
                None => input(call),
            };
            let result = tokio::select! {
                result = self.run(tool, arguments) => result,
                () = self.play.cancelled() => return Ok(String::new()),
            };
            if self.play.scenario().gate == Fault::EndsUnrecorded {
                self.break_log();
            }
            let told = match &result {
                Ok(text) => event("PostToolUse").replacen(
                    '{',
                    &format!("{{\"tool_response\":{},", json!(text)),
                    1,
                ),
                Err(why) => event("PostToolUseFailure").replacen(
                    '{',
                    &format!("{{\"error\":{},", json!(why)),
                    1,
                ),
            };
            let hooks = 1 + usize::from(self.play.around().wrapped_twice);
            for _ in 0..hooks {
                let (code, _, stderr) = self.send(&told).await?;
                let is_broken = self.play.scenario().gate == Fault::EndsUnrecorded;
                if (code != 0) != is_broken {
                    return Err(format!("the hook answered an end with {code}: {stderr}"));
                }
            }
            Ok(result.unwrap_or_else(|why| why))
        })
    }

    /// Runs a tool; a sub-agent with the same hooks.
    async fn run(&self, tool: &ToolSpec, arguments: &str) -> Result<String, String> {
        if let Some(agent) = &tool.agent {
            return self.below(tool, agent).await;
        }
        // An agent outlives what its tools do.
        let (play, name, arguments) = (self.play.clone(), tool.name.clone(), arguments.to_owned());
        let running = tokio::spawn(async move { play.toolbox().run(&name, &arguments).await });
        let _ends = Ends(running.abort_handle());
        running
            .await
            .unwrap_or_else(|_| Err("the tool failed unexpectedly".to_owned()))
    }

    async fn below(&self, tool: &ToolSpec, agent: &AgentSpec) -> Result<String, String> {
        let script = self.play.script_of(&tool.name, agent);
        while let Some(turn) = script.next() {
            self.of(&agent.tools, &turn.calls).await?;
        }
        Ok("Done.".to_owned())
    }

    /// Whether the user of the agent agrees to a call.
    async fn user_agrees(&self, tool: &ToolSpec, call: &CallSpec) -> bool {
        let Some(approver) = self.play.approver() else {
            return false;
        };
        let name = self.play.policy_name(&tool.name);
        tokio::select! {
            verdict = approver.answer(&name, &call.arguments) => verdict == Verdict::Approved,
            () = self.play.cancelled() => false,
        }
    }

    /// Carol answers a request that is kept.
    async fn approve(&self, request: &str) {
        let request = request.parse().unwrap();
        let store = RequestStore::open(self.path("approvals.db")).unwrap();
        let kept = store.entry(&request).unwrap().unwrap().request.unwrap();
        let approver = self.play.approver().unwrap();
        let verdict = approver.answer(&kept.call.tool, &kept.call.arguments).await;
        let decision = match verdict {
            Verdict::Approved => Decision::Approve,
            Verdict::Refused => Decision::Deny,
            Verdict::Unreachable => return,
        };
        let approvers = Approvers::from_file(self.path("approvers.json")).unwrap();
        let now = Timestamp::from_system_time(SystemTime::now()).unwrap();
        store
            .answer(&request, &approvers, &carols(), decision, "as agreed", now)
            .unwrap();
    }

    async fn ask(&self, event: &str) -> Result<Answer, String> {
        let (code, stdout, stderr) = self.send(event).await?;
        let value: Value = serde_json::from_str(&stdout).unwrap_or_default();
        let output = &value["hookSpecificOutput"];
        let reason = output["permissionDecisionReason"].as_str();
        Ok(match (code, output["permissionDecision"].as_str()) {
            (2, _) => Answer::Stops(stderr),
            (0, Some("deny")) => Answer::Stops(reason.unwrap_or_default().to_owned()),
            (0, Some("ask")) => Answer::Asks,
            (0, Some("allow")) => Answer::Runs,
            // Other exit codes let a call pass.
            _ => return Err(format!("the hook did not decide: {code} {stdout} {stderr}")),
        })
    }

    /// Runs the hook as its program does, on a thread of its own.
    async fn send(&self, event: &str) -> Result<(u8, String, String), String> {
        let name = match event.contains("\"PreToolUse\"") {
            true => "PreToolUse",
            false if event.contains("\"PostToolUse\"") => "PostToolUse",
            false => "PostToolUseFailure",
        };
        let (hook, cwd) = (self.hook(name), json!(self.path("work")));
        let event = event.replacen('{', &format!("{{\"cwd\":{cwd},"), 1);
        let answered = tokio::task::spawn_blocking(move || {
            let (mut stdout, mut stderr) = (Vec::new(), Vec::new());
            let code = hexgate_hook::run(&hook, Cursor::new(event), &mut stdout, &mut stderr);
            let text = |bytes| String::from_utf8(bytes).unwrap();
            (code, text(stdout), text(stderr))
        });
        answered.await.map_err(|error| error.to_string())
    }

    fn hook(&self, event: &str) -> Hook {
        fs::create_dir_all(self.path("work")).unwrap();
        let (bundle, key) = (self.play.bundle(), self.play.key_file());
        let environment = Environment::from_iter([
            ("HEXGATE_LOCAL_POLICY", bundle.to_str().unwrap()),
            ("HEXGATE_BUNDLE_PUBKEY_PATH", key.to_str().unwrap()),
        ]);
        let caller = self.play.scenario().caller.clone();
        Hook::new(Options {
            agent: Agent::ClaudeCode,
            event: Some(event.to_owned()),
            name: Some(self.play.agent().to_owned()),
            caller: caller.as_ref().map_or(String::new(), |it| it.user.clone()),
            roles: caller.map_or_else(Vec::new, |it| it.roles),
            workspace: None,
            state: self.path("state"),
            audit: Some(Auditing {
                folder: self.path("log"),
                key: self.path("log.key"),
            }),
            trust_ask: false,
            approvals: self.keeps.then(|| Approving {
                db: self.path("approvals.db"),
                approvers: self.path("approvers.json"),
                roles: vec!["lead".to_owned()],
                used: None,
            }),
            environment,
            limit: Duration::from_secs(30),
        })
    }

    /// From now on nothing can be recorded.
    fn break_log(&self) {
        let _ = fs::remove_file(self.path("log.key"));
        fs::create_dir(self.path("log.key")).unwrap();
    }

    fn path(&self, name: &str) -> PathBuf {
        self.play.folder().canonicalize().unwrap().join(name)
    }
}

/// An event about a call, but for the folder in which the agent is. The arguments stand in it as the model wrote them.
fn event(name: &str, id: &str, mode: &str, tool: &ToolSpec, call: &CallSpec) -> String {
    let (own, input) = match tool.kind {
        Kind::Mcp => (format!("mcp__files__{}", tool.name), call.arguments.clone()),
        Kind::Agent => {
            let input = json!({ "prompt": call.arguments, "subagent_type": tool.name });
            ("Task".to_owned(), input.to_string())
        }
        _ => (tool.name.clone(), input(call).to_owned()),
    };
    let own = json!(own);
    format!(
        r#"{{"hook_event_name":"{name}","session_id":"s-1","permission_mode":"{mode}","tool_name":{own},"tool_use_id":"{id}","tool_input":{input}}}"#
    )
}

/// The arguments as the agent reads them. A model that wrote nothing gave none.
fn input(call: &CallSpec) -> &str {
    match call.arguments.as_str() {
        "" | "null" => "{}",
        text => text,
    }
}

fn carols() -> PrivateKey {
    PrivateKey::from_bytes(&[9; 32])
}

/// A task that ends with whoever waits for it.
struct Ends(tokio::task::AbortHandle);

impl Drop for Ends {
    fn drop(&mut self) {
        self.0.abort();
    }
}
