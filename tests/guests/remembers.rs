//! Tries to learn from the last decision: says no, and what it has learned, if it can.
#![no_std]

extern crate alloc;

use alloc::{boxed::Box, format, string::String};
use core::{
    arch::wasm32::{memory_grow, memory_size},
    ptr,
    sync::atomic::{AtomicPtr, AtomicU32, Ordering::Relaxed},
};

use hexgate_guest::{Call, Denial, Permit, Policy, export};

struct Remembers;

static DECISIONS: AtomicU32 = AtomicU32::new(0);
static ARGUMENTS: AtomicPtr<String> = AtomicPtr::new(ptr::null_mut());

const PAGE: usize = 65_536;
const MARK: u64 = 0x5e_ed_1e_55_5e_c2_e7_00;

impl Policy for Remembers {
    fn decide<'c>(call: &Call<'c>) -> Result<Permit<'c>, Denial> {
        match call.tool() {
            "static" => match DECISIONS.fetch_add(1, Relaxed) {
                0 => Ok(Permit::allow()),
                count => Err(Denial::because(format!("{count} before"))),
            },
            "heap" => {
                let secret = call.arg("secret").text()?.into_owned();
                let last = ARGUMENTS.swap(Box::into_raw(Box::new(secret)), Relaxed);
                if last.is_null() {
                    return Ok(Permit::allow());
                }
                // SAFETY: it was a box, and nobody frees it.
                Err(Denial::because(unsafe { (*last).clone() }))
            }
            "memory" => {
                // The last word of what there is, wherever the next instance may find it.
                let word = |pages: usize| (pages * PAGE - 8) as *mut u64;
                let pages = memory_size(0);
                // SAFETY: the memory reaches so far, and this tool allocates nothing there.
                if unsafe { word(pages).read_volatile() } == MARK {
                    return Err(Denial::because("the mark was there"));
                }
                memory_grow(0, 1);
                // SAFETY: as above, one page further.
                unsafe {
                    word(pages).write_volatile(MARK);
                    word(memory_size(0)).write_volatile(MARK);
                }
                Ok(Permit::allow())
            }
            _ => Err(Denial::because("the tool is not listed")),
        }
    }
}

export!(Remembers);
