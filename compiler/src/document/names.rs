//! Names of roles, tools and arguments: what a call can bear, and what was meant as a pattern. Names are compared as they are, so a rule
//! whose name is a pattern would apply to nothing, in silence.

use hexgate_contract::MAX_NAME;

use crate::{
    constraint::name_test,
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
            Of::Role | Of::Tool => wildcard(name, of, span),
        })
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

/// A `*` in the name of a role or tool.
pub(super) fn wildcard(name: &str, of: Of, span: Span) -> Option<Diagnostic> {
    if !name.contains('*') {
        return None;
    }
    let help = match (of, name_test("tool", name)) {
        (Of::Role, _) => {
            "name each role; what several roles share belongs into a mixin that they inherit"
                .to_owned()
        }
        (_, Some(test)) => format!(
            "name each tool; for tools that are not listed give `default_policy` a constraint: {} lets only these pass, {} all but these",
            quoted(&test),
            quoted(&format!("not {test}"))
        ),
        (_, None) => {
            "name each tool; the rule for all that are not listed is `default_policy`".to_owned()
        }
    };
    Some(
        Diagnostic::new(
            "wildcard-name",
            format!(
                "a `*` in the name of {} stands for nothing but itself: {} would match no call",
                of.described(),
                quoted(name)
            ),
            span,
            "names are compared letter by letter",
        )
        .with_help(help),
    )
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
        [_, _, ..] if list => "a scope looks at one argument: name the one that holds the path, and hold the others with constraints, as in `args.destination in [\"out/a\", \"out/b\"]`".to_owned(),
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
        let help = match of {
            Of::Tool => "name each tool, and say with `constraints` which of its calls are meant; a tool that is called exactly so may stay as it is",
            Of::Role | Of::Argument => "name each role; one that is called exactly so may stay as it is",
        };
        Diagnostic::new(
            "pattern-like-name",
            format!(
                "{} is the name of {} as it stands, and no pattern",
                quoted(name),
                of.described()
            ),
            span,
            "compared letter by letter",
        )
        .with_help(help)
    })
}
