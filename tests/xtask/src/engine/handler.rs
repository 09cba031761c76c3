//! `guest/http` as a component: what the linker wrote, with the interfaces that its bindings have noted in it.

use anyhow::{Context, Result};
use wit_component::ComponentEncoder;

/// The component. Its imports are those of its world that it uses.
pub(crate) fn component(linked: &[u8]) -> Result<Vec<u8>> {
    ComponentEncoder::default()
        .validate(true)
        .module(linked)
        .and_then(|mut encoder| encoder.encode())
        .context("`guest/http` cannot be made a component")
}
