//! The first paths of a search, in order, without keeping the others.

use std::collections::BTreeSet;

/// Keeps the first of many paths.
#[derive(Debug)]
pub(super) struct First {
    limit: usize,
    paths: BTreeSet<String>,
    /// Whether there were more.
    more: bool,
}

impl First {
    pub(super) fn new(limit: usize) -> Self {
        Self {
            limit,
            paths: BTreeSet::new(),
            more: false,
        }
    }

    /// Whether a path would be kept. One that would not is one too many.
    pub(super) fn has_place_for(&self, path: &str) -> bool {
        self.paths.len() < self.limit || self.paths.last().is_some_and(|last| path < last.as_str())
    }

    /// Adds a path, and drops the last one if there are too many.
    pub(super) fn add(&mut self, path: String) {
        self.paths.insert(path);
        if self.paths.len() > self.limit {
            self.paths.pop_last();
            self.more = true;
        }
    }

    /// There is another path, behind the ones that are kept.
    pub(super) fn leave_out(&mut self) {
        self.more = true;
    }

    /// Whether it is known that there are more than are kept.
    pub(super) fn has_more(&self) -> bool {
        self.more
    }

    pub(super) fn into_paths(self) -> impl Iterator<Item = String> {
        self.paths.into_iter()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    proptest::proptest! {
        #[test]
        fn the_first_in_order_are_kept_and_no_more(
            all in proptest::collection::vec("[a-c]{1,4}", 0..40),
            limit in 1..8_usize,
        ) {
            let mut first = First::new(limit);
            for path in &all {
                if first.has_place_for(path) {
                    first.add(path.clone());
                } else if !first.paths.contains(path) {
                    first.leave_out();
                }
                proptest::prop_assert!(first.paths.len() <= limit);
            }
            let distinct: BTreeSet<_> = all.into_iter().collect();
            proptest::prop_assert_eq!(first.has_more(), distinct.len() > limit);
            let kept: Vec<_> = first.into_paths().collect();
            proptest::prop_assert_eq!(kept, distinct.into_iter().take(limit).collect::<Vec<_>>());
        }
    }
}
