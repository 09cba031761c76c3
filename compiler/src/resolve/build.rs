//! The resolved document -> the model that plans are made from.

use std::{
    cmp::Reverse,
    collections::{BTreeMap, BTreeSet, HashMap},
    sync::Arc,
};

use super::{Entry as Written, Resolved, Role as ResolvedRole, Use};
use crate::{
    budget::{Account, Budget},
    diagnostic::{Diagnostic, Sink},
    model::{
        Constraint, Entry, Forbid, Limits, Mode, NamePattern, Numbering, Policy, Role, Rule, Tools,
    },
    source::Span,
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
    let mut builder = Builder {
        resolved,
        budget,
        sink,
        denied: Arc::new(Rule::denied()),
        rules: HashMap::new(),
        entries: HashMap::new(),
        forbids: resolved
            .forbids
            .iter()
            .map(|forbid| forbids(resolved, forbid))
            .collect(),
    };
    let mut roles = BTreeMap::new();
    for role in resolved.roles.iter().filter(|role| !role.doc.is_mixin) {
        roles.insert(role.doc.name.text.clone(), builder.role(role)?);
    }
    let policy = Policy {
        description: resolved.document.description.clone(),
        roles,
        forbids: builder.forbidden(&resolved.ceiling),
        limits,
        portable: resolved.document.portable,
        source_digest,
    };
    check_numbers(resolved, &policy, budget, sink)?;
    Some(policy)
}

struct Builder<'r, 'd, 's> {
    resolved: &'r Resolved<'d>,
    budget: &'r Budget,
    sink: &'s mut Sink,
    /// The rule that denies and says nothing, of which there are many.
    denied: Arc<Rule>,
    rules: HashMap<(*const (), usize), Arc<Rule>>,
    entries: HashMap<(*const (), usize), Entry>,
    /// By their indices, each in parts.
    forbids: Vec<Vec<Arc<Forbid>>>,
}

impl<'d> Builder<'_, 'd, '_> {
    fn role(&mut self, role: &ResolvedRole<'d>) -> Option<Role> {
        let default_rule = match role.default {
            Some(listed) => match self.entry(&role.policy_level, listed)? {
                Entry::Rule(rule) => rule,
                // `default_policy` is no list.
                Entry::Rules(rules) => rules
                    .first()
                    .map_or_else(|| Arc::clone(&self.denied), Arc::clone),
            },
            None => Arc::clone(&self.denied),
        };
        let mut tools = BTreeMap::new();
        let mut patterns = Vec::new();
        for (name, listed) in role.tools.iter() {
            let entry = self.entry(&role.policy_level, *listed)?;
            match NamePattern::new(name) {
                Some(pattern) => patterns.push((pattern, entry)),
                None => {
                    tools.insert((*name).to_owned(), entry);
                }
            }
        }
        patterns.sort_by_cached_key(|(pattern, _)| {
            (Reverse(pattern.weight()), pattern.as_str().to_owned())
        });
        Some(Role {
            description: role.doc.description.clone(),
            default_rule,
            tools,
            patterns,
            forbids: self.forbidden(&role.forbids),
        })
    }

    fn forbidden(&self, indices: &[usize]) -> Vec<Arc<Forbid>> {
        let forbids = indices.iter().filter_map(|index| self.forbids.get(*index));
        forbids.flatten().map(Arc::clone).collect()
    }

    /// What a role says of a tool.
    fn entry(&mut self, policy_level: &Arc<Vec<Use<'d>>>, listed: usize) -> Option<Entry> {
        // Lists are shared, so the address of one tells which it is for as long as `resolved` lives.
        let key = (Arc::as_ptr(policy_level).cast(), listed);
        if let Some(entry) = self.entries.get(&key) {
            return Some(entry.clone());
        }
        let indices = self.resolved.listed.get(listed)?.rules.clone();
        let mut rules = Vec::with_capacity(indices.len());
        for index in indices {
            rules.push(self.rule(policy_level, index)?);
        }
        let is_list = self
            .resolved
            .rules(listed)
            .iter()
            .any(Written::is_exception);
        let entry = match rules.as_slice() {
            // One rule that does not deny means the same in a list.
            [rule] if !is_list => Entry::Rule(Arc::clone(rule)),
            _ => Entry::Rules(rules.into()),
        };
        self.entries.insert(key, entry.clone());
        Some(entry)
    }

