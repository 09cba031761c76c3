//! The resolved document -> the model that plans are made from.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    sync::Arc,
};

use super::{Resolved, Use};
use crate::{
    budget::{Account, Budget},
    diagnostic::Sink,
    model::{Entry, Limits, Mode, Policy, Role, Rule},
};

/// Builds the model: mixins gone, policy-level constraints in front of each rule's own, rules shared wherever they are alike. `None`
/// beyond the budget; then an error stands in `sink`.
pub fn build(
    resolved: &Resolved<'_>,
    limits: Limits,
    source_digest: [u8; 32],
    budget: &Budget,
    sink: &mut Sink,
) -> Option<Policy> {
    let denied = Arc::new(Rule::denied());
    let mut rules: HashMap<(*const (), usize), Arc<Rule>> = HashMap::new();
    let mut rule = |policy_level: &Arc<Vec<Use<'_>>>, index: usize| -> Option<Arc<Rule>> {
        let Some(entry) = resolved
            .entries
            .get(index)
            .filter(|entry| entry.mode != Mode::Deny)
        else {
            return Some(Arc::clone(&denied));
        };
        // Lists are shared, so the address of one tells which it is for as long as `resolved` lives.
        let key = (Arc::as_ptr(policy_level).cast(), index);
        if let Some(rule) = rules.get(&key) {
            return Some(Arc::clone(rule));
        }
        let count = policy_level.len() + entry.constraints.len();
        budget.pay(Account::Applied, count as u64, entry.doc.name.span, sink)?;
        let mut constraints = Vec::with_capacity(count);
        let mut seen = BTreeSet::new();
        for constraint in policy_level.iter().chain(&entry.constraints) {
            if seen.insert(constraint.id)
                && let Some(written) = resolved.constraints.get(constraint.id)
            {
                constraints.push(Arc::clone(&written.constraint));
            }
        }
        let rule = Arc::new(Rule {
            mode: entry.mode,
            constraints,
            scope: entry.scope.clone(),
            ..Rule::denied()
        });
        rules.insert(key, Arc::clone(&rule));
        Some(rule)
    };
    let mut roles = BTreeMap::new();
    for role in resolved.roles.iter().filter(|role| !role.doc.is_mixin) {
        let default_rule = match role.default {
            Some(index) => rule(&role.policy_level, index)?,
            None => Arc::clone(&denied),
        };
        let mut tools = BTreeMap::new();
        for (name, index) in role.tools.iter() {
            tools.insert(
                (*name).to_owned(),
                Entry::Rule(rule(&role.policy_level, *index)?),
            );
        }
        roles.insert(
            role.doc.name.text.clone(),
            Role {
                description: None,
                default_rule,
                tools,
                patterns: Vec::new(),
                forbids: Vec::new(),
            },
        );
    }
    Some(Policy {
        description: None,
        roles,
        forbids: Vec::new(),
        limits,
        portable: resolved.document.portable,
        source_digest,
    })
}
