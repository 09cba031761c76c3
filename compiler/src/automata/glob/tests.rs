//! Tests of [`super::allowed`], [`super::denied`] and [`super::start`].

mod properties;
mod refused;
mod start;
mod table;

use super::{Glob, PathStyle};
use crate::automata::PatternError;

fn allowed(pattern: &str) -> Result<Glob, PatternError> {
    super::allowed(pattern, PathStyle::Posix)
}

fn denied(pattern: &str) -> Result<Glob, PatternError> {
    super::denied(pattern, PathStyle::Posix)
}
