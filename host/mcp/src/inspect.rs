//! Asks a server for its tools, for an operator who decides about them.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use hexgate_base::guarded::locked;
use serde_json::Value;
use tokio::sync::watch;

use crate::catalogue::{Catalogue, Review};
use crate::config::{Offer, ServerConfig};
use crate::limits::Limits;
use crate::server::Server;
use crate::starter::{Hints, ToolSchema};

/// A tool as the protocol describes it.
pub use rmcp::model::Tool;

/// How long a server that was asked has to end.
const GRACE: Duration = Duration::from_secs(3);

/// Why a server did not say what it offers.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum InspectError {
    /// It was not reached, ended, or said something that is not understood.
    #[error("the server `{server}` does not say what it offers: {reason}")]
    Server {
        /// The name that it was given.
        server: String,
        /// Why.
        reason: String,
    },
}

/// Starts or reaches a server, asks for its tools within the limits, and leaves it. The tools are as the server sent them.
///
/// # Errors
///
/// The server does not answer, or not in time, or offers more than the limits allow.
pub async fn tools(
    name: &str,
    config: &ServerConfig,
    limits: Limits,
) -> Result<Vec<Tool>, InspectError> {
    let seen = Arc::new(Seen::default());
    let server = Server::new(
        name.to_owned(),
        config.clone(),
        limits,
        Offer::default(),
        seen.clone(),
        watch::Sender::new(0),
    );
    server.start();
    server.started().await;
    let down = server.down();
    server.stop();
    let tools = locked(&seen.0).take();
    match (tools, down) {
        (Some(tools), _) => Ok(tools),
        (None, down) => Err(InspectError::Server {
            server: name.to_owned(),
            reason: down.unwrap_or_else(|| "it has no tools".to_owned()),
        }),
    }
}

/// As [`tools`], for a program without a runtime. A server that was started has a moment to end by itself.
///
/// # Errors
///
/// As there, or the system fails.
pub fn tools_blocking(
    name: &str,
    config: &ServerConfig,
    limits: Limits,
) -> Result<Vec<Tool>, InspectError> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| InspectError::Server {
            server: name.to_owned(),
            reason: error.to_string(),
        })?;
    let tools = runtime.block_on(tools(name, config, limits));
    runtime.shutdown_timeout(GRACE);
    tools
}

/// A tool as a starter policy is written for it.
#[must_use]
pub fn schema_of(tool: &Tool) -> ToolSchema {
    let hints = tool.annotations.as_ref();
    ToolSchema {
        name: tool.name.to_string(),
        description: tool.description.as_ref().map(ToString::to_string),
        input_schema: Value::Object((*tool.input_schema).clone()),
        annotations: Hints {
            read_only: hints.and_then(|hints| hints.read_only_hint),
            destructive: hints.and_then(|hints| hints.destructive_hint),
            open_world: hints.and_then(|hints| hints.open_world_hint),
        },
    }
}

/// Keeps what a server offers, and offers nothing of it.
#[derive(Debug, Default)]
struct Seen(Mutex<Option<Vec<Tool>>>);

impl Catalogue for Seen {
    fn review(&self, _: &str, tools: &[Tool]) -> Vec<Review> {
        let mut seen = locked(&self.0);
        // The first answer: one that the server changes a moment later is not what was looked at.
        seen.get_or_insert_with(|| tools.to_vec());
        Vec::new()
    }
}
