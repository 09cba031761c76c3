//! Turns the bytes of an entry into code.
#![allow(
    unsafe_code,
    reason = "loading compiled code is trusting it; what makes the trust right stands at the call"
)]

use wasmtime::Engine;
use wasmtime::component::Component;

use super::Authentic;

/// None: the runtime refuses the entry, because it was made by another version or for another machine.
pub(super) fn component(engine: &Engine, entry: &Authentic) -> Option<Component> {
    // SAFETY: the bytes must come from `Component::serialize`. `Authentic` exists only for bytes, read once and held in memory
    // since, whose keyed hash was made by this host over what `serialize` returned. The hash covers the name of the entry, in
    // which the runtime's version, target and settings and the source of the code are hashed. The runtime checks version and kind
    // again.
    unsafe { Component::deserialize(engine, entry.artifact()) }.ok()
}
