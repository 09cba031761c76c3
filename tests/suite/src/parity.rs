//! The oracle and three engines side by side on random policies and calls: the evaluator in this process, the native component, and the
//! component that OPA compiled from the printed Rego. They must answer alike, to the last byte of a reason.
//!
//! Each policy by itself is asked of oracle, evaluator and native component, the oracle the first calls only, since it is slow. Those that
//! calculate end there: a Rego build refuses them by name. The others are asked of evaluator, native component and Rego component.
//! `opa build` and the host's compiler take a fixed time for a module, so many policies are packed into one: their roles stand side by
//! side, each policy's under names of its own.

mod pack;

use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

use hexgate_compiler::{
    Compiled,
    diagnostic::{
        Sink,
        render::{Format, render},
    },
    model::Policy,
    opa::{Entrypoint, Opa, Program},
    plan, rego,
    source::Sources,
};

use crate::{
    agreement::{self, Compared, Unopened},
    case::{Answer, Call, Case},
    engines::{self, Component, Reference},
    generate,
    json::Json,
    oracle, shrink,
};

/// Policies of one module: more of them make it slower to ask, fewer waste the fixed time.
const PACKED: u64 = 25;

/// Of so many modules one is asked as users ask it, with a fresh instance a decision. The others keep theirs: what one call leaves
/// behind would show in the next.
const FRESH: u64 = 4;

/// How many calls of a policy the oracle is asked at most. It costs many times what an engine does, and what it misses of one policy another
/// shows.
const ORACLE: usize = 50;

/// How long a mismatch is made smaller. Each attempt builds a module.
const SHRINKING: Duration = Duration::from_secs(240);

/// What to compare.
#[derive(Debug, Clone, Copy)]
pub struct Plan {
    /// How many calls.
    pub cases: u64,
    /// Of how many policies.
    pub policies: u64,
    /// The seed of the first policy.
    pub seed: u64,
}

/// What came of it, without a mismatch.
#[derive(Debug, Clone, Default)]
pub struct Summary {
    /// Calls that were compared.
    pub cases: u64,
    /// Policies that they were of.
    pub policies: u64,
    /// Policies that the compiler refuses, for which others stand in.
    pub refused: u64,
    /// Of the policies those that calculate. A Rego build refuses them by name, so that component was not asked about them.
    pub calculating: u64,
    /// Of the calls those of policies that calculate.
    pub calculating_cases: u64,
    /// Of the calls those that the oracle was asked.
    pub oracle: u64,
    /// Further paths that were held against the scope of a grant.
    pub paths: u64,
    /// Calls that the Rego component decided with a fresh instance each.
    pub fresh: u64,
    /// Calls by what came out.
    pub outcomes: BTreeMap<&'static str, u64>,
}

/// How the Rego component is run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Instances {
    /// One for all decisions.
    Kept,
    /// One for each, with its instructions counted.
    Fresh,
}

impl Instances {
    fn of_module(index: u64) -> Self {
        if index.is_multiple_of(FRESH) {
            Self::Fresh
        } else {
            Self::Kept
        }
    }

    fn isolation(self) -> hexgate_host::Isolation {
        match self {
            Self::Kept => hexgate_host::Isolation::DangerousNone,
            Self::Fresh => hexgate_host::Isolation::AsKnown,
        }
    }
}

/// The engines of one policy.
struct Engines {
    plan: Vec<u8>,
    native: Component,
    rego: Component,
}

