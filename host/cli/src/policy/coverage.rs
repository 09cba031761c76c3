//! Which rules and constraints the cases of a suite exercise.
//!
//! A call exercises the rule that judges it. A constraint or file scope is exercised if it held for one call and did not hold for another:
//! otherwise tests would not notice a change of the other half. One of an exception or a forbid has to have been true and to have been
//! false: undefined forbids whatever it says.

use std::collections::BTreeMap;

use hexgate_eval::{
    Plan, Request, Truth, Workspace,
    plan::ForbidRef,
    trace::{ConditionTrace, EntryTrace, ForbidTrace, RuleTrace, ScopeTrace, trace},
};
use hexgate_host::Tools;
use serde::Serialize;

use super::decide::Call;
use crate::output::{harmless, shortened};

/// How much of the tools of a forbid is shown, in characters.
const TOOLS: usize = 60;

/// What was seen so far.
pub(super) struct Coverage<'s> {
    plan: Plan<'s>,
    workspace: Workspace,
    /// By role, tools and position among the rules for these.
    rules: BTreeMap<(String, Which, usize), Rule>,
}

/// Which tools a rule is for; in the order of the report.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Which {
    Unlisted,
    /// The name, or the pattern.
    Named(String),
    /// A forbid: its position.
    Forbid,
}

#[derive(Debug)]
struct Rule {
    called: bool,
    /// Whether it is an exception or a forbid.
    forbids: bool,
    /// Of a forbid the names and patterns that it is about; none: all that are not closed. One that is written may be several here.
    tools: Vec<String>,
    constraints: Vec<(String, Seen)>,
    /// The argument that the file scope judges.
    scope: Option<(String, Seen)>,
}

/// Which halves of a condition were seen.
#[derive(Debug, Clone, Copy, Default)]
struct Seen {
    held: bool,
    failed: bool,
}

impl Seen {
    fn note(&mut self, truth: Truth, forbids: bool) {
        self.held |= truth == Truth::True;
        self.failed |= truth == Truth::False || truth == Truth::Undefined && !forbids;
    }

    /// What is missing; none if both halves were seen.
    fn missing(self, forbids: bool) -> Option<Missing> {
        match (self.held, self.failed) {
            (true, true) => None,
            (true, false) if forbids => Some(Missing::False),
            (true, false) => Some(Missing::NotTrue),
            (false, true) => Some(Missing::True),
            (false, false) => Some(Missing::Both),
        }
    }
}

/// What no case exercised.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
enum Missing {
    /// No call was judged by the rule.
    Call,
    /// It held for no call.
    True,
    /// It held for every call.
    NotTrue,
    /// Of what forbids: it let no call pass.
    False,
    /// No call came to it.
    Both,
}

/// The result.
#[derive(Debug, Serialize)]
pub(super) struct Report<'a> {
    rules: Share,
    constraints: Share,
    file_scopes: Share,
    missing: Vec<Gap<'a>>,
}

#[derive(Debug, Default, Serialize)]
struct Share {
    total: usize,
    exercised: usize,
}

/// Something that no case exercised.
#[derive(Debug, Serialize)]
struct Gap<'a> {
    role: &'a str,
    /// None: the rule for unlisted tools, or a forbid.
    tool: Option<&'a str>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    forbid: bool,
    /// Of a forbid the names and patterns that it is about.
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    tools: &'a [String],
    /// Which of several rules or forbids, from 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    rule: Option<usize>,
    what: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    text: Option<&'a str>,
    missing: Missing,
    /// Whether any case came to the rule that it belongs to.
    #[serde(skip)]
    reached: bool,
}

