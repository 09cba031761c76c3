//! What a script that is named must not have in it: places where shells run text that they take from values, and words that shells and this
//! reader may read differently.
//!
//! A script with one of them is refused as a whole. Most of them are rare in commands that people write, and nobody can tell what they run.

use brush_parser::ast::{BinaryPredicate, ExtendedTestExpr, UnaryPredicate, Word};
use brush_parser::word::{Parameter, ParameterExpr, WordPiece, WordPieceWithSource};

use super::super::Refused;
use super::Checked;

/// Refuses a script in which this reader would see a quote where a shell sees none: `\$'` and `$$'` end before the quote. And one with braces
/// that some shells take for more than a parameter: `${ command; }`, `${|command;}`, `${(flags)name}`.
pub(super) fn quotes(script: &str) -> Checked {
    if let Some(found) = ["\\$'", "$$'"].iter().find(|it| script.contains(**it)) {
        return Err(Refused::new(
            *found,
            "shells read the quote in different ways",
        ));
    }
    let parameter = |first: char| first.is_ascii_alphanumeric() || "_@*#?$!-".contains(first);
    match script
        .split("${")
        .skip(1)
        .find(|it| !it.starts_with(parameter))
    {
        Some(rest) => Err(Refused::new(
            format!("${{{rest}"),
            "some shells run what stands in the braces",
        )),
        None => Ok(()),
    }
}

/// Refuses a word in which plain text has what would end it, so that a shell would see another one; and `{name[index]}`, which names a
/// descriptor.
pub(super) fn word(word: &Word, pieces: &[WordPieceWithSource]) -> Checked {
    let odd = |text: &str| text.contains([' ', '\t', '\n', ';', '&', '|', '<', '>', '(', ')']);
    let apart = pieces.iter().any(|it| match &it.piece {
        WordPiece::Text(text) => odd(text),
        _ => false,
    });
    if apart || word.value.starts_with('{') && word.value.ends_with("]}") {
        return Err(Refused::new(
            word.value.as_str(),
            "shells read it in different ways",
        ));
    }
    Ok(())
}

/// Refuses text with a `$` that is left over, and an index behind an expansion.
pub(super) fn text(text: &str, behind_expansion: bool) -> Checked {
    let left = ["${", "$[", "$("].iter().any(|it| text.contains(it));
    if left || behind_expansion && text.starts_with('[') {
        return Err(Refused::new(text, "shells read it in different ways"));
    }
    Ok(())
}

/// Refuses an expression with anything but numbers. A shell takes the value of a name for an expression again, and runs what stands in an
/// index there.
pub(super) fn arithmetic(expression: &str) -> Checked {
    let plain = |byte: u8| {
        byte.is_ascii_digit() || byte.is_ascii_whitespace() || b"+-*/%()<>=!&|^~?:,".contains(&byte)
    };
    if expression.bytes().all(plain) {
        return Ok(());
    }
    Err(Refused::new(
        expression,
        "an expression with more than numbers can run what a value says",
    ))
}

/// Refuses expansions that take a value for a name, an expression or a text to expand.
pub(super) fn expansion(source: &str, expression: &ParameterExpr) -> Checked {
    use ParameterExpr as Is;
    let (parameter, indirect, inner) = match expression {
        Is::Parameter {
            parameter,
            indirect,
        }
        | Is::ParameterLength {
            parameter,
            indirect,
        } => (parameter, *indirect, [None, None]),
        Is::UseDefaultValues {
            parameter,
            indirect,
            default_value: inner,
            ..
        }
        | Is::IndicateErrorIfNullOrUnset {
            parameter,
            indirect,
            error_message: inner,
            ..
        }
        | Is::UseAlternativeValue {
            parameter,
            indirect,
            alternative_value: inner,
            ..
        }
        | Is::RemoveSmallestSuffixPattern {
            parameter,
            indirect,
            pattern: inner,
        }
        | Is::RemoveLargestSuffixPattern {
            parameter,
            indirect,
            pattern: inner,
        }
        | Is::RemoveSmallestPrefixPattern {
            parameter,
            indirect,
            pattern: inner,
        }
        | Is::RemoveLargestPrefixPattern {
            parameter,
            indirect,
            pattern: inner,
        }
        | Is::UppercaseFirstChar {
            parameter,
            indirect,
            pattern: inner,
        }
        | Is::UppercasePattern {
            parameter,
            indirect,
            pattern: inner,
        }
        | Is::LowercaseFirstChar {
            parameter,
            indirect,
            pattern: inner,
        }
        | Is::LowercasePattern {
            parameter,
            indirect,
            pattern: inner,
        } => (parameter, *indirect, [inner.as_deref(), None]),
        Is::ReplaceSubstring {
            parameter,
            indirect,
            pattern,
            replacement,
            ..
        } => (
            parameter,
            *indirect,
            [Some(pattern.as_str()), replacement.as_deref()],
        ),
        Is::Substring {
            parameter,
            indirect,
            offset,
            length,
        } => {
            arithmetic(&offset.value)?;
            if let Some(length) = length {
                arithmetic(&length.value)?;
            }
            (parameter, *indirect, [None, None])
        }
        Is::AssignDefaultValues { .. }
        | Is::Transform { .. }
        | Is::VariableNames { .. }
        | Is::MemberKeys { .. } => {
            return Err(Refused::new(source, "it sets variables or runs text"));
        }
    };
    if indirect {
        return Err(Refused::new(source, "a value names what it expands"));
    }
    if let Parameter::NamedWithIndex { index, .. } = parameter {
        arithmetic(index)?;
    }
    // What is expanded again, and quotes, of which shells see the end in different places.
    let deep = |text: &str| text.contains(['$', '`', '\\', '\'', '"', '{', '(']);
    match inner.into_iter().flatten().find(|text| deep(text)) {
        Some(text) => Err(Refused::new(
            text,
            "expansions within expansions are not read",
        )),
        None => Ok(()),
    }
}

/// Refuses tests that take a value for the name of a variable or for an expression.
pub(super) fn test(test: &ExtendedTestExpr) -> Checked {
    match test {
        ExtendedTestExpr::UnaryTest(
            UnaryPredicate::ShellVariableIsSetAndAssigned
            | UnaryPredicate::ShellVariableIsSetAndNameRef,
            word,
        ) => Err(Refused::new(
            word.value.as_str(),
            "an index in it can run what a value says",
        )),
        ExtendedTestExpr::BinaryTest(
            BinaryPredicate::ArithmeticEqualTo
            | BinaryPredicate::ArithmeticNotEqualTo
            | BinaryPredicate::ArithmeticLessThan
            | BinaryPredicate::ArithmeticLessThanOrEqualTo
            | BinaryPredicate::ArithmeticGreaterThan
            | BinaryPredicate::ArithmeticGreaterThanOrEqualTo,
            left,
            right,
        ) => {
            arithmetic(&left.value)?;
            arithmetic(&right.value)
        }
        _ => Ok(()),
    }
}
