//! Which roles decide, which rule applies, and whether its scope covers the path.

use hexgate_contract::Request;

use crate::{
    bytes,
    condition::EvalContext,
    plan::{Ref, View},
    scope,
    value::Value,
};

/// The roles that decide, in the caller's order, each once: those that the policy knows, or else its default.
pub(crate) struct Roles<'a> {
    plan: View<'a>,
    roles: &'a [&'a str],
    next: usize,
    known: bool,
}

impl<'a> Roles<'a> {
    pub(crate) fn of(plan: View<'a>, request: &Request<'a>) -> Self {
        Self {
            plan,
            roles: request.roles,
            next: 0,
            known: false,
        }
    }

    /// The next role, and its index in the request unless it is there by default.
    pub(crate) fn next(&mut self) -> Option<(Ref, Option<u32>)> {
        while let Some(name) = self.roles.get(self.next) {
            let index = self.next;
            self.next += 1;
            let before = self.roles.get(..index).unwrap_or_default();
            if before
                .iter()
                .any(|before| bytes::equal(before.as_bytes(), name.as_bytes()))
            {
                continue;
            }
            if let Some(role) = self.plan.role_named(name.as_bytes()) {
                self.known = true;
                return Some((role, Some(index as u32)));
            }
        }
        if self.known {
            return None;
        }
        self.known = true;
        self.plan.default_role().map(|role| (role, None))
    }
}

/// The rule that applies to a call.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Applicable {
    /// None: closed.
    pub(crate) rule: Option<Ref>,
    /// Whether the role lists the tool.
    pub(crate) listed: bool,
}

impl Applicable {
    pub(crate) fn of(plan: View<'_>, role: Ref, tool: Option<u32>, name: &str) -> Self {
        if let Some(rule) = tool.and_then(|tool| plan.rule_for(role, tool)) {
            return Self {
                rule: Some(rule),
                listed: true,
            };
        }
        Self {
            rule: if is_closed(name) {
                None
            } else {
                Some(plan.default_rule(role))
            },
            listed: false,
        }
    }
}

/// Whether a name never falls to a role's rule for unlisted tools.
fn is_closed(tool: &str) -> bool {
    [
        "agent.",
        "hexgate.",
        "skill:",
        "skill.resource:",
        "skill.script:",
    ]
    .iter()
    .any(|prefix| tool.starts_with(prefix))
}

/// Whether the path argument is there and the scope covers it.
pub(crate) fn in_scope(context: &EvalContext<'_, '_>, scope: Ref, path: &mut [u8]) -> bool {
    let arguments = context.arguments;
    match arguments.member(arguments.node(0), context.plan.text(scope, 1)) {
        Some(node) => match Value::of_node(arguments, node) {
            Value::String(text) => scope::covers(context.plan, scope, text, path),
            _ => false,
        },
        None => false,
    }
}
