//! A policy document as typed data with the place of everything: what was written, before any of it is looked up or inherited.

mod consts;
mod names;
mod read;
mod words;

pub use read::{read_document, read_roles};

use crate::{
    expr::Literal,
    model::Mode,
    source::{Node, Span},
};

/// A policy as written.
#[derive(Debug)]
pub struct Document {
    /// How its roles were given.
    pub layout: Layout,
    /// Whether arguments and facts that other readers may read differently are refused: `arguments: portable`.
    pub portable: bool,
    /// The constraints beside `roles:`, which apply to every role.
    pub constraints: Vec<Text>,
    /// The constants beside `roles:`.
    pub consts: Vec<Const>,
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
    /// The roles whose rules it takes over.
    pub inherits: Vec<Name>,
    /// Whether it is there to be inherited from only.
    pub is_mixin: bool,
    /// The rule for tools without one.
    pub default_policy: Option<ToolDoc>,
    /// The rules by tool.
    pub tools: Vec<ToolDoc>,
    /// The constraints on every tool.
    pub constraints: Vec<Text>,
    /// Its constants.
    pub consts: Vec<Const>,
}

/// A rule for a tool as written.
#[derive(Debug)]
pub struct ToolDoc {
    /// The tool, or `default_policy`.
    pub name: Name,
    /// What happens if the rest holds; where that stands.
    pub mode: Option<(Mode, Span)>,
    /// Its constraints.
    pub constraints: Vec<Text>,
    /// Which paths it may touch.
    pub scope: Option<ScopeDoc>,
}

/// A file scope as written.
#[derive(Debug)]
pub struct ScopeDoc {
    /// Where its key stands.
    pub key: Span,
    /// The argument that holds the path.
    pub argument: Option<Name>,
    /// The patterns of which one must match.
    pub allowed: Vec<Text>,
    /// Where `allowed_paths` stands.
    pub allowed_key: Option<Span>,
    /// The patterns of which none may match.
    pub denied: Vec<Text>,
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
