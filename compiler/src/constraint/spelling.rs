//! How things are spelled, here and in other languages.

use std::ops::Range;

use super::{codes, finding::ConstraintError, number, text};
use crate::{diagnostic::quoted, expr::CompareOp};

/// Whether a character is part of a word, as people write words.
pub(super) fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

/// Spellings of operators, the longest first among those that begin alike: what they mean and whether that is how to write them.
pub(super) const OPERATORS: [(&str, Meaning, bool); 22] = [
    ("!==", Meaning::Op(CompareOp::NotEqual), false),
    ("===", Meaning::Op(CompareOp::Equal), false),
    ("==", Meaning::Op(CompareOp::Equal), true),
    ("=~", Meaning::Match, false),
    ("=<", Meaning::Op(CompareOp::LessOrEqual), false),
    ("=>", Meaning::Op(CompareOp::GreaterOrEqual), false),
    ("=", Meaning::Op(CompareOp::Equal), false),
    ("!=", Meaning::Op(CompareOp::NotEqual), true),
    ("!~", Meaning::Match, false),
    ("!", Meaning::Word("not"), false),
    ("<>", Meaning::Op(CompareOp::NotEqual), false),
    ("<=", Meaning::Op(CompareOp::LessOrEqual), true),
    ("<", Meaning::Op(CompareOp::Less), true),
    (">=", Meaning::Op(CompareOp::GreaterOrEqual), true),
    (">", Meaning::Op(CompareOp::Greater), true),
    ("≤", Meaning::Op(CompareOp::LessOrEqual), false),
    ("≥", Meaning::Op(CompareOp::GreaterOrEqual), false),
    ("≠", Meaning::Op(CompareOp::NotEqual), false),
    ("&&", Meaning::Word("and"), false),
    ("&", Meaning::Word("and"), false),
    ("||", Meaning::Word("or"), false),
    ("|", Meaning::Word("or"), false),
];

/// What an operator means.
#[derive(Clone, Copy)]
pub(super) enum Meaning {
    Op(CompareOp),
    Word(&'static str),
    Match,
}

/// The error about something that begins like a number.
pub(super) fn number_fault(
    fault: number::Fault,
    written: &str,
    span: Range<usize>,
) -> ConstraintError {
    let beyond = |message: String| {
        ConstraintError::new(codes::NUMBER_LIMIT, span.clone(), message)
            .help("no call can carry such a number: it is refused as malformed")
    };
    match fault {
        number::Fault::Form(remedy) => ConstraintError::new(
            codes::NUMBER,
            span,
            format!("{} is not a number", quoted(written)),
        )
        .help(remedy),
        number::Fault::Digits(digits) => beyond(format!(
            "this number has {digits} digits, at most {} are allowed",
            number::MAX_DIGITS
        )),
        number::Fault::Exponent => beyond(format!(
            "the exponent of this number is beyond ±{}",
            number::MAX_EXPONENT
        )),
    }
}

/// The error about one character or escape of a text.
pub(super) fn text_fault(fault: text::Fault, span: Range<usize>) -> ConstraintError {
    match fault {
        text::Fault::Control(c) => ConstraintError::new(
            codes::TEXT,
            span,
            format!(
                "a control character (U+{:04X}) stands in a text",
                u32::from(c)
            ),
        )
        .help(match c {
            '\n' => "write `\\n`, or close the text on the line on which it begins".to_owned(),
            '\t' => "write `\\t`".to_owned(),
            '\r' => "write `\\r`".to_owned(),
            _ => format!("write `\\u{:04x}`", u32::from(c)),
        }),
        text::Fault::Escape(c) => {
            let shown = quoted(&format!("\\{c}"));
            ConstraintError::new(
                codes::TEXT,
                span,
                format!("{shown} is not an escape of JSON"),
            )
            .help(format!(
                "a backslash itself is written `\\\\`: {}",
                quoted(&format!("\\\\{c}"))
            ))
        }
        text::Fault::Hex => {
            ConstraintError::new(codes::TEXT, span, "`\\u` wants four hexadecimal digits")
                .help("write for instance `\\u00e9`; a backslash itself is written `\\\\`")
        }
        text::Fault::Surrogate => {
            ConstraintError::new(codes::TEXT, span, "this escape is half of a surrogate pair")
                .help("write both halves, such as `\\ud83d\\ude00`, or the character itself")
        }
    }
}

/// Where to calculate.
pub(super) const CALCULATE: &str =
    "what has to be calculated is for a policy in Rust, which `hexgate new` begins";

/// What helps with a character that means something elsewhere.
pub(super) fn foreign_character(c: char) -> Option<&'static str> {
    Some(match c {
        ';' => {
            "a constraint is one condition; write each into its own list entry, or join them with `and`"
        }
        '}' => "an object cannot be written in a constraint",
        '$' | '@' => "paths begin with a bare name: `args.x`",
        '?' | ':' => "there is no conditional; join conditions with `and`, `or` and `not`",
        '\\' => "escapes stand within double quotes only",
        '^' | '~' => "to search with a pattern write `matches(path, \"pattern\")`",
        '\u{a0}' | '\u{feff}' | '\u{200b}'..='\u{200f}' | '\u{2002}'..='\u{200a}' | '\u{3000}' => {
            "it is invisible: replace it by a plain space"
        }
        _ => return None,
    })
}
