//! What the standard library would bring.

use dlmalloc::GlobalDlmalloc;

#[global_allocator]
static ALLOCATOR: GlobalDlmalloc = GlobalDlmalloc;

/// A panic ends in a trap: the host drops the instance and denies. There is nowhere to tell the message.
#[panic_handler]
fn panic(_: &core::panic::PanicInfo<'_>) -> ! {
    #[cfg(target_arch = "wasm32")]
    core::arch::wasm32::unreachable();
    #[cfg(not(target_arch = "wasm32"))]
    loop {}
}

// Copying and comparing memory: for WASI the compiler leaves it to the C library, which only the standard library would link. Nothing else
// of that library is used, so nothing of the system is imported.
#[cfg(target_os = "wasi")]
#[allow(unsafe_code, reason = "the block declares nothing")]
#[link(name = "c")]
unsafe extern "C" {}

/// What a host places a request with. On this target the bindings leave it to the C library, which is not linked here.
#[cfg(target_env = "p2")]
#[allow(
    unsafe_code,
    reason = "an export carries a name that only the linker checks, and allocates for the host"
)]
#[unsafe(no_mangle)]
extern "C" fn cabi_realloc(old: *mut u8, old_size: usize, align: usize, size: usize) -> *mut u8 {
    use alloc::alloc::{Layout, alloc, realloc};
    use core::{arch::wasm32, ptr};

    let (Ok(before), Ok(after)) = (
        Layout::from_size_align(old_size, align),
        Layout::from_size_align(size, align),
    ) else {
        wasm32::unreachable()
    };
    if size == 0 {
        return ptr::without_provenance_mut(align);
    }
    // SAFETY: neither size is zero where it is asked for, and by the canonical ABI `old` is what was returned for `before`.
    let block = unsafe {
        if old_size == 0 {
            alloc(after)
        } else {
            realloc(old, before, size)
        }
    };
    if block.is_null() {
        wasm32::unreachable()
    }
    block
}
