//! The gain of a second thread, compared with that of a computing loop and of two policies that share nothing.
//!
//! The loop tells what the machine has. A second processor that is half of a core gives a loop that waits for its own results nearly
//! twice as much, and code that keeps a core busy less: so the policies that share nothing tell what sharing costs.

use std::{
    hint::black_box,
    sync::Barrier,
    thread,
    time::{Duration, Instant},
};

use hexgate_host::{DecideError, Policy, Request};

const ROUNDS: usize = 8;
const TURN: Duration = Duration::from_millis(50);
/// Between two looks at the clock.
const BATCH: u32 = 64;

/// How much two threads gain.
pub(super) struct Scaling {
    /// The policy's gain, relative to the control's.
    pub(super) scaling: f64,
    /// The policy's gain, relative to that of two policies with an engine of their own each: 1 where sharing costs nothing.
    pub(super) sharing: f64,
    /// The control's gain: 2 on two idle cores.
    pub(super) control_gain: f64,
}

/// Measures all in alternating rounds: `policies` have engines of their own, and the first is the one that two threads share.
pub(super) fn measure(policies: [&Policy; 2], request: &Request<'_>) -> anyhow::Result<Scaling> {
    let [shared, other] = policies.map(|policy| {
        move || {
            policy
                .decide(black_box(request))
                .map(|verdict| drop(black_box(verdict)))
        }
    });
    let control = || {
        let mut state = black_box(0x9e37_79b9_7f4a_7c15_u64);
        for _ in 0..200 {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
        }
        black_box(state);
        Ok(())
    };
    let works: [[&Work<'_>; 2]; 3] = [[&control, &control], [&shared, &shared], [&shared, &other]];
    let mut rates = [[0.0; 2]; 3];
    for _ in 0..ROUNDS {
        for (work, [one, two]) in works.iter().zip(&mut rates) {
            *one += rate(&work[..1])?;
            *two += rate(work)?;
        }
    }
    let [control, ours, apart] = rates.map(|[one, two]| two / one);
    let rounded = |value: f64| (value * 1000.0).round() / 1000.0;
    Ok(Scaling {
        scaling: rounded(ours / control),
        sharing: rounded(ours / apart),
        control_gain: rounded(control),
    })
}

/// What a thread does again and again.
type Work<'w> = dyn Fn() -> Result<(), DecideError> + Sync + 'w;

/// Calls a second by threads together, one for each work.
fn rate(works: &[&Work<'_>]) -> anyhow::Result<f64> {
    let barrier = &Barrier::new(works.len());
    let one = |work: &Work<'_>| -> Result<f64, DecideError> {
        barrier.wait();
        let begin = Instant::now();
        let mut calls = 0.0;
        while begin.elapsed() < TURN {
            for _ in 0..BATCH {
                work()?;
            }
            calls += f64::from(BATCH);
        }
        Ok(calls / begin.elapsed().as_secs_f64())
    };
    let rates = thread::scope(|scope| -> anyhow::Result<Vec<f64>> {
        let running: Vec<_> = works
            .iter()
            .map(|work| scope.spawn(move || one(work)))
            .collect();
        let mut rates = Vec::new();
        for thread in running {
            let rate = thread
                .join()
                .map_err(|_| anyhow::anyhow!("a measuring thread failed"))?;
            rates.push(rate?);
        }
        Ok(rates)
    })?;
    Ok(rates.iter().sum())
}
