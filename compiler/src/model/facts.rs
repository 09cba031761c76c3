//! The facts that a policy looks at.

use std::{
    collections::{BTreeSet, HashSet},
    sync::Arc,
};

use super::{Constraint, Policy};
use crate::expr::{Path, Root, Step};

impl Policy {
    /// What its conditions look at of the facts, in the order of the bytes: a member of them and one of that, `usage.tool_calls_24h`; or a
    /// member alone, where all of it is looked at.
    #[must_use]
    pub fn facts(&self) -> Vec<String> {
        let mut facts = BTreeSet::new();
        // Roles share rules, and rules constraints.
        let (mut rules, mut constraints) = (HashSet::new(), HashSet::new());
        let mut look = |all: &[Arc<Constraint>]| {
            for constraint in all {
                if constraints.insert(Arc::as_ptr(constraint)) {
                    facts.extend(constraint.expr.paths().filter_map(fact));
                }
            }
        };
        for role in self.roles.values() {
            let entries = role.tools.values();
            let entries = entries.chain(role.patterns.iter().map(|(_, entry)| entry));
            let all = entries.flat_map(|entry| entry.rules());
            for rule in all.chain([&role.default_rule]) {
                if rules.insert(Arc::as_ptr(rule)) {
                    look(&rule.constraints);
                }
            }
        }
        let roles = self.roles.values();
        let forbids = roles.flat_map(|role| &role.forbids).chain(&self.forbids);
        for forbid in forbids {
            look(&forbid.constraints);
        }
        facts.into_iter().collect()
    }
}

/// The fact that a path looks at.
fn fact(path: &Path) -> Option<String> {
    let member = match path.root {
        Root::Ctx => "ctx",
        Root::Run => "run",
        Root::Said => "said",
        Root::Usage => "usage",
        Root::User => "user",
        Root::UserUsage => "user_usage",
        Root::Args | Root::Role | Root::Tool | Root::Element => return None,
    };
    Some(match path.steps.first().and_then(Step::member) {
        Some(name) => format!("{member}.{name}"),
        None => member.to_owned(),
    })
}