/// Compares, and tells of the progress. An error is a mismatch, or that something could not be done.
pub fn run(what: &Plan, opa: &Opa, tell: &mut dyn FnMut(&Summary)) -> Result<Summary, String> {
    let engine = hexgate_host::Engine::new().map_err(|error| error.to_string())?;
    let mut summary = Summary::default();
    let mut seed = what.seed;
    let mut modules = 0;
    while summary.cases < what.cases {
        let left = what.policies.saturating_sub(summary.policies).max(1);
        let calls = (what.cases - summary.cases).div_ceil(left);
        let most = PACKED.min(left) + summary.policies;
        let mut pack = pack::Pack::default();
        while pack.members.len() as u64 + summary.policies < most && !pack.has_ceiling() {
            let of = seed;
            seed += 1;
            let (mut document, made) = generate::cases(of, usize::try_from(calls).unwrap_or(1));
            // It holds for a whole module, so for all policies of a pack.
            pack::read_arguments(&mut document, modules % 4 == 3);
            let compiled = match engines::compile(&document.to_string()) {
                Ok(compiled) => compiled,
                Err(refused) => {
                    summary.refused += 1;
                    if summary.refused > 100 + what.policies / 10 {
                        return Err(format!("too many policies are refused: {refused}"));
                    }
                    continue;
                }
            };
            let calculates = match rego::print(&compiled.model) {
                Ok(_) => false,
                Err(rego::Refusal::Inexact { .. }) => true,
                Err(other) => return Err(format!("policy {of} is refused: {other}")),
            };
            if !calculates && !compiled.model.forbids.is_empty() && !pack.members.is_empty() {
                // Its ceiling is over all policies of its pack: it gets one of its own, the next. There it is looked at once more.
                seed = of;
                break;
            }
            let (first, rest) = made.split_at(made.len().min(ORACLE));
            let compared = alone(of, &document, first, &compiled, &engine)?;
            summary.paths += compared.paths;
            summary.oracle += compared.answers.len() as u64;
            if !calculates {
                pack.add(of, document, made, compiled.model);
                continue;
            }
            summary.policies += 1;
            summary.calculating += 1;
            let answers = without_oracle(of, &document, rest, &compiled, &engine)?;
            for answer in compared.answers.iter().chain(&answers) {
                *summary.outcomes.entry(kind(answer)).or_default() += 1;
                summary.cases += 1;
                summary.calculating_cases += 1;
            }
        }
        if !pack.members.is_empty() {
            let instances = Instances::of_module(modules);
            modules += 1;
            compare(&pack, &engine, opa, instances, &mut summary)?;
            summary.policies += pack.members.len() as u64;
        }
        tell(&summary);
    }
    Ok(summary)
}

/// One policy by itself: the oracle, the evaluator and the native component.
fn alone(
    seed: u64,
    document: &Json,
    calls: &[Call],
    compiled: &Compiled,
    engine: &hexgate_host::Engine,
) -> Result<Compared, String> {
    let resolved =
        oracle::resolve(document).map_err(|error| format!("seed {seed}: {error}: {document}"))?;
    let evaluator: agreement::Open<'_> = &|compiled| match Reference::open(compiled) {
        Ok(reference) => Box::new(reference),
        Err(error) => Box::new(Unopened(format!("evaluator: {error}"))),
    };
    let native: agreement::Open<'_> = &|compiled| match Component::load(engine, compiled, true) {
        Ok(component) => Box::new(component),
        Err(error) => Box::new(Unopened(format!("native component: {error}"))),
    };
    let opens = [evaluator, native];
    agreement::compare(seed, document, &resolved, calls, compiled, &opens)
}

/// One policy by itself: the evaluator and the native component.
fn without_oracle(
    seed: u64,
    document: &Json,
    calls: &[Call],
    compiled: &Compiled,
    engine: &hexgate_host::Engine,
) -> Result<Vec<Answer>, String> {
    let mut evaluator = Reference::open(compiled)?;
    let native = Component::load(engine, compiled, true)?;
    let mut answers = Vec::new();
    for call in calls {
        let (expected, got) = (evaluator.answer(call), native.answer(call));
        if got != expected || matches!(expected, Answer::Broken(_)) {
            let case = Case {
                policy: document.clone(),
                call: call.clone(),
            };
            return Err(format!(
                "seed {seed}: the evaluator says {expected:?}\nthe native component says {got:?}\n{}",
                shrink::as_vector(&case, "?")
            ));
        }
        answers.push(expected);
    }
    Ok(answers)
}

/// The policies of a pack: the evaluator, the native component and the one around OPA's module.
fn compare(
    pack: &pack::Pack,
    engine: &hexgate_host::Engine,
    opa: &Opa,
    instances: Instances,
    summary: &mut Summary,
) -> Result<(), String> {
    let engines = Engines::of(&pack.policy, engine, opa, instances)?;
    let mut reference = Reference::of_plan(&engines.plan)?;
    for member in &pack.members {
        for call in &member.calls {
            let packed = member.packed(call);
            let answers = engines.answers(&mut reference, &packed);
            let [expected, native, rego] = &answers;
            if expected != native || expected != rego || matches!(expected, Answer::Broken(_)) {
                return Err(mismatch(member, call, &answers, engine, opa, instances));
            }
            *summary.outcomes.entry(kind(expected)).or_default() += 1;
            summary.cases += 1;
            summary.fresh += u64::from(instances == Instances::Fresh);
        }
    }
    Ok(())
}

