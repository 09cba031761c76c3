//! What a policy answered, as an outcome.

use hexgate_host::{DecideError, Denial, ErrorKind, Grant, PathScope, Policy, Request, Verdict};

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
            Ok(Verdict::NeedsApproval(Grant { role, scope })) => Self::NeedsApproval {
                role: *role,
                scope: *scope,
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
            // A kind that is not known here is nobody's fault but the machine's.
            _ => Self::Host,
        }
    }
}
