//! A fixed number of places for values that are costly to make and may be used by one thread at a time.
//!
//! There is no queue and no shared lock: a thread tries its own place first, then the others, and makes a new thing when all are
//! taken. The code does not depend on the type of the things, so it is tested without them.

use std::sync::TryLockError;

// Not from `std` directly: a test compiles this file with another `sync`, whose locks explore all interleavings.
use crate::sync::{Mutex, MutexGuard};

/// The state of a thing after its use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum After {
    /// It is as good as new.
    Keep,
    /// It must not be used again.
    Drop,
}

/// A place. Padded, so that threads on different places do not share a cache line.
#[repr(align(128))]
struct Slot<T>(Mutex<Option<T>>);

/// The places.
pub(crate) struct Slots<T>(Box<[Slot<T>]>);

impl<T> Slots<T> {
    pub(crate) fn new(count: usize) -> Self {
        Self((0..count).map(|_| Slot(Mutex::new(None))).collect())
    }

    /// Runs `use_it` on the thing that is kept at the caller's place, or at any other that is free, or on a new one.
    ///
    /// While `use_it` runs, no other thread can reach the thing. It is kept only if `use_it` says so, and not if `use_it` panics.
    pub(crate) fn with<R, E>(
        &self,
        preferred: usize,
        make: impl FnOnce() -> Result<T, E>,
        use_it: impl FnOnce(&mut T) -> (R, After),
    ) -> Result<R, E> {
        let Some(mut place) = self.free_place(preferred) else {
            return Ok(use_it(&mut make()?).0);
        };
        // Taken out while in use, so that a panic leaves the place empty. Moving a box or a handle is cheap; `T` is one.
        let mut thing = match place.take() {
            Some(thing) => thing,
            None => make()?,
        };
        let (result, after) = use_it(&mut thing);
        if after == After::Keep {
            *place = Some(thing);
        }
        Ok(result)
    }

    /// Drops one idle thing. False if there was none.
    pub(crate) fn give_up_one(&self) -> bool {
        self.0
            .iter()
            .any(|slot| claim(slot).is_some_and(|mut place| place.take().is_some()))
    }

    fn free_place(&self, preferred: usize) -> Option<MutexGuard<'_, Option<T>>> {
        let count = self.0.len();
        let first = preferred.checked_rem(count)?;
        let (before, from) = self.0.split_at(first);
        from.iter().chain(before).find_map(claim)
    }
}

impl<T> std::fmt::Debug for Slots<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Slots").field(&self.0.len()).finish()
    }
}

/// Locks a place unless another thread has it.
fn claim<T>(slot: &Slot<T>) -> Option<MutexGuard<'_, Option<T>>> {
    match slot.0.try_lock() {
        Ok(place) => Some(place),
        // Poisoning is harmless: the thing was taken out while in use, so a panic left the place empty.
        Err(TryLockError::Poisoned(poisoned)) => Some(poisoned.into_inner()),
        Err(TryLockError::WouldBlock) => None,
    }
}