fn kind(answer: &Answer) -> &'static str {
    match answer {
        Answer::Allow(_) => "allow",
        Answer::NeedsApproval(_) => "needs approval",
        Answer::Deny(_) => "deny",
        Answer::Malformed(_) => "malformed",
        Answer::Exceeded(_) => "exceeded",
        Answer::Broken(_) => "broken",
    }
}

impl Engines {
    fn of(
        policy: &Policy,
        engine: &hexgate_host::Engine,
        opa: &Opa,
        instances: Instances,
    ) -> Result<Self, String> {
        let plan = plan::encode(policy).map_err(|error| error.to_string())?;
        let native = hexgate_component::embed_plan(&plan).map_err(|error| error.to_string())?;
        let module = module(
            &rego::print(policy).map_err(|error| error.to_string())?,
            opa,
        )?;
        let wrapped = hexgate_component::wrap(&module, &plan).map_err(|error| error.to_string())?;
        Ok(Self {
            native: Component::of_bytes(engine, &native, hexgate_host::Isolation::AsKnown)?,
            rego: Component::of_bytes(engine, &wrapped, instances.isolation())?,
            plan,
        })
    }

    fn answers(&self, reference: &mut Reference<'_>, call: &Call) -> [Answer; 3] {
        [
            reference.answer(call),
            self.native.answer(call),
            self.rego.answer(call),
        ]
    }
}

/// OPA's module of a Rego text.
fn module(text: &str, opa: &Opa) -> Result<Vec<u8>, String> {
    let (mut sources, mut sink) = (Sources::default(), Sink::default());
    let entrypoint = Entrypoint::default();
    let program = Program {
        policy: sources.add("policy.rego", text),
        data: None,
        entrypoint: &entrypoint,
    };
    let built = opa.build(&program, &sources, &mut sink);
    built.map_err(|error| error.to_string())?.ok_or_else(|| {
        let complaints = render(&sink.finish(), &sources, Format::Human, false);
        // The complaint names lines of a text that nobody has.
        let kept = std::env::temp_dir().join("hexgate-parity.rego");
        let kept = match std::fs::write(&kept, text) {
            Ok(()) => format!("`{}`", kept.display()),
            Err(error) => error.to_string(),
        };
        format!("OPA refuses what was printed, see {kept}:\n{complaints}")
    })
}

/// What the engines say of a case of a pack if its policy stands alone.
fn unpacked(
    case: &Case,
    engine: &hexgate_host::Engine,
    opa: &Opa,
    instances: Instances,
) -> Option<[Answer; 3]> {
    let compiled = engines::compile(&case.policy.to_string()).ok()?;
    let engines = Engines::of(&compiled.model, engine, opa, instances).ok()?;
    let mut reference = Reference::of_plan(&engines.plan).ok()?;
    Some(engines.answers(&mut reference, &case.call))
}

fn mismatch(
    member: &pack::Member,
    call: &Call,
    answers: &[Answer; 3],
    engine: &hexgate_host::Engine,
    opa: &Opa,
    instances: Instances,
) -> String {
    let case = Case {
        policy: member.document.clone(),
        call: call.clone(),
    };
    let differs = |[expected, native, rego]: &[Answer; 3]| expected != native || expected != rego;
    let end = Instant::now() + SHRINKING;
    let mut still = |case: &Case| {
        Instant::now() < end
            && unpacked(case, engine, opa, instances).is_some_and(|answers| differs(&answers))
    };
    let packed = format!(
        "seed {}, in a pack: {}",
        member.seed,
        told(answers, &case.policy, call)
    );
    if !still(&case) {
        return format!("{packed}\nalone the policy shows no difference");
    }
    let small = shrink::shrink(case, &mut still);
    match unpacked(&small, engine, opa, instances) {
        Some(answers) => format!(
            "{packed}\n\nsmaller: {}",
            told(&answers, &small.policy, &small.call)
        ),
        None => packed,
    }
}

fn told([expected, native, rego]: &[Answer; 3], policy: &Json, call: &Call) -> String {
    let case = Case {
        policy: policy.clone(),
        call: call.clone(),
    };
    let outcome = match expected {
        Answer::NeedsApproval(_) => "needs_approval",
        other => kind(other),
    };
    format!(
        "\nthe reference says {expected:?}\nthe native component says {native:?}\nthe Rego component says {rego:?}\n{}",
        shrink::as_vector(&case, outcome)
    )
}
