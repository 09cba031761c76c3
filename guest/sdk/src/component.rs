//! The interfaces of the world, generated from the contract, and filled in for any policy.

use alloc::{string::String, vec::Vec};
use core::marker::PhantomData;

use hexgate_contract::{self as contract, Coverage, Field, Limits, Mode, Request, Verdict};
use hexgate_eval::plan::{Damaged, Plan, RuleRef};

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
            limits: description::Limits {
                arguments_bytes: limits.arguments_bytes,
                facts_bytes: limits.facts_bytes,
            },
        }
    }

    fn roles(start: u32, count: u32) -> Vec<String> {
        described::<P, _>(|plan| {
            let mut names = Vec::new();
            for index in start..start.saturating_add(count) {
                let Some(role) = plan.role(index)? else { break };
                names.push(role.name()?.into());
            }
            Ok(names)
        })
        .unwrap_or_default()
    }

    fn rules(role: String, start: u32, count: u32) -> Option<Vec<description::Rule>> {
        described::<P, _>(|plan| {
            let Some(role) = plan.find_role(&role)? else {
                return Ok(None);
            };
            let mut rules = Vec::new();
            for index in start..start.saturating_add(count) {
                let Some(rule) = role.rule(index)? else { break };
                rules.push(described_rule(&rule)?);
            }
            Ok(Some(rules))
        })
        .flatten()
    }

    fn scope(id: u32) -> Option<description::FileScope> {
        described::<P, _>(|plan| {
            let Some(scope) = plan.scope(id)? else {
                return Ok(None);
            };
            Ok(Some(description::FileScope {
                argument: scope.argument()?.into(),
                paths: scope.paths()?.into(),
            }))
        })
        .flatten()
    }
}

/// What the narrowed YAML policy says of itself. None: there is none, or it is damaged.
fn described<P: Exported, R>(
    describe: impl FnOnce(&Plan<'static>) -> Result<R, Damaged>,
) -> Option<R> {
    describe(&Plan::open(P::PLAN?).ok()?).ok()
}

fn described_rule(rule: &RuleRef<'_>) -> Result<description::Rule, Damaged> {
    let mut constraints = Vec::new();
    for index in 0..rule.constraint_count()? {
        constraints.push(rule.constraint(index)?.into());
    }
    Ok(description::Rule {
        tool: rule.tool()?.map(String::from),
        mode: match rule.mode()? {
            Mode::Deny => description::Mode::Deny,
            Mode::NeedsApproval => description::Mode::NeedsApproval,
            Mode::Allow => description::Mode::Allow,
        },
        constraints,
        scope: rule.scope()?,
    })
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
            }),
            Verdict::NeedsApproval(granted) => Self::NeedsApproval(grant(granted)),
            Verdict::Allow(granted) => Self::Allow(grant(granted)),
        }
    }
}

impl From<contract::PathScope> for PathScope {
    fn from(paths: contract::PathScope) -> Self {
        Self {
            allowed: paths.allowed,
            denied: paths.denied,
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
