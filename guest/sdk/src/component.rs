//! The interfaces of the world, generated from the contract, and filled in for any policy.

use alloc::{string::String, vec::Vec};
use core::marker::PhantomData;

use hexgate_contract::{
    self as contract, Coverage, FACTS, Field, Limits, Mode, PathStyle, Request, Tools, Verdict,
};
use hexgate_eval::{
    MAX_PATH, covers,
    plan::{Damaged, ForbidRef, Plan, RuleRef},
};

use crate::answer::{Exported, compiler};

use bindings::exports::hexgate::policy::{
    decision::{self, PathScope},
    description,
};

#[allow(
    unsafe_code,
    missing_docs,
    missing_debug_implementations,
    unused_qualifications,
    unreachable_pub,
    clippy::allow_attributes_without_reason,
    reason = "generated"
)]
pub mod bindings {
    wit_bindgen::generate!({
        path: "wit",
        world: "policy",
        export_macro_name: "export_policy",
        pub_export_macro: true,
        default_bindings_module: "hexgate_guest::exported::bindings",
    });
}
pub use bindings::export_policy;

/// A policy as the component that exports it.
#[derive(Debug)]
pub struct Component<P>(PhantomData<P>);

impl<P: Exported> decision::Guest for Component<P> {
    fn decide(request: decision::Request) -> Result<decision::Verdict, decision::Error> {
        let roles: Vec<&str> = request.roles.iter().map(String::as_str).collect();
        P::answer(
            &Request::new(&request.tool, &request.arguments)
                .roles(&roles)
                .optional_facts(request.facts.as_deref()),
        )
        .map(decision::Verdict::from)
        .map_err(decision::Error::from)
    }

    fn covers(scope: u32, path: String) -> bool {
        described::<P, _>(|plan| Ok(covers(plan, scope, &path, &mut [0; MAX_PATH])))
            .unwrap_or_default()
    }
}

impl<P: Exported> description::Guest for Component<P> {
    fn about() -> description::Summary {
        let described = P::PLAN.and_then(|plan| Plan::open(plan).ok()?.about().ok());
        let limits = described
            .as_ref()
            .map_or(Limits::DEFAULT, |about| about.limits);
        description::Summary {
            // A check only narrows: what its YAML policy does not describe is denied.
            coverage: match &described {
                Some(about) if about.coverage == Coverage::Complete => {
                    description::Coverage::Complete
                }
                _ => description::Coverage::Opaque,
            },
            source_digest: hexadecimal(&P::SOURCE_DIGEST),
            compiler: compiler().into(),
            roles: described.as_ref().map_or(0, |about| about.roles),
            scopes: described.as_ref().map_or(0, |about| about.scopes),
            terms: count(P::TERMS).saturating_add(plan_terms::<P>()),
            limits: description::Limits {
                arguments_bytes: limits.arguments_bytes,
                facts_bytes: limits.facts_bytes,
            },
            // Nobody knows which of them code looks at.
            facts: FACTS.map(String::from).into(),
            description: described
                .and_then(|about| about.description)
                .map(String::from),
        }
    }

    fn roles(start: u32, count: u32) -> Vec<description::Role> {
        described::<P, _>(|plan| {
            let mut roles = Vec::new();
            for index in start..start.saturating_add(count) {
                let Some(role) = plan.role(index)? else { break };
                roles.push(description::Role {
                    name: role.name()?.into(),
                    description: role.description()?.map(String::from),
                });
            }
            Ok(roles)
        })
        .unwrap_or_default()
    }

    fn rules(role: String, start: u32, count: u32) -> Option<Vec<description::Rule>> {
        described::<P, _>(|plan| {
            let Some(role) = plan.find_role(&role)? else {
                return Ok(None);
            };
            let rules = role.rules(start, count)?;
            let rules = rules.iter().map(described_rule);
            rules.collect::<Result<_, _>>().map(Some)
        })
        .flatten()
    }

    fn forbids(role: Option<String>, start: u32, count: u32) -> Option<Vec<description::Forbid>> {
        if P::PLAN.is_none() {
            return role.is_none().then(Vec::new);
        }
        described::<P, _>(|plan| {
            let forbids = match role {
                None => plan.forbids(start, count)?,
                Some(role) => match plan.find_role(&role)? {
                    Some(role) => role.forbids(start, count)?,
                    None => return Ok(None),
                },
            };
            let forbids = forbids.iter().map(described_forbid);
            forbids.collect::<Result<_, _>>().map(Some)
        })
        .flatten()
    }

    fn scope(id: u32) -> Option<description::FileScope> {
        described::<P, _>(|plan| plan.scope(id))
            .flatten()
            .map(Into::into)
    }

