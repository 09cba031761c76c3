//! OPA's ABI: an input in, an answer out.
#![allow(
    unsafe_code,
    reason = "imports carry names that only the linker checks"
)]

use alloc::{string::String, vec::Vec};
use core::sync::atomic::{AtomicU32, Ordering::Relaxed};

use hexgate_eval::{Error, Plan};

use crate::input::push_json;

/// The longest answer that is read, in bytes.
const MAX_ANSWER: usize = 1 << 20;

// Addresses are those of OPA's memory. The worst that a wrong one does is to trap there.
#[link(wasm_import_module = "opa")]
unsafe extern "C" {
    safe fn opa_malloc(size: u32) -> u32;
    safe fn opa_heap_ptr_get() -> u32;
    safe fn opa_heap_ptr_set(address: u32);
    safe fn opa_json_parse(address: u32, len: u32) -> u32;
    safe fn opa_eval(
        reserved: u32,
        entrypoint: u32,
        data: u32,
        input: u32,
        len: u32,
        heap: u32,
        format: u32,
    ) -> u32;
}

#[link(wasm_import_module = "memory")]
unsafe extern "C" {
    /// The eight bytes at a multiple of eight.
    safe fn load(address: u32) -> u64;
    /// Writes eight bytes.
    safe fn store(address: u32, word: u64);
    /// Which of the module's entrypoints decides.
    safe fn entrypoint() -> u32;
}

/// The data document, once it has been read.
static DATA: AtomicU32 = AtomicU32::new(0);
/// Where OPA's heap begins behind it.
static HEAP: AtomicU32 = AtomicU32::new(0);

/// What the policy answers to an input: a list of results as JSON.
pub(crate) fn eval(plan: &Plan<'_>, input: &str) -> Result<String, Error> {
    let heap = HEAP.load(Relaxed);
    if heap == 0 {
        let data = match plan.data()? {
            "" => "{}",
            data => data,
        };
        let mut text = String::with_capacity(data.len());
        push_json(&mut text, data);
        let address = place(&text);
        let parsed = opa_json_parse(address, len(&text));
        if parsed == 0 {
            return Err(Error::Internal("data that OPA cannot read"));
        }
        DATA.store(parsed, Relaxed);
        HEAP.store(opa_heap_ptr_get(), Relaxed);
    } else {
        // What the last decision left is given up.
        opa_heap_ptr_set(heap);
    }
    let address = place(input);
    let free = opa_heap_ptr_get();
    let json = 0;
    let answer = opa_eval(
        0,
        entrypoint(),
        DATA.load(Relaxed),
        address,
        len(input),
        free,
        json,
    );
    take(answer)
}

/// Copies a text into OPA's memory.
fn place(text: &str) -> u32 {
    // A whole word is written at the end.
    let address = opa_malloc(len(text).saturating_add(8));
    let mut at = address;
    let (words, rest) = text.as_bytes().as_chunks::<8>();
    for word in words {
        store(at, u64::from_le_bytes(*word));
        at = at.wrapping_add(8);
    }
    let mut last = [0; 8];
    for (place, byte) in last.iter_mut().zip(rest) {
        *place = *byte;
    }
    store(at, u64::from_le_bytes(last));
    address
}

/// Copies a text out of OPA's memory, up to the zero at its end.
fn take(address: u32) -> Result<String, Error> {
    let mut text = Vec::new();
    let mut at = address & !7;
    let mut skip = (address & 7) as usize;
    loop {
        let word = load(at).to_le_bytes();
        let bytes = word.get(skip..).unwrap_or_default();
        let end = bytes.iter().position(|byte| *byte == 0);
        text.extend_from_slice(bytes.get(..end.unwrap_or(bytes.len())).unwrap_or_default());
        if end.is_some() {
            return String::from_utf8(text)
                .map_err(|_| Error::Internal("the Rego policy's answer is not UTF-8"));
        }
        if text.len() > MAX_ANSWER {
            return Err(Error::Internal(
                "the Rego policy's answer is longer than 1 MiB",
            ));
        }
        (at, skip) = (at.wrapping_add(8), 0);
    }
}

/// The length of a text. Memories have 32-bit addresses.
fn len(text: &str) -> u32 {
    text.len() as u32
}
