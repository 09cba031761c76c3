//! The component in a bundle.

use std::borrow::Cow;

use hexgate_bundle::{Contents, Manifest};
use hexgate_component::{OpaquePlan, opaque_plan, wrap};

use crate::error::LoadError;

/// The compiler of modules in bundles of version 1, which do not name it.
const VERSION_1_COMPILER: &str = "opa";

/// The component in a bundle: as stored, or around the OPA module that bundles of version 1 hold instead.
///
/// # Errors
///
/// [`LoadError::Wrap`] if it is not a module that OPA compiled, or one that needs more than a policy has.
pub fn component_of(contents: &Contents) -> Result<Cow<'_, [u8]>, LoadError> {
    let Manifest::V1(manifest) = contents.manifest() else {
        return Ok(contents.wasm().into());
    };
    let plan = opaque_plan(&OpaquePlan::new(
        *manifest.source_hash.as_bytes(),
        VERSION_1_COMPILER,
    ));
    match wrap(contents.wasm(), &plan) {
        Ok(component) => Ok(component.into()),
        Err(error) => Err(LoadError::Wrap {
            reason: error.to_string(),
        }),
    }
}
