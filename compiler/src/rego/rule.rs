//! Rules: what a role says of a tool, with its constraints and its scope; and what bars a call whatever a rule says.

use std::{collections::HashMap, sync::Arc};

use super::{
    condition::{Conditions, Printed, ROLE},
    helper::Helper,
    name, scope,
    text::{call, inline, quoted, rule},
};
use crate::{
    model::{
        Constraint, Entry, For, Forbid, Mode, Numbering, Policy, Role, Rule, Scope, ToolName, Tools,
    },
    rego::Refusal,
};

/// The rules that were printed.
pub(super) struct Rules<'p> {
    out: String,
    conditions: Conditions<'p>,
    numbering: Numbering<'p>,
    /// What was printed under a number, by how it is called and what it says.
    known: HashMap<(Kind, String), Called>,
    counts: HashMap<Kind, u32>,
    /// What entries say that depends on nothing else, by where they lie: many roles share them.
    places: HashMap<*const (), Called>,
    /// Whether a forbid beside the roles has a scope.
    scoped: bool,
    /// Whether a result has a message or approval terms.
    words: bool,
    /// The scopes that are looked at, and their numbers.
    scopes: Vec<&'p Scope>,
    ids: HashMap<&'p Scope, usize>,
}

/// What is printed under a number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Kind {
    /// What a rule says of a call, or several.
    Rule,
    /// A list that is empty unless an exception or a forbid forbids the call.
    Bar,
    /// Several of these as one.
    Bars,
    /// Whether a forbid is about the tool.
    About,
    /// The number of a scope that depends on the tool.
    Scope,
}

impl Kind {
    fn name(self) -> &'static str {
        match self {
            Self::Rule => "rule",
            Self::Bar => "bar",
            Self::Bars => "bars",
            Self::About => "about",
            Self::Scope => "scope",
        }
    }
}

/// What was printed, and how it is called.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Called {
    /// The rule denies, and says nothing.
    Denied,
    /// By its number; whether it looks at the role.
    Numbered(Numbered),
}

/// What was printed under a number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Numbered {
    kind: Kind,
    number: u32,
    by_role: bool,
}

impl Numbered {
    /// What it says of the role of this name.
    pub(super) fn result(self, role: &str) -> String {
        let arguments: &[&str] = if self.by_role { &[role] } else { &[] };
        call(&format!("{}_{}", self.kind.name(), self.number), arguments)
    }
}

impl Called {
    /// Its result, where the role has this name.
    pub(super) fn result(self, role: &str) -> String {
        match self {
            Self::Denied => "listed_as_denied".to_owned(),
            Self::Numbered(numbered) => numbered.result(role),
        }
    }

    pub(super) fn looks_at_role(self) -> bool {
        match self {
            Self::Denied => false,
            Self::Numbered(numbered) => numbered.by_role,
        }
    }

    /// What tells it from others.
    pub(super) fn key(self) -> u32 {
        match self {
            Self::Denied => u32::MAX,
            Self::Numbered(numbered) => numbered.number,
        }
    }
}

/// What a numbered rule says: values and what they demand, of which the first that holds counts.
type Clauses = Vec<(String, Vec<String>)>;

impl<'p> Rules<'p> {
    pub(super) fn new(policy: &'p Policy) -> Result<Self, Refusal> {
        Ok(Self {
            out: String::new(),
            conditions: Conditions::new(),
            numbering: Numbering::of(policy)?,
            known: HashMap::new(),
            counts: HashMap::new(),
            places: HashMap::new(),
            scoped: has_scope(&policy.forbids),
            words: false,
            scopes: Vec::new(),
            ids: HashMap::new(),
        })
    }

    /// How much was printed so far.
    pub(super) fn len(&self) -> usize {
        self.out.len() + self.conditions.len()
    }

    /// Whether a result has a message or approval terms.
    pub(super) fn has_words(&self) -> bool {
        self.words
    }

    /// Notes that a helper is called.
    pub(super) fn need(&mut self, helper: Helper) {
        self.conditions.helpers.need(helper);
    }

    /// The lines that hold if a pattern matches the name at a place.
    pub(super) fn matches(
        &mut self,
        pattern: &crate::model::NamePattern,
        place: &str,
    ) -> Vec<String> {
        name::matches(pattern, place, &mut self.conditions.helpers)
    }

