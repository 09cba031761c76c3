//! Timing: all engines in turn, again and again, since machines change their speed while one measures.

use std::{
    hint::black_box,
    time::{Duration, Instant},
};

/// How long one side is measured before it is the next one's turn.
const TURN: Duration = Duration::from_millis(40);
/// Calls between two looks at the clock.
const BATCH: u32 = 16;

/// Nanoseconds a call, a mean for each batch.
#[derive(Debug, Clone, Default)]
pub(crate) struct Samples(Vec<f64>);

impl Samples {
    /// Times a turn's worth of calls.
    pub(crate) fn turn<T>(&mut self, mut call: impl FnMut() -> T) {
        let turn = Instant::now();
        while turn.elapsed() < TURN {
            let batch = Instant::now();
            for _ in 0..BATCH {
                black_box(call());
            }
            self.add(batch.elapsed().as_secs_f64() * 1e9 / f64::from(BATCH));
        }
    }

    /// A number that something else measured.
    pub(crate) fn add(&mut self, nanoseconds: f64) {
        self.0.push(nanoseconds);
    }

    /// The value in the middle. None: nothing was measured.
    pub(crate) fn median(&self) -> Option<f64> {
        let mut sorted = self.0.clone();
        sorted.sort_by(f64::total_cmp);
        sorted.get(sorted.len() / 2).copied()
    }
}
