//! Commands, in the sandbox and nowhere else.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use hexgate_agent::tool::{Progress, Tool, ToolError, ToolOutput, ToolSpec, arguments, schema};
use hexgate_enforce::{Enforcer, Permit};
use hexgate_sandbox::proxy::Proxy;
use hexgate_sandbox::{Network, Sandbox, SandboxError};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::reply::ok;

/// The exit code of a command that was refused.
const REFUSED: i32 = 126;

/// The tool `bash`.
///
/// A command has the time that the workspace's limits say, unless the call asks for another one. More than their longest is refused before the
/// command runs, and the schema says how much that is. A command that the workspace does not allow is an answer with the exit code 126 and
/// `policy_violation`. Commands reach no network, unless [`egress`](Self::egress) is given.
#[derive(Debug)]
pub struct Bash {
    sandbox: Sandbox,
    egress: Option<Enforcer>,
    spec: Arc<ToolSpec>,
}

impl Bash {
    /// Runs commands in a sandbox.
    #[must_use]
    pub fn new(sandbox: Sandbox) -> Self {
        let spec = Arc::new(spec(&Times::of(&sandbox)));
        Self {
            sandbox,
            egress: None,
            spec,
        }
    }

    /// Commands reach the network through a proxy of this process, where the enforcer decides each request for the caller of the command, with
    /// the facts of the run of that moment. Each request counts as a call.
    #[must_use]
    pub fn egress(mut self, enforcer: Enforcer) -> Self {
        self.egress = Some(enforcer);
        self
    }

    fn network(&self, permit: &Permit, progress: &Progress) -> Network {
        match (&self.egress, permit.decision().caller()) {
            (Some(enforcer), Some(caller)) => {
                let progress = progress.clone();
                Proxy::builder(enforcer.clone(), caller.clone())
                    .facts(move |call, tool| {
                        let (call, part) = progress.part(call, tool);
                        (call, Box::new(move |decision| part.decided(decision)))
                    })
                    .build()
                    .network()
            }
            _ => Network::None,
        }
    }
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Arguments {
    /// The command, as a shell reads it. It starts in the workspace.
    command: String,
    /// How many seconds the command may take.
    #[schemars(range(min = 1))]
    timeout_seconds: Option<u64>,
}

/// Whole seconds, as calls name them.
struct Times {
    usual: u64,
    longest: u64,
}

impl Times {
    fn of(sandbox: &Sandbox) -> Self {
        let limits = sandbox.workspace().limits();
        let longest = limits.longest_time.as_secs().max(1);
        Self {
            usual: limits.time.as_secs().clamp(1, longest),
            longest,
        }
    }
}

fn spec(times: &Times) -> ToolSpec {
    let description = "Run a shell command in the workspace. It sees the workspace and the programs of the system, and writes nowhere else.";
    let mut schema = schema::<Arguments>();
    if let Some(Value::Object(time)) = schema.pointer_mut("/properties/timeout_seconds") {
        time.insert("default".to_owned(), times.usual.into());
        time.insert("maximum".to_owned(), times.longest.into());
        let description = format!(
            "How many seconds the command may take: {} if it is left out, {} at most.",
            times.usual, times.longest
        );
        time.insert("description".to_owned(), description.into());
    }
    ToolSpec::new("bash", description, schema)
}

#[derive(Serialize)]
struct Answer {
    command: String,
    exit_code: i32,
    stdout: String,
    stderr: String,
    stdout_truncated: bool,
    stderr_truncated: bool,
    policy_violation: bool,
    timed_out: bool,
}

#[async_trait]
impl Tool for Bash {
    fn spec(&self) -> &Arc<ToolSpec> {
        &self.spec
    }

    async fn call(&self, permit: Permit, progress: &Progress) -> Result<ToolOutput, ToolError> {
        let Arguments {
            command,
            timeout_seconds,
        } = arguments(&permit)?;
        let times = Times::of(&self.sandbox);
        let seconds = timeout_seconds.unwrap_or(times.usual);
        // What was decided is what runs: another time than the one that was asked for would be another call.
        if seconds == 0 || seconds > times.longest {
            return Err(ToolError::new(
                "invalid_arguments",
                format!(
                    "`timeout_seconds` is 1 to {}, and {seconds} was asked for",
                    times.longest
                ),
            ));
        }
        let timeout = Duration::from_secs(seconds);
        let network = self.network(&permit, progress);
        let finished = self
            .sandbox
            .run_with(&command, timeout, network)
            .await
            .map_err(|error| failed(&error))?;
        let policy_violation = finished.refused.is_some() && finished.exit_code == REFUSED;
        let summary = match finished.exit_code {
            _ if finished.timed_out => format!("ended after {} s", timeout.as_secs()),
            _ if policy_violation => "refused".to_owned(),
            code => format!("exit code {code}"),
        };
        let answer = Answer {
            command,
            exit_code: finished.exit_code,
            stdout: finished.stdout,
            stderr: finished.stderr,
            stdout_truncated: finished.stdout_truncated,
            stderr_truncated: finished.stderr_truncated,
            policy_violation,
            timed_out: finished.timed_out,
        };
        Ok(ok(answer)?.summary(summary))
    }
}

/// The command did not run, or nobody knows how it ended.
fn failed(error: &SandboxError) -> ToolError {
    ToolError::new("sandbox", error.to_string())
}