    /// Prints what a role says of some tools.
    pub(super) fn entry(
        &mut self,
        role: &'p Role,
        tools: For<'p>,
        entry: &'p Entry,
    ) -> Result<Called, Refusal> {
        // The numbers of scopes depend on what is forbidden beside the entry.
        let shared = match entry {
            Entry::Rule(rule) => Arc::as_ptr(rule).cast::<()>(),
            Entry::Rules(rules) => rules.as_ptr().cast(),
        };
        let alone = !self.scoped && !has_scope(&role.forbids);
        if let Some(called) = self.places.get(&shared).filter(|_| alone) {
            return Ok(*called);
        }
        let called = match entry {
            Entry::Rule(rule) if rule.mode == Mode::Deny => self.denied(rule, "listed_as_denied"),
            Entry::Rule(rule) => self.rule(role, tools, entry.rules(), rule)?,
            Entry::Rules(rules) => self.list(role, tools, rules)?,
        };
        if alone {
            self.places.insert(shared, called);
        }
        Ok(called)
    }

    /// Prints what a role says of tools that are not listed.
    pub(super) fn unlisted(&mut self, role: &'p Role) -> Result<Called, Refusal> {
        let rule = &role.default_rule;
        if rule.mode == Mode::Deny {
            return Ok(self.denied(rule, "unlisted"));
        }
        self.rule(role, For::Unlisted, std::slice::from_ref(rule), rule)
    }

    fn denied(&mut self, rule: &'p Rule, result: &str) -> Called {
        if rule.message.is_none() {
            return Called::Denied;
        }
        let result = self.told(result, rule.message.as_deref());
        self.numbered(Kind::Rule, false, vec![(result, Vec::new())])
    }

    /// Prints one rule of those that a role has for some tools.
    fn rule(
        &mut self,
        role: &'p Role,
        tools: For<'p>,
        rules: &'p [Arc<Rule>],
        rule: &'p Arc<Rule>,
    ) -> Result<Called, Refusal> {
        let constraints: Vec<Printed> = rule
            .constraints
            .iter()
            .map(|constraint| self.conditions.constraint(constraint))
            .collect();
        let by_role = constraints.iter().any(|constraint| constraint.by_role);
        let granted = self.granted_scope(role, tools, rules, rule)?;
        let message = rule.message.as_deref();
        let grant = match rule.mode {
            Mode::Allow => format!("grant(\"allow\", {granted})"),
            Mode::NeedsApproval | Mode::Deny => {
                let terms = rule.approval.as_deref();
                let terms = terms.map(|terms| self.numbering.approval(terms));
                self.worded(&format!("grant(\"approval\", {granted})"), message, terms)
            }
        };
        let within: Vec<String> = constraints.iter().map(|one| one.holds()).collect();
        let mut holding = within.clone();
        let mut clauses = Vec::new();
        match &rule.scope {
            None => clauses.push((grant, holding)),
            Some(scope) => {
                let id = self.scope(scope);
                holding.push(format!("within_{id}"));
                clauses.push((grant, holding));
                self.need(Helper::Beyond);
                clauses.push((
                    self.told(&format!("beyond(patterns_{id})"), message),
                    within,
                ));
            }
        }
        if !constraints.is_empty() {
            self.need(Helper::Refused);
            let violated = inline(constraints.iter().map(|one| one.violated()));
            clauses.push((
                self.told(&format!("refused({violated})"), message),
                Vec::new(),
            ));
        }
        Ok(self.numbered(Kind::Rule, by_role, clauses))
    }

    /// Prints several rules for the same tools.
    fn list(
        &mut self,
        role: &'p Role,
        tools: For<'p>,
        rules: &'p [Arc<Rule>],
    ) -> Result<Called, Refusal> {
        let mut bars = Vec::new();
        let mut others = Vec::new();
        for rule in rules {
            if rule.mode == Mode::Deny {
                let because = if rule.constraints.is_empty() {
                    "mode"
                } else {
                    "forbidden"
                };
                let scope = rule.scope.as_ref();
                let message = rule.message.as_deref();
                bars.push(self.bar(None, &rule.constraints, scope, because, message, true));
            } else {
                others.push(self.rule(role, tools, rules, rule)?);
            }
        }
        let mut by_role = others.iter().any(|one| one.looks_at_role());
        let result = if others.is_empty() {
            let messages = rules.iter().find_map(|rule| rule.message.as_deref());
            self.told("listed_as_denied", messages)
        } else {
            self.need(Helper::Together);
            let results = inline(others.iter().map(|one| one.result(ROLE)));
            format!("together({results})")
        };
        let mut clauses = Vec::new();
        match self.bars(&bars) {
            None => clauses.push((result, Vec::new())),
            Some(bars) => {
                by_role |= bars.by_role;
                let bars = bars.result(ROLE);
                clauses.push((
                    format!("forbidden({bars})"),
                    vec![format!("count({bars}) > 0")],
                ));
                clauses.push((result, vec![format!("count({bars}) == 0")]));
            }
        }
        Ok(self.numbered(Kind::Rule, by_role, clauses))
    }

