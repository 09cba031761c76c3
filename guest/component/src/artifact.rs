//! Where things stand in the artifact. Written by `cargo xtask engine build`; do not edit.

use core::ops::Range;

use crate::template::{
    Number::{Length, Pages},
    Template,
};

/// SHA-256 of the engine's component without a plan, 64 lower-case hexadecimal digits: which engine this is.
pub const DIGEST: &str = "967d2818be899901281f07c22a24edf0276596a96ca891b8beece18bf2ebf6c8";

/// The compiler and linker that built the engine.
#[rustfmt::skip]
pub const BUILT_BY: &str = "rustc 1.96.0 (ac68faa20c58cbccd01ee7208bf3b6e93a7d7f96), LLVM 22.1.8, LLD 22.1.2 (/checkout/src/llvm-project/llvm 1cb4e3833c1919c2e6fb579a23ac0e2b22587b7e), core from source";

/// Where the plan lies in the engine's memory.
pub const HEAP_BASE: u32 = 20768;

pub(crate) const CORE: Range<usize> = 14..93513;

pub(crate) const COMPONENT: Template = Template {
    bytes: include_bytes!("../artifact/engine.component.wasm"),
    plan_at: 93513,
    numbers: &[
        (9, Length(93499)),
        (408, Pages(37167)),
        (89192, Length(4316)),
        (93508, Length(0)),
    ],
};

pub(crate) const WRAPPER: Template = Template {
    bytes: include_bytes!("../artifact/opa.wrapper.bin"),
    plan_at: 72912,
    numbers: &[
        (1, Length(72906)),
        (475, Pages(37807)),
        (67971, Length(4936)),
        (72907, Length(0)),
    ],
};

/// The `wasi:http` handler that a policy is composed with: a component that imports `hexgate:policy`.
pub const HTTP_HANDLER: &[u8] = include_bytes!("../artifact/http.component.wasm");
