//! Asking a policy, by either engine.

use anyhow::Context;
use clap::ValueEnum;
use hexgate_compiler::Engine;
use hexgate_eval::{Plan, Workspace};
use hexgate_host::{
    DecideError, Denial, Effect, ErrorKind, Exceeded, Grant, Malformed, Request, Verdict,
    contract::approval,
};

use super::subject::Subject;

/// Which engine decides.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum EngineName {
    /// The component as it is, in the WebAssembly runtime: what an agent's host does
    Native,
    /// The same policy as Rego, compiled by `opa` into a component, in the WebAssembly runtime
    Rego,
    /// The evaluator, in this process
    Reference,
}

impl EngineName {
    /// As on the command line.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Native => "native",
            Self::Rego => "rego",
            Self::Reference => "reference",
        }
    }

    /// The engine of the component, if the option names one.
    pub(super) fn made_for(self) -> Option<Engine> {
        (self == Self::Rego).then_some(Engine::Rego)
    }
}

/// A tool call. Arguments and facts are passed on byte for byte.
#[derive(Debug, Clone, Copy)]
pub(super) struct Call<'a> {
    pub(super) roles: &'a [String],
    pub(super) tool: &'a str,
    pub(super) arguments: &'a str,
    pub(super) facts: Option<&'a str>,
}

/// A verdict, the same from either engine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Answer {
    pub(super) outcome: Effect,
    /// The role on whose authority the call may happen; none for a denial.
    pub(super) role: Option<String>,
    pub(super) reason: String,
    pub(super) violations: Vec<String>,
    /// The pattern lists that denied the call.
    pub(super) hint: Option<hexgate_host::PathScope>,
    /// The file scope within which the call may happen.
    pub(super) scope: Option<u32>,
    /// What the policy's author wants the model to be told.
    pub(super) message: Option<String>,
    /// Who has to agree.
    pub(super) terms: Option<hexgate_host::ApprovalTerms>,
}

/// Why there is no verdict.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum Failure {
    /// A part of the call cannot be understood.
    #[error(transparent)]
    Malformed(Malformed),
    /// A part of the call is larger than the policy accepts.
    #[error(transparent)]
    Exceeded(Exceeded),
    /// The machine failed.
    #[error("{0}")]
    Host(String),
}

/// An engine with a policy in it.
pub(super) enum Decider<'s> {
    Native(Box<hexgate_host::Policy>),
    Reference(Plan<'s>, Workspace),
}

impl<'s> Decider<'s> {
    /// Starts an engine for a subject.
    pub(super) fn new(subject: &'s Subject, engine: EngineName) -> anyhow::Result<Self> {
        match engine {
            EngineName::Reference => Ok(Self::Reference(
                subject.known("`--engine reference`")?,
                Workspace::new(),
            )),
            EngineName::Native | EngineName::Rego => {
                let engine = hexgate_host::Engine::new().context("cannot start the runtime")?;
                Ok(Self::Native(Box::new(subject.load(&engine)?)))
            }
        }
    }

    /// Decides a call.
    pub(super) fn decide(&mut self, call: &Call<'_>) -> Result<Answer, Failure> {
        let roles: Vec<&str> = call.roles.iter().map(String::as_str).collect();
        let request = Request::new(call.tool, call.arguments)
            .roles(&roles)
            .optional_facts(call.facts);
        let verdict = match self {
            Self::Native(policy) => policy.decide(&request),
            Self::Reference(plan, workspace) => workspace
                .decide(plan, &request)
                .map_err(|error| error.map(str::to_owned).into()),
        };
        match verdict {
            Ok(Verdict::NeedsApproval(needed)) => {
                let terms = match needed.terms {
                    None => None,
                    Some(id) => Some(self.terms(id)?),
                };
                Ok(Answer {
                    message: needed.message,
                    terms,
                    ..granted(Effect::NeedsApproval, needed.grant, call)?
                })
            }
            Ok(Verdict::Allow(grant)) => granted(Effect::Allow, grant, call),
            Ok(Verdict::Deny(denial)) => Ok(denied(denial)),
            Err(DecideError::Malformed(malformed)) => Err(Failure::Malformed(malformed)),
            Err(DecideError::Exceeded(exceeded)) => Err(Failure::Exceeded(exceeded)),
            Err(error) => match error.kind() {
                // The policy is at fault, and an agent's host denies for it.
                ErrorKind::Guest | ErrorKind::Validity => Ok(denied(error.to_denial())),
                _ => Err(Failure::Host(error.to_string())),
            },
        }
    }

    fn terms(&self, id: u32) -> Result<hexgate_host::ApprovalTerms, Failure> {
        let host = |what: String| Failure::Host(what);
        let terms = match self {
            Self::Native(policy) => policy.terms(id).map_err(|error| host(error.to_string()))?,
            Self::Reference(plan, _) => plan
                .terms(id)
                .map_err(|damaged| host(damaged.what().to_owned()))?,
        };
        terms.ok_or_else(|| host(format!("there are no terms {id}")))
    }

    /// The names of the roles that the policy knows; None if it is opaque.
    pub(super) fn known_roles(&self) -> anyhow::Result<Option<Vec<String>>> {
        match self {
            Self::Reference(plan, _) => roles_of(plan).map(Some),
            Self::Native(policy) => {
                if policy.about().coverage == hexgate_host::Coverage::Opaque {
                    return Ok(None);
                }
                Ok(policy.describe().ok().map(|description| {
                    description
                        .roles
                        .into_iter()
                        .map(|role| role.name)
                        .collect()
                }))
            }
        }
    }
}

/// The names of the roles in a plan.
pub(super) fn roles_of(plan: &Plan<'_>) -> anyhow::Result<Vec<String>> {
    let mut names = Vec::new();
    for index in 0..plan.about()?.roles {
        if let Some(role) = plan.role(index)? {
            names.push(role.name()?.to_owned());
        }
    }
    Ok(names)
}

fn granted(outcome: Effect, grant: Grant, call: &Call<'_>) -> Result<Answer, Failure> {
    let role = match grant.role {
        None => "default",
        Some(index) => {
            let named = usize::try_from(index)
                .ok()
                .and_then(|index| call.roles.get(index));
            named.ok_or_else(|| {
                Failure::Host(format!(
                    "the deciding role {index} is not one of the caller's"
                ))
            })?
        }
    };
    let reason = match outcome {
        Effect::NeedsApproval => approval(call.tool),
        _ => String::new(),
    };
    Ok(Answer {
        outcome,
        role: Some(role.to_owned()),
        reason,
        violations: Vec::new(),
        hint: None,
        scope: grant.scope,
        message: None,
        terms: None,
    })
}

fn denied(denial: Denial) -> Answer {
    Answer {
        outcome: Effect::Deny,
        role: None,
        reason: denial.reason,
        violations: denial.violations,
        hint: denial.hint,
        scope: None,
        message: denial.message,
        terms: None,
    }
}
