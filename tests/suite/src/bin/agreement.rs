//! The oracle beside the evaluator in this process, without a host: `agreement POLICIES CALLS SEED`, so many policies, so many calls of
//! each, from that seed on; `agreement vectors`: the numbered cases.

use std::{env, process::ExitCode, time::Instant};

use hexgate_tests::{agreement, engines::Reference};

fn plan() -> Option<agreement::Plan> {
    let numbers: Vec<u64> = env::args()
        .skip(1)
        .map(|argument| argument.parse().ok())
        .collect::<Option<_>>()?;
    match numbers.as_slice() {
        &[policies, calls, first] => Some(agreement::Plan {
            first,
            policies,
            calls: usize::try_from(calls).ok()?,
        }),
        _ => None,
    }
}

#[allow(
    clippy::panic,
    reason = "a plan of the compiler that does not open is what this looks for"
)]
fn main() -> ExitCode {
    let start = Instant::now();
    let mut told = Instant::now();
    let open: agreement::Open<'_> = &|compiled| match Reference::open(compiled) {
        Ok(reference) => Box::new(reference),
        Err(error) => panic!("{error}: {:?}", compiled.model),
    };
    if env::args().nth(1).as_deref() == Some("vectors") {
        let wrong = agreement::vectors(open).unwrap_or_else(|error| vec![error]);
        wrong.iter().for_each(|wrong| eprintln!("{wrong}"));
        println!("{} are wrong", wrong.len());
        return ExitCode::from(u8::from(!wrong.is_empty()));
    }
    let Some(plan) = plan() else {
        eprintln!("usage: agreement POLICIES CALLS SEED, or agreement vectors");
        return ExitCode::from(2);
    };
    let result = agreement::run(plan, open, &mut |summary| {
        if told.elapsed().as_secs() >= 10 {
            told = Instant::now();
            println!("{summary:?}, {} s", start.elapsed().as_secs());
        }
    });
    match result {
        Ok(summary) => {
            println!(
                "oracle and evaluator agree from seed {} on: {summary:?}, {} s",
                plan.first,
                start.elapsed().as_secs()
            );
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}
