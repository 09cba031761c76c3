//! Components of version 0.1.0 of the contract: asked by its types, and answered with those of today.
//!
//! What that version did not have is absent: messages, terms of approvals, patterns that lift others, patterns of names, forbids. What it
//! could not say, whether a scope covers a path, is an error.

use wasmtime::component::{ComponentType, Lift};

use hexgate_contract as contract;

use super::ForeignInstance;
use super::abi::{Coverage, Error, Grant, Limits, Mode, Request};
use super::check::{Exports, Finder};
use crate::error::{DecideError, LoadError};

pub(super) const DECISION: &str = "hexgate:policy/decision@0.1.0";
const DESCRIPTION: &str = "hexgate:policy/description@0.1.0";

const DECIDE: usize = 0;
const ABOUT: usize = 1;
const ROLES: usize = 2;
const RULES: usize = 3;
const SCOPE: usize = 4;

/// The members of the facts that this version knows. It calls others malformed.
const FACTS: [&str; 3] = ["ctx", "run", "user"];

type Decided = Result<Verdict, Error>;

pub(super) fn exports(finder: &Finder<'_>) -> Result<Exports, LoadError> {
    let decision = finder.interface(DECISION)?;
    let description = finder.interface(DESCRIPTION)?;
    let exports = [
        finder.function::<(Request<'_>,), (Decided,)>(&decision, DECISION, "decide")?,
        finder.function::<(), (Summary,)>(&description, DESCRIPTION, "about")?,
        finder.function::<(u32, u32), (Vec<String>,)>(&description, DESCRIPTION, "roles")?,
        finder.function::<(&str, u32, u32), (Option<Vec<Rule>>,)>(
            &description,
            DESCRIPTION,
            "rules",
        )?,
        finder.function::<(u32,), (Option<FileScope>,)>(&description, DESCRIPTION, "scope")?,
    ];
    Ok(exports.into())
}

pub(super) fn decide(
    instance: &mut ForeignInstance,
    request: &contract::Request<'_>,
) -> Result<contract::Verdict, DecideError> {
    let most = instance.output;
    let (answer,): (Decided,) = instance.ask(DECIDE, (Request::from(request),), most)?;
    answer.map(Into::into).map_err(DecideError::from)
}

/// This version has no word for it.
pub(super) fn covers() -> Result<bool, DecideError> {
    Err(DecideError::EarlierContract {
        version: "0.1.0".into(),
    })
}

pub(super) fn about(instance: &mut ForeignInstance) -> Result<contract::Summary, DecideError> {
    let most = instance.output;
    let (about,): (Summary,) = instance.ask(ABOUT, (), most)?;
    Ok(contract::Summary {
        coverage: about.coverage.into(),
        source_digest: about.source_digest,
        compiler: about.compiler,
        roles: about.roles,
        scopes: about.scopes,
        terms: 0,
        limits: about.limits.into(),
        // It does not say which it looks at.
        facts: FACTS.map(String::from).into(),
        description: None,
    })
}

pub(super) fn roles(
    instance: &mut ForeignInstance,
    start: u32,
    count: u32,
) -> Result<Vec<contract::Role>, DecideError> {
    let most = instance.description;
    let (names,): (Vec<String>,) = instance.ask(ROLES, (start, count), most)?;
    let role = |name| contract::Role {
        name,
        description: None,
    };
    Ok(names.into_iter().map(role).collect())
}

pub(super) fn rules(
    instance: &mut ForeignInstance,
    role: &str,
    start: u32,
    count: u32,
) -> Result<Option<Vec<contract::Rule>>, DecideError> {
    let most = instance.description;
    let (rules,): (Option<Vec<Rule>>,) = instance.ask(RULES, (role, start, count), most)?;
    Ok(rules.map(|rules| rules.into_iter().map(Into::into).collect()))
}

/// This version forbids nothing. None: there is no such role.
pub(super) fn forbids(
    instance: &mut ForeignInstance,
    role: Option<&str>,
) -> Result<Option<Vec<contract::Forbid>>, DecideError> {
    let Some(role) = role else {
        return Ok(Some(Vec::new()));
    };
    Ok(rules(instance, role, 0, 0)?.map(|_| Vec::new()))
}

pub(super) fn scope(
    instance: &mut ForeignInstance,
    id: u32,
) -> Result<Option<contract::FileScope>, DecideError> {
    let most = instance.description;
    let (scope,): (Option<FileScope>,) = instance.ask(SCOPE, (id,), most)?;
    Ok(scope.map(|scope| contract::FileScope {
        arguments: vec![scope.argument],
        search: false,
        paths: scope.paths.into(),
        style: contract::PathStyle::Posix,
        exclusions: Vec::new(),
    }))
}

#[derive(ComponentType, Lift)]
#[component(record)]
struct PathScope {
    allowed: Vec<String>,
    denied: Vec<String>,
}

impl From<PathScope> for contract::PathScope {
    fn from(from: PathScope) -> Self {
        Self {
            allowed: from.allowed,
            denied: from.denied,
            except: Vec::new(),
        }
    }
}

#[derive(ComponentType, Lift)]
#[component(record)]
struct Denial {
    reason: String,
    violations: Vec<String>,
    hint: Option<PathScope>,
}

#[derive(ComponentType, Lift)]
#[component(variant)]
enum Verdict {
    #[component(name = "deny")]
    Deny(Denial),
    #[component(name = "needs-approval")]
    NeedsApproval(Grant),
    #[component(name = "allow")]
    Allow(Grant),
}

impl From<Verdict> for contract::Verdict {
    fn from(from: Verdict) -> Self {
        match from {
            Verdict::Deny(denial) => Self::Deny(contract::Denial {
                reason: denial.reason,
                violations: denial.violations,
                hint: denial.hint.map(Into::into),
                message: None,
            }),
            Verdict::NeedsApproval(grant) => {
                Self::NeedsApproval(contract::Grant::from(grant).into())
            }
            Verdict::Allow(grant) => Self::Allow(grant.into()),
        }
    }
}

#[derive(ComponentType, Lift)]
#[component(record)]
struct Summary {
    coverage: Coverage,
    #[component(name = "source-digest")]
    source_digest: String,
    compiler: String,
    roles: u32,
    scopes: u32,
    limits: Limits,
}

#[derive(ComponentType, Lift)]
#[component(record)]
struct Rule {
    tool: Option<String>,
    mode: Mode,
    constraints: Vec<String>,
    scope: Option<u32>,
}

impl From<Rule> for contract::Rule {
    fn from(from: Rule) -> Self {
        Self {
            tools: from
                .tool
                .map_or(contract::Tools::Unlisted, contract::Tools::Exact),
            mode: from.mode.into(),
            constraints: from.constraints,
            scope: from.scope,
            terms: None,
            message: None,
            description: None,
        }
    }
}

#[derive(ComponentType, Lift)]
#[component(record)]
struct FileScope {
    argument: String,
    paths: PathScope,
}
