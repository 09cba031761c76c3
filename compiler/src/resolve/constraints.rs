//! Texts -> constraints: parsed where they are written, alike ones kept once.

use std::{
    collections::{BTreeSet, HashMap},
    sync::Arc,
};

use super::{Use, Written, consts::Env};
use crate::{
    budget::Budget,
    constraint::{self, ConstraintError, Definition, Purpose},
    diagnostic::{Diagnostic, Sink, codes, quoted},
    document::Text,
    model::Constraint,
    source::{self, NodeKind, Sources, Span, Style},
};

/// All constraints of a policy.
#[derive(Debug, Default)]
pub(super) struct Constraints {
    pub(super) written: Vec<Written>,
    /// By text and, for one that uses constants, meaning.
    known: HashMap<(String, u64), Vec<usize>>,
    /// Where the constants and named conditions stand that a constraint or another condition uses.
    pub(super) used: BTreeSet<Span>,
}

impl Constraints {
    /// Parses constraints that are written in the sight of `env`. `forbids`: where they are true a call is denied.
    pub(super) fn parse_all<'d>(
        &mut self,
        texts: &'d [Text],
        env: &Env<'_>,
        forbids: bool,
        budget: &Budget,
        sources: &Sources,
        sink: &mut Sink,
    ) -> Vec<Use<'d>> {
        texts
            .iter()
            .filter_map(|text| self.parse(text, env, forbids, budget, sources, sink))
            .collect()
    }

    fn parse<'d>(
        &mut self,
        text: &'d Text,
        env: &Env<'_>,
        forbids: bool,
        budget: &Budget,
        sources: &Sources,
        sink: &mut Sink,
    ) -> Option<Use<'d>> {
        if budget.is_exhausted() || sink.is_full() {
            return None;
        }
        let purpose = if forbids {
            Purpose::Prohibition
        } else {
            Purpose::Requirement
        };
        let parsed = match constraint::parse_within(
            &text.value,
            &env.literals,
            &env.definitions,
            budget,
            purpose,
        ) {
            Ok(parsed) => parsed,
            Err(errors) => {
                for error in errors {
                    self.report(text, error, env, sources, sink);
                }
                // What uses a condition that was refused says nothing, since that was reported: it must have been.
                if !sink.has_errors() {
                    sink.push(Diagnostic::new(
                        "bad-define",
                        "this uses a condition that was refused",
                        text.node.span,
                        "",
                    ));
                }
                return None;
            }
        };
        for warning in parsed.warnings {
            sink.push(diagnostic(text, warning, env, sources));
        }
        self.use_names(&parsed.consts_used, &parsed.definitions_used, env);
        let meaning = if parsed.consts_used.is_empty() && parsed.definitions_used.is_empty() {
            0
        } else {
            parsed.expr.fingerprint()
        };
        let ids = self.known.entry((text.value.clone(), meaning)).or_default();
        let known = ids.iter().copied().find(|id| {
            self.written
                .get(*id)
                .is_some_and(|written| written.constraint.expr == parsed.expr)
        });
        let id = known.unwrap_or_else(|| {
            let id = self.written.len();
            ids.push(id);
            self.written.push(Written {
                steps: parsed.expr.steps(),
                constraint: Arc::new(Constraint {
                    source: text.value.clone(),
                    expr: parsed.expr,
                }),
                consts: parsed.consts_used.into_iter().collect(),
                definitions: parsed.definitions_used.into_iter().collect(),
            });
            id
        });
        Some(Use { id, text })
    }

    /// Reports what is wrong with a constraint or a named condition.
    pub(super) fn report(
        &self,
        text: &Text,
        error: ConstraintError,
        env: &Env<'_>,
        sources: &Sources,
        sink: &mut Sink,
    ) {
        // The value of this constant was refused where it stands.
        let refused = error.code == codes::constraint::CONSTANT
            && text.value.get(error.span.clone()).is_some_and(|name| {
                env.origins.contains_key(name) && !env.literals.contains_key(name)
            });
        if !refused {
            sink.push(diagnostic(text, error, env, sources));
        }
    }

    /// Notes what a named condition uses.
    pub(super) fn use_definition(&mut self, definition: &Definition, env: &Env<'_>) {
        self.use_names(&definition.consts_used, &definition.definitions_used, env);
    }

    fn use_names(
        &mut self,
        consts: &BTreeSet<String>,
        definitions: &BTreeSet<String>,
        env: &Env<'_>,
    ) {
        let consts = consts.iter().filter_map(|name| env.origins.get(name));
        let definitions = definitions.iter().filter_map(|name| env.defined.get(name));
        self.used
            .extend(consts.chain(definitions).map(|origin| origin.span));
    }
}