    fn rule(&mut self, policy_level: &Arc<Vec<Use<'d>>>, index: usize) -> Option<Arc<Rule>> {
        let entry = self.resolved.entries.get(index)?;
        // Policy-level constraints say nothing about what denies, so such a rule is the same under all of them.
        let above: &[Use<'_>] = if entry.mode == Mode::Deny {
            &[]
        } else {
            policy_level
        };
        let key = match entry.mode {
            Mode::Deny => (std::ptr::null(), index),
            Mode::Allow | Mode::NeedsApproval => (Arc::as_ptr(policy_level).cast(), index),
        };
        if let Some(rule) = self.rules.get(&key) {
            return Some(Arc::clone(rule));
        }
        let own: &[Use<'_>] = if entry.is_live() {
            &entry.constraints
        } else {
            &[]
        };
        let count = above.len() + own.len();
        self.budget.pay(
            Account::Applied,
            count as u64,
            entry.doc.name.span,
            self.sink,
        )?;
        let rule = Rule {
            mode: entry.mode,
            constraints: constraints(self.resolved, above.iter().chain(own)),
            scope: entry.scope.clone().filter(|_| entry.is_live()),
            message: entry.doc.message.clone(),
            description: entry.doc.description.clone(),
            approval: entry.doc.approval.clone().map(Arc::new),
        };
        let rule = if rule == *self.denied && !entry.is_exception() {
            Arc::clone(&self.denied)
        } else {
            Arc::new(rule)
        };
        self.rules.insert(key, Arc::clone(&rule));
        Some(rule)
    }
}

/// The constraints of uses, the same once.
fn constraints<'u, 'd: 'u>(
    resolved: &Resolved<'_>,
    uses: impl Iterator<Item = &'u Use<'d>>,
) -> Vec<Arc<Constraint>> {
    let mut seen = BTreeSet::new();
    uses.filter(|own| seen.insert(own.id))
        .filter_map(|own| resolved.constraints.get(own.id))
        .map(|written| Arc::clone(&written.constraint))
        .collect()
}

/// What is forbidden, in parts by the paths of its tools.
fn forbids(resolved: &Resolved<'_>, forbid: &super::Forbid<'_>) -> Vec<Arc<Forbid>> {
    let part = |(tools, scope): &(Tools, _)| Forbid {
        tools: tools.clone(),
        constraints: constraints(resolved, forbid.constraints.iter()),
        scope: Clone::clone(scope),
        message: forbid.doc.message.clone(),
        description: forbid.doc.description.clone(),
    };
    forbid.parts.iter().map(part).map(Arc::new).collect()
}

/// Refuses a policy whose scopes cannot be numbered.
fn check_numbers(
    resolved: &Resolved<'_>,
    policy: &Policy,
    budget: &Budget,
    sink: &mut Sink,
) -> Option<()> {
    let scoped = |forbids: &[Arc<Forbid>]| -> u64 {
        let scoped = forbids.iter().filter(|forbid| forbid.scope.is_some());
        scoped
            .map(|forbid| match &forbid.tools {
                Tools::Open => 1,
                Tools::Named(names) => names.len() as u64,
            })
            .sum()
    };
    // Where the first of them stands.
    let place = || -> Option<Span> {
        let mut forbids = resolved.forbids.iter();
        forbids.find_map(|forbid| Some(forbid.doc.scope.as_ref()?.key))
    };
    let Some(place) = place() else {
        return Some(());
    };
    let ceiling = scoped(&policy.forbids);
    for role in policy.roles.values() {
        let rules = role.tools.len() + role.patterns.len() + 1;
        let steps = (ceiling + scoped(&role.forbids)) * rules as u64;
        budget.pay(Account::Overlaps, steps, place, sink)?;
    }
    match Numbering::of(policy) {
        Ok(_) => Some(()),
        Err(error) => {
            sink.push(
                Diagnostic::new("too-many-forbids", error.to_string(), place, "the first of them")
                    .with_help("name in each of them all tools that the rule is for, leave their `tools` out, or join their `denied_paths` in one"),
            );
            None
        }
    }
}
