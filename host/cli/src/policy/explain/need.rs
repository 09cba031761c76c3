//! What a condition lacks to have the value that is needed.

use hexgate_compiler::expr::{Expr, ExprKind, Literal, Over, Path, Quantifier};
use hexgate_eval::{
    Truth,
    trace::{ConditionKind, ConditionTrace},
};
use serde::Serialize;

use super::{
    values::{Type, Values},
    words,
};
use crate::output::shortened;

/// How many elements of a list are named where changing one of them is enough.
const ALTERNATIVES: usize = 4;

/// How much of a list of constants is shown, in characters.
const CONSTANTS: usize = 120;

/// Something that would have made the call pass.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Need {
    /// One thing.
    Do(String),
    /// All of these.
    All(Vec<Need>),
    /// Any one of these.
    OneOf(Vec<Need>),
    /// The same for each element of a list; what those that were looked at lack.
    Each {
        /// What each element must satisfy.
        rule: String,
        /// What some of them lack.
        lacking: Vec<Need>,
    },
}

impl Need {
    /// One thing to do.
    pub(super) fn act(text: impl Into<String>) -> Self {
        Self::Do(text.into())
    }

    /// All of several needs.
    pub(super) fn all(needs: Vec<Self>) -> Option<Self> {
        Self::join(needs, Self::All)
    }

    /// One of several needs. All of them lack something, or there would be no need.
    pub(super) fn one_of(needs: Vec<Self>) -> Option<Self> {
        Self::join(needs, Self::OneOf)
    }

    fn join(mut needs: Vec<Self>, several: fn(Vec<Self>) -> Self) -> Option<Self> {
        let mut seen = Vec::new();
        needs.retain(|need| {
            let new = !seen.contains(need);
            if new {
                seen.push(need.clone());
            }
            new
        });
        match needs.len() {
            0 | 1 => needs.pop(),
            _ => Some(several(needs)),
        }
    }
}

/// What a constraint lacks to be true, or false; nothing if it is. Without its typed form only its own text can be said.
pub(super) fn of_constraint(
    trace: &ConditionTrace,
    expr: Option<&Expr>,
    wanted: bool,
    values: &Values<'_>,
) -> Option<Need> {
    Search {
        constraint: &trace.source,
    }
    .of(trace, expr, wanted, values)
}

/// The search within one constraint.
struct Search<'c> {
    /// The constraint's text, which the spans of its typed form point into.
    constraint: &'c str,
}