    fn terms(id: u32) -> Option<description::ApprovalTerms> {
        let terms = match id.checked_sub(plan_terms::<P>()) {
            Some(index) => P::TERMS.get(index as usize)?.told(),
            None => described::<P, _>(|plan| plan.terms(id)).flatten()?,
        };
        Some(description::ApprovalTerms {
            roles: terms.roles,
            expires: terms.expires,
            approvers: terms.approvers,
            reason_required: terms.reason_required,
        })
    }
}

/// How many terms the narrowed YAML policy has.
fn plan_terms<P: Exported>() -> u32 {
    described::<P, _>(|plan| plan.about()).map_or(0, |about| about.terms)
}

fn count<T>(items: &[T]) -> u32 {
    u32::try_from(items.len()).unwrap_or(u32::MAX)
}

/// What the narrowed YAML policy says of itself. None: there is none, or it is damaged.
fn described<P: Exported, R>(
    describe: impl FnOnce(&Plan<'static>) -> Result<R, Damaged>,
) -> Option<R> {
    describe(&Plan::open(P::PLAN?).ok()?).ok()
}

fn described_rule(rule: &RuleRef<'_>) -> Result<description::Rule, Damaged> {
    Ok(description::Rule {
        tools: match rule.tools()? {
            Tools::Unlisted => description::Tools::Unlisted,
            Tools::Exact(name) => description::Tools::Exact(name.into()),
            Tools::Pattern(pattern) => description::Tools::Pattern(pattern.into()),
        },
        mode: match rule.mode()? {
            Mode::Deny => description::Mode::Deny,
            Mode::NeedsApproval => description::Mode::NeedsApproval,
            Mode::Allow => description::Mode::Allow,
        },
        constraints: texts(rule.constraints()?),
        scope: rule.scope()?,
        terms: rule.terms()?,
        message: rule.message()?.map(String::from),
        description: rule.description()?.map(String::from),
    })
}

fn described_forbid(forbid: &ForbidRef<'_>) -> Result<description::Forbid, Damaged> {
    Ok(description::Forbid {
        tools: texts(forbid.tools()?),
        constraints: texts(forbid.constraints()?),
        scope: forbid.scope()?,
        message: forbid.message()?.map(String::from),
        description: forbid.description()?.map(String::from),
    })
}

fn texts(texts: Vec<&str>) -> Vec<String> {
    texts.into_iter().map(String::from).collect()
}

fn hexadecimal(digest: &[u8; 32]) -> String {
    let digit = |value: u8| char::from_digit(value.into(), 16).unwrap_or_default();
    digest
        .iter()
        .flat_map(|byte| [digit(byte >> 4), digit(byte & 15)])
        .collect()
}

impl From<Verdict> for decision::Verdict {
    fn from(verdict: Verdict) -> Self {
        let grant = |grant: contract::Grant| decision::Grant {
            role: grant.role,
            scope: grant.scope,
        };
        match verdict {
            Verdict::Deny(denial) => Self::Deny(decision::Denial {
                reason: denial.reason,
                violations: denial.violations,
                hint: denial.hint.map(PathScope::from),
                message: denial.message,
            }),
            Verdict::NeedsApproval(needed) => Self::NeedsApproval(decision::NeededApproval {
                grant: grant(needed.grant),
                terms: needed.terms,
                message: needed.message,
            }),
            Verdict::Allow(granted) => Self::Allow(grant(granted)),
        }
    }
}

impl From<contract::PathScope> for PathScope {
    fn from(paths: contract::PathScope) -> Self {
        Self {
            allowed: paths.allowed,
            denied: paths.denied,
            except: paths.except,
        }
    }
}

impl From<contract::FileScope> for description::FileScope {
    fn from(scope: contract::FileScope) -> Self {
        let exclusions = scope.exclusions.into_iter();
        Self {
            arguments: scope.arguments,
            search: scope.search,
            paths: scope.paths.into(),
            style: scope.style.into(),
            exclusions: exclusions
                .map(|exclusion| description::Exclusion {
                    paths: exclusion.paths.into(),
                    style: exclusion.style.into(),
                })
                .collect(),
        }
    }
}

impl From<PathStyle> for description::PathStyle {
    fn from(style: PathStyle) -> Self {
        match style {
            PathStyle::Posix => Self::Posix,
            PathStyle::Windows => Self::Windows,
        }
    }
}

impl From<hexgate_eval::Error> for decision::Error {
    fn from(error: hexgate_eval::Error) -> Self {
        use contract::Error;
        match error {
            Error::Malformed(it) => Self::Malformed(decision::Malformed {
                field: match it.field {
                    Field::Roles => decision::Field::Roles,
                    Field::Tool => decision::Field::Tool,
                    Field::Arguments => decision::Field::Arguments,
                    Field::Facts => decision::Field::Facts,
                },
                offset: it.offset,
                reason: it.reason.into(),
            }),
            Error::Exceeded(it) => Self::Exceeded(decision::Exceeded {
                limit: it.limit.into(),
                allowed: it.allowed,
            }),
            Error::Internal(what) => Self::Internal(what.into()),
        }
    }
}
