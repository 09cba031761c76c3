//! Which names of tools are reported: a model can invent any number of names with any content.

use std::collections::BTreeSet;

use hexgate_host::bundle::Digest;

use super::queue::Told;

/// How many tools metrics distinguish.
const MOST: usize = 200;
/// How many policies' tools are remembered: the one that decides, and those before it with unsent reports.
const POLICIES: usize = 4;
/// The placeholder for other names, from the semantic conventions.
const OTHER: &str = "_OTHER";

/// The names that are reported.
#[derive(Default)]
pub(super) struct Tools {
    /// The tools with a rule in each policy, newest policy last.
    listed: Vec<(Digest, BTreeSet<String>)>,
    /// The tools that metrics distinguish.
    counted: BTreeSet<String>,
}

impl Tools {
    /// A name for spans: one for which the policy has a rule, one that was granted, or one that a rule denied.
    pub(super) fn name<'a>(&mut self, told: &'a Told) -> &'a str {
        if told.is_known || self.listed(told).contains(&told.tool) {
            &told.tool
        } else {
            OTHER
        }
    }

    /// The same for metrics, which are kept for as long as the process lives.
    pub(super) fn bounded<'a>(&mut self, name: &'a str) -> &'a str {
        if self.counted.contains(name) {
            return name;
        }
        if name == OTHER || self.counted.len() >= MOST {
            return OTHER;
        }
        self.counted.insert(name.to_owned());
        name
    }

    /// The tools with a rule in the policy. None if the policy describes no rules or fails.
    fn listed(&mut self, told: &Told) -> &BTreeSet<String> {
        let component = told.version.id.component;
        let at = self.listed.iter().position(|(it, _)| *it == component);
        if let Some(known) = at.map(|at| self.listed.remove(at)) {
            self.listed.push(known);
        } else {
            let description = told.version.policy.describe();
            let roles = description.into_iter().flat_map(|it| it.roles);
            let rules = roles.flat_map(|role| role.rules);
            // A pattern lists no name: a model could make up as many as it liked.
            let names = rules.filter_map(|rule| match rule.tools {
                hexgate_host::Tools::Exact(name) => Some(name),
                hexgate_host::Tools::Unlisted | hexgate_host::Tools::Pattern(_) => None,
            });
            let names = names.collect();
            if self.listed.len() == POLICIES {
                self.listed.remove(0);
            }
            self.listed.push((component, names));
        }
        static NONE: BTreeSet<String> = BTreeSet::new();
        self.listed.last().map_or(&NONE, |(_, names)| names)
    }
}
