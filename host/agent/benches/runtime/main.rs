//! What the runtime adds to a request of a model and to a call of a tool, and what an idle agent takes.
//!
//! `cargo bench -p hexgate-agent` prints one table: half of the rounds are faster than p50, one in a hundred is slower than p99. The rows
//! of a table take turns, so that what the machine does meanwhile meets all of them.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a measurement fails by panicking"
)]

mod idle;
mod loopback;
mod setup;

use std::future::Future;
use std::pin::Pin;
use std::time::{Duration, Instant};

use futures_util::StreamExt as _;
use genai::chat::{ChatMessage, ChatRequest};
use hexgate_agent::message::Message;
use hexgate_agent::model::{Delta, Model, ModelRequest};

use setup::{Bare, Instrumented, caller};

/// Rounds that count. The first hundred do not.
const ROUNDS: usize = 3000;
/// Calls of a run that tells what one more call takes.
const MANY: usize = 21;

type Row<'a> = (&'a str, Vec<Duration>);
type Round<'a> = Box<dyn Fn() -> Pin<Box<dyn Future<Output = ()> + 'a>> + 'a>;

fn main() {
    // Cargo also starts benchmarks to test them: then each row runs once.
    let is_test = std::env::args().all(|argument| argument != "--bench");
    let rounds = if is_test { 1 } else { ROUNDS };
    // Before anything else has touched memory.
    idle::print(if is_test { 10 } else { 1000 });
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(async {
        models(rounds).await;
        let few = tools(1, rounds).await;
        let many = tools(MANY, rounds).await;
        each(&few, &many);
    });
}

/// A request of a model on loopback that answers at once.
async fn models(rounds: usize) {
    let address = loopback::serve().await;
    let raw = loopback::raw(&address);
    let ours = loopback::model(&address);
    let bare = setup::agent_on(ours.clone(), Instrumented::Bare);
    let full = setup::agent_on(ours.clone(), Instrumented::Full);
    let caller = &caller();
    let rows: Vec<(&str, Round<'_>)> = vec![
        (
            "genai's client",
            Box::new(|| {
                Box::pin(async {
                    let request = ChatRequest::new(vec![
                        ChatMessage::system("You are an example."),
                        ChatMessage::user("Hello"),
                    ]);
                    let answer = raw.exec_chat_stream(loopback::NAME, request, None).await;
                    let mut stream = answer.unwrap().stream;
                    while let Some(event) = stream.next().await {
                        event.unwrap();
                    }
                })
            }),
        ),
        (
            "our model",
            Box::new(|| {
                Box::pin(async {
                    let request = ModelRequest {
                        system: Some("You are an example.".into()),
                        messages: vec![Message::User {
                            text: "Hello".to_owned(),
                        }],
                        tools: Vec::new(),
                    };
                    let mut stream = ours.respond(request).await.unwrap();
                    let mut is_complete = false;
                    while let Some(delta) = stream.next().await {
                        is_complete = matches!(delta.unwrap(), Delta::End { .. });
                    }
                    assert!(is_complete);
                })
            }),
        ),
        (
            "a run: policy",
            Box::new(|| {
                Box::pin(async {
                    bare.agent.invoke(caller, "Hello").await.unwrap();
                })
            }),
        ),
        (
            "a run: policy, audit, events",
            Box::new(|| {
                Box::pin(async {
                    let mut events = full.agent.stream(caller, "Hello");
                    while events.next().await.is_some() {}
                    assert!(events.outcome().is_some_and(|it| !it.ended.is_failure()));
                })
            }),
        ),
    ];
    print(
        "a request of a model on loopback",
        &measure(&rows, rounds).await,
    );
}

/// A run with calls of a tool that does nothing, on a model that answers from memory: two answers, all calls in the first.
async fn tools(calls: usize, rounds: usize) -> Vec<Row<'static>> {
    let loop_of = Bare::new(calls);
    let bare = setup::agent(calls, Instrumented::Bare);
    let full = setup::agent(calls, Instrumented::Full);
    let count = u64::try_from(calls).unwrap();
    let caller = &caller();
    let rows: Vec<(&str, Round<'_>)> = vec![
        (
            "a bare loop",
            Box::new(|| {
                Box::pin(async {
                    loop_of.run().await;
                })
            }),
        ),
        (
            "a run: policy",
            Box::new(|| {
                Box::pin(async {
                    let outcome = bare.agent.invoke(caller, "Hello").await.unwrap();
                    assert_eq!(outcome.tool_calls, count);
                })
            }),
        ),
        (
            "a run: policy, audit, events",
            Box::new(|| {
                Box::pin(async {
                    let mut events = full.agent.stream(caller, "Hello");
                    while events.next().await.is_some() {}
                    assert_eq!(events.outcome().unwrap().tool_calls, count);
                })
            }),
        ),
    ];
    let took = measure(&rows, rounds).await;
    print(&format!("a run with {calls} calls of a tool"), &took);
    took
}

/// What one more call of a run takes.
fn each(few: &[Row<'_>], many: &[Row<'_>]) {
    println!("\none more call in a run, p50");
    for ((name, few), (_, many)) in few.iter().zip(many) {
        let more = micros(at(many, 50)) - micros(at(few, 50));
        println!("{name:<32} {:>7.1} µs", more / (MANY - 1) as f64);
    }
}

/// How long each row took, sorted.
async fn measure<'a>(rows: &[(&'a str, Round<'_>)], rounds: usize) -> Vec<Row<'a>> {
    let mut took: Vec<Row<'a>> = rows.iter().map(|(name, _)| (*name, Vec::new())).collect();
    let warm = rounds.min(100);
    for number in 0..warm + rounds {
        for (index, (_, round)) in rows.iter().enumerate() {
            let began = Instant::now();
            round().await;
            if number >= warm {
                took[index].1.push(began.elapsed());
            }
        }
    }
    for (_, times) in &mut took {
        times.sort();
    }
    took
}

fn print(title: &str, rows: &[Row<'_>]) {
    println!("\n{title}");
    println!("{:<32} {:>10} {:>10} {:>12}", "", "p50", "p99", "p50 added");
    let first = at(&rows[0].1, 50);
    for (name, times) in rows {
        let half = at(times, 50);
        println!(
            "{name:<32} {:>7.1} µs {:>7.1} µs {:>9.1} µs",
            micros(half),
            micros(at(times, 99)),
            micros(half) - micros(first),
        );
    }
}

/// What so many of a hundred are not slower than.
fn at(times: &[Duration], of: usize) -> Duration {
    times[(times.len() * of / 100).min(times.len() - 1)]
}

fn micros(time: Duration) -> f64 {
    time.as_secs_f64() * 1e6
}
