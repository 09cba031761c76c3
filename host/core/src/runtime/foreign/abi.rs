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
    except: Vec<String>,
}

impl From<PathScope> for contract::PathScope {
    fn from(from: PathScope) -> Self {
        Self {
            allowed: from.allowed,
            denied: from.denied,
            except: from.except,
        }
    }
}

#[derive(ComponentType, Lift)]
#[component(record)]
pub(super) struct Denial {
    reason: String,
    violations: Vec<String>,
    hint: Option<PathScope>,
    message: Option<String>,
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
#[component(record)]
pub(super) struct NeededApproval {
    grant: Grant,
    terms: Option<u32>,
    message: Option<String>,
}

#[derive(ComponentType, Lift)]
#[component(variant)]
pub(super) enum Verdict {
    #[component(name = "deny")]
    Deny(Denial),
    #[component(name = "needs-approval")]
    NeedsApproval(NeededApproval),
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
                message: denial.message,
            }),
            Verdict::NeedsApproval(needed) => Self::NeedsApproval(contract::NeededApproval {
                grant: needed.grant.into(),
                terms: needed.terms,
                message: needed.message,
            }),
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

impl From<Coverage> for contract::Coverage {
    fn from(from: Coverage) -> Self {
        match from {
            Coverage::Complete => Self::Complete,
            Coverage::Opaque => Self::Opaque,
        }
    }
}

#[derive(ComponentType, Lift)]
#[component(record)]
pub(super) struct Limits {
    #[component(name = "arguments-bytes")]
    arguments_bytes: u32,
    #[component(name = "facts-bytes")]
    facts_bytes: u32,
}

impl From<Limits> for contract::Limits {
    fn from(from: Limits) -> Self {
        Self {
            arguments_bytes: from.arguments_bytes,
            facts_bytes: from.facts_bytes,
        }
    }
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
    terms: u32,
    limits: Limits,
    facts: Vec<String>,
    description: Option<String>,
}

impl From<Summary> for contract::Summary {
    fn from(from: Summary) -> Self {
        Self {
            coverage: from.coverage.into(),
            source_digest: from.source_digest,
            compiler: from.compiler,
            roles: from.roles,
            scopes: from.scopes,
            terms: from.terms,
            limits: from.limits.into(),
            facts: from.facts,
            description: from.description,
        }
    }
}

#[derive(ComponentType, Lift)]
#[component(record)]
pub(super) struct Role {
    name: String,
    description: Option<String>,
}

impl From<Role> for contract::Role {
    fn from(from: Role) -> Self {
        Self {
            name: from.name,
            description: from.description,
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

impl From<Mode> for contract::Mode {
    fn from(from: Mode) -> Self {
        match from {
            Mode::Deny => Self::Deny,
            Mode::NeedsApproval => Self::NeedsApproval,
            Mode::Allow => Self::Allow,
        }
    }
}

#[derive(ComponentType, Lift)]
#[component(variant)]
pub(super) enum Tools {
    #[component(name = "unlisted")]
    Unlisted,
    #[component(name = "exact")]
    Exact(String),
    #[component(name = "pattern")]
    Pattern(String),
}

#[derive(ComponentType, Lift)]
#[component(record)]
pub(super) struct Rule {
    tools: Tools,
    mode: Mode,
    constraints: Vec<String>,
    scope: Option<u32>,
    terms: Option<u32>,
    message: Option<String>,
    description: Option<String>,
}

impl From<Rule> for contract::Rule {
    fn from(from: Rule) -> Self {
        Self {
            tools: match from.tools {
                Tools::Unlisted => contract::Tools::Unlisted,
                Tools::Exact(name) => contract::Tools::Exact(name),
                Tools::Pattern(pattern) => contract::Tools::Pattern(pattern),
            },
            mode: from.mode.into(),
            constraints: from.constraints,
            scope: from.scope,
            terms: from.terms,
            message: from.message,
            description: from.description,
        }
    }
}

#[derive(ComponentType, Lift)]
#[component(record)]
pub(super) struct Forbid {
    tools: Vec<String>,
    constraints: Vec<String>,
    scope: Option<u32>,
    message: Option<String>,
    description: Option<String>,
}

impl From<Forbid> for contract::Forbid {
    fn from(from: Forbid) -> Self {
        Self {
            tools: from.tools,
            constraints: from.constraints,
            scope: from.scope,
            message: from.message,
            description: from.description,
        }
    }
}

#[derive(ComponentType, Lift, Clone, Copy)]
#[component(enum)]
#[allow(dead_code, reason = "made by lifting only")]
#[repr(u8)]
pub(super) enum PathStyle {
    #[component(name = "posix")]
    Posix,
    #[component(name = "windows")]
    Windows,
}

impl From<PathStyle> for contract::PathStyle {
    fn from(from: PathStyle) -> Self {
        match from {
            PathStyle::Posix => Self::Posix,
            PathStyle::Windows => Self::Windows,
        }
    }
}

#[derive(ComponentType, Lift)]
#[component(record)]
pub(super) struct Exclusion {
    paths: PathScope,
    style: PathStyle,
}

impl From<Exclusion> for contract::Exclusion {
    fn from(from: Exclusion) -> Self {
        Self {
            paths: from.paths.into(),
            style: from.style.into(),
        }
    }
}

#[derive(ComponentType, Lift)]
#[component(record)]
pub(super) struct FileScope {
    arguments: Vec<String>,
    search: bool,
    paths: PathScope,
    style: PathStyle,
    exclusions: Vec<Exclusion>,
}

impl From<FileScope> for contract::FileScope {
    fn from(from: FileScope) -> Self {
        Self {
            arguments: from.arguments,
            search: from.search,
            paths: from.paths.into(),
            style: from.style.into(),
            exclusions: from.exclusions.into_iter().map(Into::into).collect(),
        }
    }
}

#[derive(ComponentType, Lift)]
#[component(record)]
pub(super) struct ApprovalTerms {
    roles: Vec<String>,
    expires: Option<u32>,
    approvers: Option<u32>,
    #[component(name = "reason-required")]
    reason_required: Option<bool>,
}

impl From<ApprovalTerms> for contract::ApprovalTerms {
    fn from(from: ApprovalTerms) -> Self {
        Self {
            roles: from.roles,
            expires: from.expires,
            approvers: from.approvers,
            reason_required: from.reason_required,
        }
    }
}
