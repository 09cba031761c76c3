//! `hexgate:policy/decision`.
#![allow(
    unsafe_code,
    reason = "an export carries a name that only the linker checks"
)]

use hexgate_contract::Request;
use hexgate_eval::{Error, Plan, Scratch};
use hexgate_exports::{
    memory,
    request::{self, Answered},
};

hexgate_exports::export_decide!(evaluate);

#[inline]
fn evaluate(request: &Request<'_>) -> Answered {
    let inputs_end = memory::next();
    let plan = match Plan::open(memory::plan()) {
        Ok(plan) => plan,
        Err(damaged) => return (Err(damaged.into()), inputs_end, inputs_end),
    };
    let Some((mut scratch, slots_end)) = request::scratch(&plan, request) else {
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
