//! The memory of agents that do nothing.

use std::fs;

use crate::setup;

/// Makes agents, each with five tools, a policy that all share, an enforcer of its own and a kept conversation; says what one takes.
pub(crate) fn print(agents: usize) {
    let live = setup::live();
    // What the first one brings to the process is no other one's.
    let first = setup::idle(&live, 0);
    let before = resident();
    let made: Vec<_> = (1..=agents)
        .map(|number| setup::idle(&live, number))
        .collect();
    let after = resident();
    let each = after.saturating_sub(before) / agents.max(1);
    println!(
        "{agents} idle agents take {} KiB, {:.1} KiB each; the process had {} KiB before",
        after.saturating_sub(before) / 1024,
        each as f64 / 1024.0,
        before / 1024,
    );
    drop((first, made));
}

/// The resident memory of this process in bytes.
fn resident() -> usize {
    let text = fs::read_to_string("/proc/self/statm").unwrap();
    let pages = text.split_whitespace().nth(1).unwrap();
    pages.parse::<usize>().unwrap() * rustix::param::page_size()
}
