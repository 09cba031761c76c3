//! The oracle beside an engine, on random policies and calls: they must answer alike, to the last byte of a reason. A disagreement is made
//! small and told as a line for `tests/vectors`.

use hexgate_compiler::Compiled;

use crate::{
    case::{Answer, Call, Case},
    engines, generate,
    json::Json,
    oracle, shrink,
    vectors::{self, granted},
};

/// An engine that a policy was compiled for.
pub trait Engine {
    /// Answers a call.
    fn answer(&mut self, call: &Call) -> Answer;
    /// Whether the scope of a grant covers a path.
    fn covers(&mut self, call: &Call, path: &str) -> Option<bool>;
}

impl Engine for engines::Reference<'_> {
    fn answer(&mut self, call: &Call) -> Answer {
        self.answer(call)
    }

    fn covers(&mut self, call: &Call, path: &str) -> Option<bool> {
        self.covers(call, path)
    }
}

#[cfg(feature = "host")]
impl Engine for engines::Component {
    fn answer(&mut self, call: &Call) -> Answer {
        Self::answer(self, call)
    }

    fn covers(&mut self, call: &Call, path: &str) -> Option<bool> {
        Self::covers(self, call, path)
    }
}

/// An engine that could not be opened. It has no right answer, so whatever is compared with it shows why.
#[derive(Debug)]
pub struct Unopened(pub String);

impl Engine for Unopened {
    fn answer(&mut self, _: &Call) -> Answer {
        Answer::Broken(self.0.clone())
    }

    fn covers(&mut self, _: &Call, _: &str) -> Option<bool> {
        None
    }
}

/// Makes an engine of a policy.
pub type Open<'a> = &'a dyn for<'p> Fn(&'p Compiled) -> Box<dyn Engine + 'p>;

/// What was compared.
#[derive(Debug, Clone, Copy)]
pub struct Plan {
    /// The seed of the first policy.
    pub first: u64,
    /// How many policies.
    pub policies: u64,
    /// How many calls of each: compiling costs more than deciding.
    pub calls: usize,
}

/// What came of it, without a disagreement.
#[derive(Debug, Clone, Copy, Default)]
pub struct Summary {
    /// Policies that were compared.
    pub policies: u64,
    /// Calls that were.
    pub calls: u64,
    /// Further paths that were held against the scope of a grant.
    pub paths: u64,
    /// Policies that the compiler refuses.
    pub refused: u64,
}

/// Compares. An error is a disagreement, or a policy that one of the two cannot read.
pub fn run(plan: Plan, open: Open<'_>, tell: &mut dyn FnMut(&Summary)) -> Result<Summary, String> {
    let mut summary = Summary::default();
    for seed in plan.first..plan.first + plan.policies {
        let (policy, calls) = generate::cases(seed, plan.calls);
        let resolved =
            oracle::resolve(&policy).map_err(|error| format!("seed {seed}: {error}: {policy}"))?;
        let compiled = match engines::compile(&policy.to_string()) {
            Ok(compiled) => compiled,
            Err(refused) => {
                // The generator writes few policies that can be refused for good reason (a condition that can never hold).
                summary.refused += 1;
                if summary.refused * 12 > plan.policies.max(200) {
                    return Err(format!(
                        "seed {seed}: too many policies are refused: {refused}: {policy}"
                    ));
                }
                continue;
            }
        };
        let compared = compare(seed, &policy, &resolved, &calls, &compiled, &[open])?;
        summary.paths += compared.paths;
        summary.calls += compared.answers.len() as u64;
        summary.policies += 1;
        tell(&summary);
    }
    Ok(summary)
}

/// What came of the calls of one policy.
#[derive(Debug, Default)]
pub(crate) struct Compared {
    /// The answers, in the order of the calls.
    pub(crate) answers: Vec<Answer>,
    /// Further paths that were held against the scope of a grant.
    pub(crate) paths: u64,
}

/// Asks the oracle and engines the same calls of one policy. An error is a disagreement.
pub(crate) fn compare(
    seed: u64,
    policy: &Json,
    resolved: &oracle::Policy,
    calls: &[Call],
    compiled: &Compiled,
    opens: &[Open<'_>],
) -> Result<Compared, String> {
    let mut engines: Vec<_> = opens.iter().map(|open| (open(compiled), *open)).collect();
    let mut compared = Compared::default();
    for call in calls {
        let expected = oracle::decide(resolved, call);
        let probes = granted(&expected).and_then(|grant| {
            let bounds = grant.scope.as_ref()?;
            let probe = |path: String| {
                let covered = oracle::covers(bounds, &path);
                (path, covered)
            };
            Some(generate::probes(bounds, seed).into_iter().map(probe))
        });
        let probes: Vec<(String, bool)> = probes.into_iter().flatten().collect();
        for (engine, open) in &mut engines {
            let mut differs = engine.answer(call) != expected;
            if !differs {
                for (path, covered) in &probes {
                    differs |= engine.covers(call, path) != Some(*covered);
                }
            }
            if differs {
                let case = Case {
                    policy: policy.clone(),
                    call: call.clone(),
                };
                return Err(format!("seed {seed}: {}", explained(case, *open)));
            }
        }
        compared.paths += probes.len() as u64;
        compared.answers.push(expected);
    }
    Ok(compared)
}

/// What is wrong with the answers to the numbered cases, further paths included.
pub fn vectors(open: Open<'_>) -> Result<Vec<String>, String> {
    let mut wrong = Vec::new();
    for vector in vectors::all()? {
        let compiled = match engines::compile(&vector.case.policy.to_string()) {
            Ok(compiled) => compiled,
            Err(refused) => {
                wrong.push(format!("{} ({}): {refused}", vector.id, vector.why));
                continue;
            }
        };
        let mut engine = open(&compiled);
        let call = &vector.case.call;
        if let Err(error) = vector.check(&engine.answer(call)) {
            wrong.push(format!("{} ({}): {error}", vector.id, vector.why));
        }
        for (path, covered) in vector.covers() {
            let got = engine.covers(call, path);
            if got != Some(covered) {
                wrong.push(format!(
                    "{} ({}): of {path:?} it says {got:?}",
                    vector.id, vector.why
                ));
            }
        }
    }
    Ok(wrong)
}

/// What the two say, if they differ.
fn disagreement(case: &Case, open: Open<'_>) -> Option<String> {
    let expected = oracle::answer(case).ok()?;
    let compiled = engines::compile(&case.policy.to_string()).ok()?;
    let mut engine = open(&compiled);
    let got = engine.answer(&case.call);
    if got != expected {
        return Some(format!(
            "the oracle says {expected:?}\nthe engine says {got:?}"
        ));
    }
    let bounds = granted(&expected)?.scope.as_ref()?;
    (0..50)
        .flat_map(|seed| generate::probes(bounds, seed))
        .find_map(|path| {
            let (expected, got) = (
                oracle::covers(bounds, &path),
                engine.covers(&case.call, &path),
            );
            (got != Some(expected)).then(|| {
                format!(
                    "of the path {path:?} within {bounds:?} the oracle says {expected}, the engine {got:?}"
                )
            })
        })
}

fn explained(case: Case, open: Open<'_>) -> String {
    if disagreement(&case, open).is_none() {
        return format!(
            "the two differ, and not again\n{}",
            shrink::as_vector(&case, "?")
        );
    }
    let small = shrink::shrink(case, &mut |case| disagreement(case, open).is_some());
    format!(
        "{}\n{}",
        disagreement(&small, open).unwrap_or_default(),
        shrink::as_vector(&small, "?")
    )
}
