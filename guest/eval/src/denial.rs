//! Finds the reasons of a denial. The contract words them.

use alloc::{string::String, vec::Vec};

use hexgate_contract::{Denial, PathScope, Request, Wording};

use crate::{
    condition::EvalContext,
    plan::{Ref, References, View, layout::mode, patterns},
    rules::{Applicable, Roles, Tool, condition, forbids, in_scope, is_exception},
    value::Truth,
};

/// What a rule wants the model to be told.
#[inline(never)]
pub(crate) fn message(plan: View<'_>, rule: Ref, tool: Tool<'_>) -> Option<String> {
    if tool.grown {
        plan.message(rule).map(String::from)
    } else {
        None
    }
}

/// Words that something forbids the call which no role can lift.
#[cold]
#[inline(never)]
pub(crate) fn forbidden(
    context: &mut EvalContext<'_, '_>,
    tool: Tool<'_>,
    path: &mut [u8],
) -> Denial {
    let plan = context.plan;
    let mut wording = Wording::for_all(tool.name);
    word_forbids(context, plan.ceiling(), tool, path, &mut wording);
    wording.finish()
}

/// Words why none of the roles permits the call.
#[cold]
#[inline(never)]
pub(crate) fn explain<'a>(
    context: &mut EvalContext<'a, '_>,
    request: &Request<'a>,
    tool: Tool<'a>,
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
        let hint = role_denial(context, *role, tool, path, &mut wording);
        wording.hint(hint);
    }
    wording.finish()
}

/// Words why one role denies. The hint if its scope was the cause.
fn role_denial(
    context: &mut EvalContext<'_, '_>,
    role: Ref,
    tool: Tool<'_>,
    path: &mut [u8],
    wording: &mut Wording<'_>,
) -> Option<PathScope> {
    let plan = context.plan;
    if tool.grown && word_forbids(context, plan.forbids(role), tool, path, wording) {
        return None;
    }
    let found = Applicable::of(plan, role, tool);
    let Some(rule) = found.rule else {
        wording.unlisted(plan.str(role, 0));
        return None;
    };
    if tool.grown {
        if plan.word(rule, 0) == mode::SEVERAL {
            return several_denial(context, rule, path, wording);
        }
        wording.message(plan.message(rule));
    }
    let denies = is_exception(plan, rule);
    if denies && !found.listed {
        wording.unlisted(plan.str(role, 0));
        return None;
    }
    wording.denied();
    if denies {
        return None;
    }
    let mut violated = false;
    for constraint in plan.constraints(rule) {
        if context.truth(constraint) != Truth::True {
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

/// Words those of a list of forbids that deny: the first gives the reason, the first that has one the message. Whether there are any.
#[inline(never)]
fn word_forbids(
    context: &mut EvalContext<'_, '_>,
    list: References<'_>,
    tool: Tool<'_>,
    path: &mut [u8],
    wording: &mut Wording<'_>,
) -> bool {
    let plan = context.plan;
    let mut any = false;
    for forbid in list {
        if !forbids(context, forbid, tool, path) {
            continue;
        }
        if !any {
            wording.forbidden();
            word_condition(plan, forbid, wording);
        }
        any = true;
        wording.message(plan.message(forbid));
    }
    any
}

/// Words the constraints of an exception or forbid, as written: as a whole they were not false.
#[inline(never)]
fn word_condition(plan: View<'_>, rule: Ref, wording: &mut Wording<'_>) {
    for constraint in plan.constraints(rule) {
        wording.violation(plan.str(constraint, 0));
    }
}

/// Words why none of several rules permits the call. The hint if all that failed by their scope have the same.
fn several_denial(
    context: &mut EvalContext<'_, '_>,
    entry: Ref,
    path: &mut [u8],
    wording: &mut Wording<'_>,
) -> Option<PathScope> {
    let plan = context.plan;
    let mut forbidden = false;
    let mut only_exceptions = true;
    for rule in plan.rules(entry) {
        if !is_exception(plan, rule) {
            only_exceptions = false;
            continue;
        }
        if condition(context, rule, path) == Truth::False {
            continue;
        }
        if !forbidden {
            if plan.count(rule, 2) > 0 {
                wording.forbidden();
            } else {
                wording.denied();
            }
            word_condition(plan, rule, wording);
        }
        forbidden = true;
        wording.message(plan.message(rule));
    }
    if forbidden {
        return None;
    }
    wording.denied();
    let mut violations = Vec::new();
    let mut hint: Option<PathScope> = None;
    let (mut outside, mut differ) = (false, false);
    for rule in plan.rules(entry) {
        // Where none of the exceptions forbids and there is nothing else, what they say is the best that there is to say.
        if is_exception(plan, rule) != only_exceptions {
            continue;
        }
        wording.message(plan.message(rule));
        if only_exceptions {
            continue;
        }
        let before = violations.len();
        for constraint in plan.constraints(rule) {
            if context.truth(constraint) != Truth::True {
                violations.push(plan.str(constraint, 0));
            }
        }
        let scope = plan.reference(rule, 1);
        if violations.len() == before && scope != 0 && !in_scope(context, scope, path) {
            let other = patterns(plan, scope);
            differ |= hint.as_ref().is_some_and(|hint| *hint != other);
            hint = Some(other);
            outside = true;
        }
    }
    wording.violations_once(&violations);
    if violations.is_empty() && outside {
        wording.outside();
    }
    hint.filter(|_| !differ)
}
