//! Which roles decide, which rule applies, what is forbidden, and whether a scope covers the paths.

use hexgate_contract::Request;

use crate::{
    bytes,
    condition::EvalContext,
    names,
    plan::{
        Ref, View,
        layout::{mode, size, with},
    },
    scope,
    value::Truth,
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

/// The tool of a call.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Tool<'a> {
    pub(crate) name: &'a str,
    /// Its id, if the plan has one for it.
    id: Option<u32>,
    /// Whether the plan has what versions 1 and 2 do not have.
    pub(crate) grown: bool,
}

impl<'a> Tool<'a> {
    pub(crate) fn of(plan: View<'a>, request: &Request<'a>, grown: bool) -> Self {
        Self {
            name: request.tool,
            id: plan.tool_named(request.tool.as_bytes()),
            grown,
        }
    }
}

/// The rule that applies to a call.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Applicable {
    /// None: closed.
    pub(crate) rule: Option<Ref>,
    /// Whether the role lists the tool, by its name or by a pattern.
    pub(crate) listed: bool,
    /// The record of the pattern, if that is what lists it.
    pub(crate) pattern: Option<Ref>,
}

impl Applicable {
    #[inline]
    pub(crate) fn of(plan: View<'_>, role: Ref, tool: Tool<'_>) -> Self {
        let mut rule = tool.id.and_then(|id| plan.rule_for(role, id));
        let mut pattern = None;
        if tool.grown && rule.is_none() {
            pattern = by_pattern(plan, role, tool.name);
            rule = pattern.map(|pattern| plan.reference(pattern, 2));
        }
        let listed = rule.is_some();
        Self {
            rule: rule.or_else(|| (!names::is_closed(tool.name)).then(|| plan.default_rule(role))),
            listed,
            pattern,
        }
    }
}

/// The record of the best pattern that matches: they stand in the order in which they are tried.
fn by_pattern(plan: View<'_>, role: Ref, tool: &str) -> Option<Ref> {
    let mut entries = plan.named_entries(role);
    entries.find(|entry| names::matches(plan.str(*entry, 0), tool))
}

/// Whether a forbid is about a tool.
pub(crate) fn is_about(plan: View<'_>, forbid: Ref, tool: Tool<'_>) -> bool {
    let named = plan.forbidden_tools(forbid);
    if named.ids.is_empty() && named.patterns.is_empty() {
        return !names::is_closed(tool.name);
    }
    let mut patterns = named.patterns.step_by(size::TEXT / 4);
    tool.id
        .is_some_and(|id| has_id(plan, forbid, named.ids, id))
        || patterns.any(|index| names::matches(plan.str(forbid, index), tool.name))
}

/// Whether an id is among those in the words of a record, which stand in order.
fn has_id(plan: View<'_>, at: Ref, words: core::ops::Range<usize>, id: u32) -> bool {
    let (mut low, mut high) = (words.start, words.end);
    while low < high {
        let middle = low + (high - low) / 2;
        match plan.word(at, middle).cmp(&id) {
            core::cmp::Ordering::Less => low = middle + 1,
            core::cmp::Ordering::Greater => high = middle,
            core::cmp::Ordering::Equal => return true,
        }
    }
    false
}

/// Whether a forbid denies a call: it is about the tool, and its condition is not false.
pub(crate) fn forbids(
    context: &mut EvalContext<'_, '_>,
    forbid: Ref,
    tool: Tool<'_>,
    path: &mut [u8],
) -> bool {
    is_about(context.plan, forbid, tool) && condition(context, forbid, path) != Truth::False
}

/// Whether a rule that stands among several is an exception.
pub(crate) fn is_exception(plan: View<'_>, rule: Ref) -> bool {
    plan.word(rule, 0) & mode::MASK == mode::DENY
}

/// The condition of an exception or a forbid: all of its constraints and its scope. One that is false makes it false, whatever the others are.
#[inline(never)]
pub(crate) fn condition(context: &mut EvalContext<'_, '_>, rule: Ref, path: &mut [u8]) -> Truth {
    let plan = context.plan;
    let mut truth = Truth::True;
    for constraint in plan.constraints(rule) {
        truth = truth & context.truth(constraint);
        if truth == Truth::False {
            return truth;
        }
    }
    match plan.reference(rule, 1) {
        0 => truth,
        scope => truth & scope::excludes_call(plan, scope, context.arguments, path),
    }
}

/// Whether the paths of a call are there and the scope covers them.
#[inline]
pub(crate) fn in_scope(context: &EvalContext<'_, '_>, scope: Ref, path: &mut [u8]) -> bool {
    scope::covers_call(context.plan, scope, context.arguments, path)
}

/// The id of the scope that goes with a grant by a rule of a grown plan: it can depend on which forbids are about the tool.
pub(crate) fn granted_scope(plan: View<'_>, rule: Ref, tool: Tool<'_>) -> Option<u32> {
    let Some(index) = plan.optional(rule, with::CHOICE) else {
        return plan.own_scope(rule);
    };
    let choice = plan.reference(rule, index);
    let count = plan.count(choice, 0);
    let mut chosen = 0;
    for nth in 0..count {
        if is_about(plan, plan.reference(choice, 1 + nth), tool) {
            chosen |= 1usize.checked_shl(nth as u32).unwrap_or(0);
        }
    }
    plan.word(choice, 1 + count + chosen).checked_sub(1)
}
