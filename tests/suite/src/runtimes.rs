//! Policies and calls on disk, for runtimes other than the one in this process: the folder that `tests/runtimes/cases.mjs`
//! describes, and what the host here says to the same calls, in the form in which they report.

use std::{fs, path::Path};

use hexgate_compiler::{Compiled, JavaScript};
use hexgate_host::{
    DecideError, Exceeded, Forbid, Malformed, Mode, PathScope, Policy, Rule, Tools, Verdict,
};
use serde_json::{Value, json};

use crate::case::Call;

/// Writes a policy and all that other runtimes make of it into a folder.
///
/// # Errors
/// What cannot be written, or is no ES module.
pub fn write_policy(folder: &Path, policy: &Compiled) -> Result<(), String> {
    write_component(folder, &policy.component, &policy.model.source_digest)
}

/// Writes a component, of whatever engine, and all that other runtimes make of it into a folder.
///
/// # Errors
/// What cannot be written, or is no ES module.
pub fn write_component(
    folder: &Path,
    component: &[u8],
    source_digest: &[u8; 32],
) -> Result<(), String> {
    let stem = "policy".parse().map_err(|error| format!("{error}"))?;
    let files = JavaScript::of_component(component, Some(source_digest), &stem)
        .map_err(|error| error.to_string())?;
    fs::create_dir_all(folder).map_err(|error| error.to_string())?;
    let cores = files.cores.iter();
    let cores = cores.map(|(name, bytes)| (name.as_str(), bytes.as_slice()));
    for (name, bytes) in cores.chain([
        ("policy.component.wasm", component),
        (&files.module_name, files.module.as_bytes()),
        (&files.types_name, files.types.as_bytes()),
    ]) {
        fs::write(folder.join(name), bytes).map_err(|error| format!("{name}: {error}"))?;
    }
    Ok(())
}

/// A call as it stands in `cases.json`.
#[must_use]
pub fn case(policy: usize, call: &Call) -> Value {
    json!({
        "policy": policy,
        "roles": call.roles,
        "tool": call.tool,
        "arguments": call.args,
        "facts": call.facts,
    })
}

/// What the host in this process answers.
#[must_use]
pub fn answer(policy: &Policy, call: &Call) -> Value {
    let roles: Vec<&str> = call.roles.iter().map(String::as_str).collect();
    let mut request = hexgate_host::Request::new(&call.tool, &call.args).roles(&roles);
    if let Some(facts) = &call.facts {
        request = request.facts(facts);
    }
    match policy.decide(&request) {
        Ok(Verdict::Deny(denial)) => json!({
            "verdict": "deny",
            "reason": denial.reason,
            "violations": denial.violations,
            "hint": denial.hint.as_ref().map(paths),
            "message": denial.message,
        }),
        Ok(Verdict::NeedsApproval(needed)) => json!({
            "verdict": "needs-approval",
            "role": needed.grant.role,
            "scope": needed.grant.scope,
            "terms": needed.terms,
            "message": needed.message,
        }),
        Ok(Verdict::Allow(grant)) => {
            json!({"verdict": "allow", "role": grant.role, "scope": grant.scope})
        }
        Err(DecideError::Malformed(Malformed {
            field,
            offset,
            reason,
        })) => {
            json!({"error": "malformed", "field": field.to_string(), "offset": offset, "reason": reason})
        }
        Err(DecideError::Exceeded(Exceeded { limit, allowed })) => {
            json!({"error": "exceeded", "limit": limit, "allowed": allowed})
        }
        Err(error) => json!({"error": "broken", "reason": error.to_string()}),
    }
}

/// What the policy describes to the host in this process.
///
/// # Errors
/// If it cannot be described.
pub fn description(policy: &Policy) -> Result<Value, DecideError> {
    let all = policy.describe()?;
    let rule = |rule: &Rule| {
        json!({
            "tools": match &rule.tools {
                Tools::Unlisted => json!(["unlisted", null]),
                Tools::Exact(name) => json!(["exact", name]),
                Tools::Pattern(pattern) => json!(["pattern", pattern]),
            },
            "mode": match rule.mode {
                Mode::Deny => "deny",
                Mode::NeedsApproval => "needs-approval",
                Mode::Allow => "allow",
            },
            "constraints": rule.constraints,
            "scope": rule.scope,
            "terms": rule.terms,
            "message": rule.message,
            "description": rule.description,
        })
    };
    let forbid = |forbid: &Forbid| {
        json!({
            "tools": forbid.tools,
            "constraints": forbid.constraints,
            "scope": forbid.scope,
            "message": forbid.message,
            "description": forbid.description,
        })
    };
    let forbids = |all: &[Forbid]| all.iter().map(forbid).collect::<Vec<_>>();
    let roles = all.roles.iter().map(|role| {
        json!({
            "name": role.name,
            "description": role.description,
            "rules": role.rules.iter().map(rule).collect::<Vec<_>>(),
            "forbids": forbids(&role.forbids),
        })
    });
    let scopes = all.scopes.iter().map(|scope| {
        let exclusions = scope.exclusions.iter();
        let exclusions =
            exclusions.map(|it| json!({"paths": paths(&it.paths), "style": it.style.as_str()}));
        json!({
            "arguments": scope.arguments,
            "search": scope.search,
            "paths": paths(&scope.paths),
            "style": scope.style.as_str(),
            "exclusions": exclusions.collect::<Vec<_>>(),
        })
    });
    let terms = all.terms.iter().map(|terms| {
        json!({
            "roles": terms.roles,
            "expires": terms.expires,
            "approvers": terms.approvers,
            "reason_required": terms.reason_required,
        })
    });
    let mut covers = Vec::new();
    for scope in 0..=all.about.scopes {
        for path in PROBES {
            covers.push(policy.covers(scope, path)?);
        }
    }
    Ok(json!({
        "about": {
            "coverage": all.about.coverage.as_str(),
            "source_digest": all.about.source_digest,
            "compiler": all.about.compiler,
            "arguments_bytes": all.about.limits.arguments_bytes,
            "facts_bytes": all.about.limits.facts_bytes,
            "facts": all.about.facts,
            "description": all.about.description,
        },
        "roles": roles.collect::<Vec<_>>(),
        "forbids": forbids(&all.forbids),
        "scopes": scopes.collect::<Vec<_>>(),
        "terms": terms.collect::<Vec<_>>(),
        "covers": covers,
        "missing": [null, null, null, null],
    }))
}

/// The paths that each scope is asked about, and one scope that is not there.
const PROBES: [&str; 7] = [
    "docs/a.md",
    ".env",
    "src/.env.example",
    "C:/x",
    "a/../b",
    "größe",
    "",
];

fn paths(paths: &PathScope) -> Value {
    json!({"allowed": paths.allowed, "denied": paths.denied, "except": paths.except})
}
