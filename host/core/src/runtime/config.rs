//! How the runtime is set up: once for the known engine, once for every other component.

use wasmtime::{Config, Enabled, Engine, InstanceAllocationStrategy, PoolingAllocationConfig};

use super::settings::settings;
use crate::limits::Limits;

/// The most core instances in one component: a shim, a module or two, and what the canonical ABI wants.
pub(super) const CORE_INSTANCES: usize = 16;
/// The most memories in one component.
pub(super) const MEMORIES: usize = 4;
/// The most tables in one component.
pub(super) const TABLES: usize = 8;

/// The memories of a component around a module of OPA's: its own and OPA's.
#[cfg(feature = "cranelift")]
const REGO_MEMORIES: u32 = 2;

/// How much of a memory stays mapped to a slot between instances. A page that is put back by copying costs a tenth of one that
/// is unmapped and faulted in again; this covers stack, data, plan and working memory of an ordinary decision.
const RESIDENT: usize = 512 << 10;

/// For the known engine. Its time is bounded by its construction, and metering would cost a tenth of a decision.
///
/// Limits change how many instances there are and how large they become, not what their code is.
pub(crate) fn trusted(limits: &Limits) -> wasmtime::Result<Engine> {
    Engine::new(&within(limits, 1))
}

/// For all other components: counts instructions, and turns off features that could answer differently on another machine.
#[cfg(feature = "cranelift")]
pub(crate) fn metered(limits: &Limits) -> wasmtime::Result<Engine> {
    let mut config = within(limits, REGO_MEMORIES);
    let mut cost = wasmtime::OperatorCost::new();
    // Growing is done by the kernel, page by page.
    cost.variable.memory_grow_per_page = u8::MAX;
    config
        .consume_fuel(true)
        .operator_cost(cost)
        .cranelift_nan_canonicalization(true)
        .relaxed_simd_deterministic(true)
        // Data documents are mostly one large segment; up to this size it is mapped, not copied.
        .memory_guaranteed_dense_image_size(32 << 20);
    Engine::new(&config)
}

fn within(limits: &Limits, memories_each: u32) -> Config {
    let mut pool = PoolingAllocationConfig::new();
    let instances = limits.instances;
    let cores = u32::try_from(CORE_INSTANCES).unwrap_or(u32::MAX);
    let memories = u32::try_from(MEMORIES).unwrap_or(u32::MAX);
    let tables = u32::try_from(TABLES).unwrap_or(u32::MAX);
    let memory = usize::try_from(limits.memory_bytes).unwrap_or(usize::MAX);
    pool.total_component_instances(instances)
        .total_core_instances(
            instances
                .saturating_mul(memories_each.saturating_mul(2))
                .max(cores),
        )
        .total_memories(instances.saturating_mul(memories_each).max(memories))
        .total_tables(instances.saturating_mul(memories_each).max(tables))
        .max_core_instances_per_component(cores)
        .max_memories_per_component(memories)
        .max_tables_per_component(tables)
        .max_memory_size(memory)
        .table_elements(10_000)
        .max_unused_warm_slots(instances)
        .linear_memory_keep_resident(RESIDENT)
        .table_keep_resident(64 << 10)
        .pagemap_scan(Enabled::Auto);

    let mut config = settings();
    config
        .allocation_strategy(InstanceAllocationStrategy::Pooling(pool))
        .max_wasm_stack(usize::try_from(limits.stack_bytes).unwrap_or(usize::MAX))
        .wasm_backtrace_max_frames(None);
    config
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_start_with_the_least_and_the_default_limits() {
        let least = Limits {
            instances: 1,
            memory_bytes: 65_536,
            stack_bytes: 32 << 10,
            ..Limits::default()
        };
        for limits in [Limits::default(), least] {
            trusted(&limits).unwrap();
            #[cfg(feature = "cranelift")]
            metered(&limits).unwrap();
        }
    }
}
