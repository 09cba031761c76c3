//! Finds the reasons of a denial. The contract words them.

use alloc::vec::Vec;

use hexgate_contract::{Denial, PathScope, Request, Wording};

use crate::{
    condition::EvalContext,
    plan::{Ref, layout::mode, patterns},
    rules::{Applicable, Roles, in_scope},
    value::Truth,
};

/// Words why none of the roles permits the call.
#[cold]
#[inline(never)]
pub(crate) fn explain<'a>(
    context: &mut EvalContext<'a, '_>,
    request: &Request<'a>,
    tool: Option<u32>,
    path: &mut [u8],
) -> Denial {
    let plan = context.plan;
    let mut roles: Vec<Ref> = Vec::new();
    let mut deciding = Roles::of(plan, request);
    while let Some((role, _)) = deciding.next() {
        roles.push(role);
    }
    let mut wording = Wording::new(request.tool, roles.iter().map(|role| plan.str(*role, 0)));
    for role in &roles {
        context.role = plan.text(*role, 0);
        wording.role(plan.str(*role, 0));
        let found = Applicable::of(plan, *role, tool, request.tool);
        let hint = role_denial(context, *role, found, path, &mut wording);
        wording.hint(hint);
    }
    wording.finish()
}

/// Words why one role denies. The hint if its scope was the cause.
fn role_denial(
    context: &mut EvalContext<'_, '_>,
    role: Ref,
    found: Applicable,
    path: &mut [u8],
    wording: &mut Wording<'_>,
) -> Option<PathScope> {
    let plan = context.plan;
    let rule = found
        .rule
        .filter(|rule| found.listed || plan.word(*rule, 0) != mode::DENY);
    let Some(rule) = rule else {
        wording.unlisted(plan.str(role, 0));
        return None;
    };
    wording.denied();
    if plan.word(rule, 0) == mode::DENY {
        return None;
    }
    let mut violated = false;
    for index in 0..plan.count(rule, 2) {
        let constraint = plan.reference(rule, 3 + index);
        if context.constraint(constraint) != Truth::True {
            wording.violation(plan.str(constraint, 0));
            violated = true;
        }
    }
    let scope = plan.reference(rule, 1);
    if violated || scope == 0 || in_scope(context, scope, path) {
        return None;
    }
    wording.outside();
    Some(patterns(plan, scope))
}
