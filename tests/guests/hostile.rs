//! Does what the tool is called.
#![no_std]

extern crate alloc;

use alloc::{string::String, vec, vec::Vec};
use core::hint::black_box;

use hexgate_guest::{Call, Denial, Permit, Policy, export};

struct Hostile;

impl Policy for Hostile {
    fn decide<'c>(call: &Call<'c>) -> Result<Permit<'c>, Denial> {
        match call.tool() {
            "honest" => Ok(Permit::allow()),
            "trap" => core::arch::wasm32::unreachable(),
            "panic" => panic!("the tool `{}` is not to my taste", call.tool()),
            "index" => Err(Denial::because(vec!["one"][call.roles().len() + 1])),
            "loop" => loop {
                black_box(call);
            },
            "grow" => {
                let mut all: Vec<Vec<u8>> = Vec::new();
                loop {
                    all.push(black_box(Vec::with_capacity(1 << 20)));
                }
            }
            "recurse" => {
                if black_box(deeper(call.roles().len() as u64)) == 0 {
                    return Ok(Permit::allow());
                }
                Err(Denial::because("the bottom was reached"))
            }
            "huge reason" => Err(Denial::because("long ".repeat(1 << 20))),
            // SAFETY: none. This is what a host has to live with.
            "invalid text" => Err(Denial::because(unsafe {
                String::from_utf8_unchecked(vec![0xff, 0xfe, 0x00, 0x80])
            })),
            _ => Err(Denial::because("the tool is not listed")),
        }
    }
}

/// Uses a little of the machine's stack and nothing of the memory.
#[inline(never)]
fn deeper(level: u64) -> u64 {
    if level == u64::MAX {
        return 0;
    }
    deeper(level + 1).wrapping_mul(3) ^ level
}

export!(Hostile);
