//! A document becomes roles: constants replaced, parents applied, one after the other, as the text of the language says it.

use super::{
    constraint::{self, Expr},
    scope::Scope,
};
use crate::{case::Paths, json::Json};

/// The roles that a caller can have. No role `default`: callers without a known role are denied all.
#[derive(Debug, Clone)]
pub struct Policy {
    /// Whether what other readers may read differently is malformed.
    pub(super) portable: bool,
    pub(super) roles: Vec<(String, Role)>,
}

/// A role with its parents applied.
#[derive(Debug, Clone)]
pub(super) struct Role {
    /// Set by the role or by a parent.
    pub(super) default_policy: Option<Entry>,
    pub(super) tools: Vec<(String, Entry)>,
    /// Policy-level constraints.
    pub(super) constraints: Vec<Constraint>,
    consts: Vec<(String, Json)>,
}

/// What is said about one tool.
#[derive(Debug, Clone)]
pub(super) struct Entry {
    pub(super) mode: Mode,
    pub(super) constraints: Vec<Constraint>,
    pub(super) scope: Option<Scope>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Mode {
    Deny,
    NeedsApproval,
    Allow,
}

#[derive(Debug, Clone)]
pub(super) struct Constraint {
    pub(super) source: String,
    pub(super) expr: Expr,
}

/// Applies inheritance. An error is a policy that no compiler may accept.
pub fn resolve(document: &Json) -> Result<Policy, String> {
    if document.as_object().is_none() {
        return Err("a policy is a mapping".to_owned());
    }
    let Some(roles) = document.member("roles") else {
        known(
            document,
            &[
                "version",
                "arguments",
                "default_policy",
                "tools",
                "constraints",
                "consts",
            ],
        )?;
        version(document)?;
        let nothing = Role {
            default_policy: None,
            tools: Vec::new(),
            constraints: Vec::new(),
            consts: Vec::new(),
        };
        return Ok(Policy {
            portable: portable(document)?,
            roles: vec![("default".to_owned(), overlay(nothing, document)?)],
        });
    };
    known(
        document,
        &["version", "arguments", "roles", "constraints", "consts"],
    )?;
    version(document)?;
    let definitions = members(Some(roles))?;
    let base = {
        let consts = members(document.member("consts"))?.to_vec();
        let constraints = constraints(document.member("constraints"), &consts)?;
        Role {
            default_policy: None,
            tools: Vec::new(),
            constraints,
            consts,
        }
    };
    let mut out = Vec::new();
    for (name, definition) in definitions {
        let role = role(name, definitions, &base, &mut Vec::new())?;
        if definition.member("is_mixin") != Some(&Json::Bool(true)) {
            out.push((name.clone(), role));
        }
    }
    if out.is_empty() {
        return Err("only mixins".to_owned());
    }
    Ok(Policy {
        portable: portable(document)?,
        roles: out,
    })
}

/// Whether what other readers may read differently is refused.
fn portable(document: &Json) -> Result<bool, String> {
    match document.member("arguments") {
        None => Ok(false),
        Some(Json::Text(text)) if text == "portable" => Ok(true),
        Some(other) => Err(format!("arguments are read as {other}")),
    }
}

/// A role: the document's part, then each parent, then itself.
fn role(
    name: &str,
    definitions: &[(String, Json)],
    base: &Role,
    path: &mut Vec<String>,
) -> Result<Role, String> {
    if path.iter().any(|other| other == name) {
        return Err(format!("`{name}` inherits itself"));
    }
    let Some((_, definition)) = definitions.iter().find(|(other, _)| other == name) else {
        return Err(format!("no role `{name}`"));
    };
    known(
        definition,
        &[
            "version",
            "inherits",
            "is_mixin",
            "default_policy",
            "tools",
            "constraints",
            "consts",
        ],
    )?;
    version(definition)?;
    path.push(name.to_owned());
    let mut result = base.clone();
    for parent in items(definition.member("inherits"))? {
        let parent = role(
            parent.as_text().ok_or("a parent is a name")?,
            definitions,
            base,
            path,
        )?;
        if parent.default_policy.is_some() {
            result.default_policy = parent.default_policy;
        }
        for (tool, entry) in parent.tools {
            replace(&mut result.tools, tool, entry);
        }
        add_once(&mut result.constraints, parent.constraints);
        for (constant, value) in parent.consts {
            replace(&mut result.consts, constant, value);
        }
    }
    path.pop();
    overlay(result, definition)
}

/// What a definition itself says, on top of what it inherits.
fn overlay(mut role: Role, definition: &Json) -> Result<Role, String> {
    for (constant, value) in members(definition.member("consts"))? {
        replace(&mut role.consts, constant.clone(), value.clone());
    }
    add_once(
        &mut role.constraints,
        constraints(definition.member("constraints"), &role.consts)?,
    );
    if let Some(own) = definition
        .member("default_policy")
        .filter(|own| **own != Json::Null)
    {
        known(own, &["mode", "constraints"])?;
        role.default_policy = Some(entry("", own, &role.consts)?);
    }
    for (tool, own) in members(definition.member("tools"))? {
        known(own, &["mode", "constraints", "file_scope"])?;
        let own = entry(tool, own, &role.consts)?;
        replace(&mut role.tools, tool.clone(), own);
    }
    Ok(role)
}

fn entry(tool: &str, definition: &Json, consts: &[(String, Json)]) -> Result<Entry, String> {
    let mode = match definition.member("mode").map(Json::as_text) {
        None | Some(Some("deny")) => Mode::Deny,
        Some(Some("allow")) => Mode::Allow,
        Some(Some("approval_required")) => Mode::NeedsApproval,
        Some(_) => return Err("an unknown mode".to_owned()),
    };
    let constraints = constraints(definition.member("constraints"), consts)?;
    let scope = definition
        .member("file_scope")
        .map(|scope| self::scope(tool, scope))
        .transpose()?;
    Ok(Entry {
        mode,
        constraints,
        scope,
    })
}

fn scope(tool: &str, definition: &Json) -> Result<Scope, String> {
    known(definition, &["allowed_paths", "denied_paths", "argument"])?;
    let argument = match tool {
        "read_file" | "write_file" | "edit_file" => Some("file_path"),
        "glob" | "grep" => Some("path"),
        _ => definition.member("argument").and_then(Json::as_text),
    };
    let list = |name| -> Result<Vec<String>, String> {
        items(definition.member(name))?
            .iter()
            .map(|item| Ok(item.as_text().ok_or("a pattern is a text")?.to_owned()))
            .collect()
    };
    Ok(Scope {
        argument: argument
            .ok_or("a scope without a path argument")?
            .to_owned(),
        paths: Paths {
            allowed: list("allowed_paths")?,
            denied: list("denied_paths")?,
        },
    })
}

fn constraints(list: Option<&Json>, consts: &[(String, Json)]) -> Result<Vec<Constraint>, String> {
    let mut out = Vec::new();
    for item in items(list)? {
        let source = item.as_text().ok_or("a constraint is a text")?.to_owned();
        let expr = constraint::parse(&source, consts)?;
        out.push(Constraint { source, expr });
    }
    Ok(out)
}

/// Policy-level constraints add up; the same one counts once, where it was first.
fn add_once(constraints: &mut Vec<Constraint>, more: Vec<Constraint>) {
    for constraint in more {
        if !constraints
            .iter()
            .any(|other| other.source == constraint.source)
        {
            constraints.push(constraint);
        }
    }
}

fn replace<T>(map: &mut Vec<(String, T)>, name: String, value: T) {
    map.retain(|(other, _)| *other != name);
    map.push((name, value));
}

/// Null where a list may stand is an empty one.
fn items(list: Option<&Json>) -> Result<&[Json], String> {
    match list {
        None | Some(Json::Null) => Ok(&[]),
        Some(list) => list.as_list().ok_or_else(|| format!("`{list}` is no list")),
    }
}

/// Null where a mapping may stand is an empty one.
fn members(mapping: Option<&Json>) -> Result<&[(String, Json)], String> {
    match mapping {
        None | Some(Json::Null) => Ok(&[]),
        Some(mapping) => mapping
            .as_object()
            .ok_or_else(|| format!("`{mapping}` is no mapping")),
    }
}

fn known(mapping: &Json, names: &[&str]) -> Result<(), String> {
    match members(Some(mapping))?
        .iter()
        .find(|(name, _)| !names.contains(&name.as_str()))
    {
        Some((name, _)) => Err(format!("unknown key `{name}`")),
        None => Ok(()),
    }
}

fn version(document: &Json) -> Result<(), String> {
    match document.member("version") {
        None => Ok(()),
        Some(Json::Number(number)) if number == "1" => Ok(()),
        Some(other) => Err(format!("version `{other}`")),
    }
}
