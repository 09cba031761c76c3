//! Asks a decision point the same question over and over, and says how fast the answers came.
//!
//! Connections are kept, each asks again as soon as it is answered, and every answer must be the one that is expected.
#![forbid(unsafe_code)]

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use clap::Parser;
use http_body_util::{BodyExt, Full};
use hyper::{Request, body::Bytes, client::conn::http1};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use wasmtime::{Result, bail, ensure, error::Context};

/// Measure a decision point.
#[derive(Debug, Parser)]
struct Args {
    /// Host and port
    #[arg(default_value = "127.0.0.1:8180")]
    address: String,

    /// How many connections ask at once
    #[arg(long, default_value_t = 8)]
    connections: usize,

    /// For how long, in seconds; the first one does not count
    #[arg(long, default_value_t = 10)]
    seconds: u64,
}

const QUESTION: &str = r#"{"subject":{"type":"user","id":"ann","properties":{"roles":["billing"]}},"action":{"name":"call"},"resource":{"type":"tool","id":"refund_order","properties":{"arguments":{"amount": 200, "currency": "USD"}}}}"#;
const ANSWER: &[u8] = br#"{"decision":true,"#;

#[tokio::main]
async fn main() -> Result<()> {
    let args = Arc::new(Args::parse());
    let start = Instant::now();
    let tasks: Vec<_> = (0..args.connections)
        .map(|_| tokio::spawn(ask(args.clone(), start)))
        .collect();
    let mut times = Vec::new();
    for task in tasks {
        times.extend(task.await??);
    }
    times.sort_unstable();
    let at = |share: f64| {
        let index = (times.len() as f64 * share) as usize;
        times.get(index).copied().unwrap_or_default()
    };
    let seconds = args.seconds.saturating_sub(1).max(1) as f64;
    println!(
        "{} answers on {} connections: {:.0} a second; median {:?}, 99th percentile {:?}, slowest {:?}",
        times.len(),
        args.connections,
        times.len() as f64 / seconds,
        at(0.5),
        at(0.99),
        times.last().copied().unwrap_or_default()
    );
    Ok(())
}

/// One connection. How long each answer took.
async fn ask(args: Arc<Args>, start: Instant) -> Result<Vec<Duration>> {
    let stream = TcpStream::connect(&args.address)
        .await
        .with_context(|| format!("cannot connect to {}", args.address))?;
    stream.set_nodelay(true)?;
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
    tokio::spawn(connection);
    let mut times = Vec::new();
    while start.elapsed() < Duration::from_secs(args.seconds) {
        let request = Request::post("/access/v1/evaluation")
            .header("host", &args.address)
            .header("content-type", "application/json")
            .body(Full::new(Bytes::from_static(QUESTION.as_bytes())))?;
        let asked = Instant::now();
        let response = sender.send_request(request).await?;
        let status = response.status();
        let body = response.into_body().collect().await?.to_bytes();
        if !status.is_success() {
            bail!("status {status}: {}", String::from_utf8_lossy(&body));
        }
        ensure!(
            body.starts_with(ANSWER),
            "another answer: {}",
            String::from_utf8_lossy(&body)
        );
        if start.elapsed() >= Duration::from_secs(1) {
            times.push(asked.elapsed());
        }
    }
    Ok(times)
}
