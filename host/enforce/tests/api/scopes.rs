//! Whose call it is, under real concurrency.

use std::sync::{Arc, Barrier};

use hexgate_enforce::scope::{NoScope, carry, carry_sync, current, scope, sync_scope};
use hexgate_enforce::{Call, Caller, Cause, Effect};

use crate::fixture::*;

fn user(number: usize) -> Caller {
    let role = if number.is_multiple_of(2) {
        "support"
    } else {
        "nobody"
    };
    let name = format!("user-{number}");
    Caller::builder(name).role(role).build().unwrap()
}

fn name() -> Result<String, NoScope> {
    current().map(|caller| caller.user_id().to_owned())
}

#[test]
fn tasks_on_several_threads_each_have_their_own_caller() {
    let enforcer = enforcer(BILLING);
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(4)
        .build()
        .unwrap();
    runtime.block_on(async {
        let mut tasks = tokio::task::JoinSet::new();
        for number in 0..64 {
            let enforcer = enforcer.clone();
            tasks.spawn(scope(user(number), async move {
                for _ in 0..50 {
                    let decision = enforcer.decide_in_scope("view_order", "{}");
                    assert_eq!(decision.is_allowed(), number % 2 == 0);
                    let caller = decision.caller().unwrap();
                    assert_eq!(caller.user_id(), format!("user-{number}"));
                    tokio::task::yield_now().await;
                    // A part of the same task, and a blocking thread that is given the scope.
                    let (first, second) = tokio::join!(async { name() }, async {
                        tokio::task::yield_now().await;
                        name()
                    });
                    assert_eq!((first, second), (name(), name()));
                }
                let blocking = tokio::task::spawn_blocking(carry_sync(name));
                assert_eq!(blocking.await.unwrap(), Ok(format!("user-{number}")));
                let spawned = tokio::spawn(carry(async {
                    tokio::task::yield_now().await;
                    name()
                }));
                assert_eq!(spawned.await.unwrap(), Ok(format!("user-{number}")));
            }));
        }
        while let Some(task) = tasks.join_next().await {
            task.unwrap();
        }
        assert_eq!(name(), Err(NoScope));
    });
}

#[test]
fn a_scope_that_did_not_follow_is_a_denial_even_where_the_default_role_may() {
    let enforcer = enforcer(BILLING);
    let allowed = |decision: &hexgate_enforce::Decision| decision.is_allowed();
    // A caller without roles may: the policy's default role decides.
    let guest = Caller::builder("guest").build().unwrap();
    assert!(allowed(&enforcer.decide(&guest, "help", "{}")));

    let lost = |decision: hexgate_enforce::Decision| {
        assert_eq!(
            (decision.outcome(), decision.cause()),
            (Effect::Deny, Cause::NoScope)
        );
        assert!(decision.caller().is_none() && decision.role().is_none());
        assert!(
            decision.reason().contains("no caller is in scope"),
            "{}",
            decision.reason()
        );
    };
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(scope(guest.clone(), async {
        assert!(allowed(&enforcer.decide_in_scope("help", "{}")));
        let other = enforcer.clone();
        lost(
            tokio::spawn(async move { other.decide_in_scope("help", "{}") })
                .await
                .unwrap(),
        );
        let other = enforcer.clone();
        lost(
            tokio::task::spawn_blocking(move || other.decide_in_scope("help", "{}"))
                .await
                .unwrap(),
        );
        let other = enforcer.clone();
        lost(
            std::thread::spawn(move || other.decide_in_scope("help", "{}"))
                .join()
                .unwrap(),
        );
        // What carries nothing gets nothing.
        let empty = std::thread::spawn(|| carry_sync(name)()).join().unwrap();
        assert_eq!(empty, Err(NoScope));
    }));
    lost(enforcer.decide_in_scope("help", "{}"));
    assert!(enforcer.authorize(Call::in_scope("help", "{}")).is_err());
}

#[test]
fn a_task_that_is_driven_from_within_a_scope_does_not_get_it() {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap();
    let alice = alice();
    // This task is polled on this very thread, while the scope of alice is open there.
    let spawned = runtime.spawn(async {
        tokio::task::yield_now().await;
        name()
    });
    let (inner, other) = sync_scope(&alice, || {
        runtime.block_on(async { (name(), spawned.await.unwrap()) })
    });
    assert_eq!((inner, other), (Ok("alice".to_owned()), Err(NoScope)));

    // The same with a runtime within a task within a scope.
    let outer = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .build()
        .unwrap();
    let seen = outer.block_on(scope(alice, async {
        tokio::task::block_in_place(|| {
            let inner = tokio::runtime::Builder::new_current_thread()
                .build()
                .unwrap();
            let spawned = inner.spawn(async { name() });
            inner.block_on(async { spawned.await.unwrap() })
        })
    }));
    assert_eq!(seen, Err(NoScope));
}

#[test]
fn scopes_nest_and_end_with_what_runs_in_them() {
    let (alice, bob) = (alice(), Caller::builder("bob").build().unwrap());
    sync_scope(&alice, || {
        assert_eq!(name().unwrap(), "alice");
        sync_scope(&bob, || assert_eq!(name().unwrap(), "bob"));
        let panicked = std::panic::catch_unwind(|| sync_scope(&bob, || panic!("in the scope")));
        assert!(panicked.is_err());
        assert_eq!(name().unwrap(), "alice");
    });
    assert_eq!(name(), Err(NoScope));
}

#[test]
fn blocking_threads_at_once_each_have_their_own_caller() {
    let enforcer = enforcer(BILLING);
    let together = Arc::new(Barrier::new(8));
    std::thread::scope(|threads| {
        for number in 0..8 {
            let (enforcer, together) = (&enforcer, together.clone());
            threads.spawn(move || {
                sync_scope(&user(number), || {
                    together.wait();
                    for _ in 0..200 {
                        let decision = enforcer.decide_in_scope("view_order", "{}");
                        assert_eq!(decision.is_allowed(), number % 2 == 0);
                        assert_eq!(
                            decision.caller().unwrap().user_id(),
                            format!("user-{number}")
                        );
                    }
                });
            });
        }
    });
}
