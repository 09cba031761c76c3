//! Constants: values of a policy's YAML as the literals of constraints.

use crate::{
    constraint::number::{self, Fault},
    diagnostic::{Diagnostic, quoted},
    expr::Literal,
    source::{Node, NodeKind, Plain, Scalar},
};

/// Reads a value. Numbers keep the digits of the source.
pub(super) fn literal(node: &Node) -> Result<Literal, Box<Diagnostic>> {
    match &node.kind {
        NodeKind::List(nodes) => nodes
            .iter()
            .map(literal)
            .collect::<Result<_, _>>()
            .map(Literal::List),
        NodeKind::Mapping(_) => Err(Box::new(
            Diagnostic::new(
                "bad-const",
                "a constant is a text, a number, a boolean, null or a list, not a mapping",
                node.span,
                "a mapping",
            )
            .with_help("give each member a constant of its own"),
        )),
        NodeKind::Scalar(scalar) => match scalar.read() {
            Plain::Null => Ok(Literal::Null),
            Plain::Bool(value) => Ok(Literal::Bool(value)),
            Plain::String => Ok(Literal::String(scalar.value.clone())),
            Plain::Number => number(scalar, node),
            Plain::Ambiguous { reading } => Err(Box::new(ambiguous(scalar, reading, node))),
        },
    }
}

/// The diagnostic for a plain scalar on which readers of YAML disagree.
pub(super) fn ambiguous(scalar: &Scalar, reading: &str, node: &Node) -> Diagnostic {
    let text = &scalar.value;
    let number = if reading == "a number" {
        ", or write the number as `1000`, `0.5` or `1.5e+3`"
    } else {
        ""
    };
    let boolean = if reading == "a boolean" {
        ", or write `true` or `false`"
    } else {
        ""
    };
    Diagnostic::new(
        "ambiguous-scalar",
        format!(
            "some readers of YAML take {} for {reading}, others do not",
            quoted(text)
        ),
        node.span,
        "read in two ways",
    )
    .with_help(format!(
        "quote it if a text is meant: {}{number}{boolean}",
        quoted(&format!("\"{text}\""))
    ))
}

fn number(scalar: &Scalar, node: &Node) -> Result<Literal, Box<Diagnostic>> {
    let (message, label) = match number::check(&scalar.value) {
        Ok(()) => return Ok(Literal::Number(scalar.value.clone())),
        Err(Fault::Digits(digits)) => (
            format!(
                "the number has {digits} digits; at most {} are compared",
                number::MAX_DIGITS
            ),
            "too long",
        ),
        Err(Fault::Exponent) => (
            format!("the exponent lies beyond ±{}", number::MAX_EXPONENT),
            "too large",
        ),
        // What YAML reads as a number is one of JSON's; were it not, it would be refused here too.
        Err(Fault::Form(remedy)) => (format!("this is not a number: {remedy}"), "not a number"),
    };
    Err(Box::new(
        Diagnostic::new("bad-const", message, node.span, label)
            .with_help("quote it if a text is meant"),
    ))
}