/// A finding about the text of a constraint, at its place in the policy.
pub(super) fn diagnostic(
    text: &Text,
    error: ConstraintError,
    env: &Env<'_>,
    sources: &Sources,
) -> Diagnostic {
    let locate = |range: std::ops::Range<usize>| text.node.locate(sources, range);
    let mut diagnostic =
        Diagnostic::new(error.code, error.message, locate(error.span), error.label);
    if let Some((range, label)) = error.second {
        diagnostic = diagnostic.with_label(locate(range), label);
    }
    diagnostic = diagnostic.with_help_if(error.help);
    if diagnostic.is_error()
        && let Some(help) = cut_off(text, sources).or_else(|| split(text, sources))
    {
        diagnostic = diagnostic.with_help(help);
    }
    // A constant's value is part of the constraint, and stands elsewhere.
    if diagnostic.is_error() && diagnostic.secondary.is_empty() {
        let written = sources.slice(diagnostic.primary.span);
        let names = written.split("consts.").skip(1).map(|rest| {
            let end = rest.find(|c: char| !(c.is_ascii_alphanumeric() || c == '_'));
            rest.get(..end.unwrap_or(rest.len())).unwrap_or_default()
        });
        if let Some((name, origin)) = names
            .filter_map(|name| env.origins.get_key_value(name))
            .min_by_key(|(name, _)| *name)
        {
            let reference = quoted(&format!("consts.{name}"));
            diagnostic = diagnostic.with_label(origin.span, format!("{reference} is defined here"));
        }
    }
    diagnostic
}

/// The help for a constraint that YAML took apart at a comma.
fn split(text: &Text, sources: &Sources) -> Option<String> {
    let NodeKind::Scalar(scalar) = &text.node.kind else {
        return None;
    };
    let Span { file, start, end } = text.node.span;
    let source = sources.text(file);
    let before = source.get(..start as usize)?.trim_end();
    let behind = source.get(end as usize..)?.trim_start();
    let count = |c: u8| scalar.value.bytes().filter(|byte| *byte == c).count();
    let (opened, closed) = (count(b'('), count(b')'));
    let is_first = opened > closed && behind.starts_with(',');
    let is_rest = closed > opened && before.ends_with(',');
    (scalar.style == Style::Plain && (is_first || is_rest)).then(|| source::FLOW_COMMA.to_owned())
}

/// The help for a constraint of which YAML took a part away as a comment.
fn cut_off(text: &Text, sources: &Sources) -> Option<String> {
    let NodeKind::Scalar(scalar) = &text.node.kind else {
        return None;
    };
    if scalar.style != Style::Plain {
        return None;
    }
    let Span { file, end, .. } = text.node.span;
    let behind = sources.text(file).get(end as usize..)?;
    let is_comment =
        behind.starts_with([' ', '\t']) && behind.trim_start_matches([' ', '\t']).starts_with('#');
    // Only where a text was left open: a comment behind a constraint is nothing unusual.
    let quotes = scalar.value.bytes().filter(|byte| *byte == b'"').count();
    (is_comment && quotes % 2 == 1).then(|| "YAML takes everything from ` #` on for a comment: put single quotes around the whole constraint".to_owned())
}
