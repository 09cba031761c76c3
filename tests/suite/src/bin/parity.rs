//! `cargo xtask parity` runs this: oracle, evaluator, native component and Rego component side by side.

use std::{env, process::ExitCode, time::Instant};

use hexgate_compiler::opa::Opa;
use hexgate_tests::parity::{self, Plan};

/// As many cases, of as many policies, from as large a seed on as the arguments say.
fn plan() -> Option<Plan> {
    let numbers: Vec<u64> = env::args()
        .skip(1)
        .map(|argument| argument.parse().ok())
        .collect::<Option<_>>()?;
    match numbers.as_slice() {
        &[cases, policies, seed] => Some(Plan {
            cases,
            policies,
            seed,
        }),
        _ => None,
    }
}

fn main() -> ExitCode {
    let Some(plan) = plan() else {
        eprintln!("usage: parity CASES POLICIES SEED");
        return ExitCode::from(2);
    };
    let opa = match Opa::find() {
        Ok(opa) => opa,
        Err(error) => {
            eprintln!("parity: {error}");
            return ExitCode::from(2);
        }
    };
    let start = Instant::now();
    let mut told = Instant::now();
    let result = parity::run(&plan, &opa, &mut |summary| {
        if told.elapsed().as_secs() >= 10 {
            told = Instant::now();
            println!(
                "parity: {} of {} cases, {} policies, {} s",
                summary.cases,
                plan.cases,
                summary.policies,
                start.elapsed().as_secs()
            );
        }
    });
    match result {
        Ok(summary) => {
            let outcomes: Vec<String> = summary
                .outcomes
                .iter()
                .map(|(outcome, count)| format!("{count} {outcome}"))
                .collect();
            println!(
                "parity: evaluator and native component agree on {} cases over {} policies from seed {} on, none left out ({}; {} policies refused by the compiler); the oracle agrees on the {} that it was asked, and on {} further paths held against scopes; the Rego component agrees on the {} of the {} policies that do not calculate ({} with a fresh instance each), {} s, opa {}",
                summary.cases,
                summary.policies,
                plan.seed,
                outcomes.join(", "),
                summary.refused,
                summary.oracle,
                summary.paths,
                summary.cases - summary.calculating_cases,
                summary.policies - summary.calculating,
                summary.fresh,
                start.elapsed().as_secs(),
                opa.version(),
            );
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("parity: {error}");
            ExitCode::FAILURE
        }
    }
}
