//! Which rules and constraints the cases of a suite exercise.
//!
//! A rule is exercised by a call that it judges. A constraint, or a file scope, is exercised if it held for one call and did not
//! hold for another: a test that only ever sees one half would not notice the other half change.

use std::collections::BTreeMap;

use hexgate_eval::{
    Plan, Request, Truth, Workspace,
    trace::{RoleTrace, trace},
};
use serde::Serialize;

use super::decide::Call;
use crate::output::harmless;

/// What was seen so far.
pub(super) struct Coverage<'s> {
    plan: Plan<'s>,
    workspace: Workspace,
    /// By role and tool; without a tool the rule for unlisted tools.
    rules: BTreeMap<(String, Option<String>), Rule>,
}

#[derive(Debug)]
struct Rule {
    called: bool,
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
    fn note(&mut self, holds: bool) {
        self.held |= holds;
        self.failed |= !holds;
    }

    /// What is missing; none if both halves were seen.
    fn missing(self) -> Option<Missing> {
        match (self.held, self.failed) {
            (true, true) => None,
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
    /// None: the rule for unlisted tools.
    tool: Option<&'a str>,
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
        for index in 0..plan.about()?.roles {
            let Some(role) = plan.role(index)? else {
                continue;
            };
            for index in 0..role.rule_count()? {
                let Some(rule) = role.rule(index)? else {
                    continue;
                };
                let constraints = rule
                    .constraints()?
                    .into_iter()
                    .map(|text| (text.to_owned(), Seen::default()))
                    .collect();
                let scope = rule
                    .scope()?
                    .map(|id| plan.scope(id))
                    .transpose()?
                    .flatten();
                let scope = scope
                    .map(|scope| scope.argument())
                    .transpose()?
                    .map(|name| (name.to_owned(), Seen::default()));
                let key = (role.name()?.to_owned(), rule.tool()?.map(str::to_owned));
                rules.insert(
                    key,
                    Rule {
                        called: false,
                        constraints,
                        scope,
                    },
                );
            }
        }
        Ok(Self {
            plan,
            workspace: Workspace::new(),
            rules,
        })
    }

    /// Notes what a call exercises. A call that nothing can decide exercises nothing.
    pub(super) fn see(&mut self, call: &Call<'_>) -> anyhow::Result<()> {
        let roles: Vec<&str> = call.roles.iter().map(String::as_str).collect();
        let request = Request::new(call.tool, call.arguments)
            .roles(&roles)
            .optional_facts(call.facts);
        let Ok(mut scratch) = self.workspace.scratch(&self.plan, &request) else {
            return Ok(());
        };
        let Ok(traces) = trace(&self.plan, &request, &mut scratch) else {
            return Ok(());
        };
        for trace in traces.into_iter().filter(|trace| !trace.closed) {
            let tool = trace.listed.then(|| call.tool.to_owned());
            if let Some(rule) = self.rules.get_mut(&(trace.role.clone(), tool)) {
                rule.note(&trace);
            }
        }
        Ok(())
    }

    /// What was exercised and what was not.
    pub(super) fn report(&self) -> Report<'_> {
        let mut report = Report {
            rules: Share::default(),
            constraints: Share::default(),
            file_scopes: Share::default(),
            missing: Vec::new(),
        };
        for ((role, tool), rule) in &self.rules {
            let gap = |what, text, missing| Gap {
                role,
                tool: tool.as_deref(),
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
                report.constraints.count(seen.missing().is_none());
                report.missing.extend(
                    seen.missing()
                        .map(|missing| gap("constraint", Some(text), missing)),
                );
            }
            if let Some((argument, seen)) = &rule.scope {
                report.file_scopes.count(seen.missing().is_none());
                report.missing.extend(
                    seen.missing()
                        .map(|missing| gap("file_scope", Some(argument), missing)),
                );
            }
        }
        report
    }
}

impl Rule {
    fn note(&mut self, trace: &RoleTrace) {
        self.called = true;
        let mut all_hold = true;
        for ((_, seen), traced) in self.constraints.iter_mut().zip(&trace.constraints) {
            let holds = traced.truth == Truth::True;
            seen.note(holds);
            all_hold &= holds;
        }
        // A scope is looked at only if all constraints hold.
        if all_hold && let (Some((_, seen)), Some(scope)) = (&mut self.scope, &trace.scope) {
            seen.note(scope.holds);
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
        // What is missing below a rule that no case came to goes without saying.
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
            Missing::Both => "no case came to it",
        };
        let what = match (self.what, self.text) {
            ("file_scope", Some(argument)) => {
                format!("file scope on `{}`: {missing}", harmless(argument))
            }
            (_, Some(text)) => format!("{}: {missing}", harmless(text)),
            (_, None) => missing.to_owned(),
        };
        let tool = self
            .tool
            .map_or_else(|| "(unlisted tools)".into(), harmless);
        [harmless(self.role).into_owned(), tool.into_owned(), what]
    }
}
