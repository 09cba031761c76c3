//! Constants: values of a policy's YAML as the literals of constraints.

use crate::{
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
    /// What the evaluator compares exactly.
    const MAX_DIGITS: usize = 100;
    const MAX_EXPONENT: u32 = 1000;
    let (mantissa, exponent) = scalar
        .value
        .split_once(['e', 'E'])
        .unwrap_or((&scalar.value, "0"));
    let digits = mantissa.bytes().filter(u8::is_ascii_digit).count();
    if digits > MAX_DIGITS {
        return Err(Box::new(
            Diagnostic::new(
                "bad-const",
                format!("the number has {digits} digits; at most {MAX_DIGITS} are compared"),
                node.span,
                "too long",
            )
            .with_help("quote it if a text is meant"),
        ));
    }
    let magnitude = exponent
        .trim_start_matches(['+', '-'])
        .trim_start_matches('0');
    if !magnitude.is_empty()
        && magnitude
            .parse::<u32>()
            .map_or(true, |magnitude| magnitude > MAX_EXPONENT)
    {
        return Err(Box::new(
            Diagnostic::new(
                "bad-const",
                format!("the exponent lies beyond ±{MAX_EXPONENT}"),
                node.span,
                "too large",
            )
            .with_help("quote it if a text is meant"),
        ));
    }
    Ok(Literal::Number(scalar.value.clone()))
}
