//! What is allowed and probably not meant: one rule a file, each with a stable code.

mod conflicting_parents;
mod contradiction;
mod dead_rule;
mod dropped_constraints;
mod empty_scope;
mod facts;
mod no_default_role;
mod no_only;
mod one_sided_bound;
mod permissive_default;
mod redundant;
mod unused;

use crate::{
    diagnostic::{CodeDoc, Sink},
    resolve::Resolved,
    source::Sources,
};

/// The codes of all lints.
static CODES: &[CodeDoc] = &[
    conflicting_parents::CODE,
    contradiction::CODE,
    dead_rule::CODE,
    dropped_constraints::CODE,
    empty_scope::CODE,
    no_default_role::CODE,
    no_only::CODE,
    one_sided_bound::CODE,
    permissive_default::CODE,
    redundant::CODE,
    unused::CONST,
    unused::MIXIN,
];

/// The codes of all lints.
pub fn codes() -> impl Iterator<Item = &'static CodeDoc> {
    CODES.iter()
}

/// Runs all lints over a policy that has no errors.
pub fn run(resolved: &Resolved<'_>, sources: &Sources, sink: &mut Sink) {
    conflicting_parents::check(resolved, sink);
    contradiction::check(resolved, sources, sink);
    dead_rule::check(resolved, sink);
    dropped_constraints::check(resolved, sink);
    empty_scope::check(resolved, sink);
    no_default_role::check(resolved, sink);
    no_only::check(resolved, sink);
    one_sided_bound::check(resolved, sources, sink);
    permissive_default::check(resolved, sink);
    redundant::check(resolved, sink);
    unused::check(resolved, sink);
}
