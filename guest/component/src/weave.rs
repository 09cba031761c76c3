//! Weaving a plan into the engine, and finding it again.

use core::fmt;

use crate::artifact::{COMPONENT, CORE};

/// The largest plan, in bytes. A plan lies in the memory of every instance, so its size is a cost per instance; 16 MiB holds more
/// than a thousand roles with a thousand tools each, and leaves nine tenths of what a host usually grants an instance.
pub const MAX_PLAN: usize = 16 << 20;

/// Why a plan cannot be woven in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum WeaveError {
    /// The plan is larger than [`MAX_PLAN`].
    TooLarge {
        /// Its size in bytes.
        len: usize,
    },
    /// The bytes do not begin as a plan of their length does.
    NotAPlan,
    /// The artifact in this crate is damaged.
    Artifact,
}

impl fmt::Display for WeaveError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooLarge { len } => write!(
                f,
                "the plan has {len} bytes, at most {MAX_PLAN} are possible: split the policy"
            ),
            Self::NotAPlan => f.write_str(
                "the bytes are not a plan: `HXPL` and their own length expected at the start",
            ),
            Self::Artifact => f.write_str(
                "the engine artifact is damaged: rebuild it with `cargo xtask engine build`",
            ),
        }
    }
}

impl core::error::Error for WeaveError {}

/// The component that decides by `plan`: of the world `hexgate:policy/policy`, without imports.
///
/// # Errors
/// See [`WeaveError`].
pub fn weave(plan: &[u8]) -> Result<Vec<u8>, WeaveError> {
    check(plan)?;
    COMPONENT.fill(plan).ok_or(WeaveError::Artifact)
}

/// The core module inside [`weave`]'s component, for hosts that speak the canonical ABI themselves.
///
/// # Errors
/// See [`WeaveError`].
pub fn weave_core(plan: &[u8]) -> Result<Vec<u8>, WeaveError> {
    let component = weave(plan)?;
    let end = CORE
        .end
        .checked_add(plan.len())
        .ok_or(WeaveError::Artifact)?;
    component
        .get(CORE.start..end)
        .map(<[u8]>::to_vec)
        .ok_or(WeaveError::Artifact)
}

/// The plan in a component of the known engine.
///
/// `Some` exactly if `component` equals, byte for byte, [`weave`] of the plan that is returned. So whoever gets a plan here knows
/// all of the component's code.
#[must_use]
pub fn plan_of(component: &[u8]) -> Option<&[u8]> {
    let plan = COMPONENT.plan_in(component)?;
    check(plan).is_ok().then_some(plan)
}

/// The engine reads as many bytes as the plan's header says. That they are the bytes that were woven in, and not what a request
/// left in the memory behind them, is made sure here.
pub(crate) fn check(plan: &[u8]) -> Result<(), WeaveError> {
    if plan.len() > MAX_PLAN {
        return Err(WeaveError::TooLarge { len: plan.len() });
    }
    let length = plan
        .get(8..12)
        .and_then(|bytes| <[u8; 4]>::try_from(bytes).ok())
        .map(u32::from_le_bytes);
    let honest = plan.starts_with(b"HXPL")
        && length.and_then(|length| usize::try_from(length).ok()) == Some(plan.len());
    if honest {
        Ok(())
    } else {
        Err(WeaveError::NotAPlan)
    }
}
