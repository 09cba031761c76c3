//! The data of a store, and the conversion of the runtime's errors.

use wasmtime::{PoolConcurrencyLimitError, Trap};

use super::limiter::Limiter;
use crate::error::{DecideError, TrapKind};
use crate::limits::Limits;

/// The data of a store.
#[derive(Debug)]
pub(crate) struct State {
    pub(super) limiter: Limiter,
    instances: u32,
    output_bytes: u32,
}

impl State {
    pub(crate) fn new(limits: &Limits) -> Self {
        Self {
            limiter: Limiter::new(limits.memory_bytes),
            instances: limits.instances,
            output_bytes: limits.output_bytes,
        }
    }

    /// The meaning of a runtime's error while a guest starts. There is no output yet that could be at fault.
    pub(super) fn explain_start(&self, error: &wasmtime::Error) -> DecideError {
        match self.explain(error) {
            DecideError::BadOutput { what } => DecideError::Host { what },
            other => other,
        }
    }

    /// The meaning of a runtime's error while a guest runs.
    pub(super) fn explain(&self, error: &wasmtime::Error) -> DecideError {
        if let Some(trap) = error.downcast_ref::<Trap>() {
            return self.explain_trap(*trap);
        }
        if error.is::<PoolConcurrencyLimitError>() {
            return DecideError::Busy {
                instances: self.instances,
            };
        }
        if self.limiter.has_refused() {
            return DecideError::Trap {
                kind: TrapKind::Memory,
            };
        }
        let text = format!("{error:#}");
        // The runtime has no type for this error. A test fails if its text changes.
        if text.contains("too much data is being copied") {
            return DecideError::BadOutput {
                what: format!(
                    "more than `output-bytes` allows, which is {}",
                    self.output_bytes
                ),
            };
        }
        DecideError::BadOutput { what: text }
    }

    fn explain_trap(&self, trap: Trap) -> DecideError {
        let kind = match trap {
            Trap::OutOfFuel => TrapKind::Fuel,
            Trap::StackOverflow => TrapKind::Stack,
            // A guest that gets no memory traps. Report the cause, which is more useful.
            Trap::UnreachableCodeReached | Trap::MemoryOutOfBounds
                if self.limiter.has_refused() =>
            {
                TrapKind::Memory
            }
            Trap::AllocationTooLarge => TrapKind::Memory,
            Trap::UnreachableCodeReached => TrapKind::Unreachable,
            Trap::MemoryOutOfBounds
            | Trap::TableOutOfBounds
            | Trap::HeapMisaligned
            | Trap::ArrayOutOfBounds => TrapKind::OutOfBounds,
            Trap::IntegerOverflow | Trap::IntegerDivisionByZero | Trap::BadConversionToInteger => {
                TrapKind::Arithmetic
            }
            Trap::IndirectCallToNull
            | Trap::BadSignature
            | Trap::NullReference
            | Trap::CastFailure => TrapKind::BadCall,
            _ => TrapKind::Other,
        };
        DecideError::Trap { kind }
    }
}
