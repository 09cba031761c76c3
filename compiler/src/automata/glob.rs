//! Patterns of file scopes.
//!
//! A pattern is a path of segments. `*` takes any text within a segment, also none, and a leading dot like any other character;
//! `?` takes one code point, `[a-z]` one of a class; `**` as a whole segment takes any number of segments, also none. A pattern
//! without a slash is a name at any depth, one with a slash is anchored at the root. A trailing slash means `/**`.
//!
//! Tables are built for normalised paths: segments joined by `/`, without empty ones and `.`, a leading `/` on absolute paths, no
//! trailing one. The relative root is the empty text, the absolute root is `/`. A path of [`PathStyle::Windows`] begins with its drive in
//! upper case and `/` if it is absolute: the root of a drive is `C:/`. Paths with `..`, with control characters, with a
//! backslash, and such whose first segment begins with `~` or contains `:`, never get here; patterns that could only match those are
//! refused, because their author expects something that will not happen.

mod denied;
mod expression;
mod fold;
mod parse;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use hexgate_contract::PathStyle;
use regex_syntax::hir::{ClassUnicode, ClassUnicodeRange, Hir, Look};

use self::{
    expression::{Expression, no_slash},
    parse::{Atom, Parsed, Segment},
};
use super::{Dfa, PatternError, table};

/// The longest pattern, in bytes.
pub const MAX_PATTERN_BYTES: usize = 1024;

/// A compiled pattern of a file scope.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Glob {
    /// Accepts the normalised paths that the pattern covers.
    pub dfa: Arc<Dfa>,
    /// Whether the pattern begins with `/`, or with a drive.
    pub absolute: bool,
    /// How many bytes of automata were made on the way.
    pub work: usize,
}

/// Compiles a pattern of allowed paths. It covers as little as can be meant.
///
/// Case matters. It must match the path itself: a trailing `/**` takes at least one segment, so `src/**` does not cover `src`.
/// `**` alone covers all relative paths, the root included. Absolute patterns cover absolute paths only, and all others relative
/// paths only, a name without a slash too.
///
/// # Errors
///
/// A pattern that is malformed, that could never match, or whose table would be larger than [`Dfa::MAX_TABLE_BYTES`].
pub fn allowed(pattern: &str, style: PathStyle) -> Result<Glob, PatternError> {
    let parsed = parse::parse(pattern, style)?;
    compile(pattern, &allowed_paths(&parsed, pattern == "**"), &parsed)
}

/// Compiles a pattern of denied paths. It covers as much as can be meant.
///
/// It covers the path that it matches and all below, so `a/**` covers `a` too, and every path that a file system may take for one
/// of these: in any case, composed or decomposed. A run of `?` and classes also takes any text with a character beyond ASCII in it.
/// What file systems change at the ends of names, or leave out of them, is not looked at here: paths with such names are refused
/// wherever anything is denied.
///
/// An absolute pattern also covers the same segments below the relative root. A name without a slash, and a pattern that begins with
/// `**`, cover relative and absolute paths. A pattern that covers every name, such as `*`, covers the root as well.
///
/// # Errors
///
/// As for [`allowed`].
pub fn denied(pattern: &str, style: PathStyle) -> Result<Glob, PatternError> {
    let parsed = parse::parse(pattern, style)?;
    compile(pattern, &denied_paths(pattern, &parsed)?, &parsed)
}

/// Compiles where a search may start that a pattern `X/**` of allowed paths does not cover: `X` itself, from the root. `None` for any other
/// pattern, and for `**`, which covers the root.
///
/// # Errors
///
/// As for [`allowed`].
pub fn start(pattern: &str, style: PathStyle) -> Result<Option<Glob>, PatternError> {
    let parsed = parse::parse(pattern, style)?;
    let start = start_paths(&parsed);
    start
        .map(|paths| compile(pattern, &paths, &parsed))
        .transpose()
}

