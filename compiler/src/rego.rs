//! A resolved policy as Rego, for the Open Policy Agent: an independent second reading of the same meaning.
//!
//! The package is `hexgate.policy`, the entrypoint `hexgate/policy/decision`. The form of input and answer is described in
//! `docs/rego.md`. The text is a function of the policy alone, and in the form that `opa fmt` gives.
//!
//! Rego has no third truth value: what is absent is undefined, its negation is true, and values of different types have an order.
//! None of that may leak into a policy. So each condition is printed in two forms, *is true* and *is false*, both of which say what
//! types they demand; `not` exchanges the two and is never printed. A condition that is undefined is neither.
//!
//! Names and texts of a policy appear as string literals only, and members of the arguments behind a dot if they are plain words.
//! Rules are named by numbers.

mod compare;
mod condition;
mod helper;
mod inexact;
mod name;
mod role;
mod rule;
mod scope;
mod text;

use std::fmt::Write;

use crate::model::{Policy, TooManyForbids};

/// The longest text that is printed, 16 MiB: what a bundle takes. OPA's compiler needs some hundred times the memory.
pub const MAX_BYTES: usize = 16 << 20;

/// The parts that decide, in their order; there are several texts of those that depend on what the policy has.
mod decision {
    pub(super) const ANSWER: &str = include_str!("rego/decision/answer.rego");
    pub(super) const ANSWER_WITH_WORDS: &str = include_str!("rego/decision/answer_with_words.rego");
    pub(super) const ROLES: &str = include_str!("rego/decision/roles.rego");
    pub(super) const DECIDING: &str = include_str!("rego/decision/deciding.rego");
    pub(super) const DECIDING_BELOW_CEILING: &str =
        include_str!("rego/decision/deciding_below_ceiling.rego");
    pub(super) const RESULTS: &str = include_str!("rego/decision/results.rego");
}

/// Why a policy is not printed as Rego.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Refusal {
    /// It is too large.
    #[error(
        "the policy takes more than {MAX_BYTES} bytes as Rego; let roles share tools by inheritance, or split the policy"
    )]
    TooLarge,
    /// A pattern of a file scope is not one that the compiler accepts. No policy that was compiled has one.
    #[error("the pattern `{0}` of a file scope cannot be read")]
    Pattern(String),
    /// A constraint calculates: OPA's WebAssembly does so in binary fractions.
    #[error(
        "`{what}` in {place}, constraint `{constraint}`: OPA's WebAssembly calculates inexactly; build the policy natively (`--engine native`)"
    )]
    Inexact {
        /// What calculates, as written.
        what: &'static str,
        /// Where the constraint stands: the role and the tool, or the forbid.
        place: String,
        /// The constraint as written.
        constraint: String,
    },
    /// A rule would have too many scopes. No policy that was compiled has one.
    #[error(transparent)]
    Scopes(#[from] TooManyForbids),
    /// The policy is written in Rust.
    #[error("a policy in Rust cannot be printed as Rego")]
    Rust,
    /// The policy is a component that other tools have built.
    #[error("a component cannot be printed as Rego")]
    Built,
}

/// Prints a policy.
///
/// # Errors
///
/// What cannot be expressed is refused, never left out.
pub fn print(policy: &Policy) -> Result<String, Refusal> {
    inexact::refuse(policy)?;
    let mut rules = rule::Rules::new(policy)?;
    let roles = role::print(policy, &mut rules)?;
    let has_words = rules.has_words();
    let rules = rules.finish()?;
    let answer = match has_words {
        false => decision::ANSWER,
        true => decision::ANSWER_WITH_WORDS,
    };
    let deciding = match policy.forbids.is_empty() {
        true => decision::DECIDING,
        false => decision::DECIDING_BELOW_CEILING,
    };
    let mut out = header(&policy.source_digest);
    let parts = [answer, decision::ROLES, deciding, decision::RESULTS];
    out.push_str(&parts.join("\n"));
    out.push_str(&roles);
    out.push_str(&rules);
    if out.len() > MAX_BYTES {
        return Err(Refusal::TooLarge);
    }
    Ok(out)
}

fn header(digest: &[u8; 32]) -> String {
    let mut out = String::from("# Made by hexgate from a policy with the SHA-256 digest\n# ");
    for byte in digest {
        let _ = write!(out, "{byte:02x}");
    }
    out.push_str(
        ".\n# Change the policy, not this text.\npackage hexgate.policy\n\nimport rego.v1\n\n",
    );
    out
}
