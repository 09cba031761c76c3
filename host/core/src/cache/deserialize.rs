//! Turns the bytes of an entry into code. The only `unsafe` of this crate.
#![allow(
    unsafe_code,
    reason = "loading compiled code is trusting it; what makes the trust right stands at each call"
)]

use wasmtime::component::Component;
use wasmtime::{Engine, Module};

use super::Authentic;

/// None: the runtime refuses the entry, because it was made by another version or for another machine.
pub(super) fn module(engine: &Engine, entry: &Authentic) -> Option<Module> {
    // SAFETY: the bytes must come from `Module::serialize`. `Authentic` exists only for bytes, read once and held in memory
    // since, whose keyed hash was made by this host over what `serialize` returned. The hash covers the name of the entry, in
    // which the runtime's version, target and settings and the source of the code are hashed; and the name says that it is a
    // module or a component by that source. The runtime checks version and kind again.
    unsafe { Module::deserialize(engine, entry.artifact()) }.ok()
}

/// None: the runtime refuses the entry, because it was made by another version or for another machine.
pub(super) fn component(engine: &Engine, entry: &Authentic) -> Option<Component> {
    // SAFETY: as for `module`, with `Component::serialize`.
    unsafe { Component::deserialize(engine, entry.artifact()) }.ok()
}
