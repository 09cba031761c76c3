//! `hexgate:policy/decision.covers`.
#![allow(
    unsafe_code,
    reason = "an export carries a name that only the linker checks"
)]

use hexgate_contract::core_export;
use hexgate_eval::Scratch;

use crate::{description::opened, memory};

/// `covers: func(scope: u32, path: string) -> bool`. A damaged plan covers nothing, nor does one without room to look.
#[unsafe(export_name = core_export!("decision", "covers"))]
extern "C" fn covers(scope: u32, path: *const u8, path_len: usize) -> u32 {
    memory::begin();
    let covered = opened().is_ok_and(|plan| {
        memory::scratch(Scratch::PATH).is_some_and(|room| {
            hexgate_eval::covers(&plan, scope, memory::text(path, path_len), room)
        })
    });
    memory::end();
    covered.into()
}