impl Search<'_> {
    /// What a condition lacks to be true, or to be false.
    fn of(
        &self,
        trace: &ConditionTrace,
        expr: Option<&Expr>,
        wanted: bool,
        values: &Values<'_>,
    ) -> Option<Need> {
        let reached = if wanted { Truth::True } else { Truth::False };
        if trace.truth == reached {
            return None;
        }
        let whole = || Some(Need::act(format!("`{}` must be {wanted}", trace.source)));
        match (trace.kind, expr.map(|expr| &expr.kind)) {
            (ConditionKind::And, Some(ExprKind::And(parts)))
            | (ConditionKind::Or, Some(ExprKind::Or(parts))) => {
                if parts.len() != trace.parts.len() {
                    return whole();
                }
                self.junction(trace, parts.iter().map(Some), wanted, values)
            }
            (ConditionKind::And | ConditionKind::Or, None) => {
                self.junction(trace, trace.parts.iter().map(|_| None), wanted, values)
            }
            (ConditionKind::Not, Some(ExprKind::Not(part))) => match trace.parts.first() {
                Some(traced) => self.of(traced, Some(part), !wanted, values),
                None => whole(),
            },
            (ConditionKind::Not, None) => match trace.parts.first() {
                Some(traced) => self.of(traced, None, !wanted, values),
                None => whole(),
            },
            (
                ConditionKind::Every | ConditionKind::Any,
                Some(ExprKind::Quantifier {
                    quantifier,
                    over: Over::Path(path),
                    body,
                }),
            ) => self.quantified(trace, (*quantifier, path, body), wanted, values),
            (
                ConditionKind::Every | ConditionKind::Any,
                Some(ExprKind::Quantifier {
                    quantifier,
                    over: Over::Listed(elements),
                    body,
                }),
            ) => self
                .listed(trace, (*quantifier, elements, body), wanted, values)
                .or_else(whole),
            (
                ConditionKind::EveryMember | ConditionKind::AnyMember | ConditionKind::Anywhere,
                Some(ExprKind::Quantifier {
                    quantifier,
                    over: Over::Path(path),
                    body,
                }),
            ) => self.within(trace, (*quantifier, path, body), wanted, values),
            (
                ConditionKind::Optional,
                Some(ExprKind::Quantifier {
                    over: Over::Path(path),
                    body,
                    ..
                }),
            ) => match trace.parts.first() {
                Some(part) => {
                    let value = values.at(path)?.into_owned();
                    let inner = values.with(format!("`{path}`"), value);
                    let need = self.of(part, Some(body), wanted, &inner)?;
                    let subject = words::Subject::path(path, values);
                    let leave = Need::act(format!("leave out {}", subject.name()));
                    Need::one_of(if wanted {
                        vec![need, leave]
                    } else {
                        vec![need]
                    })
                }
                None => Some(Need::act(format!(
                    "`{path}` must be given, and `{}` must be {wanted}",
                    self.text(body)
                ))),
            },
            (
                ConditionKind::Named,
                Some(ExprKind::Named {
                    definition, body, ..
                }),
            ) => {
                let inner = Search {
                    constraint: definition,
                };
                match trace.parts.first() {
                    Some(part) => inner.of(part, Some(body), wanted, values),
                    None => whole(),
                }
            }
            (ConditionKind::Leaf, Some(_)) => expr
                .and_then(|expr| words::leaf(expr, trace, wanted, values))
                .map(Need::Do)
                .or_else(whole),
            _ => whole(),
        }
    }

    /// Conjunctions and disjunctions: what decides needs one part, what does not needs all.
    fn junction<'e>(
        &self,
        trace: &ConditionTrace,
        exprs: impl Iterator<Item = Option<&'e Expr>>,
        wanted: bool,
        values: &Values<'_>,
    ) -> Option<Need> {
        let needs: Vec<Need> = trace
            .parts
            .iter()
            .zip(exprs)
            .filter_map(|(part, expr)| self.of(part, expr, wanted, values))
            .collect();
        if (trace.kind == ConditionKind::And) == wanted {
            Need::all(needs)
        } else {
            Need::one_of(needs)
        }
    }

    /// Quantifiers: for each element, or one of them.
    fn quantified(
        &self,
        trace: &ConditionTrace,
        (quantifier, path, body): (Quantifier, &Path, &Expr),
        wanted: bool,
        values: &Values<'_>,
    ) -> Option<Need> {
        let list = words::Subject::path(path, values);
        let Some(elements) = values.elements(path) else {
            let elements = of_elements(quantifier, self.text(body), wanted);
            return Some(Need::act(list.must(&format!("be a list{elements}"))));
        };
        let text = self.text(body);
        let universal = (quantifier == Quantifier::Every) == wanted;
        let traced = trace.parts.iter().enumerate().filter_map(|(index, part)| {
            // More elements than are traced were looked at: which one the last is, is not known.
            if index >= words::TRACED {
                let behind = words::TRACED;
                return Some(Need::act(format!(
                    "in an element behind the first {behind} of {}, `{text}` must be {wanted}",
                    list.name()
                )));
            }
            let inner = values.with(
                format!("element {}", index + 1),
                (*elements.get(index)?).to_owned(),
            );
            self.of(part, Some(body), wanted, &inner)
        });
        let mut needs: Vec<Need> = traced.collect();
        if universal {
            let rule = format!(
                "for each element of {}, `{text}` must be {wanted}",
                list.name()
            );
            return Some(Need::Each {
                rule,
                lacking: needs,
            });
        }
        // Any element would do: the first few are enough to choose from.
        needs.truncate(ALTERNATIVES);
        needs.push(Need::act(format!(
            "add an element to {} for which `{text}` is {wanted}",
            list.name()
        )));
        Need::one_of(needs)
    }

    /// Quantifiers over constants: the list stays as it is.
    fn listed(
        &self,
        trace: &ConditionTrace,
        (quantifier, elements, body): (Quantifier, &[Literal], &Expr),
        wanted: bool,
        values: &Values<'_>,
    ) -> Option<Need> {
        let traced = trace.parts.iter().filter_map(|part| {
            let index = part.element.as_ref()?.index;
            let label = format!("constant {}", index + 1);
            let inner = values.with(label, elements.get(index)?.to_string());
            self.of(part, Some(body), wanted, &inner)
        });
        let mut needs: Vec<Need> = traced.collect();
        if (quantifier == Quantifier::Every) == wanted {
            if trace.parts.len() == elements.len() {
                return Need::all(needs);
            }
            // The one that decides is the last that was looked at: what is behind it may lack the same.
            let texts: Vec<String> = elements.iter().map(Literal::to_string).collect();
            let (all, text) = (shortened(&texts.join(", "), CONSTANTS), self.text(body));
            return Some(Need::Each {
                rule: format!("for each of {all}, `{text}` must be {wanted}"),
                lacking: needs,
            });
        }
        needs.truncate(ALTERNATIVES);
        Need::one_of(needs)
    }

    /// Members of an object, or texts at and below a value: for each, or one of them.
    fn within(
        &self,
        trace: &ConditionTrace,
        (quantifier, path, body): (Quantifier, &Path, &Expr),
        wanted: bool,
        values: &Values<'_>,
    ) -> Option<Need> {
        let text = self.text(body);
        let value = values.at(path);
        let is_object = value
            .as_ref()
            .is_some_and(|value| Type::of(value) == Type::Object);
        let (things, one) = if quantifier == Quantifier::Anywhere {
            ("text at and below", "text")
        } else {
            ("member of", "member")
        };
        if quantifier != Quantifier::Anywhere && !is_object {
            let subject = words::Subject::path(path, values);
            let each = format!("be an object; for its members `{text}` must be {wanted}");
            return Some(Need::act(subject.must(&each)));
        }
        let universal = (quantifier == Quantifier::EveryMember) == wanted;
        if value.is_none() {
            let subject = words::Subject::path(path, values);
            return Some(Need::act(subject.must(&if universal {
                format!("be given; for each text at and below it `{text}` must be {wanted}")
            } else {
                format!("have a text at or below it for which `{text}` is {wanted}")
            })));
        }
        let lacking = trace.parts.iter().filter_map(|part| {
            let element = part.element.as_ref()?;
            let (label, value) = match &element.name {
                Some(name) => {
                    // What is traced is shortened.
                    let full = values.member(path, name);
                    let value = full.unwrap_or(&element.value);
                    (
                        format!("member {name}"),
                        format!("{{\"name\": {name}, \"value\": {value}}}"),
                    )
                }
                None => (format!("text {}", element.value), element.value.clone()),
            };
            self.of(part, Some(body), wanted, &values.with(label, value))
        });
        let mut needs: Vec<Need> = lacking.collect();
        if universal {
            return Some(Need::Each {
                rule: format!("for each {things} `{path}`, `{text}` must be {wanted}"),
                lacking: needs,
            });
        }
        needs.truncate(ALTERNATIVES);
        needs.push(Need::act(format!(
            "add a {one} to `{path}` for which `{text}` is {wanted}"
        )));
        Need::one_of(needs)
    }

    /// The text of a part.
    fn text(&self, part: &Expr) -> String {
        self.constraint
            .get(part.span.clone())
            .unwrap_or(self.constraint)
            .to_owned()
    }
}

fn of_elements(quantifier: Quantifier, body: String, wanted: bool) -> String {
    match (quantifier, wanted) {
        (Quantifier::Every, true) => format!("; for each element `{body}` must be true"),
        (Quantifier::Any, false) => format!("; for each element `{body}` must be false"),
        (_, wanted) => format!(" with an element for which `{body}` is {wanted}"),
    }
}
