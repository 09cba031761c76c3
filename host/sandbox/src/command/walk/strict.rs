//! What a script that is named must not have in it: places where shells run text that they take from values, and words that shells and this
//! reader may read differently.
//!
//! A script with one of them is refused as a whole. Most of them are rare in commands that people write, and nobody can tell what they run.

use brush_parser::ast::{BinaryPredicate, ExtendedTestExpr, UnaryPredicate, Word};
use brush_parser::word::{
    self, Parameter, ParameterExpr, SpecialParameter, WordPiece, WordPieceWithSource,
};

use super::super::words::{SIDE_DOORS, WRAPPERS};
use super::super::{Refused, read};
use super::Checked;
use super::program::literal;

/// Commands that run the command that their arguments name, in ways that are not followed; some are of zsh.
const PRECOMMANDS: &[&str] = &["exec", "builtin", "noglob", "nocorrect", "repeat"];
/// Builtins that take their argument for an expression, some shells' at least.
const COUNTED: &[&str] = &["exit", "return", "shift", "break", "continue"];

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
    match script.split("${").skip(1).find(|it| !it.starts_with(parameter)) {
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
        byte.is_ascii_digit()
            || byte.is_ascii_whitespace()
            || b"+-*/%()<>=!&|^~?:,".contains(&byte)
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

/// Refuses commands whose arguments are, or could be, something else than they seem.
pub(super) fn command(name: &str, arguments: &[&Word]) -> Checked {
    let plain = name.rsplit('/').next().unwrap_or(name);
    let refused = |what: &str, why: &str| Err(Refused::new(format!("{plain} {what}"), why));
    if name.starts_with(['-', '=']) || PRECOMMANDS.contains(&plain) && !arguments.is_empty() {
        return refused("", "it runs what its arguments name");
    }
    if COUNTED.contains(&plain) {
        for argument in arguments {
            if !is_number(argument) {
                return refused(&argument.value, "it takes its argument for an expression");
            }
        }
    }
    match plain {
        "test" | "[" => compared(arguments),
        "wait" => match arguments.iter().find(|word| !is_named_plainly(word)) {
            Some(word) => refused(&word.value, "an index in it can run what a value says"),
            None => Ok(()),
        },
        // Its first argument could be `-v`.
        "printf" => match arguments.first() {
            Some(first) if begins(first).is_none() => {
                refused(&first.value, "it can set variables")
            }
            _ => Ok(()),
        },
        _ if SIDE_DOORS.iter().any(|(program, ..)| *program == plain) => {
            written_out(plain, arguments)
        }
        _ => Ok(()),
    }
}

/// Refuses arguments of which nobody can tell whether they are options that matter.
fn written_out(program: &str, arguments: &[&Word]) -> Checked {
    let texts: Vec<Option<String>> = arguments.iter().map(|word| literal(word)).collect();
    let commit = program == "git" && texts.first().and_then(Option::as_deref) == Some("commit");
    let mut before = None;
    for (argument, text) in arguments.iter().zip(&texts) {
        // The message of a commit is a value, whatever it begins with.
        let message = commit && matches!(before, Some("-m" | "-am" | "--message"));
        before = text.as_deref();
        let value = message && is_one_word(argument);
        // Text before what expands keeps it from being an option. `of=` of `dd` is one without a hyphen.
        let operand = program != "dd" && begins(argument).is_some_and(|it| it != '-');
        if text.is_none() && !value && !operand && !is_braced(&argument.value) {
            return Err(Refused::new(
                format!("{program} {}", argument.value),
                "an argument that is not written out could be an option that runs commands",
            ));
        }
    }
    Ok(())
}

/// Whether a word has only braces and tildes that no shell expands, as `{}`, `HEAD@{1}` and `HEAD~1..HEAD`.
fn is_braced(text: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"{}@^~/_.-".contains(&byte);
    let list = text.contains('{') && text.contains("..");
    !text.starts_with('~') && !list && text.bytes().all(plain)
}

/// Refuses to feed a program arguments that are read at run time, where one of them could be an option that matters.
pub(super) fn fed(wrapper: &str, program: &Word) -> Checked {
    let name = literal(program).unwrap_or_default();
    let plain = name.rsplit('/').next().unwrap_or(&name);
    let matters = SIDE_DOORS.iter().any(|(known, ..)| *known == plain)
        || matches!(plain, "printf" | "test" | "[")
        || WRAPPERS.contains(&plain);
    if wrapper == "xargs" && matters {
        return Err(Refused::new(
            format!("xargs {plain}"),
            "an argument that is read could be an option that runs commands",
        ));
    }
    Ok(())
}

/// `test` and `[`: `-v` and `-R` take a name with an index, and a word that is not written out could be one of them.
fn compared(arguments: &[&Word]) -> Checked {
    let texts: Vec<Option<String>> = arguments.iter().map(|word| literal(word)).collect();
    let text = |at: Option<usize>| texts.get(at?).and_then(Option::as_deref);
    let is_operator = |text: Option<&str>| {
        text.is_some_and(|it| matches!(it, "=" | "==" | "!=" | "<" | ">") || it.starts_with('-'))
    };
    for (at, argument) in arguments.iter().enumerate() {
        let fine = match text(Some(at)) {
            Some(it) if matches!(it, "-v" | "-R") => false,
            // An expression, for some shells.
            Some(it) => !(it.contains('[') && it.len() > 1),
            None => {
                is_number(argument)
                    || is_one_word(argument)
                        && (is_operator(text(at.checked_sub(1))) || is_operator(text(Some(at + 1))))
            }
        };
        // Some shells take both sides for expressions.
        let sides = matches!(
            text(Some(at)),
            Some("-eq" | "-ne" | "-lt" | "-le" | "-gt" | "-ge")
        );
        let number = |at: Option<usize>| {
            at.and_then(|at| arguments.get(at))
                .is_none_or(|it| is_number(it) || literal(it).is_none())
        };
        if !fine || sides && !(number(at.checked_sub(1)) && number(Some(at + 1))) {
            return Err(Refused::new(
                format!("test {}", argument.value),
                "it can run what a value says",
            ));
        }
    }
    Ok(())
}

/// Whether a word is a number, or `$?`, `$#`, `$!`, `$$`.
fn is_number(word: &Word) -> bool {
    match literal(word) {
        Some(text) => {
            let digits = text.strip_prefix('-').unwrap_or(&text);
            !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit())
        }
        None => {
            let pieces = word::parse(&word.value, &read::options()).unwrap_or_default();
            matches!(pieces.as_slice(), [only] if is_special(&only.piece))
        }
    }
}

