//! What the commands of a script that is named must not have for arguments: what could be an option or an expression by which they run others.

use brush_parser::ast::Word;
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
            Some(first) if begins(first).is_none() => refused(&first.value, "it can set variables"),
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
        // Text before what expands keeps it from being an option. These have options without a hyphen.
        let operand =
            !matches!(program, "dd" | "tar") && begins(argument).is_some_and(|it| it != '-');
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
            Some("-v" | "-R") => false,
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
                .is_none_or(|it| is_number(it))
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
        [WordPieceWithSource {
            piece: WordPiece::DoubleQuotedSequence(_),
            ..
        }]
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