/// What [`allowed`] covers, as a regular expression over normalised paths that RE2 and the Rust crate `regex` read alike.
///
/// # Errors
///
/// A pattern that is malformed or could never match.
pub fn allowed_regex(pattern: &str, style: PathStyle) -> Result<String, PatternError> {
    Ok(print(&allowed_paths(
        &parse::parse(pattern, style)?,
        pattern == "**",
    )))
}

/// What [`denied`] covers, as a regular expression over normalised paths that RE2 and the Rust crate `regex` read alike.
///
/// # Errors
///
/// As for [`allowed_regex`].
pub fn denied_regex(pattern: &str, style: PathStyle) -> Result<String, PatternError> {
    Ok(print(&denied_paths(
        pattern,
        &parse::parse(pattern, style)?,
    )?))
}

/// What [`start`] covers, as a regular expression over normalised paths that RE2 and the Rust crate `regex` read alike.
///
/// # Errors
///
/// As for [`allowed_regex`].
pub fn start_regex(pattern: &str, style: PathStyle) -> Result<Option<String>, PatternError> {
    let parsed = parse::parse(pattern, style)?;
    Ok(start_paths(&parsed).map(|paths| print(&paths)))
}

fn compile(pattern: &str, paths: &Expression, parsed: &Parsed) -> Result<Glob, PatternError> {
    let whole = Hir::concat(vec![
        Hir::look(Look::Start),
        paths.to_hir(),
        Hir::look(Look::End),
    ]);
    let built = table::build(&whole).map_err(|error| {
        PatternError::table(
            pattern,
            &error,
            "use fewer `?` and classes after a `*`, or write several patterns",
        )
    })?;
    Ok(Glob {
        dfa: built.dfa,
        absolute: parsed.absolute,
        work: built.work,
    })
}

fn print(paths: &Expression) -> String {
    let mut out = String::from("^");
    paths.print(&mut out);
    out.push('$');
    out
}

/// The root that an absolute pattern begins with.
fn root(pattern: &Parsed) -> Expression {
    match pattern.drive {
        Some(drive) => Expression::Sequence([drive, ':', '/'].map(Expression::Character).to_vec()),
        None => Expression::Character('/'),
    }
}

fn start_paths(pattern: &Parsed) -> Option<Expression> {
    match pattern.segments.split_last()? {
        (Segment::Tree, []) if !pattern.absolute => None,
        (Segment::Tree, folder) => Some(covered(pattern, folder, false)),
        (Segment::Name(_), _) => None,
    }
}

fn allowed_paths(pattern: &Parsed, whole_tree: bool) -> Expression {
    covered(pattern, &pattern.segments, whole_tree)
}

fn covered(pattern: &Parsed, segments: &[Segment], whole_tree: bool) -> Expression {
    let mut parts = Vec::new();
    if pattern.absolute {
        parts.push(root(pattern));
    } else if !pattern.anchored {
        parts.push(any_folders());
    }
    let mut segments = segments.iter().peekable();
    while let Some(segment) = segments.next() {
        let last = segments.peek().is_none();
        match segment {
            Segment::Tree if !last => parts.push(any_folders()),
            Segment::Tree if whole_tree => parts
                .push(Expression::Sequence(vec![any_folders(), Expression::Name(1)]).optional()),
            Segment::Tree => parts.extend([any_folders(), Expression::Name(1)]),
            Segment::Name(atoms) => {
                parts.push(allowed_name(atoms));
                if !last {
                    parts.push(Expression::Character('/'));
                }
            }
        }
    }
    Expression::Sequence(parts)
}

