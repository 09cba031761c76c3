//! A policy with its roles resolved: inheritance flattened, mixins gone, constants replaced, every constraint typed.

mod facts;
mod names;
mod numbering;

use std::{
    collections::BTreeMap,
    hash::{Hash, Hasher},
    sync::Arc,
};

pub use hexgate_contract::{Limits, Mode, PathStyle};
pub use names::NamePattern;
pub(crate) use numbering::Guard;
pub use numbering::{Bounds, Choice, For, MAX_PARTIAL_FORBIDS, Numbering, TooManyForbids};

use crate::{automata::Dfa, expr::Expr};

/// A whole policy. What is not in it is denied.
#[derive(Debug, Clone, PartialEq)]
pub struct Policy {
    /// What it is about, for people.
    pub description: Option<String>,
    /// The roles that a caller can have, by name. Callers without a role that stands here are decided by the role `default`, and
    /// denied all if there is none.
    pub roles: BTreeMap<String, Role>,
    /// What no role can grant, in order: asked once a call, before any role.
    pub forbids: Vec<Arc<Forbid>>,
    /// The limits that can change a verdict.
    pub limits: Limits,
    /// Whether arguments and facts that other readers may read differently are malformed.
    pub portable: bool,
    /// SHA-256 of the source.
    pub source_digest: [u8; 32],
}

/// What one role may do.
#[derive(Debug, Clone, PartialEq)]
pub struct Role {
    /// Who has it, for people.
    pub description: Option<String>,
    /// The rule for tools that have none of their own, match no pattern and have no closed name. It never has a scope.
    pub default_rule: Arc<Rule>,
    /// The rules by exact tool name.
    pub tools: BTreeMap<String, Entry>,
    /// The rules by pattern, in the order in which they are tried: the most bytes that are not `*` first, then by the bytes of the pattern.
    pub patterns: Vec<(NamePattern, Entry)>,
    /// What this role forbids, inherited ones first, in order: asked before its rules.
    pub forbids: Vec<Arc<Forbid>>,
}

/// What a role says of a tool.
#[derive(Debug, Clone, PartialEq)]
pub enum Entry {
    /// One rule.
    Rule(Arc<Rule>),
    /// Several, in order: those of [`Mode::Deny`] are exceptions, which have their own constraints alone.
    Rules(Arc<[Arc<Rule>]>),
}

impl Entry {
    /// Its rules, in order.
    #[must_use]
    pub fn rules(&self) -> &[Arc<Rule>] {
        match self {
            Self::Rule(rule) => std::slice::from_ref(rule),
            Self::Rules(rules) => rules,
        }
    }
}

/// What happens to a call of one tool.
#[derive(Debug, Clone, PartialEq)]
pub struct Rule {
    /// The outcome if everything below holds.
    pub mode: Mode,
    /// The policy-level constraints, then the tool's own. Of an exception its own alone; of any other rule of [`Mode::Deny`] none.
    pub constraints: Vec<Arc<Constraint>>,
    /// Which paths the tool may touch; of an exception, which paths it is about.
    pub scope: Option<Arc<Scope>>,
    /// What the model is told if this rule denies or asks.
    pub message: Option<String>,
    /// What it is for, for people.
    pub description: Option<String>,
    /// Who has to agree, for [`Mode::NeedsApproval`].
    pub approval: Option<Arc<Approval>>,
}

impl Rule {
    /// The rule that denies without saying anything.
    #[must_use]
    pub fn denied() -> Self {
        Self {
            mode: Mode::Deny,
            constraints: Vec::new(),
            scope: None,
            message: None,
            description: None,
            approval: None,
        }
    }
}

/// Calls that are denied unless a condition is false.
#[derive(Debug, Clone, PartialEq)]
pub struct Forbid {
    /// Which tools it is about.
    pub tools: Tools,
    /// The condition: all of these, and the scope.
    pub constraints: Vec<Arc<Constraint>>,
    /// Which paths it is about: never with allowed patterns.
    pub scope: Option<Arc<Scope>>,
    /// What the model is told if it denies.
    pub message: Option<String>,
    /// What it is for, for people.
    pub description: Option<String>,
}

/// A set of tools.
#[derive(Debug, Clone, PartialEq)]
pub enum Tools {
    /// All whose names are not closed.
    Open,
    /// Those with these names, or that match these patterns; in the order in which they were written, never none.
    Named(Vec<ToolName>),
}

/// A tool's name, or a pattern of names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ToolName {
    /// The exact name.
    Exact(String),
    /// A pattern.
    Pattern(NamePattern),
}

/// Who has to agree to a call, on what terms. What is absent is the host's.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct Approval {
    /// The roles of approvers, any of which suffices. None named: the host's.
    pub roles: Vec<String>,
    /// For how many seconds an answer is waited for.
    pub expires: Option<u32>,
    /// How many have to agree: 1 to 8.
    pub approvers: Option<u32>,
    /// Whether an approver has to give a reason.
    pub reason_required: Option<bool>,
}

/// One constraint.
#[derive(Debug, Clone, PartialEq)]
pub struct Constraint {
    /// As written in the policy: what a denial reports.
    pub source: String,
    /// What it means. Spans are byte ranges of `source`.
    pub expr: Expr,
}

/// Which paths a tool may touch, or an exception or a forbid is about.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Scope {
    /// The names of the arguments that hold paths, at least one. All must be there and be covered.
    pub arguments: Vec<String>,
    /// Whether the tool searches below the path: an absent path starts at the root.
    pub search: bool,
    /// How paths are written.
    pub style: PathStyle,
    /// If there are any, one must match the path itself.
    pub allowed: Vec<Pattern>,
    /// None may match the path or a folder above it.
    pub denied: Vec<Pattern>,
    /// What lifts denied patterns.
    pub except: Vec<Pattern>,
}

/// One pattern of a file scope.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pattern {
    /// As written.
    pub source: String,
    /// Whether it begins with `/`.
    pub absolute: bool,
    /// Whether it is written with a slash. One without matches a name at any depth.
    pub has_slash: bool,
    /// Accepts the normalised paths that the pattern covers (see [`crate::automata::glob`]).
    pub dfa: Arc<Dfa>,
    /// Of an allowed pattern `dir/**` of a scope that searches: accepts `dir`, where a search may start as well.
    pub start: Option<Arc<Dfa>>,
}

impl Hash for Pattern {
    /// Of what was written: the automaton follows from it, and can be long.
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.source.hash(state);
    }
}
