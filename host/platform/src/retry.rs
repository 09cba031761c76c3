//! How long to wait before asking again.

use std::time::Duration;

/// A time, up to a half less: hosts that met the same failure do not come back together.
#[must_use]
pub fn jittered(wait: Duration) -> Duration {
    let random = getrandom::u32().unwrap_or(u32::MAX);
    wait - wait.mul_f64(f64::from(random) / f64::from(u32::MAX) / 2.0)
}
