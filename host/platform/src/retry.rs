//! The wait before another request.

use std::time::Duration;

/// The time less a random part, up to a half: hosts that failed together do not retry together.
#[must_use]
pub fn jittered(wait: Duration) -> Duration {
    let random = getrandom::u32().unwrap_or(u32::MAX);
    wait - wait.mul_f64(f64::from(random) / f64::from(u32::MAX) / 2.0)
}
