//! A server for a decision point: `edge billing.http.wasm`. Each request gets an instance of its own.
//!
//! The component is given requests, responses and the streams of their bodies, and nothing else: no clock, no files, no network. Its costs
//! are bounded. A request that it does not answer, for any reason, gets status 500.
#![forbid(unsafe_code)]

mod runtime;

use std::{net::SocketAddr, path::PathBuf, sync::Arc};

use clap::Parser;
use hyper::{server::conn::http1, service::service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::{net::TcpListener, sync::Semaphore};
use wasmtime::{Result, error::Context};

use runtime::{Limits, Runtime};

/// Serve a decision point over HTTP.
#[derive(Debug, Parser)]
struct Args {
    /// What `hexgate-compile --target http` wrote
    component: PathBuf,

    /// Where to listen. Port 0: any that is free
    #[arg(long, default_value = "127.0.0.1:8180")]
    address: SocketAddr,

    #[command(flatten)]
    limits: Limits,
}

/// More connections wait until one ends.
const CONNECTIONS: usize = 1024;

#[tokio::main]
async fn main() -> Result<()> {
    let args = Args::parse();
    let component = std::fs::read(&args.component)
        .with_context(|| format!("cannot read `{}`", args.component.display()))?;
    let runtime = Arc::new(Runtime::new(&component, args.limits)?);
    let listener = TcpListener::bind(args.address).await.with_context(|| {
        format!(
            "cannot listen on {}; `--address` names another place",
            args.address
        )
    })?;
    println!("listening on http://{}", listener.local_addr()?);
    let connections = Arc::new(Semaphore::new(CONNECTIONS));
    loop {
        let permit = connections.clone().acquire_owned().await?;
        let Ok((client, _)) = listener.accept().await else {
            continue;
        };
        let _ = client.set_nodelay(true);
        let runtime = runtime.clone();
        tokio::spawn(async move {
            let answer = service_fn(|request| {
                let runtime = runtime.clone();
                async move { runtime.answer(request).await }
            });
            // A client that is gone needs no answer.
            let _ = http1::Builder::new()
                .timer(TokioTimer::new())
                .header_read_timeout(args.limits.deadline)
                .serve_connection(TokioIo::new(client), answer)
                .await;
            drop(permit);
        });
    }
}
