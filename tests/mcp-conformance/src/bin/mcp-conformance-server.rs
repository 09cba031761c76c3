//! Serves the fixture over HTTP at a free port of this machine, and says where.
#![forbid(unsafe_code)]

use std::sync::Arc;

use hexgate_mcp_conformance::Fixture;
use rmcp::transport::streamable_http_server::session::local::LocalSessionManager;
use rmcp::transport::{StreamableHttpServerConfig, StreamableHttpService};

#[tokio::main]
async fn main() -> std::io::Result<()> {
    let fixture = Fixture::new();
    let service = StreamableHttpService::new(
        move || Ok(fixture.clone()),
        Arc::new(LocalSessionManager::default()),
        StreamableHttpServerConfig::default(),
    );
    let router = axum::Router::new().route_service("/mcp", service);
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
    eprintln!("listening at http://{}/mcp", listener.local_addr()?);
    axum::serve(listener, router).await
}
