//! What is allowed and probably not meant: one rule a file, each with a stable code.

mod absent_bound;
mod allow_over_deny;
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
mod unknown_name;
mod unused;

use crate::{budget::Budget, diagnostic::Sink, resolve::Resolved, source::Sources};

/// Runs all lints over a policy that has no errors.
///
/// A lint ends early where there is no room for another warning, or where the budget ends; then an error stands in `sink`.
pub fn run(resolved: &Resolved<'_>, sources: &Sources, budget: &Budget, sink: &mut Sink) {
    absent_bound::check(resolved, sources, budget, sink);
    allow_over_deny::check(resolved, budget, sink);
    conflicting_parents::check(resolved, sink);
    contradiction::check(resolved, sources, budget, sink);
    dead_rule::check(resolved, budget, sink);
    dropped_constraints::check(resolved, budget, sink);
    empty_scope::check(resolved, sink);
    no_default_role::check(resolved, sink);
    no_only::check(resolved, sink);
    one_sided_bound::check(resolved, sources, sink);
    permissive_default::check(resolved, sink);
    redundant::check(resolved, budget, sink);
    unknown_name::check(resolved, sources, budget, sink);
    unused::check(resolved, sink);
}
