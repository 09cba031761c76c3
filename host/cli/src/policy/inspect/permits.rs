//! What a policy permits, by its own description or its plan.

use std::borrow::Cow;

use anyhow::Context;
use hexgate_eval::plan::{ForbidRef, Plan, RuleRef};
use hexgate_host::{ApprovalTerms, FileScope, PathScope, PathStyle, Tools};
use serde::Serialize;

/// What a policy permits.
#[derive(Debug, Serialize)]
pub(super) struct Permits {
    /// Whether what is not told is denied.
    pub(super) coverage: &'static str,
    pub(super) source_digest: String,
    pub(super) compiler: String,
    pub(super) arguments_bytes: u32,
    pub(super) facts_bytes: u32,
    /// Whether what other readers may read differently is malformed.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub(super) portable: bool,
    /// What it is about, for people.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) description: Option<String>,
    /// The facts that its conditions look at.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) facts: Vec<String>,
    /// What no role can lift.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) forbids: Vec<Forbid>,
    pub(super) roles: Vec<Role>,
    pub(super) scopes: Vec<Scope>,
    /// The approval terms.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) terms: Vec<Terms>,
}

#[derive(Debug, Serialize)]
pub(super) struct Role {
    pub(super) name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) description: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) forbids: Vec<Forbid>,
    pub(super) rules: Vec<Rule>,
}

#[derive(Debug, Serialize)]
pub(super) struct Rule {
    /// None: every tool that has no rule of its own, matches no pattern and has no closed name; or those that match a pattern.
    pub(super) tool: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) pattern: Option<String>,
    pub(super) mode: String,
    pub(super) constraints: Vec<String>,
    /// An index into the scopes.
    pub(super) scope: Option<u32>,
    /// An index into the terms.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) terms: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) message: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) description: Option<String>,
}

#[derive(Debug, Serialize)]
pub(super) struct Forbid {
    /// Names and patterns. Empty: all whose names are not closed.
    pub(super) tools: Vec<String>,
    pub(super) constraints: Vec<String>,
    pub(super) scope: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) message: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) description: Option<String>,
}

#[derive(Debug, Serialize)]
pub(in crate::policy) struct Scope {
    /// The argument that holds the path, if it is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) argument: Option<String>,
    /// The arguments that hold paths, if they are several.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) arguments: Vec<String>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub(super) search: bool,
    #[serde(skip_serializing_if = "is_posix")]
    pub(super) style: &'static str,
    #[serde(flatten)]
    pub(super) paths: Paths,
    /// What the exceptions and forbids for the tool exclude.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) exclusions: Vec<Paths>,
}

#[derive(Debug, Serialize)]
pub(in crate::policy) struct Paths {
    pub(super) allowed_paths: Vec<String>,
    pub(super) denied_paths: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) except_paths: Vec<String>,
}

#[derive(Debug, Serialize)]
pub(in crate::policy) struct Terms {
    pub(super) roles: Vec<String>,
    pub(super) expires_seconds: Option<u32>,
    pub(super) approvers: Option<u32>,
    pub(super) reason_required: Option<bool>,
}

fn is_posix(style: &&'static str) -> bool {
    *style == PathStyle::Posix.as_str()
}

impl From<FileScope> for Scope {
    fn from(scope: FileScope) -> Self {
        let mut arguments = scope.arguments;
        Self {
            argument: match arguments.len() {
                1 => arguments.pop(),
                _ => None,
            },
            arguments,
            search: scope.search,
            style: scope.style.as_str(),
            paths: scope.paths.into(),
            exclusions: scope
                .exclusions
                .into_iter()
                .map(|exclusion| exclusion.paths.into())
                .collect(),
        }
    }
}

impl From<PathScope> for Paths {
    fn from(paths: PathScope) -> Self {
        Self {
            allowed_paths: paths.allowed,
            denied_paths: paths.denied,
            except_paths: paths.except,
        }
    }
}

impl From<ApprovalTerms> for Terms {
    fn from(terms: ApprovalTerms) -> Self {
        Self {
            roles: terms.roles,
            expires_seconds: terms.expires,
            approvers: terms.approvers,
            reason_required: terms.reason_required,
        }
    }
}

impl From<hexgate_host::Rule> for Rule {
    fn from(rule: hexgate_host::Rule) -> Self {
        let (tool, pattern) = match rule.tools {
            Tools::Unlisted => (None, None),
            Tools::Exact(name) => (Some(name), None),
            Tools::Pattern(pattern) => (None, Some(pattern)),
        };
        Self {
            tool,
            pattern,
            mode: rule.mode.in_policy().to_owned(),
            constraints: rule.constraints,
            scope: rule.scope,
            terms: rule.terms,
            message: rule.message,
            description: rule.description,
        }
    }
}

