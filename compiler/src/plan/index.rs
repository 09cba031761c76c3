//! The hash tables by which names are found.

use hexgate_eval::plan::layout::{MAX_LEN, MAX_PROBES, hash};

/// How many slots a look-up should visit at most, as long as the table is not wider than [`MAX_SPREAD`] slots a name.
const GOOD_PROBES: u32 = 3;
const MAX_SPREAD: usize = 16;
/// How many slots a name a table may have before the names count as made to collide.
const GIVE_UP: usize = 1024;

/// A table of references to the records of `names`, which stand at `first` in that order, each `size` bytes long.
///
/// Wide enough that no look-up visits more than [`MAX_PROBES`] slots; nothing if the names were made to collide, or are too many.
pub(super) fn build<'n>(
    names: impl Iterator<Item = &'n str>,
    first: u32,
    size: usize,
) -> Option<Vec<u32>> {
    let names: Vec<&str> = names.collect();
    let mut slots = (names.len() * 2).next_power_of_two().max(2);
    // A wider table would not fit into a plan anyway.
    while slots <= (names.len().max(2) * GIVE_UP).min(MAX_LEN / 4) {
        let probes = if slots <= names.len() * MAX_SPREAD {
            GOOD_PROBES
        } else {
            MAX_PROBES
        };
        if let Some(table) = try_build(&names, first, size, slots, probes) {
            return Some(table);
        }
        slots *= 2;
    }
    None
}

fn try_build(
    names: &[&str],
    first: u32,
    size: usize,
    slots: usize,
    probes: u32,
) -> Option<Vec<u32>> {
    let mut table = vec![0; slots];
    for (position, name) in names.iter().enumerate() {
        let start = hash(name.as_bytes()) as usize;
        let mut visited = (0..probes as usize).map(|step| (start + step) & (slots - 1));
        let free = visited.find(|slot| table.get(*slot) == Some(&0))?;
        *table.get_mut(free)? = first + (position * size) as u32;
    }
    Some(table)
}
