//! What a search for text has found, in the order of paths and no more of it than is answered.

use std::collections::{BTreeMap, BTreeSet};

/// Files with matches. However many there are, only the first ones are kept.
#[derive(Debug)]
pub(super) struct Hits {
    limit: usize,
    names: BTreeSet<String>,
    lines: BTreeMap<String, Vec<String>>,
    kept_lines: usize,
    /// All files.
    pub(super) files: usize,
    /// All lines.
    pub(super) matches: u64,
    /// Files that could not be searched to the end.
    pub(super) unsearched: usize,
}

impl Hits {
    pub(super) fn new(limit: usize) -> Self {
        Self {
            limit,
            names: BTreeSet::new(),
            lines: BTreeMap::new(),
            kept_lines: 0,
            files: 0,
            matches: 0,
            unsearched: 0,
        }
    }

    /// A file with matches. `lines` are the first of its matching lines, at most as many as the limit.
    pub(super) fn add(&mut self, path: String, matches: u64, lines: Vec<String>) {
        self.files += 1;
        self.matches += matches;
        if !lines.is_empty() {
            self.kept_lines += lines.len();
            self.lines.insert(path.clone(), lines);
            // The last file goes if those before it are enough.
            while let Some(last) = self.lines.last_entry() {
                let without = self.kept_lines - last.get().len();
                if without < self.limit {
                    break;
                }
                self.kept_lines = without;
                last.remove();
            }
        }
        self.names.insert(path);
        if self.names.len() > self.limit {
            self.names.pop_last();
        }
    }

    /// The first files, the first lines, and whether there are more of either.
    pub(super) fn finish(self) -> (Vec<String>, Vec<String>, bool) {
        let names: Vec<String> = self.names.into_iter().collect();
        let has_lines = !self.lines.is_empty();
        let lines: Vec<String> = self
            .lines
            .into_values()
            .flatten()
            .take(self.limit)
            .collect();
        let more = self.files > names.len() || has_lines && self.matches > lines.len() as u64;
        (names, lines, more)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    proptest::proptest! {
        #[test]
        fn the_first_in_order_are_kept_whatever_comes_first(
            files in proptest::collection::btree_map("[a-d]{1,3}", 1..6_u64, 0..20),
            order in proptest::prelude::any::<u64>(),
            limit in 1..8_usize,
        ) {
            let all: Vec<String> = files
                .iter()
                .flat_map(|(path, lines)| (0..*lines).map(move |line| format!("{path}:{line}")))
                .collect();
            let mut shuffled: Vec<_> = files.iter().collect();
            shuffled.sort_by_key(|(path, _)| {
                path.bytes().fold(order, |sum, byte| sum.rotate_left(7).wrapping_mul(u64::from(byte) | 1))
            });
            let mut hits = Hits::new(limit);
            for (path, lines) in shuffled {
                let first = (0..*lines).take(limit).map(|line| format!("{path}:{line}"));
                hits.add(path.clone(), *lines, first.collect());
                proptest::prop_assert!(hits.kept_lines < 2 * limit + 1);
            }
            let (files_found, matches) = (hits.files, hits.matches);
            let (names, lines, more) = hits.finish();
            proptest::prop_assert_eq!(files_found, files.len());
            proptest::prop_assert_eq!(matches, all.len() as u64);
            proptest::prop_assert_eq!(names, files.keys().take(limit).cloned().collect::<Vec<_>>());
            proptest::prop_assert_eq!(&lines, &all.iter().take(limit).cloned().collect::<Vec<_>>());
            proptest::prop_assert_eq!(more, all.len() > limit);
        }
    }
}