impl From<hexgate_host::Forbid> for Forbid {
    fn from(forbid: hexgate_host::Forbid) -> Self {
        Self {
            tools: forbid.tools,
            constraints: forbid.constraints,
            scope: forbid.scope,
            message: forbid.message,
            description: forbid.description,
        }
    }
}

/// Reads a plan. Nothing is executed.
pub(super) fn of_plan(bytes: &[u8]) -> anyhow::Result<Permits> {
    let plan = Plan::open(bytes)?;
    let about = plan.about()?;
    let mut roles = Vec::new();
    for index in 0..about.roles {
        let Some(role) = plan.role(index)? else {
            continue;
        };
        let rules = role.rules(0, u32::MAX)?;
        roles.push(Role {
            name: role.name()?.to_owned(),
            description: role.description()?.map(str::to_owned),
            forbids: forbids_of(role.forbids(0, u32::MAX)?)?,
            rules: rules.iter().map(rule_of).collect::<Result<_, _>>()?,
        });
    }
    let mut scopes = Vec::new();
    for id in 0..about.scopes {
        scopes.extend(plan.scope(id)?.map(Scope::from));
    }
    let mut terms = Vec::new();
    for id in 0..about.terms {
        terms.extend(plan.terms(id)?.map(Terms::from));
    }
    Ok(Permits {
        coverage: about.coverage.as_str(),
        source_digest: about
            .source_digest
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect(),
        compiler: about.compiler.into_owned(),
        arguments_bytes: about.limits.arguments_bytes,
        facts_bytes: about.limits.facts_bytes,
        portable: plan.is_portable()?,
        description: about.description.map(Cow::into_owned),
        facts: about.facts.into_iter().map(Cow::into_owned).collect(),
        forbids: forbids_of(plan.forbids(0, u32::MAX)?)?,
        roles,
        scopes,
        terms,
    })
}

fn rule_of(rule: &RuleRef<'_>) -> anyhow::Result<Rule> {
    let tools = match rule.tools()? {
        Tools::Unlisted => Tools::Unlisted,
        Tools::Exact(name) => Tools::Exact(name.to_owned()),
        Tools::Pattern(pattern) => Tools::Pattern(pattern.to_owned()),
    };
    Ok(Rule::from(hexgate_host::Rule {
        tools,
        mode: rule.mode()?,
        constraints: owned(rule.constraints()?),
        scope: rule.scope()?,
        terms: rule.terms()?,
        message: rule.message()?.map(str::to_owned),
        description: rule.description()?.map(str::to_owned),
    }))
}

fn forbids_of(forbids: Vec<ForbidRef<'_>>) -> anyhow::Result<Vec<Forbid>> {
    let one = |forbid: ForbidRef<'_>| {
        Ok(Forbid {
            tools: owned(forbid.tools()?),
            constraints: owned(forbid.constraints()?),
            scope: forbid.scope()?,
            message: forbid.message()?.map(str::to_owned),
            description: forbid.description()?.map(str::to_owned),
        })
    };
    forbids.into_iter().map(one).collect()
}

fn owned(texts: Vec<&str>) -> Vec<String> {
    texts.into_iter().map(str::to_owned).collect()
}

/// Asks an untrusted component: it runs in the sandbox, without imports, metered.
pub(super) fn of_component(wasm: &[u8]) -> anyhow::Result<Permits> {
    let engine = hexgate_host::Engine::new().context("cannot start the runtime")?;
    let policy = hexgate_host::Policy::dangerous_from_unverified_bytes(&engine, wasm)?;
    let description = policy.describe()?;
    let about = description.about;
    Ok(Permits {
        coverage: about.coverage.as_str(),
        source_digest: about.source_digest,
        compiler: about.compiler,
        arguments_bytes: about.limits.arguments_bytes,
        facts_bytes: about.limits.facts_bytes,
        // The description in the contract has no word for it.
        portable: false,
        description: about.description,
        facts: about.facts,
        forbids: description.forbids.into_iter().map(Forbid::from).collect(),
        roles: description
            .roles
            .into_iter()
            .map(|role| Role {
                name: role.name,
                description: role.description,
                forbids: role.forbids.into_iter().map(Forbid::from).collect(),
                rules: role.rules.into_iter().map(Rule::from).collect(),
            })
            .collect(),
        scopes: description.scopes.into_iter().map(Scope::from).collect(),
        terms: description.terms.into_iter().map(Terms::from).collect(),
    })
}
