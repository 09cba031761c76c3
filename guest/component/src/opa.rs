//! Wrapping a module that OPA compiled into a component, and finding it again.
//!
//! ```text
//! component
//!   module 0   memory: OPA's memory, and what OPA's module imports     made here, a few hundred bytes
//!   module 1   OPA's module, byte for byte
//!   module 2   `guest/opa` with the plan as its last data segment      the artifact
//!   instances, exports of the world `hexgate:policy/policy`            the artifact
//! ```

mod error;
mod inspect;
mod memory;

pub use error::WrapError;

use crate::{artifact::WRAPPER, embed::check};
use inspect::Inspected;

/// What a component begins with.
const HEADER: [u8; 8] = *b"\0asm\x0d\0\x01\0";
/// The number of a section that is a core module.
const MODULE: u8 = 1;

/// The component that decides by a module that OPA compiled: of the world `hexgate:policy/policy`, without imports.
///
/// For Rego that was printed from a policy, `plan` is that policy's; for any other Rego it is an
/// [`opaque_plan`](hexgate_eval::plan::opaque_plan). The plan never decides: it holds the limits, the description, and the data
/// document of an opaque one.
///
/// # Errors
/// See [`WrapError`].
pub fn wrap(opa_module: &[u8], plan: &[u8]) -> Result<Vec<u8>, WrapError> {
    let inspected = Inspected::of(opa_module)?;
    inspect::validate(opa_module)?;
    assemble(opa_module, &inspected, plan)
}

/// OPA's module and the plan in a component that [`wrap`] made.
///
/// `Some` exactly if `component` equals, byte for byte, [`wrap`] of what is returned. So the caller who gets a module here knows all of the
/// component's code but OPA's.
#[must_use]
pub fn opa_module_of(component: &[u8]) -> Option<(&[u8], &[u8])> {
    let rest = component.strip_prefix(&HEADER)?;
    let (memory, rest) = module(rest)?;
    let (opa, wrapper) = module(rest)?;
    let plan = WRAPPER.plan_in(wrapper)?;
    check(plan).ok()?;
    let inspected = Inspected::of(opa).ok()?;
    (inspected.memory_module() == memory).then_some((opa, plan))
}

fn assemble(opa: &[u8], inspected: &Inspected, plan: &[u8]) -> Result<Vec<u8>, WrapError> {
    check(plan)?;
    let wrapper = WRAPPER.fill(plan).ok_or(crate::EmbedError::Artifact)?;
    let memory = inspected.memory_module();
    let mut out = Vec::with_capacity(opa.len() + wrapper.len() + memory.len() + 32);
    out.extend_from_slice(&HEADER);
    for module in [memory.as_slice(), opa] {
        out.push(MODULE);
        let len = u32::try_from(module.len()).map_err(|_| WrapError::NotAModule {
            reason: "it is larger than a component can be".into(),
        })?;
        wasm_encoder::Encode::encode(&len, &mut out);
        out.extend_from_slice(module);
    }
    out.extend_from_slice(&wrapper);
    Ok(out)
}

/// The core module that a component's next section is, and what follows it.
fn module(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let (&MODULE, rest) = bytes.split_first()? else {
        return None;
    };
    let mut reader = wasmparser::BinaryReader::new(rest, 0);
    let len = reader.read_var_u32().ok()?;
    // Of the ways to write a length only the shortest is ours.
    let mut shortest = Vec::new();
    wasm_encoder::Encode::encode(&len, &mut shortest);
    let rest = rest.strip_prefix(shortest.as_slice())?;
    rest.split_at_checked(usize::try_from(len).ok()?)
}
