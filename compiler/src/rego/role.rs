//! Roles and the tools that they list.

use std::collections::BTreeMap;

use super::{
    Refusal,
    helper::Helper,
    rule::{Called, Numbered, Rules},
    text::{call, listed, quoted, rule},
};
use crate::{
    model::{For, NamePattern, Policy, Role},
    plan::{Interned, tool_ids},
};

/// Prints the roles, and tables of their tools: roles that say the same share one. What no role can grant is printed before them, as
/// what is said of the role `null`.
pub(super) fn print<'p>(policy: &'p Policy, rules: &mut Rules<'p>) -> Result<String, Refusal> {
    let tools = tool_ids(policy);
    let mut tables = Tables {
        out: String::new(),
        known: Interned::new(),
        by_role: Vec::new(),
        patterns: BTreeMap::new(),
    };
    let mut out = String::new();
    let names: Vec<String> = policy.roles.keys().map(|name| quoted(name)).collect();
    if names.is_empty() {
        rule(&mut out, "roles := set()", &[]);
        rule(&mut out, "evaluate(_) := unlisted", &["false".to_owned()]);
    } else {
        let names = listed(['{', '}'], &names);
        rule(&mut out, &format!("roles := {names}"), &[]);
    }
    // What decides for callers without a role that the policy knows.
    let fallback = if policy.roles.contains_key("default") {
        "fallback := [{\"index\": null, \"role\": \"default\"}]"
    } else {
        "fallback := []"
    };
    rule(&mut out, fallback, &[]);
    if let Some(ceiling) = rules.forbids(&policy.forbids, false) {
        let ceiling = ceiling.result("null");
        rule(&mut out, &format!("ceiling := {ceiling}"), &[]);
        rule(&mut out, "evaluate(null) := forbidden(ceiling)", &[]);
    }
    for (name, role) in &policy.roles {
        let forbids = rules.forbids(&role.forbids, true);
        let (table, by_role) = tables.table(role, &tools, rules)?;
        let name = quoted(name);
        let arguments: &[&str] = if by_role {
            &[&name, "input.tool"]
        } else {
            &["input.tool"]
        };
        let result = call(&format!("tools_{table}"), arguments);
        print_role(&mut out, &name, forbids, &result);
        if out.len() + tables.out.len() > super::MAX_BYTES {
            return Err(Refusal::TooLarge);
        }
    }
    out.push_str(&tables.out);
    Ok(out)
}

/// What a role says: what it forbids, and else what its rules say.
fn print_role(out: &mut String, name: &str, forbids: Option<Numbered>, result: &str) {
    let head = format!("evaluate({name})");
    let Some(forbids) = forbids else {
        return rule(out, &format!("{head} := {result}"), &[]);
    };
    let bars = forbids.result(name);
    let forbidden = format!("{head} := forbidden({bars})");
    rule(out, &forbidden, &[format!("count({bars}) > 0")]);
    rule(
        out,
        &format!("else := {result}"),
        &[format!("count({bars}) == 0")],
    );
}

struct Tables {
    out: String,
    /// By the rules of tools, of patterns, and of unlisted tools.
    known: Interned<Vec<(u32, u32)>>,
    /// By number: whether a rule in it looks at the role.
    by_role: Vec<bool>,
    /// The patterns of names that were met, and their numbers.
    patterns: BTreeMap<String, u32>,
}

/// What stands in a table.
struct Table<'p> {
    tools: Vec<(&'p str, Called)>,
    patterns: Vec<(&'p NamePattern, Called)>,
    unlisted: Called,
}

impl Table<'_> {
    fn looks_at_role(&self) -> bool {
        let tools = self.tools.iter().map(|(_, called)| called);
        let patterns = self.patterns.iter().map(|(_, called)| called);
        let mut all = tools.chain(patterns).chain([&self.unlisted]);
        all.any(|called| called.looks_at_role())
    }
}

