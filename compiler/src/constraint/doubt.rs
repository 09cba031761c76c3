//! Conditions that are sound and probably not what was meant.

use std::{collections::BTreeMap, ops::Range};

use super::{
    check::{Known, describe, impossible, known, type_of},
    codes,
    finding::ConstraintError,
    list::Element,
    number,
};
use crate::{
    diagnostic::quoted,
    expr::{Literal, Operand, TextCall, Type, json},
};

/// A text that reads as a number, compared with what may be one.
pub(super) fn number_texts(left: &Operand, right: &Operand) -> Option<ConstraintError> {
    let (text, literal) = match (known(left), known(right)) {
        (Known::Nothing, Known::Value(Literal::String(text))) => (text, right),
        (Known::Value(Literal::String(text)), Known::Nothing) => (text, left),
        _ => return None,
    };
    number::looks_like_a_number(text).then(|| {
        let shown = quoted(&json(text));
        ConstraintError::new(
            codes::NUMBER_TEXT,
            literal.span.clone(),
            format!("{shown} is a text that looks like a number"),
        )
        .label("numbers never compare with it, and texts are ordered letter by letter")
        .help(format!(
            "if the argument is a number write {}",
            quoted(text)
        ))
    })
}

/// A literal text that is found in every text.
pub(super) fn empty_text(call: TextCall, span: Range<usize>, negative: bool) -> ConstraintError {
    let help = if negative {
        "write the text that is meant: negated, this holds for no call"
    } else {
        "write the text that is meant, or remove the condition"
    };
    ConstraintError::new(
        codes::EMPTY_TEXT,
        span,
        format!("every text {}", with_empty(call)),
    )
    .help(help)
}

/// Warnings for elements that are equal to an earlier one.
pub(super) fn duplicates(
    elements: impl Iterator<Item = (String, Range<usize>)>,
) -> Vec<ConstraintError> {
    let mut seen: BTreeMap<String, Range<usize>> = BTreeMap::new();
    let mut warnings = Vec::new();
    for (key, span) in elements {
        match seen.get(&key) {
            Some(first) => warnings.push(
                ConstraintError::new(
                    codes::DUPLICATE,
                    span,
                    "this element stands in the list already",
                )
                .second(first.clone(), "first here")
                .help("remove one of them"),
            ),
            None => {
                seen.insert(key, span);
            }
        }
    }
    warnings
}

/// Warnings for elements that never equal the value that is sought, in a list in which others can.
pub(super) fn dead_elements(value: &Operand, elements: &[Element]) -> Vec<ConstraintError> {
    let known = known(value);
    let Some(own_type) = type_of(&known) else {
        return Vec::new();
    };
    let why = |element: &Element| {
        if own_type == Type::of(&element.value) {
            impossible(&known, &element.value)
        } else {
            Some(format!(
                "{} is never {}",
                describe(&known),
                Type::of(&element.value).described()
            ))
        }
    };
    let dead: Vec<(&Element, String)> = elements
        .iter()
        .filter_map(|element| Some((element, why(element)?)))
        .collect();
    if dead.len() == elements.len() {
        return Vec::new();
    }
    let warning = |(element, why): (&Element, String)| {
        let shown = quoted(&element.value.to_string());
        let message = format!("{shown} can never be the value that is sought");
        ConstraintError::new(codes::DEAD_ELEMENT, element.span.clone(), message)
            .label(why)
            .help("remove the element")
    };
    dead.into_iter().map(warning).collect()
}

/// What every text does with the empty text.
pub(super) fn with_empty(call: TextCall) -> &'static str {
    match call {
        TextCall::StartsWith => "begins with the empty text",
        TextCall::EndsWith => "ends with the empty text",
        TextCall::Contains => "contains the empty text",
    }
}
