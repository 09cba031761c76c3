//! Conditions with names: read once where they are defined, expanded where they are used.

use std::{
    collections::{BTreeMap, BTreeSet},
    ops::Range,
    sync::Arc,
};

use super::{
    codes, expand,
    finding::ConstraintError,
    lexer::{self, Kind},
    parser::{Parser, Sight},
};
use crate::{
    budget::Budget,
    expr::{Expr, Function, Literal, Root},
};

/// A condition with a name. In it `.` is what it is asked of.
#[derive(Debug, Clone, PartialEq)]
pub struct Definition {
    pub(super) text: Arc<str>,
    pub(super) expr: Expr,
    /// Whether it looks at `.`.
    pub(super) asks: bool,
    /// Whether it is true of everything.
    pub(super) always: bool,
    /// What is doubtful about it in itself, by position.
    pub warnings: Vec<ConstraintError>,
    /// The names of the constants in it.
    pub consts_used: BTreeSet<String>,
    /// The names of the conditions that it uses itself.
    pub definitions_used: BTreeSet<String>,
    /// What is advised where it stands below an even number of negations, and (true) below an odd number.
    pub(super) advice: Vec<(bool, ConstraintError)>,
    pub(super) cost: expand::Cost,
}

impl Definition {
    /// The condition as written.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// What it means, with `.` for what it is asked of.
    #[must_use]
    pub fn expr(&self) -> &Expr {
        &self.expr
    }

    /// Whether it looks at `.`, and so is used as `name(path)`; else as `name()`.
    #[must_use]
    pub fn asks(&self) -> bool {
        self.asks
    }
}

/// The named conditions in sight of a constraint.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Definitions {
    /// None: it was refused, which was reported where it stands.
    known: BTreeMap<String, Option<Arc<Definition>>>,
}

impl Definitions {
    /// None in sight.
    #[must_use]
    pub fn none() -> Self {
        Self::default()
    }

    /// Brings a condition into sight. One of that name is replaced.
    pub fn insert(&mut self, name: impl Into<String>, definition: Arc<Definition>) {
        self.known.insert(name.into(), Some(definition));
    }

    /// Notes that the condition of that name was refused: what uses it is refused without another error.
    pub fn refuse(&mut self, name: impl Into<String>) {
        self.known.insert(name.into(), None);
    }

    /// The condition of that name, unless it was refused.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Arc<Definition>> {
        self.known.get(name)?.as_ref()
    }

    /// The names, also of those that were refused.
    pub fn names(&self) -> impl ExactSizeIterator<Item = &str> {
        self.known.keys().map(String::as_str)
    }

    pub(super) fn find(&self, name: &str) -> Option<Option<&Arc<Definition>>> {
        self.known.get(name).map(Option::as_ref)
    }

    /// Reads conditions that stand beside each other, in an order in which each knows those that it uses, and brings them into sight. What
    /// is in sight already is known to all. The outcome of each, in the order in which they are given; the place of an error is one in the
    /// text.
    pub fn define<'t>(
        &mut self,
        written: impl IntoIterator<Item = (&'t str, &'t str)>,
        consts: &BTreeMap<String, Literal>,
        budget: &Budget,
    ) -> Vec<Result<Arc<Definition>, Vec<ConstraintError>>> {
        let written: Vec<(&str, &str)> = written.into_iter().collect();
        let places: BTreeMap<&str, usize> = (0..)
            .zip(&written)
            .map(|(at, (name, _))| (*name, at))
            .collect();
        let uses: Vec<Vec<Using>> = written
            .iter()
            .map(|(_, text)| {
                let uses = calls(text).into_iter();
                uses.filter_map(|(name, span)| Some((*places.get(name)?, span)))
                    .collect()
            })
            .collect();
        let (order, circles) = order(&uses);
        let mut outcomes: Vec<Result<Arc<Definition>, Vec<ConstraintError>>> =
            written.iter().map(|_| Err(Vec::new())).collect();
        for at in order {
            let (Some((name, text)), Some(outcome)) = (written.get(at), outcomes.get_mut(at))
            else {
                continue;
            };
            *outcome = match circles.get(&at) {
                Some((next, span)) => Err(vec![circle(
                    name,
                    span.clone(),
                    written.get(*next).map(|(name, _)| *name),
                )]),
                None => parse_definition(text, consts, self, budget).map(Arc::new),
            };
            match outcome {
                Ok(definition) => self.insert(*name, definition.clone()),
                Err(_) => self.refuse(*name),
            }
        }
        outcomes
    }
}

