//! `hexgate:policy/decision`.
#![allow(
    unsafe_code,
    reason = "an export carries a name that only the linker checks"
)]

use core::sync::atomic::AtomicU32;

use hexgate_eval::{Error, MAX_ROLES, Plan, Request, Scratch, Verdict};

use hexgate_exports::{abi, memory};

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

    let (verdict, wiped, kept) = evaluate(&request);
    memory::finish(&abi::outcome(verdict), wiped, kept)
}

/// The verdict; what of the arena has to be wiped after it; and where the verdict's own texts begin.
#[inline]
fn evaluate(request: &Request<'_>) -> (Result<Verdict, Error>, usize, usize) {
    let inputs_end = memory::next();
    let plan = match Plan::open(memory::plan()) {
        Ok(plan) => plan,
        Err(damaged) => return (Err(damaged.into()), inputs_end, inputs_end),
    };
    let Some((mut scratch, slots_end)) = scratch_for(&plan, request) else {
        return (
            Err(Error::Internal("not enough memory")),
            inputs_end,
            memory::next(),
        );
    };
    let kept = memory::next();
    let verdict = hexgate_eval::decide(&plan, request, &mut scratch);
    wipe(&mut scratch, Scratch::nodes_for(request.arguments.len(), 0));
    (verdict, slots_end, kept)
}

/// Working memory for a request, and where in the arena the slots end: nodes and path lie behind. A text over its limit is
/// refused before it is read, and gets none.
#[inline]
fn scratch_for(plan: &Plan<'_>, request: &Request<'_>) -> Option<(Scratch<'static>, usize)> {
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
    let slots = memory::scratch(Scratch::slots_for(plan, arguments, facts).ok()?)?;
    let slots_end = memory::next();
    let nodes = memory::scratch(Scratch::nodes_for(arguments, facts))?;
    let path = memory::scratch(if has_scopes { Scratch::PATH } else { 0 })?;
    Some((Scratch { nodes, slots, path }, slots_end))
}

/// Wipes the nodes and the path as far as they were used, which is far less than they might have been: a text needs one node,
/// a list of as many bytes half as many nodes as bytes.
///
/// The nodes of arguments fill the first `arguments` nodes (less the two that a request has for facts in any case) from both
/// ends, those of facts the rest. No node that was used is zero, nor any byte of a path.
#[inline]
fn wipe(scratch: &mut Scratch<'_>, arguments: usize) {
    let split = arguments
        .saturating_sub(Scratch::nodes_for(0, 0) / 2)
        .min(scratch.nodes.len());
    let (arguments, facts) = scratch
        .nodes
        .split_at_mut_checked(split)
        .unwrap_or_default();
    for nodes in [arguments, facts] {
        wipe_used(nodes.iter_mut(), [0; 4]);
        wipe_used(nodes.iter_mut().rev(), [0; 4]);
    }
    wipe_used(scratch.path.iter_mut(), 0);
}

#[inline]
fn wipe_used<'s, T: Copy + PartialEq + 's>(items: impl Iterator<Item = &'s mut T>, zero: T) {
    for item in items {
        if *item == zero {
            break;
        }
        *item = zero;
    }
}
