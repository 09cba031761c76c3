//! Timing single decisions.

use std::{
    hint::black_box,
    time::{Duration, Instant},
};

use hexgate_host::{DecideError, Policy, Request};

/// Calls between two looks at the clock, for medians.
const BATCH: u32 = 32;
/// How long one side is measured before it is the other's turn.
const TURN: Duration = Duration::from_millis(15);
/// How often each side has its turn.
const WARM_ROUNDS: u32 = 50;
const FRESH_ROUNDS: u32 = 20;

/// Nanoseconds a decision, of the policy and of the floor.
pub(super) struct Timing {
    pub(super) p50: f64,
    pub(super) p99: f64,
    pub(super) floor_p50: f64,
    pub(super) floor_p99: f64,
}

/// Decisions by instances that are kept.
pub(super) fn warm(
    policy: &Policy,
    floor: &Policy,
    request: &Request<'_>,
) -> anyhow::Result<Timing> {
    alternate(policy, floor, request, WARM_ROUNDS)
}

/// Decisions by an instance each.
pub(super) fn fresh(
    policy: &Policy,
    floor: &Policy,
    request: &Request<'_>,
) -> anyhow::Result<Timing> {
    alternate(policy, floor, request, FRESH_ROUNDS)
}

/// The value below which a share of the samples lies.
pub(super) fn quantile(samples: &mut [f64], share: f64) -> f64 {
    samples.sort_by(f64::total_cmp);
    // The number of samples is far below what a float holds exactly.
    #[allow(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        clippy::cast_precision_loss,
        reason = "INVARIANT: share is within 0..=1"
    )]
    let index = ((samples.len().saturating_sub(1)) as f64 * share).round() as usize;
    samples.get(index).copied().unwrap_or(f64::NAN)
}

/// One side's samples.
#[derive(Default)]
struct Samples {
    /// Means of batches: exact, but blind to single slow calls.
    batches: Vec<f64>,
    /// Single calls, with the clock's own cost in them.
    singles: Vec<f64>,
}

fn alternate(
    policy: &Policy,
    floor: &Policy,
    request: &Request<'_>,
    rounds: u32,
) -> anyhow::Result<Timing> {
    let (mut ours, mut floors) = (Samples::default(), Samples::default());
    // Caches, branch predictors and frequencies get used to both.
    Samples::default().turn(floor, request)?;
    Samples::default().turn(policy, request)?;
    for _ in 0..rounds {
        floors.turn(floor, request)?;
        ours.turn(policy, request)?;
    }
    let clock = clock_cost();
    Ok(Timing {
        p50: quantile(&mut ours.batches, 0.5),
        p99: quantile(&mut ours.singles, 0.99) - clock,
        floor_p50: quantile(&mut floors.batches, 0.5),
        floor_p99: quantile(&mut floors.singles, 0.99) - clock,
    })
}

impl Samples {
    fn turn(&mut self, policy: &Policy, request: &Request<'_>) -> Result<(), DecideError> {
        let turn = Instant::now();
        while turn.elapsed() < TURN {
            let batch = Instant::now();
            for _ in 0..BATCH {
                let _ = black_box(policy.decide(black_box(request))?);
            }
            self.batches
                .push(nanoseconds(batch.elapsed()) / f64::from(BATCH));
            for _ in 0..BATCH / 4 {
                let single = Instant::now();
                let _ = black_box(policy.decide(black_box(request))?);
                self.singles.push(nanoseconds(single.elapsed()));
            }
        }
        Ok(())
    }
}

/// What looking at the clock costs.
fn clock_cost() -> f64 {
    let mut samples: Vec<f64> = (0..1000)
        .map(|_| nanoseconds(Instant::now().elapsed()))
        .collect();
    quantile(&mut samples, 0.5)
}

fn nanoseconds(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1e9
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_those_of_the_sorted_samples() {
        let mut samples = vec![5.0, 1.0, 4.0, 2.0, 3.0];
        assert_eq!(quantile(&mut samples, 0.0), 1.0);
        assert_eq!(quantile(&mut samples, 0.5), 3.0);
        assert_eq!(quantile(&mut samples, 1.0), 5.0);
        assert!(quantile(&mut [], 0.5).is_nan());
    }
}
