//! Runs that are dropped, at every step.

use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

use futures_util::FutureExt;
use hexgate_agent::event::{Event, EventKind};
use hexgate_agent::message::CallState;
use hexgate_agent::tool::ToolOutput;
use hexgate_agent::{Agent, Conversation, RunInfo, RunObserver};
use hexgate_enforce::audit::{Anchors, AuditLog, DigestKey, Durability, Entry, Options, verify};
use hexgate_enforce::{Approvals, AuditRecorder, OnRecordFailure};
use serde_json::json;

use super::fixture::*;

/// How many tools run.
#[derive(Clone, Default)]
struct Running(Arc<AtomicI64>);

struct OneRuns(Running);

impl Running {
    fn one(&self) -> OneRuns {
        self.0.fetch_add(1, Ordering::SeqCst);
        OneRuns(self.clone())
    }
}

impl Drop for OneRuns {
    fn drop(&mut self) {
        self.0.0.fetch_sub(1, Ordering::SeqCst);
    }
}

#[derive(Clone, Default)]
struct Kept(Arc<Mutex<Vec<Event>>>);

impl RunObserver for Kept {
    fn event(&self, _: &RunInfo, event: &Event) {
        self.0.lock().unwrap().push(event.clone());
    }
}

fn slow(
    name: &str,
    running: &Running,
) -> Made<
    impl Fn(
        hexgate_enforce::Permit,
        hexgate_agent::tool::Progress,
    ) -> futures_util::future::BoxFuture<
        'static,
        Result<ToolOutput, hexgate_agent::tool::ToolError>,
    > + Send
    + Sync
    + 'static,
> {
    let running = running.clone();
    Made::new(name, move |_, progress| {
        let one = running.one();
        async move {
            for _ in 0..2 {
                progress.tell("on");
                tokio::task::yield_now().await;
            }
            drop(one);
            Ok(ToolOutput::new("done"))
        }
        .boxed()
    })
}

/// An agent that does all that a run can do.
fn agent(running: &Running, kept: &Kept, log: AuditLog) -> Agent {
    let policy = r#"
roles:
  user:
    tools:
      agent.run: { mode: allow }
      beside: { mode: allow }
      alone: { mode: allow }
      ask: { mode: approval_required }
      pay: { mode: deny }
      agent.tool:helper: { mode: allow }
      agent.handoff:last: { mode: allow }
"#;
    let enforcer = enforcer_builder("bot", policy)
        .recorder(AuditRecorder::new(log), OnRecordFailure::Deny)
        .approvals(Approvals::ask_async(|_| async {
            tokio::task::yield_now().await;
            true
        }))
        .build()
        .unwrap();
    let below = |name: &str| {
        Agent::builder(name)
            .model(Script::new([
                vec![text("I look."), call("b", "beside", &json!({}))],
                vec![text("Found.")],
            ]))
            .enforcer(super::fixture::enforcer(name, policy))
            .tool(slow("beside", running).concurrent())
            .build()
            .unwrap()
    };
    Agent::builder("bot")
        .model(Script::new([
            vec![
                Piece::Think("Hm.".into()),
                text("I begin."),
                call("1", "beside", &json!({})),
                call("2", "beside", &json!({})),
                call("3", "pay", &json!({})),
                call("4", "alone", &json!({})),
                call("5", "ask", &json!({})),
                call("6", "nothing", &json!({})),
                call("7", "delegate_to_helper", &json!({"task": "x"})),
            ],
            vec![text("And now."), call("8", "transfer_to_last", &json!({}))],
        ]))
        .enforcer(enforcer)
        .tool(slow("beside", running).concurrent())
        .tool(slow("alone", running))
        .tool(slow("ask", running))
        .tool(Echo::new("pay"))
        .subagent(below("helper"))
        .handoff(below("last"))
        .observer(kept.clone())
        .build()
        .unwrap()
}

