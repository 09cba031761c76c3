//! The real engines behind one signature: the evaluator in this process, and the component in the host.

use hexgate_compiler::{Compiled, Compiler, diagnostic::Diagnostic};

use hexgate_eval::contract::{
    ApprovalTerms, FileScope, PathScope, PathStyle, Verdict,
};

use crate::case::{
    Answer, Bounds, Call, Denial, Exclusion, Grant, Needed, Paths, Terms,
};

/// A policy was refused.
#[derive(Debug)]
pub struct Refused(pub Vec<Diagnostic>);

impl std::fmt::Display for Refused {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let errors: Vec<String> = self
            .0
            .iter()
            .filter(|diagnostic| diagnostic.is_error())
            .map(|diagnostic| format!("{}: {}", diagnostic.code, diagnostic.message))
            .collect();
        write!(f, "refused: {}", errors.join("; "))
    }
}

/// Compiles the text of a policy.
pub fn compile(text: &str) -> Result<Compiled, Refused> {
    let outcome = Compiler::default().compile_str("policy.yaml", text);
    outcome.policy.ok_or(Refused(outcome.diagnostics))
}

/// The evaluator, in this process.
#[derive(Debug)]
pub struct Reference<'p> {
    plan: hexgate_eval::Plan<'p>,
    workspace: hexgate_eval::Workspace,
}

impl<'p> Reference<'p> {
    /// Opens the plan of a policy.
    pub fn open(policy: &'p Compiled) -> Result<Self, String> {
        Self::of_plan(&policy.plan)
    }

    /// Opens a plan.
    pub fn of_plan(plan: &'p [u8]) -> Result<Self, String> {
        let plan = hexgate_eval::Plan::open(plan).map_err(|damaged| damaged.what().to_owned())?;
        plan.validate().map_err(|invalid| invalid.to_string())?;
        Ok(Self {
            plan,
            workspace: hexgate_eval::Workspace::new(),
        })
    }

    /// All that paths must satisfy, by number.
    pub fn scopes(&self) -> Vec<Bounds> {
        (0..)
            .map_while(|id| self.plan.scope(id).ok().flatten())
            .map(bounds)
            .collect()
    }

    /// Answers a call.
    pub fn answer(&mut self, call: &Call) -> Answer {
        use hexgate_eval::{Error, Field};
        let roles: Vec<&str> = call.roles.iter().map(String::as_str).collect();
        let request = hexgate_eval::Request::new(&call.tool, &call.args)
            .roles(&roles)
            .optional_facts(call.facts.as_deref());
        let answer = match self.workspace.decide(&self.plan, &request) {
            Ok(verdict) => answered(
                verdict,
                |id| self.plan.scope(id).ok().flatten(),
                |id| self.plan.terms(id).ok().flatten(),
            ),
            Err(Error::Malformed(it)) => Ok(Answer::Malformed(match it.field {
                Field::Roles => "roles",
                Field::Tool => "tool",
                Field::Arguments => "arguments",
                Field::Facts => "facts",
            })),
            Err(Error::Exceeded(it)) => Ok(Answer::Exceeded(it.limit.to_owned())),
            Err(error @ Error::Internal(_)) => Err(error.to_string()),
        };
        answer.unwrap_or_else(Answer::Broken)
    }
}

/// A verdict with what its numbers stand for.
fn answered(
    verdict: Verdict,
    scope: impl Fn(u32) -> Option<FileScope>,
    terms: impl Fn(u32) -> Option<ApprovalTerms>,
) -> Result<Answer, String> {
    let grant = |grant: hexgate_eval::contract::Grant| {
        let found = |id| scope(id).ok_or_else(|| format!("no scope {id}"));
        Ok::<_, String>(Grant {
            role: grant.role,
            scope: grant.scope.map(found).transpose()?.map(bounds),
        })
    };
    Ok(match verdict {
        Verdict::Allow(granted) => Answer::Allow(grant(granted)?),
        Verdict::NeedsApproval(needed) => {
            let found = |id| terms(id).ok_or_else(|| format!("no terms {id}"));
            let terms = needed.terms.map(found).transpose()?;
            Answer::NeedsApproval(Needed {
                grant: grant(needed.grant)?,
                terms: terms.map(|terms| Terms {
                    roles: terms.roles,
                    expires: terms.expires,
                    approvers: terms.approvers,
                    reason_required: terms.reason_required,
                }),
                message: needed.message,
            })
        }
        Verdict::Deny(denial) => Answer::Deny(Denial {
            reason: denial.reason,
            violations: denial.violations,
            hint: denial.hint.map(paths),
            message: denial.message,
        }),
    })
}

fn bounds(scope: FileScope) -> Bounds {
    let exclusions = scope.exclusions.into_iter().map(|exclusion| Exclusion {
        paths: paths(exclusion.paths),
        windows: exclusion.style == PathStyle::Windows,
    });
    let mut exclusions: Vec<Exclusion> = exclusions.collect();
    exclusions.sort();
    exclusions.dedup();
    Bounds {
        arguments: scope.arguments,
        search: scope.search,
        paths: paths(scope.paths),
        windows: scope.style == PathStyle::Windows,
        exclusions,
    }
}

fn paths(paths: PathScope) -> Paths {
    Paths {
        allowed: paths.allowed,
        denied: paths.denied,
        except: paths.except,
    }
}

/// The component, in the host.
#[cfg(feature = "host")]
#[derive(Debug)]
pub struct Component(hexgate_host::Policy);

#[cfg(feature = "host")]
impl Component {
    /// Loads a policy. `known`: with kept instances, as policies of the shipped engine are run; else as if the host had never seen the
    /// component, with a fresh instance a decision.
    pub fn load(
        engine: &hexgate_host::Engine,
        policy: &Compiled,
        known: bool,
    ) -> Result<Self, String> {
        let isolation = if known {
            hexgate_host::Isolation::AsKnown
        } else {
            hexgate_host::Isolation::Full
        };
        Self::of_bytes(engine, &policy.component, isolation)
    }

    /// Loads a component, whatever made it.
    pub fn of_bytes(
        engine: &hexgate_host::Engine,
        component: &[u8],
        isolation: hexgate_host::Isolation,
    ) -> Result<Self, String> {
        let policy = hexgate_host::Policy::dangerous_from_unverified_bytes_with(
            engine, component, isolation,
        );
        policy.map(Self).map_err(|error| error.to_string())
    }

    /// The policy in the host.
    pub fn policy(&self) -> &hexgate_host::Policy {
        &self.0
    }

    /// Answers a call.
    pub fn answer(&self, call: &Call) -> Answer {
        use hexgate_host::{DecideError, Field};
        let roles: Vec<&str> = call.roles.iter().map(String::as_str).collect();
        let mut request = hexgate_host::Request::new(&call.tool, &call.args).roles(&roles);
        if let Some(facts) = &call.facts {
            request = request.facts(facts);
        }
        let answer = match self.0.decide(&request) {
            Ok(verdict) => answered(
                verdict,
                |id| self.0.scope(id).ok().flatten(),
                |id| self.0.terms(id).ok().flatten(),
            ),
            Err(DecideError::Malformed(it)) => Ok(Answer::Malformed(match it.field {
                Field::Roles => "roles",
                Field::Tool => "tool",
                Field::Arguments => "arguments",
                Field::Facts => "facts",
            })),
            Err(DecideError::Exceeded(it)) => Ok(Answer::Exceeded(it.limit)),
            Err(error) => Err(error.to_string()),
        };
        answer.unwrap_or_else(Answer::Broken)
    }
}
