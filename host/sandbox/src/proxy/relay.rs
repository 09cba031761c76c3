//! Bytes in both directions, until one side ends or nothing moves any more.

use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::{Instant, sleep};

/// How often it is looked whether something moves.
const LOOK: Duration = Duration::from_millis(500);

/// Passes bytes between two sides. A side that says that it sends no more can still be sent to. The error is a short stable name.
pub(crate) async fn relay(
    client: &mut TcpStream,
    upstream: &mut TcpStream,
    idle: Duration,
) -> Result<(), &'static str> {
    let moved = AtomicBool::new(true);
    let (from_client, to_client) = client.split();
    let (from_upstream, to_upstream) = upstream.split();
    let passing = async {
        let both = tokio::try_join!(
            one_way(from_client, to_upstream, &moved),
            one_way(from_upstream, to_client, &moved),
        );
        // A side that breaks off ends both.
        both.map(drop).map_err(|_| "broken_off")
    };
    let watching = async {
        let mut since = Instant::now();
        loop {
            sleep(LOOK).await;
            if moved.swap(false, Ordering::Relaxed) {
                since = Instant::now();
            }
            if since.elapsed() >= idle {
                return Err("idle");
            }
        }
    };
    tokio::select! {
        ended = passing => ended,
        ended = watching => ended,
    }
}

async fn one_way(
    mut from: impl AsyncRead + Unpin,
    mut to: impl AsyncWrite + Unpin,
    moved: &AtomicBool,
) -> io::Result<()> {
    let mut buffer = vec![0; 16 * 1024];
    loop {
        let count = from.read(&mut buffer).await?;
        let Some(read) = buffer.get(..count).filter(|read| !read.is_empty()) else {
            return to.shutdown().await;
        };
        moved.store(true, Ordering::Relaxed);
        to.write_all(read).await?;
        moved.store(true, Ordering::Relaxed);
    }
}
