//! Rules: what a role says of a tool, with its constraints and its scope.

use super::{
    condition::{Conditions, Printed},
    helper::Helper,
    scope,
    text::{call, inline, rule},
};
use crate::{
    model::{Mode, Policy, Rule, Scope},
    plan::Interned,
    rego::Refusal,
};

/// The rules that were printed.
pub(super) struct Rules<'p> {
    out: String,
    conditions: Conditions<'p>,
    known: Interned<&'p Rule>,
    /// By number: whether a constraint of it looks at the role.
    by_role: Vec<bool>,
    scopes: Vec<&'p Scope>,
}

/// How a rule is called.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Called {
    /// The rule denies.
    Denied,
    /// By its number; whether it looks at the role.
    Rule(u32, bool),
}

impl Called {
    /// Its result, where the role has this name.
    pub(super) fn result(self, role: &str) -> String {
        match self {
            Self::Denied => "listed_as_denied".to_owned(),
            Self::Rule(number, false) => call(&format!("rule_{number}"), &[]),
            Self::Rule(number, true) => call(&format!("rule_{number}"), &[role]),
        }
    }

    pub(super) fn looks_at_role(self) -> bool {
        matches!(self, Self::Rule(_, true))
    }

    /// What tells it from others.
    pub(super) fn key(self) -> u32 {
        match self {
            Self::Denied => u32::MAX,
            Self::Rule(number, _) => number,
        }
    }
}

impl<'p> Rules<'p> {
    pub(super) fn new(policy: &'p Policy) -> Self {
        Self {
            out: String::new(),
            conditions: Conditions::new(),
            known: Interned::new(),
            by_role: Vec::new(),
            scopes: policy.scopes(),
        }
    }

    /// Notes that a helper is called.
    pub(super) fn need(&mut self, helper: Helper) {
        self.conditions.helpers.need(helper);
    }

    /// Prints a rule, unless an equal one was.
    pub(super) fn rule(&mut self, rule: &'p Rule) -> Called {
        if rule.mode == Mode::Deny {
            return Called::Denied;
        }
        if let Some(number) = self.known.find(&rule) {
            let by_role = self.by_role.get(number as usize).copied();
            return Called::Rule(number, by_role.unwrap_or_default());
        }
        let constraints: Vec<Printed> = rule
            .constraints
            .iter()
            .map(|constraint| self.conditions.constraint(constraint))
            .collect();
        let by_role = constraints.iter().any(|constraint| constraint.by_role);
        let number = self.by_role.len() as u32;
        self.by_role.push(by_role);
        self.known.remember(rule, number);
        let called = Called::Rule(number, by_role);
        self.print(called, rule, &constraints);
        called
    }

    fn print(&mut self, called: Called, printed: &'p Rule, constraints: &[Printed]) {
        let outcome = if printed.mode == Mode::Allow {
            "allow"
        } else {
            "approval"
        };
        let scope = printed.scope.as_deref().and_then(|scope| {
            let id = self.scopes.iter().position(|known| *known == scope)?;
            Some(id.to_string())
        });
        let id = scope.as_deref().unwrap_or("null");
        let head = called.result("role");
        let mut granted: Vec<String> = constraints.iter().map(|one| one.holds()).collect();
        let within: Vec<String> = granted.clone();
        if let Some(scope) = &scope {
            granted.push(format!("within_{scope}"));
        }
        let out = &mut self.out;
        rule(
            out,
            &format!("{head} := grant(\"{outcome}\", {id})"),
            &granted,
        );
        if let Some(scope) = &scope {
            rule(out, &format!("else := beyond(patterns_{scope})"), &within);
            self.conditions.helpers.need(Helper::Beyond);
        }
        if !constraints.is_empty() {
            let violated = inline(constraints.iter().map(|one| one.violated()));
            rule(out, &format!("else := refused({violated})"), &[]);
            self.conditions.helpers.need(Helper::Refused);
        }
    }

    /// Prints the rules, their constraints, the scopes and the helpers.
    pub(super) fn finish(self) -> Result<String, Refusal> {
        let mut out = self.out;
        let (conditions, mut helpers) = self.conditions.finish();
        out.push_str(&conditions);
        for (id, scope) in self.scopes.iter().enumerate() {
            scope::print(&mut out, id, scope)?;
            helpers.need(Helper::Normalised);
        }
        helpers.print(&mut out);
        Ok(out)
    }
}
