//! A policy with its roles resolved: inheritance flattened, mixins gone, constants replaced, every constraint typed.

use std::{
    collections::{BTreeMap, HashSet},
    hash::{Hash, Hasher},
    sync::Arc,
};

pub use hexgate_contract::{Limits, Mode};

use crate::{automata::Dfa, expr::Expr};

/// A whole policy. What is not in it is denied.
#[derive(Debug, Clone, PartialEq)]
pub struct Policy {
    /// The roles that a caller can have, by name. Callers without a role that stands here are decided by the role `default`, and
    /// denied all if there is none.
    pub roles: BTreeMap<String, Role>,
    /// The limits that can change a verdict.
    pub limits: Limits,
    /// Whether arguments and facts that other readers may read differently are malformed.
    pub portable: bool,
    /// SHA-256 of the source.
    pub source_digest: [u8; 32],
}

impl Policy {
    /// The file scopes, each once, in the order in which they are numbered everywhere: by role, the rule for unlisted tools first, then
    /// by tool.
    #[must_use]
    pub fn scopes(&self) -> Vec<&Scope> {
        let mut scopes: Vec<&Scope> = Vec::new();
        // Rules are shared by many roles: those that were seen are not looked at again.
        let mut seen = HashSet::new();
        let rules = self
            .roles
            .values()
            .flat_map(|role| std::iter::once(&role.default_rule).chain(role.tools.values()))
            .filter(|rule| seen.insert(Arc::as_ptr(rule)));
        let mut known = HashSet::new();
        for scope in rules.filter_map(|rule| rule.scope.as_deref()) {
            if known.insert(scope) {
                scopes.push(scope);
            }
        }
        scopes
    }
}

/// What one role may do.
#[derive(Debug, Clone, PartialEq)]
pub struct Role {
    /// The rule for tools that have none of their own and no closed name. It never has a scope.
    pub default_rule: Arc<Rule>,
    /// The rules by tool name.
    pub tools: BTreeMap<String, Arc<Rule>>,
}

/// What happens to a call of one tool.
#[derive(Debug, Clone, PartialEq)]
pub struct Rule {
    /// The outcome if everything below holds.
    pub mode: Mode,
    /// The policy-level constraints, then the tool's own. Empty for [`Mode::Deny`].
    pub constraints: Vec<Arc<Constraint>>,
    /// Which paths the tool may touch. None for [`Mode::Deny`].
    pub scope: Option<Arc<Scope>>,
}

/// One constraint.
#[derive(Debug, Clone, PartialEq)]
pub struct Constraint {
    /// As written in the policy: what a denial reports.
    pub source: String,
    /// What it means. Spans are byte ranges of `source`.
    pub expr: Expr,
}

/// Which paths a tool may touch.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Scope {
    /// The name of the argument that holds the path.
    pub argument: String,
    /// If there are any, one must match the path itself.
    pub allowed: Vec<Pattern>,
    /// None may match the path or a folder above it.
    pub denied: Vec<Pattern>,
}

/// One pattern of a file scope.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pattern {
    /// As written.
    pub source: String,
    /// Whether it begins with `/`.
    pub absolute: bool,
    /// Accepts the normalised paths that the pattern covers (see [`crate::automata::glob`]).
    pub dfa: Arc<Dfa>,
}

impl Hash for Pattern {
    /// Of what was written: the automaton follows from it, and can be long.
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.source.hash(state);
    }
}
