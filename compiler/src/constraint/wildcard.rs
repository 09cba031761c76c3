//! `*` in what is compared as it stands: the names of tools, roles and members.

use std::ops::Range;

use super::{check::Known, codes, finding::ConstraintError};
use crate::{
    diagnostic::quoted,
    expr::{Function, Literal, Path, TextCall, is_name},
};

/// The condition on a name that a text with `*` was probably meant to be. None: every name meets it.
pub(crate) fn name_test(path: &str, pattern: &str) -> Option<String> {
    let parts: Vec<&str> = pattern.split('*').collect();
    let call = |function: Function, text: &str| {
        Some(format!(
            "{function}({path}, {})",
            Literal::String(text.to_owned())
        ))
    };
    match parts.iter().filter(|part| !part.is_empty()).count() {
        0 => None,
        1 => match parts.as_slice() {
            [start, rest @ ..] if !start.is_empty() && rest.iter().all(|part| part.is_empty()) => {
                call(Function::StartsWith, start)
            }
            [rest @ .., end] if !end.is_empty() && rest.iter().all(|part| part.is_empty()) => {
                call(Function::EndsWith, end)
            }
            _ => call(
                Function::Contains,
                parts.iter().find(|part| !part.is_empty())?,
            ),
        },
        _ => {
            let escaped: Vec<String> = parts
                .iter()
                .map(|part| regex_syntax::escape(part))
                .collect();
            call(Function::Matches, &format!("^{}$", escaped.join(".*")))
        }
    }
}

/// How a name is compared with a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Compared {
    /// By `!=` or `not in`.
    pub(super) negated: bool,
    /// With one of several elements of a list.
    pub(super) listed: bool,
}

/// The error for a text with `*` that is compared with the name of a tool or role.
pub(super) fn compared(
    known: &Known<'_>,
    text: &str,
    span: Range<usize>,
    how: Compared,
) -> Option<ConstraintError> {
    let Known::Name(name) = known else {
        return None;
    };
    let not = if how.negated { "not " } else { "" };
    let before = match how {
        Compared { listed: false, .. } => "write",
        Compared { negated: false, .. } => "take it out of the list, and write behind it `or`",
        Compared { negated: true, .. } => "take it out of the list, and write behind it `and`",
    };
    text.contains('*')
        .then(|| error(name, text, span, before, not))
}

/// The error for a text with `*` that is sought in the name of a tool or role. `*` alone is looked for where names with one are refused.
pub(super) fn sought(
    call: TextCall,
    path: &Path,
    text: &str,
    span: Range<usize>,
) -> Option<ConstraintError> {
    if !path.root.is_name() {
        return None;
    }
    let is_meant = !text.contains('*') || (call == TextCall::Contains && text == "*");
    let pattern = match call {
        TextCall::StartsWith => format!("{text}*"),
        TextCall::EndsWith => format!("*{text}"),
        TextCall::Contains => format!("*{text}*"),
    };
    (!is_meant).then(|| error(path.root.name(), &pattern, span, "write", ""))
}

fn error(
    name: &'static str,
    pattern: &str,
    span: Range<usize>,
    before: &str,
    not: &str,
) -> ConstraintError {
    let help = name_test(name, pattern).map_or_else(
        || format!("every `{name}` would match: write what is meant"),
        |test| format!("{before} {}", quoted(&format!("{not}{test}"))),
    );
    ConstraintError::new(
        codes::WILDCARD,
        span,
        "a `*` stands for nothing but itself, and no name has one",
    )
    .label("compared letter by letter")
    .help(help)
}

/// The warning for a pattern on a name in which `*` repeats one character.
pub(super) fn repeated(path: &Path, pattern: &str, span: Range<usize>) -> Option<ConstraintError> {
    if !path.root.is_name() {
        return None;
    }
    // The character that a `*` would repeat. What follows a backslash, and what stands in a class, is no slip.
    let mut before: Option<char> = None;
    let (mut escaped, mut in_class) = (false, false);
    for c in pattern.chars() {
        if c == '*'
            && let Some(repeated) = before.filter(|c| is_plain(*c))
        {
            let shown = quoted(&format!("{repeated}*"));
            return Some(
                ConstraintError::new(
                    codes::STAR,
                    span,
                    format!("{shown} repeats this one character, and stands for no other text"),
                )
                .help("for any text write `.*`; to repeat the character write `{0,}`"),
            );
        }
        let was_escaped = escaped;
        escaped = c == '\\' && !was_escaped;
        in_class = (in_class && (was_escaped || c != ']')) || (c == '[' && !was_escaped);
        before = (!was_escaped && !in_class).then_some(c);
    }
    None
}

fn is_plain(c: char) -> bool {
    c.is_alphanumeric() || matches!(c, '_' | '-' | '/' | ':')
}

/// The warning for the name of a member that was probably meant as a pattern, a path or several names.
pub(super) fn member(name: &str, span: Range<usize>) -> Option<ConstraintError> {
    // Some services call an argument `user.fields`; none is called `args.fields`.
    let root = name.strip_prefix("args.").filter(|rest| is_name(rest));
    let (message, help) = match root {
        Some(rest) => (
            "is a name as it stands, and no path",
            format!("if the member {} is meant write that", quoted(rest)),
        ),
        None if name.contains('*') => (
            "is a name as it stands: a `*` stands for nothing but itself",
            "name each member".to_owned(),
        ),
        None if name.contains(',') => (
            "is one name as it stands, comma and all",
            "put each name into quotes of its own".to_owned(),
        ),
        None => return None,
    };
    Some(
        ConstraintError::new(codes::MEMBER, span, format!("{} {message}", quoted(name))).help(help),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pattern_becomes_the_plainest_condition_that_says_the_same() {
        for (pattern, condition) in [
            ("mcp__shell__*", Some(r#"startswith(tool, "mcp__shell__")"#)),
            ("*_read", Some(r#"endswith(tool, "_read")"#)),
            ("*shell*", Some(r#"contains(tool, "shell")"#)),
            ("**x", Some(r#"endswith(tool, "x")"#)),
            ("mcp__*__a.b", Some(r#"matches(tool, "^mcp__.*__a\\.b$")"#)),
            ("*", None),
            ("**", None),
        ] {
            assert_eq!(
                name_test("tool", pattern).as_deref(),
                condition,
                "{pattern}"
            );
        }
    }
}
