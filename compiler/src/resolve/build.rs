//! The resolved document -> the model that plans are made from.

use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
};

use super::{Resolved, Use};
use crate::model::{Limits, Mode, Policy, Role, Rule};

/// Builds the model: mixins gone, policy-level constraints in front of each rule's own, rules shared wherever they are alike.
pub fn build(resolved: &Resolved<'_>, limits: Limits, source_digest: [u8; 32]) -> Policy {
    let denied = Arc::new(Rule {
        mode: Mode::Deny,
        constraints: Vec::new(),
        scope: None,
    });
    let mut rules: HashMap<(*const (), usize), Arc<Rule>> = HashMap::new();
    let mut rule = |policy_level: &Arc<Vec<Use<'_>>>, index: usize| -> Arc<Rule> {
        let Some(entry) = resolved
            .entries
            .get(index)
            .filter(|entry| entry.mode != Mode::Deny)
        else {
            return Arc::clone(&denied);
        };
        // Lists are shared, so the address of one tells which it is for as long as `resolved` lives.
        let rule = rules
            .entry((Arc::as_ptr(policy_level).cast(), index))
            .or_insert_with(|| {
                let mut constraints =
                    Vec::with_capacity(policy_level.len() + entry.constraints.len());
                let own = entry
                    .constraints
                    .iter()
                    .filter(|own| !policy_level.iter().any(|shared| shared.id == own.id));
                for constraint in policy_level.iter().chain(own) {
                    if let Some(written) = resolved.constraints.get(constraint.id) {
                        constraints.push(Arc::clone(&written.constraint));
                    }
                }
                Arc::new(Rule {
                    mode: entry.mode,
                    constraints,
                    scope: entry.scope.clone(),
                })
            });
        Arc::clone(rule)
    };
    let mut roles = BTreeMap::new();
    for role in resolved.roles.iter().filter(|role| !role.doc.is_mixin) {
        let default_rule = role.default.map_or_else(
            || Arc::clone(&denied),
            |index| rule(&role.policy_level, index),
        );
        let tools = role
            .tools
            .iter()
            .map(|(name, index)| ((*name).to_owned(), rule(&role.policy_level, *index)))
            .collect();
        roles.insert(
            role.doc.name.text.clone(),
            Role {
                default_rule,
                tools,
            },
        );
    }
    Policy {
        roles,
        limits,
        source_digest,
    }
}
