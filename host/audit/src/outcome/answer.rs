//! The outcome of a policy's answer.

use hexgate_host::{
    DecideError, Denial, ErrorKind, Grant, NeededApproval, PathScope, Policy, Request, Verdict,
};

use super::{ErrorClass, Hint, Outcome};

impl Outcome {
    /// Asks a policy about a call.
    #[must_use]
    pub fn ask(
        policy: &Policy,
        roles: &[&str],
        tool: &str,
        arguments: &str,
        facts: Option<&str>,
    ) -> Self {
        let request = Request::new(tool, arguments).roles(roles);
        let answer = match facts {
            Some(facts) => policy.decide(&request.facts(facts)),
            None => policy.decide(&request),
        };
        Self::from(&answer)
    }
}

impl From<&Result<Verdict, DecideError>> for Outcome {
    fn from(answer: &Result<Verdict, DecideError>) -> Self {
        match answer {
            Ok(Verdict::Allow(Grant { role, scope })) => Self::Allow {
                role: *role,
                scope: *scope,
            },
            Ok(Verdict::NeedsApproval(NeededApproval {
                grant: Grant { role, scope },
                terms,
                message,
            })) => Self::NeedsApproval {
                role: *role,
                scope: *scope,
                terms: *terms,
                message: message.clone(),
            },
            Ok(Verdict::Deny(denial)) => denial.into(),
            Err(error) => error.into(),
        }
    }
}

impl From<&Denial> for Outcome {
    fn from(denial: &Denial) -> Self {
        Self::Deny {
            reason: denial.reason.clone(),
            violations: denial.violations.clone(),
            hint: denial.hint.as_ref().map(Hint::from),
            message: denial.message.clone(),
        }
    }
}

impl From<&DecideError> for Outcome {
    fn from(error: &DecideError) -> Self {
        Self::Error {
            error: error.kind().into(),
            reason: error.to_string(),
        }
    }
}

impl From<&PathScope> for Hint {
    fn from(scope: &PathScope) -> Self {
        Self {
            allowed: scope.allowed.clone(),
            denied: scope.denied.clone(),
            except: scope.except.clone(),
        }
    }
}

impl From<ErrorKind> for ErrorClass {
    fn from(kind: ErrorKind) -> Self {
        match kind {
            ErrorKind::Malformed => Self::Malformed,
            ErrorKind::Exceeded => Self::Exceeded,
            ErrorKind::Guest => Self::Guest,
            ErrorKind::Validity => Self::Validity,
            // A kind that is unknown here counts as the machine's fault.
            _ => Self::Host,
        }
    }
}
