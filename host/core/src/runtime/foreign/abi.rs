//! The types of the contract as the runtime passes them, and conversions to the host's.
//!
//! Requests are borrowed, so lowering copies each text once, into the guest. A verdict that allows carries no text.

use wasmtime::component::{ComponentType, Lift, Lower};

use hexgate_contract as contract;

use crate::error::DecideError;

#[derive(ComponentType, Lower, Clone, Copy)]
#[component(record)]
pub(super) struct Request<'a> {
    roles: &'a [&'a str],
    tool: &'a str,
    arguments: &'a str,
    facts: Option<&'a str>,
}

impl<'a> From<&contract::Request<'a>> for Request<'a> {
    fn from(from: &contract::Request<'a>) -> Self {
        Self {
            roles: from.roles,
            tool: from.tool,
            arguments: from.arguments,
            facts: from.facts,
        }
    }
}

#[derive(ComponentType, Lift)]
#[component(record)]
pub(super) struct PathScope {
    allowed: Vec<String>,
    denied: Vec<String>,
}

impl From<PathScope> for contract::PathScope {
    fn from(from: PathScope) -> Self {
        Self {
            allowed: from.allowed,
            denied: from.denied,
        }
    }
}

#[derive(ComponentType, Lift)]
#[component(record)]
pub(super) struct Denial {
    reason: String,
    violations: Vec<String>,
    hint: Option<PathScope>,
}

#[derive(ComponentType, Lift)]
#[component(record)]
pub(super) struct Grant {
    role: Option<u32>,
    scope: Option<u32>,
}

impl From<Grant> for contract::Grant {
    fn from(from: Grant) -> Self {
        Self {
            role: from.role,
            scope: from.scope,
        }
    }
}

#[derive(ComponentType, Lift)]
#[component(variant)]
pub(super) enum Verdict {
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
            }),
            Verdict::NeedsApproval(grant) => Self::NeedsApproval(grant.into()),
            Verdict::Allow(grant) => Self::Allow(grant.into()),
        }
    }
}

#[derive(ComponentType, Lift, Clone, Copy)]
#[component(enum)]
#[allow(dead_code, reason = "made by lifting only")]
#[repr(u8)]
pub(super) enum Field {
    #[component(name = "roles")]
    Roles,
    #[component(name = "tool")]
    Tool,
    #[component(name = "arguments")]
    Arguments,
    #[component(name = "facts")]
    Facts,
}

#[derive(ComponentType, Lift)]
#[component(record)]
pub(super) struct Malformed {
    field: Field,
    offset: u32,
    reason: String,
}

#[derive(ComponentType, Lift)]
#[component(record)]
pub(super) struct Exceeded {
    limit: String,
    allowed: u64,
}

#[derive(ComponentType, Lift)]
#[component(variant)]
pub(super) enum Error {
    #[component(name = "malformed")]
    Malformed(Malformed),
    #[component(name = "exceeded")]
    Exceeded(Exceeded),
    #[component(name = "internal")]
    Internal(String),
}

impl From<Error> for DecideError {
    fn from(from: Error) -> Self {
        match from {
            Error::Malformed(it) => Self::Malformed(contract::Malformed {
                field: match it.field {
                    Field::Roles => contract::Field::Roles,
                    Field::Tool => contract::Field::Tool,
                    Field::Arguments => contract::Field::Arguments,
                    Field::Facts => contract::Field::Facts,
                },
                offset: it.offset,
                reason: it.reason,
            }),
            Error::Exceeded(it) => Self::Exceeded(contract::Exceeded {
                limit: it.limit,
                allowed: it.allowed,
            }),
            Error::Internal(reason) => Self::Internal { reason },
        }
    }
}

#[derive(ComponentType, Lift, Clone, Copy)]
#[component(enum)]
#[allow(dead_code, reason = "made by lifting only")]
#[repr(u8)]
pub(super) enum Coverage {
    #[component(name = "complete")]
    Complete,
    #[component(name = "opaque")]
    Opaque,
}

#[derive(ComponentType, Lift)]
#[component(record)]
pub(super) struct Limits {
    #[component(name = "arguments-bytes")]
    arguments_bytes: u32,
    #[component(name = "facts-bytes")]
    facts_bytes: u32,
}

#[derive(ComponentType, Lift)]
#[component(record)]
pub(super) struct Summary {
    coverage: Coverage,
    #[component(name = "source-digest")]
    source_digest: String,
    compiler: String,
    roles: u32,
    scopes: u32,
    limits: Limits,
}

impl From<Summary> for contract::Summary {
    fn from(from: Summary) -> Self {
        Self {
            coverage: match from.coverage {
                Coverage::Complete => contract::Coverage::Complete,
                Coverage::Opaque => contract::Coverage::Opaque,
            },
            source_digest: from.source_digest,
            compiler: from.compiler,
            roles: from.roles,
            scopes: from.scopes,
            limits: contract::Limits {
                arguments_bytes: from.limits.arguments_bytes,
                facts_bytes: from.limits.facts_bytes,
            },
        }
    }
}

#[derive(ComponentType, Lift, Clone, Copy)]
#[component(enum)]
#[allow(dead_code, reason = "made by lifting only")]
#[repr(u8)]
pub(super) enum Mode {
    #[component(name = "deny")]
    Deny,
    #[component(name = "needs-approval")]
    NeedsApproval,
    #[component(name = "allow")]
    Allow,
}

#[derive(ComponentType, Lift)]
#[component(record)]
pub(super) struct Rule {
    tool: Option<String>,
    mode: Mode,
    constraints: Vec<String>,
    scope: Option<u32>,
}

impl From<Rule> for contract::Rule {
    fn from(from: Rule) -> Self {
        let mode = match from.mode {
            Mode::Deny => contract::Mode::Deny,
            Mode::NeedsApproval => contract::Mode::NeedsApproval,
            Mode::Allow => contract::Mode::Allow,
        };
        Self {
            tool: from.tool,
            mode,
            constraints: from.constraints,
            scope: from.scope,
        }
    }
}

#[derive(ComponentType, Lift)]
#[component(record)]
pub(super) struct FileScope {
    argument: String,
    paths: PathScope,
}

impl From<FileScope> for contract::FileScope {
    fn from(from: FileScope) -> Self {
        Self {
            argument: from.argument,
            paths: from.paths.into(),
        }
    }
}
