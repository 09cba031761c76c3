//! Where things stand in the artifact. Written by `cargo xtask engine build`; do not edit.

use core::ops::Range;

use crate::template::Template;

/// SHA-256 of `engine.component.wasm`.
pub const DIGEST: &str = "";

/// What built it.
pub const BUILT_BY: &str = "";

/// Where the plan lies in the engine's memory.
pub const HEAP_BASE: u32 = 32768;

/// How many pages of memory a plan needs.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Pages {
    pub(crate) fixed: u32,
}

impl Pages {
    pub(crate) fn for_plan(self, plan_len: u32) -> Option<u32> {
        Some(self.fixed.checked_add(plan_len)?.div_ceil(65_536))
    }
}

pub(crate) const CORE: Range<usize> = 0..0;

pub(crate) const COMPONENT: Template = Template {
    bytes: &[0; 32],
    plan_at: 32,
    lengths: &[(8, 0)],
    pages_at: 16,
    pages: Pages { fixed: HEAP_BASE },
};

pub(crate) const THIN: Template = Template {
    bytes: &[0; 32],
    plan_at: 32,
    lengths: &[(8, 0)],
    pages_at: 16,
    pages: Pages { fixed: HEAP_BASE },
};
