//! `hexgate:policy/description`.
//!
//! These functions have no way to fail. A damaged plan is called opaque, and nothing of it is described.
#![allow(
    unsafe_code,
    reason = "an export carries a name that only the linker checks"
)]

use alloc::{boxed::Box, vec::Vec};

use hexgate_eval::plan::{Damaged, Plan};

use crate::{abi, memory};

/// `about: func() -> about`.
#[unsafe(export_name = "hexgate:policy/description@0.1.0#about")]
extern "C" fn about() -> *const u32 {
    answer(|plan| Ok(abi::about(&plan.about()?)), abi::OPAQUE)
}

/// `roles: func(start: u32, count: u32) -> list<string>`.
#[unsafe(export_name = "hexgate:policy/description@0.1.0#roles")]
extern "C" fn roles(start: u32, count: u32) -> *const u32 {
    let names = |plan: &Plan<'static>| {
        let mut names = Vec::new();
        for index in start..start.saturating_add(count) {
            let Some(role) = plan.role(index)? else { break };
            names.push(abi::view(role.name()?.as_bytes()));
        }
        Ok(abi::list(names))
    };
    answer(names, abi::list::<abi::List>(Vec::new()))
}

/// `rules: func(role: string, start: u32, count: u32) -> option<list<rule>>`.
#[unsafe(export_name = "hexgate:policy/description@0.1.0#rules")]
extern "C" fn rules(role: *const u8, role_len: usize, start: u32, count: u32) -> *const u32 {
    let rules = |plan: &Plan<'static>| {
        let Some(role) = plan.find_role(memory::text(role, role_len))? else {
            return Ok([0; 3]);
        };
        let mut rules: Vec<abi::Rule> = Vec::new();
        for index in start..start.saturating_add(count) {
            let Some(rule) = role.rule(index)? else { break };
            rules.push(abi::rule(&rule)?);
        }
        let [rules, len] = abi::list(rules);
        Ok([1, rules, len])
    };
    answer(rules, [0; 3])
}

/// `scope: func(id: u32) -> option<file-scope>`.
#[unsafe(export_name = "hexgate:policy/description@0.1.0#scope")]
extern "C" fn scope(id: u32) -> *const u32 {
    let scope = |plan: &Plan<'static>| match plan.scope(id)? {
        Some(scope) => abi::file_scope(&scope),
        None => Ok([0; 7]),
    };
    answer(scope, [0; 7])
}

/// What the plan describes, or `damaged`, in a place that the host can read until it calls again.
fn answer<const N: usize>(
    describe: impl FnOnce(&Plan<'static>) -> Result<[u32; N], Damaged>,
    damaged: [u32; N],
) -> *const u32 {
    let inputs_end = memory::begin();
    let words = Plan::open(memory::plan())
        .and_then(|plan| describe(&plan))
        .unwrap_or(damaged);
    let place: &'static [u32; N] = Box::leak(Box::new(words));
    memory::end(inputs_end);
    place.as_ptr()
}
