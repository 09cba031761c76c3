//! Tables.

use std::time::Duration;

/// In microseconds.
pub(crate) fn percentile(times: &[Duration], percent: usize) -> f64 {
    let mut times = times.to_vec();
    times.sort_unstable();
    times[(times.len() * percent / 100).min(times.len() - 1)].as_secs_f64() * 1e6
}

pub(crate) fn row(name: &str, cells: &[&str]) {
    let cells: String = cells.iter().map(|cell| format!(" {cell:>10}")).collect();
    println!("{name:<44}{cells}");
}
