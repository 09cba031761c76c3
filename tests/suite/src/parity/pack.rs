//! Several policies as one: each one's roles under names of its own.

use std::{collections::BTreeMap, sync::Arc};

use hexgate_compiler::{
    expr::{Expr, ExprKind, Literal, Members, Operand, OperandKind, Root, TextCall},
    model::{Constraint, Entry, Forbid, Limits, Policy, Rule},
};

use crate::{case::Call, json::Json};

/// Policies that are compiled as one.
#[derive(Debug)]
pub(super) struct Pack {
    /// All of them.
    pub(super) policy: Policy,
    pub(super) members: Vec<Member>,
}

/// One of them.
#[derive(Debug)]
pub(super) struct Member {
    pub(super) seed: u64,
    pub(super) document: Json,
    pub(super) calls: Vec<Call>,
    /// Stands before the names of its roles. The first policy has none, so that a role `default` is in the pack.
    prefix: String,
}

impl Default for Pack {
    fn default() -> Self {
        Self {
            policy: Policy {
                description: None,
                forbids: Vec::new(),
                roles: BTreeMap::new(),
                limits: Limits::default(),
                portable: false,
                source_digest: [0; 32],
            },
            members: Vec::new(),
        }
    }
}

impl Pack {
    /// Whether there are forbids over the whole call. They are of all policies of a pack, so such a policy is the only one.
    pub(super) fn has_ceiling(&self) -> bool {
        !self.policy.forbids.is_empty()
    }

    /// Puts a policy in. One with forbids over the whole call is put into an empty pack.
    pub(super) fn add(&mut self, seed: u64, document: Json, calls: Vec<Call>, policy: Policy) {
        let prefix = match self.members.len() {
            0 => String::new(),
            index => format!("p{index}."),
        };
        self.policy.portable = policy.portable;
        self.policy.forbids.clone_from(&policy.forbids);
        let mut renamed: BTreeMap<*const Rule, Arc<Rule>> = BTreeMap::new();
        let mut rule = |rule: &Arc<Rule>| {
            let entry = renamed.entry(Arc::as_ptr(rule));
            Arc::clone(entry.or_insert_with(|| Arc::new(with_prefix(rule, &prefix))))
        };
        for (name, mut role) in policy.roles {
            role.default_rule = rule(&role.default_rule);
            let entries = role.tools.values_mut();
            for entry in entries.chain(role.patterns.iter_mut().map(|(_, entry)| entry)) {
                *entry = match &*entry {
                    Entry::Rule(one) => Entry::Rule(rule(one)),
                    Entry::Rules(several) => Entry::Rules(several.iter().map(&mut rule).collect()),
                };
            }
            for forbid in &mut role.forbids {
                let mut renamed = Forbid::clone(forbid);
                add_prefix(&mut renamed.constraints, &prefix);
                *forbid = Arc::new(renamed);
            }
            self.policy.roles.insert(format!("{prefix}{name}"), role);
        }
        self.members.push(Member {
            seed,
            document,
            calls,
            prefix,
        });
    }
}

/// Makes a policy say how arguments are read, or not.
pub(super) fn read_arguments(document: &mut Json, portable: bool) {
    if let Json::Object(members) = document {
        members.retain(|(name, _)| name != "arguments");
        if portable {
            members.push(("arguments".to_owned(), Json::Text("portable".to_owned())));
        }
    }
}

impl Member {
    /// A call as the pack knows it. Without a role it is one of the member's `default`, for the pack has only one of its own.
    pub(super) fn packed(&self, call: &Call) -> Call {
        let mut call = call.clone();
        if call.roles.is_empty() && !self.prefix.is_empty() {
            call.roles.push("default".to_owned());
        }
        for role in &mut call.roles {
            role.insert_str(0, &self.prefix);
        }
        call
    }
}

fn with_prefix(rule: &Rule, prefix: &str) -> Rule {
    let mut rule = rule.clone();
    add_prefix(&mut rule.constraints, prefix);
    rule
}

fn add_prefix(constraints: &mut [Arc<Constraint>], prefix: &str) {
    if prefix.is_empty() {
        return;
    }
    for constraint in constraints {
        let mut expr = constraint.expr.clone();
        rename(&mut expr, prefix);
        *constraint = Arc::new(Constraint {
            source: constraint.source.clone(),
            expr,
        });
    }
}

/// Changes the texts that the name of the role is compared with.
fn rename(expr: &mut Expr, prefix: &str) {
    match &mut expr.kind {
        ExprKind::And(parts) | ExprKind::Or(parts) => {
            parts.iter_mut().for_each(|part| rename(part, prefix));
        }
        ExprKind::Not(part) => rename(part, prefix),
        ExprKind::Quantifier { body, .. } | ExprKind::Named { body, .. } => rename(body, prefix),
        ExprKind::Compare { left, right, .. } => {
            if is_role(left) {
                rename_operand(right, prefix);
            } else if is_role(right) {
                rename_operand(left, prefix);
            }
        }
        ExprKind::In {
            value,
            list: Members::Listed(list),
            ..
        } if is_role(value) => {
            list.iter_mut()
                .for_each(|item| rename_literal(item, prefix));
        }
        ExprKind::Text {
            call: TextCall::StartsWith,
            subject,
            sought,
        } if is_role(subject) => rename_operand(sought, prefix),
        _ => {}
    }
}

fn is_role(operand: &Operand) -> bool {
    matches!(&operand.kind, OperandKind::Path(path) if path.root == Root::Role)
}

fn rename_operand(operand: &mut Operand, prefix: &str) {
    if let OperandKind::Literal(value) = &mut operand.kind {
        rename_literal(value, prefix);
    }
}

fn rename_literal(value: &mut Literal, prefix: &str) {
    if let Literal::String(text) = value {
        text.insert_str(0, prefix);
    }
}
