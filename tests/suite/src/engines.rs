//! The real engines behind one signature: the evaluator in this process, and the component in the host.

use hexgate_compiler::{Compiled, Compiler, diagnostic::Diagnostic};

use crate::case::{Answer, Call, Denial, Grant, Paths};

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

    /// Answers a call.
    pub fn answer(&mut self, call: &Call) -> Answer {
        use hexgate_eval::{Error, Field, Verdict};
        let roles: Vec<&str> = call.roles.iter().map(String::as_str).collect();
        let request = hexgate_eval::Request::new(&call.tool, &call.args)
            .roles(&roles)
            .optional_facts(call.facts.as_deref());
        let grant = |grant: hexgate_eval::Grant| {
            let scope = match grant.scope.map(|id| {
                self.plan
                    .scope(id)
                    .and_then(|scope| scope.map(|scope| scope.paths()).transpose())
            }) {
                None => None,
                Some(Ok(Some(paths))) => Some(Paths {
                    allowed: paths.allowed,
                    denied: paths.denied,
                }),
                Some(other) => return Err(format!("scope {:?}: {other:?}", grant.scope)),
            };
            Ok(Grant {
                role: grant.role,
                scope,
            })
        };
        let answer = match self.workspace.decide(&self.plan, &request) {
            Ok(Verdict::Allow(granted)) => grant(granted).map(Answer::Allow),
            Ok(Verdict::NeedsApproval(granted)) => grant(granted).map(Answer::NeedsApproval),
            Ok(Verdict::Deny(denial)) => Ok(Answer::Deny(Denial {
                reason: denial.reason,
                violations: denial.violations,
                hint: denial.hint.map(|paths| Paths {
                    allowed: paths.allowed,
                    denied: paths.denied,
                }),
            })),
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
        use hexgate_host::{DecideError, Field, Verdict};
        let roles: Vec<&str> = call.roles.iter().map(String::as_str).collect();
        let mut request = hexgate_host::Request::new(&call.tool, &call.args).roles(&roles);
        if let Some(facts) = &call.facts {
            request = request.facts(facts);
        }
        let grant = |grant: hexgate_host::Grant| {
            let scope = match grant.scope.map(|id| self.0.scope(id)) {
                None => None,
                Some(Ok(Some(scope))) => Some(Paths {
                    allowed: scope.paths.allowed,
                    denied: scope.paths.denied,
                }),
                Some(other) => return Err(format!("scope {:?}: {other:?}", grant.scope)),
            };
            Ok(Grant {
                role: grant.role,
                scope,
            })
        };
        let answer = match self.0.decide(&request) {
            Ok(Verdict::Allow(granted)) => grant(granted).map(Answer::Allow),
            Ok(Verdict::NeedsApproval(granted)) => grant(granted).map(Answer::NeedsApproval),
            Ok(Verdict::Deny(denial)) => Ok(Answer::Deny(Denial {
                reason: denial.reason,
                violations: denial.violations,
                hint: denial.hint.map(|paths| Paths {
                    allowed: paths.allowed,
                    denied: paths.denied,
                }),
            })),
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
