//! Names of roles, tools and arguments: what a call can bear, and what was meant as a pattern. A `*` in the name of a tool makes it a
//! pattern; otherwise names are compared as they are, so a rule whose name reads like another kind of pattern would apply to nothing, in
//! silence.

use hexgate_contract::MAX_NAME;

use super::lookalike;
use crate::{
    diagnostic::{Diagnostic, quoted},
    source::Span,
};

/// What bears a name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Of {
    Role,
    Tool,
    Argument,
}

impl Of {
    fn described(self) -> &'static str {
        match self {
            Self::Role => "a role",
            Self::Tool => "a tool",
            Self::Argument => "an argument",
        }
    }
}

/// What is wrong with a name, or doubtful.
pub(super) fn check(name: &str, of: Of, span: Span) -> Option<Diagnostic> {
    unbearable(name, of, span)
        .or_else(|| match of {
            Of::Argument => argument(name, span),
            Of::Role => wildcard(name, span),
            Of::Tool => None,
        })
        .or_else(|| lookalike::check(name, of.described(), span))
        .or_else(|| reads_like_a_pattern(name, of, span))
}

/// What no call can bear as a name.
fn unbearable(name: &str, of: Of, span: Span) -> Option<Diagnostic> {
    let problem = if name.is_empty() {
        "is empty".to_owned()
    } else if name.len() > MAX_NAME {
        format!(
            "has {} bytes, and at most {MAX_NAME} are accepted in a call",
            name.len()
        )
    } else if name.chars().any(char::is_control) {
        "contains a control character".to_owned()
    } else {
        return None;
    };
    Some(
        Diagnostic::new("bad-name", format!("the name of {} {problem}", of.described()), span, "not a name")
            .with_help("a call with such a name is refused before any rule is looked at: use the name that callers send"),
    )
}

/// A `*` in the name of a role.
pub(super) fn wildcard(name: &str, span: Span) -> Option<Diagnostic> {
    name.contains('*').then(|| {
        Diagnostic::new(
            "wildcard-name",
            format!(
                "a `*` in the name of a role stands for nothing but itself: {} would match no caller",
                quoted(name)
            ),
            span,
            "names of roles are compared letter by letter",
        )
        .with_help("name each role; what several roles share belongs into a mixin that they inherit")
    })
}

/// The name of an argument that is written as a path, a list or an expression is.
fn argument(name: &str, span: Span) -> Option<Diagnostic> {
    let odd = |c: char| {
        c.is_whitespace()
            || matches!(
                c,
                '.' | ','
                    | '*'
                    | '$'
                    | '['
                    | ']'
                    | '('
                    | ')'
                    | '{'
                    | '}'
                    | '/'
                    | '\\'
                    | '"'
                    | '\''
                    | '`'
            )
    };
    let found = name.chars().find(|c| odd(*c))?;
    // `args.path`, `args["path"]`, `$.path`, `${path}`: what is left once the notation is taken away.
    let bare: Vec<&str> = name.split(odd).filter(|part| !part.is_empty()).collect();
    let (root, within) = match bare.as_slice() {
        ["args" | "arguments" | "input" | "params", rest @ ..] if !rest.is_empty() => (true, rest),
        all => (false, all),
    };
    let list = name.contains(',');
    let help = match within {
        [alone] if root || found == '$' || found == '{' => {
            format!("write it alone: `argument: {alone}`")
        }
        [_, _, ..] if list => format!("several paths are named by `arguments`: `arguments: [{}]`", within.join(", ")),
        [first, ..] if !name.contains(char::is_whitespace) && name.contains('[') => format!(
            "an argument that is a list of paths is looked at path by path: `argument: {first}`; for something within an argument let the tool take the path as an argument of its own"
        ),
        [_, _, ..] if !name.contains(char::is_whitespace) => "a scope looks at a member of the arguments themselves and not at something within one: let the tool take the path as an argument of its own".to_owned(),
        _ => "write the argument's name as callers send it: `argument: path` for `args.path`".to_owned(),
    };
    Some(
        Diagnostic::new(
            "scope-argument",
            format!("{} is not the name of an argument", quoted(name)),
            span,
            "every call would be denied, for want of it",
        )
        .with_help(help),
    )
}

/// Names that are compared as they are, and read as if they were not. Servers of tools use letters, digits and `_ - . / :`; the names of
/// skills and agents hold paths, and the names of roles come from directories, so less is said about them.
fn reads_like_a_pattern(name: &str, of: Of, span: Span) -> Option<Diagnostic> {
    let pair = |open: char, close: char| {
        name.split_once(open)
            .is_some_and(|(_, rest)| rest.contains(close))
    };
    let doubtful = match of {
        Of::Argument => false,
        Of::Role => {
            name.contains('?')
                || pair('[', ']')
                || pair('{', '}')
                || name.starts_with('^')
                || name.ends_with('$')
        }
        Of::Tool => {
            let holds_a_path = ["agent.", "skill:", "skill."]
                .iter()
                .any(|prefix| name.starts_with(prefix));
            // `Bash(git push)`, unlike `search (web)`.
            let call = name.ends_with(')')
                && name
                    .split_once('(')
                    .is_some_and(|(tool, _)| !tool.is_empty() && !tool.ends_with(' '));
            !holds_a_path
                && (call
                    || pair('[', ']')
                    || pair('{', '}')
                    || name.starts_with('^')
                    || name.contains(['?', '%', '$', '|', '\\']))
        }
    };
    doubtful.then(|| {
        let is_pattern = of == Of::Tool && name.contains('*');
        let help = match of {
            Of::Tool if is_pattern => "only `*` has a meaning in it, and it looks at names alone: say with `constraints` which calls of a tool are meant; a pattern that is meant so may stay as it is",
            Of::Tool => "name each tool, and say with `constraints` which of its calls are meant; a tool that is called exactly so may stay as it is",
            Of::Role | Of::Argument => "name each role; one that is called exactly so may stay as it is",
        };
        Diagnostic::new(
            "pattern-like-name",
            if is_pattern {
                format!("but for `*` the pattern {} is compared as it stands", quoted(name))
            } else {
                format!(
                    "{} is the name of {} as it stands, and no pattern",
                    quoted(name),
                    of.described()
                )
            },
            span,
            "compared letter by letter",
        )
        .with_help(help)
    })
}
