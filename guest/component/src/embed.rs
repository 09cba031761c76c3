//! Embedding a plan in the engine, and finding it again.

use core::fmt;

use crate::artifact::{COMPONENT, CORE};
use crate::template::Number;

/// The largest plan, in bytes. A plan lies in the memory of every instance, so its size is a cost per instance; 16 MiB holds more
/// than a thousand roles with a thousand tools each, and leaves nine tenths of what a host usually grants an instance.
pub const MAX_PLAN: usize = 16 << 20;

/// Why a plan cannot be embedded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum EmbedError {
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

impl fmt::Display for EmbedError {
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

impl core::error::Error for EmbedError {}

/// The component that decides by `plan`: of the world `hexgate:policy/policy`, without imports.
///
/// # Errors
/// See [`EmbedError`].
pub fn embed_plan(plan: &[u8]) -> Result<Vec<u8>, EmbedError> {
    check(plan)?;
    COMPONENT.fill(plan).ok_or(EmbedError::Artifact)
}

/// The core module inside [`embed_plan`]'s component, for hosts that speak the canonical ABI themselves.
///
/// # Errors
/// See [`EmbedError`].
pub fn module_with_plan(plan: &[u8]) -> Result<Vec<u8>, EmbedError> {
    let component = embed_plan(plan)?;
    let end = CORE
        .end
        .checked_add(plan.len())
        .ok_or(EmbedError::Artifact)?;
    component
        .get(CORE.start..end)
        .map(<[u8]>::to_vec)
        .ok_or(EmbedError::Artifact)
}

/// The engine's core module without a plan: what runs every plan that is copied to [`HEAP_BASE`](crate::HEAP_BASE) of its memory
/// before the first call, once the memory has [`memory_pages`].
///
/// Empty only if the artifact in this crate is damaged.
#[must_use]
pub fn engine_module() -> &'static [u8] {
    COMPONENT.bytes.get(CORE).unwrap_or_default()
}

/// How many pages of memory, 64 KiB each, the engine's component begins with if `plan` is embedded in it. `None`: no component has
/// such a plan.
#[must_use]
pub fn memory_pages(plan: &[u8]) -> Option<u32> {
    check(plan).ok()?;
    let pages = |(_, number): &(usize, Number)| match number {
        Number::Pages(_) => number.with(plan),
        Number::Length(_) => None,
    };
    COMPONENT.numbers.iter().find_map(pages)
}

/// The plan in a component of the known engine.
///
/// `Some` exactly if `component` equals, byte for byte, [`embed_plan`] of the plan that is returned. So a caller who gets a plan knows
/// all of the component's code.
#[must_use]
pub fn plan_of(component: &[u8]) -> Option<&[u8]> {
    let plan = COMPONENT.plan_in(component)?;
    check(plan).is_ok().then_some(plan)
}

/// The engine reads as many bytes as the plan's header says. That they are the bytes that were embedded, and not what a request
/// left in the memory behind them, is made sure here.
pub(crate) fn check(plan: &[u8]) -> Result<(), EmbedError> {
    if plan.len() > MAX_PLAN {
        return Err(EmbedError::TooLarge { len: plan.len() });
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
        Err(EmbedError::NotAPlan)
    }
}
