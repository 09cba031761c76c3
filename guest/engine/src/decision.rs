//! `hexgate:policy/decision`.
#![allow(
    unsafe_code,
    reason = "an export carries a name that only the linker checks"
)]

use core::sync::atomic::AtomicU32;

use hexgate_eval::{Error, MAX_ROLES, Plan, Request, Scratch, Verdict};

use crate::{abi, memory};

/// `decide: func(request: request) -> result<verdict, error>`, flattened.
#[unsafe(export_name = "hexgate:policy/decision@0.1.0#decide")]
extern "C" fn decide(
    roles: *const [usize; 2],
    roles_len: usize,
    tool: *const u8,
    tool_len: usize,
    arguments: *const u8,
    arguments_len: usize,
    has_facts: u32,
    facts: *const u8,
    facts_len: usize,
) -> *const AtomicU32 {
    memory::begin();

    // One more than there may be is enough for the evaluator to see that there are too many.
    let mut names = [""; MAX_ROLES + 1];
    let listed = memory::list(roles, roles_len.min(MAX_ROLES + 1));
    for (name, &[start, len]) in names.iter_mut().zip(listed) {
        *name = memory::text(core::ptr::with_exposed_provenance(start), len);
    }
    let request = Request {
        roles: names.get(..listed.len()).unwrap_or_default(),
        tool: memory::text(tool, tool_len),
        arguments: memory::text(arguments, arguments_len),
        facts: (has_facts != 0).then(|| memory::text(facts, facts_len)),
    };

    let (verdict, kept) = evaluate(&request);
    memory::finish(&abi::outcome(verdict), kept)
}

/// The verdict, and where what was needed for it ends and the verdict's own texts begin.
#[inline]
fn evaluate(request: &Request<'_>) -> (Result<Verdict, Error>, usize) {
    let plan = match Plan::open(memory::plan()) {
        Ok(plan) => plan,
        Err(damaged) => return (Err(damaged.into()), memory::next()),
    };
    let kept = memory::next();
    let Some(mut scratch) = scratch_for(&plan, request) else {
        return (Err(Error::Internal("not enough memory")), kept);
    };
    let kept = memory::next();
    (hexgate_eval::decide(&plan, request, &mut scratch), kept)
}

/// Working memory for a request. A text over its limit is refused before it is read, and gets none.
#[inline]
fn scratch_for(plan: &Plan<'_>, request: &Request<'_>) -> Option<Scratch<'static>> {
    let within = |text: &str, limit: u32| {
        if text.len() > limit as usize {
            0
        } else {
            text.len()
        }
    };
    let arguments = within(request.arguments, plan.arguments_bytes().ok()?);
    let facts = within(request.facts.unwrap_or_default(), plan.facts_bytes().ok()?);
    let has_scopes = plan.scope(0).ok()?.is_some();
    Some(Scratch {
        nodes: memory::scratch(Scratch::nodes_for(arguments, facts))?,
        slots: memory::scratch(Scratch::slots_for(plan, arguments, facts).ok()?)?,
        path: memory::scratch(if has_scopes { Scratch::PATH } else { 0 })?,
    })
}
