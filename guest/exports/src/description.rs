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
    answer(|plan| Ok(abi::about(plan.about()?)), abi::OPAQUE)
}

/// `roles: func(start: u32, count: u32) -> list<role>`.
#[unsafe(export_name = core_export!("description", "roles"))]
extern "C" fn roles(start: u32, count: u32) -> *const AtomicU32 {
    let roles = |plan: &Plan<'static>| {
        let mut roles = Vec::new();
        for index in start..start.saturating_add(count) {
            let Some(role) = plan.role(index)? else { break };
            roles.push(abi::role(role.name()?, role.description()?));
        }
        Ok(abi::roles(roles))
    };
    answer(roles, abi::NOTHING)
}

/// `rules: func(role: string, start: u32, count: u32) -> option<list<rule>>`.
#[unsafe(export_name = core_export!("description", "rules"))]
extern "C" fn rules(role: *const u8, role_len: usize, start: u32, count: u32) -> *const AtomicU32 {
    let rules = |plan: &Plan<'static>| {
        let Some(role) = plan.find_role(memory::text(role, role_len))? else {
            return Ok(abi::NOTHING);
        };
        let mut rules = Vec::new();
        for rule in role.rules(start, count)? {
            rules.push(abi::rule(
                rule.tools()?,
                rule.mode()?,
                rule.constraints()?,
                rule.scope()?,
                rule.terms()?,
                rule.message()?,
                rule.description()?,
            ));
        }
        Ok(abi::rules(rules))
    };
    answer(rules, abi::NOTHING)
}

/// `forbids: func(role: option<string>, start: u32, count: u32) -> option<list<forbid>>`.
#[unsafe(export_name = core_export!("description", "forbids"))]
extern "C" fn forbids(
    has_role: u32,
    role: *const u8,
    role_len: usize,
    start: u32,
    count: u32,
) -> *const AtomicU32 {
    let forbids = |plan: &Plan<'static>| {
        let forbids = if has_role == 0 {
            plan.forbids(start, count)?
        } else {
            match plan.find_role(memory::text(role, role_len))? {
                Some(role) => role.forbids(start, count)?,
                None => return Ok(abi::NOTHING),
            }
        };
        let mut told = Vec::new();
        for forbid in forbids {
            told.push(abi::forbid(
                forbid.tools()?,
                forbid.constraints()?,
                forbid.scope()?,
                forbid.message()?,
                forbid.description()?,
            ));
        }
        Ok(abi::forbids(told))
    };
    answer(forbids, abi::NOTHING)
}

/// `scope: func(id: u32) -> option<file-scope>`.
#[unsafe(export_name = core_export!("description", "scope"))]
extern "C" fn scope(id: u32) -> *const AtomicU32 {
    let scope = |plan: &Plan<'static>| Ok(plan.scope(id)?.map_or(abi::NOTHING, abi::file_scope));
    answer(scope, abi::NOTHING)
}

/// `terms: func(id: u32) -> option<approval-terms>`.
#[unsafe(export_name = core_export!("description", "terms"))]
extern "C" fn terms(id: u32) -> *const AtomicU32 {
    let terms = |plan: &Plan<'static>| Ok(plan.terms(id)?.map_or(abi::NOTHING, abi::terms));
    answer(terms, abi::NOTHING)
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
pub(crate) fn opened() -> Result<Plan<'static>, Damaged> {
    Plan::open(memory::plan())
}
