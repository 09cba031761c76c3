//! Rules: what a role says of a tool, with its constraints and its scope.

use std::{collections::HashMap, sync::Arc};

use super::{
    condition::{Conditions, Printed},
    helper::Helper,
    scope,
    text::{call, inline, rule},
};
use crate::{
    model::{Mode, Numbering, Policy, Rule, Scope},
    rego::Refusal,
};

/// The rules that were printed.
pub(super) struct Rules<'p> {
    out: String,
    conditions: Conditions<'p>,
    /// By outcome, scope and constraints.
    known: HashMap<Key, u32>,
    /// The rules that were met, by where they lie: many roles share them.
    places: HashMap<*const Rule, Called>,
    /// By number: whether a constraint of it looks at the role.
    by_role: Vec<bool>,
    scopes: Vec<&'p Scope>,
    /// Their numbers.
    ids: HashMap<&'p Scope, usize>,
}

/// What tells a rule from others.
type Key = (Mode, Option<usize>, Vec<u32>);

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
        let scopes: Vec<&Scope> = Numbering::of(policy)
            .map(|all| all.scopes.into_iter().filter_map(|it| it.scope).collect())
            .unwrap_or_default();
        Self {
            out: String::new(),
            conditions: Conditions::new(),
            known: HashMap::new(),
            places: HashMap::new(),
            by_role: Vec::new(),
            ids: scopes.iter().copied().zip(0..).collect(),
            scopes,
        }
    }

    /// How much was printed so far.
    pub(super) fn len(&self) -> usize {
        self.out.len() + self.conditions.len()
    }

    /// Notes that a helper is called.
    pub(super) fn need(&mut self, helper: Helper) {
        self.conditions.helpers.need(helper);
    }

    /// Prints a rule, unless an equal one was.
    pub(super) fn rule(&mut self, rule: &'p Arc<Rule>) -> Called {
        let place = Arc::as_ptr(rule);
        if let Some(called) = self.places.get(&place) {
            return *called;
        }
        let called = self.new_rule(rule);
        self.places.insert(place, called);
        called
    }

    fn new_rule(&mut self, rule: &'p Rule) -> Called {
        if rule.mode == Mode::Deny {
            return Called::Denied;
        }
        let constraints: Vec<Printed> = rule
            .constraints
            .iter()
            .map(|constraint| self.conditions.constraint(constraint))
            .collect();
        let scope = rule.scope.as_deref();
        let key = (
            rule.mode,
            scope.and_then(|scope| self.ids.get(scope).copied()),
            constraints
                .iter()
                .map(|constraint| constraint.number)
                .collect(),
        );
        if let Some(number) = self.known.get(&key) {
            let by_role = self.by_role.get(*number as usize).copied();
            return Called::Rule(*number, by_role.unwrap_or_default());
        }
        let by_role = constraints.iter().any(|constraint| constraint.by_role);
        let number = self.by_role.len() as u32;
        self.by_role.push(by_role);
        self.known.insert(key, number);
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
            let id = self.ids.get(scope)?;
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
            if !scope.denied.is_empty() {
                helpers.need(Helper::Distinct);
            }
        }
        helpers.print(&mut out);
        Ok(out)
    }
}
