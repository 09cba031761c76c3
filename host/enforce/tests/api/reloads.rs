//! Another policy takes the place of one that decides.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::SystemTime;

use hexgate_compiler::Compiler;
use hexgate_compiler::bundle::{Digest, Expectation, UnverifiedBundle, VerifiedBundle};
use hexgate_enforce::source::{Candidate, PolicySource, Poll, SourceError};
use hexgate_enforce::{Enforcer, LivePolicy, Refresh};
use hexgate_host::Engine;

use crate::fixture::*;

const RELOADS: usize = 10_000;

/// Another bundle each time that somebody looks.
struct Alternating {
    bundles: [VerifiedBundle; 2],
    next: usize,
}

impl PolicySource for Alternating {
    fn origin(&self) -> String {
        "two bundles in turn".to_owned()
    }

    fn poll(&mut self) -> Result<Poll, SourceError> {
        let bundle = self.bundles[self.next % 2].clone();
        Ok(Poll::Found(Candidate::Verified(Box::new(bundle))))
    }

    fn accepted(&mut self) {
        self.next += 1;
    }
}

fn bundle(policy: &str) -> VerifiedBundle {
    let outcome = Compiler::default().compile_str("policy.yaml", policy);
    let compiled = outcome.policy.unwrap();
    // Without numbers they may follow each other as they like.
    let sealed = compiled.draft(&release(0)).unwrap().seal(Some(&key(1)));
    UnverifiedBundle::from_parts(sealed.unwrap().into_parts("memory"))
        .unwrap()
        .verify(&trusted(1), &Expectation::agent(AGENT), SystemTime::now())
        .unwrap()
}

/// Two policies that answer each of these calls differently: by what they allow, and by what they say.
fn policy(low: bool) -> String {
    let (limit, open, shut) = if low {
        (10, "left", "right")
    } else {
        (20, "right", "left")
    };
    format!(
        "tools:\n  refund: {{mode: allow, constraints: ['args.amount <= {limit}']}}\n  {open}: {{mode: allow}}\n  \
         {shut}: {{mode: approval_required}}\n"
    )
}

const CALLS: [(&str, &str); 4] = [
    ("refund", r#"{"amount": 15}"#),
    ("refund", r#"{"amount": 30}"#),
    ("left", "{}"),
    ("right", "{}"),
];

fn answers(enforcer: &Enforcer) -> Vec<(Digest, String)> {
    CALLS
        .iter()
        .map(|(tool, arguments)| {
            let decision = enforcer.decide(&alice(), tool, *arguments);
            let answer = format!("{} {}", decision.outcome(), decision.reason());
            (decision.policy().component, answer)
        })
        .collect()
}

#[test]
fn ten_thousand_reloads_under_load_tear_no_decision() {
    let bundles = [bundle(&policy(true)), bundle(&policy(false))];
    // The machine code of both comes from the cache: what is under test is the exchange, not the compiler.
    let folder = tempfile::tempdir().unwrap();
    let engine = Engine::builder()
        .cache(folder.path().join("cache"), folder.path().join("key"))
        .build()
        .unwrap();
    let live = LivePolicy::open(&engine, Alternating { bundles, next: 0 }).unwrap();
    let enforcer = Enforcer::builder(AGENT, &live).build().unwrap();

    // What each of the two policies answers, asked while nothing changes.
    let mut expected: BTreeMap<Digest, Vec<String>> = BTreeMap::new();
    for _ in 0..2 {
        let (policies, texts): (Vec<Digest>, Vec<String>) = answers(&enforcer).into_iter().unzip();
        assert!(policies.iter().all(|policy| *policy == policies[0]));
        expected.insert(policies[0], texts);
        assert!(matches!(live.refresh(), Refresh::Replaced(_)));
    }
    let [first, second] = expected.values().collect::<Vec<_>>()[..] else {
        panic!("two policies");
    };
    assert!(
        first.iter().zip(second).all(|(a, b)| a != b),
        "{expected:?}"
    );

    let done = AtomicBool::new(false);
    let (decided, changes) = (AtomicU64::new(0), AtomicU64::new(0));
    std::thread::scope(|threads| {
        for _ in 0..2 {
            threads.spawn(|| {
                let mut last = None;
                while !done.load(Ordering::Relaxed) {
                    for (call, (policy, answer)) in answers(&enforcer).into_iter().enumerate() {
                        // Exactly one policy explains the decision: the one that it names.
                        assert_eq!(answer, expected[&policy][call]);
                        decided.fetch_add(1, Ordering::Relaxed);
                        if last.replace(policy).is_some_and(|last| last != policy) {
                            changes.fetch_add(1, Ordering::Relaxed);
                        }
                    }
                }
            });
        }
        for _ in 0..RELOADS {
            assert!(matches!(live.refresh(), Refresh::Replaced(_)));
        }
        done.store(true, Ordering::Relaxed);
    });
    let (decided, changes) = (decided.into_inner(), changes.into_inner());
    assert!(
        decided > 1_000 && changes > 100,
        "{decided} decisions saw {changes} changes: too little load to show anything"
    );
}