fn circle(name: &str, span: Range<usize>, next: Option<&str>) -> ConstraintError {
    let message = if next == Some(name) {
        format!("the condition `{name}` uses itself")
    } else {
        format!("the condition `{name}` uses itself, by way of this one")
    };
    ConstraintError::new(codes::CIRCLE, span, message)
        .help("write out what is meant: a condition can use those alone that do without it")
}

/// The use of another definition: which, and where it stands.
type Using = (usize, Range<usize>);

/// An order in which each comes after what it uses; and those that use themselves, with the use that leads around.
fn order(uses: &[Vec<Using>]) -> (Vec<usize>, BTreeMap<usize, Using>) {
    #[derive(Clone, Copy, PartialEq)]
    enum State {
        New,
        Open,
        Done,
    }
    let mut states = vec![State::New; uses.len()];
    let mut order = Vec::with_capacity(uses.len());
    let mut circles: BTreeMap<usize, Using> = BTreeMap::new();
    for start in 0..uses.len() {
        // Each with the number of its uses that were followed. Not by recursion: a chain may be as long as a policy.
        let mut ahead = vec![(start, 0)];
        while let Some((at, followed)) = ahead.pop() {
            let Some(state) = states.get_mut(at) else {
                continue;
            };
            if followed == 0 && *state != State::New {
                continue;
            }
            *state = State::Open;
            let Some((next, span)) = uses.get(at).and_then(|uses| uses.get(followed)) else {
                *state = State::Done;
                order.push(at);
                continue;
            };
            ahead.push((at, followed + 1));
            match states.get(*next) {
                Some(State::New) => ahead.push((*next, 0)),
                Some(State::Open) => {
                    circles.entry(at).or_insert((*next, span.clone()));
                }
                Some(State::Done) | None => {}
            }
        }
    }
    (order, circles)
}

/// The names that a text calls and that are no functions.
fn calls(text: &str) -> Vec<(&str, Range<usize>)> {
    let tokens = lexer::tokens(text, &mut Default::default());
    let mut found = Vec::new();
    for (token, next) in tokens.iter().zip(tokens.iter().skip(1)) {
        if let Kind::Word(word) = token.kind
            && next.kind == Kind::Open
            && Function::named(word).is_none()
        {
            found.push((word, token.span.clone()));
        }
    }
    found
}

/// Reads one definition: a condition in which `.` is what it is asked of. What it expands to is paid from the budget.
///
/// # Errors
///
/// What is wrong with it, by position, as [`parse_within`](super::parse_within) says it.
pub fn parse_definition(
    text: &str,
    consts: &BTreeMap<String, Literal>,
    definitions: &Definitions,
    budget: &Budget,
) -> Result<Definition, Vec<ConstraintError>> {
    let sight = Sight {
        consts,
        definitions,
        budget,
    };
    Parser::definition(text, &sight)
}

/// Why a name cannot be that of a condition, and what to do. None: it can.
#[must_use]
pub fn definition_name_fault(name: &str) -> Option<(String, &'static str)> {
    let taken = if Function::named(name).is_some() {
        "a function of the language"
    } else if Root::named(name).is_some() || name == "consts" {
        "a name with which paths begin"
    } else if ["and", "or", "not", "in", "true", "false", "null"].contains(&name) {
        "a word of the language"
    } else {
        return (!crate::expr::is_name(name)).then(|| {
            (
                format!(
                    "{} cannot be the name of a condition",
                    crate::diagnostic::quoted(name)
                ),
                "use letters, digits and `_`, and no digit first",
            )
        });
    };
    Some((
        format!("{} is {taken}", crate::diagnostic::quoted(name)),
        "choose another name",
    ))
}
