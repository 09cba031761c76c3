//! Documents -> what they mean: constants looked up, constraints parsed, inheritance flattened, scopes compiled.
//!
//! ```text
//! document -> order (parents first) -> consts, constraints, scope (each text once) -> inherit (role by role) -> build (the model)
//! ```

mod build;
mod constraints;
mod consts;
mod inherit;
mod order;
mod scope;

use std::{collections::BTreeMap, sync::Arc};

pub use build::build;
pub use inherit::resolve;

use crate::{
    document::{Document, Name, RoleDoc, Text, ToolDoc},
    model::{Constraint, Mode, Scope},
    source::Span,
};

/// The rules of a policy, flattened, each still tied to where it was written. What lints look at and the model is built from.
#[derive(Debug)]
pub struct Resolved<'d> {
    /// The document.
    pub document: &'d Document,
    /// The constraints, alike ones once: by [`Use::id`].
    pub constraints: Vec<Written>,
    /// The rules of tools and `default_policy`, each where it was written: by the indices of [`Role`].
    pub entries: Vec<Entry<'d>>,
    /// The constraints beside `roles:`.
    pub shared: Vec<Use<'d>>,
    /// The roles, mixins included, parents first.
    pub roles: Vec<Role<'d>>,
    /// Where in `roles` each stands.
    pub(crate) by_name: BTreeMap<&'d str, usize>,
    /// The rules that took the place of inherited ones.
    pub replacements: Vec<Replacement<'d>>,
    /// The constants that no constraint uses.
    pub unused_consts: Vec<&'d Name>,
}

impl<'d> Resolved<'d> {
    /// The role of that name.
    pub(crate) fn role(&self, name: &str) -> Option<&Role<'d>> {
        self.roles.get(*self.by_name.get(name)?)
    }
}

/// A constraint with its meaning.
#[derive(Debug)]
pub struct Written {
    /// Text and meaning.
    pub constraint: Arc<Constraint>,
    /// The constants that it used.
    pub consts: Vec<String>,
    /// How much there is to look at in it.
    pub(crate) steps: u64,
}

/// A constraint at a place.
#[derive(Debug, Clone, Copy)]
pub struct Use<'d> {
    /// Which.
    pub id: usize,
    /// As written.
    pub text: &'d Text,
}

impl Use<'_> {
    /// Where it stands.
    #[must_use]
    pub fn span(&self) -> Span {
        self.text.node.span
    }
}

/// A rule where it was written.
#[derive(Debug)]
pub struct Entry<'d> {
    /// As written.
    pub doc: &'d ToolDoc,
    /// Whether it is the `default_policy`.
    pub is_default: bool,
    /// In which role.
    pub role: &'d RoleDoc,
    /// What happens if the rest holds.
    pub mode: Mode,
    /// Its own constraints, alike ones once.
    pub constraints: Vec<Use<'d>>,
    /// The second and later of alike constraints, with the first.
    pub repeated: Vec<(Use<'d>, Span)>,
    /// Which paths the tool may touch.
    pub scope: Option<Arc<Scope>>,
}

/// A role with what it inherits.
#[derive(Debug)]
pub struct Role<'d> {
    /// As written.
    pub doc: &'d RoleDoc,
    /// The constraints on every tool.
    pub policy_level: Arc<Vec<Use<'d>>>,
    /// The rules by tool: into [`Resolved::entries`]. Shared with the parent by a role that adds none.
    pub tools: Arc<BTreeMap<&'d str, usize>>,
    /// The rule for tools that are not listed: into [`Resolved::entries`].
    pub default: Option<usize>,
}

/// A rule that took the place of an inherited one.
#[derive(Debug, Clone, Copy)]
pub struct Replacement<'d> {
    /// In which role.
    pub role: &'d RoleDoc,
    /// What brought the new rule: the tool's name, or the name of a parent.
    pub place: Span,
    /// Whether the role wrote the new rule itself.
    pub own: bool,
    /// The inherited rule: into [`Resolved::entries`].
    pub old: usize,
    /// The rule that counts: into [`Resolved::entries`].
    pub new: usize,
}
