//! What the gateway costs: `cargo bench --workspace --bench gateway`.
//!
//! The server and the clients are this program, the gateway is `target/release/hexgate` or what `HEXGATE_BIN` names (build it first:
//! `cargo build --release`), and each is a process of its own. `HEXGATE_BENCH_PYTHON` names a Python with the packages `fastmcp` and
//! `mcp-proxy`: they are measured beside it, in the same turns.
#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::print_stderr,
    clippy::indexing_slicing,
    reason = "a panic is how a benchmark fails"
)]

mod peers;
mod place;
mod report;

use std::time::{Duration, Instant};

use peers::{Client, Server};
use place::Place;
use report::{percentile, row};

/// Rounds, in each of which every path has a turn.
const ROUNDS: usize = 20;
/// Calls of one turn.
const CALLS: usize = 100;
/// How long a path is kept busy in one turn, and its turns for each number of connections.
const BUSY: Duration = Duration::from_secs(2);
const TURNS: usize = 3;
/// Clients that stay.
const SESSIONS: usize = 1_000;

fn main() {
    if Server::is_asked_for() {
        return Server::run();
    }
    let Some(place) = Place::new() else {
        eprintln!(
            "skipped: there is no release build of `hexgate`; run `cargo build --release` first"
        );
        return;
    };
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(async {
        latency(&place).await;
        throughput(&place).await;
        memory(&place).await;
        killed(&place).await;
    });
}

/// One client, one call after the other.
async fn latency(place: &Place) {
    println!("one call after the other, µs");
    row("", &["p50", "p99", "p50 more", "p99 more"]);
    let mut paths = Vec::new();
    for (name, command) in place.over_streams() {
        paths.push((name, Client::over_streams(&command).await));
    }
    let served = place.serve().await;
    for (name, url) in &served.urls {
        paths.push((name.clone(), Client::over_http(url).await));
    }
    let mut times: Vec<Vec<Duration>> = vec![Vec::new(); paths.len()];
    for round in 0..=ROUNDS {
        for ((_, client), times) in paths.iter().zip(&mut times) {
            for _ in 0..CALLS {
                let begin = Instant::now();
                client.call().await.unwrap();
                // The first round warms up.
                if round > 0 {
                    times.push(begin.elapsed());
                }
            }
        }
    }
    let mut direct = (0.0, 0.0);
    for ((name, client), times) in paths.into_iter().zip(times) {
        let (p50, p99) = (percentile(&times, 50), percentile(&times, 99));
        if name.ends_with("no gateway") {
            direct = (p50, p99);
        }
        let text = |value: f64| format!("{value:.0}");
        let more = [p50 - direct.0, p99 - direct.1].map(text);
        row(&name, &[&text(p50), &text(p99), &more[0], &more[1]]);
        client.close().await;
    }
}

/// Many clients at once. The paths take turns.
async fn throughput(place: &Place) {
    println!("\ncalls a second over HTTP, the median of {TURNS} turns");
    row("clients", &["1", "32", "256"]);
    let served = place.serve().await;
    let mut cells: Vec<Vec<String>> = vec![Vec::new(); served.urls.len()];
    for number in [1, 32, 256] {
        let mut open = Vec::new();
        for (_, url) in &served.urls {
            let mut clients = Vec::new();
            for _ in 0..number {
                clients.push(Client::over_http(url).await);
            }
            open.push((clients, Vec::new(), 0));
        }
        for _ in 0..TURNS {
            for (clients, rates, lost) in &mut open {
                let begin = Instant::now();
                let end = begin + BUSY;
                let turns = std::mem::take(clients)
                    .into_iter()
                    .map(|client| tokio::spawn(busy(client, end)));
                let mut answered = 0;
                for turn in turns.collect::<Vec<_>>() {
                    let (client, some, none) = turn.await.unwrap();
                    answered += some;
                    *lost += none;
                    clients.push(client);
                }
                rates.push(answered as f64 / begin.elapsed().as_secs_f64());
            }
        }
        for ((clients, mut rates, lost), cells) in open.into_iter().zip(&mut cells) {
            rates.sort_by(f64::total_cmp);
            let rate = rates[rates.len() / 2];
            cells.push(match lost {
                0 => format!("{rate:.0}"),
                _ => format!("{rate:.0} ({lost} failed)"),
            });
            for client in clients {
                client.close().await;
            }
        }
    }
    for ((name, _), cells) in served.urls.iter().zip(&cells) {
        row(name, &cells.iter().map(String::as_str).collect::<Vec<_>>());
    }
}

/// One call after the other until a time: how many were answered, and how many were not.
async fn busy(client: Client, end: Instant) -> (Client, u64, u64) {
    let (mut answered, mut failed) = (0, 0);
    while Instant::now() < end {
        match client.call().await {
            Ok(()) => answered += 1,
            Err(_) => failed += 1,
        }
    }
    (client, answered, failed)
}

/// Clients that stay connected.
async fn memory(place: &Place) {
    println!("\nmemory of the gateway over HTTP, MiB");
    row("sessions", &["0", "1000", "KiB each"]);
    let served = place.serve().await;
    let before = served.resident_kib();
    let (_, url) = served.gateway();
    let mut open = Vec::new();
    for _ in 0..SESSIONS {
        let client = Client::over_http(url).await;
        client.call().await.unwrap();
        open.push(client);
    }
    let after = served.resident_kib();
    // Each of them is still there.
    for client in &open {
        client.call().await.unwrap();
    }
    let mib = |kib: u64| format!("{:.1}", kib as f64 / 1024.0);
    let each = (after - before) as f64 / SESSIONS as f64;
    row(
        "hexgate mcp run",
        &[&mib(before), &mib(after), &format!("{each:.1}")],
    );
}

/// The server is killed while eight clients call without a pause, and the gateway starts it again.
async fn killed(place: &Place) {
    println!("\nthe server is killed ten times while eight clients call");
    let served = place.serve_child().await;
    let (_, url) = served.gateway();
    let end = Instant::now() + Duration::from_secs(20);
    let mut tasks = Vec::new();
    for number in 0..8 {
        let client = Client::over_http(url).await;
        tasks.push(tokio::spawn(async move {
            let (mut answered, mut failed, mut longest) = (0_u64, 0_u64, Duration::ZERO);
            while Instant::now() < end {
                let begin = Instant::now();
                match client.call().await {
                    Ok(()) => answered += 1,
                    Err(_) => {
                        failed += 1;
                        tokio::time::sleep(Duration::from_millis(10)).await;
                    }
                }
                longest = longest.max(begin.elapsed());
            }
            // What was lost would hang, or mix up the answers of the calls after it.
            let at_end = client.call().await.is_ok();
            assert!(at_end, "client {number} has no server at the end");
            (answered, failed, longest)
        }));
    }
    let mut away = Vec::new();
    let watch = Client::over_http(url).await;
    for _ in 0..10 {
        tokio::time::sleep(Duration::from_millis(1_500)).await;
        let begin = Instant::now();
        served.kill_server();
        while watch.call().await.is_err() {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        away.push(begin.elapsed());
    }
    let (mut answered, mut failed, mut longest) = (0, 0, Duration::ZERO);
    for task in tasks {
        let (some, none, most) = task.await.unwrap();
        (answered, failed, longest) = (answered + some, failed + none, longest.max(most));
    }
    println!(
        "{answered} calls answered, {failed} ended with an error, none without an end; the longest took {} ms",
        longest.as_millis()
    );
    println!(
        "the server answered again after {:.0} ms (median), {:.0} ms (longest)",
        percentile(&away, 50) / 1e3,
        percentile(&away, 100) / 1e3
    );
}
