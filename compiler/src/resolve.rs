//! Documents -> what they mean: constants looked up, constraints parsed, inheritance flattened, scopes compiled.
//!
//! ```text
//! document -> order (parents first) -> consts, constraints, scope, forbid (each text once) -> inherit (role by role) -> overlap (patterns of tools)
//!          -> build (the model)
//! ```

mod build;
mod constraints;
mod consts;
mod definitions;
mod forbid;
mod inherit;
mod order;
mod overlap;
mod scope;

use std::{collections::BTreeMap, ops::Range, sync::Arc};

pub use build::build;
pub use inherit::resolve;

use crate::{
    document::{Document, ForbidDoc, Name, RoleDoc, RuleDoc, Text, ToolDoc},
    model::{Constraint, Mode, Scope, Tools},
    source::Span,
};

/// The rules of a policy, flattened, each still tied to where it was written. What lints look at and the model is built from.
#[derive(Debug)]
pub struct Resolved<'d> {
    /// The document.
    pub document: &'d Document,
    /// The constraints, alike ones once: by [`Use::id`].
    pub constraints: Vec<Written>,
    /// The rules of tools and `default_policy`, each where it was written: by the indices of [`Listed`].
    pub entries: Vec<Entry<'d>>,
    /// What roles say of tools, each where it was written: by the indices of [`Role`].
    pub listed: Vec<Listed<'d>>,
    /// What is forbidden, each where it was written: by the indices of [`Role::forbids`] and [`Resolved::ceiling`].
    pub forbids: Vec<Forbid<'d>>,
    /// What is forbidden beside `roles:`: into [`Resolved::forbids`].
    pub ceiling: Vec<usize>,
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
    /// The named conditions that nothing uses.
    pub unused_defines: Vec<&'d Name>,
}

impl<'d> Resolved<'d> {
    /// The rules of what a role says of a tool.
    pub(crate) fn rules(&self, listed: usize) -> &[Entry<'d>] {
        let rules = self.listed.get(listed).map(|listed| listed.rules.clone());
        rules
            .and_then(|rules| self.entries.get(rules))
            .unwrap_or_default()
    }

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
    /// The named conditions that it used.
    pub definitions: Vec<String>,
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

/// What a role says of a tool, of the tools that match a pattern, or of those that are not listed.
#[derive(Debug)]
pub struct Listed<'d> {
    /// As written.
    pub doc: &'d ToolDoc,
    /// In which role.
    pub role: &'d RoleDoc,
    /// Its rules: into [`Resolved::entries`].
    pub rules: Range<usize>,
}

/// A rule where it was written.
#[derive(Debug)]
pub struct Entry<'d> {
    /// As written.
    pub doc: &'d RuleDoc,
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
    /// Which paths the tool may touch; of an exception, which paths it is about.
    pub scope: Option<Arc<Scope>>,
}

impl Entry<'_> {
    /// Whether it is an exception of a list of rules, so that its constraints say what is denied.
    #[must_use]
    pub fn is_exception(&self) -> bool {
        self.doc.is_exception()
    }

    /// Whether its constraints and its scope are ever looked at.
    #[must_use]
    pub fn is_live(&self) -> bool {
        self.mode != Mode::Deny || self.is_exception()
    }
}

/// What is forbidden, where it was written.
#[derive(Debug)]
pub struct Forbid<'d> {
    /// As written.
    pub doc: &'d ForbidDoc,
    /// In which role. None: beside `roles:`.
    pub role: Option<&'d RoleDoc>,
    /// Its constraints, alike ones once.
    pub constraints: Vec<Use<'d>>,
    /// The second and later of alike constraints, with the first.
    pub repeated: Vec<(Use<'d>, Span)>,
    /// Its tools, by the paths that they have: one part unless tools that are known have different path arguments.
    pub parts: Vec<(Tools, Option<Arc<Scope>>)>,
}

/// A role with what it inherits.
#[derive(Debug)]
pub struct Role<'d> {
    /// As written.
    pub doc: &'d RoleDoc,
    /// The constraints on every tool.
    pub policy_level: Arc<Vec<Use<'d>>>,
    /// What it says of tools, by name and by pattern: into [`Resolved::listed`]. Shared with the parent by a role that adds none.
    pub tools: Arc<BTreeMap<&'d str, usize>>,
    /// What it says of tools that are not listed: into [`Resolved::listed`].
    pub default: Option<usize>,
    /// What it forbids, inherited ones first: into [`Resolved::forbids`].
    pub forbids: Arc<Vec<usize>>,
}

/// What a role says of a tool took the place of what it inherits.
#[derive(Debug, Clone, Copy)]
pub struct Replacement<'d> {
    /// In which role.
    pub role: &'d RoleDoc,
    /// What brought the new rules: the tool's name, or the name of a parent.
    pub place: Span,
    /// Whether the role wrote the new rules itself.
    pub own: bool,
    /// The inherited rules: into [`Resolved::listed`].
    pub old: usize,
    /// The rules that count: into [`Resolved::listed`].
    pub new: usize,
}
