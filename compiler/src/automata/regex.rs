//! Patterns of `matches`.
//!
//! A pattern is accepted if RE2 and the Rust crate `regex` read it alike, so that each engine of a policy gives it the same
//! meaning; everything else is refused by name. Classes and word boundaries are ASCII: `\d` is `[0-9]`, `\w` is `[0-9A-Za-z_]`,
//! `\s` is `[\t\n\f\r ]`, and `\D`, `\W`, `\S` are all other code points. `.` is any code point but `\n`. `^` and `\A` stand for
//! the start of the text, `$` and `\z` for its end and nothing else. The flags are `i` (ASCII only; `k` and `s` also match U+212A
//! and U+017F, as in both libraries) and `s` (`.` matches `\n` too). A text is accepted if the pattern matches anywhere in it.

mod syntax_error;
#[cfg(test)]
mod tests;
mod translate;

use std::sync::Arc;

use regex_syntax::{ast::parse::ParserBuilder, hir::Look};

use super::{Dfa, PatternError, table};

/// The longest pattern, in bytes. Longer ones have no table below its limit, save for the few that say little at length.
pub const MAX_PATTERN_BYTES: usize = 16 << 10;

/// How deep groups, repetitions and sequences nest. Translation recurses this deep.
const MAX_NESTING: u32 = 100;

/// A compiled pattern.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Regex {
    /// Accepts the texts in which the pattern matches somewhere.
    pub dfa: Arc<Dfa>,
    /// Whether every match begins at the start of the text.
    pub anchored_start: bool,
    /// Whether every match ends at the end of the text.
    pub anchored_end: bool,
    /// How many bytes of automata were made on the way.
    pub work: usize,
}

/// Compiles a pattern.
///
/// # Errors
///
/// The first construct that is malformed, that is not read alike everywhere, or the whole pattern if its table would be larger
/// than [`Dfa::MAX_TABLE_BYTES`]. Hostile patterns end as fast as others: the work is bounded before the table is.
pub fn compile(pattern: &str) -> Result<Regex, PatternError> {
    if pattern.len() > MAX_PATTERN_BYTES {
        return Err(PatternError::new(
            0..pattern.len(),
            format!("the pattern is longer than {MAX_PATTERN_BYTES} bytes"),
        )
        .with_help("compare with a list of texts by `in`, or split its alternatives into several `matches` joined with `or`"));
    }
    let ast = ParserBuilder::new()
        .nest_limit(MAX_NESTING)
        .build()
        .parse(pattern)
        .map_err(|error| syntax_error::explain(pattern, &error))?;
    let expression = translate::translate(pattern, &ast)?;
    let built = table::build(&expression).map_err(|error| {
        PatternError::table(
            pattern,
            &error,
            "split it so that it says the same: alternatives into several `matches` joined with `or`, a length such as `.{1,500}` into conditions on `count`; a `^` in front or a shorter repetition makes the table smaller too, and the pattern match less",
        )
    })?;
    let properties = expression.properties();
    Ok(Regex {
        dfa: built.dfa,
        anchored_start: properties.look_set_prefix().contains(Look::Start),
        anchored_end: properties.look_set_suffix().contains(Look::End),
        work: built.work,
    })
}
