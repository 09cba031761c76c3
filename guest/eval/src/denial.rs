//! The text of a denial: the same in every engine.

use alloc::{
    string::{String, ToString},
    vec::Vec,
};

use crate::{
    condition::Scene,
    decide::{Applicable, Roles, in_scope},
    plan::{Damaged, Plan, Ref, layout::mode},
    request::{Denial, Error, PathScope, Request},
    scope::pattern,
    value::Truth,
};

/// The longest reason, in bytes. A longer one is cut at a character's end.
pub const MAX_REASON: usize = 4096;

/// Says why none of the roles permits the call.
pub(crate) fn explain<'a>(
    scene: &mut Scene<'a, '_>,
    request: &Request<'a>,
    tool: Option<u32>,
    path: &mut [u8],
) -> Result<Denial, Error> {
    let plan = scene.plan;
    let name = request.tool;
    let mut roles: Vec<Ref> = Vec::new();
    let mut deciding = Roles::of(plan, request);
    while let Some((role, _)) = deciding.next()? {
        roles.push(role);
    }
    let mut violated: Vec<Ref> = Vec::new();
    let mut hints: Vec<Option<PathScope>> = Vec::new();
    let mut reason = String::new();
    if roles.is_empty() {
        unlisted(&mut reason, name, b"default")?;
    }
    if roles.len() > 1 {
        reason.push_str("denied for all roles [");
        for (index, role) in roles.iter().enumerate() {
            reason.push_str(if index > 0 { ", " } else { "" });
            quote(&mut reason, text(plan.text(*role, 0)?)?);
        }
        reason.push_str("]: ");
    }
    for (index, role) in roles.iter().enumerate() {
        scene.role = plan.text(*role, 0)?;
        if roles.len() > 1 {
            reason.push_str(if index > 0 { "; " } else { "" });
            reason.push_str(text(scene.role)?);
            reason.push_str(": ");
        }
        let found = Applicable::of(&plan, *role, tool, name)?;
        hints.push(role_denial(scene, found, name, path, &mut reason, &mut violated)?);
    }
    truncate(&mut reason);
    let mut violations: Vec<String> = Vec::new();
    for constraint in violated {
        let source = text(plan.text(constraint, 0)?)?;
        if !violations.iter().any(|violation| violation == source) {
            violations.push(source.into());
        }
    }
    let mut hints = hints.into_iter();
    let hint = hints.next().flatten().filter(|hint| hints.all(|other| other.as_ref() == Some(hint)));
    Ok(Denial { reason, violations, hint })
}

/// Appends why one role denies, collects its violated constraints, and gives the hint if its scope was the cause.
fn role_denial(
    scene: &mut Scene<'_, '_>,
    found: Applicable,
    name: &str,
    path: &mut [u8],
    reason: &mut String,
    violated: &mut Vec<Ref>,
) -> Result<Option<PathScope>, Error> {
    let plan = scene.plan;
    let Some(rule) = found.rule else {
        unlisted(reason, name, scene.role)?;
        return Ok(None);
    };
    if plan.word(rule, 0)? == mode::DENY {
        if found.listed {
            denied(reason, name);
        } else {
            unlisted(reason, name, scene.role)?;
        }
        return Ok(None);
    }
    denied(reason, name);
    let mut separator = ": ";
    for index in 0..plan.reference(rule, 2)? {
        let constraint = plan.reference(rule, 3 + index)?;
        if scene.constraint(constraint)? != Truth::True {
            reason.push_str(separator);
            reason.push_str(text(plan.text(constraint, 0)?)?);
            separator = "; ";
            if !violated.contains(&constraint) {
                violated.push(constraint);
            }
        }
    }
    let scope = plan.reference(rule, 1)?;
    if separator == "; " || scope == 0 || in_scope(scene, scope, path)? {
        return Ok(None);
    }
    reason.push_str(" for the requested path");
    Ok(Some(patterns(&plan, scope)?))
}

/// The pattern lists of a scope.
pub(crate) fn patterns(plan: &Plan<'_>, scope: Ref) -> Result<PathScope, Damaged> {
    let (allowed, denied) = (plan.reference(scope, 3)?, plan.reference(scope, 4)?);
    let sources = |from: usize, to: usize| -> Result<Vec<String>, Damaged> {
        (from..to).map(|index| Ok(text(plan.text(pattern(scope, index), 0)?)?.to_string())).collect()
    };
    Ok(PathScope { allowed: sources(0, allowed)?, denied: sources(allowed, allowed.saturating_add(denied))? })
}

fn denied(reason: &mut String, tool: &str) {
    reason.push_str("Policy denied tool ");
    quote(reason, tool);
}

fn unlisted(reason: &mut String, tool: &str, role: &[u8]) -> Result<(), Damaged> {
    denied(reason, tool);
    reason.push_str(" (no allow rule matched for role ");
    quote(reason, text(role)?);
    reason.push(')');
    Ok(())
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

pub(crate) fn text(bytes: &[u8]) -> Result<&str, Damaged> {
    core::str::from_utf8(bytes).map_err(|_| Damaged::Utf8)
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
