//! What compiled code of the known engine depends on, beside the runtime's version.
//!
//! The program that compiles the engine for shipping includes this file, so that what it makes fits what hosts run.

use wasmtime::Config;

/// The settings of a runtime for code that is known.
pub(crate) fn settings() -> Config {
    let mut config = Config::new();
    config
        .memory_init_cow(true)
        .wasm_memory64(false)
        .wasm_multi_memory(false)
        .wasm_relaxed_simd(false)
        .wasm_tail_call(false)
        // For debuggers, profilers and backtraces. Traps are told apart without them.
        .debug_symbols(false)
        .generate_address_map(false)
        .native_unwind_info(false);
    config
}
