//! The text of a denial: the same in every engine.

use alloc::{string::String, vec::Vec};

use crate::{
    bytes,
    condition::Scene,
    decide::{Applicable, Roles, in_scope},
    plan::{Ref, View, layout::mode},
    request::{Denial, PathScope, Request},
    scope::pattern,
    value::Truth,
};

/// The longest reason, in bytes. A longer one is cut at a character's end.
pub const MAX_REASON: usize = 4096;

/// Says why none of the roles permits the call.
#[cold]
#[inline(never)]
pub(crate) fn explain<'a>(
    scene: &mut Scene<'a, '_>,
    request: &Request<'a>,
    tool: Option<u32>,
    path: &mut [u8],
) -> Denial {
    let plan = scene.plan;
    let mut roles: Vec<Ref> = Vec::new();
    let mut deciding = Roles::of(plan, request);
    while let Some((role, _)) = deciding.next() {
        roles.push(role);
    }
    let mut denial = Denial {
        reason: String::new(),
        violations: Vec::new(),
        hint: None,
    };
    if roles.is_empty() {
        unlisted(&mut denial.reason, request.tool, "default");
    }
    if roles.len() > 1 {
        let mut separator = "denied for all roles [";
        for role in &roles {
            denial.reason.push_str(separator);
            quote(&mut denial.reason, plan.str(*role, 0));
            separator = ", ";
        }
    }
    let mut separator = "]: ";
    for (index, role) in roles.iter().enumerate() {
        scene.role = plan.text(*role, 0);
        if roles.len() > 1 {
            denial.reason.push_str(separator);
            denial.reason.push_str(plan.str(*role, 0));
            denial.reason.push_str(": ");
            separator = "; ";
        }
        let found = Applicable::of(plan, *role, tool, request.tool);
        let hint = role_denial(scene, *role, found, request.tool, path, &mut denial);
        if index == 0 {
            denial.hint = hint;
        } else if denial.hint != hint {
            denial.hint = None;
        }
    }
    truncate(&mut denial.reason);
    denial
}

/// Appends why one role denies, and its violated constraints. The hint if its scope was the cause.
fn role_denial(
    scene: &mut Scene<'_, '_>,
    role: Ref,
    found: Applicable,
    name: &str,
    path: &mut [u8],
    denial: &mut Denial,
) -> Option<PathScope> {
    let plan = scene.plan;
    let rule = found
        .rule
        .filter(|rule| found.listed || plan.word(*rule, 0) != mode::DENY);
    let Some(rule) = rule else {
        unlisted(&mut denial.reason, name, plan.str(role, 0));
        return None;
    };
    denied(&mut denial.reason, name);
    if plan.word(rule, 0) == mode::DENY {
        return None;
    }
    let mut separator = ": ";
    for index in 0..plan.count(rule, 2) {
        let constraint = plan.reference(rule, 3 + index);
        if scene.constraint(constraint) != Truth::True {
            let source = plan.str(constraint, 0);
            denial.reason.push_str(separator);
            denial.reason.push_str(source);
            separator = "; ";
            if !denial
                .violations
                .iter()
                .any(|violation| bytes::equal(violation.as_bytes(), source.as_bytes()))
            {
                denial.violations.push(source.into());
            }
        }
    }
    let scope = plan.reference(rule, 1);
    if separator == "; " || scope == 0 || in_scope(scene, scope, path) {
        return None;
    }
    denial.reason.push_str(" for the requested path");
    Some(patterns(plan, scope))
}

/// The pattern lists of a scope.
pub(crate) fn patterns(plan: View<'_>, scope: Ref) -> PathScope {
    let mut paths = PathScope::default();
    let allowed = plan.count(scope, 3);
    for index in 0..allowed + plan.count(scope, 4) {
        let source = String::from(plan.str(pattern(scope, index), 0));
        if index < allowed {
            paths.allowed.push(source)
        } else {
            paths.denied.push(source)
        }
    }
    paths
}

fn denied(reason: &mut String, tool: &str) {
    reason.push_str("Policy denied tool ");
    quote(reason, tool);
}

fn unlisted(reason: &mut String, tool: &str, role: &str) {
    denied(reason, tool);
    reason.push_str(" (no allow rule matched for role ");
    quote(reason, role);
    reason.push(')');
}

/// A name as a JSON string. Names have no control characters.
fn quote(target: &mut String, name: &str) {
    target.push('"');
    for character in name.chars() {
        if matches!(character, '"' | '\\') {
            target.push('\\');
        }
        target.push(character);
    }
    target.push('"');
}

fn truncate(reason: &mut String) {
    if reason.len() > MAX_REASON {
        let mut end = MAX_REASON;
        while !reason.is_char_boundary(end) {
            end -= 1;
        }
        reason.truncate(end);
    }
}
