//! A check that panics where the YAML policy allows.
#![no_std]

use hexgate_guest::{Call, Check, Denial, Granted, Narrowed, export};

struct Panics;

impl Check for Panics {
    fn check(call: &Call<'_>, granted: &Granted<'_>) -> Result<Narrowed, Denial> {
        assert!(call.tool() != "refund_order", "not while {} looks", granted.role());
        Ok(Narrowed::Keep)
    }
}

export!(Panics narrows "policy");