impl Tables {
    /// The table of a role: its number, and whether it wants to know the role.
    fn table<'p>(
        &mut self,
        role: &'p Role,
        tools: &BTreeMap<&str, u32>,
        rules: &mut Rules<'p>,
    ) -> Result<(u32, bool), Refusal> {
        let mut table = Table {
            unlisted: rules.unlisted(role)?,
            tools: Vec::with_capacity(role.tools.len()),
            patterns: Vec::with_capacity(role.patterns.len()),
        };
        let check = |rules: &Rules<'p>| match rules.len() > super::MAX_BYTES {
            true => Err(Refusal::TooLarge),
            false => Ok(()),
        };
        for (tool, entry) in &role.tools {
            let called = rules.entry(role, For::Tool(tool), entry)?;
            table.tools.push((tool.as_str(), called));
            check(rules)?;
        }
        for (pattern, entry) in &role.patterns {
            let called = rules.entry(role, For::Pattern(pattern), entry)?;
            table.patterns.push((pattern, called));
            check(rules)?;
        }
        let mut row: Vec<(u32, u32)> = Vec::new();
        for (tool, called) in &table.tools {
            row.push((tools.get(tool).copied().unwrap_or_default(), called.key()));
        }
        for (pattern, called) in &table.patterns {
            // Beyond all tools.
            let next = u32::MAX - 1 - self.patterns.len() as u32;
            let id = self.patterns.entry(pattern.as_str().to_owned());
            row.push((*id.or_insert(next), called.key()));
        }
        row.push((u32::MAX, table.unlisted.key()));
        if let Some(number) = self.known.find(&row) {
            let by_role = self.by_role.get(number as usize).copied();
            return Ok((number, by_role.unwrap_or_default()));
        }
        let number = self.by_role.len() as u32;
        self.known.remember(row, number);
        let by_role = table.looks_at_role();
        self.by_role.push(by_role);
        self.print(number, by_role, &table, rules);
        Ok((number, by_role))
    }

    fn print(&mut self, number: u32, by_role: bool, table: &Table<'_>, rules: &mut Rules<'_>) {
        let out = &mut self.out;
        let head = |tool: &str, called: Called| {
            let role = if called.looks_at_role() { "role" } else { "_" };
            let parameters: &[&str] = if by_role { &[role, tool] } else { &[tool] };
            call(&format!("tools_{number}"), parameters)
        };
        let mut beside = Vec::new();
        if !table.tools.is_empty() {
            let names: Vec<String> = table.tools.iter().map(|(tool, _)| quoted(tool)).collect();
            let names = listed(['[', ']'], &names);
            rule(out, &format!("listed_{number} := {names}"), &[]);
            beside.push(format!("not tool in listed_{number}"));
        }
        for (tool, called) in &table.tools {
            let head = head(&quoted(tool), *called);
            rule(out, &format!("{head} := {}", called.result("role")), &[]);
        }
        if !table.patterns.is_empty() {
            // The place of the first pattern that matches; behind all of them, if none does.
            let mut matched = format!("matched_{number}(tool)");
            for (place, (pattern, _)) in table.patterns.iter().enumerate() {
                let lines = rules.matches(pattern, "tool");
                rule(out, &format!("{matched} := {place}"), &lines);
                matched = "else".to_owned();
            }
            rule(out, &format!("else := {}", table.patterns.len()), &[]);
            for (place, (_, called)) in table.patterns.iter().enumerate() {
                let mut lines = beside.clone();
                lines.push(format!("matched_{number}(tool) == {place}"));
                let head = head("tool", *called);
                rule(out, &format!("{head} := {}", called.result("role")), &lines);
            }
            beside.push(format!(
                "matched_{number}(tool) == {}",
                table.patterns.len()
            ));
        }
        let unlisted = table.unlisted;
        if unlisted == Called::Denied {
            let tool = if beside.is_empty() { "_" } else { "tool" };
            let head = head(tool, unlisted);
            rule(out, &format!("{head} := unlisted"), &beside);
            return;
        }
        rules.need(Helper::Closed);
        let mut open = beside.clone();
        open.push("open(tool)".to_owned());
        let result = unlisted.result("role");
        rule(
            out,
            &format!("{} := {result}", head("tool", unlisted)),
            &open,
        );
        beside.push("closed(tool)".to_owned());
        let head = head("tool", Called::Denied);
        rule(out, &format!("{head} := unlisted"), &beside);
    }
}
