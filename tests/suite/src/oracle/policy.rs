//! A document becomes roles: constants and named conditions replaced, parents applied, one after the other, as the text of the language
//! says it.

use std::sync::Arc;

use super::{
    constraint::{self, Definition, Expr, Sight},
    scope::Scope,
};
use crate::{
    case::{Paths, Terms},
    json::Json,
};

/// The roles that a caller can have. No role `default`: callers without a known role are denied all.
#[derive(Debug, Clone)]
pub struct Policy {
    /// Whether what other readers may read differently is malformed.
    pub(super) portable: bool,
    /// What no role can grant.
    pub(super) forbids: Vec<Forbid>,
    pub(super) roles: Vec<(String, Role)>,
}

/// A role with its parents applied.
#[derive(Debug, Clone, Default)]
pub(super) struct Role {
    /// Set by the role or by a parent.
    pub(super) default_policy: Option<Rule>,
    /// Names and patterns of names.
    pub(super) tools: Vec<(String, Vec<Rule>)>,
    /// Policy-level constraints.
    pub(super) constraints: Vec<Constraint>,
    pub(super) forbids: Vec<Forbid>,
    sight: Sight,
}

/// What is said about one tool.
#[derive(Debug, Clone)]
pub(super) struct Rule {
    pub(super) mode: Mode,
    /// Whether it is one of a list that denies: an exception.
    pub(super) exception: bool,
    pub(super) constraints: Vec<Constraint>,
    pub(super) scope: Option<Scope>,
    pub(super) message: Option<String>,
    pub(super) terms: Option<Terms>,
}

