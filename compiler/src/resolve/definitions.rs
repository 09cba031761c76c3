//! Named conditions: parsed where they are written, in the sight of what is inherited; never replaced below what uses them.

use std::{collections::BTreeMap, sync::Arc};

use super::{
    constraints::{Constraints, diagnostic},
    consts::Env,
};
use crate::{
    budget::Budget,
    constraint::{Definition, definition_name_fault},
    diagnostic::{Diagnostic, Sink, quoted},
    document::{Define, Text},
    source::{Sources, Span},
};

/// Adds what another parent brings. Two conditions of one name are an error, as two constants are.
pub(super) fn merge<'d>(merged: &mut Arc<Env<'d>>, env: &Env<'d>, place: Span, sink: &mut Sink) {
    for (name, origin) in &env.defined {
        if sink.is_full() {
            return;
        }
        let (known, other) = (merged.definitions.get(name), env.definitions.get(name));
        let Some(first) = merged.defined.get(name) else {
            let other = other.map(Arc::clone);
            let merged = Arc::make_mut(merged);
            merged.weight += 1;
            merged.defined.insert(name.clone(), origin);
            match other {
                Some(definition) => merged.definitions.insert(name.as_str(), definition),
                None => merged.definitions.refuse(name.as_str()),
            }
            continue;
        };
        // What was refused was reported.
        if known
            .zip(other)
            .is_none_or(|(known, other)| Arc::ptr_eq(known, other) || known == other)
        {
            continue;
        }
        sink.push(
            Diagnostic::new(
                "conflicting-define",
                format!("the parents of this role define the condition {} in different ways", quoted(name)),
                place,
                "inherited with another meaning",
            )
            .with_label(first.span, "defined here")
            .with_label(origin.span, "defined here")
            .with_help("give the conditions different names, or define it once, in a role that both inherit"),
        );
    }
}

/// Adds a role's own conditions. To redefine one that is used by what is inherited is an error: that keeps its meaning, and the author
/// would believe it changed.
pub(super) fn extend<'d>(
    env: Arc<Env<'d>>,
    own: &'d [Define],
    inherited_uses: impl Fn(&str) -> Option<(Span, String)>,
    constraints: &mut Constraints,
    (budget, sources): (&Budget, &Sources),
    sink: &mut Sink,
) -> Arc<Env<'d>> {
    if own.is_empty() {
        return env;
    }
    let mut extended = Env::clone(&env);
    let mut written: Vec<(&'d Define, &'d Text)> = Vec::with_capacity(own.len());
    for define in own {
        let name = &define.name;
        if let Some((message, help)) = definition_name_fault(&name.text) {
            sink.push(
                Diagnostic::new(
                    "bad-define",
                    message,
                    name.span,
                    "not a name for a condition",
                )
                .with_help(help),
            );
            continue;
        }
        match &define.text {
            Some(text) => written.push((define, text)),
            None => extended.definitions.refuse(name.text.as_str()),
        }
        extended.weight += 1;
        extended.defined.insert(name.text.clone(), name);
    }
    let texts = written
        .iter()
        .map(|(define, text)| (define.name.text.as_str(), text.value.as_str()));
    let outcomes = extended.definitions.define(texts, &env.literals, budget);
    for ((define, text), outcome) in written.iter().zip(outcomes) {
        let name = &define.name;
        match outcome {
            Ok(definition) => {
                for warning in &definition.warnings {
                    sink.push(diagnostic(text, warning.clone(), &extended, sources));
                }
                constraints.use_definition(&definition, &extended);
                redefined(&env, name, &definition, &inherited_uses, sink);
            }
            Err(errors) => {
                for error in errors {
                    constraints.report(text, error, &extended, sources, sink);
                }
            }
        }
        if sink.is_full() {
            break;
        }
    }
    Arc::new(extended)
}

fn redefined(
    inherited: &Env<'_>,
    name: &crate::document::Name,
    own: &Definition,
    inherited_uses: &impl Fn(&str) -> Option<(Span, String)>,
    sink: &mut Sink,
) {
    let Some(before) = inherited
        .definitions
        .get(&name.text)
        .filter(|before| ***before != *own)
    else {
        return;
    };
    let Some((place, text)) = inherited_uses(&name.text) else {
        return;
    };
    let mut diagnostic = Diagnostic::new(
        "redefined-define",
        format!(
            "the condition {} is used by what is inherited, which keeps the inherited meaning",
            quoted(&name.text)
        ),
        name.span,
        "redefined with another meaning",
    )
    .with_label(place, format!("used by {}", quoted(&text)))
    .with_help("choose another name, or replace the rule that the constraint belongs to");
    if let Some(origin) = inherited.defined.get(&name.text) {
        diagnostic = diagnostic.with_label(
            origin.span,
            format!("stands for {} here", quoted(before.text())),
        );
    }
    sink.push(diagnostic);
}

/// What the inherited conditions use, each with the place of one that does: constants, and conditions.
pub(super) fn used_by(env: &Env<'_>) -> (Uses, Uses) {
    let (mut consts, mut conditions) = (Uses::new(), Uses::new());
    for (name, origin) in &env.defined {
        let Some(definition) = env.definitions.get(name) else {
            continue;
        };
        for (used, found) in [
            (&definition.consts_used, &mut consts),
            (&definition.definitions_used, &mut conditions),
        ] {
            for used in used {
                found
                    .entry(used.clone())
                    .or_insert_with(|| (origin.span, definition.text().to_owned()));
            }
        }
    }
    (consts, conditions)
}

/// By name, where it is used, and the text that uses it.
pub(super) type Uses = BTreeMap<String, (Span, String)>;