    /// Prints what forbids a call: the list of what each of these forbids says of it. None: there are none. Without a role, constraints
    /// that look at one are never *false*.
    pub(super) fn forbids(
        &mut self,
        forbids: &'p [Arc<Forbid>],
        has_role: bool,
    ) -> Option<Numbered> {
        let bars: Vec<Numbered> = forbids
            .iter()
            .map(|forbid| {
                let scope = forbid.scope.as_ref();
                let message = forbid.message.as_deref();
                self.bar(
                    Some(&forbid.tools),
                    &forbid.constraints,
                    scope,
                    "forbidden",
                    message,
                    has_role,
                )
            })
            .collect();
        self.bars(&bars)
    }

    fn bars(&mut self, bars: &[Numbered]) -> Option<Numbered> {
        if let ([] | [_], only) = (bars, bars.first()) {
            if only.is_some() {
                self.need(Helper::Forbidden);
            }
            return only.copied();
        }
        self.need(Helper::Forbidden);
        self.need(Helper::Joined);
        let by_role = bars.iter().any(|bar| bar.by_role);
        let lists = inline(bars.iter().map(|bar| bar.result(ROLE)));
        Some(self.number(
            Kind::Bars,
            by_role,
            vec![(format!("joined({lists})"), Vec::new())],
        ))
    }

    /// Prints one exception or forbid: an empty list if it is not about the tool, or its condition is *false*; else why it forbids.
    fn bar(
        &mut self,
        tools: Option<&'p Tools>,
        constraints: &'p [Arc<Constraint>],
        scope: Option<&'p Arc<Scope>>,
        because: &str,
        message: Option<&str>,
        has_role: bool,
    ) -> Numbered {
        let nothing = || "[]".to_owned();
        let mut clauses: Clauses = Vec::new();
        if let Some(tools) = tools {
            let (_, aside) = self.about(tools);
            clauses.push((nothing(), vec![aside]));
        }
        let mut by_role = false;
        for constraint in constraints {
            if let Some(failing) = self.conditions.failing(constraint)
                && (has_role || !failing.by_role)
            {
                by_role |= failing.by_role;
                clauses.push((nothing(), vec![failing.fails()]));
            }
        }
        // Without patterns it speaks of every path.
        if let Some(scope) = scope.filter(|scope| !scope.denied.is_empty()) {
            let id = self.scope(scope);
            clauses.push((nothing(), vec![format!("within_{id}")]));
        }
        let violated = inline(constraints.iter().map(|one| quoted(&one.source)));
        let refusal = format!("refusal(\"{because}\", {violated}, null)");
        clauses.push((inline([self.told(&refusal, message)]), Vec::new()));
        self.number(Kind::Bar, by_role, clauses)
    }

    /// The line that holds if a forbid is about the tool, and the line that holds if it is not.
    fn about(&mut self, tools: &'p Tools) -> (String, String) {
        let names = match tools {
            Tools::Open => {
                self.need(Helper::Closed);
                return (
                    "open(input.tool)".to_owned(),
                    "closed(input.tool)".to_owned(),
                );
            }
            Tools::Named(names) => names,
        };
        let mut ways = Vec::new();
        let exact = names.iter().filter_map(|name| match name {
            ToolName::Exact(name) => Some(quoted(name)),
            ToolName::Pattern(_) => None,
        });
        let exact = inline(exact);
        if exact != "[]" {
            ways.push(vec![format!("input.tool in {exact}")]);
        }
        for name in names {
            if let ToolName::Pattern(pattern) = name {
                ways.push(self.matches(pattern, "input.tool"));
            }
        }
        let about = self.about_one_of(ways).result(ROLE);
        let aside = format!("{about} == false");
        (about, aside)
    }

