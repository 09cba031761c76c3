//! The server, reached through the gateway: `hexgate mcp run` as the client's own process, and `hexgate mcp login` where somebody has to log
//! in.

use std::path::PathBuf;
use std::process::Stdio;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::{Context as _, Result, bail, ensure};
use rmcp::model::{CallToolRequestParams, CallToolResult, Tool};
use rmcp::service::ClientServiceExt as _;
use rmcp::transport::TokioChildProcess;
use serde_json::{Map, Value, json};
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::Command;

use super::answers::Answers;
use super::direct::CLIENT_METADATA;
use super::scenario::Scenario;
use super::{Running, Way};

/// What the gateway calls the server.
const SERVER: &str = "fixture";
/// The variable that holds the secret of the suite's client.
const SECRET: &str = "FIXTURE_CLIENT_SECRET";
/// This program is the browser of a login where it is set.
pub(super) const BROWSER: &str = "MCP_CONFORMANCE_BROWSER";
/// What the gateway says where another login helps.
const REMEDY: &str = "hexgate mcp login";
const POLICY: &str = "
roles:
  default: {}
  conformance:
    tools:
      mcp-fixture-*: { mode: allow }
      mcp-fixture.prompt: { mode: allow }
      mcp-fixture.resource: { mode: allow }
";

pub(super) struct Gateway {
    scenario: Scenario,
    folder: TempDir,
    hexgate: PathBuf,
    /// What the gateway says to its operator.
    said: Arc<Mutex<String>>,
}

impl Gateway {
    pub(super) fn new(url: &str, scenario: Scenario) -> Result<Self> {
        let folder = tempfile::tempdir()?;
        std::fs::write(folder.path().join("policy.yaml"), POLICY)?;
        let server = match scenario.is_of_authorization() {
            true => json!({"url": url, "authorization": authorization(&scenario)}),
            false => json!({"url": url}),
        };
        // JSON is YAML.
        let config = json!({
            "policy": "policy.yaml",
            "caller": {"user": "suite", "roles": ["conformance"]},
            "names": "plain",
            "servers": {SERVER: server},
            "offer": {"elicitation": "pass", "prompts": "pass", "resources": "pass"},
        });
        std::fs::write(folder.path().join("gateway.yaml"), config.to_string())?;
        Ok(Self {
            scenario,
            folder,
            hexgate: std::env::current_exe()?.with_file_name("hexgate"),
            said: Arc::default(),
        })
    }

    fn program(&self, words: &[&str]) -> Command {
        let mut command = Command::new(&self.hexgate);
        command
            .arg("mcp")
            .args(words)
            .arg("--config")
            .arg(self.folder.path().join("gateway.yaml"))
            .kill_on_drop(true);
        for (name, _) in std::env::vars_os() {
            if name.to_string_lossy().starts_with("HEXGATE_") {
                command.env_remove(name);
            }
        }
        let context = &self.scenario.context;
        let secret = context.private_key_pem.as_ref();
        if let Some(secret) = secret.or(context.client_secret.as_ref()) {
            command.env(SECRET, secret);
        }
        command
    }

    /// Whether the gateway says that another login helps.
    fn wants_login(&self) -> bool {
        let said = self.said.lock().unwrap_or_else(PoisonError::into_inner);
        said.contains(REMEDY)
    }
}

/// How the gateway gets its tokens.
fn authorization(scenario: &Scenario) -> Value {
    let context = &scenario.context;
    let mut config = Map::new();
    let mut say = |name: &str, value: Value| config.insert(name.to_owned(), value);
    if scenario.is_of_credentials() {
        say("flow", json!("client_credentials"));
    }
    match &context.client_id {
        Some(id) => say("client_id", json!(id)),
        None => say("client_metadata", json!(CLIENT_METADATA)),
    };
    if context.private_key_pem.is_some() {
        say("private_key_from", json!(SECRET));
        say("algorithm", json!(context.signing_algorithm));
    } else if context.client_secret.is_some() {
        say("client_secret_from", json!(SECRET));
    }
    Value::Object(config)
}

impl Way for Gateway {
    fn scenario(&self) -> &Scenario {
        &self.scenario
    }

    async fn log_in(&mut self) -> Result<()> {
        if self.scenario.is_of_credentials() {
            return Ok(());
        }
        let browser = std::env::current_exe()?;
        let login = self
            .program(&["login", SERVER, "--wait", "10"])
            .arg("--browser")
            .arg(browser)
            .env(BROWSER, "1")
            .stdin(Stdio::null())
            .output()
            .await?;
        let said = String::from_utf8_lossy(&login.stderr);
        eprintln!("{}{said}", String::from_utf8_lossy(&login.stdout));
        ensure!(login.status.success(), "the login failed: {said}");
        self.said
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clear();
        Ok(())
    }

    async fn connect(&mut self) -> Result<Option<Running>> {
        let (process, log) = TokioChildProcess::builder(self.program(&["run"]))
            .stderr(Stdio::piped())
            .spawn()?;
        let log = log.context("the gateway has no standard error")?;
        let said = Arc::clone(&self.said);
        tokio::spawn(async move {
            let mut lines = BufReader::new(log).lines();
            while let Ok(Some(line)) = lines.next_line().await {
                eprintln!("{line}");
                let mut said = said.lock().unwrap_or_else(PoisonError::into_inner);
                said.push_str(&line);
                said.push('\n');
            }
        });
        let answers = Answers::new(self.scenario.version());
        let client = answers
            .serve_with_lifecycle(process, self.scenario.lifecycle())
            .await?;
        Ok(Some(client))
    }

    async fn call(
        &mut self,
        client: &Running,
        call: CallToolRequestParams,
    ) -> Result<Option<CallToolResult>> {
        let result = client.call_tool(call).await?;
        let text = serde_json::to_string(&result)?;
        if result.is_error == Some(true) {
            eprintln!("{text}");
            if text.contains(REMEDY) {
                return Ok(None);
            }
            bail!("a call failed: {text}");
        }
        Ok(Some(result))
    }

    async fn tools(&mut self, client: &Running) -> Result<Option<Vec<Tool>>> {
        let tools = client.list_all_tools().await?;
        if tools.is_empty() {
            // What the gateway says may come a moment later.
            tokio::time::sleep(Duration::from_millis(300)).await;
            if self.wants_login() {
                return Ok(None);
            }
        }
        Ok(Some(tools))
    }
}
