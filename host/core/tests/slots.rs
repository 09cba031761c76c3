//! All interleavings of threads that share places, explored by loom.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]
#![allow(dead_code, reason = "the file under test is compiled here whole")]

mod sync {
    pub(crate) use loom::sync::{Mutex, MutexGuard};
}
#[path = "../src/slots.rs"]
mod slots;

use loom::sync::Arc;
use loom::sync::atomic::{AtomicUsize, Ordering};
use slots::{After, Slots};

/// A thing that notices when two threads have it at once.
struct Thing {
    users: AtomicUsize,
    worn: bool,
}

fn make() -> Result<Thing, ()> {
    Ok(Thing {
        users: AtomicUsize::new(0),
        worn: false,
    })
}

fn use_once(slots: &Slots<Thing>, preferred: usize, after: After) {
    slots
        .with(preferred, make, |thing| {
            assert!(!thing.worn, "a dropped thing came back");
            assert_eq!(thing.users.fetch_add(1, Ordering::Relaxed), 0);
            loom::thread::yield_now();
            assert_eq!(thing.users.fetch_sub(1, Ordering::Relaxed), 1);
            thing.worn = after == After::Drop;
            ((), after)
        })
        .unwrap();
}

#[test]
fn no_thing_is_ever_used_by_two_threads() {
    loom::model(|| {
        let slots = Arc::new(Slots::new(1));
        let other = slots.clone();
        let thread = loom::thread::spawn(move || use_once(&other, 0, After::Keep));
        use_once(&slots, 0, After::Keep);
        thread.join().unwrap();
    });
}

#[test]
fn a_dropped_thing_never_comes_back() {
    loom::model(|| {
        let slots = Arc::new(Slots::new(2));
        let other = slots.clone();
        let thread = loom::thread::spawn(move || {
            use_once(&other, 1, After::Drop);
            use_once(&other, 1, After::Keep);
        });
        use_once(&slots, 0, After::Drop);
        thread.join().unwrap();
    });
}

#[test]
fn giving_up_never_takes_a_thing_out_of_use() {
    loom::model(|| {
        let slots = Arc::new(Slots::new(1));
        let other = slots.clone();
        let thread = loom::thread::spawn(move || other.give_up_one());
        use_once(&slots, 0, After::Keep);
        thread.join().unwrap();
        use_once(&slots, 0, After::Keep);
    });
}