fn denied_paths(pattern: &str, parsed: &Parsed) -> Result<Expression, PatternError> {
    let segments = without_last_trees(&parsed.segments);
    if covers_every_name(segments) {
        return Ok(match parsed.drive {
            Some(_) => Expression::Either(vec![
                Expression::Sequence(vec![root(parsed), Expression::Anything]),
                on_no_drive(),
            ]),
            None => Expression::Anything,
        });
    }
    let mut parts = Vec::new();
    let mut segments = segments.iter().peekable();
    let begins_with_tree = matches!(segments.peek(), Some(Segment::Tree));
    if parsed.drive.is_some() && begins_with_tree {
        // Any number of segments, but of this drive, or of a relative path.
        let on_drive = Expression::Sequence(vec![root(parsed), any_prefix()]);
        parts.push(Expression::Either(vec![on_drive, prefix_on_no_drive()]));
        while segments
            .next_if(|next| matches!(next, Segment::Tree))
            .is_some()
        {}
    } else if parsed.absolute {
        parts.push(root(parsed).optional());
    } else if !parsed.anchored {
        parts.push(any_prefix());
    }
    while let Some(segment) = segments.next() {
        match segment {
            Segment::Tree => parts.push(any_prefix()),
            Segment::Name(atoms) => {
                let name = denied::name(atoms).ok_or_else(|| {
                    PatternError::new(
                        0..pattern.len(),
                        "the pattern repeats letters that one character can stand for too often",
                    )
                    .with_help("use `*` for some of them")
                })?;
                parts.push(name);
                if segments.peek().is_some() {
                    parts.push(Expression::Character('/'));
                }
            }
        }
    }
    parts.push(
        Expression::Sequence(vec![Expression::Character('/'), Expression::Anything]).optional(),
    );
    Ok(Expression::Sequence(parts))
}

/// The segments before trailing `**`: all that lies below a match is denied anyway.
fn without_last_trees(mut segments: &[Segment]) -> &[Segment] {
    while let Some((Segment::Tree, rest)) = segments.split_last() {
        segments = rest;
    }
    segments
}

fn covers_every_name(segments: &[Segment]) -> bool {
    let mut names = segments
        .iter()
        .filter(|segment| !matches!(segment, Segment::Tree));
    match (names.next(), names.next()) {
        (None, _) => true,
        (Some(Segment::Name(atoms)), None) => matches!(atoms.as_slice(), [Atom::Star]),
        _ => false,
    }
}

/// A segment of an allowed pattern. Segments of paths have at least one byte, so that a lone `*` does not take the root for a name.
fn allowed_name(atoms: &[Atom]) -> Expression {
    if matches!(atoms, [Atom::Star]) {
        return Expression::Name(1);
    }
    let parts = atoms.iter().map(|atom| match atom {
        Atom::Star => Expression::Name(0),
        Atom::One => Expression::Set(no_slash()),
        Atom::Class(set) => Expression::Set(set.clone()),
        Atom::Literal(c) => Expression::Character(*c),
    });
    Expression::Sequence(parts.collect())
}

/// Any path of [`PathStyle::Windows`] that is relative.
fn on_no_drive() -> Expression {
    beginning_on_no_drive(None).optional()
}

/// Nothing, or what such a path begins with up to a slash.
fn prefix_on_no_drive() -> Expression {
    beginning_on_no_drive(Some(Expression::Character('/'))).optional()
}

/// At least one character, the second of which is not the `:` of a drive, and what follows.
fn beginning_on_no_drive(end: Option<Expression>) -> Expression {
    let mut no_colon = ClassUnicode::new([ClassUnicodeRange::new(':', ':')]);
    no_colon.negate();
    let further = Expression::Sequence(vec![Expression::Set(no_colon), Expression::Anything]);
    let mut parts = vec![Expression::Set(no_slash()), further.optional()];
    parts.extend(end);
    Expression::Sequence(parts)
}

/// Any number of whole segments, each with the slash after it.
fn any_folders() -> Expression {
    Expression::Repeated(
        Box::new(Expression::Sequence(vec![
            Expression::Name(1),
            Expression::Character('/'),
        ])),
        0,
        None,
    )
}

/// Nothing, or anything up to a slash: also the leading one.
fn any_prefix() -> Expression {
    Expression::Sequence(vec![Expression::Anything, Expression::Character('/')]).optional()
}
