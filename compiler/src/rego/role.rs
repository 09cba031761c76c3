//! Roles and the tools that they list.

use std::collections::BTreeMap;

use super::{
    Refusal,
    helper::Helper,
    rule::{Called, Rules},
    text::{call, listed, quoted, rule},
};
use crate::{
    model::{Entry, Policy, Role},
    plan::{Interned, tool_ids},
};

/// Prints the roles, and tables of their tools: roles that say the same share one.
pub(super) fn print<'p>(policy: &'p Policy, rules: &mut Rules<'p>) -> Result<String, Refusal> {
    let tools = tool_ids(policy);
    let mut tables = Tables {
        out: String::new(),
        known: Interned::new(),
        by_role: Vec::new(),
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
    for (name, role) in &policy.roles {
        let (table, by_role) = tables.table(role, &tools, rules)?;
        let name = quoted(name);
        let arguments: &[&str] = if by_role {
            &[&name, "input.tool"]
        } else {
            &["input.tool"]
        };
        let result = call(&format!("tools_{table}"), arguments);
        rule(&mut out, &format!("evaluate({name}) := {result}"), &[]);
        if out.len() + tables.out.len() > super::MAX_BYTES {
            return Err(Refusal::TooLarge);
        }
    }
    out.push_str(&tables.out);
    Ok(out)
}

struct Tables {
    out: String,
    /// By the rules of tools, the one for unlisted tools last.
    known: Interned<Vec<(u32, u32)>>,
    /// By number: whether a rule in it looks at the role.
    by_role: Vec<bool>,
}

impl Tables {
    /// The table of a role: its number, and whether it wants to know the role.
    fn table<'p>(
        &mut self,
        role: &'p Role,
        tools: &BTreeMap<&str, u32>,
        rules: &mut Rules<'p>,
    ) -> Result<(u32, bool), Refusal> {
        let unlisted = rules.rule(&role.default_rule);
        let mut entries: Vec<(&str, Called)> = Vec::with_capacity(role.tools.len());
        for (tool, entry) in &role.tools {
            let Entry::Rule(entry) = entry else { todo!() };
            entries.push((tool.as_str(), rules.rule(entry)));
            if rules.len() > super::MAX_BYTES {
                return Err(Refusal::TooLarge);
            }
        }
        let row = entries
            .iter()
            .map(|(tool, called)| (tools.get(tool).copied().unwrap_or_default(), called.key()))
            .chain([(u32::MAX, unlisted.key())])
            .collect();
        if let Some(number) = self.known.find(&row) {
            let by_role = self.by_role.get(number as usize).copied();
            return Ok((number, by_role.unwrap_or_default()));
        }
        let number = self.by_role.len() as u32;
        self.known.remember(row, number);
        let by_role =
            unlisted.looks_at_role() || entries.iter().any(|(_, entry)| entry.looks_at_role());
        self.by_role.push(by_role);
        self.print(number, by_role, &entries, unlisted, rules);
        Ok((number, by_role))
    }

    fn print(
        &mut self,
        number: u32,
        by_role: bool,
        entries: &[(&str, Called)],
        unlisted: Called,
        rules: &mut Rules<'_>,
    ) {
        let out = &mut self.out;
        let head = |tool: &str, called: Called| {
            let role = if called.looks_at_role() { "role" } else { "_" };
            let parameters: &[&str] = if by_role { &[role, tool] } else { &[tool] };
            call(&format!("tools_{number}"), parameters)
        };
        let mut beside = Vec::new();
        if !entries.is_empty() {
            let names: Vec<String> = entries.iter().map(|(tool, _)| quoted(tool)).collect();
            let names = listed(['[', ']'], &names);
            rule(out, &format!("listed_{number} := {names}"), &[]);
            beside.push(format!("not tool in listed_{number}"));
        }
        for (tool, called) in entries {
            let head = head(&quoted(tool), *called);
            rule(out, &format!("{head} := {}", called.result("role")), &[]);
        }
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
