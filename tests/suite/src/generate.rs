//! Random policies over the whole language, and calls aimed at their edges.
//!
//! A case is a pure function of its seed. While a policy is written, each condition leaves behind what would make it true; calls are
//! made of that, then bent: a neighbouring number, another type, another spelling, a name that is almost right.

mod call;
mod constraint;
mod document;
mod paths;
mod random;

pub use random::Random;

use crate::{
    case::{Bounds, Call, Case},
    json::Json,
};

/// What would make a condition true: a value at a path.
#[derive(Debug, Clone)]
struct Wish {
    root: &'static str,
    steps: Vec<String>,
    value: Json,
}

/// A policy and all that is known about how to call it.
#[derive(Debug)]
pub struct Scenario {
    /// The document.
    pub policy: Json,
    wishes: Vec<Wish>,
    roles: Vec<String>,
    tools: Vec<String>,
    patterns: Vec<String>,
    arguments: Vec<String>,
}

/// The case of a seed.
pub fn case(seed: u64) -> Case {
    let mut random = Random::new(seed);
    let scenario = Scenario::new(&mut random);
    let call = scenario.call(&mut random);
    Case {
        policy: scenario.policy,
        call,
    }
}

/// A policy and several calls of it: compiling costs more than deciding.
pub fn cases(seed: u64, calls: usize) -> (Json, Vec<Call>) {
    let mut random = Random::new(seed);
    let scenario = Scenario::new(&mut random);
    let calls = (0..calls).map(|_| scenario.call(&mut random)).collect();
    (scenario.policy, calls)
}

/// As [`cases`], with choices that a fuzzer makes.
pub fn steered(bytes: &[u8], calls: usize) -> (Json, Vec<Call>) {
    let mut random = Random::steered(bytes);
    let scenario = Scenario::new(&mut random);
    let calls = (0..calls).map(|_| scenario.call(&mut random)).collect();
    (scenario.policy, calls)
}

/// Paths that a tool may find, near what a scope speaks of.
pub fn probes(bounds: &Bounds, seed: u64) -> Vec<String> {
    let mut random = Random::new(seed);
    let excluded = bounds.exclusions.iter().map(|one| &one.paths);
    let patterns: Vec<String> = std::iter::once(&bounds.paths)
        .chain(excluded)
        .flat_map(|paths| [&paths.allowed, &paths.denied, &paths.except])
        .flatten()
        .cloned()
        .collect();
    (0..3)
        .map(|_| paths::path(&mut random, &patterns))
        .collect()
}

impl Scenario {
    /// Writes a policy.
    pub fn new(random: &mut Random) -> Self {
        document::scenario(random)
    }

    /// Writes a call.
    pub fn call(&self, random: &mut Random) -> Call {
        call::call(self, random)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::{case::Answer, oracle};

    #[test]
    fn the_same_seed_makes_the_same_case() {
        assert_eq!(case(7), case(7));
        assert_ne!(case(7), case(8));
    }

    #[test]
    fn every_outcome_comes_up_often() {
        let mut seen: BTreeMap<&str, usize> = BTreeMap::new();
        for seed in 0..4000 {
            let case = case(seed);
            let answer = oracle::answer(&case)
                .unwrap_or_else(|error| panic!("seed {seed}: {error}: {}", case.policy));
            let kind = match answer {
                Answer::Allow(grant) if grant.scope.is_some() => "allow within a scope",
                Answer::Allow(_) => "allow",
                Answer::NeedsApproval(needed) if needed.terms.is_some() => {
                    "needs approval on terms"
                }
                Answer::NeedsApproval(_) => "needs approval",
                Answer::Deny(denial) if denial.reason.contains("Policy forbids") => "forbidden",
                Answer::Deny(denial) if denial.message.is_some() => "deny with a message",
                Answer::Deny(denial) if denial.hint.is_some() => "deny with a hint",
                Answer::Deny(denial) if denial.violations.is_empty() => "deny without a violation",
                Answer::Deny(_) => "deny with violations",
                Answer::Malformed(_) => "malformed",
                Answer::Exceeded(_) => "exceeded",
                Answer::Broken(what) => panic!("seed {seed}: {what}"),
            };
            *seen.entry(kind).or_default() += 1;
        }
        for (kind, least) in [
            ("allow", 400),
            ("allow within a scope", 30),
            ("needs approval", 25),
            ("needs approval on terms", 50),
            ("forbidden", 300),
            ("deny with a message", 200),
            ("deny with violations", 400),
            ("deny with a hint", 40),
            ("deny without a violation", 400),
            ("malformed", 80),
            ("exceeded", 15),
        ] {
            assert!(
                seen.get(kind).is_some_and(|count| *count >= least),
                "{kind}: {seen:?}"
            );
        }
    }
}
