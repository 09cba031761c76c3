//! Constants and named conditions: which a constraint sees where it is written.

use std::{collections::BTreeMap, sync::Arc};

use super::definitions;
use crate::{
    constraint::{Definitions, constant::weight},
    diagnostic::{Diagnostic, Sink, quoted},
    document::{Const, Name},
    expr::Literal,
    source::Span,
};

/// The constants and named conditions that the constraints of one role see.
#[derive(Debug, Default, Clone)]
pub(super) struct Env<'d> {
    /// Their values.
    pub(super) literals: BTreeMap<String, Literal>,
    /// Where they were defined, those too whose values were refused.
    pub(super) origins: BTreeMap<String, &'d Name>,
    /// The named conditions.
    pub(super) definitions: Definitions,
    /// Where they were defined, those too that were refused.
    pub(super) defined: BTreeMap<String, &'d Name>,
    /// How much it takes to copy all of them, in values.
    pub(super) weight: u64,
}

impl<'d> Env<'d> {
    fn define(&mut self, constant: &'d Const) {
        let name = &constant.name.text;
        match &constant.value {
            Some(value) => {
                self.weight += weight(value);
                self.literals.insert(name.clone(), value.clone());
            }
            None => {
                self.literals.remove(name);
            }
        }
        self.origins.insert(name.clone(), &constant.name);
    }

    /// The constants beside `roles:`.
    pub(super) fn shared(consts: &'d [Const]) -> Arc<Self> {
        let mut env = Self::default();
        for constant in consts {
            env.define(constant);
        }
        Arc::new(env)
    }
}

/// What the parents of a role bring together. Two values for one name are an error: whichever won, a constraint that one parent's
/// author wrote would mean something else to the child's.
pub(super) fn merge<'d>(
    shared: &Arc<Env<'d>>,
    parents: &[(Arc<Env<'d>>, Span)],
    sink: &mut Sink,
) -> Arc<Env<'d>> {
    let mut parents = parents.iter();
    let Some((first, _)) = parents.next() else {
        return Arc::clone(shared);
    };
    let mut merged = Arc::clone(first);
    for (env, place) in parents {
        if Arc::ptr_eq(&merged, env) {
            continue;
        }
        for (name, value) in &env.literals {
            if sink.is_full() {
                return merged;
            }
            match merged.literals.get(name) {
                Some(known) if known == value => {}
                Some(_) => {
                    let mut diagnostic = Diagnostic::new(
                        "conflicting-const",
                        format!("the parents of this role define the constant {} with different values", quoted(name)),
                        *place,
                        "inherited with another value",
                    )
                    .with_help("give the constants different names, or define it once, in a role that both inherit");
                    for origin in [merged.origins.get(name), env.origins.get(name)]
                        .into_iter()
                        .flatten()
                    {
                        diagnostic = diagnostic.with_label(origin.span, "defined here");
                    }
                    sink.push(diagnostic);
                }
                None => {
                    let env_mut = Arc::make_mut(&mut merged);
                    env_mut.weight += weight(value);
                    env_mut.literals.insert(name.clone(), value.clone());
                    if let Some(origin) = env.origins.get(name) {
                        env_mut.origins.insert(name.clone(), origin);
                    }
                }
            }
        }
        for (name, origin) in &env.origins {
            if !merged.origins.contains_key(name) {
                Arc::make_mut(&mut merged)
                    .origins
                    .insert(name.clone(), origin);
            }
        }
        definitions::merge(&mut merged, env, *place, sink);
    }
    merged
}

/// Adds a role's own constants. To redefine one that an inherited constraint uses is an error: the constraint keeps its meaning, and
/// the author would believe it changed.
pub(super) fn extend<'d>(
    inherited: Arc<Env<'d>>,
    own: &'d [Const],
    inherited_uses: impl Fn(&str) -> Option<(Span, String)>,
    sink: &mut Sink,
) -> Arc<Env<'d>> {
    if own.is_empty() {
        return inherited;
    }
    let mut env = inherited;
    for constant in own {
        let name = &constant.name.text;
        let before = env.literals.get(name);
        if before.is_some() && before == constant.value.as_ref() {
            // Still this role's own: it counts as used when a constraint here uses it.
            Arc::make_mut(&mut env)
                .origins
                .insert(name.clone(), &constant.name);
            continue;
        }
        if before.is_some()
            && constant.value.is_some()
            && let Some((place, text)) = inherited_uses(name)
        {
            let mut diagnostic = Diagnostic::new(
                "redefined-const",
                format!("the constant {} is used by an inherited constraint, which keeps the inherited value", quoted(name)),
                constant.name.span,
                "redefined with another value",
            )
            .with_label(place, format!("used by {}", quoted(&text)))
            .with_help("choose another name, or replace the rule that the constraint belongs to");
            if let Some(origin) = env.origins.get(name) {
                diagnostic = diagnostic.with_label(origin.span, "defined here");
            }
            sink.push(diagnostic);
            continue;
        }
        Arc::make_mut(&mut env).define(constant);
    }
    env
}
