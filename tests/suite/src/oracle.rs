//! A second, naive reading of the language's rules.
//!
//! It shares no code with the compiler or the evaluator and takes no shortcut: constraints are parsed again for every document,
//! globs are matched by backtracking, numbers are compared as rows of digits. Where it and an engine differ, one of them is wrong.

mod condition;
mod constraint;
mod decide;
mod folded;
mod number;
mod policy;
mod scope;

pub use decide::decide;
pub use policy::{Policy, resolve};

use crate::case::{Answer, Bounds, Case};

/// Whether what a verdict's scope stands for covers a path.
pub fn covers(bounds: &Bounds, path: &str) -> bool {
    scope::covers(bounds, path)
}

/// Answers a case, or says why the policy cannot be read.
pub fn answer(case: &Case) -> Result<Answer, String> {
    Ok(decide(&resolve(&case.policy)?, &case.call))
}
