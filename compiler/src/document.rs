//! A policy document as typed data with the place of everything: what was written, before any of it is looked up or inherited.

mod consts;
mod lookalike;
mod names;
mod read;
mod words;

pub use read::{Reader, read_document, read_roles};

use crate::{
    expr::Literal,
    model::{Approval, Mode, PathStyle},
    source::{Node, Span},
};

/// The most rules that a role can have for one tool.
pub const MAX_RULES: usize = 64;
/// The longest message, in bytes.
pub const MAX_MESSAGE: usize = 500;
/// The longest description, in bytes.
pub const MAX_DESCRIPTION: usize = 2_000;
/// The most arguments of a scope.
pub const MAX_SCOPE_ARGUMENTS: usize = 16;
/// The most roles of approvers of a rule.
pub const MAX_APPROVER_ROLES: usize = 32;

/// A policy as written.
#[derive(Debug)]
pub struct Document {
    /// How its roles were given.
    pub layout: Layout,
    /// Whether arguments and facts that other readers may read differently are refused: `arguments: portable`.
    pub portable: bool,
    /// What it is about, for people.
    pub description: Option<String>,
    /// The constraints beside `roles:`, which apply to every role.
    pub constraints: Vec<Text>,
    /// The constants beside `roles:`.
    pub consts: Vec<Const>,
    /// The named conditions beside `roles:`.
    pub defines: Vec<Define>,
    /// What no role can grant: `forbid` beside `roles:`.
    pub forbids: Vec<ForbidDoc>,
    /// The roles, mixins included, each name once.
    pub roles: Vec<RoleDoc>,
    /// The names of roles that could not be read, which was reported: that others inherit from them is no second error.
    pub refused_roles: Vec<String>,
}

/// How the roles of a policy were given.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Layout {
    /// One policy, which is the role `default`.
    Flat,
    /// `roles:` in one document; where that key stands.
    Roles(Span),
    /// A file for each role; where the directory stands.
    Directory(Span),
}

/// A role as written.
#[derive(Debug)]
pub struct RoleDoc {
    /// Its name.
    pub name: Name,
    /// Who has it, for people.
    pub description: Option<String>,
    /// The roles whose rules it takes over.
    pub inherits: Vec<Name>,
    /// Whether it is there to be inherited from only.
    pub is_mixin: bool,
    /// The rule for tools without one.
    pub default_policy: Option<ToolDoc>,
    /// The rules by tool, or by pattern of tools.
    pub tools: Vec<ToolDoc>,
    /// The constraints on every tool.
    pub constraints: Vec<Text>,
    /// Its constants.
    pub consts: Vec<Const>,
    /// Its named conditions.
    pub defines: Vec<Define>,
    /// What it forbids.
    pub forbids: Vec<ForbidDoc>,
}

/// What a role says of a tool, of the tools that match a pattern, or of those that are not listed.
#[derive(Debug)]
pub struct ToolDoc {
    /// The tool, the pattern, or `default_policy`.
    pub name: Name,
    /// Whether the rules were written as a list.
    pub listed: bool,
    /// The rules, in order; never none.
    pub rules: Vec<RuleDoc>,
}

/// A rule as written.
#[derive(Debug)]
pub struct RuleDoc {
    /// Whose rule it is: a tool, a pattern, or `default_policy`. In a list of rules its place is the rule's.
    pub name: Name,
    /// Whether it stands in a list of rules.
    pub listed: bool,
    /// What happens if the rest holds; where that stands.
    pub mode: Option<(Mode, Span)>,
    /// Its constraints.
    pub constraints: Vec<Text>,
    /// Which paths the tool may touch; of an exception, which paths it is about.
    pub scope: Option<ScopeDoc>,
    /// What the model is told if it denies or asks.
    pub message: Option<String>,
    /// What it is for, for people.
    pub description: Option<String>,
    /// Who has to agree.
    pub approval: Option<Approval>,
}

impl RuleDoc {
    /// Whether it is an exception: a rule of a list that denies.
    #[must_use]
    pub fn is_exception(&self) -> bool {
        self.listed && matches!(self.mode, Some((Mode::Deny, _)))
    }
}

/// A part of `forbid` as written.
#[derive(Debug)]
pub struct ForbidDoc {
    /// Where it begins.
    pub span: Span,
    /// The names and patterns of the tools that it is about, at least one. None: all that are not closed.
    pub tools: Option<Vec<Name>>,
    /// Its condition.
    pub constraints: Vec<Text>,
    /// Which paths it is about.
    pub scope: Option<ScopeDoc>,
    /// What the model is told if it denies.
    pub message: Option<String>,
    /// What it is for, for people.
    pub description: Option<String>,
}

/// A file scope as written.
#[derive(Debug)]
pub struct ScopeDoc {
    /// Where its key stands.
    pub key: Span,
    /// The arguments that hold paths: those of `argument` or `arguments`.
    pub arguments: Vec<Name>,
    /// Whether they were given by `arguments`.
    pub several: bool,
    /// Whether the tool searches below its path, where that is said.
    pub search: Option<bool>,
    /// How paths are written.
    pub style: PathStyle,
    /// The patterns of which one must match.
    pub allowed: Vec<Text>,
    /// Where `allowed_paths` stands.
    pub allowed_key: Option<Span>,
    /// The patterns of which none may match.
    pub denied: Vec<Text>,
    /// The patterns that lift denied ones.
    pub except: Vec<Text>,
    /// Where `except_paths` stands.
    pub except_key: Option<Span>,
}

/// A name and where it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Name {
    /// The name.
    pub text: String,
    /// Where it stands.
    pub span: Span,
}

/// A text in a language of its own (a constraint, a pattern) and the node that it comes from, to find places in it.
#[derive(Debug, Clone)]
pub struct Text {
    /// The text.
    pub value: String,
    /// Where it comes from.
    pub node: Node,
}

/// A constant.
#[derive(Debug, Clone, PartialEq)]
pub struct Const {
    /// Its name.
    pub name: Name,
    /// Its value. None: it was refused, which was reported, so that it is no second error to use it.
    pub value: Option<Literal>,
}

/// A named condition.
#[derive(Debug, Clone)]
pub struct Define {
    /// Its name.
    pub name: Name,
    /// What it stands for. None: it was refused, which was reported.
    pub text: Option<Text>,
}

impl Document {
    /// An empty document.
    fn new(layout: Layout) -> Self {
        Self {
            layout,
            portable: false,
            description: None,
            constraints: Vec::new(),
            consts: Vec::new(),
            defines: Vec::new(),
            forbids: Vec::new(),
            roles: Vec::new(),
            refused_roles: Vec::new(),
        }
    }
}