fn is_special(piece: &WordPiece) -> bool {
    match piece {
        WordPiece::DoubleQuotedSequence(inner) => {
            matches!(inner.as_slice(), [only] if is_special(&only.piece))
        }
        WordPiece::ParameterExpansion(ParameterExpr::Parameter {
            parameter: Parameter::Special(which),
            indirect: false,
        }) => matches!(
            which,
            SpecialParameter::LastExitStatus
                | SpecialParameter::PositionalParameterCount
                | SpecialParameter::LastBackgroundProcessId
                | SpecialParameter::ProcessId
        ),
        _ => false,
    }
}

/// A process of `wait`: a number, or a job by `%`.
fn is_named_plainly(word: &Word) -> bool {
    // `-n` and `-f` take nothing.
    is_number(word)
        || literal(word).is_some_and(|it| it.starts_with('%') || matches!(&*it, "-n" | "-f"))
}

/// Whether a word stays one word, whatever its expansions give.
fn is_one_word(word: &Word) -> bool {
    let pieces = word::parse(&word.value, &read::options()).unwrap_or_default();
    matches!(
        pieces.as_slice(),
        [WordPieceWithSource { piece: WordPiece::DoubleQuotedSequence(_), .. }]
    ) && !is_list(&word.value)
}

/// Whether an expansion in quotes can give several words.
fn is_list(text: &str) -> bool {
    ["$@", "${@", "[@]"].iter().any(|it| text.contains(it))
}

/// The first character of a word that begins with text, and stays one word.
fn begins(word: &Word) -> Option<char> {
    if let Some(text) = literal(word) {
        return text.chars().next();
    }
    if !is_one_word(word) {
        return None;
    }
    let pieces = word::parse(&word.value, &read::options()).ok()?;
    let WordPiece::DoubleQuotedSequence(inner) = &pieces.first()?.piece else {
        return None;
    };
    match &inner.first()?.piece {
        WordPiece::Text(text) => text.chars().next(),
        _ => None,
    }
}
