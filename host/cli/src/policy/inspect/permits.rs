//! What a policy permits, by its own description or its plan.

use anyhow::Context;
use hexgate_eval::Plan;
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
    pub(super) roles: Vec<Role>,
    pub(super) scopes: Vec<Scope>,
}

#[derive(Debug, Serialize)]
pub(super) struct Role {
    pub(super) name: String,
    pub(super) rules: Vec<Rule>,
}

#[derive(Debug, Serialize)]
pub(super) struct Rule {
    /// None: every tool that has no rule of its own and no closed name.
    pub(super) tool: Option<String>,
    pub(super) mode: String,
    pub(super) constraints: Vec<String>,
    /// An index into the scopes.
    pub(super) scope: Option<u32>,
}

#[derive(Debug, Serialize)]
pub(super) struct Scope {
    pub(super) argument: String,
    pub(super) allowed_paths: Vec<String>,
    pub(super) denied_paths: Vec<String>,
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
        let mut rules = Vec::new();
        for index in 0..role.rule_count()? {
            let Some(rule) = role.rule(index)? else {
                continue;
            };
            rules.push(Rule {
                tool: rule.tool()?.map(str::to_owned),
                mode: rule.mode()?.in_policy().to_owned(),
                constraints: rule.constraints()?.into_iter().map(str::to_owned).collect(),
                scope: rule.scope()?,
            });
        }
        roles.push(Role {
            name: role.name()?.to_owned(),
            rules,
        });
    }
    let mut scopes = Vec::new();
    for id in 0..about.scopes {
        let Some(scope) = plan.scope(id)? else {
            continue;
        };
        let paths = scope.paths()?;
        scopes.push(Scope {
            argument: scope.argument()?.to_owned(),
            allowed_paths: paths.allowed,
            denied_paths: paths.denied,
        });
    }
    Ok(Permits {
        coverage: about.coverage.as_str(),
        source_digest: about
            .source_digest
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect(),
        compiler: about.compiler.to_owned(),
        arguments_bytes: about.limits.arguments_bytes,
        facts_bytes: about.limits.facts_bytes,
        portable: plan.is_portable()?,
        roles,
        scopes,
    })
}

/// Asks an untrusted component: it runs in the sandbox, without imports, metered.
pub(super) fn of_component(wasm: &[u8]) -> anyhow::Result<Permits> {
    let engine = hexgate_host::Engine::new().context("cannot start the runtime")?;
    let policy = hexgate_host::Policy::dangerous_from_unverified_bytes(&engine, wasm)?;
    let description = policy.describe()?;
    let rule = |rule: hexgate_host::Rule| Rule {
        tool: rule.tool,
        mode: rule.mode.in_policy().to_owned(),
        constraints: rule.constraints,
        scope: rule.scope,
    };
    Ok(Permits {
        coverage: description.about.coverage.as_str(),
        source_digest: description.about.source_digest,
        compiler: description.about.compiler,
        arguments_bytes: description.about.limits.arguments_bytes,
        facts_bytes: description.about.limits.facts_bytes,
        // The description in the contract has no word for it.
        portable: false,
        roles: description
            .roles
            .into_iter()
            .map(|role| Role {
                name: role.name,
                rules: role.rules.into_iter().map(rule).collect(),
            })
            .collect(),
        scopes: description
            .scopes
            .into_iter()
            .map(|scope| Scope {
                argument: scope.argument,
                allowed_paths: scope.paths.allowed,
                denied_paths: scope.paths.denied,
            })
            .collect(),
    })
}
