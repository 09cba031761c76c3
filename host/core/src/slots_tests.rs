//! Tests of `slots`, apart from it because another test compiles that file with other locks.

use std::convert::Infallible;
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::slots::{After, Slots};

fn made(counter: &AtomicUsize) -> Result<usize, Infallible> {
    Ok(counter.fetch_add(1, Ordering::Relaxed))
}

#[test]
fn keeps_what_is_good_and_drops_what_is_not() {
    let (slots, counter) = (Slots::new(2), AtomicUsize::new(0));
    let ask = |after| {
        slots
            .with(0, || made(&counter), |thing| (*thing, after))
            .unwrap()
    };
    assert_eq!(ask(After::Keep), 0);
    assert_eq!(ask(After::Drop), 0);
    assert_eq!(ask(After::Keep), 1);
}

#[test]
fn makes_a_new_thing_when_all_places_are_taken() {
    let (slots, counter) = (Slots::new(1), AtomicUsize::new(0));
    let inner = slots.with(
        0,
        || made(&counter),
        |_| {
            (
                slots
                    .with(0, || made(&counter), |thing| (*thing, After::Keep))
                    .unwrap(),
                After::Keep,
            )
        },
    );
    assert_eq!(inner.unwrap(), 1);
    assert_eq!(
        slots
            .with(0, || made(&counter), |thing| (*thing, After::Keep))
            .unwrap(),
        0
    );
}

#[test]
fn without_places_everything_is_new() {
    let (slots, counter) = (Slots::new(0), AtomicUsize::new(0));
    for expected in 0..3 {
        assert_eq!(
            slots
                .with(7, || made(&counter), |thing| (*thing, After::Keep))
                .unwrap(),
            expected
        );
    }
}

#[test]
fn a_failure_to_make_leaves_the_place_usable() {
    let slots = Slots::new(1);
    assert_eq!(
        slots.with(0, || Err::<usize, _>("no"), |_| ((), After::Keep)),
        Err("no")
    );
    assert_eq!(
        slots.with(0, || Ok::<_, &str>(5), |thing| (*thing, After::Keep)),
        Ok(5)
    );
}

#[test]
fn a_panic_in_use_loses_the_thing_and_not_the_place() {
    let (slots, counter) = (Slots::new(1), AtomicUsize::new(0));
    let unwound = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        slots.with(
            0,
            || made(&counter),
            |_| -> ((), After) { panic!("in use") },
        )
    }));
    assert!(unwound.is_err());
    for _ in 0..2 {
        assert_eq!(
            slots
                .with(0, || made(&counter), |thing| (*thing, After::Keep))
                .unwrap(),
            1
        );
    }
}

#[test]
fn gives_up_what_nobody_uses() {
    let (slots, counter) = (Slots::new(2), AtomicUsize::new(0));
    slots
        .with(1, || made(&counter), |_| ((), After::Keep))
        .unwrap();
    assert!(slots.give_up_one());
    assert!(!slots.give_up_one());
    slots
        .with(
            0,
            || made(&counter),
            |_| (assert!(!slots.give_up_one()), After::Keep),
        )
        .unwrap();
}

#[test]
fn no_two_threads_ever_have_the_same_thing() {
    let (slots, counter) = (Slots::new(2), AtomicUsize::new(0));
    std::thread::scope(|scope| {
        for thread in 0..4 {
            let (slots, counter) = (&slots, &counter);
            scope.spawn(move || {
                for _ in 0..if cfg!(miri) { 20 } else { 2000 } {
                    let make = || {
                        Ok::<_, Infallible>((
                            counter.fetch_add(1, Ordering::Relaxed),
                            AtomicUsize::new(0),
                        ))
                    };
                    slots
                        .with(thread, make, |(_, users)| {
                            assert_eq!(users.fetch_add(1, Ordering::Relaxed), 0);
                            std::hint::spin_loop();
                            assert_eq!(users.fetch_sub(1, Ordering::Relaxed), 1);
                            ((), After::Keep)
                        })
                        .unwrap();
                }
            });
        }
    });
    assert!(slots.give_up_one());
}
