//! Any number of clients over HTTP.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use axum::Router;
use axum::middleware::from_fn_with_state;
use rmcp::transport::{StreamableHttpServerConfig, StreamableHttpService};
use tokio::net::TcpListener;

use super::guard::{self, Guard};
use super::sessions::Sessions;
use crate::gateway::Gateway;

/// Where clients ask.
pub const PATH: &str = "/mcp";

/// Why clients cannot be served over HTTP.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum HttpError {
    /// The address cannot be listened at.
    #[error("`{address}` cannot be listened at: {source}")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// Why.
        source: io::Error,
    },
    /// Everybody on the network would be the one caller whom the configuration names.
    #[error(
        "`{0}` can be reached from other machines, and nothing says who calls: every client would be the `caller` of the configuration; listen at 127.0.0.1, or have callers identified"
    )]
    Open(SocketAddr),
    /// The system failed.
    #[error("clients can no longer be served: {0}")]
    Serve(io::Error),
}

/// The gateway over HTTP.
#[derive(Debug)]
pub struct Http {
    gateway: Gateway,
    public: Router,
}

impl Http {
    /// Serves this gateway under [`PATH`].
    #[must_use]
    pub fn new(gateway: &Gateway) -> Self {
        Self {
            gateway: gateway.clone(),
            public: Router::new(),
        }
    }

    /// Serves this too, without asking who calls: metadata that clients read before they have a token.
    #[must_use]
    pub fn public(mut self, routes: Router) -> Self {
        self.public = self.public.merge(routes);
        self
    }

    /// What answers requests. The caller of each is found, its body is read and looked at, before anything else happens.
    pub fn router(&self) -> Router {
        let config = self.gateway.config();
        let hosts = ["localhost", "127.0.0.1", "::1"].map(str::to_owned);
        let served = StreamableHttpServerConfig::default()
            .with_allowed_hosts(hosts.into_iter().chain(config.hosts.iter().cloned()))
            .with_allowed_origins(config.origins.iter().cloned())
            .enforce_origin_validation()
            .with_max_request_body_bytes(config.limits.request_bytes);
        let gateway = self.gateway.clone();
        let sessions = Arc::new(Sessions::default());
        let service = StreamableHttpService::new(
            move || Ok(gateway.http_session()),
            Arc::clone(&sessions),
            served,
        );
        let guard = Arc::new(Guard::new(&self.gateway, sessions));
        Router::new()
            .route_service(PATH, service)
            .layer(from_fn_with_state(guard, guard::guard))
            .merge(self.public.clone())
    }

    /// Listens at an address. Where other machines can reach it, something must say who calls.
    ///
    /// # Errors
    ///
    /// It cannot be listened at, or it would be open to everybody.
    pub async fn bind(&self, address: SocketAddr) -> Result<TcpListener, HttpError> {
        if !address.ip().is_loopback() && !self.gateway.identifies() {
            return Err(HttpError::Open(address));
        }
        TcpListener::bind(address)
            .await
            .map_err(|source| HttpError::Listen { address, source })
    }

    /// Serves until the task is dropped.
    ///
    /// # Errors
    ///
    /// The system failed.
    pub async fn serve(&self, listener: TcpListener) -> Result<(), HttpError> {
        axum::serve(listener, self.router())
            .await
            .map_err(HttpError::Serve)
    }
}
