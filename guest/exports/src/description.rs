//! `hexgate:policy/description`.
//!
//! These functions have no way to fail. A damaged plan is called opaque, and nothing of it is described.
#![allow(
    unsafe_code,
    reason = "an export carries a name that only the linker checks"
)]

use alloc::vec::Vec;
use core::sync::atomic::AtomicU32;

use hexgate_contract::core_export;
use hexgate_eval::plan::{Damaged, Plan};

use crate::{abi, memory};

/// `about: func() -> summary`.
#[unsafe(export_name = core_export!("description", "about"))]
extern "C" fn about() -> *const AtomicU32 {
    answer(|plan| Ok(abi::about(&plan.about()?)), abi::OPAQUE)
}

/// `roles: func(start: u32, count: u32) -> list<string>`.
#[unsafe(export_name = core_export!("description", "roles"))]
extern "C" fn roles(start: u32, count: u32) -> *const AtomicU32 {
    let names = |plan: &Plan<'static>| {
        let mut names = Vec::new();
        for index in start..start.saturating_add(count) {
            let Some(role) = plan.role(index)? else { break };
            names.push(abi::view(role.name()?.as_bytes()));
        }
        Ok(abi::names(names))
    };
    answer(names, abi::NOTHING)
}

/// `rules: func(role: string, start: u32, count: u32) -> option<list<rule>>`.
#[unsafe(export_name = core_export!("description", "rules"))]
extern "C" fn rules(role: *const u8, role_len: usize, start: u32, count: u32) -> *const AtomicU32 {
    let rules = |plan: &Plan<'static>| {
        let Some(role) = plan.find_role(memory::text(role, role_len))? else {
            return Ok(abi::NOTHING);
        };
        let mut rules: Vec<abi::Rule> = Vec::new();
        for index in start..start.saturating_add(count) {
            let Some(rule) = role.rule(index)? else { break };
            rules.push(abi::rule(&rule)?);
        }
        Ok(abi::rules(rules))
    };
    answer(rules, abi::NOTHING)
}

/// `scope: func(id: u32) -> option<file-scope>`.
#[unsafe(export_name = core_export!("description", "scope"))]
extern "C" fn scope(id: u32) -> *const AtomicU32 {
    let scope = |plan: &Plan<'static>| match plan.scope(id)? {
        Some(scope) => abi::file_scope(&scope),
        None => Ok(abi::NOTHING),
    };
    answer(scope, abi::NOTHING)
}

/// What the plan describes, or `damaged`.
fn answer(
    describe: impl FnOnce(&Plan<'static>) -> Result<abi::Answer, Damaged>,
    damaged: abi::Answer,
) -> *const AtomicU32 {
    let inputs_end = memory::begin();
    let words = match opened() {
        Ok(plan) => describe(&plan).unwrap_or(damaged),
        Err(_) => damaged,
    };
    memory::finish(&words, inputs_end, inputs_end)
}

#[inline(never)]
fn opened() -> Result<Plan<'static>, Damaged> {
    Plan::open(memory::plan())
}
