//! Wants to know what time it is.
#![no_std]

use hexgate_guest::{Call, Denial, Permit, Policy, export};

#[link(wasm_import_module = "clock")]
unsafe extern "C" {
    safe fn now() -> u64;
}

struct Imports;

impl Policy for Imports {
    fn decide<'c>(_: &Call<'c>) -> Result<Permit<'c>, Denial> {
        if now() % 2 == 0 {
            Ok(Permit::allow())
        } else {
            Err(Denial::because("it is odd"))
        }
    }
}

export!(Imports);
