//! What cannot be gated is said, by name.

use std::collections::BTreeSet;
use std::sync::Mutex;

use hexgate_base::guarded::locked;
use hexgate_base::harmless;

/// The tools that run where no gate stands, such as a search that the provider of a model runs itself.
#[derive(Debug, Default)]
pub struct Uncovered {
    names: Mutex<BTreeSet<String>>,
}

impl Uncovered {
    /// Notes a tool. The first time it is a warning of `tracing` that names it.
    pub fn note(&self, name: &str) {
        let mut names = locked(&self.names);
        if names.contains(name) {
            return;
        }
        names.insert(name.to_owned());
        drop(names);
        tracing::warn!(
            tool = %harmless(name),
            "a tool is not covered: it does not run in this process, so no policy decides its calls"
        );
    }

    /// Those that were noted so far, in order.
    #[must_use]
    pub fn names(&self) -> Vec<String> {
        locked(&self.names).iter().cloned().collect()
    }
}
