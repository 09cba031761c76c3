//! What a second thread gains, compared with what it gains a loop that shares nothing.

use std::{
    hint::black_box,
    sync::Barrier,
    thread,
    time::{Duration, Instant},
};

use hexgate::{DecideError, Policy, Request};

const ROUNDS: usize = 8;
const TURN: Duration = Duration::from_millis(50);
/// Between two looks at the clock.
const BATCH: u32 = 64;

/// How much two threads gain.
pub(super) struct Scaling {
    /// The policy's gain, relative to the control's.
    pub(super) scaling: f64,
    /// The control's gain: 2 on two idle cores.
    pub(super) control_gain: f64,
}

/// Measures both in alternating rounds.
pub(super) fn measure(policy: &Policy, request: &Request<'_>) -> anyhow::Result<Scaling> {
    let decide = || {
        policy
            .decide(black_box(request))
            .map(|verdict| drop(black_box(verdict)))
    };
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
    let (mut ours, mut controls) = ([0.0; 2], [0.0; 2]);
    for _ in 0..ROUNDS {
        for (threads, (ours, controls)) in ours.iter_mut().zip(&mut controls).enumerate() {
            *controls += rate(threads + 1, &control)?;
            *ours += rate(threads + 1, &decide)?;
        }
    }
    let gain = |[one, two]: [f64; 2]| two / one;
    let rounded = |value: f64| (value * 1000.0).round() / 1000.0;
    Ok(Scaling {
        scaling: rounded(gain(ours) / gain(controls)),
        control_gain: rounded(gain(controls)),
    })
}

/// Calls a second by so many threads together.
fn rate(
    threads: usize,
    work: &(impl Fn() -> Result<(), DecideError> + Sync),
) -> anyhow::Result<f64> {
    let barrier = Barrier::new(threads);
    let one = || -> Result<f64, DecideError> {
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
        let running: Vec<_> = (0..threads).map(|_| scope.spawn(one)).collect();
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