impl<'s> Coverage<'s> {
    /// Nothing seen yet of the rules in a plan.
    pub(super) fn of(plan: Plan<'s>) -> anyhow::Result<Self> {
        let mut rules = BTreeMap::new();
        let forbids = |rules: &mut BTreeMap<_, _>, role: &str, all: Vec<ForbidRef<'_>>| {
            for (position, forbid) in all.into_iter().enumerate() {
                let mut rule = Rule::of(&plan, forbid.constraints()?, forbid.scope()?)?;
                rule.tools = forbid.tools()?.into_iter().map(str::to_owned).collect();
                rules.insert((role.to_owned(), Which::Forbid, position), rule);
            }
            anyhow::Ok(())
        };
        forbids(&mut rules, "", plan.forbids(0, u32::MAX)?)?;
        for index in 0..plan.about()?.roles {
            let Some(role) = plan.role(index)? else {
                continue;
            };
            let name = role.name()?;
            forbids(&mut rules, name, role.forbids(0, u32::MAX)?)?;
            let mut positions: BTreeMap<Which, usize> = BTreeMap::new();
            for rule in role.rules(0, u32::MAX)? {
                let which = match rule.tools()? {
                    Tools::Unlisted => Which::Unlisted,
                    Tools::Exact(name) | Tools::Pattern(name) => Which::Named(name.to_owned()),
                };
                let position = positions.entry(which.clone()).or_default();
                let key = (name.to_owned(), which, *position);
                *position += 1;
                rules.insert(key, Rule::of(&plan, rule.constraints()?, rule.scope()?)?);
            }
        }
        Ok(Self {
            plan,
            workspace: Workspace::new(),
            rules,
        })
    }

    /// Records what a call exercises. A call that no role decides exercises nothing but forbids.
    pub(super) fn see(&mut self, call: &Call<'_>) -> anyhow::Result<()> {
        let roles: Vec<&str> = call.roles.iter().map(String::as_str).collect();
        let request = Request::new(call.tool, call.arguments)
            .roles(&roles)
            .optional_facts(call.facts);
        let Ok(mut scratch) = self.workspace.scratch(&self.plan, &request) else {
            return Ok(());
        };
        let Ok(traced) = trace(&self.plan, &request, &mut scratch) else {
            return Ok(());
        };
        self.see_forbids("", &traced.forbids);
        if traced
            .forbids
            .iter()
            .any(|forbid| forbid.truth != Truth::False)
        {
            return Ok(());
        }
        for role in traced.roles {
            self.see_forbids(&role.role, &role.forbids);
            // Below a forbid that denies no rule is asked, and beside an exception that does no other.
            let denies = |forbid: &ForbidTrace| forbid.truth != Truth::False;
            if role.forbids.iter().any(denies) {
                continue;
            }
            let denies = |rule: &RuleTrace| rule.exception && rule.truth != Truth::False;
            let excepted = role.rules.iter().any(denies);
            let which = match role.entry {
                EntryTrace::Closed => continue,
                EntryTrace::Unlisted => Which::Unlisted,
                EntryTrace::Listed => Which::Named(call.tool.to_owned()),
                EntryTrace::Pattern(pattern) => Which::Named(pattern),
            };
            for (position, traced) in role.rules.iter().enumerate() {
                if excepted && !traced.exception {
                    continue;
                }
                let key = (role.role.clone(), which.clone(), position);
                if let Some(rule) = self.rules.get_mut(&key) {
                    rule.note(&traced.constraints, traced.scope.as_ref(), traced.exception);
                }
            }
        }
        Ok(())
    }

    fn see_forbids(&mut self, role: &str, traces: &[ForbidTrace]) {
        for traced in traces {
            let key = (role.to_owned(), Which::Forbid, traced.position);
            if let Some(rule) = self.rules.get_mut(&key) {
                rule.note(&traced.constraints, traced.scope.as_ref(), true);
            }
        }
    }

    /// What was exercised and what was not.
    pub(super) fn report(&self) -> Report<'_> {
        let mut report = Report {
            rules: Share::default(),
            constraints: Share::default(),
            file_scopes: Share::default(),
            missing: Vec::new(),
        };
        for ((role, which, position), rule) in &self.rules {
            let several =
                |which: &Which| self.rules.contains_key(&(role.clone(), which.clone(), 1));
            let gap = |what, text, missing| Gap {
                role,
                tool: match which {
                    Which::Named(name) => Some(name),
                    Which::Unlisted | Which::Forbid => None,
                },
                forbid: *which == Which::Forbid,
                tools: &rule.tools,
                rule: several(which).then_some(position + 1),
                what,
                text,
                missing,
                reached: rule.called,
            };
            report.rules.count(rule.called);
            if !rule.called {
                report.missing.push(gap("rule", None, Missing::Call));
            }
            for (text, seen) in &rule.constraints {
                report
                    .constraints
                    .count(seen.missing(rule.forbids).is_none());
                report.missing.extend(
                    seen.missing(rule.forbids)
                        .map(|missing| gap("constraint", Some(text), missing)),
                );
            }
            if let Some((argument, seen)) = &rule.scope {
                report
                    .file_scopes
                    .count(seen.missing(rule.forbids).is_none());
                report.missing.extend(
                    seen.missing(rule.forbids)
                        .map(|missing| gap("file_scope", Some(argument), missing)),
                );
            }
        }
        report
    }
}

