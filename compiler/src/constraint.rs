//! The constraint language: the text of one constraint becomes a typed [`Expr`](crate::expr::Expr), or findings that say where
//! and why not.
//!
//! ```text
//! text -> lexer (tokens) -> parser, comparison, arithmetic, call, quantifier, named, value, operand, list, path (Expr)
//!                           each part -> check (what can never, or must always, hold), doubt (what was probably not meant)
//! ```
//!
//! A slip whose meaning is plain (`&&`, `=`, `'text'`) is reported and read as what was meant, so that one run shows several
//! errors; a text with any error yields no [`Parsed`]. No input panics, and recursion is bounded by [`MAX_NESTING`].

mod arithmetic;
mod call;
mod check;
mod comparison;
pub(crate) mod constant;
mod cursor;
mod decimal;
mod definition;
mod doubt;
mod expand;
mod facts;
mod finding;
mod foreign;
mod lexer;
mod list;
mod named;
pub(crate) mod number;
mod operand;
mod parser;
mod path;
mod prefix;
mod quantifier;
mod spelling;
mod suggest;
#[cfg(test)]
mod tests;
mod text;
mod value;
mod wildcard;

pub use arithmetic::MAX_OPERATIONS;
pub use definition::{Definition, Definitions, definition_name_fault, parse_definition};
pub use finding::ConstraintError;
pub use parser::{
    MAX_BYTES, MAX_FINDINGS, MAX_NESTING, MAX_QUANTIFIERS, Parsed, Purpose, literal_from_json_text,
    parse, parse_within,
};

use crate::diagnostic::codes::constraint as codes;