    fn about_one_of(&mut self, ways: Vec<Vec<String>>) -> Numbered {
        let key = (Kind::About, format!("{ways:?}"));
        if let Some(Called::Numbered(known)) = self.known.get(&key) {
            return *known;
        }
        let numbered = self.next(Kind::About, false);
        let name = numbered.result(ROLE);
        rule(&mut self.out, &format!("default {name} := false"), &[]);
        for lines in ways {
            rule(&mut self.out, &name, &lines);
        }
        self.known.insert(key, Called::Numbered(numbered));
        numbered
    }

    /// The number of the scope that a grant travels with: a number, `null`, or what depends on the tool.
    fn granted_scope(
        &mut self,
        role: &'p Role,
        tools: For<'p>,
        rules: &'p [Arc<Rule>],
        rule: &'p Rule,
    ) -> Result<String, Refusal> {
        let choice = self.numbering.number(role, tools, rules, rule)?;
        let number = |scope: &Option<u32>| match scope {
            Some(number) => number.to_string(),
            None => "null".to_owned(),
        };
        if let (true, [only]) = (choice.forbids.is_empty(), choice.scopes.as_slice()) {
            return Ok(number(only));
        }
        let about: Vec<(String, String)> = choice
            .forbids
            .iter()
            .map(|forbid| self.about(&forbid.tools))
            .collect();
        let ways: Clauses = choice
            .scopes
            .iter()
            .enumerate()
            .map(|(bits, scope)| {
                let lines = about.iter().enumerate().map(|(bit, (about, aside))| {
                    if bits >> bit & 1 == 1 { about } else { aside }.clone()
                });
                (number(scope), lines.collect())
            })
            .collect();
        Ok(self.number(Kind::Scope, false, ways).result(ROLE))
    }

    /// A result with what the model is told.
    fn told(&mut self, result: &str, message: Option<&str>) -> String {
        self.worded(result, message, None)
    }

    /// A result with what the model is told, and with approval terms.
    fn worded(&mut self, result: &str, message: Option<&str>, terms: Option<u32>) -> String {
        let message = message.map(|message| format!("\"message\": {}", quoted(message)));
        let terms = terms.map(|terms| format!("\"terms\": {terms}"));
        let members: Vec<String> = message.into_iter().chain(terms).collect();
        if members.is_empty() {
            return result.to_owned();
        }
        self.words = true;
        format!("object.union({result}, {{{}}})", members.join(", "))
    }

    /// The number under which a scope is printed.
    fn scope(&mut self, scope: &'p Scope) -> usize {
        let next = self.scopes.len();
        let id = *self.ids.entry(scope).or_insert(next);
        if id == next {
            self.scopes.push(scope);
        }
        id
    }

    fn numbered(&mut self, kind: Kind, by_role: bool, clauses: Clauses) -> Called {
        Called::Numbered(self.number(kind, by_role, clauses))
    }

    /// Prints clauses under a number, unless equal ones were.
    fn number(&mut self, kind: Kind, by_role: bool, clauses: Clauses) -> Numbered {
        let key = (kind, format!("{clauses:?}"));
        if let Some(Called::Numbered(known)) = self.known.get(&key) {
            return *known;
        }
        let numbered = self.next(kind, by_role);
        let mut head = numbered.result(ROLE);
        for (value, lines) in clauses {
            rule(&mut self.out, &format!("{head} := {value}"), &lines);
            head = "else".to_owned();
        }
        self.known.insert(key, Called::Numbered(numbered));
        numbered
    }

    fn next(&mut self, kind: Kind, by_role: bool) -> Numbered {
        let count = self.counts.entry(kind).or_insert(0);
        let number = *count;
        *count += 1;
        Numbered {
            kind,
            number,
            by_role,
        }
    }

    /// Prints the rules, their constraints, the scopes and the helpers.
    pub(super) fn finish(self) -> Result<String, Refusal> {
        let mut out = self.out;
        let (conditions, mut helpers) = self.conditions.finish();
        out.push_str(&conditions);
        for (id, scope) in self.scopes.iter().enumerate() {
            scope::print(&mut out, id, scope, &mut helpers)?;
        }
        helpers.print(&mut out);
        Ok(out)
    }
}

fn has_scope(forbids: &[Arc<Forbid>]) -> bool {
    forbids.iter().any(|forbid| forbid.scope.is_some())
}