impl Rule {
    fn of(plan: &Plan<'_>, constraints: Vec<&str>, scope: Option<u32>) -> anyhow::Result<Self> {
        let scope = scope.map(|id| plan.scope(id)).transpose()?.flatten();
        // What the exceptions and forbids exclude is theirs to exercise.
        let argument = scope.and_then(|scope| scope.arguments.into_iter().next());
        Ok(Self {
            called: false,
            forbids: false,
            tools: Vec::new(),
            constraints: constraints
                .into_iter()
                .map(|text| (text.to_owned(), Seen::default()))
                .collect(),
            scope: argument.map(|name| (name, Seen::default())),
        })
    }

    /// `forbids`: all of it is evaluated, whatever its parts are.
    fn note(&mut self, constraints: &[ConditionTrace], scope: Option<&ScopeTrace>, forbids: bool) {
        self.called = true;
        self.forbids = forbids;
        let mut all_hold = true;
        for ((_, seen), traced) in self.constraints.iter_mut().zip(constraints) {
            seen.note(traced.truth, forbids);
            all_hold &= traced.truth == Truth::True;
        }
        // The scope of a rule is checked only if all constraints hold.
        if (all_hold || forbids)
            && let (Some((_, seen)), Some(scope)) = (&mut self.scope, scope)
        {
            seen.note(scope.truth, forbids);
        }
    }
}

impl Share {
    fn count(&mut self, exercised: bool) {
        self.total += 1;
        self.exercised += usize::from(exercised);
    }

    fn words(&self, what: &str) -> String {
        format!("{} of {} {what}", self.exercised, self.total)
    }
}

impl Report<'_> {
    /// A table of what was not exercised.
    pub(super) fn human(&self) -> String {
        let mut shares = vec![
            self.rules.words("rules"),
            self.constraints.words("constraints"),
        ];
        if self.file_scopes.total > 0 {
            shares.push(self.file_scopes.words("file scopes"));
        }
        let mut text = format!("coverage: {} exercised\n", shares.join(", "));
        // A rule that no case came to has one row: its conditions have none.
        let rows: Vec<[String; 3]> = self
            .missing
            .iter()
            .filter(|gap| gap.reached || gap.missing == Missing::Call)
            .map(Gap::row)
            .collect();
        if rows.is_empty() {
            return text;
        }
        let head = ["role", "tool", "not exercised"].map(str::to_owned);
        let width = |column: usize| {
            let cells = std::iter::once(&head)
                .chain(&rows)
                .filter_map(|row| row.get(column));
            cells.map(|cell| cell.chars().count()).max().unwrap_or(0)
        };
        let (first, second) = (width(0), width(1));
        for [role, tool, what] in std::iter::once(&head).chain(&rows) {
            text.push_str(&format!("  {role:<first$}  {tool:<second$}  {what}\n"));
        }
        text
    }
}

impl Gap<'_> {
    fn row(&self) -> [String; 3] {
        let missing = match self.missing {
            Missing::Call => "no case came to this rule",
            Missing::True => "never true",
            Missing::NotTrue => "never anything but true",
            Missing::False => "never false",
            Missing::Both => "no case came to it",
        };
        let what = match (self.what, self.text) {
            ("file_scope", Some(argument)) => {
                format!("file scope on `{}`: {missing}", harmless(argument))
            }
            (_, Some(text)) => format!("{}: {missing}", harmless(text)),
            (_, None) => missing.to_owned(),
        };
        let tool = match (self.tool, self.forbid, self.rule) {
            (Some(tool), _, Some(rule)) => format!("{}, {rule}", harmless(tool)),
            (Some(tool), _, None) => harmless(tool).into_owned(),
            (None, true, rule) => {
                let which = rule.map_or_else(String::new, |rule| format!(", {rule}"));
                let tools = shortened(&self.tools.join(", "), TOOLS);
                let tools = if self.tools.is_empty() {
                    "all tools"
                } else {
                    &tools
                };
                format!("(forbidden{which}) {}", harmless(tools))
            }
            (None, false, Some(rule)) => format!("(unlisted tools), {rule}"),
            (None, false, None) => "(unlisted tools)".to_owned(),
        };
        let role = if self.role.is_empty() && self.forbid {
            "(all roles)".to_owned()
        } else {
            harmless(self.role).into_owned()
        };
        [role, tool, what]
    }
}