/// Polls a run so many times, and drops it. Whether it came to its end.
async fn polled(stream: &mut hexgate_agent::Events<'_>, times: usize) -> bool {
    let mut left = times;
    std::future::poll_fn(|context| {
        if left == 0 {
            return std::task::Poll::Ready(false);
        }
        left -= 1;
        match futures_util::Stream::poll_next(std::pin::Pin::new(&mut *stream), context) {
            std::task::Poll::Ready(None) => std::task::Poll::Ready(true),
            std::task::Poll::Ready(Some(_)) => {
                context.waker().wake_by_ref();
                std::task::Poll::Pending
            }
            std::task::Poll::Pending => std::task::Poll::Pending,
        }
    })
    .await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_run_that_is_dropped_leaves_nothing_half_done_at_any_step() {
    let folder = tempfile::tempdir().unwrap();
    let (mut steps, mut cancelled_calls) = (0, 0);
    let mut whole = None;
    for times in 1.. {
        let path = folder.path().join(times.to_string());
        let mut options = Options::new(DigestKey::from_bytes(&[9; 32]));
        options.durability = Durability::Never;
        let log = AuditLog::open(&path, options, SystemTime::now()).unwrap();
        let (running, kept) = (Running::default(), Kept::default());
        let agent = agent(&running, &kept, log);
        let mut talk = Conversation::new();
        let has_ended = {
            let mut stream = agent.stream_in(&mut talk, &alice(), "Go.");
            polled(&mut stream, times).await
        };
        // No tool runs any more.
        assert_eq!(running.0.load(Ordering::SeqCst), 0, "after {times} steps");
        // The conversation can be gone on with.
        Conversation::from_json(&talk.to_json().unwrap())
            .unwrap_or_else(|error| panic!("after {times} steps: {error}"));
        // Whoever watches is told all ends.
        let events = kept.0.lock().unwrap().clone();
        balanced(&events, times);
        cancelled_calls += events
            .iter()
            .filter(|event| {
                matches!(
                    &event.kind,
                    EventKind::ToolEnd {
                        outcome: CallState::Cancelled,
                        ..
                    }
                )
            })
            .count();
        drop(agent);
        recorded(&path, &events, times);
        steps += 1;
        if has_ended {
            whole = Some(events.len());
            break;
        }
        assert!(times < 5000, "it never ends");
    }
    // Each event is a step, and each wait.
    assert!(steps > whole.unwrap(), "{steps} steps of {whole:?} events");
    assert!(cancelled_calls > 20, "{cancelled_calls}");
}

/// Every beginning has its end.
fn balanced(events: &[Event], times: usize) {
    if events.is_empty() {
        return;
    }
    let count = |wanted: &str| types(events).iter().filter(|it| *it == wanted).count();
    for (begin, end) in [
        ("run_start", "run_end"),
        ("agent_start", "agent_end"),
        ("tool_start", "tool_end"),
        ("approval_requested", "approval_resolved"),
    ] {
        assert_eq!(count(begin), count(end), "after {times} steps: {begin}");
    }
    assert!(matches!(
        events.last().unwrap().kind,
        EventKind::RunEnd { .. }
    ));
    let numbers = events.iter().map(|event| event.sequence);
    assert!(numbers.eq(1..=events.len() as u64), "after {times} steps");
}

/// Each decision is on the record, and each permitted call has its end there.
fn recorded(path: &std::path::Path, events: &[Event], times: usize) {
    let verified = verify(path, &Anchors::default()).unwrap();
    assert!(
        verified.is_intact(),
        "after {times} steps: {:?}",
        verified.findings
    );
    let text = std::fs::read_to_string(path.join("segment-000000.jsonl")).unwrap();
    let (mut decided, mut permitted, mut ended) = (Vec::new(), Vec::new(), Vec::new());
    for line in text.lines() {
        match Entry::parse(line.as_bytes()).unwrap() {
            Entry::Decision(decision) => {
                let id = decision.id.clone().unwrap();
                if decision.verdict.effect() == hexgate_enforce::Effect::Allow {
                    permitted.push(id.clone());
                }
                decided.push(id);
            }
            Entry::Note(note) if note.event == "approval_used" => {
                permitted.push(note.details["decision"].clone())
            }
            Entry::Ended(end) => ended.push(end.decision),
            _ => {}
        }
    }
    // Those of the outermost agent, which writes this log.
    for event in events.iter().filter(|event| event.depth == 0) {
        if let EventKind::Decision { decision_id, .. } = &event.kind {
            assert!(
                decided.contains(decision_id),
                "after {times} steps: {:?}",
                event.kind
            );
        }
    }
    permitted.sort();
    ended.sort();
    assert_eq!(permitted, ended, "after {times} steps");
}

#[tokio::test]
async fn a_tool_is_dropped_with_the_future_of_its_run() {
    let (running, calls) = (Running::default(), Arc::new(AtomicU64::new(0)));
    let (counts, runs) = (Arc::clone(&calls), running.clone());
    let agent = Agent::builder("bot")
        .model(Script::new([vec![call("1", "slow", &json!({}))]]))
        .enforcer(enforcer("bot", POLICY))
        .tool(Made::new("slow", move |_, _| {
            counts.fetch_add(1, Ordering::SeqCst);
            let one = runs.one();
            async move {
                let _one = one;
                std::future::pending().await
            }
        }))
        .build()
        .unwrap();
    let (mut talk, caller) = (Conversation::new(), alice());
    let waited = tokio::time::timeout(
        Duration::from_millis(200),
        agent.invoke_in(&mut talk, &caller, "Go."),
    );
    assert!(waited.await.is_err());
    assert_eq!(
        (
            calls.load(Ordering::SeqCst),
            running.0.load(Ordering::SeqCst)
        ),
        (1, 0)
    );
    assert_eq!(results(talk.messages())[0].0, CallState::Cancelled);
}
