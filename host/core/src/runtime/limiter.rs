//! Keeps an instance within its memory limit, and records refused growth.

use wasmtime::ResourceLimiter;

/// The memory of one store.
#[derive(Debug)]
pub(crate) struct Limiter {
    allowed: usize,
    used: usize,
    started: bool,
    grown: bool,
    refused: bool,
}

impl Limiter {
    pub(super) fn new(allowed: u32) -> Self {
        let allowed = usize::try_from(allowed).unwrap_or(usize::MAX);
        Self {
            allowed,
            used: 0,
            started: false,
            grown: false,
            refused: false,
        }
    }

    /// Ends the start: from now on growth is recorded.
    pub(super) fn started(&mut self) {
        self.started = true;
    }

    /// Whether a memory or table grew after the start.
    pub(super) fn has_grown(&self) -> bool {
        self.grown
    }

    /// Whether the guest was refused memory.
    pub(super) fn has_refused(&self) -> bool {
        self.refused
    }

    /// Counts over all memories of the store: a component may have several.
    fn take(&mut self, current: usize, desired: usize) -> bool {
        let used = self.used.saturating_add(desired.saturating_sub(current));
        let granted = used <= self.allowed;
        if granted {
            self.used = used;
            self.grown |= self.started;
        } else {
            self.refused = true;
        }
        granted
    }
}

impl ResourceLimiter for Limiter {
    fn memory_growing(
        &mut self,
        current: usize,
        desired: usize,
        _maximum: Option<usize>,
    ) -> wasmtime::Result<bool> {
        Ok(self.take(current, desired))
    }

    fn memory_grow_failed(&mut self, _error: wasmtime::Error) -> wasmtime::Result<()> {
        self.refused = true;
        Ok(())
    }

    fn table_growing(
        &mut self,
        current: usize,
        desired: usize,
        _maximum: Option<usize>,
    ) -> wasmtime::Result<bool> {
        let entry = size_of::<usize>();
        Ok(self.take(current.saturating_mul(entry), desired.saturating_mul(entry)))
    }

    fn table_grow_failed(&mut self, _error: wasmtime::Error) -> wasmtime::Result<()> {
        self.refused = true;
        Ok(())
    }

    fn instances(&self) -> usize {
        super::config::CORE_INSTANCES
    }

    fn tables(&self) -> usize {
        super::config::TABLES
    }

    fn memories(&self) -> usize {
        super::config::MEMORIES
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_all_memories_together() {
        let mut limiter = Limiter::new(100);
        assert!(limiter.memory_growing(0, 60, None).unwrap());
        assert!(!limiter.memory_growing(0, 60, None).unwrap());
        assert!(limiter.has_refused() && !limiter.has_grown());
        limiter.started();
        assert!(limiter.memory_growing(60, 100, None).unwrap());
        assert!(limiter.has_grown());
        assert!(!limiter.memory_growing(100, usize::MAX, None).unwrap());
    }
}
