//! A policy of a contract that there may be one day.
#![no_std]

extern crate alloc;

use alloc::string::String;
use hexgate_guest as _;

wit_bindgen::generate!({
    inline: "
        package hexgate:policy@0.2.0;

        interface decision {
            decide: func(tool: string) -> bool;
        }

        world policy {
            export decision;
        }
    ",
});

struct Other;

impl exports::hexgate::policy::decision::Guest for Other {
    fn decide(_: String) -> bool {
        true
    }
}

export!(Other);