/// Calls that are denied unless a condition is false.
#[derive(Debug, Clone)]
pub(super) struct Forbid {
    /// Names and patterns of names. None: all whose names are not closed.
    pub(super) tools: Option<Vec<String>>,
    pub(super) constraints: Vec<Constraint>,
    pub(super) scope: Option<Scope>,
    pub(super) message: Option<String>,
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

const RULE: [&str; 6] = [
    "mode",
    "constraints",
    "file_scope",
    "message",
    "description",
    "approval",
];

/// Applies inheritance. An error is a policy that no compiler may accept.
pub fn resolve(document: &Json) -> Result<Policy, String> {
    if document.as_object().is_none() {
        return Err("a policy is a mapping".to_owned());
    }
    version(document)?;
    let portable = portable(document)?;
    let Some(roles) = document.member("roles") else {
        known(
            document,
            &[
                "version",
                "arguments",
                "description",
                "default_policy",
                "tools",
                "constraints",
                "consts",
                "define",
                "forbid",
            ],
        )?;
        return Ok(Policy {
            portable,
            forbids: Vec::new(),
            roles: vec![("default".to_owned(), overlay(Role::default(), document)?)],
        });
    };
    known(
        document,
        &[
            "version",
            "arguments",
            "description",
            "roles",
            "constraints",
            "consts",
            "define",
            "forbid",
        ],
    )?;
    let definitions = members(Some(roles))?;
    let mut base = Role {
        sight: sight(Sight::default(), document)?,
        ..Role::default()
    };
    base.constraints = constraints(document.member("constraints"), &base.sight)?;
    let forbids = forbids(document.member("forbid"), &base.sight)?;
    let asks_the_role = |constraint: &Constraint| constraint.expr.asks("role");
    if forbids
        .iter()
        .any(|forbid| forbid.constraints.iter().any(asks_the_role))
    {
        return Err("`role` in what no role can grant".to_owned());
    }
    let mut out = Vec::new();
    for (name, definition) in definitions {
        if name.contains('*') {
            return Err(format!("a role `{name}`"));
        }
        let role = role(name, definitions, &base, &mut Vec::new())?;
        if definition.member("is_mixin") != Some(&Json::Bool(true)) {
            out.push((name.clone(), role));
        }
    }
    if out.is_empty() {
        return Err("only mixins".to_owned());
    }
    Ok(Policy {
        portable,
        forbids,
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
            "description",
            "inherits",
            "is_mixin",
            "default_policy",
            "tools",
            "constraints",
            "consts",
            "define",
            "forbid",
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
        for (tool, rules) in parent.tools {
            replace(&mut result.tools, tool, rules);
        }
        add_once(&mut result.constraints, parent.constraints);
        result.forbids.extend(parent.forbids);
        for (constant, value) in parent.sight.consts {
            replace(&mut result.sight.consts, constant, value);
        }
        for (condition, definition) in parent.sight.definitions {
            replace(&mut result.sight.definitions, condition, definition);
        }
    }
    path.pop();
    overlay(result, definition)
}

/// What a definition itself says, on top of what it inherits.
fn overlay(mut role: Role, definition: &Json) -> Result<Role, String> {
    role.sight = sight(role.sight, definition)?;
    add_once(
        &mut role.constraints,
        constraints(definition.member("constraints"), &role.sight)?,
    );
    role.forbids
        .extend(forbids(definition.member("forbid"), &role.sight)?);
    if let Some(own) = definition
        .member("default_policy")
        .filter(|own| **own != Json::Null)
    {
        if own.member("file_scope").is_some() {
            return Err("a scope of unlisted tools".to_owned());
        }
        role.default_policy = Some(rule("", own, &role.sight)?);
    }
    for (tool, own) in members(definition.member("tools"))? {
        let rules = match own {
            Json::List(rules) => listed(tool, rules, &role.sight)?,
            own => vec![rule(tool, own, &role.sight)?],
        };
        replace(&mut role.tools, tool.clone(), rules);
    }
    Ok(role)
}

/// The constants and named conditions that can be seen, with those of one more definition.
fn sight(inherited: Sight, definition: &Json) -> Result<Sight, String> {
    let mut sight = inherited;
    for (constant, value) in members(definition.member("consts"))? {
        replace(&mut sight.consts, constant.clone(), value.clone());
    }
    let own = members(definition.member("define"))?;
    if own.is_empty() {
        return Ok(sight);
    }
    // What is inherited was written elsewhere and keeps what could be seen there; what stands here sees all that stands here.
    for (name, text) in own {
        let text = text.as_text().ok_or("a condition is a text")?.to_owned();
        let definition = Definition { text, home: None };
        replace(&mut sight.definitions, name.clone(), definition);
    }
    let here = Arc::new(sight.clone());
    for (_, definition) in &mut sight.definitions {
        definition.home.get_or_insert_with(|| Arc::clone(&here));
    }
    for (name, _) in own {
        constraint::check(name, &sight)?;
    }
    Ok(sight)
}

/// Several rules for a tool.
fn listed(tool: &str, rules: &[Json], sight: &Sight) -> Result<Vec<Rule>, String> {
    if rules.is_empty() || rules.len() > 64 {
        return Err(format!("{} rules for `{tool}`", rules.len()));
    }
    let mut out = Vec::new();
    for definition in rules {
        if definition.member("mode").is_none() {
            return Err(format!("a rule of `{tool}` without a mode"));
        }
        let mut one = rule(tool, definition, sight)?;
        one.exception = one.mode == Mode::Deny;
        if one.exception
            && one
                .scope
                .as_ref()
                .is_some_and(|scope| !scope.paths.allowed.is_empty())
        {
            return Err("`allowed_paths` in an exception".to_owned());
        }
        out.push(one);
    }
    Ok(out)
}

fn rule(tool: &str, definition: &Json, sight: &Sight) -> Result<Rule, String> {
    known(definition, &RULE)?;
    let mode = match definition.member("mode").map(Json::as_text) {
        None | Some(Some("deny")) => Mode::Deny,
        Some(Some("allow")) => Mode::Allow,
        Some(Some("approval_required")) => Mode::NeedsApproval,
        Some(_) => return Err("an unknown mode".to_owned()),
    };
    let terms = definition.member("approval").map(terms).transpose()?;
    if terms.is_some() && mode != Mode::NeedsApproval {
        return Err("approval where nobody is asked".to_owned());
    }
    Ok(Rule {
        mode,
        exception: false,
        constraints: constraints(definition.member("constraints"), sight)?,
        scope: definition
            .member("file_scope")
            .map(|scope| self::scope(&[tool.to_owned()], scope))
            .transpose()?,
        message: message(definition)?,
        terms,
    })
}

fn forbids(list: Option<&Json>, sight: &Sight) -> Result<Vec<Forbid>, String> {
    let mut out = Vec::new();
    for definition in items(list)? {
        known(
            definition,
            &[
                "tools",
                "constraints",
                "file_scope",
                "message",
                "description",
            ],
        )?;
        let tools = definition.member("tools").map(texts).transpose()?;
        if tools.as_ref().is_some_and(Vec::is_empty) {
            return Err("nothing is forbidden".to_owned());
        }
        // One for each name: of tools that are known the path argument is, and whether they search.
        let parts = match tools {
            None => vec![None],
            Some(names) => names.into_iter().map(|name| Some(vec![name])).collect(),
        };
        for tools in parts {
            let scope = definition.member("file_scope");
            let scope = scope.map(|scope| self::scope(tools.as_deref().unwrap_or_default(), scope));
            let scope = scope.transpose()?;
            if scope
                .as_ref()
                .is_some_and(|scope| !scope.paths.allowed.is_empty())
            {
                return Err("`allowed_paths` in what is forbidden".to_owned());
            }
            out.push(Forbid {
                tools,
                constraints: constraints(definition.member("constraints"), sight)?,
                scope,
                message: message(definition)?,
            });
        }
    }
    Ok(out)
}

fn message(definition: &Json) -> Result<Option<String>, String> {
    let Some(message) = definition.member("message") else {
        return Ok(None);
    };
    let message = message.as_text().ok_or("a message is a text")?;
    if message.len() > 500 || message.chars().any(char::is_control) {
        return Err("a message that is none".to_owned());
    }
    Ok(Some(message.to_owned()))
}

fn terms(definition: &Json) -> Result<Terms, String> {
    known(definition, &["roles", "expires", "approvers", "reason"])?;
    let expires = definition.member("expires").map(|expires| {
        let text = expires.as_text()?;
        let (number, unit) = text.split_at_checked(text.len().checked_sub(1)?)?;
        let seconds = match unit {
            "s" => 1,
            "m" => 60,
            "h" => 60 * 60,
            "d" => 24 * 60 * 60,
            _ => return None,
        };
        number.parse::<u32>().ok()?.checked_mul(seconds)
    });
    let approvers = definition
        .member("approvers")
        .map(|approvers| match approvers {
            Json::Number(number) => number
                .parse()
                .ok()
                .filter(|number| (1..=8).contains(number)),
            _ => None,
        });
    let reason_required = definition
        .member("reason")
        .map(|reason| match reason.as_text() {
            Some("required") => Some(true),
            Some("optional") => Some(false),
            _ => None,
        });
    let strange = |what: &str| format!("`{what}` of an approval");
    Ok(Terms {
        roles: definition.member("roles").map_or(Ok(Vec::new()), texts)?,
        expires: expires
            .map(|it| it.ok_or_else(|| strange("expires")))
            .transpose()?,
        approvers: approvers
            .map(|it| it.ok_or_else(|| strange("approvers")))
            .transpose()?,
        reason_required: reason_required
            .map(|it| it.ok_or_else(|| strange("reason")))
            .transpose()?,
    })
}

/// The path argument of a tool that is known.
fn usual(tool: &str) -> Option<&'static str> {
    match tool {
        "read_file" | "write_file" | "edit_file" => Some("file_path"),
        "glob" | "grep" => Some("path"),
        _ => None,
    }
}

/// The scope of what is about one name, or about all.
fn scope(tools: &[String], definition: &Json) -> Result<Scope, String> {
    known(
        definition,
        &[
            "allowed_paths",
            "denied_paths",
            "except_paths",
            "argument",
            "arguments",
            "search",
            "style",
        ],
    )?;
    let known_to_search =
        !tools.is_empty() && tools.iter().all(|tool| tool == "glob" || tool == "grep");
    let (argument, several) = (
        definition.member("argument"),
        definition.member("arguments"),
    );
    let search = definition.member("search");
    let arguments = match (argument, several) {
        (Some(_), Some(_)) => return Err("`argument` and `arguments`".to_owned()),
        (Some(argument), None) => vec![
            argument
                .as_text()
                .ok_or("an argument is a name")?
                .to_owned(),
        ],
        (None, Some(_)) if search.is_some() => return Err("`arguments` and `search`".to_owned()),
        (None, Some(several)) => texts(several)?,
        (None, None) => {
            let mut usual = tools.iter().map(|tool| usual(tool));
            let first = usual
                .next()
                .flatten()
                .ok_or("a scope without a path argument")?;
            if usual.any(|other| other != Some(first)) {
                return Err("a scope without a path argument".to_owned());
            }
            vec![first.to_owned()]
        }
    };
    if arguments.is_empty() || arguments.iter().any(|name| name.contains(['.', ','])) {
        return Err("an argument that is no name".to_owned());
    }
    let list = |name| definition.member(name).map_or(Ok(Vec::new()), texts);
    Ok(Scope {
        search: match search {
            None => known_to_search && several.is_none(),
            Some(Json::Bool(search)) => *search,
            Some(_) => return Err("`search` is yes or no".to_owned()),
        },
        arguments,
        windows: match definition.member("style").map(Json::as_text) {
            None | Some(Some("posix")) => false,
            Some(Some("windows")) => true,
            Some(_) => return Err("an unknown style".to_owned()),
        },
        paths: Paths {
            allowed: list("allowed_paths")?,
            denied: list("denied_paths")?,
            except: list("except_paths")?,
        },
    })
}

fn constraints(list: Option<&Json>, sight: &Sight) -> Result<Vec<Constraint>, String> {
    let mut out = Vec::new();
    for item in items(list)? {
        let source = item.as_text().ok_or("a constraint is a text")?.to_owned();
        let expr = constraint::parse(&source, sight)?;
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

fn texts(list: &Json) -> Result<Vec<String>, String> {
    items(Some(list))?
        .iter()
        .map(|item| Ok(item.as_text().ok_or("no text")?.to_owned()))
        .collect()
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
