//! Which names of tools are told: a model can invent names, as many as it likes and with whatever it likes in them.

use std::collections::BTreeSet;

use hexgate_host::bundle::Digest;

use super::queue::Told;

/// How many tools metrics tell apart.
const MOST: usize = 200;
/// How many policies' tools are remembered: the one that decides, and those before it of which something waits to be told.
const POLICIES: usize = 4;
/// What stands for the other names, as semantic conventions have it.
const OTHER: &str = "_OTHER";

/// The names that are told.
#[derive(Default)]
pub(super) struct Tools {
    /// The tools for which a policy tells rules, newest last.
    listed: Vec<(Digest, BTreeSet<String>)>,
    /// Those that metrics tell apart.
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

    /// The tools for which the policy tells rules. One that tells none, or fails to, has none.
    fn listed(&mut self, told: &Told) -> &BTreeSet<String> {
        let component = told.version.id.component;
        let at = self.listed.iter().position(|(it, _)| *it == component);
        if let Some(known) = at.map(|at| self.listed.remove(at)) {
            self.listed.push(known);
        } else {
            let description = told.version.policy.describe();
            let roles = description.into_iter().flat_map(|it| it.roles);
            let rules = roles.flat_map(|role| role.rules);
            let names = rules.filter_map(|rule| rule.tool).collect();
            if self.listed.len() == POLICIES {
                self.listed.remove(0);
            }
            self.listed.push((component, names));
        }
        static NONE: BTreeSet<String> = BTreeSet::new();
        self.listed.last().map_or(&NONE, |(_, names)| names)
    }
}
