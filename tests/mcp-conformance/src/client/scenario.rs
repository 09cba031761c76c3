//! What the suite says of a scenario in the environment.

use std::time::Duration;

use anyhow::{Context as _, Result};
use rmcp::model::{JsonObject, ProtocolVersion};
use rmcp::service::ClientLifecycleMode;
use serde::Deserialize;

/// A scenario.
#[derive(Debug)]
pub(super) struct Scenario {
    name: String,
    version: ProtocolVersion,
    pub(super) context: Context,
}

/// What the client is to know beforehand.
#[derive(Debug, Default, Deserialize)]
pub(super) struct Context {
    #[serde(default, rename = "toolCalls")]
    calls: Vec<Call>,
    pub(super) client_id: Option<String>,
    pub(super) client_secret: Option<String>,
    pub(super) private_key_pem: Option<String>,
    pub(super) signing_algorithm: Option<String>,
}

#[derive(Debug, Deserialize)]
struct Call {
    name: String,
    #[serde(default)]
    arguments: JsonObject,
}

impl Scenario {
    pub(super) fn of_environment() -> Result<Self> {
        let variable = |name: &str| std::env::var(name).ok();
        let context = variable("MCP_CONFORMANCE_CONTEXT")
            .map(|text| serde_json::from_str(&text))
            .transpose()
            .context("the context of the scenario is of another form")?;
        let version = variable("MCP_CONFORMANCE_PROTOCOL_VERSION")
            .map(|text| serde_json::from_value(text.into()))
            .transpose()?;
        Ok(Self {
            name: variable("MCP_CONFORMANCE_SCENARIO").context("the suite names no scenario")?,
            version: version.unwrap_or(ProtocolVersion::V_2025_11_25),
            context: context.unwrap_or_default(),
        })
    }

    pub(super) fn is_of_authorization(&self) -> bool {
        self.name.starts_with("auth/")
    }

    /// Whether nobody logs in, and the client shows its own credentials.
    pub(super) fn is_of_credentials(&self) -> bool {
        self.name.starts_with("auth/client-credentials")
    }

    /// What the suite wants called. Empty: every tool.
    pub(super) fn calls(&self) -> Vec<(String, JsonObject)> {
        let calls = self.context.calls.iter();
        calls
            .map(|call| (call.name.clone(), call.arguments.clone()))
            .collect()
    }

    pub(super) fn version(&self) -> &ProtocolVersion {
        &self.version
    }

    /// How long the client waits before it calls. One server takes the stream that every client opens for one that is opened again, if that
    /// comes after the call.
    pub(super) fn pause(&self) -> Duration {
        match &*self.name {
            "sse-retry" => Duration::from_secs(1),
            _ => Duration::ZERO,
        }
    }

    /// How a connection of this version begins.
    pub(super) fn lifecycle(&self) -> ClientLifecycleMode {
        if self.version.has_initialize() {
            return ClientLifecycleMode::Initialize;
        }
        ClientLifecycleMode::Discover {
            preferred_versions: vec![self.version.clone()],
        }
    }
}
