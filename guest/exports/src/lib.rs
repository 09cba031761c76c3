//! The parts that all core modules of policies share: the arena, results, and the interface `description`.
//!
//! Generated bindings cost some 200 ns a call and double the size of a module, so the canonical ABI is spoken directly. Its
//! rules that matter here: the host places what it passes with `cabi_realloc`, calls an export with flat parameters, and reads the
//! result from the memory that the returned pointer leads to before it calls anything else.
//!
//! ```text
//! 0          stack | data | plan            inputs | scratch | texts of a denial | free
//! memory     ------+------+-----------------+--------+---------+------------------+-----
//!                         __heap_base       arena base                            next
//! ```
//!
//! Nothing outlives a call but its result, and that only until the next one: inputs and scratch are wiped before an export
//! returns, the result when the arena is used again, if its host has not wiped it before.
//!
//! | module | content |
//! |---|---|
//! | `memory` | the arena, `cabi_realloc`, the plan's place |
//! | `abi` | results in the shape in which a host reads them |
//! | `request` | what `decide` is passed, and working memory for it |
//! | `covers` | `covers` |
//! | `description` | `about`, `roles`, `rules`, `forbids`, `scope`, `terms` |
//!
//! On any other target than wasm32 this crate is empty but for its tests.
#![cfg_attr(target_arch = "wasm32", no_std)]
#![deny(missing_docs)]

#[cfg(any(target_arch = "wasm32", test))]
extern crate alloc;

#[cfg(any(target_arch = "wasm32", test))]
pub mod abi;
#[cfg(target_arch = "wasm32")]
mod covers;
#[cfg(target_arch = "wasm32")]
mod description;
#[cfg(target_arch = "wasm32")]
pub mod memory;
#[cfg(target_arch = "wasm32")]
pub mod request;

/// For [`export_decide`].
#[doc(hidden)]
pub use hexgate_contract::core_export;

/// A panic ends in a trap: the host destroys the instance and denies.
#[cfg(target_arch = "wasm32")]
#[panic_handler]
fn panic(_: &core::panic::PanicInfo<'_>) -> ! {
    core::arch::wasm32::unreachable()
}
