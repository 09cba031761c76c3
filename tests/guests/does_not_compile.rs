//! Takes a check for a policy that can allow.
#![no_std]

use hexgate_guest::{Call, Check, Denial, Granted, Narrowed, export};

struct Widens;

impl Check for Widens {
    fn check(_: &Call<'_>, _: &Granted<'_>) -> Result<Narrowed, Denial> {
        Ok(Narrowed::Allow)
    }
}

export!(Widens);
