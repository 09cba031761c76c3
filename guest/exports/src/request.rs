//! A request as the canonical ABI passes it, and the working memory for reading it.

use core::{ptr, sync::atomic::AtomicU32};

use hexgate_contract::{MAX_ROLES, Request, Verdict};
use hexgate_eval::{Error, Plan, Scratch};

use crate::{abi, memory};

/// A verdict; up to where the arena has to be wiped after it; and where the verdict's own texts begin.
pub type Answered = (Result<Verdict, Error>, usize, usize);

/// What [`export_decide`](crate::export_decide) makes an export of.
#[expect(
    clippy::too_many_arguments,
    reason = "as the canonical ABI passes them"
)]
#[inline(always)]
pub fn decide(
    roles: *const [usize; 2],
    roles_len: usize,
    tool: *const u8,
    tool_len: usize,
    arguments: *const u8,
    arguments_len: usize,
    has_facts: u32,
    facts: *const u8,
    facts_len: usize,
    evaluate: impl FnOnce(&Request<'_>) -> Answered,
) -> *const AtomicU32 {
    let all = memory::list(roles, roles_len);
    // One more than there may be is enough for the evaluator to see that there are too many.
    let listed = all.get(..MAX_ROLES + 1).unwrap_or(all);
    let (mut one, mut many);
    // Most callers have one role or none: the room for all is made where it is needed.
    let names: &mut [&str] = if listed.len() < 2 {
        one = [""; 1];
        &mut one
    } else {
        many = [""; MAX_ROLES + 1];
        &mut many
    };
    let end = |start: usize, len: usize| if len == 0 { 0 } else { start.wrapping_add(len) };
    let mut inputs_end = end(
        roles.addr(),
        all.len().wrapping_mul(size_of::<[usize; 2]>()),
    )
    .max(end(tool.addr(), tool_len))
    .max(end(arguments.addr(), arguments_len));
    if has_facts != 0 {
        inputs_end = inputs_end.max(end(facts.addr(), facts_len));
    }
    for (name, &[start, len]) in names.iter_mut().zip(listed) {
        *name = memory::text(ptr::with_exposed_provenance(start), len);
    }
    // Unused ones are wiped like the others.
    for &[start, len] in all {
        inputs_end = inputs_end.max(end(start, len));
    }
    memory::begin_behind(inputs_end);
    let request = Request::new(
        memory::text(tool, tool_len),
        memory::text(arguments, arguments_len),
    )
    .roles(names.get(..listed.len()).unwrap_or_default())
    .optional_facts((has_facts != 0).then(|| memory::text(facts, facts_len)));

    let (verdict, wiped, kept) = evaluate(&request);
    memory::finish(&abi::outcome(verdict), wiped, kept)
}

/// Exports `decide: func(request: request) -> result<verdict, error>`, flattened: what is given evaluates the request.
#[macro_export]
macro_rules! export_decide {
    ($evaluate:path) => {
        #[unsafe(export_name = $crate::core_export!("decision", "decide"))]
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
        ) -> *const ::core::sync::atomic::AtomicU32 {
            $crate::request::decide(
                roles,
                roles_len,
                tool,
                tool_len,
                arguments,
                arguments_len,
                has_facts,
                facts,
                facts_len,
                $evaluate,
            )
        }
    };
}

/// Working memory for a request, and where in the arena the slots end: nodes and path lie behind. A text over its limit is
/// refused before it is read, and gets none.
#[inline]
pub fn scratch(plan: &Plan<'_>, request: &Request<'_>) -> Option<(Scratch<'static>, usize)> {
    let within = |text: &str, limit: u32| {
        if text.len() > limit as usize {
            0
        } else {
            text.len()
        }
    };
    let arguments = within(request.arguments, plan.arguments_bytes().ok()?);
    let facts = within(request.facts.unwrap_or_default(), plan.facts_bytes().ok()?);
    let has_scopes = plan.has_scopes().ok()?;
    let slots = memory::scratch(Scratch::slots_for(plan, arguments, facts).ok()?)?;
    let slots_end = memory::next();
    let nodes = memory::scratch(Scratch::nodes_for(arguments, facts))?;
    let path = memory::scratch(if has_scopes { Scratch::PATH } else { 0 })?;
    Some((Scratch { nodes, slots, path }, slots_end))
}
