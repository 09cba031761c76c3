//! A gateway, a policy, and what was recorded.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, OnceLock};
use std::time::{Duration, Instant};

use async_trait::async_trait;
use hexgate_enforce::host::Engine;
use hexgate_enforce::source::PolicyFile;
use hexgate_enforce::{
    Caller, Decision, Ended, Enforcer, LivePolicy, OnRecordFailure, RecordError, Recorder,
};
use hexgate_mcp::config::{Config, ServerConfig};
use hexgate_mcp::{CallerOf, Gateway, GatewayBuilder, Incoming, Unidentified};
use rmcp::model::ProtocolVersion;
use tempfile::TempDir;

pub(crate) const V1: ProtocolVersion = ProtocolVersion::V_2025_06_18;
pub(crate) const V2: ProtocolVersion = ProtocolVersion::V_2025_11_25;
pub(crate) const V3: ProtocolVersion = ProtocolVersion::V_2026_07_28;

pub(crate) const POLICY: &str = r#"
roles:
  default: {}
  dev:
    tools:
      mcp-fs-echo:
        mode: allow
        constraints: ['not present(args.n) or args.n < 10']
      mcp-fs-pay: { mode: approval_required, message: Payments need a second look. }
      mcp-fs-*: { mode: allow }
      mcp-fs-drop: { mode: deny }
      mcp-other-*: { mode: allow }
      mcp-fs.prompt:
        mode: allow
        constraints: ['args.name == "greet"']
      mcp-fs.resource:
        mode: allow
        constraints: ['startswith(args.uri, "memo:")']
"#;

pub(crate) fn engine() -> Engine {
    static ENGINE: OnceLock<Engine> = OnceLock::new();
    ENGINE.get_or_init(|| Engine::new().unwrap()).clone()
}

/// What was recorded, a line each: `allow mcp-fs-echo`, `end mcp-fs-echo ran completed`.
#[derive(Clone, Default)]
pub(crate) struct Records(Arc<Mutex<Vec<String>>>);

impl Records {
    pub(crate) fn all(&self) -> Vec<String> {
        self.0.lock().unwrap().clone()
    }

    pub(crate) fn last(&self) -> String {
        self.all().last().cloned().unwrap_or_default()
    }

    fn add(&self, line: String) {
        self.0.lock().unwrap().push(line);
    }
}

impl Recorder for Records {
    fn record(&self, decision: &Decision) -> Result<(), RecordError> {
        self.add(format!(
            "{} {} {}{}",
            decision.outcome().as_str(),
            decision.tool(),
            decision.cause().as_str(),
            decision
                .approved_by()
                .map_or(String::new(), |by| format!(" by {by}")),
        ));
        Ok(())
    }

    fn ended(&self, ended: &Ended<'_>) -> Result<(), RecordError> {
        self.add(format!(
            "end {} ran={} {:?} {} {}",
            ended.tool,
            ended.ran,
            ended.state,
            ended.error.unwrap_or("-"),
            ended.result.map_or(0, str::len),
        ));
        Ok(())
    }
}

/// `Bearer NAME` is a user with the role `dev`.
pub(crate) struct Bearer;

#[async_trait]
impl CallerOf for Bearer {
    async fn caller_of(&self, incoming: Incoming<'_>) -> Result<Caller, Unidentified> {
        let name = match incoming.headers {
            None => "alice",
            Some(headers) => headers
                .get("authorization")
                .and_then(|value| value.to_str().ok())
                .and_then(|value| value.strip_prefix("Bearer "))
                .ok_or_else(|| Unidentified::new("no token").challenge("Bearer realm=\"test\""))?,
        };
        Ok(Caller::builder(name).role("dev").build().unwrap())
    }
}

pub(crate) struct World {
    pub(crate) folder: TempDir,
    pub(crate) live: LivePolicy,
    pub(crate) records: Records,
}

impl World {
    pub(crate) fn new() -> Self {
        Self::with(POLICY)
    }

    pub(crate) fn with(policy: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("policy.yaml");
        fs::write(&path, policy).unwrap();
        let live = LivePolicy::open(&engine(), PolicyFile::dangerous_unsigned(&path)).unwrap();
        for server in ["fs", "other"] {
            fs::create_dir(folder.path().join(server)).unwrap();
        }
        Self {
            folder,
            live,
            records: Records::default(),
        }
    }

    pub(crate) fn policy(&self) -> PathBuf {
        self.folder.path().join("policy.yaml")
    }

    /// The folder of a server.
    pub(crate) fn server(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn config(&self, servers: &[(&str, ServerConfig)]) -> Config {
        let servers = servers
            .iter()
            .map(|(name, server)| ((*name).to_owned(), server.clone()));
        let mut config = Config::of(servers.collect::<BTreeMap<_, _>>());
        config.limits.start_time = Duration::from_secs(20);
        config
    }

    pub(crate) fn builder(&self, config: Config) -> GatewayBuilder {
        let enforcer = Enforcer::builder("mcp", &self.live)
            .recorder(self.records.clone(), OnRecordFailure::Deny);
        Gateway::builder(config, enforcer).caller_of(Bearer)
    }

    pub(crate) async fn gateway(&self, config: Config) -> Gateway {
        let gateway = self.builder(config).build().unwrap();
        gateway.start().await.unwrap();
        gateway
    }

    /// What a server was asked.
    pub(crate) fn calls(&self, server: &str) -> Vec<String> {
        lines(&self.server(server).join("calls"))
    }

    /// What a server was sent, a message a line.
    pub(crate) fn raw(&self, server: &str) -> Vec<String> {
        lines(&self.server(server).join("raw"))
    }

    /// How often a server was started.
    pub(crate) fn starts(&self, server: &str) -> usize {
        lines(&self.server(server).join("starts")).len()
    }
}

fn lines(path: &Path) -> Vec<String> {
    let text = fs::read_to_string(path).unwrap_or_default();
    text.lines().map(str::to_owned).collect()
}

/// Waits until something is so.
pub(crate) async fn until(what: &str, mut is_so: impl AsyncFnMut() -> bool) {
    let begin = Instant::now();
    while !is_so().await {
        assert!(begin.elapsed() < Duration::from_secs(20), "{what}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}
