//! What must not be used after a fork.

use std::process;

use crate::fault::Fault;

/// A value for the process that made it. A child that was forked has a copy whose locks may be held by threads that it does not have, whose files
/// are those of its parent, and whose next decision would have the same name as the parent's. There it is refused, and left alone when it is dropped.
#[derive(Debug)]
pub(crate) struct Here<T> {
    value: Option<T>,
    process: u32,
}

impl<T> Here<T> {
    pub(crate) fn new(value: T) -> Self {
        Self {
            value: Some(value),
            process: process::id(),
        }
    }

    pub(crate) fn is_here(&self) -> bool {
        self.process == process::id()
    }

    pub(crate) fn get(&self) -> Result<&T, Fault> {
        // INVARIANT: the value is there until it is dropped.
        self.value
            .as_ref()
            .filter(|_| self.is_here())
            .ok_or_else(Fault::forked)
    }
}

impl<T> Drop for Here<T> {
    fn drop(&mut self) {
        if !self.is_here() {
            std::mem::forget(self.value.take());
        }
    }
}
