//! One client at the standard streams.

use rmcp::RoleServer;
use rmcp::ServiceExt as _;
use tokio::io::{AsyncRead, AsyncWrite};

use crate::gateway::Gateway;
use crate::wire::{Lines, Peer};

/// Why a client is no longer served.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ServeError {
    /// The client did not begin as the protocol wants it.
    #[error("the client did not begin as the protocol wants it: {0}")]
    Opening(String),
    /// The gateway failed.
    #[error("the gateway failed: {0}")]
    Failed(String),
}

/// Serves the client at the standard streams until it closes them. Nothing but the protocol is written to the standard output.
///
/// # Errors
///
/// The client did not begin as the protocol wants it.
pub async fn stdio(gateway: &Gateway) -> Result<(), ServeError> {
    streams(gateway, tokio::io::stdin(), tokio::io::stdout()).await
}

/// Serves one client at a pair of streams, a message a line, until it closes them.
///
/// # Errors
///
/// The client did not begin as the protocol wants it.
pub async fn streams(
    gateway: &Gateway,
    read: impl AsyncRead + Send + Unpin + 'static,
    write: impl AsyncWrite + Send + Unpin + 'static,
) -> Result<(), ServeError> {
    let limit = gateway.config().limits.request_bytes;
    let lines = Lines::<RoleServer>::new(Peer::Client, read, write, limit);
    let serving = match gateway.session().serve(lines).await {
        Ok(serving) => serving,
        // A client that goes away before it says anything is none that is wrong.
        Err(rmcp::service::ServerInitializeError::ConnectionClosed(_)) => return Ok(()),
        Err(error) => return Err(ServeError::Opening(error.to_string())),
    };
    serving
        .waiting()
        .await
        .map(|_| ())
        .map_err(|error| ServeError::Failed(error.to_string()))
}
